"""Events: numbered for each agency after commit, read by each agency as its feed."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.listening import DELIVERY, FEED
from db.transaction import Tx
from rules.selections import Place, Selection

_ONE_AT_A_TIME = 7_461_010
_AGENCIES_A_NOTIFICATION = 200  # a payload holds 8,000 bytes


class Entry(NamedTuple):
    """One row of a feed, ready to be written."""

    agency_id: UUID
    sequence: int
    event_id: UUID
    type: str
    subject_id: UUID
    payload: str
    case_kind: str | None
    county: str | None


class FeedRow(NamedTuple):
    sequence: int
    payload: str


async def take_turn(raw: Raw) -> bool:
    """Whether this transaction is the one that numbers now. A statement after it sees all that its forerunner wrote."""
    return bool(await raw.fetchval("SELECT pg_try_advisory_xact_lock($1)", _ONE_AT_A_TIME))


async def unnumbered(raw: Raw, types: Sequence[str], limit: int) -> list[asyncpg.Record]:
    """Facts nobody was told of yet, in the order of each case. Types this version does not know wait for a newer."""
    return await raw.fetch(
        "SELECT id, type, subject_type, subject_id, subject_version, case_id, actor_agency_id,"
        "       parties::text, correlation_id, data::text, occurred_at, recorded_at "
        "  FROM event WHERE numbered_at IS NULL AND type = ANY ($1) ORDER BY position LIMIT $2",
        list(types),
        limit,
    )


async def participants_of(raw: Raw, case_ids: Collection[UUID]) -> list[asyncpg.Record]:
    """Who ever took part in these cases, from when to when."""
    return await raw.fetch(
        "SELECT case_id, agency_id, role, since, until FROM participant WHERE case_id = ANY ($1)", list(case_ids)
    )


async def places_of(raw: Raw, case_ids: Collection[UUID]) -> dict[UUID, Place]:
    """Kind and county of each case, for the numbering alone. One statement."""
    rows = await raw.fetch("SELECT * FROM places_of_cases($1)", list(case_ids))
    return {row["case_id"]: Place(row["kind"], row["county"]) for row in rows}


async def advance_heads(raw: Raw, counts: Mapping[UUID, int]) -> dict[UUID, int]:
    """Moves the last number of each agency on by its count; returns the new ones. Locks in the agencies' order.

    An id that is no agency's is left out: a fact with a wrong party must not stop the numbering of all others.
    """
    rows = await raw.fetch(
        "INSERT INTO feed_head AS h (agency_id, sequence) "
        "SELECT a.id, c.n FROM unnest($1::uuid[], $2::bigint[]) AS c (id, n) JOIN agency a ON a.id = c.id "
        " ORDER BY a.id ON CONFLICT (agency_id) DO UPDATE SET sequence = h.sequence + EXCLUDED.sequence "
        "RETURNING agency_id, sequence",
        list(counts),
        list(counts.values()),
    )
    return {row["agency_id"]: row["sequence"] for row in rows}


async def insert_entries(raw: Raw, entries: Sequence[Entry]) -> None:
    columns = list(zip(*entries, strict=True))
    await raw.execute(
        "INSERT INTO feed_entry (agency_id, sequence, event_id, type, subject_id, payload, case_kind, county,"
        "                        numbered_at) "
        "SELECT *, now() FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::uuid[], $6::jsonb[],"
        "                            $7::text[], $8::text[])",
        *columns,
    )


async def mark_numbered(raw: Raw, event_ids: Sequence[UUID]) -> None:
    await raw.execute("UPDATE event SET numbered_at = now() WHERE id = ANY ($1)", list(event_ids))


async def announce(raw: Raw, agencies: Iterable[UUID]) -> None:
    """Wakes readers of these feeds, and whoever delivers, when the transaction commits.

    Only the sequencer notifies: a NOTIFY in every business transaction would make their commits queue up.
    """
    names = [str(agency) for agency in agencies]
    for start in range(0, len(names), _AGENCIES_A_NOTIFICATION):
        await raw.execute("SELECT pg_notify($1, $2)", FEED, ",".join(names[start : start + _AGENCIES_A_NOTIFICATION]))
    await raw.execute("SELECT pg_notify($1, '')", DELIVERY)


async def read_feed(tx: Tx, *, after: int, limit: int, selection: Selection) -> tuple[int, list[FeedRow]]:
    """The agency's last number and its entries behind `after`, of one moment: what is numbered later is above both.
    One statement."""
    rows = await tx.rows(
        _FEED,
        tx.agency_id,
        after,
        limit,
        list(selection.types),
        list(selection.case_kinds),
        list(selection.beginnings),
    )
    entries = [FeedRow(row["sequence"], row["payload"]) for row in rows if row["sequence"] is not None]
    return rows[0]["head"], entries


_SELECTED = """('*' = ANY ($4::text[]) OR type = ANY ($4) OR split_part(type, '.', 1) || '.*' = ANY ($4))
           AND (cardinality($5::text[]) = 0 OR case_kind IS NULL OR case_kind = ANY ($5))
           AND (cardinality($6::text[]) = 0 OR county IS NULL
                OR EXISTS (SELECT FROM unnest($6) AS b WHERE starts_with(county, b)))"""
"""What `Selection.admits` says, of a feed entry: $4 types, $5 kinds of case, $6 beginnings of division codes."""

_FEED = f"""
SELECT coalesce(h.sequence, 0) AS head, e.sequence, e.payload
  FROM (VALUES ($1::uuid)) AS me (agency_id)
  LEFT JOIN feed_head h ON h.agency_id = me.agency_id
  LEFT JOIN LATERAL (
        SELECT sequence, payload::text AS payload FROM feed_entry
         WHERE agency_id = $1 AND sequence > $2
           AND {_SELECTED}
         ORDER BY sequence LIMIT $3) e ON true
 ORDER BY e.sequence"""  # noqa: S608  constants of this file


async def record(raw: Raw, events: Sequence[Mapping[str, object]], leaves: Sequence[Mapping[str, object]]) -> None:
    """Writes facts the program itself brought about, each with its audit leaf. One statement."""
    await raw.execute(_RECORD, json.dumps(events), json.dumps(leaves))


async def record_alone(raw: Raw, event: Mapping[str, object]) -> None:
    """Writes a fact that is no change of anybody's data, without a leaf. One statement."""
    await raw.execute(_RECORD_ALONE, json.dumps(event))


_RECORD_ALONE = """
INSERT INTO event (id, type, subject_type, subject_id, subject_version, case_id, actor_agency_id, parties,
                   correlation_id, data, occurred_at)
SELECT e.id, e.type, e.subject_type, e.subject_id, e.subject_version, e.case_id, e.actor_agency_id, e.parties,
       e.correlation_id, e.data, e.occurred_at
  FROM jsonb_to_record($1::jsonb) AS e (id uuid, type text, subject_type text, subject_id uuid,
       subject_version integer, case_id uuid, actor_agency_id uuid, parties jsonb, correlation_id text, data jsonb,
       occurred_at timestamptz)"""

_RECORD = """
WITH fact AS (
    INSERT INTO event (id, type, subject_type, subject_id, subject_version, case_id, actor_agency_id, parties,
                       correlation_id, data, occurred_at)
    SELECT e.id, e.type, e.subject_type, e.subject_id, e.subject_version, e.case_id, e.actor_agency_id, e.parties,
           e.correlation_id, e.data, e.occurred_at
      FROM jsonb_to_recordset($1::jsonb) AS e (id uuid, type text, subject_type text, subject_id uuid,
           subject_version integer, case_id uuid, actor_agency_id uuid, parties jsonb, correlation_id text, data jsonb,
           occurred_at timestamptz))
INSERT INTO audit_leaf (id, at, agency_id, principal_kind, principal_id, actor, action, subject_type, subject_id,
                        case_id, field_classes, purpose, request_id, facts, salt, algorithm, commitment)
SELECT l.id, l.at, l.agency_id, l.principal_kind, l.principal_id, l.actor, l.action, l.subject_type, l.subject_id,
       l.case_id, '{}', l.purpose, l.request_id, l.facts, decode(l.salt, 'hex'), l.algorithm,
       decode(l.commitment, 'hex')
  FROM jsonb_to_recordset($2::jsonb) AS l (id uuid, at timestamptz, agency_id uuid, principal_kind text,
       principal_id uuid, actor text, action text, subject_type text, subject_id uuid, case_id uuid, purpose text,
       request_id text, facts jsonb, salt text, algorithm text, commitment text)"""


async def forget_entries(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes the oldest entries of each feed that were numbered before a moment; returns how many. One statement."""
    return int(
        await raw.fetchval(
            "WITH old AS (SELECT e.agency_id, e.sequence FROM feed_head h CROSS JOIN LATERAL ("
            "        SELECT agency_id, sequence, numbered_at FROM feed_entry WHERE agency_id = h.agency_id"
            "         ORDER BY sequence LIMIT 500) e WHERE e.numbered_at < $1 LIMIT $2), "
            "gone AS (DELETE FROM feed_entry f USING old o"
            "          WHERE f.agency_id = o.agency_id AND f.sequence = o.sequence RETURNING 1) "
            "SELECT count(*) FROM gone",
            before,
            limit,
        )
    )

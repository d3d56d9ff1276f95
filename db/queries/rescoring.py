"""What is linked and what might be, for whoever asks what another model would say of it; and assertions to replay.

Every function runs in a transaction of role tongli_rescore, which reads no table: a few functions are all it has.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from db.engine import Raw

_AT_ONCE = 5_000
"""Rows a long answer is fetched by."""


async def take(
    raw: Raw, version: str | None, after: int, *, limit: int, since: datetime | None
) -> list[asyncpg.Record]:
    """The next records after a number that were compared under another model than `version`, all where it is None:
    (number, record_id, main, filed_in, features sealed). One statement."""
    return await raw.fetch("SELECT * FROM records_to_rescore($1, $2, $3, $4)", version, after, limit, since)


async def candidates(
    raw: Raw, keys: Sequence[tuple[int, int]], *, cap: int, growth: int, lock: bool
) -> list[asyncpg.Record]:
    """Records of the persons that share a key with a record of the batch, that record's own person among them:
    (position, record_id, person_id, features, at). `lock`: reports of the same people wait. One statement."""
    return await raw.fetch(
        "SELECT * FROM candidates_to_rescore($1::jsonb, $2, $3, $4)",
        json.dumps([[position, str(key)] for position, key in keys]),
        cap,
        growth,
        lock,
    )


async def persons(raw: Raw, records: Sequence[UUID]) -> list[asyncpg.Record]:
    """All records of the persons of these, the oldest first: (record_id, person_id, features, at). One statement."""
    return await raw.fetch("SELECT * FROM persons_to_rescore($1::uuid[])", list(records))


async def standing_links(raw: Raw, of_persons: Sequence[UUID]) -> list[asyncpg.Record]:
    """What makes these persons: (id, record_id, person_id, other_record_id, source, weight). One statement."""
    return await raw.fetch("SELECT * FROM links_to_rescore($1::uuid[])", list(of_persons))


async def settled_pairs(raw: Raw, of_persons: Sequence[UUID], version: str) -> set[frozenset[UUID]]:
    """Pairs of these persons that people said are two, or of whom they are asked, or were under this model. Two
    statements."""
    different = await raw.fetch("SELECT * FROM link_differences($1::uuid[])", list(of_persons))
    asked = await raw.fetch("SELECT * FROM pairs_in_review($1::uuid[], $2)", list(of_persons), version)
    return {frozenset((row["one"], row["other"])) for row in (*different, *asked)}


async def counts(raw: Raw, values: Sequence[int]) -> tuple[dict[int, int], int]:
    """In how many persons each value occurs, and how many records there were so far. One statement."""
    rows = await raw.fetch(
        "SELECT r.records, c.value, c.people FROM linked_records() AS r (records) "
        "LEFT JOIN link_counts($1::bigint[]) c ON true",
        list(values),
    )
    return {row["value"]: row["people"] for row in rows if row["value"] is not None}, rows[0]["records"]


async def keep(
    raw: Raw,
    records: Sequence[Mapping[str, object]],
    version: str,
    *,
    found: Sequence[Mapping[str, object]],
    doubted: Sequence[Mapping[str, object]],
    now: datetime,
) -> list[asyncpg.Record]:
    """Keeps that records (`number`, `keys` or None) were compared under a model, and what people should look at. What
    was opened that was not open: (kind, id, case_id, other_case_id, coordinators, silent, version). One statement."""
    return await raw.fetch(
        "SELECT * FROM keep_rescored($1::jsonb, $2, $3::jsonb, $4::jsonb, $5)",
        json.dumps(list(records)),
        version,
        json.dumps(list(found)),
        json.dumps(list(doubted)),
        now,
    )


async def every_assertion(raw: Raw) -> AsyncIterator[asyncpg.Record]:
    """(id, record_id, person_id, other_record_id, verdict, undone, withdraws), in the order they were made."""
    async for row in raw.cursor("SELECT * FROM assertions_to_replay()", prefetch=_AT_ONCE):
        yield row


async def every_record(raw: Raw) -> AsyncIterator[asyncpg.Record]:
    """(record_id, corrects, person_id, compared_as), in no order."""
    async for row in raw.cursor("SELECT * FROM records_to_replay()", prefetch=_AT_ONCE):
        yield row


async def settle(raw: Raw, records: Sequence[UUID], now: datetime) -> list[asyncpg.Record]:
    """Makes records belong to whom the assertions say, their households with them: (record_id, was, is_now, case_id,
    coordinator_agency_id) of those that changed. One statement."""
    return await raw.fetch("SELECT * FROM settle_replayed($1::uuid[], $2)", list(records), now)

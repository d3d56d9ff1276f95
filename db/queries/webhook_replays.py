"""Replays of webhook endpoints as their agency asks for them and as the jobs work them, a little at a time.

Which entries of the feed a replay is about is asked anew for each batch, behind the last that was looked at: the feed
says what the agency may have.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.queries.deliveries import NewDelivery
from db.transaction import Tx
from rules.selections import digits_below


class NewReplay(NamedTuple):
    """One replay, ready to be written. Behind `looked_at` and up to `until`, both sequences; None: up to the last."""

    id: UUID
    endpoint_id: UUID
    selection: str
    event_ids: Sequence[UUID]
    types: Sequence[str]
    since: datetime | None
    before: datetime | None
    looked_at: int
    until: int | None


async def insert_replay(tx: Tx, replay: NewReplay) -> None:
    """A replay that waits to be worked; its set ends with the feed as it stands now."""
    await tx.run(
        "INSERT INTO webhook_replay (id, endpoint_id, agency_id, selection, event_ids, types, since, before, looked_at,"
        "                            until, state, queued, next_at, created_at) "
        "SELECT $1, $2, $10, $3, $4, $5, $6, $7, $8, least($9::bigint, h.sequence), 'waiting', 0, now(), now() "
        "  FROM (SELECT coalesce(max(sequence), 0) AS sequence FROM feed_head WHERE agency_id = $10) h",
        *replay,
        tx.agency_id,
    )


_REPLAY = """SELECT r.id, r.endpoint_id, r.selection, r.event_ids, r.types, r.since, r.before, r.state, r.looked_at,
    r.until, r.matched, r.queued, r.created_at, r.finished_at,
    coalesce(r.succeeded, (SELECT count(*) FROM delivery d WHERE d.replay_id = r.id AND d.status = 'succeeded'))
        AS succeeded,
    coalesce(r.failed, (SELECT count(*) FROM delivery d WHERE d.replay_id = r.id AND d.status = 'dead')) AS failed
    FROM webhook_replay r"""


async def find_replay(tx: Tx, replay_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_REPLAY} WHERE r.id = $1 AND r.agency_id = $2", replay_id, tx.agency_id)


async def list_replays(tx: Tx, endpoint_id: UUID, *, before: UUID, limit: int) -> list[asyncpg.Record]:
    """The replays of one endpoint, newest first, from before `before` on."""
    return await tx.rows(
        f"{_REPLAY} WHERE r.endpoint_id = $1 AND r.agency_id = $2 AND r.id < $3 ORDER BY r.id DESC LIMIT $4",
        endpoint_id,
        tx.agency_id,
        before,
        limit,
    )


async def count_unfinished(tx: Tx, endpoint_id: UUID) -> int:
    return int(
        await tx.value(
            "SELECT count(*) FROM webhook_replay WHERE endpoint_id = $1 AND agency_id = $2 AND next_at IS NOT NULL",
            endpoint_id,
            tx.agency_id,
        )
    )


async def cancel(tx: Tx, replay_id: UUID) -> bool:
    """Ends a replay; False where it had ended. Waits for a batch that is being queued."""
    done = await tx.run(
        "UPDATE webhook_replay SET state = 'cancelled', next_at = NULL, finished_at = now() "
        " WHERE id = $1 AND agency_id = $2 AND state IN ('waiting', 'running')",
        replay_id,
        tx.agency_id,
    )
    return done == "UPDATE 1"


async def take_due(raw: Raw) -> asyncpg.Record | None:
    """The replay whose turn it is, held until the transaction ends; without those another process is at."""
    return await raw.fetchrow(
        "SELECT r.id, r.endpoint_id, r.agency_id, r.selection, r.event_ids, r.types, e.case_kinds, e.divisions,"
        "       r.since, r.before, r.state, r.looked_at, r.until, r.created_at "
        "  FROM webhook_replay r JOIN webhook_endpoint e ON e.id = r.endpoint_id "
        " WHERE r.next_at <= now() ORDER BY r.next_at, r.id LIMIT 1 FOR NO KEY UPDATE OF r SKIP LOCKED"
    )


_OF_THE_FEED = """ FROM feed_entry e
 WHERE e.agency_id = $1 AND e.sequence > $2 AND e.sequence <= $3 AND e.type <> 'endpoint.verification'
   AND (e.type <> 'endpoint.tested' OR e.subject_id = $4)"""
_IN_RANGE = f"""{_OF_THE_FEED}
   AND ('*' = ANY ($5::text[]) OR e.type = ANY ($5) OR split_part(e.type, '.', 1) || '.*' = ANY ($5))
   AND ($6::timestamptz IS NULL OR e.numbered_at >= $6) AND ($7::timestamptz IS NULL OR e.numbered_at < $7)
   AND (cardinality($8::text[]) = 0 OR e.case_kind IS NULL OR e.case_kind = ANY ($8))
   AND (cardinality($9::text[]) = 0 OR e.county IS NULL
        OR EXISTS (SELECT FROM unnest($9) AS b WHERE starts_with(e.county, b)))"""
_BY_ID = f"{_OF_THE_FEED} AND e.event_id = ANY ($5::uuid[])"
_FAILED = """ FROM (
    SELECT DISTINCT ON (d.sequence) d.sequence, d.event_id FROM delivery d
     WHERE d.endpoint_id = $4 AND d.status = 'dead' AND d.sequence > $2 AND d.sequence <= $3
       AND d.finished_at <= $5::timestamptz ORDER BY d.sequence) dead
  JOIN feed_entry e ON e.agency_id = $1 AND e.sequence = dead.sequence AND e.event_id = dead.event_id
 WHERE e.type <> 'endpoint.verification'"""
_COUNT = "SELECT count(*)::integer AS matched, min(e.sequence) AS first, max(e.sequence) AS last"
_ENTRIES = "SELECT e.sequence, e.event_id, e.type, e.subject_id, e.payload::text AS payload"


def _chosen(replay: asyncpg.Record) -> tuple[str, list[object]]:
    """Entries behind the last that was looked at, by how the replay chooses them: of a range, those of the kinds
    of case and places that the endpoint takes. Challenges are never sent again, and a test only to the endpoint that
    was tested."""
    bounds = [replay["agency_id"], replay["looked_at"], replay["until"], replay["endpoint_id"]]
    if replay["selection"] == "events":
        return _BY_ID, [*bounds, replay["event_ids"]]
    if replay["selection"] == "failed":
        return _FAILED, [*bounds, replay["created_at"]]
    kinds, divisions = replay["case_kinds"], [digits_below(code) for code in replay["divisions"]]
    return _IN_RANGE, [*bounds, replay["types"], replay["since"], replay["before"], kinds, divisions]


async def count_matching(raw: Raw, replay: asyncpg.Record) -> asyncpg.Record:
    """`matched`, and the `first` and `last` sequence of them (None where there is none)."""
    chosen, values = _chosen(replay)
    row = await raw.fetchrow(f"{_COUNT} {chosen}", *values)
    assert row is not None
    return row


async def next_entries(raw: Raw, replay: asyncpg.Record, limit: int) -> list[asyncpg.Record]:
    """The next entries of a replay in the feed's order: behind the last that was looked at."""
    chosen, values = _chosen(replay)
    return await raw.fetch(f"{_ENTRIES} {chosen} ORDER BY e.sequence LIMIT ${len(values) + 1}", *values, limit)


async def start(raw: Raw, replay_id: UUID, *, matched: int, looked_at: int, until: int) -> None:
    """From here on it is known how many entries there are, and between which sequences."""
    await raw.execute(
        "UPDATE webhook_replay SET state = 'running', matched = $2, looked_at = $3, until = $4 WHERE id = $1",
        replay_id,
        matched,
        looked_at,
        until,
    )


async def go_on(raw: Raw, replay_id: UUID, *, queued: int, looked_at: int, pause: timedelta) -> None:
    """So many more were queued, and everything up to `looked_at` was looked at; the next turn is after `pause`."""
    await raw.execute(
        "UPDATE webhook_replay SET queued = queued + $2, looked_at = $3, next_at = now() + $4::interval WHERE id = $1",
        replay_id,
        queued,
        looked_at,
        pause,
    )


async def finish(raw: Raw, replay_id: UUID, state: str) -> None:
    """The replay has ended; what became of its deliveries is kept."""
    await raw.execute(
        "UPDATE webhook_replay r SET state = $2, next_at = NULL, finished_at = now(), succeeded = d.succeeded,"
        "       failed = r.queued - d.succeeded "
        "  FROM (SELECT count(*)::integer AS succeeded FROM delivery WHERE replay_id = $1 AND status = 'succeeded') d "
        " WHERE r.id = $1",
        replay_id,
        state,
    )


async def count_waiting(raw: Raw, replay_id: UUID) -> int:
    """Deliveries of a replay that are not finished."""
    return int(
        await raw.fetchval("SELECT count(*) FROM delivery WHERE replay_id = $1 AND status = 'pending'", replay_id)
    )


async def revive(raw: Raw, replay_id: UUID, endpoint_id: UUID, sequences: Sequence[int], *, due: bool) -> set[int]:
    """Starts dead deliveries of these sequences over, one of each, as deliveries of the replay; which there were."""
    rows = await raw.fetch(
        "WITH dead AS (SELECT DISTINCT ON (sequence) id FROM delivery "
        "               WHERE endpoint_id = $2 AND status = 'dead' AND sequence = ANY ($3) ORDER BY sequence, id DESC) "
        "UPDATE delivery d SET status = 'pending', attempts = 0, replay = true, replay_id = $1, finished_at = NULL,"
        "       lease_token = NULL, leased_until = NULL, due_at = CASE WHEN $4 THEN now() END "
        "  FROM dead WHERE d.id = dead.id AND d.status = 'dead' RETURNING d.sequence",
        replay_id,
        endpoint_id,
        list(sequences),
        due,
    )
    return {row["sequence"] for row in rows}


async def insert_replayed(raw: Raw, replay_id: UUID, deliveries: Sequence[NewDelivery]) -> None:
    """New deliveries of the replay."""
    columns = list(zip(*deliveries, strict=True))
    await raw.execute(
        "INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status,"
        "                      attempts, due_at, replay, replay_id, created_at) "
        "SELECT d.id, d.endpoint_id, d.agency_id, d.event_id, d.event_type, d.subject_id, d.sequence, d.body,"
        "       'pending', 0, CASE WHEN d.due THEN now() END, true, $1, now() "
        "  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[], $8::bigint[],"
        "              $9::text[], $10::boolean[])"
        "    AS d (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, due)",
        replay_id,
        *columns,
    )


async def forget_replays(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes replays that ended before a moment and have no deliveries left; how many."""
    done = await raw.execute(
        "DELETE FROM webhook_replay WHERE id IN (SELECT r.id FROM webhook_replay r WHERE r.finished_at < $1"
        "        AND NOT EXISTS (SELECT FROM delivery d WHERE d.replay_id = r.id) LIMIT $2)",
        before,
        limit,
    )
    return int(done.split()[1])

"""Deliveries as the jobs make, claim and finish them, and as their agency reads them.

Whoever locks both locks the endpoint first, then deliveries. Times of deliveries are the database's: leases and waits
must not depend on the clock of the process that took them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.listening import DELIVERY
from db.transaction import Tx

_ONE_CLAIM_AT_A_TIME = 7_461_011
_LOOKED_INTO = 512
_NO_LIMIT = 2**31 - 1


class NewDelivery(NamedTuple):
    """One row of deliveries, ready to be written; `due` is false while the endpoint takes nothing."""

    id: UUID
    endpoint_id: UUID
    agency_id: UUID
    event_id: UUID
    event_type: str
    subject_id: UUID
    sequence: int
    body: str
    due: bool


class Attempt(NamedTuple):
    """What one attempt met."""

    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    answer: str | None = None


async def insert_deliveries(raw: Raw, deliveries: Sequence[NewDelivery]) -> None:
    columns = list(zip(*deliveries, strict=True))
    await raw.execute(
        "INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status,"
        "                      attempts, due_at, replay, created_at) "
        "SELECT d.id, d.endpoint_id, d.agency_id, d.event_id, d.event_type, d.subject_id, d.sequence, d.body,"
        "       'pending', 0, CASE WHEN d.due THEN now() END, false, now() "
        "  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::bigint[],"
        "              $8::text[], $9::boolean[])"
        "    AS d (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, due)",
        *columns,
    )


_CLAIM = """
WITH busy AS MATERIALIZED (
    SELECT e.id AS endpoint_id, e.host, l.n FROM webhook_endpoint e CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM (
            SELECT FROM delivery d WHERE d.endpoint_id = e.id AND d.lease_token IS NOT NULL AND d.leased_until > now()
             ORDER BY d.leased_until LIMIT $4) d) l
     WHERE l.n > 0),
hosts AS (SELECT host, sum(n) AS n FROM busy GROUP BY host),
resting AS (
    SELECT e.id, e.status, e.ordering, e.host, e.failing_since IS NOT NULL AS failing,
           CASE WHEN e.failing_since IS NULL THEN $4::integer ELSE 1 END - coalesce(b.n, 0) AS places
      FROM webhook_endpoint e JOIN agency a ON a.id = e.agency_id AND a.status = 'active'
      LEFT JOIN busy b ON b.endpoint_id = e.id
     WHERE e.status <> 'disabled' AND (e.not_before IS NULL OR e.not_before <= now())
       AND (e.next_probe_at IS NULL OR e.next_probe_at <= now())),
ready AS (
    SELECT e.id AS endpoint_id, e.host, e.failing, due.id, due.due_at, due.sequence
      FROM resting e CROSS JOIN LATERAL (
        SELECT d.id, d.due_at, d.sequence FROM (
            SELECT w.id, w.due_at, w.sequence, w.subject_id, w.event_type, w.attempts, w.replay FROM delivery w
             WHERE w.endpoint_id = e.id AND w.status = 'pending' AND w.due_at <= now()
               AND (e.status = 'active' OR w.event_type = 'endpoint.verification')
             ORDER BY w.due_at, w.sequence LIMIT $6) d
         WHERE e.ordering = 'none' OR d.attempts > 0 OR d.event_type = 'endpoint.verification' OR NOT EXISTS (
                SELECT FROM delivery f WHERE f.endpoint_id = e.id AND f.subject_id = d.subject_id
                   AND f.status = 'pending' AND f.attempts = 0 AND f.replay = d.replay AND f.sequence < d.sequence)
         ORDER BY d.due_at, d.sequence LIMIT e.places) due
     WHERE e.places > 0),
placed AS (
    SELECT r.id, r.failing, r.due_at, row_number() OVER (PARTITION BY r.host ORDER BY r.failing, r.due_at, r.sequence)
           + coalesce(h.n, 0) AS place
      FROM ready r LEFT JOIN hosts h ON h.host = r.host),
chosen AS (SELECT id FROM placed WHERE place <= $5 ORDER BY failing, due_at LIMIT $3),
held AS (
    SELECT d.id FROM delivery d JOIN chosen c ON c.id = d.id
     WHERE d.status = 'pending' AND d.due_at <= now() FOR UPDATE OF d SKIP LOCKED)
UPDATE delivery d SET lease_token = $1, leased_until = now() + $2::interval, due_at = now() + $2::interval
  FROM held h, webhook_endpoint e
 WHERE d.id = h.id AND e.id = d.endpoint_id
RETURNING d.id, d.endpoint_id, d.agency_id, d.event_id, d.event_type, d.sequence, d.body, d.attempts, d.replay,
    d.lease_token, e.url, e.keys, e.activated_at IS NOT NULL AS verified, e.failing_since IS NOT NULL AS failing,
    CASE WHEN e.previous_keys_until > now() THEN e.previous_keys END AS previous_keys"""


async def claim_due(
    raw: Raw, *, lease: UUID, lease_for: timedelta, limit: int, per_endpoint: int, per_host: int | None = None
) -> list[asyncpg.Record]:
    """Leases deliveries whose time has come: over all processes at most `per_endpoint` under way to one endpoint and
    `per_host` to what shares a host and port, one to an endpoint that is failing, none to one whose breaker is open
    before its probe is due; first deliveries of a subject in their order, unless the endpoint wants none, but for a
    challenge: what gathered before it waits for its answer. Two statements.

    Asks each endpoint by itself, so that a long queue of one is not waded through for the others, and looks no further
    into a queue than 512 deliveries that wait for an earlier one: behind so many of one subject, others wait too.
    Claims take turns, so that the count of those under way is exact.
    """
    await raw.execute("SELECT pg_advisory_xact_lock($1)", _ONE_CLAIM_AT_A_TIME)
    return await raw.fetch(_CLAIM, lease, lease_for, limit, per_endpoint, per_host or _NO_LIMIT, _LOOKED_INTO)


_FINISH = """
WITH mine AS (
    UPDATE delivery SET status = $3::text, attempts = attempts + 1, lease_token = NULL, leased_until = NULL,
           due_at = CASE WHEN $3::text = 'pending' THEN now() + $4::interval END,
           finished_at = CASE WHEN $3::text <> 'pending' THEN now() END
     WHERE id = $1 AND lease_token = $2 RETURNING id, agency_id)
INSERT INTO delivery_attempt (delivery_id, number, agency_id, started_at, duration_ms, outcome, status_code, answer)
SELECT m.id, 1 + (SELECT count(*) FROM delivery_attempt a WHERE a.delivery_id = m.id), m.agency_id, $5, $6, $7, $8, $9
  FROM mine m RETURNING number"""


async def finish_attempt(
    raw: Raw, delivery_id: UUID, lease: UUID, attempt: Attempt, *, status: str, wait: timedelta | None = None
) -> bool:
    """Records an attempt and what becomes of its delivery: `succeeded`, `dead`, or `pending` after `wait` (None: until
    its endpoint takes something again). False where the lease is no longer this one: somebody else delivers it now.
    """
    return await raw.fetchval(_FINISH, delivery_id, lease, status, wait, *attempt) is not None


_FINISH_SUCCESSES = """
WITH told AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::integer[], $5::text[], $6::integer[],
                         $7::text[]) AS t (id, lease, started_at, duration_ms, outcome, status_code, answer)),
mine AS (
    UPDATE delivery d SET status = 'succeeded', attempts = attempts + 1, lease_token = NULL, leased_until = NULL,
           due_at = NULL, finished_at = now()
      FROM told t WHERE d.id = t.id AND d.lease_token = t.lease RETURNING d.id, d.agency_id)
INSERT INTO delivery_attempt (delivery_id, number, agency_id, started_at, duration_ms, outcome, status_code, answer)
SELECT m.id, 1 + (SELECT count(*) FROM delivery_attempt a WHERE a.delivery_id = m.id), m.agency_id,
       t.started_at, t.duration_ms, t.outcome, t.status_code, t.answer
  FROM mine m JOIN told t ON t.id = m.id RETURNING delivery_id"""


class Success(NamedTuple):
    """One row of what succeeded, by the lease that claimed it."""

    delivery_id: UUID
    lease: UUID
    attempt: Attempt


async def finish_successes(raw: Raw, successes: Sequence[Success]) -> set[UUID]:
    """Records that these deliveries succeeded; the ids of those whose lease was still theirs. One statement."""
    columns = zip(*((one.delivery_id, one.lease, *one.attempt) for one in successes), strict=True)
    rows = await raw.fetch(_FINISH_SUCCESSES, *map(list, columns))
    return {row["delivery_id"] for row in rows}


async def put_back(raw: Raw, delivery_id: UUID, lease: UUID, wait: timedelta) -> None:
    """Gives one delivery back unsent, to be claimed again after `wait`."""
    await raw.execute(
        "UPDATE delivery SET lease_token = NULL, leased_until = NULL, due_at = now() + $3::interval "
        " WHERE id = $1 AND lease_token = $2",
        delivery_id,
        lease,
        wait,
    )


async def release(raw: Raw, leases: Collection[UUID]) -> None:
    """Gives back what was claimed and not finished: due at once, as if it had not been claimed."""
    await raw.execute(
        "UPDATE delivery SET lease_token = NULL, leased_until = NULL, due_at = now() "
        " WHERE lease_token = ANY ($1) AND status = 'pending'",
        list(leases),
    )


_DELIVERY = """SELECT d.id, d.endpoint_id, d.event_id, d.event_type, d.subject_id, d.sequence, d.status, d.attempts,
    d.due_at, d.replay, d.created_at, d.finished_at, d.leased_until > now() AS under_way FROM delivery d"""


class Which(NamedTuple):
    """Which deliveries are listed; None does not matter. Created from `created_from` on, before `created_before`."""

    endpoint_id: UUID | None = None
    status: str | None = None
    event_type: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


_COMPARED = {"created_from": "d.created_at >=", "created_before": "d.created_at <"}


async def list_deliveries(tx: Tx, which: Which, *, before: UUID, limit: int) -> list[asyncpg.Record]:
    """The agency's deliveries, newest first, from before `before` on."""
    conditions, values = ["d.agency_id = $1", "d.id < $2"], [tx.agency_id, before, limit]
    for name, value in which._asdict().items():
        if value is not None:
            values.append(value)
            conditions.append(f"{_COMPARED.get(name, f'd.{name} =')} ${len(values)}")
    return await tx.rows(f"{_DELIVERY} WHERE {' AND '.join(conditions)} ORDER BY d.id DESC LIMIT $3", *values)


async def find_delivery(tx: Tx, delivery_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_DELIVERY} WHERE d.id = $1 AND d.agency_id = $2", delivery_id, tx.agency_id)


async def attempts_of(tx: Tx, delivery_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT number, started_at, duration_ms, outcome, status_code, answer FROM delivery_attempt "
        " WHERE delivery_id = $1 ORDER BY number",
        delivery_id,
    )


async def deliver_again(tx: Tx, delivery_id: UUID, *, due: bool) -> bool:
    """Starts a delivery over, marked as a replay; False while an attempt is under way."""
    done = await tx.run(
        "UPDATE delivery SET status = 'pending', attempts = 0, replay = true, finished_at = NULL, lease_token = NULL,"
        "       leased_until = NULL, due_at = CASE WHEN $2 THEN now() END "
        " WHERE id = $1 AND (leased_until IS NULL OR leased_until <= now())",
        delivery_id,
        due,
    )
    return done == "UPDATE 1"


async def wake_deliveries(tx: Tx) -> None:
    """Tells whoever delivers when the transaction commits."""
    await tx.run("SELECT pg_notify($1, '')", DELIVERY)


async def wake(raw: Raw) -> None:
    """The same from within the jobs."""
    await raw.execute("SELECT pg_notify($1, '')", DELIVERY)

"""Webhook endpoints as their agency keeps them; deliveries as the jobs claim and finish them.

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


async def endpoints_to_tell(
    raw: Raw, agency_ids: Collection[UUID], verifying: Collection[UUID]
) -> list[asyncpg.Record]:
    """Endpoints of these agencies that events gather for, and those that are to be verified; locked against a change of
    status until the transaction ends, so that a delivery is never made to wait for an endpoint just enabled.

    Only status changes wait for it, and each for one batch of the sequencer.
    """
    return await raw.fetch(
        "SELECT id, agency_id, types, status, challenge, activated_at IS NOT NULL AS gathers FROM webhook_endpoint "
        " WHERE (agency_id = ANY ($1) AND activated_at IS NOT NULL AND status_reason IS DISTINCT FROM 'deleted')"
        "    OR (id = ANY ($2) AND status = 'pending') ORDER BY id FOR SHARE",
        list(agency_ids),
        list(verifying),
    )


async def insert_deliveries(raw: Raw, deliveries: Sequence[NewDelivery]) -> None:
    columns = list(zip(*deliveries, strict=True))
    await raw.execute(
        "INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status,"
        "                      attempts, due_at, replay, created_at) "
        "SELECT d.id, d.endpoint_id, d.agency_id, d.event_id, d.event_type, d.subject_id, d.sequence, d.body, 'pending',"
        "       0, CASE WHEN d.due THEN now() END, false, now() "
        "  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::bigint[], $8::text[],"
        "              $9::boolean[])"
        "    AS d (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, due)",
        *columns,
    )


_CLAIM = """
WITH ready AS (
    SELECT e.id AS endpoint_id, due.id, due.due_at, e.failing_since IS NOT NULL AS failing
      FROM webhook_endpoint e
      JOIN agency a ON a.id = e.agency_id AND a.status = 'active'
     CROSS JOIN LATERAL (
        SELECT d.id, d.due_at FROM delivery d
         WHERE d.endpoint_id = e.id AND d.status = 'pending' AND d.due_at <= now()
           AND (e.status = 'active' OR d.event_type = 'endpoint.verification')
           AND (d.attempts > 0 OR NOT EXISTS (
                SELECT FROM delivery f WHERE f.endpoint_id = e.id AND f.subject_id = d.subject_id
                   AND f.status = 'pending' AND f.attempts = 0 AND f.sequence < d.sequence))
         ORDER BY d.due_at, d.sequence
         LIMIT greatest(0, CASE WHEN e.failing_since IS NULL THEN $4::integer ELSE 1 END - (
                SELECT count(*) FROM delivery l
                 WHERE l.endpoint_id = e.id AND l.lease_token IS NOT NULL AND l.leased_until > now()))
         FOR UPDATE SKIP LOCKED) due
     WHERE e.status <> 'disabled' AND (e.not_before IS NULL OR e.not_before <= now())
     ORDER BY failing, due.due_at LIMIT $3)
UPDATE delivery d SET lease_token = $1, leased_until = now() + $2::interval, due_at = now() + $2::interval
  FROM ready r JOIN webhook_endpoint e ON e.id = r.endpoint_id
 WHERE d.id = r.id
RETURNING d.id, d.endpoint_id, d.agency_id, d.event_id, d.event_type, d.sequence, d.body, d.attempts, d.replay,
    d.lease_token, e.url, e.keys, e.challenge, e.failing_since IS NOT NULL AS failing,
    CASE WHEN e.previous_keys_until > now() THEN e.previous_keys END AS previous_keys"""


async def claim_due(
    raw: Raw, *, lease: UUID, lease_for: timedelta, limit: int, per_endpoint: int
) -> list[asyncpg.Record]:
    """Leases deliveries whose time has come: at most `per_endpoint` under way to one endpoint over all processes, one to
    an endpoint that is failing; first deliveries of a subject in their order. Two statements.

    Asks each endpoint by itself, so that a long queue of one is not waded through for the others; claims take turns, so
    that the count of those under way is exact.
    """
    await raw.execute("SELECT pg_advisory_xact_lock($1)", _ONE_CLAIM_AT_A_TIME)
    return await raw.fetch(_CLAIM, lease, lease_for, limit, per_endpoint)


async def lock_endpoint(raw: Raw, endpoint_id: UUID) -> asyncpg.Record:
    """The endpoint's state, held until the transaction ends. Endpoints are never deleted."""
    row = await raw.fetchrow(
        "SELECT id, agency_id, status, challenge, failing_since, version, now() AS now FROM webhook_endpoint "
        " WHERE id = $1 FOR NO KEY UPDATE",
        endpoint_id,
    )
    assert row is not None
    return row


_FINISH = """
WITH mine AS (
    UPDATE delivery SET status = $3, attempts = attempts + 1, lease_token = NULL, leased_until = NULL,
           due_at = CASE WHEN $3 = 'pending' THEN now() + $4::interval END,
           finished_at = CASE WHEN $3 <> 'pending' THEN now() END
     WHERE id = $1 AND lease_token = $2 RETURNING id, agency_id)
INSERT INTO delivery_attempt (delivery_id, number, agency_id, started_at, duration_ms, outcome, status_code)
SELECT m.id, 1 + (SELECT count(*) FROM delivery_attempt a WHERE a.delivery_id = m.id), m.agency_id, $5, $6, $7, $8
  FROM mine m RETURNING number"""


async def finish_attempt(
    raw: Raw, delivery_id: UUID, lease: UUID, attempt: Attempt, *, status: str, wait: timedelta | None = None
) -> bool:
    """Records an attempt and what becomes of its delivery: `succeeded`, `dead`, or `pending` after `wait` (None: until
    its endpoint takes something again). False where the lease is no longer this one: somebody else delivers it now.
    """
    return await raw.fetchval(_FINISH, delivery_id, lease, status, wait, *attempt) is not None


async def release(raw: Raw, leases: Collection[UUID]) -> None:
    """Gives back what was claimed and not finished: due at once, as if it had not been claimed."""
    await raw.execute(
        "UPDATE delivery SET lease_token = NULL, leased_until = NULL, due_at = now() "
        " WHERE lease_token = ANY ($1) AND status = 'pending'",
        list(leases),
    )


async def mark_answering(raw: Raw, endpoint_id: UUID) -> None:
    """The endpoint has taken something: it is not failing."""
    await raw.execute(
        "UPDATE webhook_endpoint SET failing_since = NULL, not_before = NULL "
        " WHERE id = $1 AND (failing_since IS NOT NULL OR not_before IS NOT NULL)",
        endpoint_id,
    )


async def mark_failing(raw: Raw, endpoint_id: UUID, pause: timedelta | None) -> None:
    """The endpoint has refused something; `pause` is how long it asked to be left alone."""
    await raw.execute(
        "UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, now()),"
        "       not_before = CASE WHEN $2::interval IS NULL THEN not_before ELSE now() + $2 END WHERE id = $1",
        endpoint_id,
        pause,
    )


async def mark_active(raw: Raw, endpoint_id: UUID) -> None:
    """The endpoint has proved itself; what gathered meanwhile is due."""
    await raw.execute(
        "UPDATE webhook_endpoint SET status = 'active', status_reason = NULL, challenge = '', failing_since = NULL,"
        "       not_before = NULL, activated_at = coalesce(activated_at, now()), version = version + 1 WHERE id = $1",
        endpoint_id,
    )
    await raw.execute(_MAKE_DUE, endpoint_id)


async def mark_disabled(raw: Raw, endpoint_id: UUID, reason: str) -> None:
    """Nothing goes to the endpoint any more; what is under way or comes later waits."""
    await raw.execute(
        "UPDATE webhook_endpoint SET status = 'disabled', status_reason = $2, version = version + 1 WHERE id = $1",
        endpoint_id,
        reason,
    )
    await raw.execute(_MAKE_WAIT, endpoint_id)


_MAKE_DUE = "UPDATE delivery SET due_at = now() WHERE endpoint_id = $1 AND status = 'pending' AND due_at IS NULL"
_MAKE_WAIT = "UPDATE delivery SET due_at = NULL WHERE endpoint_id = $1 AND status = 'pending' AND lease_token IS NULL"

_ENDPOINT = """SELECT id, url, types, status, status_reason, keys, public_key, challenge, activated_at, failing_since,
    previous_keys_until, created_at, version FROM webhook_endpoint"""


async def insert_endpoint(
    tx: Tx, endpoint_id: UUID, *, url: str, types: Sequence[str], keys: bytes, public_key: str, challenge: str
) -> None:
    """A pending endpoint of the acting agency."""
    await tx.run(
        "INSERT INTO webhook_endpoint (id, agency_id, url, types, status, keys, public_key, challenge, created_at, version) "
        "VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, now(), 1)",
        endpoint_id,
        tx.agency_id,
        url,
        list(types),
        keys,
        public_key,
        challenge,
    )


async def count_endpoints(tx: Tx) -> int:
    """How many endpoints the agency keeps, without the deleted ones."""
    return int(
        await tx.value(
            "SELECT count(*) FROM webhook_endpoint WHERE agency_id = $1 AND status_reason IS DISTINCT FROM 'deleted'",
            tx.agency_id,
        )
    )


async def find_endpoint(tx: Tx, endpoint_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_ENDPOINT} WHERE id = $1 AND agency_id = $2", endpoint_id, tx.agency_id)


async def lock_own_endpoint(tx: Tx, endpoint_id: UUID) -> asyncpg.Record | None:
    """The endpoint, held until the transaction ends."""
    return await tx.row(f"{_ENDPOINT} WHERE id = $1 AND agency_id = $2 FOR NO KEY UPDATE", endpoint_id, tx.agency_id)


async def list_endpoints(tx: Tx, *, after: UUID, limit: int) -> list[asyncpg.Record]:
    """The agency's endpoints, oldest first, from behind `after` on; without the deleted ones."""
    return await tx.rows(
        f"{_ENDPOINT} WHERE agency_id = $1 AND id > $2 AND status_reason IS DISTINCT FROM 'deleted' ORDER BY id LIMIT $3",
        tx.agency_id,
        after,
        limit,
    )


async def update_types(tx: Tx, endpoint_id: UUID, types: Sequence[str]) -> None:
    await tx.run(
        "UPDATE webhook_endpoint SET types = $2, version = version + 1 WHERE id = $1", endpoint_id, list(types)
    )


async def replace_url(tx: Tx, endpoint_id: UUID, url: str, challenge: str) -> None:
    """The endpoint must prove its new URL before anything else goes there."""
    await tx.run(
        "UPDATE webhook_endpoint SET url = $2, challenge = $3, status = 'pending', status_reason = 'url-changed',"
        "       failing_since = NULL, not_before = NULL, version = version + 1 WHERE id = $1",
        endpoint_id,
        url,
        challenge,
    )
    await tx.run(_MAKE_WAIT, endpoint_id)
    await drop_verifications(tx, endpoint_id)


async def replace_keys(tx: Tx, endpoint_id: UUID, *, keys: bytes, public_key: str, overlap: timedelta) -> None:
    """New keys; the old ones sign beside them for the overlap."""
    await tx.run(
        "UPDATE webhook_endpoint SET previous_keys = keys, previous_keys_until = now() + $4::interval, keys = $2,"
        "       public_key = $3, version = version + 1 WHERE id = $1",
        endpoint_id,
        keys,
        public_key,
        overlap,
    )


async def make_pending(tx: Tx, endpoint_id: UUID) -> None:
    """The endpoint waits to be verified."""
    await tx.run(
        "UPDATE webhook_endpoint SET status = 'pending', status_reason = NULL, failing_since = NULL, not_before = NULL,"
        "       version = version + 1 WHERE id = $1",
        endpoint_id,
    )


async def make_active(tx: Tx, endpoint_id: UUID) -> None:
    """The endpoint takes deliveries again; what gathered is due."""
    await tx.run(
        "UPDATE webhook_endpoint SET status = 'active', status_reason = NULL, failing_since = NULL, not_before = NULL,"
        "       version = version + 1 WHERE id = $1",
        endpoint_id,
    )
    await tx.run(_MAKE_DUE, endpoint_id)


async def make_disabled(tx: Tx, endpoint_id: UUID, reason: str) -> None:
    await tx.run(
        "UPDATE webhook_endpoint SET status = 'disabled', status_reason = $2, version = version + 1 WHERE id = $1",
        endpoint_id,
        reason,
    )
    await tx.run(_MAKE_WAIT, endpoint_id)


async def drop_verifications(tx: Tx, endpoint_id: UUID) -> None:
    """Earlier challenges are answered by nobody any more."""
    await tx.run(
        "UPDATE delivery SET status = 'dead', finished_at = now(), lease_token = NULL, leased_until = NULL "
        " WHERE endpoint_id = $1 AND status = 'pending' AND event_type = 'endpoint.verification'",
        endpoint_id,
    )


async def drop_deliveries(tx: Tx, endpoint_id: UUID) -> None:
    """What was still to go to an endpoint its agency gave up; the feed has it."""
    await tx.run(
        "UPDATE delivery SET status = 'dead', finished_at = now(), lease_token = NULL, leased_until = NULL "
        " WHERE endpoint_id = $1 AND status = 'pending'",
        endpoint_id,
    )


_DELIVERY = """SELECT d.id, d.endpoint_id, d.event_id, d.event_type, d.subject_id, d.sequence, d.status, d.attempts,
    d.due_at, d.replay, d.created_at, d.finished_at, d.leased_until > now() AS under_way FROM delivery d"""


async def list_deliveries(
    tx: Tx, *, endpoint_id: UUID | None, status: str | None, before: UUID, limit: int
) -> list[asyncpg.Record]:
    """The agency's deliveries, newest first, from before `before` on."""
    conditions, values = ["d.agency_id = $1", "d.id < $2"], [tx.agency_id, before, limit]
    for column, value in (("endpoint_id", endpoint_id), ("status", status)):
        if value is not None:
            values.append(value)
            conditions.append(f"d.{column} = ${len(values)}")
    return await tx.rows(f"{_DELIVERY} WHERE {' AND '.join(conditions)} ORDER BY d.id DESC LIMIT $3", *values)


async def find_delivery(tx: Tx, delivery_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_DELIVERY} WHERE d.id = $1 AND d.agency_id = $2", delivery_id, tx.agency_id)


async def attempts_of(tx: Tx, delivery_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT number, started_at, duration_ms, outcome, status_code FROM delivery_attempt "
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

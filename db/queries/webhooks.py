"""Webhook endpoints as their agency keeps them and as the jobs find them.

A change of state is written alike by an agency (`tx.run`) and by the jobs (`raw.execute`). Whoever locks both locks the
endpoint first, then its deliveries; statements here that touch both do it in that order.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx
from rules.retries import Health
from rules.selections import Selection

Run: TypeAlias = Callable[..., Awaitable[str]]
"""`tx.run` or `raw.execute`: runs a statement for its effect."""

_MAKE_DUE = "UPDATE delivery SET due_at = now() WHERE endpoint_id = $1 AND status = 'pending' AND due_at IS NULL"
_MAKE_WAIT = "UPDATE delivery SET due_at = NULL WHERE endpoint_id = $1 AND status = 'pending' AND lease_token IS NULL"
_DROP = """UPDATE delivery SET status = 'dead', finished_at = now(), lease_token = NULL, leased_until = NULL
 WHERE endpoint_id = $1 AND status = 'pending'"""


async def endpoints_to_tell(
    raw: Raw, agency_ids: Collection[UUID], verifying: Collection[UUID]
) -> list[asyncpg.Record]:
    """Endpoints of these agencies that events gather for, and those that are to be verified.

    Locked against a change of status until the transaction ends, so that no delivery is made to wait for an endpoint
    just enabled. The price: such a change waits for one batch of the sequencer.
    """
    return await raw.fetch(
        "SELECT id, agency_id, types, case_kinds, divisions, status, challenge, activated_at FROM webhook_endpoint "
        " WHERE (agency_id = ANY ($1) AND activated_at IS NOT NULL AND status_reason IS DISTINCT FROM 'deleted')"
        "    OR (id = ANY ($2) AND status = 'pending') ORDER BY id FOR SHARE",
        list(agency_ids),
        list(verifying),
    )


def selection_of(endpoint: asyncpg.Record) -> Selection:
    """Which events an endpoint asked for."""
    return Selection(tuple(endpoint["types"]), tuple(endpoint["case_kinds"]), tuple(endpoint["divisions"]))


async def lock_endpoint(raw: Raw, endpoint_id: UUID) -> asyncpg.Record:
    """The endpoint's state, held until the transaction ends. Endpoints are never deleted."""
    row = await raw.fetchrow(
        "SELECT id, agency_id, status, challenge, failing_since, consecutive_failures, failed_probes, next_probe_at,"
        "       version, now() AS now FROM webhook_endpoint WHERE id = $1 FOR NO KEY UPDATE",
        endpoint_id,
    )
    assert row is not None
    return row


async def share_endpoint(raw: Raw, endpoint_id: UUID) -> asyncpg.Record:
    """The endpoint's state, which cannot change until the transaction ends. The price: such a change waits."""
    row = await raw.fetchrow(
        "SELECT id, status, status_reason FROM webhook_endpoint WHERE id = $1 FOR SHARE", endpoint_id
    )
    assert row is not None
    return row


async def mark_answering(raw: Raw, endpoint_id: UUID) -> None:
    """The endpoint has taken something: it is not failing, and its breaker closes."""
    await raw.execute(
        "UPDATE webhook_endpoint SET failing_since = NULL, not_before = NULL, consecutive_failures = 0,"
        "       failed_probes = 0, next_probe_at = NULL, notices = 0 "
        " WHERE id = $1 AND (failing_since IS NOT NULL OR not_before IS NOT NULL)",
        endpoint_id,
    )


async def mark_failing(raw: Raw, endpoint_id: UUID, health: Health, pause: timedelta | None) -> None:
    """The endpoint has refused something; `pause` is how long it is left alone now, None: as was said before."""
    await raw.execute(
        "UPDATE webhook_endpoint SET failing_since = $2, consecutive_failures = $3, failed_probes = $4,"
        "       next_probe_at = $5, not_before = greatest(not_before, now() + $6::interval) WHERE id = $1",
        endpoint_id,
        health.failing_since,
        health.consecutive_failures,
        health.failed_probes,
        health.next_probe_at,
        pause,
    )


async def failing_long(raw: Raw, after: Sequence[timedelta], limit: int) -> list[asyncpg.Record]:
    """Endpoints that have only failed for longer than was told, with the number of notices due; held until the
    transaction ends, without those another process is at. `after` is how long before each notice.
    """
    return await raw.fetch(
        "SELECT e.id, e.agency_id, e.status, e.failing_since, e.version, d.due FROM webhook_endpoint e, LATERAL ("
        "        SELECT count(*)::integer AS due FROM unnest($1::interval[]) a WHERE now() - e.failing_since >= a) d "
        " WHERE e.failing_since IS NOT NULL AND e.status <> 'disabled' AND e.notices < d.due "
        " ORDER BY e.id LIMIT $2 FOR NO KEY UPDATE OF e SKIP LOCKED",
        list(after),
        limit,
    )


async def count_notices(raw: Raw, endpoint_id: UUID, notices: int) -> None:
    """So many notices were given, or need not be any more."""
    await raw.execute("UPDATE webhook_endpoint SET notices = $2 WHERE id = $1", endpoint_id, notices)


async def set_active(run: Run, endpoint_id: UUID) -> None:
    """The endpoint has answered its challenge and takes deliveries; what gathered meanwhile is due."""
    await run(
        "UPDATE webhook_endpoint SET status = 'active', status_reason = NULL, challenge = '', failing_since = NULL,"
        "       not_before = NULL, consecutive_failures = 0, failed_probes = 0, next_probe_at = NULL, notices = 0,"
        "       activated_at = coalesce(activated_at, now()), version = version + 1 WHERE id = $1",
        endpoint_id,
    )
    await run(_MAKE_DUE, endpoint_id)


async def set_disabled(run: Run, endpoint_id: UUID, reason: str) -> None:
    """Nothing goes to the endpoint any more. What gathered or comes later waits; of a deleted one, it is dropped."""
    await run(
        "UPDATE webhook_endpoint SET status = 'disabled', status_reason = $2, version = version + 1 WHERE id = $1",
        endpoint_id,
        reason,
    )
    await run(_DROP if reason == "deleted" else _MAKE_WAIT, endpoint_id)


async def set_pending(run: Run, endpoint_id: UUID, url: str, challenge: str) -> None:
    """The endpoint must answer a challenge at this URL before anything else goes there; earlier challenges are void."""
    await run(
        "UPDATE webhook_endpoint SET url = $2, challenge = $3, status = 'pending', status_reason = NULL,"
        "       failing_since = NULL, not_before = NULL, consecutive_failures = 0, failed_probes = 0,"
        "       next_probe_at = NULL, notices = 0, version = version + 1 WHERE id = $1",
        endpoint_id,
        url,
        challenge,
    )
    await run(f"{_DROP} AND event_type = 'endpoint.verification'", endpoint_id)
    await run(_MAKE_WAIT, endpoint_id)


_ENDPOINT = """SELECT id, url, types, case_kinds, divisions, ordering, status, status_reason, keys, public_key,
    challenge, activated_at, failing_since, consecutive_failures, next_probe_at,
    CASE WHEN next_probe_at IS NULL THEN 'closed'
        WHEN next_probe_at <= now() AND EXISTS (SELECT FROM delivery d WHERE d.endpoint_id = webhook_endpoint.id
             AND d.lease_token IS NOT NULL AND d.leased_until > now()) THEN 'probing' ELSE 'open' END AS breaker,
    previous_keys_until, created_at, version,
    CASE WHEN proposed_at > now() - interval '7 days' THEN proposed_url END AS proposed_url, proposed_by
    FROM webhook_endpoint"""


async def insert_endpoint(
    tx: Tx,
    endpoint_id: UUID,
    *,
    url: str,
    selection: Selection,
    ordering: str,
    keys: bytes,
    public_key: str,
    challenge: str,
) -> None:
    """A pending endpoint of the acting agency."""
    await tx.run(
        "INSERT INTO webhook_endpoint (id, agency_id, url, types, case_kinds, divisions, ordering, status, keys,"
        "                              public_key, challenge, created_at, version) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, $10, now(), 1)",
        endpoint_id,
        tx.agency_id,
        url,
        list(selection.types),
        list(selection.case_kinds),
        list(selection.divisions),
        ordering,
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
        f"{_ENDPOINT} WHERE agency_id = $1 AND id > $2 AND status_reason IS DISTINCT FROM 'deleted' "
        " ORDER BY id LIMIT $3",
        tx.agency_id,
        after,
        limit,
    )


async def set_ordering(tx: Tx, endpoint_id: UUID, ordering: str) -> None:
    await tx.run(
        "UPDATE webhook_endpoint SET ordering = $2, version = version + 1 WHERE id = $1", endpoint_id, ordering
    )


async def set_selection(tx: Tx, endpoint_id: UUID, selection: Selection) -> None:
    """What the endpoint asks for, from the next event that is numbered on."""
    await tx.run(
        "UPDATE webhook_endpoint SET types = $2, case_kinds = $3, divisions = $4, version = version + 1 WHERE id = $1",
        endpoint_id,
        list(selection.types),
        list(selection.case_kinds),
        list(selection.divisions),
    )


async def set_keys(tx: Tx, endpoint_id: UUID, *, keys: bytes, public_key: str, overlap: timedelta) -> None:
    """New keys; the old ones sign beside them for the overlap."""
    await tx.run(
        "UPDATE webhook_endpoint SET previous_keys = keys, previous_public_key = public_key,"
        "       previous_keys_until = now() + $4::interval, keys = $2, public_key = $3, version = version + 1 "
        " WHERE id = $1",
        endpoint_id,
        keys,
        public_key,
        overlap,
    )


async def propose_url(tx: Tx, endpoint_id: UUID, url: str | None) -> None:
    """A URL that waits for a second person, seven days at most; None: none waits any more."""
    await tx.run(
        "UPDATE webhook_endpoint SET proposed_url = $2::text,"
        "       proposed_by = CASE WHEN $2::text IS NOT NULL THEN $3::uuid END,"
        "       proposed_at = CASE WHEN $2::text IS NOT NULL THEN now() END, version = version + 1 WHERE id = $1",
        endpoint_id,
        url,
        tx.caller.principal_id,
    )


async def published_keys(tx: Tx, endpoint_id: UUID) -> asyncpg.Record | None:
    """The public keys that sign for an endpoint now, of whichever agency; the previous may be None. One statement."""
    return await tx.row("SELECT * FROM public_keys_of_endpoint($1) WHERE current_key IS NOT NULL", endpoint_id)


_STATISTICS = """
WITH recent AS (
    SELECT a.outcome, a.duration_ms, a.started_at FROM delivery d JOIN delivery_attempt a ON a.delivery_id = d.id
     WHERE d.endpoint_id = $1 AND d.status IN ('pending', 'succeeded', 'dead') AND d.id >= $2
       AND a.started_at >= now() - interval '24 hours')
SELECT (SELECT count(*) FROM delivery WHERE endpoint_id = $1 AND status = 'pending') AS pending,
       (SELECT min(created_at) FROM delivery WHERE endpoint_id = $1 AND status = 'pending') AS oldest_pending_at,
       (SELECT count(*) FROM delivery WHERE endpoint_id = $1 AND status = 'dead') AS dead,
       (SELECT count(*) FROM recent) AS attempts,
       (SELECT coalesce(json_object_agg(outcome, n), '{}')::text
          FROM (SELECT outcome, count(*) AS n FROM recent GROUP BY outcome) o) AS outcomes,
       (SELECT max(started_at) FROM recent WHERE outcome = 'delivered') AS last_delivered_at,
       took.p50_ms, took.p95_ms
  FROM (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) AS p50_ms,
               percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95_ms
          FROM recent WHERE outcome = 'delivered') took"""


async def statistics_of(tx: Tx, endpoint_id: UUID, *, since: UUID) -> asyncpg.Record:
    """What an endpoint of the agency has open, and what its attempts of 24 hours met, of deliveries made from `since`
    on. One statement, as dear as there are such deliveries."""
    row = await tx.row(_STATISTICS, endpoint_id, since)
    assert row is not None
    return row

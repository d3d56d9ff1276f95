"""Inbound receipts: kept as they come, claimed by the jobs, settled by whoever holds the lease, read by their agency.

Times are the database's: leases and waits must not depend on the clock of the process that took them.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_SHOWN = """SELECT r.id, r.source_id, r.status, r.reason, r.problems, r.discard_reason, r.mapping_version, r.target,
    r.report_id, r.referral_id, r.tries, r.received_at, r.settled_at, r.version, r.body FROM inbound_receipt r"""


async def keep_receipt(tx: Tx, row: Mapping[str, Any]) -> bool:
    """Keeps what came; False where the source's id has come before. One statement; waits for one under way."""
    return bool(
        await tx.value(
            "INSERT INTO inbound_receipt (id, source_id, agency_id, message, body, envelope, status, problems, tries,"
            "                             due_at, received_at, version) "
            "VALUES ($1, $2, $3, $4, $5, $6, 'received', '[]', 0, now(), now(), 1) "
            "ON CONFLICT (source_id, message) WHERE message IS NOT NULL DO NOTHING RETURNING true",
            row["id"],
            row["source_id"],
            tx.agency_id,
            row["message"],
            row["body"],
            row["envelope"],
        )
    )


async def receipt_of_message(tx: Tx, source_id: UUID, message: bytes) -> asyncpg.Record | None:
    return await tx.row(f"{_SHOWN} WHERE r.source_id = $1 AND r.message = $2", source_id, message)


async def find_receipt(tx: Tx, receipt_id: UUID, source_id: UUID | None = None) -> asyncpg.Record | None:
    """A receipt of the acting agency, of that source where one is named. One statement."""
    return await tx.row(
        f"{_SHOWN} WHERE r.id = $1 AND r.agency_id = $2 AND ($3::uuid IS NULL OR r.source_id = $3)",
        receipt_id,
        tx.agency_id,
        source_id,
    )


async def lock_receipt(tx: Tx, receipt_id: UUID) -> asyncpg.Record | None:
    """The receipt, held until the transaction ends."""
    return await tx.row(f"{_SHOWN} WHERE r.id = $1 AND r.agency_id = $2 FOR NO KEY UPDATE", receipt_id, tx.agency_id)


async def list_receipts(
    tx: Tx,
    *,
    source_id: UUID | None,
    status: str | None,
    received: tuple[datetime | None, datetime | None],
    before: UUID,
    limit: int,
) -> list[asyncpg.Record]:
    """Receipts of the agency, newest first, before one id; `received` is from and before. One statement."""
    return await tx.rows(
        f"{_SHOWN} WHERE r.agency_id = $1 AND r.id < $2 AND ($3::uuid IS NULL OR r.source_id = $3)"
        "   AND ($4::text IS NULL OR r.status = $4) AND ($5::timestamptz IS NULL OR r.received_at >= $5)"
        "   AND ($6::timestamptz IS NULL OR r.received_at < $6) ORDER BY r.id DESC LIMIT $7",
        tx.agency_id,
        before,
        source_id,
        status,
        received[0],
        received[1],
        limit,
    )


_AGAIN = """status = 'received', reason = NULL, problems = '[]', tries = 0, due_at = now(), lease_token = NULL,
    leased_until = NULL, version = version + 1"""


async def try_again(tx: Tx, receipt_id: UUID) -> None:
    """A quarantined receipt waits for the jobs again. One statement."""
    await tx.run(f"UPDATE inbound_receipt SET {_AGAIN} WHERE id = $1", receipt_id)  # noqa: S608  a constant


async def try_all_again(tx: Tx, source_id: UUID, reason: str | None) -> int:
    """Every quarantined receipt of a source, of that reason where one is named; how many. One statement."""
    tag = await tx.run(
        f"UPDATE inbound_receipt SET {_AGAIN} WHERE source_id = $1 AND agency_id = $2 "  # noqa: S608  a constant
        "   AND status = 'quarantined' AND ($3::text IS NULL OR reason = $3)",
        source_id,
        tx.agency_id,
        reason,
    )
    return int(tag.rpartition(" ")[2])


async def discard(tx: Tx, receipt_id: UUID, reason: str) -> None:
    await tx.run(
        "UPDATE inbound_receipt SET status = 'discarded', discard_reason = $2, settled_at = now(),"
        "       version = version + 1 WHERE id = $1",
        receipt_id,
        reason,
    )


async def leased_receipt(tx: Tx, receipt_id: UUID, lease: UUID) -> asyncpg.Record | None:
    """What came and the mapping that holds, where the lease is still the caller's; held until the transaction ends. One
    statement."""
    return await tx.row(
        "SELECT r.id, r.source_id, r.envelope, s.mapping_version, m.document AS mapping "
        "  FROM inbound_receipt r JOIN inbound_source s ON s.id = r.source_id "
        "  LEFT JOIN inbound_mapping m ON m.source_id = s.id AND m.version = s.mapping_version "
        " WHERE r.id = $1 AND r.lease_token = $2 AND r.status = 'received' AND r.agency_id = $3 "
        "   FOR NO KEY UPDATE OF r",
        receipt_id,
        lease,
        tx.agency_id,
    )


async def settle_done(tx: Tx, receipt_id: UUID, *, mapping: int, target: str, made: Mapping[str, UUID | None]) -> None:
    """The receipt is done, with what it made or moved. One statement."""
    await tx.run(
        "UPDATE inbound_receipt SET status = 'done', reason = NULL, problems = '[]', mapping_version = $2, target = $3,"
        "       report_id = $4, referral_id = $5, settled_at = now(), lease_token = NULL, leased_until = NULL,"
        "       due_at = NULL, version = version + 1 WHERE id = $1",
        receipt_id,
        mapping,
        target,
        made.get("report_id"),
        made.get("referral_id"),
    )


# The oldest waiting receipt of each source only: what a partner sends in order is done in order. A receipt whose effect
# is being written is locked by that transaction and skipped, however old its lease.
_CLAIM = """
WITH heads AS (
    SELECT h.id FROM inbound_source s CROSS JOIN LATERAL (
        SELECT r.id, r.due_at, r.leased_until FROM inbound_receipt r
         WHERE r.source_id = s.id AND r.status = 'received' ORDER BY r.id LIMIT 1) h
     WHERE h.due_at <= now() AND (h.leased_until IS NULL OR h.leased_until < now()) ORDER BY h.id LIMIT $3),
taken AS (
    SELECT r.id FROM inbound_receipt r WHERE r.id IN (SELECT id FROM heads)
       AND r.status = 'received' AND (r.leased_until IS NULL OR r.leased_until < now())
     ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED)
UPDATE inbound_receipt r SET lease_token = $1, leased_until = now() + $2::interval, tries = r.tries + 1
  FROM taken t, inbound_source s WHERE r.id = t.id AND s.id = r.source_id
RETURNING r.id, r.source_id, r.agency_id, s.client_id, r.tries"""


async def claim_receipts(raw: Raw, lease: UUID, lease_for: timedelta, limit: int) -> list[asyncpg.Record]:
    """Leases the next receipt of each of up to `limit` sources; every claim counts as a try. One statement."""
    return await raw.fetch(_CLAIM, lease, lease_for, limit)


async def quarantine(
    raw: Raw, receipt_id: UUID, lease: UUID, *, reason: str, problems: Sequence[Mapping[str, str]]
) -> int | None:
    """The receipt waits for people; its new version, None where the lease is no longer the caller's. One statement."""
    found: int | None = await raw.fetchval(
        "UPDATE inbound_receipt SET status = 'quarantined', reason = $3, problems = $4::jsonb, lease_token = NULL,"
        "       leased_until = NULL, due_at = NULL, version = version + 1 "
        " WHERE id = $1 AND lease_token = $2 AND status = 'received' RETURNING version",
        receipt_id,
        lease,
        reason,
        json.dumps(list(problems)),
    )
    return found


async def put_back(raw: Raw, receipt_id: UUID, lease: UUID, pause: timedelta) -> None:
    """Gives a lease back; the receipt is due after the pause. One statement."""
    await raw.execute(
        "UPDATE inbound_receipt SET lease_token = NULL, leased_until = NULL, due_at = now() + $3::interval "
        " WHERE id = $1 AND lease_token = $2 AND status = 'received'",
        receipt_id,
        lease,
        pause,
    )


async def forget_message_ids(raw: Raw, before: datetime, limit: int) -> int:
    """Message ids that came before `before` may come again; how many. One statement."""
    return _counted(
        await raw.execute(
            "UPDATE inbound_receipt SET message = NULL WHERE id IN (SELECT id FROM inbound_receipt "
            " WHERE message IS NOT NULL AND received_at < $1 ORDER BY received_at LIMIT $2)",
            before,
            limit,
        )
    )


async def forget_receipts(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes receipts settled before `before`, their envelopes with them; how many. One statement."""
    return _counted(
        await raw.execute(
            "DELETE FROM inbound_receipt WHERE id IN (SELECT id FROM inbound_receipt "
            " WHERE settled_at < $1 ORDER BY settled_at LIMIT $2)",
            before,
            limit,
        )
    )


def _counted(tag: str) -> int:
    """The row count of PostgreSQL's command tag."""
    return int(tag.rpartition(" ")[2])

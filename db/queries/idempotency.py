"""Keys of requests that must have one effect."""

from datetime import datetime

import asyncpg

from db.transaction import Tx


async def claim(tx: Tx, key_hash: bytes, fingerprint: bytes, now: datetime) -> bool:
    """True where this transaction is the first with the key. Waits for a concurrent one; LockNotAvailable after 2 s."""
    row = await tx.row(
        "INSERT INTO idempotency_record (agency_id, key_hash, fingerprint, created_at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (agency_id, key_hash) DO NOTHING RETURNING true",
        tx.agency_id,
        key_hash,
        fingerprint,
        now,
    )
    return row is not None


async def find(tx: Tx, key_hash: bytes) -> asyncpg.Record | None:
    """fingerprint, status, answer of an earlier request."""
    return await tx.row(
        "SELECT fingerprint, status, answer FROM idempotency_record WHERE agency_id = $1 AND key_hash = $2",
        tx.agency_id,
        key_hash,
    )


async def complete(tx: Tx, key_hash: bytes, status: int, answer: bytes) -> None:
    """Keeps the answer, and the case it is about, with which it is erased. One statement."""
    await tx.run(
        "UPDATE idempotency_record SET status = $3, answer = $4, case_id = $5::text::uuid "
        "WHERE agency_id = $1 AND key_hash = $2",
        tx.agency_id,
        key_hash,
        status,
        answer,
        tx.case_at_hand(),
    )

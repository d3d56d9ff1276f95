"""Answer links of a referral."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_SHOWN = """SELECT l.id, l.referral_id, l.agency_id, a.name AS agency_name, l.to_agency_id, t.name AS to_name, l.steps,
       l.referral_status, l.return_count, l.clerk, l.follows, l.created_at, l.expires_at, l.revoked_at, l.answered_at,
       l.step, l.answered_by
  FROM answer_link l JOIN agency a ON a.id = l.agency_id JOIN agency t ON t.id = l.to_agency_id"""


async def addressee_of(raw: Raw, link_id: UUID, token_hash: bytes) -> UUID | None:
    """The office that a link acts for; None where there is no such link. One statement, as every function here."""
    found: UUID | None = await raw.fetchval("SELECT answer_link_addressee($1, $2)", link_id, token_hash)
    return found


async def answers_by_link(tx: Tx, agency_id: UUID) -> bool:
    """Whether an office is active and answers through links."""
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM agency WHERE id = $1 AND status = 'active' AND answers_by_link)", agency_id
        )
    )


async def count_open(tx: Tx, referral_id: UUID, now: datetime) -> int:
    return int(
        await tx.value(
            "SELECT count(*) FROM answer_link WHERE referral_id = $1 AND answered_at IS NULL AND revoked_at IS NULL"
            " AND expires_at > $2",
            referral_id,
            now,
        )
    )


async def insert_link(tx: Tx, row: Mapping[str, Any]) -> None:
    """`row`: every column that a new link has, `clerk` and `follows` where there are any."""
    await tx.run(
        "INSERT INTO answer_link (id, referral_id, agency_id, to_agency_id, principal_id, token_hash, steps,"
        "                         referral_status, return_count, clerk, follows, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        row["id"],
        row["referral_id"],
        tx.agency_id,
        row["to_agency_id"],
        tx.caller.principal_id,
        row["token_hash"],
        row["steps"],
        row["referral_status"],
        row["return_count"],
        row.get("clerk"),
        row.get("follows"),
        row["created_at"],
        row["expires_at"],
    )


async def find_link(tx: Tx, link_id: UUID) -> asyncpg.Record | None:
    """The link, or None where the acting agency is no party of its referral."""
    return await tx.row(f"{_SHOWN} WHERE l.id = $1", link_id)


async def lock_link(tx: Tx, link_id: UUID) -> asyncpg.Record | None:
    """The link as it stands once its row is locked; its referral is locked before."""
    return await tx.row(f"{_SHOWN} WHERE l.id = $1 FOR UPDATE OF l", link_id)


async def links_of(tx: Tx, referral_id: UUID) -> list[asyncpg.Record]:
    """The links of a referral, oldest first."""
    return await tx.rows(f"{_SHOWN} WHERE l.referral_id = $1 ORDER BY l.created_at, l.id LIMIT 200", referral_id)


async def link_that_follows(tx: Tx, link_id: UUID) -> asyncpg.Record | None:
    """The link that an answer yielded."""
    return await tx.row(f"{_SHOWN} WHERE l.follows = $1", link_id)


async def spend_link(tx: Tx, link_id: UUID, *, step: str, answered_by: bytes, now: datetime) -> None:
    await tx.run(
        "UPDATE answer_link SET answered_at = $2, step = $3, answered_by = $4 WHERE id = $1",
        link_id,
        now,
        step,
        answered_by,
    )


async def revoke_link(tx: Tx, link_id: UUID, now: datetime) -> None:
    await tx.run("UPDATE answer_link SET revoked_at = $2 WHERE id = $1", link_id, now)

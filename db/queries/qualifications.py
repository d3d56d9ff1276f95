"""Certificates of the acting agency's own staff."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.transaction import Tx

_COLUMNS = "id, staff_id, area, result, certificate, valid_from, valid_until, recorded_at, revoked_at"


async def of_staff(tx: Tx, staff_id: UUID) -> list[asyncpg.Record]:
    """Every certificate of one person, oldest first. One statement, as every function here."""
    return await tx.rows(
        f"SELECT {_COLUMNS} FROM qualification WHERE agency_id = $1 AND staff_id = $2 ORDER BY recorded_at, id",  # noqa: S608
        tx.agency_id,
        staff_id,
    )


async def insert_qualification(tx: Tx, row: Mapping[str, Any], now: datetime) -> None:
    await tx.run(
        "INSERT INTO qualification (id, agency_id, staff_id, area, result, certificate, valid_from, valid_until,"
        "                           recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row["id"],
        tx.agency_id,
        row["staff_id"],
        row["area"],
        row["result"],
        row["certificate"],
        row["valid_from"],
        row["valid_until"],
        now,
    )


async def revoke_qualification(tx: Tx, staff_id: UUID, qualification_id: UUID, now: datetime) -> bool:
    """False where there is no such certificate, or it was revoked before."""
    tag = await tx.run(
        "UPDATE qualification SET revoked_at = $4 "
        "WHERE agency_id = $1 AND staff_id = $2 AND id = $3 AND revoked_at IS NULL",
        tx.agency_id,
        staff_id,
        qualification_id,
        now,
    )
    return tag == "UPDATE 1"

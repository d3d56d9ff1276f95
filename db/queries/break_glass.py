"""Uses of the emergency access: opened, told, judged."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_SHOWN = """SELECT b.id, b.case_id, b.agency_id, a.name AS agency_name, b.coordinator_agency_id, b.danger, b.text,
       b.opened_at, b.ends_at, b.review_by, b.reviewed_at, b.verdict, b.review_text
  FROM break_glass b JOIN agency a ON a.id = b.agency_id
 WHERE ($2 IN (b.agency_id, b.coordinator_agency_id) OR b.coordinator_agency_id = ANY ($3::uuid[]))"""


async def uses_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """The uses in a case that the acting agency may see. One statement, as every function here."""
    return await tx.rows(
        f"{_SHOWN} AND b.case_id = $1 ORDER BY b.opened_at, b.id LIMIT 500",
        case_id,
        tx.agency_id,
        list(tx.rights.below),
    )


async def find_use(tx: Tx, use_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_SHOWN} AND b.id = $1", use_id, tx.agency_id, list(tx.rights.below))


async def has_overdue_review(tx: Tx, now: datetime) -> bool:
    """Whether an earlier use of the acting agency is past its day and not judged."""
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM break_glass WHERE agency_id = $1 AND reviewed_at IS NULL AND review_by <= $2)",
            tx.agency_id,
            now,
        )
    )


async def insert_use(tx: Tx, row: Mapping[str, Any]) -> None:
    await tx.run(
        "INSERT INTO break_glass (id, case_id, agency_id, coordinator_agency_id, principal_id, danger, text,"
        "                         opened_at, ends_at, review_by, reminded) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false)",
        row["id"],
        row["case_id"],
        tx.agency_id,
        row["coordinator_agency_id"],
        tx.caller.principal_id,
        row["danger"],
        row["text"],
        row["opened_at"],
        row["ends_at"],
        row["review_by"],
    )


async def review_use(tx: Tx, use_id: UUID, *, verdict: str, text: bytes, now: datetime) -> None:
    await tx.run(
        "UPDATE break_glass SET reviewed_at = $2, verdict = $3, review_text = $4 WHERE id = $1 AND reviewed_at IS NULL",
        use_id,
        now,
        verdict,
        text,
    )


async def unreviewed(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Uses past their day that nobody judged and nobody was reminded of, locked for whoever reminds."""
    return await raw.fetch(
        "SELECT id, case_id, agency_id, coordinator_agency_id FROM break_glass "
        "WHERE review_by <= $1 AND reviewed_at IS NULL AND NOT reminded ORDER BY review_by LIMIT $2 "
        "FOR NO KEY UPDATE SKIP LOCKED",
        now,
        limit,
    )


async def mark_reminded(raw: Raw, use_id: UUID) -> None:
    await raw.execute("UPDATE break_glass SET reminded = true WHERE id = $1", use_id)

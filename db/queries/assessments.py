"""Impact assessments: read by everybody, like the responsibility list; written by the agency that assessed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from db.transaction import Tx

_SHOWN = """SELECT i.id, i.agency_id, a.name AS agency_name, i.title, i.matters, i.field_classes, i.measures,
       i.assessed_by, i.valid_from, i.valid_until, i.recorded_at, i.revoked_at
  FROM impact_assessment i JOIN agency a ON a.id = i.agency_id"""


async def list_assessments(tx: Tx, *, agency_id: UUID | None, after: UUID, limit: int) -> list[asyncpg.Record]:
    """Newest first, from behind `after` on; of one agency or of all. One statement, as every function here."""
    return await tx.rows(
        f"{_SHOWN} WHERE i.id < $1 AND ($2::uuid IS NULL OR i.agency_id = $2) ORDER BY i.id DESC LIMIT $3",
        after,
        agency_id,
        limit,
    )


async def find_assessment(tx: Tx, assessment_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_SHOWN} WHERE i.id = $1", assessment_id)


async def insert_assessment(tx: Tx, row: Mapping[str, Any]) -> None:
    await tx.run(
        "INSERT INTO impact_assessment (id, agency_id, title, matters, field_classes, measures, assessed_by,"
        "                               valid_from, valid_until, recorded_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        row["id"],
        tx.agency_id,
        row["title"],
        row["matters"],
        row["field_classes"],
        row["measures"],
        row["assessed_by"],
        row["valid_from"],
        row["valid_until"],
        tx.now,
    )


async def revoke_assessment(tx: Tx, assessment_id: UUID) -> bool:
    """False where it was revoked before, or is somebody else's."""
    tag = await tx.run(
        "UPDATE impact_assessment SET revoked_at = $3 WHERE id = $1 AND agency_id = $2 AND revoked_at IS NULL",
        assessment_id,
        tx.agency_id,
        tx.now,
    )
    return tag == "UPDATE 1"

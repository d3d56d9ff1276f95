"""Results, adoptions, assistance."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from db.transaction import Tx

_RESULT = """SELECT r.id, r.case_id, r.referral_id, r.agency_id, a.name AS agency_name, r.matter_code, r.kind, r.code,
    r.text, r.sensitive, r.valid_from, r.valid_to, r.shared_at, r.version, r.erased_at, r.withdrawal,
    r.withdrawn_at,
    ARRAY(SELECT p.role FROM participant p
           WHERE p.case_id = r.case_id AND p.agency_id = $2 AND p.until IS NULL
           UNION ALL SELECT 'supervisor' FROM "case" c
           WHERE c.id = r.case_id AND c.coordinator_agency_id = ANY ($3::uuid[])
           UNION ALL SELECT 'owner' WHERE r.agency_id = $2) AS roles
  FROM result r JOIN agency a ON a.id = r.agency_id"""


async def insert_result(tx: Tx, row: Mapping[str, Any]) -> None:
    await tx.run(
        "INSERT INTO result (id, case_id, referral_id, agency_id, matter_code, kind, code, text, sensitive, valid_from,"
        "                    valid_to, shared_at, version) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1)",
        row["id"],
        row["case_id"],
        row["referral_id"],
        tx.agency_id,
        row["matter_code"],
        row["kind"],
        row["code"],
        row["text"],
        row["sensitive"],
        row["valid_from"],
        row["valid_to"],
        tx.now,
    )


async def find_result(tx: Tx, result_id: UUID) -> asyncpg.Record | None:
    """The result with the acting agency's roles in its case, or None where hidden. One statement."""
    return await tx.row(f"{_RESULT} WHERE r.id = $1", result_id, tx.agency_id, list(tx.rights.below))


async def results_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        f"{_RESULT} WHERE r.case_id = $1 ORDER BY r.shared_at, r.id", case_id, tx.agency_id, list(tx.rights.below)
    )


async def withdraw(tx: Tx, result_id: UUID, reason: str) -> bool:
    """False where it was withdrawn before."""
    tag = await tx.run(
        "UPDATE result SET withdrawal = $2, withdrawn_at = $3, version = version + 1 "
        " WHERE id = $1 AND withdrawn_at IS NULL",
        result_id,
        reason,
        tx.now,
    )
    return tag.endswith("1")


async def standing_recognitions(tx: Tx, case_id: UUID, code: str, day: date) -> list[asyncpg.Record]:
    """(id, valid_to, what the acting agency said) of a case's recognitions in force on `day`, not withdrawn."""
    return await tx.rows(
        "SELECT r.id, r.valid_to, ARRAY(SELECT d.decision FROM adoption d "
        "                                WHERE d.result_id = r.id AND d.agency_id = $4) AS said "
        "  FROM result r WHERE r.case_id = $1 AND r.kind = 'recognition' AND r.code = $2 AND r.withdrawn_at IS NULL "
        "   AND $3::date BETWEEN coalesce(r.valid_from, '-infinity') AND coalesce(r.valid_to, 'infinity')",
        case_id,
        code,
        day,
        tx.agency_id,
    )


async def insert_assistance(tx: Tx, case_id: UUID, referral_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """One statement for all."""
    await tx.run(
        "INSERT INTO assistance (id, case_id, referral_id, agency_id, kind, depth, amount_fen, quantity, unit,"
        "                        period_from, period_to, source, recorded_at) "
        "SELECT g.id, $1, $2, $3, g.kind, g.depth, g.amount_fen, g.quantity, g.unit, g.period_from, g.period_to,"
        "       g.source, $4 FROM unnest($5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::integer[], $10::text[],"
        "       $11::date[], $12::date[], $13::bytea[]) AS g (id, kind, depth, amount_fen, quantity, unit, period_from,"
        "       period_to, source)",
        case_id,
        referral_id,
        tx.agency_id,
        tx.now,
        *(
            [row[name] for row in rows]
            for name in (
                *("id", "kind", "depth", "amount_fen", "quantity", "unit"),
                *("period_from", "period_to", "source"),
            )
        ),
    )


async def assistance_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """Assistance the acting agency may see: all for the coordinator, else what it gave itself."""
    return await tx.rows(
        "SELECT s.*, a.name AS agency_name FROM assistance s JOIN agency a ON a.id = s.agency_id "
        'JOIN "case" c ON c.id = s.case_id '
        "WHERE s.case_id = $1 AND $2 IN (s.agency_id, c.coordinator_agency_id) ORDER BY s.recorded_at, s.id",
        case_id,
        tx.agency_id,
    )


async def insert_adoption(tx: Tx, row: Mapping[str, Any]) -> bool:
    """False where this agency already said whether it adopts this thing. One statement."""
    tag = await tx.run(
        "INSERT INTO adoption (id, case_id, result_id, report_id, agency_id, decision, reason, reason_code, "
        "                      adopted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        row["id"],
        row["case_id"],
        row["result_id"],
        row["report_id"],
        tx.agency_id,
        row["decision"],
        row["reason"],
        row["reason_code"],
        tx.now,
    )
    return tag.endswith("1")


async def adoptions_of_result(tx: Tx, result_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT d.*, a.name AS agency_name FROM adoption d JOIN agency a ON a.id = d.agency_id "
        "JOIN result r ON r.id = d.result_id "
        'JOIN "case" c ON c.id = d.case_id '
        "WHERE d.result_id = $1 AND $2 IN (d.agency_id, r.agency_id, c.coordinator_agency_id) "
        "ORDER BY d.adopted_at, d.id",
        result_id,
        tx.agency_id,
    )

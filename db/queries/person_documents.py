"""Everything a case holds, for the copy its coordinator makes for a person. One statement each."""

from uuid import UUID

import asyncpg

from db.transaction import Tx


async def records_of(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """Every record of everybody in the case, oldest first, with who reported it."""
    return await tx.rows(
        "SELECT r.id, r.person_id, r.report_id, r.agency_id, a.name AS agency_name, r.name, r.id_type, r.id_number,"
        "       r.contact, r.sex, r.birth_date, r.division_code, r.employment_status, r.details, r.created_at,"
        "       r.corrects, e.name AS employer_name, m.role, m.relation "
        "  FROM person_record r JOIN agency a ON a.id = r.agency_id LEFT JOIN employer e ON e.id = r.employer_id "
        "  LEFT JOIN household_member m ON m.case_id = r.case_id AND m.person_id = r.person_id "
        " WHERE r.case_id = $1 ORDER BY r.created_at, r.id",
        case_id,
    )


async def reports_of(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT r.id, r.agency_id, a.name AS agency_name, r.reported_at, r.channel, r.body FROM report r "
        "JOIN agency a ON a.id = r.agency_id WHERE r.case_id = $1 ORDER BY r.reported_at, r.id",
        case_id,
    )


async def steps_of(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """The case's referrals that were sent, with each step taken: one row a step."""
    return await tx.rows(
        "SELECT r.id AS referral_id, m.title_zh, m.title_en, r.need, s.name AS sender_name, t.name AS to_name,"
        "       r.status, r.note, r.requested_at, p.id AS step_id, p.step, p.taken_at, p.body, p.reason,"
        "       a.name AS agency_name "
        "  FROM referral r JOIN matter m ON m.code = r.matter_code JOIN agency s ON s.id = r.sender_agency_id "
        "  LEFT JOIN agency t ON t.id = r.to_agency_id LEFT JOIN referral_step p ON p.referral_id = r.id "
        "  LEFT JOIN agency a ON a.id = p.agency_id "
        " WHERE r.case_id = $1 AND r.status <> 'draft' ORDER BY r.created_at, r.id, p.taken_at, p.id",
        case_id,
    )


async def results_of(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT r.id, a.name AS agency_name, r.matter_code, r.kind, r.code, r.text, r.valid_from, r.valid_to,"
        "       r.shared_at "
        "  FROM result r JOIN agency a ON a.id = r.agency_id WHERE r.case_id = $1 ORDER BY r.shared_at, r.id",
        case_id,
    )


async def adoptions_of(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT d.id, a.name AS agency_name, d.result_id, d.report_id, d.decision, d.reason, d.adopted_at "
        "  FROM adoption d JOIN agency a ON a.id = d.agency_id WHERE d.case_id = $1 ORDER BY d.adopted_at, d.id",
        case_id,
    )


async def assistance_of(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT s.id, a.name AS agency_name, s.kind, s.depth, s.amount_fen, s.quantity, s.unit, s.period_from,"
        "       s.period_to, s.source, s.recorded_at "
        "  FROM assistance s JOIN agency a ON a.id = s.agency_id WHERE s.case_id = $1 ORDER BY s.recorded_at, s.id",
        case_id,
    )


async def bases_of(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT b.id, a.name AS agency_name, t.name AS recipient_name, b.kind, b.reference, b.valid_from,"
        "       b.valid_until "
        "  FROM sharing_basis b JOIN agency a ON a.id = b.agency_id JOIN agency t ON t.id = b.recipient_agency_id "
        " WHERE b.case_id = $1 ORDER BY b.recorded_at, b.id",
        case_id,
    )


async def emergencies_of(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows(
        "SELECT b.id, a.name AS agency_name, b.danger, b.text, b.opened_at, b.verdict "
        "  FROM break_glass b JOIN agency a ON a.id = b.agency_id WHERE b.case_id = $1 ORDER BY b.opened_at, b.id",
        case_id,
    )


async def exit_of(tx: Tx, case_id: UUID) -> asyncpg.Record | None:
    return await tx.row('SELECT exit_reason, exit_text FROM "case" WHERE id = $1', case_id)

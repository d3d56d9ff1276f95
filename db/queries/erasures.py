"""Erasure and retention: what a case holds that goes, and the functions that take it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx


async def erase_case(tx: Tx, case_id: UUID, *, in_error: bool) -> bool:
    """False where it was erased before. One statement, in which everything goes."""
    return bool(await tx.value("SELECT erase_case($1, $2, $3)", case_id, in_error, tx.now))


async def erase_member(tx: Tx, case_id: UUID, person_id: UUID, bodies: Sequence[Mapping[str, str]]) -> None:
    await tx.run("SELECT erase_member($1, $2, $3::jsonb)", case_id, person_id, json.dumps(bodies))


async def is_main_member(tx: Tx, case_id: UUID, person_id: UUID) -> bool:
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM household_member WHERE case_id = $1 AND person_id = $2 AND role = 'main')",
            case_id,
            person_id,
        )
    )


async def has_unjudged_use(tx: Tx, case_id: UUID) -> bool:
    """Whether an emergency use of the case still waits for its judgement, which could not be given any more."""
    return bool(
        await tx.value("SELECT EXISTS (SELECT FROM break_glass WHERE case_id = $1 AND reviewed_at IS NULL)", case_id)
    )


async def records_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """Sealed contacts and details of everybody in the case. One statement."""
    return await tx.rows("SELECT id, contact, details FROM person_record WHERE case_id = $1 ORDER BY id", case_id)


async def persons_of_case(tx: Tx, case_id: UUID) -> list[UUID]:
    """Everybody of whom there is a record in the case, in one order. One statement."""
    rows = await tx.rows("SELECT DISTINCT person_id FROM person_record WHERE case_id = $1 ORDER BY person_id", case_id)
    return [row["person_id"] for row in rows]


async def subjects_about(tx: Tx, case_id: UUID, person_id: UUID) -> list[UUID]:
    """Ids under which the audit log speaks of one person of a case: records, and requests. One statement."""
    rows = await tx.rows(
        "SELECT id FROM person_record WHERE case_id = $1 AND person_id = $2 "
        "UNION ALL SELECT id FROM person_request WHERE case_id = $1 AND person_id = $2",
        case_id,
        person_id,
    )
    return [row["id"] for row in rows]


async def reports_with(tx: Tx, case_id: UUID, person_id: UUID) -> list[asyncpg.Record]:
    """The reports of a case that name a person: sealed body, and the person's sealed name in each. One statement."""
    return await tx.rows(
        "SELECT r.id, r.body, p.id AS record_id, p.name FROM report r JOIN person_record p ON p.report_id = r.id "
        "WHERE r.case_id = $1 AND p.person_id = $2 AND p.corrects IS NULL ORDER BY r.id",
        case_id,
        person_id,
    )


async def matters_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """Code and definition of each matter that was referred in the case. One statement."""
    return await tx.rows(
        "SELECT DISTINCT m.code, m.definition::text AS definition FROM referral r "
        "  JOIN matter m ON m.code = r.matter_code WHERE r.case_id = $1",
        case_id,
    )


async def trim_case(tx: Tx, case_id: UUID, records: Sequence[Mapping[str, str]], matters: Sequence[str]) -> None:
    await tx.run("SELECT trim_case($1, $2::jsonb, $3)", case_id, json.dumps(records), list(matters))


# Retention, for the jobs and the operator


async def cases_past_retention(raw: Raw, closed_before: datetime, limit: int, *, asked: bool) -> list[asyncpg.Record]:
    """Cases whose period is over, the longest first; `asked`: also those whose coordinator has been asked."""
    return await raw.fetch("SELECT * FROM cases_past_retention($1, $2, $3)", closed_before, asked, limit)


async def open_retention_task(
    raw: Raw, task_id: UUID, case_id: UUID, *, closed_before: datetime, now: datetime
) -> bool:
    """False where the coordinator was asked before."""
    return bool(await raw.fetchval("SELECT open_retention_task($1, $2, $3, $4)", task_id, case_id, closed_before, now))


async def forget_deliveries(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes finished deliveries with their attempts; how many."""
    done = await raw.fetch(
        "SELECT id FROM delivery WHERE finished_at < $1 ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED",
        before,
        limit,
    )
    ids = [row["id"] for row in done]
    if ids:
        await raw.execute("DELETE FROM delivery_attempt WHERE delivery_id = ANY ($1)", ids)
        await raw.execute("DELETE FROM delivery WHERE id = ANY ($1)", ids)
    return len(ids)


async def forget_proofs_of_erased(raw: Raw, before: datetime, limit: int) -> int:
    """Deletes bases and answered requests of cases erased before; how many."""
    return int(await raw.fetchval("SELECT forget_proofs_of_erased($1, $2)", before, limit))

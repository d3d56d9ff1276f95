"""Expected adoptions: what an agency has still to say, as it and the coordinator see it and as the clock does."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx
from rules.deadlines import Due, Period


class Sent(NamedTuple):
    """What the acting agency sent, or accepted: one of the three. `recognitions`: those its own work rests on."""

    report: UUID | None = None
    result: UUID | None = None
    referral: UUID | None = None
    recognitions: Sequence[str] = ()


async def expect(tx: Tx, sent: Sent, period: Period, due: Due) -> None:
    """Of everybody whom it came to; again where the agency had left. One statement, as everything here."""
    await tx.run(
        "SELECT expect_adoptions($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        sent.report,
        sent.result,
        sent.referral,
        list(sent.recognitions),
        period.amount,
        period.unit.value,
        due.at,
        due.confirmed,
        tx.now,
    )


async def find(tx: Tx, expected_id: UUID) -> asyncpg.Record | None:
    """With the acting agency's parts in it, or None where hidden."""
    return await tx.row(
        "SELECT e.*, ARRAY(SELECT 'owner' WHERE e.agency_id = $2 UNION ALL "
        "                  SELECT CASE WHEN c.coordinator_agency_id = $2 THEN 'coordinator' ELSE 'supervisor' END "
        '                    FROM "case" c WHERE c.id = e.case_id '
        "                     AND c.coordinator_agency_id = ANY (array_append($3::uuid[], $2))) AS parts "
        "  FROM expected_adoption e WHERE e.id = $1",
        expected_id,
        tx.agency_id,
        list(tx.rights.below),
    )


class Wanted(NamedTuple):
    """Which are listed; None does not matter. `own`: those of the acting agency, else those of others."""

    own: bool
    case_id: UUID | None
    status: str | None
    overdue: bool | None


_ROW = """SELECT e.id, e.case_id, json_build_object('id', a.id, 'name', a.name) AS agency, e.result_id,
    p.id AS report_id, coalesce(r.kind, 'report') AS kind, r.code, r.valid_to, e.status,
    rfc3339(e.arisen_at) AS arisen_at, rfc3339(e.due_at) AS due_at, e.due_confirmed, rfc3339(e.overdue_at) AS overdue_at
    FROM expected_adoption e JOIN agency a ON a.id = e.agency_id LEFT JOIN result r ON r.id = e.result_id
    LEFT JOIN report p ON p.id = e.report_id"""
_LIST = f"""
SELECT coalesce(json_agg(x), '[]')::text FROM ({_ROW}
 WHERE (e.agency_id = $1) = $5 AND (e.due_at, e.id) > ($2, $3) AND ($6::uuid IS NULL OR e.case_id = $6)
   AND ($7::text IS NULL OR e.status = $7) AND ($8::boolean IS NULL OR (e.overdue_at IS NOT NULL) = $8)
 ORDER BY e.due_at, e.id LIMIT $4) x"""  # noqa: S608  constants


async def list_expected(tx: Tx, wanted: Wanted, *, after: tuple[datetime, UUID], limit: int) -> str:
    """JSON array, the earliest date first. A report is named to whom row security shows it."""
    return str(await tx.value(_LIST, tx.agency_id, after[0], after[1], limit, *wanted))


async def show(tx: Tx, expected_id: UUID) -> str:
    """One as JSON object, as in the list. It must be one that the acting agency sees."""
    return str(await tx.value(f"SELECT row_to_json(x)::text FROM ({_ROW} WHERE e.id = $1) x", expected_id))  # noqa: S608


_FIRE = """
WITH due AS MATERIALIZED (
    SELECT id, case_id FROM expected_adoption
     WHERE status = 'waiting' AND overdue_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $2),
ours AS MATERIALIZED (SELECT id FROM due WHERE pg_try_advisory_xact_lock(hashtextextended(case_id::text, 4))),
fired AS (
    UPDATE expected_adoption e SET overdue_at = $1 FROM ours
     WHERE e.id = ours.id AND e.status = 'waiting' AND e.overdue_at IS NULL RETURNING e.id, e.case_id, e.agency_id)
SELECT fired.*, p.agency_id AS coordinator_agency_id
  FROM fired JOIN participant p ON p.case_id = fired.case_id AND p.role = 'coordinator' AND p.until IS NULL"""


async def fire(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Notes of those whose date has passed that this was said, each once; those whose case somebody works on wait."""
    return await raw.fetch(_FIRE, now, limit)


async def provisional(raw: Raw, after: UUID, limit: int) -> list[asyncpg.Record]:
    """(id, case) of those that wait with a date beyond the confirmed calendar, by id."""
    return await raw.fetch(
        "SELECT id, case_id FROM expected_adoption WHERE status = 'waiting' AND NOT due_confirmed AND id > $1 "
        " ORDER BY id LIMIT $2",
        after,
        limit,
    )


async def lock(raw: Raw, expected_id: UUID) -> asyncpg.Record | None:
    """How its date was counted, once its row is locked; None where it does not wait any more."""
    return await raw.fetchrow(
        "SELECT amount, unit, arisen_at, due_at, due_confirmed FROM expected_adoption "
        " WHERE id = $1 AND status = 'waiting' FOR UPDATE SKIP LOCKED",
        expected_id,
    )


async def set_due(raw: Raw, expected_id: UUID, due: Due) -> None:
    await raw.execute(
        "UPDATE expected_adoption SET due_at = $2, due_confirmed = $3 WHERE id = $1", expected_id, due.at, due.confirmed
    )

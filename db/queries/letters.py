"""Letters of supervision, as their parties may see them. One statement each."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_FIND = """SELECT l.*, u.name AS union_name, t.name AS to_name, p.name AS copied_name, c.coordinator_agency_id
  FROM letter l JOIN agency u ON u.id = l.agency_id LEFT JOIN agency t ON t.id = l.to_agency_id
  LEFT JOIN agency p ON p.id = l.copied_agency_id LEFT JOIN "case" c ON c.id = l.case_id
 WHERE l.id = $1"""


async def find_letter(tx: Tx, letter_id: UUID) -> asyncpg.Record | None:
    """The letter with the names of its parties, or None where the acting agency is none of them. Who coordinates its
    case is null for whoever sees no case."""
    return await tx.row(_FIND, letter_id)


async def lock_letter(tx: Tx, letter_id: UUID) -> asyncpg.Record | None:
    """As it stands once its row is locked; None for whoever has a copy only."""
    return await tx.row(f"{_FIND} FOR NO KEY UPDATE OF l", letter_id)


async def employer_of(tx: Tx, case_id: UUID) -> str | None:
    """The employer that a seen case is about: its own, or that of the main person as it was reported."""
    found: str | None = await tx.value(
        'SELECT e.name FROM "case" c JOIN employer e ON e.id = c.employer_id WHERE c.id = $1', case_id
    )
    return found


async def code_of_union(tx: Tx) -> str:
    """The code of the acting union, by which its letters are told from those of others."""
    return str(await tx.value("SELECT code FROM agency WHERE id = $1", tx.agency_id))


async def next_ordinal(tx: Tx, kind: str, year_start: datetime) -> int:
    """The next number of a kind of letter of the acting union in a year; its letters are numbered one after another."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 11))", tx.agency_id)
    found = await tx.value(
        "SELECT count(*) + 1 FROM letter WHERE agency_id = $1 AND kind = $2 AND created_at >= $3",
        tx.agency_id,
        kind,
        year_start,
    )
    return int(found)


async def insert_letter(tx: Tx, row: dict[str, Any]) -> None:
    """Writes a new letter of the acting union."""
    whole = row | {
        "agency_id": tx.agency_id,
        "created_at": tx.now,
        "updated_at": tx.now,
        "status": "sent",
        "version": 1,
    }
    holes = ", ".join(f"${position}" for position in range(1, len(whole) + 1))
    await tx.run(f"INSERT INTO letter ({', '.join(whole)}) VALUES ({holes})", *whole.values())  # noqa: S608  columns


async def move_letter(tx: Tx, letter_id: UUID, status: str, *, answer: bytes | None, filing_number: str | None) -> None:
    """Writes to a locked row what was done about it; counts its version up."""
    await tx.run(
        "UPDATE letter SET status = $2, answer = coalesce($3, answer), filing_number = $4, answered_at = $5,"
        "       updated_at = $5, version = version + 1 WHERE id = $1",
        letter_id,
        status,
        answer,
        filing_number,
        tx.now,
    )


_LIST = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT l.id, CASE WHEN c.id IS NOT NULL THEN l.case_id END AS case_id, l.kind, l.status, l.number, l.follows,
           l.ground, json_build_object('id', u.id, 'name', u.name) AS author, l.employer,
           CASE WHEN t.id IS NOT NULL THEN json_build_object('id', t.id, 'name', t.name) END AS to_agency,
           CASE WHEN p.id IS NOT NULL THEN json_build_object('id', p.id, 'name', p.name) END AS copy_to, l.place,
           l.violations, l.workers, l.filing_number, rfc3339(l.due_by) AS due_by, l.due_confirmed,
           l.overdue_at IS NOT NULL AS overdue, rfc3339(l.answered_at) AS answered_at,
           rfc3339(l.created_at) AS created_at, rfc3339(l.updated_at) AS updated_at, l.version
      FROM letter l JOIN agency u ON u.id = l.agency_id LEFT JOIN agency t ON t.id = l.to_agency_id
      LEFT JOIN agency p ON p.id = l.copied_agency_id LEFT JOIN "case" c ON c.id = l.case_id
     WHERE (l.agency_id = $1 OR l.to_agency_id = $1 OR l.copied_agency_id = $1)
       AND (l.updated_at, l.id) < ($2, $3) AND ($5::text IS NULL OR l.kind = $5)
       AND ($6::text IS NULL OR l.status = $6) AND ($7::uuid IS NULL OR l.case_id = $7)
     ORDER BY l.updated_at DESC, l.id DESC LIMIT $4) r"""


async def list_letters(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, kind: str | None, status: str | None, case_id: UUID | None
) -> str:
    """JSON array of the letters that the acting agency wrote or was sent, without their words, newest change first."""
    return str(await tx.value(_LIST, tx.agency_id, *after, limit, kind, status, case_id))


async def expire_letters(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Marks letters that were not answered in time, each once; those."""
    return await raw.fetch(
        "WITH due AS (SELECT id FROM letter WHERE status = 'sent' AND overdue_at IS NULL AND due_by <= $1"
        "              ORDER BY due_by LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED) "
        "UPDATE letter l SET overdue_at = $1, updated_at = $1, version = version + 1 FROM due WHERE l.id = due.id "
        "RETURNING l.id, l.case_id, l.agency_id, l.to_agency_id, l.version",
        now,
        limit,
    )

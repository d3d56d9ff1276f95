"""Needs for which no body is competent: of a case its coordinator sees, and as counts of a line of unions."""

import json
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from db.transaction import Tx


class NewGap(NamedTuple):
    """A gap that the acting agency records; `text` is sealed."""

    id: UUID
    case_id: UUID
    need: str
    matter_code: str | None
    ground: str
    place: str
    text: bytes


async def insert_gap(tx: Tx, row: NewGap) -> None:
    """Raises asyncpg.UniqueViolationError where the need of the case has one. One statement, as everything here."""
    await tx.run(
        "INSERT INTO policy_gap (id, case_id, need, matter_code, ground, place, text, agency_id, recorded_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *row,
        tx.agency_id,
        tx.now,
    )


async def gaps_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """Oldest first; at most one for each need."""
    return await tx.rows("SELECT * FROM policy_gap WHERE case_id = $1 ORDER BY id", case_id)


async def has_need(tx: Tx, case_id: UUID, need: str) -> bool:
    found = "SELECT EXISTS (SELECT FROM case_need WHERE case_id = $1 AND need = $2)"
    return bool(await tx.value(found, case_id, need))


async def was_disputed(tx: Tx, case_id: UUID, need: str, matter: str | None) -> bool:
    """Whether competence for the need was disputed in a referral of the case, of that matter where one is named."""
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM referral r JOIN referral_step s ON s.referral_id = r.id"
            "  WHERE r.case_id = $1 AND r.need = $2 AND ($3::text IS NULL OR r.matter_code = $3)"
            "    AND s.step = 'dispute' AND s.reason = 'competence')",
            case_id,
            need,
            matter,
        )
    )


_COUNTS = """
SELECT coalesce(json_agg(row), '[]')::text FROM (
    SELECT need, place, ground, gaps FROM policy_gap_counts($1) ORDER BY gaps DESC, need, place, ground LIMIT $2) row"""


async def count_gaps(tx: Tx, *, need: str | None, limit: int) -> list[dict[str, Any]]:
    """Gaps of the acting union and the unions below it by need, place and ground, the most first; no case."""
    found: list[dict[str, Any]] = json.loads(await tx.value(_COUNTS, need, limit))
    return found

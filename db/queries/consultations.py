"""The register of consultations of the acting union."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from db.transaction import Tx
from rules.deadlines import shanghai_day

_ROWS = """SELECT c.*, coalesce(a.name, c.drafter_name) AS drafter
  FROM consultation c LEFT JOIN agency a ON a.id = c.drafter_agency_id"""


async def find_consultation(tx: Tx, consultation_id: UUID) -> asyncpg.Record | None:
    """The record, or None where it is another's. One statement, as everything here."""
    return await tx.row(f"{_ROWS} WHERE c.id = $1", consultation_id)


async def lock_consultation(tx: Tx, consultation_id: UUID) -> asyncpg.Record | None:
    """The record as it stands once its row is locked."""
    return await tx.row(f"{_ROWS} WHERE c.id = $1 FOR NO KEY UPDATE OF c", consultation_id)


async def list_consultations(
    tx: Tx, *, before: UUID, limit: int, missing_participation: bool | None, opinion_overdue: bool | None
) -> list[asyncpg.Record]:
    """Newest first."""
    return await tx.rows(
        f"{_ROWS} WHERE c.agency_id = $1 AND c.id < $2 AND ($3::boolean IS NULL OR (c.asked_on IS NULL) = $3)"
        "   AND ($4::boolean IS NULL OR (c.opinion IS NULL AND c.opinion_due < $5) IS TRUE = $4)"
        " ORDER BY c.id DESC LIMIT $6",
        tx.agency_id,
        before,
        missing_participation,
        opinion_overdue,
        shanghai_day(tx.now),
        limit,
    )


async def is_active_agency(tx: Tx, agency_id: UUID) -> bool:
    return bool(await tx.value("SELECT EXISTS (SELECT FROM agency WHERE id = $1 AND status = 'active')", agency_id))


async def insert_consultation(tx: Tx, consultation_id: UUID, words: Mapping[str, object]) -> None:
    """A record of the acting agency's; `words` by column."""
    columns = ", ".join(words)
    values = ", ".join(f"${position}" for position, _ in enumerate(words, start=4))
    await tx.run(
        f"INSERT INTO consultation (id, agency_id, created_at, updated_at, version, {columns})"  # noqa: S608  columns of ours
        f" VALUES ($1, $2, $3, $3, 1, {values})",
        consultation_id,
        tx.agency_id,
        tx.now,
        *words.values(),
    )


async def update_consultation(tx: Tx, consultation_id: UUID, changes: Mapping[str, object]) -> None:
    """Writes changed columns to a locked row, counts its version up."""
    sets = "".join(f"{column} = ${position}, " for position, column in enumerate(changes, start=3))
    await tx.run(
        f"UPDATE consultation SET {sets}updated_at = $2, version = version + 1 WHERE id = $1",  # noqa: S608  columns of ours
        consultation_id,
        tx.now,
        *changes.values(),
    )


_COUNTS = """
SELECT coalesce(json_agg(row), '[]')::text FROM (
    SELECT c.drafter_agency_id AS drafter_agency, coalesce(a.name, c.drafter_name) AS drafter_name, count(*) AS drafts,
           count(*) FILTER (WHERE c.asked_on IS NULL) AS not_asked, count(*) FILTER (WHERE c.attended) AS attended,
           count(c.opinion) AS opinions, count(*) FILTER (WHERE c.adoption = 'adopted') AS adopted,
           count(*) FILTER (WHERE c.adoption = 'partly') AS partly,
           count(*) FILTER (WHERE c.adoption = 'not_adopted') AS not_adopted
      FROM consultation c LEFT JOIN agency a ON a.id = c.drafter_agency_id WHERE c.agency_id = $1
     GROUP BY c.drafter_agency_id, coalesce(a.name, c.drafter_name)
     ORDER BY not_asked DESC, drafts DESC, drafter_name LIMIT $2) row"""


async def count_consultations(tx: Tx, *, limit: int) -> list[dict[str, Any]]:
    """Figures of each drafting body, who left the union out most often first."""
    found: list[dict[str, Any]] = json.loads(await tx.value(_COUNTS, tx.agency_id, limit))
    return found

"""Proposals, as their union and their addressee may see them, and as the jobs watch their clock."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_ROWS = """SELECT p.*, p.evidence::text AS counted, o.name AS agency_name,
       coalesce(a.name, p.addressee_name) AS addressee
  FROM proposal p JOIN agency o ON o.id = p.agency_id LEFT JOIN agency a ON a.id = p.addressee_agency_id"""


async def find_proposal(tx: Tx, proposal_id: UUID) -> asyncpg.Record | None:
    """The proposal, or None where the acting agency has no part in it. One statement, as everything here."""
    return await tx.row(f"{_ROWS} WHERE p.id = $1", proposal_id)


async def lock_proposal(tx: Tx, proposal_id: UUID) -> asyncpg.Record | None:
    """The proposal as it stands once its row is locked."""
    return await tx.row(f"{_ROWS} WHERE p.id = $1 FOR NO KEY UPDATE OF p", proposal_id)


async def list_proposals(
    tx: Tx, *, before: UUID, limit: int, part: str | None, status: str | None, overdue: bool | None
) -> list[asyncpg.Record]:
    """Those of the acting agency and those addressed to it, newest first."""
    return await tx.rows(
        f"{_ROWS} WHERE p.id < $2 AND ($4::text IS NULL OR p.status = $4) AND ($5::boolean IS NULL OR p.overdue = $5)"
        "   AND ((p.agency_id = $1 AND $3 <> 'addressee') OR (p.addressee_agency_id = $1 AND $3 <> 'owner'))"
        " ORDER BY p.id DESC LIMIT $6",
        tx.agency_id,
        before,
        part or "",
        status,
        overdue,
        limit,
    )


async def is_another_active_agency(tx: Tx, agency_id: UUID) -> bool:
    found = "SELECT EXISTS (SELECT FROM agency WHERE id = $1 AND id <> $2 AND status = 'active')"
    return bool(await tx.value(found, agency_id, tx.agency_id))


async def insert_proposal(tx: Tx, proposal_id: UUID, words: Mapping[str, object]) -> None:
    """A draft of the acting agency's; `words` by column."""
    columns = ", ".join(words)
    values = ", ".join(f"${position}" for position, _ in enumerate(words, start=4))
    await tx.run(
        "INSERT INTO proposal (id, agency_id, status, due_confirmed, overdue, created_at, updated_at, version,"  # noqa: S608  columns of ours
        f" {columns}) VALUES ($1, $2, 'draft', true, false, $3, $3, 1, {values})",
        proposal_id,
        tx.agency_id,
        tx.now,
        *words.values(),
    )


async def update_proposal(tx: Tx, proposal_id: UUID, changes: Mapping[str, object]) -> None:
    """Writes changed columns to a locked row, counts its version up. `evidence` goes as JSON text."""
    sets = "".join(
        f"{column} = ${position}{'::text::jsonb' if column == 'evidence' else ''}, "
        for position, column in enumerate(changes, start=3)
    )
    await tx.run(
        f"UPDATE proposal SET {sets}updated_at = $2, version = version + 1 WHERE id = $1",  # noqa: S608  columns of ours
        proposal_id,
        tx.now,
        *changes.values(),
    )


async def evidence_for(tx: Tx, need: str) -> dict[str, Any]:
    """How many open cases of the acting union and the unions below it have the need, and how many gaps there are by
    ground, whoever may see them."""
    found: dict[str, Any] = json.loads(await tx.value("SELECT proposal_evidence($1)::text", need))
    return found


_CLOCK = """id, agency_id, addressee_agency_id, sent_at, reply_days, due_by, due_confirmed, version"""


async def fire_due(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Notes of proposals whose reply is late by `now` that it is, the earliest first; those that it noted. What
    somebody else is working on waits for the next round."""
    return await raw.fetch(
        "UPDATE proposal SET overdue = true, next_due = NULL, updated_at = $1, version = version + 1 WHERE id IN ("  # noqa: S608  column names only
        "    SELECT id FROM proposal WHERE next_due <= $1 ORDER BY next_due LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED) "
        f"RETURNING {_CLOCK}",
        now,
        limit,
    )


async def provisional_proposals(raw: Raw, after: UUID, limit: int) -> list[asyncpg.Record]:
    """(id, no case) of proposals that wait for a reply by a date beyond the confirmed calendar, by id."""
    return await raw.fetch(
        "SELECT id, NULL::uuid AS case_id FROM proposal WHERE next_due IS NOT NULL AND NOT due_confirmed AND id > $1"
        " ORDER BY id LIMIT $2",
        after,
        limit,
    )


async def lock_for_clock(raw: Raw, proposal_id: UUID) -> asyncpg.Record | None:
    """The proposal if its clock still runs provisionally and nobody works on it."""
    return await raw.fetchrow(
        f"SELECT {_CLOCK} FROM proposal WHERE id = $1 AND next_due IS NOT NULL AND NOT due_confirmed"  # noqa: S608  column names only
        " FOR NO KEY UPDATE SKIP LOCKED",
        proposal_id,
    )


async def set_due(raw: Raw, proposal_id: UUID, due_by: datetime, *, confirmed: bool, now: datetime) -> int:
    """Moves the clock of a locked row; its new version."""
    return int(
        await raw.fetchval(
            "UPDATE proposal SET due_by = $2, next_due = $2, due_confirmed = $3, updated_at = $4,"
            " version = version + 1 WHERE id = $1 RETURNING version",
            proposal_id,
            due_by,
            confirmed,
            now,
        )
    )

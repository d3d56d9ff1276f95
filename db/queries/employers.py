"""Employers: looked for by number, or by name and county; founded where none is known."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

import asyncpg

from db.transaction import Tx
from rules.linkage.employer_names import EmployerSought


async def employers_for(tx: Tx, sought: Sequence[tuple[UUID, UUID, EmployerSought]]) -> list[UUID]:
    """For each (new id, new id of the whole where it is a branch, employer): the id of that employer, founded where
    nobody knows it. Locks what each is known by. One statement."""
    said = [{"id": str(new), "whole_id": str(whole), **_said(employer)} for new, whole, employer in sought]
    rows = await tx.rows("SELECT id FROM employers_for($1::jsonb, $2) AS id", json.dumps(said), tx.now)
    return [row["id"] for row in rows]


def _said(employer: EmployerSought) -> dict[str, object]:
    """Without what was not said: a JSON null is a value to PostgreSQL."""
    return {name: value for name, value in asdict(employer).items() if value is not None}


async def find_employer(tx: Tx, employer_id: UUID) -> asyncpg.Record | None:
    return await tx.row("SELECT id, name, credit_code FROM employer WHERE id = $1", employer_id)

"""Households behind the wall: what their people are compared by."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from crypto.ids import new_id
from db.transaction import Tx


async def households_of(tx: Tx, persons: Sequence[UUID]) -> list[asyncpg.Record]:
    """All records of the active cases in whose households these persons stand: (case_id, person_id, record_id,
    relation, features sealed). One statement."""
    return await tx.rows("SELECT * FROM households_of($1::uuid[])", list(persons))


async def ask_of_household(tx: Tx, case_id: UUID, others: Sequence[UUID]) -> None:
    """A task for the coordinator of the case, for each of the others that it coordinates too. One statement."""
    ids = [new_id() for _ in others]
    await tx.run("SELECT ask_of_household($1, $2::uuid[], $3::uuid[], $4)", case_id, list(others), ids, tx.now)

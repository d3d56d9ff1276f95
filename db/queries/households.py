"""Households behind the wall: what their people are compared by."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from db.transaction import Tx


async def households_of(tx: Tx, persons: Sequence[UUID]) -> list[asyncpg.Record]:
    """All records of the active cases in whose households these persons stand: (case_id, person_id, record_id,
    relation, features sealed). One statement."""
    return await tx.rows("SELECT * FROM households_of($1::uuid[])", list(persons))

"""Decoys: marked by the operator, watched by the jobs."""

from datetime import datetime
from uuid import UUID

import asyncpg

from db.engine import Raw


async def mark_honey(raw: Raw, number: str, now: datetime) -> UUID | None:
    """Marks the case of this number as a decoy; None where there is none. One statement, as every function here."""
    found: UUID | None = await raw.fetchval("SELECT mark_honey($1, $2)", number, now)
    return found


async def touches(raw: Raw, now: datetime) -> list[asyncpg.Record]:
    """Touches nobody was told of yet; from now on they are told."""
    return await raw.fetch("SELECT leaf_id, case_id, guardian, agency_id, action FROM honey_touches($1)", now)

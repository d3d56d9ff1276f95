"""Request budgets."""

from uuid import UUID

from db.engine import Raw
from rules.limits import Budget


async def lease_requests(raw: Raw, principal_id: UUID, *, wanted: int, per_minute: int, burst: int) -> tuple[int, int]:
    """Takes up to `wanted` requests from the principal's bucket: (granted, left in the bucket). One statement."""
    row = await raw.fetchrow(
        "SELECT granted, remaining FROM lease_requests($1, 'client', $2, $3, $4)",
        principal_id,
        wanted,
        per_minute,
        burst,
    )
    assert row is not None
    return row["granted"], row["remaining"]


async def spend_budget(raw: Raw, principal_id: UUID, budget: Budget) -> int:
    """Takes one token of a sensitive operation's bucket: what is left, or -1 where it is empty. One statement."""
    left = await raw.fetchval(
        "SELECT spend_budget($1, $2, $3, $4)", principal_id, budget.name, budget.per_hour, budget.burst
    )
    return int(left)

"""Request budgets, and tries to sign in."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from db.engine import Raw
from rules.limits import Budget


async def lease_requests(
    raw: Raw, principal_id: UUID, policy: str, *, wanted: int, per_minute: int, burst: int
) -> tuple[int, int]:
    """Takes up to `wanted` requests from the principal's bucket: (granted, left in the bucket). One statement."""
    row = await raw.fetchrow(
        "SELECT granted, remaining FROM lease_requests($1, $2, $3, $4, $5)",
        principal_id,
        policy,
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


async def take_try(raw: Raw, limits: Mapping[bytes, int], window: timedelta) -> int:
    """Counts one try under each key: 0, or the seconds to wait where one is beyond its limit. One statement.

    Keys of accounts stand before keys of addresses: rows are locked in their order.
    """
    waits = await raw.fetchval(
        "SELECT take_try($1, $2, $3)", list(limits), list(limits.values()), int(window.total_seconds())
    )
    return int(waits)


async def settle_tries(raw: Raw, *, cleared: bytes | None, returned: Sequence[bytes]) -> None:
    """Forgets the tries under one key, gives one back under each other, in `take_try`'s order. One statement."""
    await raw.execute("SELECT settle_tries($1, $2)", cleared, list(returned))

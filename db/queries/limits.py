"""Request budgets."""

from uuid import UUID

from db.engine import Raw


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

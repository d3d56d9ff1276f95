"""Machine accounts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.engine import Raw


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the token endpoint needs to know of a live client of a live agency."""

    agency_id: UUID
    scopes: list[str]
    secret_hash: bytes | None
    secret_expires_at: datetime | None
    keys: list[dict[str, str]]


async def client_for_sign_in(raw: Raw, client_id: UUID) -> SignIn | None:
    """The client, or None where it is unknown, revoked or its agency suspended. One statement, outside row security."""
    row = await raw.fetchrow("SELECT * FROM client_for_sign_in($1)", client_id)
    if row is None:
        return None
    return SignIn(row["agency_id"], row["scopes"], row["secret_hash"], row["secret_expires_at"], row["keys"])


async def use_assertion(raw: Raw, client_id: UUID, token_id: str, expires_at: datetime) -> bool:
    """True the first time an assertion is used. One statement."""
    return bool(await raw.fetchval("SELECT use_assertion($1, $2, $3)", client_id, token_id, expires_at))

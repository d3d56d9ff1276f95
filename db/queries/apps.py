"""Apps that people sign in through."""

from dataclasses import dataclass
from uuid import UUID

from db.engine import Raw


@dataclass(frozen=True, slots=True)
class App:
    """A registered public client."""

    id: UUID
    name: str
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]


async def find_app(raw: Raw, app_id: UUID) -> App | None:
    """The app, or None where it is unknown or revoked. One statement."""
    row = await raw.fetchrow(
        "SELECT id, name, redirect_uris, scopes FROM app_client WHERE id = $1 AND status = 'active'", app_id
    )
    return None if row is None else App(row["id"], row["name"], tuple(row["redirect_uris"]), frozenset(row["scopes"]))

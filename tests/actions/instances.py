"""Applications beside the session's own: another clock, another budget, another database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import httpx

from api.main import create_app
from crypto.client_secrets import hash_secret, new_secret
from crypto.public_keys import generate_client_key
from db.directory import NewClient, add_client, agency_of_code
from db.engine import Database, Raw
from db.operator import open_operator_transaction
from rules.scopes import AGENCY_SCOPES
from settings import Settings
from tests.builders import Agency, Api


class StoryClock:
    """Business time that stands until the story moves it."""

    def __init__(self, moment: str) -> None:
        self.set(moment)

    def set(self, moment: str) -> None:
        """`moment` is an instant with offset, such as 2026-03-04T09:30:00+08:00."""
        self._now = datetime.fromisoformat(moment).astimezone(UTC)

    def __call__(self) -> datetime:
        return self._now


@dataclass(frozen=True, slots=True)
class Instance:
    """An application on a database, and somebody who calls it."""

    http: httpx.AsyncClient
    admin_url: str
    database: Database

    async def api(self, code: str, *, scopes: Sequence[str] = AGENCY_SCOPES) -> Api:
        """A system of the agency of that code, with a client of its own."""
        return Api(self.http, await new_client(self.admin_url, code, scopes))


@asynccontextmanager
async def instance_on(database: Database, admin_url: str, settings: Settings) -> AsyncIterator[Instance]:
    """`admin_url` is the superuser's way to the same database."""
    app = create_app(settings, database)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url, timeout=30) as http:
        yield Instance(http, admin_url, database)


async def new_client(admin_url: str, code: str, scopes: Sequence[str] = AGENCY_SCOPES) -> Agency:
    """A machine account of the agency, with a key and a secret."""
    private, public = generate_client_key()
    secret = new_secret()
    async with open_operator_transaction(admin_url) as raw:
        row = await agency_of_code(raw, code)
        assert row is not None, f"no agency {code}"
        client_id = await add_client(raw, row["id"], NewClient("test", tuple(scopes), public, hash_secret(secret)))
    return Agency(
        id=row["id"],
        code=code,
        kind=row["kind"],
        division=row["division_code"],
        client_id=client_id,
        private_jwk=private,
        client_secret=secret,
        scopes=tuple(scopes),
    )


@asynccontextmanager
async def superuser(admin_url: str) -> AsyncIterator[Raw]:
    """A look behind the walls."""
    connection = await asyncpg.connect(admin_url)
    try:
        yield connection
    finally:
        await connection.close()

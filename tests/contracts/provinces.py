"""A demo province that one test may turn upside down: what it revokes or renames, nobody else needs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Database, open_database
from settings import Settings
from tests.builders import Agency, Api


@dataclass(frozen=True, slots=True)
class Province:
    """A seeded database with the clients of its credentials file, by agency code."""

    url: str
    keyring: Keyring
    settings: Settings
    agencies: dict[str, Agency]

    def database(self, role: str = names.APP) -> Database:
        """A pool of its own: one belongs to the event loop that first uses it."""
        return open_database(role_url(self.url, role, self.keyring), vault=Vault.of(self.keyring), pool_size=5)

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[httpx.AsyncClient]:
        """A caller without a token, in the loop of the session."""
        from api.main import create_app  # noqa: PLC0415  tests of pure rules should not wait for the whole API

        database = self.database()
        transport = httpx.ASGITransport(create_app(self.settings, database))
        async with httpx.AsyncClient(transport=transport, base_url=self.settings.public_url, timeout=30) as client:
            yield client
        await database.close()

    def api(self, http: httpx.AsyncClient, code: str) -> Api:
        return Api(http, self.agencies[code])


def agency_of(entry: Mapping[str, Any]) -> Agency:
    """A caller from an entry of credentials.json."""
    code = str(entry["agency_code"])
    return Agency(
        id=UUID(entry["agency_id"]),
        code=code,
        kind=entry["agency_kind"],
        division=code.split("-")[1],
        client_id=UUID(entry["client_id"]),
        private_jwk=entry["private_jwk"],
        client_secret=entry["client_secret"],
        scopes=tuple(entry["scopes"]),
    )

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
from db.clock import Clock, real_time
from db.engine import Database, open_database
from db.transaction import open_system_transaction
from jobs.sealer import Log, seal
from jobs.sequencer import number_events
from settings import Settings
from tests.builders import Agency, Api


@dataclass(frozen=True, slots=True)
class Province:
    """A seeded database with the clients of its credentials file, by agency code."""

    url: str
    keyring: Keyring
    settings: Settings
    agencies: dict[str, Agency]

    def database(self, role: str = names.APP, *, clock: Clock = real_time) -> Database:
        """A pool of its own: one belongs to the event loop that first uses it."""
        url = role_url(self.url, role, self.keyring)
        return open_database(url, vault=Vault.of(self.keyring), clock=clock, pool_size=5)

    @asynccontextmanager
    async def calling(self, *, clock: Clock = real_time) -> AsyncIterator[httpx.AsyncClient]:
        """A caller without a token, in the loop of the session."""
        from api.main import create_app  # noqa: PLC0415  tests of pure rules should not wait for the whole API

        database = self.database(clock=clock)
        transport = httpx.ASGITransport(create_app(self.settings, database))
        async with httpx.AsyncClient(transport=transport, base_url=self.settings.public_url, timeout=30) as client:
            yield client
        await database.close()

    async def number_events(self) -> None:
        """What the sequencer does all the time: gives committed events their numbers."""
        database = self.database(names.JOBS)
        async with open_system_transaction(database) as raw:
            await number_events(raw)
        await database.close()

    async def seal(self) -> None:
        """What the sealer does twice a minute: gives committed leaves their index and signs a checkpoint."""
        database = self.database(names.JOBS)
        while await seal(database, Log.of(self.keyring, self.settings.public_url, "sha256")):
            pass
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

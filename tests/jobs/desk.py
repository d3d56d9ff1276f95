"""A database of a test's own with both roles' pools, and agencies that record facts in it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from actions.events import record_event
from crypto.client_secrets import hash_secret, new_secret
from crypto.keys import Keyring
from crypto.public_keys import generate_client_key
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.clock import Clock, real_time
from db.directory import NewClient, add_client, agency_of_code
from db.engine import Database, open_database
from db.operator import open_operator_transaction
from db.queries.events import take_turn
from db.transaction import Caller, open_system_transaction, open_transaction
from jobs.sequencer import number_events
from rules.scopes import AGENCY_SCOPES

UNION, LABOUR, MEDICAL = "DEMO-340802-UNION", "DEMO-340802-LABOUR", "DEMO-340802-MEDICAL"


@dataclass(frozen=True, slots=True)
class Desk:
    """`app` and `jobs` are pools of those roles; `behind` is a superuser's connection, to look behind the walls."""

    app: Database
    jobs: Database
    behind: "asyncpg.Connection[asyncpg.Record]"
    url: str
    callers: dict[str, Caller]

    def agency(self, code: str) -> UUID:
        return self.callers[code].agency_id

    async def record(self, code: str, *, others: Sequence[str] = (), pool: Sequence[str] = ()) -> UUID:
        """Commits one fact without a case, known to its actor, to `others` whole and to `pool` thinly."""
        async with open_transaction(self.app, self.callers[code]) as tx:
            return record_event(
                tx,
                "referral.requested",
                subject_type="referral",
                subject_id=self.agency(code),
                version=1,
                case_id=None,
                parties={
                    "sender": self.agency(code),
                    "addressee": [self.agency(other) for other in others],
                    "pool": [self.agency(other) for other in pool],
                },
                moved=("draft", "requested"),
                changed=("status",),
            )

    async def number(self) -> int:
        """One turn of a sequencer; what the demo province itself recorded is numbered as well."""
        async with open_system_transaction(self.jobs) as raw:
            return await number_events(raw) if await take_turn(raw) else 0

    async def sequences(self, code: str) -> list[int]:
        rows = await self.behind.fetch(
            "SELECT sequence FROM feed_entry WHERE agency_id = $1 ORDER BY sequence", self.agency(code)
        )
        return [row["sequence"] for row in rows]

    async def event_ids(self, code: str) -> list[UUID]:
        """What stands in an agency's feed, in its order."""
        rows = await self.behind.fetch(
            "SELECT event_id FROM feed_entry WHERE agency_id = $1 ORDER BY sequence", self.agency(code)
        )
        return [row["event_id"] for row in rows]


@asynccontextmanager
async def open_desk(url: str, keyring: Keyring, *, clock: Clock = real_time) -> AsyncIterator[Desk]:
    """A desk on a seeded database, with clients of three agencies."""
    vault = Vault.of(keyring)
    app = open_database(role_url(url, names.APP, keyring), vault=vault, clock=clock, pool_size=10)
    jobs = open_database(role_url(url, names.JOBS, keyring), vault=vault, clock=clock, pool_size=8)
    behind = await asyncpg.connect(url)
    try:
        yield Desk(app, jobs, behind, url, {code: await _caller(url, code) for code in (UNION, LABOUR, MEDICAL)})
    finally:
        await behind.close()
        await app.close()
        await jobs.close()


async def _caller(url: str, code: str) -> Caller:
    _, public = generate_client_key()
    async with open_operator_transaction(url) as raw:
        row = await agency_of_code(raw, code)
        assert row is not None
        client = NewClient("test", tuple(AGENCY_SCOPES), public, hash_secret(new_secret()))
        client_id = await add_client(raw, row["id"], client)
    return Caller("client", client_id, row["id"], client_id, frozenset(AGENCY_SCOPES), "test-request")

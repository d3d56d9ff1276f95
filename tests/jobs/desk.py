"""A database of a test's own with both roles' pools, and agencies that record facts in it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
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
from tests.builders import Agency

UNION, LABOUR, MEDICAL = "DEMO-340802-UNION", "DEMO-340802-LABOUR", "DEMO-340802-MEDICAL"


@dataclass(frozen=True, slots=True)
class Desk:
    """`app` and `jobs` are pools of those roles; `behind` is a superuser's connection, to look behind the walls."""

    app: Database
    jobs: Database
    behind: "asyncpg.Connection[asyncpg.Record]"
    url: str
    callers: dict[str, Caller]
    agencies: dict[str, Agency]

    def agency(self, code: str) -> UUID:
        return self.callers[code].agency_id

    def at(self, moment: datetime) -> Database:
        """The jobs' pool with business time standing at `moment`."""
        return replace(self.jobs, clock=lambda: moment)

    async def record(
        self, code: str, *, others: Sequence[str] = (), pool: Sequence[str] = (), subject: UUID | None = None
    ) -> UUID:
        """Commits one fact without a case, known to its actor, to `others` whole and to `pool` thinly. All are about
        one subject unless they name another."""
        async with open_transaction(self.app, self.callers[code]) as tx:
            return record_event(
                tx,
                "referral.requested",
                subject_type="referral",
                subject_id=subject or self.agency(code),
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
async def open_desk(
    url: str, keyring: Keyring, *, clock: Clock = real_time, codes: Sequence[str] = (UNION, LABOUR, MEDICAL)
) -> AsyncIterator[Desk]:
    """A desk on a seeded database, with clients of some agencies."""
    vault = Vault.of(keyring)
    app = open_database(role_url(url, names.APP, keyring), vault=vault, clock=clock, pool_size=10)
    jobs = open_database(role_url(url, names.JOBS, keyring), vault=vault, clock=clock, pool_size=8)
    behind = await asyncpg.connect(url)
    try:
        agencies = {code: await _agency(url, code) for code in codes}
        callers = {code: _caller(agency) for code, agency in agencies.items()}
        yield Desk(app, jobs, behind, url, callers, agencies)
    finally:
        await behind.close()
        await app.close()
        await jobs.close()


async def _agency(url: str, code: str) -> Agency:
    """The agency with a client of its own that may do everything an agency's client may."""
    private, public = generate_client_key()
    secret = new_secret()
    async with open_operator_transaction(url) as raw:
        row = await agency_of_code(raw, code)
        assert row is not None
        client = NewClient("test", tuple(AGENCY_SCOPES), public, hash_secret(secret))
        client_id = await add_client(raw, row["id"], client)
    return Agency(
        id=row["id"],
        code=code,
        kind=row["kind"],
        division=row["division_code"],
        client_id=client_id,
        private_jwk=private,
        client_secret=secret,
        scopes=AGENCY_SCOPES,
    )


def _caller(agency: Agency) -> Caller:
    return Caller("client", agency.client_id, agency.id, agency.client_id, frozenset(agency.scopes), "test-request")

"""What the events bench stands on: agencies with endpoints at real receivers, processes that can be killed, a clock
that can be pressed together.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from actions import webhooks
from actions.events import record_event
from bench.events_receivers import Arrived
from bench.stage import MEASURED, ROOT, prepare, stage
from cli.demo_province import prepare_demo_province
from crypto.ids import new_id
from crypto.keys import Keyring, render_keyring
from db.embedded import EmbeddedPostgres
from db.transaction import open_transaction
from jobs.deliveries import Courier
from outbound.http import GuardedClient
from rules.addresses import TargetPolicy
from rules.selections import Selection
from tests.jobs.desk import Desk, open_desk

CODES: Final = tuple(f"DEMO-340802-{kind}" for kind in ("UNION", "LABOUR", "MEDICAL", "CIVIL", "EDUCATION"))
PER_AGENCY: Final = 10  # an agency has no more endpoints
ON_LOOPBACK: Final = TargetPolicy.of("127.0.0.0/8", allow_http=True, production=False)
_BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A seeded database, as a superuser sees it, and its keys; the server where it is the bench's own to kill."""

    url: str
    keyring: Keyring
    postgres: EmbeddedPostgres | None = None


@contextlib.contextmanager
def durable_place() -> Iterator[Place]:
    """A PostgreSQL of the bench's own with every promise of durability, and the demo province in it."""

    async def seed(url: str) -> None:
        await prepare(built, MEASURED)
        file = built.postgres.data_dir / "demo" / "credentials.json"
        await prepare_demo_province(url, file=file, public_url="http://127.0.0.1:8000")

    with stage() as built:
        url = built.admin_url(MEASURED)
        asyncio.run(seed(url))
        yield Place(url, built.keyring, built.postgres)


@asynccontextmanager
async def desk_at(place: Place, agencies: int = 1) -> AsyncIterator[Desk]:
    """The first so many agencies at work; what seeding recorded is numbered."""
    async with open_desk(place.url, place.keyring, codes=CODES[:agencies]) as desk:
        while await desk.number():
            pass
        yield desk


@dataclass(slots=True)
class Program:
    """`./tongli jobs` or `./tongli api` on a place, started, killed and started again."""

    place: Place
    word: str = "jobs"
    environment: Mapping[str, str] = field(default_factory=dict)
    quiet: bool = False
    process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TONGLI_")} | {
            "TONGLI_DATABASE_URL": self.place.url,
            "TONGLI_KEYS": render_keyring(self.place.keyring),
            "TONGLI_WEBHOOK_ALLOW": "127.0.0.0/8",
            "TONGLI_WEBHOOK_ALLOW_HTTP": "true",
            "TONGLI_LOG_LEVEL": "ERROR",
            **self.environment,
        }
        words = (sys.executable, "-P", "-m", "cli", self.word)
        self.process = await asyncio.create_subprocess_exec(
            *words,
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stderr=asyncio.subprocess.DEVNULL if self.quiet else None,
        )

    async def kill(self) -> None:
        """With -9; one that has ended by itself stays ended."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def revive(self) -> None:
        """Starts it again for as long as it is left alone, as whoever runs a service has it watched."""
        while True:
            assert self.process is not None
            await self.process.wait()
            await asyncio.sleep(0.05)
            await self.start()

    async def stop(self) -> float:
        """Asks it to end; seconds until it had. Raises where it ends otherwise than asked, or not within 30 s."""
        assert self.process is not None
        started = time.perf_counter()
        self.process.terminate()
        async with asyncio.timeout(30):
            code = await self.process.wait()
        if code not in (0, -signal.SIGTERM):  # uvicorn hands the signal on when everything is done
            raise RuntimeError(f"the {self.word} ended with {code}")
        return time.perf_counter() - started


@asynccontextmanager
async def program_at(place: Place, word: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Program]:
    """One process; killed at the end unless it has ended."""
    program = Program(place, word, environment or {})
    await program.start()
    try:
        yield program
    finally:
        if program.process is not None and program.process.returncode is None:
            await program.kill()


def jobs_at(place: Place, environment: Mapping[str, str] | None = None) -> AbstractAsyncContextManager[Program]:
    """One jobs process; killed at the end unless it has ended."""
    return program_at(place, "jobs", environment)


@asynccontextmanager
async def courier_at(desk: Desk) -> AsyncIterator[Courier]:
    """A courier in this process."""
    async with GuardedClient(ON_LOOPBACK) as client:
        yield Courier(desk.jobs, client)


async def register_all(desk: Desk, ports: Sequence[int], agencies: int) -> dict[int, UUID]:
    """An active endpoint at each port, ten or fewer an agency, in turn; port → the agency's id."""
    codes = [CODES[number % agencies] for number in range(len(ports))]
    for code, port in zip(codes, ports, strict=True):
        async with open_transaction(desk.app, desk.callers[code]) as tx:
            await webhooks.register(tx, url=f"http://127.0.0.1:{port}/hook", selection=Selection(), policy=ON_LOOPBACK)
    async with courier_at(desk) as courier:
        while await desk.number():
            pass
        while await courier.deliver_due():
            pass
    active = await desk.behind.fetchval("SELECT count(*) FROM webhook_endpoint WHERE status = 'active'")
    assert active >= len(ports), f"{active} of {len(ports)} endpoints are active"
    return {port: desk.agency(code) for code, port in zip(codes, ports, strict=True)}


async def record_many(desk: Desk, count: int, agencies: int, *, subjects: int | None = None) -> list[UUID]:
    """Commits facts that the first `agencies` agencies know whole, fifty in a transaction; their ids. Each is about a
    subject of its own unless `subjects` says among how many they are spread."""
    about = [new_id() for _ in range(subjects or count)]
    addressees = [desk.agency(code) for code in CODES[1:agencies]]
    ids: list[UUID] = []
    while len(ids) < count:
        async with open_transaction(desk.app, desk.callers[CODES[0]]) as tx:
            for _ in range(min(_BATCH, count - len(ids))):
                fact = record_event(
                    tx,
                    "referral.requested",
                    subject_type="referral",
                    subject_id=about[len(ids) % len(about)],
                    version=1,
                    case_id=None,
                    parties={"sender": desk.agency(CODES[0]), "addressee": addressees},
                    moved=("draft", "requested"),
                    changed=("status",),
                )
                ids.append(fact)
    return ids


async def end_leases(desk: Desk) -> None:
    """As half a minute would, after a kill."""
    await desk.behind.execute(
        "UPDATE delivery SET due_at = now(), leased_until = now() WHERE status = 'pending' AND lease_token IS NOT NULL"
    )


_WAITING_ENDPOINT: Final = ("not_before", "next_probe_at")


async def press_clock(raw: "asyncpg.Connection[asyncpg.Record]") -> None:
    """As if every wait were over: of deliveries after a failure, and of endpoints that are left alone."""
    await raw.execute(
        "UPDATE delivery SET due_at = now() WHERE id IN (SELECT id FROM delivery WHERE status = 'pending'"
        "   AND lease_token IS NULL AND due_at > now() FOR UPDATE SKIP LOCKED)"
    )
    columns = await raw.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'webhook_endpoint'"
    )
    for name in {row["column_name"] for row in columns} & set(_WAITING_ENDPOINT):
        await raw.execute(
            f"UPDATE webhook_endpoint SET {name} = now() WHERE id IN (SELECT id FROM webhook_endpoint"
            f" WHERE {name} > now() FOR UPDATE SKIP LOCKED)"
        )


@asynccontextmanager
async def pressed_clock(desk: Desk, every_s: float = 0.25) -> AsyncIterator[None]:
    """Waits last a quarter of a second at most while the block runs."""
    raw = await asyncpg.connect(desk.url)

    async def press() -> None:
        while True:
            await press_clock(raw)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(press())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await raw.close()


async def until(look: Callable[[], Awaitable[object]], *, within_s: float, every_s: float = 0.2) -> bool:
    """Whether `look` came true in time."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        if await look():
            return True
        await asyncio.sleep(every_s)
    return False


async def until_jobs_listen(desk: Desk, processes: int = 1) -> None:
    """Until so many jobs processes wait for work: starting them is no latency of a delivery."""
    listening = (
        "SELECT count(*) >= $1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    assert await until(lambda: desk.behind.fetchval(listening, processes), within_s=60), "the jobs did not come up"


async def feeds(desk: Desk) -> dict[UUID, list[tuple[int, str]]]:
    """Each agency's feed without challenges, which are pushed to one endpoint only: (number, event id) in order."""
    rows = await desk.behind.fetch(
        "SELECT agency_id, sequence, event_id, type FROM feed_entry ORDER BY agency_id, sequence"
    )
    found: defaultdict[UUID, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        if row["type"] != "endpoint.verification":
            found[row["agency_id"]].append((row["sequence"], str(row["event_id"])))
    return found


async def gaps(desk: Desk) -> int:
    """Numbers missing in any feed."""
    return int(
        await desk.behind.fetchval(
            "SELECT coalesce(sum(h.sequence - n.count), 0) FROM feed_head h JOIN LATERAL (SELECT count(*) FROM"
            " feed_entry e WHERE e.agency_id = h.agency_id AND e.sequence BETWEEN 1 AND h.sequence) n ON true"
        )
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def first_successes(arrived: Sequence[Arrived]) -> dict[tuple[int, str], Arrived]:
    """(port, event) → the first request that was answered 2xx."""
    found: dict[tuple[int, str], Arrived] = {}
    for one in arrived:
        if 200 <= one.status < 300:
            found.setdefault((one.port, one.event_id), one)
    return found

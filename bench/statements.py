"""The same SQL through bare asyncpg: what the API sent is recorded against one copy of the database and sent again,
value for value, against another copy, with nothing in between."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg

from bench.cpu import cpu_seconds, family_cpu_seconds
from db.engine import Database, driver_connection

Statement = tuple[str, tuple[object, ...]]


@dataclass(slots=True)
class Recorder:
    """Statements of the requests made while it listens, one list a request."""

    requests: list[list[Statement]] = field(default_factory=list)
    _current: list[Statement] = field(default_factory=list)

    def hear(self, query: "asyncpg.connection.LoggedQuery") -> None:
        self._current.append((query.query, tuple(query.args or ())))

    def end_request(self) -> None:
        self.requests.append(self._current)
        self._current = []


async def record(database: Database, requests: int, send: Callable[[int], Awaitable[None]]) -> list[list[Statement]]:
    """Sends requests one after the other on the pool's one connection and returns the statements of each."""
    recorder = Recorder()
    async with database.connect() as connection:
        raw = await driver_connection(connection)
        raw.add_query_logger(recorder.hear)
    for number in range(requests):
        await send(number)
        await asyncio.sleep(0)  # asyncpg tells its loggers in the next turn of the loop
        recorder.end_request()
    return recorder.requests


@dataclass(frozen=True, slots=True)
class Bare:
    """CPU microseconds a request costs without the API, of the client and of PostgreSQL."""

    requests: int
    client_us: float
    postgres_us: float
    per_second: float
    statements: float

    @property
    def total_us(self) -> float:
        return self.client_us + self.postgres_us


async def replay(
    url: str, requests: list[list[Statement]], *, postmaster: int, own_pid: int, connections: int = 16
) -> Bare:
    """Sends recorded statements over `connections`, each request on one of them, and says what that cost."""
    pool = await asyncpg.create_pool(url, min_size=connections, max_size=connections, init=_like_the_service)
    waiting = list(reversed(requests))
    before = (cpu_seconds(own_pid), family_cpu_seconds(postmaster), time.perf_counter())
    await asyncio.gather(*(_replay_worker(pool, waiting) for _ in range(connections)))
    after = (cpu_seconds(own_pid), family_cpu_seconds(postmaster), time.perf_counter())
    await pool.close()
    count = len(requests)
    client, postgres, wall = (later - earlier for later, earlier in zip(after, before, strict=True))
    return Bare(
        requests=count,
        client_us=1e6 * client / count,
        postgres_us=1e6 * postgres / count,
        per_second=count / wall,
        statements=sum(map(len, requests)) / count,
    )


async def _replay_worker(pool: "asyncpg.Pool[asyncpg.Record]", waiting: list[list[Statement]]) -> None:
    async with pool.acquire() as connection:
        while waiting:
            for sql, values in waiting.pop():
                if values:
                    await connection.fetch(sql, *values)
                else:
                    await connection.execute(sql)


async def _like_the_service(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """jsonb travels as text both ways, as the service sends it."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=str, decoder=str, schema="pg_catalog")

"""A storm over a small pool: requests of many agencies at once, left by their callers, held up by locks, cut off from
their backends. Whatever is answered must be the asking agency's own.
"""

import asyncio
import contextlib
import gc
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from sqlalchemy.pool import AsyncAdaptedQueuePool

from api.main import create_app
from crypto.vault import Vault
from db import names, transaction
from db.bootstrap import role_url
from db.engine import Database, Raw, driver_connection, open_database
from settings import Settings
from tests.actions.instances import new_client, superuser
from tests.builders import Api, report_body

POOL: Final = 5
AGENCIES: Final = 20
AT_ONCE: Final = 40
STATEMENT_TIMEOUT_MS: Final = 120
LEFT: Final = 0.15
"""The share of requests that the caller does not wait for."""
_MARK: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|storm-mark-\d+")
_FINE: Final = frozenset({200, 201, 404, 503})


@dataclass(frozen=True, slots=True)
class Tenant:
    """An agency, and the report that it alone may read."""

    number: int
    api: Api
    report_id: str
    case_id: str


@dataclass(slots=True)
class Storm:
    """`owners` says of each mark whose it is: ids of agencies, cases, reports, and a word of each report's text."""

    tenants: list[Tenant]
    owners: dict[str, int]
    chance: random.Random
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    checked: int = 0


@dataclass(slots=True)
class Weather:
    kills: int = 0
    locks: int = 0


async def storm(
    admin_url: str, vault: Vault, settings: Settings, *, requests: int, seed: int = 1, weather: bool = True
) -> dict[str, Any]:
    """Sends the requests through a pool of five; returns what became of them, what was wrong, and what is left in the
    pool. `weather` false: nothing is killed or locked, callers still leave."""
    database = open_database(
        role_url(admin_url, names.APP, vault.keyring),
        vault=vault,
        pool_size=POOL,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
    )
    transport = httpx.ASGITransport(create_app(settings, database), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url, timeout=30) as http:
        found = Storm([], {}, random.Random(seed))
        asyncio.get_running_loop().set_exception_handler(lambda _, told: found.wrong.append(str(told)))
        await _settle(found, http, admin_url)
        async with _bad_weather(admin_url, on=weather) as seen:
            waiting = list(range(requests))
            await asyncio.gather(*(_worker(found, waiting) for _ in range(AT_ONCE)))
        await asyncio.gather(*(_request(found, tenant, "foreign") for tenant in found.tenants))  # refusals roll back
        await asyncio.gather(*transaction._ending)  # what callers left behind ends by itself
    gc.collect()  # a task that failed unheard tells so when it goes
    asyncio.get_running_loop().set_exception_handler(None)
    left = await left_in_pool(database, admin_url)
    await database.close()
    return {
        "requests": requests,
        "agencies": AGENCIES,
        "connections": POOL,
        "outcomes": dict(found.outcomes),
        "backends_killed": seen.kills,
        "tables_locked": seen.locks,
        "marks_checked": found.checked,
        "wrong": found.wrong,
        "left_in_pool": left,
    }


async def _settle(found: Storm, http: httpx.AsyncClient, admin_url: str) -> None:
    """Each agency files one report, in whose text its mark stands."""
    async with superuser(admin_url) as raw:
        offices = await raw.fetch(
            "SELECT code FROM agency WHERE kind <> 'union' AND status = 'active' ORDER BY code LIMIT $1", AGENCIES
        )
    assert len(offices) == AGENCIES
    for number, office in enumerate(offices):
        api = Api(http, await new_client(admin_url, office["code"]))
        filed = await api.post("/v1/reports", report_body(narrative=f"storm-mark-{number}"))
        assert filed.status_code == 201, filed.text
        tenant = Tenant(number, api, filed.json()["id"], filed.json()["case"]["id"])
        found.tenants.append(tenant)
        for mark in (f"storm-mark-{number}", str(api.id), tenant.report_id, tenant.case_id):
            found.owners[mark] = number


@contextlib.asynccontextmanager
async def _bad_weather(admin_url: str, *, on: bool) -> AsyncIterator[Weather]:
    """Kills a backend of the service every 100 ms, and locks a table for longer than a statement may take."""
    seen = Weather()
    async with superuser(admin_url) as killer, superuser(admin_url) as locker:
        tasks = [asyncio.create_task(_kill(killer, seen)), asyncio.create_task(_lock(locker, seen))] if on else []
        try:
            yield seen
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _kill(raw: Raw, seen: Weather) -> None:
    while True:
        await asyncio.sleep(0.1)
        seen.kills += await raw.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE usename = $1"
            " AND datname = current_database() ORDER BY state = 'idle', random() LIMIT 1) one",
            names.APP,
        )


async def _lock(raw: Raw, seen: Weather) -> None:
    while True:
        await asyncio.sleep(0.4)
        async with raw.transaction():
            await raw.execute("LOCK TABLE report IN ACCESS EXCLUSIVE MODE")
            seen.locks += 1
            await asyncio.sleep(2 * STATEMENT_TIMEOUT_MS / 1000)


async def _worker(found: Storm, waiting: list[int]) -> None:
    while waiting:
        waiting.pop()
        tenant = found.chance.choice(found.tenants)
        task = asyncio.create_task(_request(found, tenant, found.chance.choice(_KINDS)))
        if found.chance.random() < LEFT:
            await asyncio.sleep(found.chance.random() * 0.03)
            await _leave(task)
        try:
            await task
        except asyncio.CancelledError:
            found.outcomes["cancelled"] += 1


async def _leave(task: "asyncio.Task[None]") -> None:
    """A caller that leaves is cancelled wherever it waits, and again."""
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)


_KINDS: Final = ("report", "foreign", "case", "cases", "inbox", "parts", "events", "file")


async def _request(found: Storm, tenant: Tenant, kind: str) -> None:
    """One request, judged when it is answered."""
    api, other = tenant.api, found.chance.choice([one for one in found.tenants if one is not tenant])
    paths = {
        "report": f"/v1/reports/{tenant.report_id}",
        "foreign": f"/v1/reports/{other.report_id}",
        "case": f"/v1/cases/{tenant.case_id}",
        "cases": "/v1/cases?limit=20",
        "inbox": "/v1/referrals?box=in",
        "parts": f"/v1/cases/{tenant.case_id}/participants",
        "events": "/v1/events?limit=20",
    }
    if kind == "file":
        answer = await api.post("/v1/reports", report_body(narrative=f"storm-mark-{tenant.number}"))
    else:
        answer = await api.get(paths[kind], purpose="assistance")
    found.outcomes[str(answer.status_code)] += 1
    _judge(found, tenant, kind, answer)


def _judge(found: Storm, tenant: Tenant, kind: str, answer: httpx.Response) -> None:
    """No mark of another agency; one's own where it must be; no answer that nobody meant."""
    if answer.status_code not in _FINE:
        found.wrong.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
    if answer.status_code >= 400:
        if answer.status_code == 404 and kind != "foreign":
            found.wrong.append(f"{kind}: its own was not found")
        return
    marks = set(_MARK.findall(answer.text))
    found.checked += len(marks)
    foreign = [mark for mark in marks if found.owners.get(mark, tenant.number) != tenant.number]
    if foreign or kind == "foreign":
        found.wrong.append(f"{kind} of {tenant.number}: {foreign or 'was answered'}")
    if kind in ("report", "case", "parts", "cases") and not any(
        found.owners.get(mark) == tenant.number for mark in marks
    ):
        found.wrong.append(f"{kind} of {tenant.number}: nothing of its own")
    if kind == "file":
        filed = answer.json()
        found.owners[filed["id"]] = found.owners[filed["case"]["id"]] = tenant.number


async def left_in_pool(database: Database, admin_url: str) -> list[str]:
    """What is wrong with the pooled connections: still handed out, in a transaction, with somebody's settings, or
    seeing rows although nobody acts."""
    faults = []
    pool = database.engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    if pool.checkedout():
        faults.append("a connection was not given back")
    async with superuser(admin_url) as raw:
        if await raw.fetchval(_OPEN, names.APP):
            faults.append("a transaction is open")
    async with contextlib.AsyncExitStack() as held:
        for _ in range(POOL):
            connection = await held.enter_async_context(database.connect())
            driver = await driver_connection(connection)
            row = await driver.fetchrow(_SETTINGS)
            assert row is not None
            faults += [f"{name} is set" for name, value in row.items() if name != "rows" and value]
            if row["rows"]:
                faults.append("rows are seen although nobody acts")
    return faults


_OPEN = """SELECT count(*) FROM pg_stat_activity
            WHERE usename = $1 AND datname = current_database() AND state LIKE 'idle in transaction%'"""
_SETTINGS = """SELECT current_setting('tongli.agency', true) AS agency, current_setting('tongli.principal', true)
    AS principal, current_setting('tongli.below', true) AS below, current_setting('tongli.purpose', true) AS purpose,
    current_setting('tongli.request', true) AS request, (SELECT count(*) FROM report) AS rows"""

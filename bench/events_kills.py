"""PostgreSQL, API and jobs killed with -9 in turn of chance while clients write: what was acknowledged is there once,
with its event and its leaf in the audit log.
"""

import asyncio
import contextlib
import os
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any, Final
from uuid import UUID

import httpx

from bench.events_stage import CODES, Place, Program, desk_at, program_at, until
from bench.stage import free_port
from crypto.tokens import TokenAuthority
from db.embedded import EmbeddedPostgres
from db.transaction import Caller
from tests.builders import report_body
from tests.jobs.desk import Desk

CLIENTS: Final = 8
CYCLES: Final = 100
WRITES: Final = 20_000
READY_BAR_S: Final = 3.0
_KINDS: Final = {"report": "report.received", "referral": "referral.requested", "acceptance": "referral.accepted"}
_TOKEN_FOR_S: Final = 60.0
ENOUGH: Final = {
    "TONGLI_RATE_LIMIT_PER_MINUTE": "100000000",
    "TONGLI_RATE_LIMIT_BURST": "1000000",
    "TONGLI_REPORT_LIMIT_PER_MINUTE": "100000000",
    "TONGLI_REPORT_LIMIT_BURST": "1000000",
}


@dataclass(slots=True)
class Writers:
    """Clients of two agencies; a request that was not answered is sent again under its key until it is. `cut` are those
    that had been done already: their answer was lost."""

    url: str
    callers: Mapping[str, Caller]
    authority: TokenAuthority
    acknowledged: list[tuple[str, UUID]] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    cut: int = 0
    stopping: bool = False
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def work(self) -> None:
        """A report, a referral in its case, its acceptance, and so on until told to stop."""
        async with httpx.AsyncClient(base_url=self.url, timeout=10, trust_env=False) as http:
            while not self.stopping:
                filed = await self._write(http, CODES[0], "/v1/reports", report_body(), "report")
                body = {"matter": "LAB-12", "to_agency": str(self.callers[CODES[1]].agency_id)}
                sent = await self._write(http, CODES[0], f"/v1/cases/{filed['case']['id']}/referrals", body, "referral")
                path = f"/v1/referrals/{sent['id']}/accept"
                await self._write(http, CODES[1], path, {}, "acceptance", if_match=sent["version"])

    async def _write(
        self, http: httpx.AsyncClient, code: str, path: str, body: Any, kind: str, *, if_match: int | None = None
    ) -> Any:
        key = secrets.token_hex(16)
        while True:
            headers = {"authorization": f"Bearer {self._token(code)}", "idempotency-key": key}
            if if_match is not None:
                headers["if-match"] = f'"v{if_match}"'
            try:
                answer = await http.post(path, json=body, headers=headers)
            except httpx.HTTPError:
                self.repeated += 1
                await asyncio.sleep(0.05)
                continue
            if answer.is_success:
                self.cut += answer.headers.get("idempotency-replayed") == "true"
                self.acknowledged.append((kind, UUID(answer.json()["id"])))
                return answer.json()
            self.repeated += 1
            if answer.status_code != 503 and answer.json().get("code") != "idempotency-in-progress":
                self.unexpected[f"{kind}: {answer.status_code} {answer.json().get('code')}"] += 1
                if sum(self.unexpected.values()) > 100:
                    raise RuntimeError(str(self.unexpected))
            await asyncio.sleep(0.05)

    def _token(self, code: str) -> str:
        token, since = self._tokens.get(code, ("", 0.0))
        if not token or time.monotonic() - since > _TOKEN_FOR_S:
            caller = self.callers[code]
            token = self.authority.mint(
                principal_kind="client",
                principal_id=caller.principal_id,
                client_id=caller.principal_id,
                agency_id=caller.agency_id,
                scopes=caller.scopes,
                now=datetime.now(UTC),
            )
            self._tokens[code] = token, time.monotonic()
        return token


async def measure(place: Place, *, cycles: int = CYCLES, writes: int = WRITES) -> dict[str, Any]:
    """Lost, doubled and unheard-of writes, and the seconds until the service was ready again after each kill."""
    assert place.postgres is not None, "needs a PostgreSQL of its own"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with desk_at(place, 2) as desk:
        callers = dict(desk.callers)
        before = await counts(desk)
    writers = Writers(url, callers, TokenAuthority(place.keyring, url))
    environment = {"TONGLI_PORT": str(port), "TONGLI_PUBLIC_URL": url, **ENOUGH}
    started = time.perf_counter()
    async with program_at(place, "api", environment) as api, program_at(place, "jobs") as jobs:
        await ready(url)
        api.quiet = jobs.quiet = True  # what they say of a database that is gone is not the point
        watching = [asyncio.create_task(program.revive()) for program in (api, jobs)]
        work = [asyncio.create_task(writers.work()) for _ in range(CLIENTS)]
        waits = await _kill(place.postgres, api, jobs, url, cycles=cycles)
        await until(lambda: _reached(writers, work, writes), within_s=3_600)
        writers.stopping = True
        await asyncio.gather(*work)
        seconds = time.perf_counter() - started
        async with desk_at(place, 2) as desk:
            settled = await until(lambda: drained(desk), within_s=300)
            judged = await judge(desk, writers, before)
        for watch in watching:
            watch.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    kills = Counter(name for name, _ in waits)
    again = [wait for name, wait in waits if name != "jobs"] or [0.0]  # without the jobs the API is ready all along
    return {
        "cycles": cycles,
        "kills": dict(kills),
        "acknowledged": len(writers.acknowledged),
        "per_s": len(writers.acknowledged) / seconds,
        "sent_again": writers.repeated,
        "unexpected": dict(writers.unexpected),
        **judged,
        "drained": settled,
        "ready_median_s": median(again),
        "ready_max_s": max(again),
        "ready_bar_s": READY_BAR_S,
    }


async def _kill(
    postgres: EmbeddedPostgres, api: Program, jobs: Program, url: str, *, cycles: int
) -> list[tuple[str, float]]:
    """Kills one of the three, waits until it was started again and the service is ready, and a moment of chance."""
    chance, waits = random.Random(11), []
    for _ in range(cycles):
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        name = chance.choice(("postgres", "api", "jobs"))
        killed = time.perf_counter()
        if name == "postgres":
            await asyncio.to_thread(_kill_postgres, postgres)
        else:
            program = api if name == "api" else jobs
            await program.kill()
            await until(partial(_is_back, program), within_s=30, every_s=0.01)
        await ready(url)
        waits.append((name, time.perf_counter() - killed))
    return waits


async def _is_back(program: Program) -> bool:
    return program.process is not None and program.process.returncode is None


def _kill_postgres(postgres: EmbeddedPostgres) -> None:
    assert postgres.server_pid is not None
    os.kill(postgres.server_pid, signal.SIGKILL)
    while postgres.alive:
        time.sleep(0.01)
    postgres.start()


async def ready(url: str) -> None:
    """Waits until the service says so. Raises RuntimeError after a minute."""

    async def answers() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
                return (await http.get(f"{url}/readyz")).status_code == 200
        return False

    if not await until(answers, within_s=60, every_s=0.02):
        raise RuntimeError("the service was not ready within a minute")


async def _reached(writers: Writers, work: list["asyncio.Task[None]"], writes: int) -> bool:
    for task in work:
        if task.done():
            task.result()
    return len(writers.acknowledged) >= writes


async def drained(desk: Desk) -> bool:
    """Everything is numbered and sealed."""
    left = "SELECT EXISTS (SELECT FROM event WHERE numbered_at IS NULL) OR EXISTS (SELECT FROM audit_pending)"
    return not await desk.behind.fetchval(left)


async def counts(desk: Desk) -> dict[str, int]:
    """Rows and events of the kinds that the writers write."""
    rows = await desk.behind.fetch(
        "SELECT type, count(*) FROM event WHERE type = ANY ($1) GROUP BY type", list(_KINDS.values())
    )
    found = {row["type"]: row["count"] for row in rows}
    found["reports"] = await desk.behind.fetchval("SELECT count(*) FROM report")
    found["referrals"] = await desk.behind.fetchval("SELECT count(*) FROM referral")
    return found


async def judge(desk: Desk, writers: Writers, before: Mapping[str, int]) -> dict[str, int]:
    """Every acknowledged write against rows, events and leaves; and those against what was acknowledged."""
    ids = {kind: [found for said, found in writers.acknowledged if said == kind] for kind in _KINDS}
    after = await counts(desk)
    has: Callable[[str, list[UUID]], Any] = desk.behind.fetchval
    reports = await has("SELECT count(*) FROM report WHERE id = ANY ($1)", ids["report"])
    referrals = await has("SELECT count(*) FROM referral WHERE id = ANY ($1)", ids["referral"])
    accepted = await has("SELECT count(*) FROM referral WHERE id = ANY ($1) AND status = 'accepted'", ids["acceptance"])
    without_event = without_leaf = doubled_events = 0
    for kind, event_type in _KINDS.items():
        missing = "SELECT count(*) FROM unnest($1::uuid[]) w WHERE NOT EXISTS "
        without_event += await has(
            f"{missing} (SELECT FROM event e WHERE e.subject_id = w AND e.type = '{event_type}')", ids[kind]
        )
        leaves = 2 if kind == "acceptance" else 1
        without_leaf += await has(
            "SELECT count(*) FROM unnest($1::uuid[]) w"
            f" WHERE (SELECT count(*) FROM audit_leaf l WHERE l.subject_id = w) < {leaves}",
            ids[kind],
        )
        doubled_events += after.get(event_type, 0) - before.get(event_type, 0) - len(set(ids[kind]))
    return {
        "lost": sum(len(set(found)) for found in ids.values()) - reports - referrals - accepted,
        "doubled_rows": after["reports"]
        + after["referrals"]
        - before["reports"]
        - before["referrals"]
        - len(set(ids["report"]))
        - len(set(ids["referral"])),
        "doubled_events": doubled_events,
        "without_event": without_event,
        "without_leaf": without_leaf,
    }


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises are broken; how quickly it was ready again is the machine's."""
    wanted_none = ("lost", "doubled_rows", "doubled_events", "without_event", "without_leaf", "unexpected")
    found = [f"{name}: {figures[name]}" for name in wanted_none if figures[name]]
    if not figures["drained"]:
        found.append("events or leaves were left")
    return found

"""`./tongli simulate year`: a year of cases and referrals at forty agencies, through the actions that the API calls.

Two processes live the cases, each its own, at instants of business time; between two instants at which the jobs look
they wait for each other, so a run with the same seed is the same run. In the database a judge looks at every commit
(`bench/year_judge.py`), every week at everything, and at the end at the whole history.
"""

import asyncio
import contextlib
import heapq
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvloop

from bench import year_figures, year_history, year_judge
from bench.linkage_agencies import Directory, add_agencies
from bench.stage import MEASURED, Stage, prepare
from bench.year_life import NOW, CaseLife, Life, Town
from bench.year_world import Span, directory_of_forty
from crypto.keys import Keyring, generate_keyring, parse_keyring, render_keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.embedded import EmbeddedPostgres
from db.engine import Database, open_database
from jobs.clocks import look_once, ring_once
from logs import configure_logging

PROCESSES: Final = 2
_AT_ONCE: Final = 4
LOOKS: Final = (timedelta(0), timedelta(hours=9), timedelta(hours=17, minutes=30))
"""When of a day the jobs look: at midnight, when reminders are due, and in the evening."""
_WEEK: Final = 7
_PLANNED_AFTER_DAYS: Final = (2, 7, 30, 90, 180)
"""When the tables are analyzed by hand: autovacuum knows no business time, and plans made for empty tables stand."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a process needs to take part; can be sent to another one."""

    url: str
    keys: str
    directory: Directory
    span: Span

    def database(self, role: str) -> Database:
        """A pool of that role whose time is that of the task at work."""
        keyring = parse_keyring(self.keys)
        url = role_url(self.url, role, keyring)
        return open_database(url, vault=Vault.of(keyring), clock=NOW.get, pool_size=_AT_ONCE)


@contextlib.contextmanager
def quick_stage() -> Iterator[Stage]:
    """A temporary installation that would not survive a power cut: nobody asks a simulation what is left of it."""
    folder = Path(tempfile.mkdtemp(prefix="tongli-year-"))
    postgres = EmbeddedPostgres(folder, fast_and_unsafe=True)
    try:
        postgres.start()
        keyring = generate_keyring()
        yield Stage(postgres, keyring, Vault.of(keyring))
    finally:
        postgres.discard()
        shutil.rmtree(folder, ignore_errors=True)


def simulate(span: Span) -> dict[str, Any]:
    """The figures of a run in a database of its own."""

    async def on(built: Stage) -> dict[str, Any]:
        await prepare(built, MEASURED)
        return await measure(built.admin_url(MEASURED), built.keyring, span)

    with quick_stage() as built:
        return uvloop.run(on(built))


async def measure(url: str, keyring: Keyring, span: Span) -> dict[str, Any]:
    """Lives the span on a migrated database without other cases; figures, and what was not as it should be."""
    began = time.perf_counter()
    scene = Scene(url, render_keyring(keyring), directory_of_forty(), span)
    behind = await asyncpg.connect(url)
    try:
        await add_agencies(behind, scene.directory)
        await year_judge.install(behind)
        outcome = await _live(scene, behind)
        lived = time.perf_counter() - began
        await year_judge.name_all(behind, outcome.known)
        figures: dict[str, Any] = await year_figures.read(behind)
        figures["refused"] = dict(sorted(outcome.refused.items()))
        figures["faults"] = {**await year_judge.faults(behind), **await year_history.faults(behind, list(looks(span)))}
        figures["digest"] = await year_figures.digest(behind)
    finally:
        await behind.close()
    figures["machine"] = {
        "transactions": outcome.done,
        "seconds": time.perf_counter() - began,
        "a_second": outcome.done / lived,
    }
    return figures


def looks(span: Span) -> Iterator[datetime]:
    """Every instant at which the jobs look, to the end of the span."""
    for day in range(span.days):
        yield from (span.starts + timedelta(days=day) + look for look in LOOKS)
    yield span.ends


@dataclass(slots=True)
class Outcome:
    """What the processes tell of their lives at the end."""

    known: dict[UUID, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    done: int = 0


async def _live(scene: Scene, behind: year_judge.Raw) -> Outcome:
    """From look to look: everybody acts, then the clocks do; then the week is judged."""
    jobs = scene.database(names.JOBS)
    loop = asyncio.get_running_loop()
    with _processes(scene) as ends:
        for moment in looks(scene.span):
            for end in ends:
                end.send(moment)
            for end in ends:
                _heard(await loop.run_in_executor(None, end.recv))
            await _fire(jobs, moment)
            await _look_after(scene.span, behind, moment)
        outcome = Outcome()
        for end in ends:
            end.send(None)
            known, refused, done = _heard(await loop.run_in_executor(None, end.recv))
            outcome.known |= known
            outcome.refused += refused
            outcome.done += done
    await jobs.close()
    return outcome


async def _fire(jobs: Database, moment: datetime) -> None:
    """What the jobs process does every second, at this instant of business time, until nothing is due."""
    still = replace(jobs, clock=lambda: moment)
    while await look_once(still) + await ring_once(still):
        pass


async def _look_after(span: Span, behind: year_judge.Raw, moment: datetime) -> None:
    days, rest = divmod(moment - span.starts, timedelta(days=1))
    if rest:
        return
    if days in _PLANNED_AFTER_DAYS:
        await behind.execute("ANALYZE")
    if days % _WEEK == 0 or moment == span.ends:
        await year_judge.judge_everything(behind, moment)
        print(f"\r{moment:%Y-%m-%d}", end="", file=sys.stderr, flush=True)


def _heard(answer: Any) -> Any:
    if isinstance(answer, BaseException):
        raise answer
    return answer


@contextlib.contextmanager
def _processes(scene: Scene) -> Iterator[list[Connection]]:
    """Our ends of pipes to processes that live the cases; they end with the block."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(PROCESSES)]
    made = [
        context.Process(target=_take_part, args=(scene, range(which, scene.span.cases, PROCESSES), theirs), daemon=True)
        for which, (_, theirs) in enumerate(pairs)
    ]
    for process in made:
        process.start()
    for _, theirs in pairs:
        theirs.close()
    try:
        yield [ours for ours, _ in pairs]
    finally:
        for ours, _ in pairs:
            ours.close()
        for process in made:
            process.join(10)
            process.kill()


def _take_part(scene: Scene, numbers: Iterable[int], end: Connection) -> None:
    """One process: lives its cases up to each instant it is told, and tells what came of them when told None."""
    configure_logging("ERROR", "text")
    with uvloop_runner() as runner, contextlib.suppress(EOFError):
        town = Town(scene.database(names.APP), scene.directory, scene.span)
        lives = runner.run(_beginning(town, numbers))
        while (moment := end.recv()) is not None:
            try:
                runner.run(lives.go_on(moment))
            except BaseException as fault:
                end.send(RuntimeError(f"{type(fault).__name__}: {fault}"))
                raise
            end.send(None)
        end.send((town.known, town.refused, town.done))
        runner.run(town.database.close())


def uvloop_runner() -> asyncio.Runner:
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _beginning(town: Town, numbers: Iterable[int]) -> "Lives":
    lives = Lives(town.span)
    NOW.set(town.span.starts)
    for number in numbers:
        await lives.begin(CaseLife(town, number))
    return lives


@dataclass(slots=True)
class Lives:
    """The lives of many cases, by the instant at which each goes on. Cases run beside each other, a case alone."""

    span: Span
    waiting: list[tuple[datetime, int, int]] = field(default_factory=list)
    _lives: dict[int, tuple[CaseLife, Life]] = field(default_factory=dict)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def begin(self, case: CaseLife) -> None:
        """The case waits for its beginning."""
        await self._wait(case, case.live(), self.waiting)

    async def go_on(self, until: datetime) -> None:
        """Lives everything that happens up to an instant."""
        due: defaultdict[int, list[tuple[datetime, int, int]]] = defaultdict(list)
        while self.waiting and self.waiting[0][0] <= until:
            turn = heapq.heappop(self.waiting)
            due[turn[1]].append(turn)
        async with asyncio.TaskGroup() as tasks:
            for turns in due.values():
                tasks.create_task(self._case(turns, until))

    async def _case(self, turns: list[tuple[datetime, int, int]], until: datetime) -> None:
        """One case, its turns in their order, those that follow in the same time too."""
        async with self._turns:
            while turns:
                if turns[0][0] > until:
                    heapq.heappush(self.waiting, heapq.heappop(turns))
                    continue
                moment, _, key = heapq.heappop(turns)
                case, life = self._lives.pop(key)
                NOW.set(moment)
                await self._wait(case, life, turns)
                while case.others:
                    await self._wait(case, case.others.pop(0), turns)

    async def _wait(self, case: CaseLife, life: Life, turns: list[tuple[datetime, int, int]]) -> None:
        """Lets a life go on to where it waits next; forgets it at its end, and what would be after the span."""
        moment = await anext(life, None)
        if moment is not None and moment < self.span.ends:
            key = self._key(case)
            self._lives[key] = (case, life)
            heapq.heappush(turns, (moment, case.number, key))

    def _key(self, case: CaseLife) -> int:
        """Lives of one case that wait for the same instant go on in the order in which they began to wait."""
        case.waits += 1
        return case.number * 100_000 + case.waits

"""Order: writers of the same cases that commit late, and what a transaction left open does to everybody else's feed."""

import asyncio
import contextlib
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.events_receivers import Arrived, receivers
from bench.events_stage import (
    CODES,
    Place,
    desk_at,
    feeds,
    first_successes,
    gaps,
    jobs_at,
    pressed_clock,
    register_all,
    until,
)
from crypto.ids import new_id
from db.engine import Raw
from db.queries.events import record_alone
from db.transaction import open_system_transaction
from tests.jobs.desk import Desk

CASES: Final = 1_000
UPDATES: Final = 20
WRITERS: Final = 8
IDLE_S: Final = 20.0
"""Longer than the 15 s for which the database lets a transaction of ours do nothing."""


async def measure(
    place: Place, *, cases: int = CASES, updates: int = UPDATES, idle_s: float = IDLE_S, within_s: float = 3_600
) -> dict[str, Any]:
    """Inversions by subject in feed and first deliveries, gaps, and how long the feed stood behind an open
    transaction. A third of the deliveries fail at first."""
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", failing=1, fast=1) as stand:
        async with desk_at(place, 2) as desk, jobs_at(place), pressed_clock(desk):
            owners = await register_all(desk, [*stand.ports["failing"], *stand.ports["fast"]], 2)
            versions = await _write(desk, cases, updates)
            late = await _late_commit(desk)
            stood_s = await _while_idle(desk, idle_s)

            async def settled() -> bool:
                left = "SELECT EXISTS (SELECT FROM delivery WHERE status = 'pending') OR EXISTS "
                return not await desk.behind.fetchval(f"{left} (SELECT FROM event WHERE numbered_at IS NULL)")

            done = await until(settled, within_s=within_s)
            told = await feeds(desk)
            arrived = stand.arrived()
            first_tries: dict[tuple[int, str], Arrived] = {}
            for one in arrived:
                first_tries.setdefault((one.port, one.event_id), one)
            return {
                "cases": cases,
                "updates": len(versions),
                "settled": done,
                "inversions_in_feed": sum(
                    _inversions((event_id for _, event_id in entries), versions) for entries in told.values()
                ),
                "inversions_of_first_delivery": sum(
                    _inversions((event_id for to, event_id in first_tries if to == port), versions) for port in owners
                ),
                "gaps": await gaps(desk),
                "late_commit_seen": late,
                "missing": len(versions) * len(owners) - _delivered(first_successes(arrived), versions),
                "feed_stood_s": stood_s,
                "feed_stood_bar_s": idle_s,
            }


async def _write(desk: Desk, cases: int, updates: int) -> dict[str, tuple[UUID, int]]:
    """Event → its case and its number within it. Each update is written under the lock of its case, as actions do, and
    committed a moment of chance later."""
    chance = random.Random(5)
    subjects = [new_id() for _ in range(cases)]
    work = [subject for subject in subjects for _ in range(updates)]
    chance.shuffle(work)
    counts: defaultdict[UUID, int] = defaultdict(int)
    versions: dict[str, tuple[UUID, int]] = {}
    queue = iter(work)

    async def write() -> None:
        for subject in queue:
            async with open_system_transaction(desk.jobs) as raw:
                await raw.execute("SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 4))", subject)
                counts[subject] += 1
                event_id = await _record(raw, desk, subject, counts[subject])
                versions[str(event_id)] = subject, counts[subject]
                await asyncio.sleep(chance.choice((0, 0, 0.002, 0.01, 0.03)))

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return versions


async def _record(raw: Raw, desk: Desk, subject: UUID, version: int) -> UUID:
    event_id = new_id()
    event = {
        "id": str(event_id),
        "type": "referral.requested",
        "subject_type": "referral",
        "subject_id": str(subject),
        "subject_version": version,
        "case_id": None,
        "actor_agency_id": str(desk.agency(CODES[0])),
        "parties": {str(desk.agency(CODES[0])): ["actor", "sender"], str(desk.agency(CODES[1])): ["addressee"]},
        "correlation_id": "bench",
        "data": {"from": "draft", "to": "requested", "changed": ["status"]},
        "occurred_at": "2026-11-24T00:00:00Z",
    }
    await record_alone(raw, event)
    return event_id


async def _late_commit(desk: Desk) -> bool:
    """Whether a fact that was written first and committed last is told, behind the one that overtook it."""
    async with open_system_transaction(desk.jobs) as early:
        first = await _record(early, desk, new_id(), 1)
        async with open_system_transaction(desk.jobs) as late:
            second = await _record(late, desk, new_id(), 1)
        if not await until(lambda: _numbers(desk, second), within_s=10):
            return False
    if not await until(lambda: _numbers(desk, first), within_s=10):
        return False
    return await _numbers(desk, first) > await _numbers(desk, second)


async def _numbers(desk: Desk, event_id: UUID) -> int:
    """The event's number in the first agency's feed, 0 while it has none."""
    number = await desk.behind.fetchval(
        "SELECT sequence FROM feed_entry WHERE event_id = $1 AND agency_id = $2", event_id, desk.agency(CODES[0])
    )
    return int(number or 0)


async def _while_idle(desk: Desk, idle_s: float) -> float:
    """The longest that a fact waited for its number while another transaction stood open with a fact of its own."""

    async def idle() -> None:
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError):  # cut off after 15 s
            async with open_system_transaction(desk.jobs) as raw:
                await _record(raw, desk, new_id(), 1)
                await asyncio.sleep(idle_s)

    waits, open_one = [], asyncio.create_task(idle())
    while not open_one.done():
        async with open_system_transaction(desk.jobs) as raw:
            event_id = await _record(raw, desk, new_id(), 1)
        committed = time.perf_counter()
        await until(partial(_numbers, desk, event_id), within_s=idle_s + 30, every_s=0.02)
        waits.append(time.perf_counter() - committed)
        await asyncio.sleep(0.2)
    await open_one
    return max(waits)


def _inversions(event_ids: Iterable[str], versions: Mapping[str, tuple[UUID, int]]) -> int:
    """How often an update of a case comes behind a later one."""
    latest: dict[UUID, int] = {}
    found = 0
    for event_id in event_ids:
        if event_id in versions:
            subject, version = versions[event_id]
            found += version < latest.get(subject, 0)
            latest[subject] = max(version, latest.get(subject, 0))
    return found


def _delivered(taken: Iterable[tuple[int, str]], versions: Mapping[str, object]) -> int:
    return sum(event_id in versions for _, event_id in taken)


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises are broken."""
    wanted_none = ("inversions_in_feed", "inversions_of_first_delivery", "gaps", "missing")
    found = [f"{name}: {figures[name]}" for name in wanted_none if figures[name]]
    if not figures["settled"]:
        found.append("deliveries were left")
    if not figures["late_commit_seen"]:
        found.append("a late commit was not told")
    if figures["feed_stood_s"] > figures["feed_stood_bar_s"]:
        found.append(f"the feed stood for {figures['feed_stood_s']:.1f} s behind an open transaction")
    return found

"""Everything arrives: events to many endpoints that fail at random, while the jobs are killed, the clock pressed."""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench.events_receivers import Arrived, Receivers, receivers
from bench.events_stage import (
    PER_AGENCY,
    Place,
    Program,
    desk_at,
    end_leases,
    feeds,
    jobs_at,
    pressed_clock,
    record_many,
    register_all,
    until,
)
from tests.jobs.desk import Desk

EVENTS: Final = 20_000
ENDPOINTS: Final = 20
KILLS: Final = 15
IN_FLIGHT: Final = 4
WRITTEN_AT_ONCE: Final = 500


async def measure(
    place: Place, *, events: int = EVENTS, endpoints: int = ENDPOINTS, kills: int = KILLS, within_s: float = 7_200
) -> dict[str, Any]:
    """Figures of one run: what is missing, doubled, under another id, in the feed and not pushed, or the reverse."""
    agencies = -(-endpoints // PER_AGENCY)
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", failing=endpoints) as stand:
        async with desk_at(place, agencies) as desk, jobs_at(place) as jobs:
            owners = await register_all(desk, stand.ports["failing"], agencies)
            started = time.perf_counter()
            async with pressed_clock(desk):
                writing = asyncio.create_task(_write(desk, events, agencies))
                await kill_on_the_way(desk, jobs, stand, kills=kills, expected=events * endpoints)
                settled = await until(lambda: _is_settled(desk), within_s=within_s) if await writing else False
            seconds = time.perf_counter() - started
            attempts = await desk.behind.fetchval("SELECT count(*) FROM delivery_attempt")
            judged = _judge(stand.arrived(), await feeds(desk), owners)
            dead = await desk.behind.fetchval("SELECT count(*) FROM delivery WHERE status = 'dead'")
        return {
            "events": events,
            "deliveries": events * endpoints,
            "kills": kills,
            "settled": settled,
            "attempts": attempts,
            "seconds": seconds,
            "attempts_per_s": attempts / seconds,
            "dead": dead,
            **judged,
            "duplicates_bar": max(events * endpoints // 100, kills * endpoints * IN_FLIGHT),
        }


async def _write(desk: Desk, events: int, agencies: int) -> bool:
    for start in range(0, events, WRITTEN_AT_ONCE):
        await record_many(desk, min(WRITTEN_AT_ONCE, events - start), agencies, subjects=WRITTEN_AT_ONCE // 5)
    return True


async def kill_on_the_way(desk: Desk, jobs: Program, stand: Receivers, *, kills: int, expected: int) -> None:
    """Each kill comes when another share of the deliveries has arrived, after a moment of chance."""
    chance = random.Random(3)
    for number in range(kills):
        share = expected * (number + 1) // (kills + 1)

        async def enough(share: int = share) -> bool:
            return stand.count() >= share

        await until(enough, within_s=3_600)
        await asyncio.sleep(chance.uniform(0, 0.3))
        await jobs.kill()
        await end_leases(desk)
        await jobs.start()


async def _is_settled(desk: Desk) -> bool:
    left = "SELECT EXISTS (SELECT FROM delivery WHERE status = 'pending') OR EXISTS "
    return not await desk.behind.fetchval(f"{left} (SELECT FROM event WHERE numbered_at IS NULL)")


def _judge(
    arrived: Sequence[Arrived], feeds: Mapping[UUID, Sequence[tuple[int, str]]], owners: Mapping[int, UUID]
) -> dict[str, Any]:
    taken = Counter((one.port, one.event_id) for one in arrived if 200 <= one.status < 300)
    ids: dict[tuple[int, int], set[str]] = {}
    for one in arrived:
        ids.setdefault((one.port, one.sequence), set()).add(one.event_id)
    expected = {(port, event_id) for port, agency in owners.items() for _, event_id in feeds[agency]}
    numbers = {(agency, event_id): number for agency, entries in feeds.items() for number, event_id in entries}
    misnumbered = sum(numbers.get((owners[one.port], one.event_id)) not in (None, one.sequence) for one in arrived)
    return {
        "missing": len(expected - taken.keys()),
        "pushed_but_not_in_feed": len(taken.keys() - expected),
        "duplicates": sum(taken.values()) - len(taken),
        "duplicate_share": (sum(taken.values()) - len(taken)) / max(1, len(taken)),
        "under_another_id": sum(len(found) > 1 for found in ids.values()),
        "under_another_number": misnumbered,
    }


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises are broken."""
    wanted_none = ("missing", "pushed_but_not_in_feed", "under_another_id", "under_another_number", "dead")
    found = [f"{name}: {figures[name]}" for name in wanted_none if figures[name]]
    if not figures["settled"]:
        found.append("deliveries were left")
    if figures["duplicates"] > figures["duplicates_bar"]:
        found.append(f"{figures['duplicates']} duplicates, {figures['duplicates_bar']} at most")
    return found

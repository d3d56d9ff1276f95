"""What an endpoint never had is sent to it afterwards: every entry of the feed once, whatever is killed on the way."""

import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from actions import webhook_replays
from actions.webhook_replays import Wanted
from bench.events_delivery import kill_on_the_way
from bench.events_receivers import Arrived, receivers
from bench.events_stage import CODES, Place, desk_at, jobs_at, record_many, register_all, until
from db.transaction import open_transaction
from tests.jobs.desk import Desk

EVENTS: Final = 50_000
KILLS: Final = 5
WRITTEN_AT_ONCE: Final = 500
TYPE: Final = "referral.requested"
"""What `record_many` writes."""


async def measure(place: Place, *, events: int = EVENTS, kills: int = KILLS, within_s: float = 3_600) -> dict[str, Any]:
    """Figures of one run: what of the feed is not in the set of what succeeded, or twice, or under another number."""
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", fast=1) as stand:
        async with desk_at(place) as desk:
            for start in range(0, events, WRITTEN_AT_ONCE):
                await record_many(desk, min(WRITTEN_AT_ONCE, events - start), 1)
            while await desk.number():
                pass
            (port,) = await register_all(desk, stand.ports["fast"], 1)
            replay_id = await _ask(desk)
            started = time.perf_counter()
            async with jobs_at(place) as jobs:
                await kill_on_the_way(desk, jobs, stand, kills=kills, expected=events)
                finished = await until(lambda: _is_finished(desk, replay_id), within_s=within_s)
            seconds = time.perf_counter() - started
            rows = await desk.behind.fetch(
                "SELECT sequence FROM delivery WHERE replay_id = $1 AND status = 'succeeded'", replay_id
            )
            entries = await desk.behind.fetch(
                "SELECT sequence, event_id::text FROM feed_entry WHERE agency_id = $1 AND type = $2",
                desk.agency(CODES[0]),
                TYPE,
            )
        numbered = {row["sequence"]: row["event_id"] for row in entries}
        judged = judge([row["sequence"] for row in rows], [one for one in stand.arrived() if one.replay], numbered)
        return {
            "events": events,
            "kills": kills,
            "port": port,
            "finished": finished,
            "seconds": seconds,
            "replayed_per_s": len(rows) / seconds,
            **judged,
        }


async def _ask(desk: Desk) -> UUID:
    """A replay of all of that type that the feed holds."""
    endpoint_id = await desk.behind.fetchval("SELECT id FROM webhook_endpoint WHERE status = 'active' LIMIT 1")
    async with open_transaction(desk.app, desk.callers[CODES[0]]) as tx:
        asked = await webhook_replays.ask(tx, endpoint_id, Wanted("types", types=[TYPE]))
    replay_id: UUID = asked["id"]
    return replay_id


async def _is_finished(desk: Desk, replay_id: UUID) -> bool:
    state = await desk.behind.fetchval("SELECT state FROM webhook_replay WHERE id = $1", replay_id)
    return bool(state == "finished")


def judge(succeeded: Sequence[int], arrived: Sequence[Arrived], feed: Mapping[int, str]) -> dict[str, Any]:
    """What is wrong with the numbers that succeeded and the requests that came, against number → event id of the
    feed."""
    times = Counter(succeeded)
    came = Counter(one.sequence for one in arrived)
    return {
        "in_the_feed": len(feed),
        "not_in_the_success_set": len(feed.keys() - times.keys()),
        "twice_in_the_success_set": sum(count - 1 for count in times.values()),
        "never_arrived": len(feed.keys() - came.keys()),
        "under_another_number": sum(feed.get(one.sequence) != one.event_id for one in arrived),
        "duplicates": sum(came.values()) - len(came),
    }


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises are broken."""
    wanted_none = ("not_in_the_success_set", "twice_in_the_success_set", "never_arrived", "under_another_number")
    found = [f"{name}: {figures[name]}" for name in wanted_none if figures[name]]
    return found if figures["finished"] else [*found, "the replay was left"]

"""Poisonous endpoints beside healthy ones: some hang, some drip, some pour, and the healthy ones must not notice."""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.events_receivers import Receivers, receivers
from bench.events_stage import (
    PER_AGENCY,
    Place,
    desk_at,
    first_successes,
    jobs_at,
    percentile,
    record_many,
    register_all,
    until_jobs_listen,
)
from tests.jobs.desk import Desk

HEALTHY: Final = 30
HANGING, DRIPPING, FLOODING = 10, 5, 5
SECONDS: Final = 30.0
EVENTS_PER_S: Final = 4
LONGEST_MS: Final = 16_000
MEMORY_MB: Final = 64


async def measure(
    place: Place, *, share: float = 1.0, seconds: float = SECONDS, per_s: float = EVENTS_PER_S, hanging: bool = True
) -> dict[str, Any]:
    """Latency of the healthy in seconds, alone and beside the others, the memory that the jobs gained, the longest
    attempt. `share` scales the numbers of endpoints; without `hanging` none takes its fifteen seconds."""
    numbers = {"fast": HEALTHY, "flooding": FLOODING} | ({"hanging": HANGING, "dripping": DRIPPING} if hanging else {})
    habits = {habit: max(1, round(count * share)) for habit, count in numbers.items()}
    agencies = -(-sum(habits.values()) // PER_AGENCY)
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", **habits) as stand:
        async with desk_at(place, agencies) as desk:
            healthy = stand.ports["fast"]
            poisonous = [port for habit, ports in stand.ports.items() if habit != "fast" for port in ports]
            await register_all(desk, healthy, agencies)
            async with jobs_at(place) as jobs:
                alone = await _latencies(desk, stand, seconds, per_s=per_s, agencies=agencies, pid=jobs.pid)
            await register_all(desk, poisonous, agencies)
            async with jobs_at(place) as jobs:
                beside = await _latencies(desk, stand, seconds, per_s=per_s, agencies=agencies, pid=jobs.pid)
                await asyncio.sleep(LONGEST_MS / 1_000 + 1 if hanging else 0)  # until what hangs has ended
            longest = await desk.behind.fetchval("SELECT max(duration_ms) FROM delivery_attempt")
    return {
        "endpoints": habits,
        "alone": alone,
        "beside": beside,
        "p95_ratio": beside["p95_s"] / max(alone["p95_s"], 1e-9),
        "bars": {"p95_s": 2.0, "p95_ratio": 1.5, "memory_mb": MEMORY_MB, "longest_ms": LONGEST_MS},
        "memory_gained_mb": max(0.0, beside["memory_mb"] - alone["memory_mb"]),
        "longest_ms": longest,
    }


async def _latencies(
    desk: Desk, stand: Receivers, seconds: float, *, per_s: float, agencies: int, pid: int
) -> dict[str, float]:
    """From commit to the healthy receivers, of events that come at a steady rate, and the most memory meanwhile."""
    committed: dict[str, float] = {}
    memory = 0.0
    await until_jobs_listen(desk)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.monotonic()
        for event_id in await record_many(desk, 1, agencies):
            committed[str(event_id)] = time.time()
        memory = max(memory, _memory_mb(pid))
        await asyncio.sleep(max(0.0, 1 / per_s - (time.monotonic() - began)))
    expected = len(committed) * len(stand.ports["fast"])
    taken = await _arrivals(stand, committed, expected)
    waits = [at - committed[event_id] for event_id, at in taken]
    return {
        "p50_s": percentile(waits, 0.5),
        "p95_s": percentile(waits, 0.95),
        "missing": float(expected - len(waits)),
        "memory_mb": max(memory, _memory_mb(pid)),
    }


async def _arrivals(stand: Receivers, committed: Mapping[str, float], expected: int) -> Sequence[tuple[str, float]]:
    """What the healthy took, once they took all; after a minute what they took until then."""
    found: list[tuple[str, float]] = []
    for _ in range(60):
        firsts = first_successes(stand.arrived()).values()
        found = [(one.event_id, one.at) for one in firsts if one.habit == "fast" and one.event_id in committed]
        if len(found) >= expected:
            break
        await asyncio.sleep(1)
    return found


def _memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1_024


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises are broken; latencies are the machine's and end nothing."""
    found = []
    if figures["alone"]["missing"] or figures["beside"]["missing"]:
        found.append("healthy receivers did not get everything within a minute")
    if figures["memory_gained_mb"] > MEMORY_MB:
        found.append(f"the jobs gained {figures['memory_gained_mb']:.0f} MB")
    if figures["longest_ms"] > LONGEST_MS:
        found.append(f"an attempt took {figures['longest_ms']} ms")
    return found

"""Graceful stop: API and jobs asked to end under load, again and again: nothing is cut, lost or kept waiting."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.events_kills import CLIENTS, ENOUGH, Writers, counts, drained, judge, ready
from bench.events_receivers import receivers
from bench.events_stage import Place, desk_at, program_at, register_all, until
from bench.stage import free_port
from crypto.tokens import TokenAuthority

STOPS: Final = 50
EXIT_BAR_S: Final = 20.0


async def measure(place: Place, *, stops: int = STOPS, between_s: float = 1.0) -> dict[str, Any]:
    """API and jobs in turn get SIGTERM while eight clients write and two receivers get everything. `cut` are requests
    that were done and not answered, `kept_leases` deliveries that a process took along."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {"TONGLI_PORT": str(port), "TONGLI_PUBLIC_URL": url, **ENOUGH}
    exits: dict[str, list[float]] = {"api": [], "jobs": []}
    kept = 0
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", failing=2) as stand:
        async with desk_at(place, 2) as desk:
            await register_all(desk, stand.ports["failing"], 2)
            before = await counts(desk)
            writers = Writers(url, dict(desk.callers), TokenAuthority(place.keyring, url))
            async with program_at(place, "api", environment) as api, program_at(place, "jobs") as jobs:
                await ready(url)
                work = [asyncio.create_task(writers.work()) for _ in range(CLIENTS)]
                for number in range(stops):
                    await asyncio.sleep(between_s)
                    program = api if number % 2 == 0 else jobs
                    exits[program.word].append(await program.stop())
                    if program is jobs:
                        kept += await desk.behind.fetchval(
                            "SELECT count(*) FROM delivery WHERE lease_token IS NOT NULL AND leased_until > now()"
                        )
                    await program.start()
                    await ready(url)
                writers.stopping = True
                await asyncio.gather(*work)
                settled = await until(lambda: drained(desk), within_s=120)
                judged = await judge(desk, writers, before)
    return {
        "stops": stops,
        "acknowledged": len(writers.acknowledged),
        "cut": writers.cut,
        "kept_leases": kept,
        "unexpected": dict(writers.unexpected),
        **judged,
        "drained": settled,
        "longest_exit_s": {word: max(taken, default=0.0) for word, taken in exits.items()},
        "exit_bar_s": EXIT_BAR_S,
    }


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises are broken."""
    wanted_none = ("cut", "kept_leases", "lost", "doubled_rows", "doubled_events", "without_event", "without_leaf")
    found = [f"{name}: {figures[name]}" for name in (*wanted_none, "unexpected") if figures[name]]
    if not figures["drained"]:
        found.append("events or leaves were left")
    found += [f"{word} took {s:.1f} s to end" for word, s in figures["longest_exit_s"].items() if s > EXIT_BAR_S]
    return found

"""Clocks that are wrong: three jobs processes share the work, one an hour ahead, one an hour behind.

Their clock is moved where the C library reads it, by a library that is compiled here and preloaded; a machine without
a compiler cannot run this part. PostgreSQL keeps the right time, as leases and waits have it.
"""

import shutil
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from bench.events_receivers import Arrived, receivers
from bench.events_stage import Place, desk_at, jobs_at, record_many, register_all, until, until_jobs_listen
from rules.retries import JITTER, SCHEDULE

HOUR_S: Final = 3_600
_SOURCE: Final = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long moved(void) { const char *by = getenv("BENCH_CLOCK_MOVED_S"); return by ? atol(by) : 0; }
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(id, at);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) at->tv_sec += moved();
    return done;
}
time_t time(time_t *into) {
    struct timespec at; clock_gettime(CLOCK_REALTIME, &at);
    if (into) *into = at.tv_sec;
    return at.tv_sec;
}
int gettimeofday(struct timeval *into, void *zone) {
    struct timespec at; (void)zone; clock_gettime(CLOCK_REALTIME, &at);
    into->tv_sec = at.tv_sec; into->tv_usec = at.tv_nsec / 1000; return 0;
}
"""


def can_move_clocks() -> bool:
    """Whether there is a compiler."""
    return shutil.which("cc") is not None


async def measure(place: Place, *, events: int = 500, endpoints: int = 8) -> dict[str, Any]:
    """Every other first attempt is refused. A lease that was stolen shows as a delivery taken twice or an attempt made
    twice, a wait cut short as a second attempt before its time."""
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", stumbling=endpoints) as stand:
        library = _compiled(Path(folder))
        async with desk_at(place, 1) as desk, AsyncExitStack() as running:
            await register_all(desk, stand.ports["stumbling"], 1)
            for moved in (HOUR_S, -HOUR_S, 0):
                environment = {"LD_PRELOAD": str(library), "BENCH_CLOCK_MOVED_S": str(moved)}
                await running.enter_async_context(jobs_at(place, environment))
            await until_jobs_listen(desk, 3)
            await record_many(desk, events, 1)

            async def settled() -> bool:
                left = "SELECT EXISTS (SELECT FROM delivery WHERE status = 'pending') OR EXISTS "
                return not await desk.behind.fetchval(f"{left} (SELECT FROM event WHERE numbered_at IS NULL)")

            done = await until(settled, within_s=600)
            judged = judge(stand.arrived())
            skews = await desk.behind.fetch(
                "SELECT DISTINCT round(extract(epoch FROM a.started_at - d.created_at) / 3600)::integer AS hours"
                "  FROM delivery_attempt a JOIN delivery d ON d.id = a.delivery_id"
            )
    return {
        "deliveries": events * endpoints,
        "settled": done,
        "clocks_at_work": sorted(row["hours"] for row in skews),
        **judged,
        "missing": events * endpoints - judged["taken"],
    }


def _compiled(folder: Path) -> Path:
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(_SOURCE, encoding="ascii")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def judge(arrived: Sequence[Arrived]) -> dict[str, Any]:
    """What was taken, sent twice under one number, or sent again too early."""
    shortest = SCHEDULE[1].total_seconds() * (1 - JITTER)
    tries: defaultdict[tuple[int, str], list[Arrived]] = defaultdict(list)
    for one in arrived:
        tries[one.port, one.event_id].append(one)
    repeated = sum(max(Counter(one.attempt for one in made).values()) > 1 for made in tries.values())
    waits = [made[1].at - made[0].at for made in tries.values() if len(made) > 1]
    return {
        "taken": sum(any(one.status == 204 for one in made) for made in tries.values()),
        "attempts_made_twice": repeated,
        "waited": len(waits),
        "early": sum(wait < shortest for wait in waits),
        "shortest_wait_s": min(waits, default=0.0),
        "longest_wait_s": max(waits, default=0.0),
    }


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises are broken."""
    found = [f"{name}: {figures[name]}" for name in ("missing", "attempts_made_twice", "early") if figures[name]]
    if not figures["settled"]:
        found.append("deliveries were forgotten")
    if not figures["waited"]:
        found.append("no delivery had to wait: nothing was shown")
    if not {-1, 1} <= set(figures["clocks_at_work"]):
        found.append("no process with a wrong clock delivered: nothing was shown")
    return found

"""The background entrance: everything that happens without a request, in one process or several."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, TypeAlias

import structlog

from db.engine import Database
from jobs.clocks import run_clocks
from jobs.deliveries import Courier
from jobs.housekeeping import run_housekeeping
from jobs.metrics import run_metrics
from jobs.retention import run_retention
from jobs.sealer import Log, run_sealer
from jobs.sequencer import run_sequencer
from jobs.webhook_replays import run_replays
from outbound.http import GuardedClient
from rules.addresses import TargetPolicy
from settings import Settings

Job: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
STOP_S: Final = 5.0

_log = structlog.get_logger(component="jobs")


async def run_jobs(
    database: Database, settings: Settings, stop: asyncio.Event, *, others: Mapping[str, Job] | None = None
) -> None:
    """Runs every job on a pool of role tongli_jobs until `stop`; then ends within a few seconds, leases given back.

    `others` are jobs that an entrance made, of what may not be imported here. Needs six connections and as many again
    for deliveries. Raises ValueError for a setting that is no network.
    """
    policy = TargetPolicy.of(
        settings.webhook_allow, allow_http=settings.webhook_allow_http, production=settings.production
    )
    log = Log.of(
        database.vault.keyring, settings.public_url, settings.audit_hash, generation=settings.audit_key_generation
    )
    client = GuardedClient(policy)
    courier = Courier(database, client)
    jobs: dict[str, Job] = {
        "sequencer": lambda ending: run_sequencer(database, ending),
        "deliveries": courier.run,
        "replays": lambda ending: run_replays(database, ending),
        "clocks": lambda ending: run_clocks(database, ending),
        "sealer": lambda ending: run_sealer(database, log, ending),
        "retention": lambda ending: run_retention(database, ending),
        "housekeeping": lambda ending: run_housekeeping(database, ending),
        **(others or {}),
    }
    if settings.jobs_metrics_port is not None:
        jobs["metrics"] = lambda ending: run_metrics(database, ending)
    tasks = [asyncio.create_task(keep_running(name, job, stop)) for name, job in jobs.items()]
    try:
        await stop.wait()
        await asyncio.wait(tasks, timeout=STOP_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()


async def keep_running(name: str, job: Job, stop: asyncio.Event) -> None:
    """Runs a job until `stop`, again after each failure, waiting longer each time up to half a minute."""
    pause = FIRST_PAUSE_S
    while not stop.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await job(stop)
        except Exception as failure:  # whatever it is, the other jobs and the next try go on
            _log.error("job failed, starting it again", job=name, exc_info=failure)
        if asyncio.get_running_loop().time() - started > LONGEST_PAUSE_S:
            pause = FIRST_PAUSE_S
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
        pause = min(pause * 2, LONGEST_PAUSE_S)

"""Watches periods of retention in business time: asks coordinators about cases past theirs, forgets records of the
system past theirs. Erases no case: that is decided by people."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from actions.retention import ask_coordinator, closed_before
from db.engine import Database, Raw
from db.queries import erasures, webhook_replays
from db.transaction import open_system_transaction
from rules.retention import RETENTION, DataClass, years_after

Forget: TypeAlias = Callable[[Raw, datetime, int], Awaitable[int]]

EVERY: Final = timedelta(hours=1)
BATCH: Final = 200
FORGOTTEN: Final[tuple[tuple[Forget, DataClass], ...]] = (
    (erasures.forget_deliveries, DataClass.logs),
    (webhook_replays.forget_replays, DataClass.logs),
    (erasures.forget_proofs_of_erased, DataClass.consents),
)
"""What goes without being asked for: deliveries and replays that ended, proofs of what was erased."""


async def run_retention(database: Database, stop: asyncio.Event) -> None:
    """Every hour until told to stop; any number of processes may."""
    while not stop.is_set():
        await ask_once(database)
        await forget_once(database)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY.total_seconds()):
                await stop.wait()


async def ask_once(database: Database) -> int:
    """Asks about every case whose period is over, one transaction for each; how many."""
    now, asked = database.clock(), 0
    while True:
        async with open_system_transaction(database) as raw:
            due = await erasures.cases_past_retention(raw, closed_before(now), BATCH, asked=False)
        for case in due:
            async with open_system_transaction(database) as raw:
                asked += await ask_coordinator(raw, case, now)
        if len(due) < BATCH:
            return asked


async def forget_once(database: Database) -> int:
    """One round over the records of the system; how many were forgotten."""
    forgotten = 0
    for forget, data_class in FORGOTTEN:
        before = _years_before(database.clock(), RETENTION[data_class].years)
        while True:
            async with open_system_transaction(database) as raw:
                gone = await forget(raw, before, BATCH)
            forgotten += gone
            if gone == 0:
                break
    return forgotten


def _years_before(now: datetime, years: int) -> datetime:
    return datetime.combine(years_after(now.date(), -years), now.timetz())

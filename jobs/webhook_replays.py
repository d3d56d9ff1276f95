"""Works replays of webhook endpoints: batch by batch, whichever process comes first, whatever is killed."""

import asyncio
from contextlib import suppress
from typing import Final

from actions.webhook_replays import work
from db.engine import Database
from db.transaction import open_system_transaction

IDLE_S: Final = 0.2


async def run_replays(database: Database, stop: asyncio.Event) -> None:
    """Works until told to stop; any number of processes may, each at another replay."""
    while not stop.is_set():
        if await work_once(database):
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                await stop.wait()


async def work_once(database: Database) -> bool:
    """One step of one replay, in one transaction; False where none is due."""
    async with open_system_transaction(database) as raw:
        return await work(raw)

"""Makes room: partitions of the months to come, and what has been kept long enough is forgotten. In real time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from db.clock import real_time
from db.engine import Database, Raw
from db.queries.events import forget_entries
from db.queries.housekeeping import (
    forget_answers,
    forget_assertions,
    forget_codes,
    forget_devices,
    forget_refresh_tokens,
    forget_tries,
    make_partitions,
)
from db.queries.inbound import forget_message_ids, forget_receipts
from db.transaction import open_system_transaction
from rules.inbound import ID_KEPT
from rules.inbound import KEPT as KEPT_RECEIPTS

Forget: TypeAlias = Callable[[Raw, datetime, int], Awaitable[int]]

EVERY: Final = timedelta(hours=1)
MONTHS_AHEAD: Final = 3
BATCH: Final = 5_000
KEPT: Final[tuple[tuple[Forget, timedelta], ...]] = (
    (forget_answers, timedelta(days=14)),
    (forget_assertions, timedelta(minutes=5)),
    (forget_entries, timedelta(days=90)),
    (forget_tries, timedelta(hours=1)),
    (forget_codes, timedelta(days=8)),
    (forget_refresh_tokens, timedelta(days=8)),
    (forget_devices, timedelta(days=30)),
    (forget_message_ids, ID_KEPT),
    (forget_receipts, KEPT_RECEIPTS),
)
"""How long each is kept; assertions a little longer than they are accepted, used codes and refresh tokens longer than
the device lives that a second use of one would end."""


async def run_housekeeping(database: Database, stop: asyncio.Event) -> None:
    """Every hour until told to stop; at the start too, so that a service started late in a month has its partitions."""
    while not stop.is_set():
        await tidy(database)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY.total_seconds()):
                await stop.wait()


async def tidy(database: Database) -> int:
    """One round; how many rows were forgotten. Small transactions, so that nobody waits for it."""
    async with open_system_transaction(database) as raw:
        await make_partitions(raw, MONTHS_AHEAD)
    forgotten = 0
    for forget, kept in KEPT:
        while True:
            async with open_system_transaction(database) as raw:
                gone = await forget(raw, real_time() - kept, BATCH)
            forgotten += gone
            if gone == 0:
                break
    return forgotten

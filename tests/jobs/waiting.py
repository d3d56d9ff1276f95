"""Waits for what another task or process does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Seen = TypeVar("Seen")


async def eventually(look: Callable[[], Awaitable[Seen]], *, within_s: float = 5.0) -> Seen:
    """What `look` sees as soon as it sees something. Fails the test where it does not in time."""
    async with asyncio.timeout(within_s):
        while not (seen := await look()):  # noqa: ASYNC110  what is waited for is in a database or another process
            await asyncio.sleep(0.02)
    return seen

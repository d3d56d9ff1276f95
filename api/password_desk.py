"""Where passwords are hashed and compared: two at a time, a few waiting, everybody else is told to come back.

A flood of sign-ins must not take the memory and the cores that the rest of the service needs.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from crypto.passwords import NOBODYS, hash_password, matches
from rules.errors import TemporaryReducedCapacity

P = ParamSpec("P")
T = TypeVar("T")

AT_ONCE: Final = 2
WAITING: Final = 16  # the last of them waits for eight hashes: a second or three
RETRY_AFTER_S: Final = 3


class PasswordDesk:
    """Threads of its own, so that a caller who leaves does not let a third hash begin beside his."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passwords")
        self._most = at_once + waiting
        self._taken = 0

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises TemporaryReducedCapacity."""
        return await self._run(hash_password, password)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether it is the password behind `kept`; takes as long without one. Raises TemporaryReducedCapacity."""
        return await self._run(matches, password, kept or NOBODYS) and kept is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        if self._taken >= self._most:
            raise TemporaryReducedCapacity(retry_after=RETRY_AFTER_S)
        self._taken += 1
        future = self._threads.submit(work, *given, **named)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        return await asyncio.wrap_future(future)

    def _leave(self) -> None:
        self._taken -= 1

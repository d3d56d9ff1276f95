"""Waits for what another process did: one connection of its own that listens, shared by everybody who waits.

NOTIFY only shortens the wait. Whoever waits asks the database again after at most `poll_s` seconds while the connection
is down (or cannot listen, behind a pooler in transaction mode), so a lost notification costs a second, never an event.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import asyncpg
import structlog

from db.engine import Database, Raw

FEED: Final = "tongli_feed"
"""Payload: the agencies whose feeds grew, by comma."""
DELIVERY: Final = "tongli_delivery"

_LONGEST_PAUSE_S = 10.0
_log = structlog.get_logger(component="listening")


class Listener:
    """Wakes whoever waits for a topic of one channel. Topics are the parts of a notification's payload.

        mark = listener.mark(topic)
        …look…
        await listener.wait(topic, mark, timeout_s=5)

    What arrives between `mark` and `wait` ends the wait at once. Opens its connection at the first wait.
    """

    def __init__(self, database: Database, channel: str, *, poll_s: float = 1.0) -> None:
        self._database = database
        self._channel = channel
        self._poll_s = poll_s
        self._heard: Counter[str] = Counter()
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._listening = False
        self.closed = False

    def mark(self, topic: str = "") -> int:
        """Where one is before looking."""
        return self._heard[topic]

    async def wait(self, topic: str, mark: int, *, timeout_s: float) -> None:
        """Returns when the topic was heard of since `mark`, after `timeout_s`, or after the poll if nobody listens."""
        if self._heard[topic] != mark or self.closed:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._keep_listening())
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[topic].add(woken)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s if self._listening else min(timeout_s, self._poll_s)):
                    await woken
        finally:
            self._waiting[topic].discard(woken)
            if not self._waiting[topic]:
                del self._waiting[topic]

    def wake(self, *topics: str) -> None:
        """Tells waiters of this process; without topics, all of them."""
        for topic in topics or tuple(self._waiting):
            self._heard[topic] += 1
            for woken in self._waiting.get(topic, ()):
                if not woken.done():
                    woken.set_result(None)

    def release(self) -> None:
        """Lets everybody go who waits; nobody waits any more."""
        self.closed = True
        self.wake()

    async def close(self) -> None:
        """Releases everybody and closes the connection."""
        self.release()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_listening(self) -> None:
        pause = 0.5
        while True:
            try:
                await self._listen()
                pause = 0.5
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("not listening", channel=self._channel, error=type(error).__qualname__)
            self._listening = False
            self.wake()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        """Listens until the connection ends."""
        ended = asyncio.Event()
        raw = await asyncpg.connect(
            _plain_url(self._database), timeout=5, server_settings={"application_name": "tongli-listen"}
        )
        try:
            raw.add_termination_listener(_setter(ended))
            await raw.add_listener(self._channel, self._hear)
            self._listening = True
            self.wake()  # what was notified before cannot be heard any more
            await ended.wait()
        finally:
            await _close(raw)

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self.wake(*str(payload).split(","))


def _setter(event: asyncio.Event) -> Callable[[object], None]:
    return lambda _connection: event.set()


async def _close(raw: Raw) -> None:
    with contextlib.suppress(OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
        await raw.close(timeout=2)


def _plain_url(database: Database) -> str:
    """The pool's URL for asyncpg itself: a connection of the pool would be lost to it for as long as one listens."""
    return database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

"""Delivers events to webhook endpoints: at least once, each attempt recorded, no socket inside a transaction.

Claim with a lease and commit; send; record what came only where the lease is still the same (fencing). A process that
dies leaves leases that run out, and its deliveries are sent again under the same `webhook-id`. First deliveries of one
subject to one endpoint are in order, unless it wants none: the next waits until the one before it was attempted once.
"""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import structlog

from actions.deliveries import Leased, Met, is_plain_success, settle
from actions.webhooks import open_keys
from crypto.fields import SealBroken
from crypto.webhooks import WebhookKeys
from db.engine import Database
from db.listening import DELIVERY, Listener
from db.queries.deliveries import Attempt, claim_due, put_back, release
from db.transaction import open_system_transaction
from jobs.successes import Successes
from outbound.http import Busy, GuardedClient, OutboundFailure, Reply
from outbound.webhooks import Push, send
from rules.retries import judge, read_retry_after

PER_ENDPOINT: Final = 4
PER_HOST: Final = 16
"""Under way at a time to what shares a host and port, over all processes; each process has four connections to it."""
SLOTS: Final = 200
LEASE: Final = timedelta(seconds=30)
"""Longer than waiting for a host's connection, the deadline of an attempt and recording it together."""
IDLE_S: Final = 0.5
GATHER_S: Final = 0.02
FEW: Final = 16
"""So few are soon followed by the next claim: with one endpoint alone the pause is what its rate depends on."""
BUSY_PAUSE: Final = timedelta(seconds=2)
GRACE_S: Final = 3.0
ANSWER_BYTES: Final = 1024
_RECORDING_AT_ONCE = 4

_log = structlog.get_logger(component="deliveries")


@dataclass(slots=True)
class Courier:
    """Claims, sends and records. `jitter` is drawn anew for each wait."""

    database: Database
    client: GuardedClient
    jitter: Callable[[], float] = lambda: random.uniform(-1, 1)  # noqa: S311  spreads load, keeps no secret
    lease_for: timedelta = LEASE
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _leases: dict[UUID, int] = field(default_factory=dict)
    _recording: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_RECORDING_AT_ONCE))
    _successes: Successes = field(init=False)

    def __post_init__(self) -> None:
        self._successes = Successes(self.database)

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until told to stop; then lets attempts end within three seconds and gives the rest back."""
        listener = Listener(self.database, DELIVERY, poll_s=IDLE_S)
        waking = asyncio.create_task(_wake_at(stop, listener))
        try:
            while not stop.is_set():
                mark = listener.mark()
                claimed = await self.claim(on_end=listener.wake)
                if claimed == 0:
                    await listener.wait("", mark, timeout_s=IDLE_S)
                elif self._under_way:  # many ends are followed by one claim
                    await asyncio.sleep(GATHER_S if claimed > FEW else GATHER_S / 4)
        finally:
            waking.cancel()
            await self.finish(GRACE_S)
            await listener.close()

    async def deliver_due(self) -> int:
        """Delivers what is due now and waits for it; how many."""
        claimed = await self.claim()
        await asyncio.gather(*self._under_way)
        return claimed

    async def claim(self, *, on_end: Callable[[str], None] | None = None) -> int:
        """Claims what is due and starts sending it; how many. Two statements, none while every place is taken."""
        free = SLOTS - len(self._under_way)
        if free <= 0:
            return 0
        lease = uuid4()
        async with open_system_transaction(self.database) as raw:
            rows = await claim_due(
                raw,
                lease=lease,
                lease_for=self.lease_for,
                limit=free,
                per_endpoint=PER_ENDPOINT,
                per_host=PER_HOST,
            )
        self._leases[lease] = len(rows)
        for row in rows:
            task = asyncio.create_task(self._deliver(row))
            self._under_way.add(task)
            task.add_done_callback(partial(self._ended, lease=lease, on_end=on_end))
        if not rows:
            del self._leases[lease]
        return len(rows)

    def _ended(self, task: asyncio.Task[None], *, lease: UUID, on_end: Callable[[str], None] | None) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and task.exception() is None:
            self._leases[lease] -= 1
            if not self._leases[lease]:
                del self._leases[lease]
        elif not task.cancelled():
            _log.error("an attempt was not recorded; its lease will run out", exc_info=task.exception())
        if on_end is not None:
            on_end("")

    async def finish(self, grace_s: float) -> None:
        """Waits for attempts under way, cancels what takes longer, and gives back every lease not settled."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=grace_s)
        for task in tuple(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._successes.finish()
        if self._leases:
            async with open_system_transaction(self.database) as raw:
                await release(raw, tuple(self._leases))
            self._leases.clear()

    async def _deliver(self, row: asyncpg.Record) -> None:
        leased = Leased(
            delivery_id=row["id"],
            lease=row["lease_token"],
            endpoint_id=row["endpoint_id"],
            event_type=row["event_type"],
            attempts=row["attempts"],
            failing=row["failing"],
        )
        try:
            met = await self._attempt(row)
        except Busy:  # nothing was sent
            async with self._recording, open_system_transaction(self.database) as raw:
                await put_back(raw, leased.delivery_id, leased.lease, BUSY_PAUSE)
            return
        if not await self._record(leased, met):
            _log.warning("lease lost before the outcome was recorded", delivery=str(leased.delivery_id))

    async def _record(self, leased: Leased, met: Met) -> bool:
        """Records what came; False where the lease had ended."""
        if is_plain_success(leased, met):
            return await self._successes.record(leased, met)
        async with self._recording, open_system_transaction(self.database) as raw:
            return await settle(raw, leased, met, jitter=self.jitter(), now=self.database.clock())

    async def _attempt(self, row: asyncpg.Record) -> Met:
        """One attempt. Raises Busy where none was made."""
        started, clock = datetime.now(UTC), perf_counter()
        push = Push(
            message_id=str(row["event_id"]),
            event_type=row["event_type"],
            sequence=row["sequence"],
            attempt=row["attempts"] + 1,
            replay=row["replay"],
            body=row["body"].encode(),
        )
        reply: Reply | None = None
        outcome = "internal"
        try:
            reply = await send(self.client, row["url"], push, keys=self._keys(row), now=started)
            outcome = "delivered" if judge(reply.status) == "succeeded" else "refused"
        except OutboundFailure as failure:
            outcome = failure.outcome
            _log.info("attempt failed", endpoint=str(row["endpoint_id"]), family=type(failure).__name__)
        except SealBroken:
            _log.error("an endpoint's keys do not open", endpoint=str(row["endpoint_id"]))
        took = round((perf_counter() - clock) * 1000)
        if reply is None:
            return Met(Attempt(started, took, outcome, None))
        return Met(
            Attempt(started, took, outcome, reply.status, kept_answer(reply) if row["verified"] else None),
            retry_after=read_retry_after(reply.headers.get("retry-after"), datetime.now(UTC)),
            answered=_challenge_in(reply),
        )

    def _keys(self, row: asyncpg.Record) -> list[WebhookKeys]:
        """The endpoint's keys, newest first; raises SealBroken."""
        sealed = [row["keys"], row["previous_keys"]]
        return [open_keys(self.database.vault.cipher, row["endpoint_id"], keys) for keys in sealed if keys is not None]


def kept_answer(reply: Reply) -> str | None:
    """The beginning of an answer, at most 1 KiB of text without controls, as its owner may see it: nothing of what came
    from a network of the operator's list, nor of an empty body."""
    if not reply.public:
        return None
    text = reply.body[:ANSWER_BYTES].decode("utf-8", errors="ignore")
    return "".join(character if character.isprintable() else " " for character in text).strip() or None


def _challenge_in(reply: Reply) -> str | None:
    """What a receiver answered to a challenge, if it did."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    given = answer.get("challenge") if isinstance(answer, Mapping) else None
    return given if isinstance(given, str) and given.isascii() else None


async def _wake_at(stop: asyncio.Event, listener: Listener) -> None:
    with suppress(asyncio.CancelledError):
        await stop.wait()
        listener.wake("")

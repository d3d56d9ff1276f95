"""Request budgets per principal: shown on every answer, leased in blocks from the database, spent in memory.

A process takes a block of tokens and spends it without a write, so that several processes share one budget at the cost
of about one statement every `block` requests. What a process leased and did not spend is lost when it stops.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from db.engine import Database
from db.queries.limits import lease_requests, spend_budget
from db.transaction import open_system_transaction
from rules.errors import QuotaExceeded
from rules.limits import Budget

T = TypeVar("T")

_REMEMBERED = 10_000


@dataclass(slots=True)
class _Block:
    left: int
    beyond: int


class Limiter:
    """`per_minute` requests refill a bucket of `burst`; raises QuotaExceeded with the seconds until one is free."""

    def __init__(self, database: Database, *, per_minute: int, burst: int, name: str = "client") -> None:
        self._database = database
        self._name = name
        self._per_minute = per_minute
        self._burst = burst
        self._block = max(1, burst // 10)
        self._blocks: OrderedDict[UUID, _Block] = OrderedDict()
        self._refused_until: OrderedDict[UUID, float] = OrderedDict()
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    @property
    def policy(self) -> str:
        """Value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self._name}";q={self._per_minute};w=60'

    async def spend(self, principal_id: UUID, answer_headers: dict[str, str]) -> None:
        """Takes one request from the principal's budget and shows what is left, also when there is nothing.

        At most one statement, usually none. Raises QuotaExceeded.
        """
        block = self._blocks.get(principal_id)
        try:
            while block is None or block.left == 0:
                block = await self._leased(principal_id)
        except QuotaExceeded:
            self._show(answer_headers, 0)
            raise
        block.left -= 1
        self._blocks.move_to_end(principal_id)
        self._show(answer_headers, block.left + block.beyond)

    def _show(self, answer_headers: dict[str, str], left: int) -> None:
        show_budget(answer_headers, self.policy, f'"{self._name}";r={left};t=60')

    async def _leased(self, principal_id: UUID) -> _Block:
        """A block with something left. Requests that come together wait for one lease instead of taking one each."""
        lock = self._locks.setdefault(principal_id, asyncio.Lock())
        async with lock:
            block = self._blocks.get(principal_id)
            if block is None or block.left == 0:
                block = await self._lease(principal_id)
        return block

    async def _lease(self, principal_id: UUID) -> _Block:
        now = time.monotonic()
        if self._refused_until.get(principal_id, 0.0) > now:
            raise self._quota_exceeded()
        async with open_system_transaction(self._database) as raw:
            granted, remaining = await lease_requests(
                raw, principal_id, self._name, wanted=self._block, per_minute=self._per_minute, burst=self._burst
            )
        if granted == 0:
            _keep(self._refused_until, principal_id, now + 60 / self._per_minute)
            raise self._quota_exceeded()
        block = _Block(granted, remaining)
        _keep(self._blocks, principal_id, block)
        return block

    def _quota_exceeded(self) -> QuotaExceeded:
        return QuotaExceeded(retry_after=max(1, -(-60 // self._per_minute)))


def show_budget(answer_headers: dict[str, str], policy: str, left: str) -> None:
    """Adds one budget to the headers of an answer, beside those already shown."""
    for header, value in (("ratelimit-policy", policy), ("ratelimit", left)):
        before = answer_headers.get(header)
        answer_headers[header] = f"{before}, {value}" if before else value


async def spend_sensitive(
    database: Database, principal_id: UUID, budget: Budget, answer_headers: dict[str, str]
) -> None:
    """Takes one token of a sensitive operation's budget and shows what is left beside the budget of requests.

    Four statements; committed by itself, so that a refused or failing attempt costs one too. Raises QuotaExceeded.
    """
    async with open_system_transaction(database) as raw:
        left = await spend_budget(raw, principal_id, budget)
    shown = f'"{budget.name}";r={max(left, 0)};t={budget.seconds_per_token}'
    show_budget(answer_headers, budget.policy, shown)
    if left < 0:
        raise QuotaExceeded(retry_after=budget.seconds_per_token)


def _keep(table: OrderedDict[UUID, T], principal_id: UUID, value: T) -> None:
    """Remembers a value, forgetting the principal seen longest ago where the table is full."""
    table[principal_id] = value
    table.move_to_end(principal_id)
    if len(table) > _REMEMBERED:
        table.popitem(last=False)


class OpenStreams:
    """How many streams a principal holds open in this process: each costs a look every few seconds."""

    def __init__(self, most: int = 10) -> None:
        self._most = most
        self._open: Counter[UUID] = Counter()

    def require_room(self, principal_id: UUID) -> None:
        """Raises QuotaExceeded where the principal has as many as it may."""
        if self._open[principal_id] >= self._most:
            raise QuotaExceeded(retry_after=5)

    @contextmanager
    def held(self, principal_id: UUID) -> Iterator[None]:
        self._open[principal_id] += 1
        try:
            yield
        finally:
            self._open[principal_id] -= 1
            if not self._open[principal_id]:
                del self._open[principal_id]

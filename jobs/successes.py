"""Records plain successes together: one transaction for all that ended while the one before it committed.

Nearly every delivery ends so, and a commit costs what sending does. Whoever is alone waits for nobody.
"""

import asyncio
from dataclasses import dataclass, field

import structlog

from actions.deliveries import Leased, Met, settle_successes
from db.engine import Database
from db.transaction import open_system_transaction

TOGETHER = 100
"""At most so many in a transaction; a bound on what one failure has recorded one by one."""

_log = structlog.get_logger(component="deliveries")


@dataclass(frozen=True, slots=True)
class _Success:
    leased: Leased
    met: Met
    kept: asyncio.Future[bool]


@dataclass(slots=True)
class Successes:
    """One writer at a time, which lives as long as something waits."""

    database: Database
    _waiting: list[_Success] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None

    async def record(self, leased: Leased, met: Met) -> bool:
        """Whether the lease was still this one when the success was recorded; raises what recording it raises."""
        success = _Success(leased, met, asyncio.get_running_loop().create_future())
        self._waiting.append(success)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return await success.kept

    async def finish(self) -> None:
        """Waits until all that was given is recorded."""
        if self._writer is not None:
            await asyncio.wait((self._writer,))

    async def _write(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                await self._commit(together)
        finally:
            self._writer = None

    async def _commit(self, together: list[_Success]) -> None:
        """All in one transaction; where that fails, each in its own, so that one cannot take the others along."""
        try:
            async with open_system_transaction(self.database) as raw:
                kept = await settle_successes(raw, [(one.leased, one.met) for one in together])
        except Exception as fault:
            if len(together) == 1:
                _tell(together[0].kept, fault)
                return
            _log.warning("successes are recorded one by one", count=len(together), family=type(fault).__name__)
            for one in together:
                await self._commit([one])
            return
        for one in together:
            _tell(one.kept, one.leased.delivery_id in kept)


def _tell(waiting: asyncio.Future[bool], what: bool | Exception) -> None:
    """Says it to whoever still waits."""
    if waiting.done():
        return
    if isinstance(what, Exception):
        waiting.set_exception(what)
    else:
        waiting.set_result(what)

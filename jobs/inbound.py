"""Does what inbound receipts ask for, each exactly once, the messages of one source in the order they came.

A receipt is leased by the jobs' role, which sees no content; what it asks for is done as the source's account, through
the application's door and its walls, in one transaction with the state of the receipt. A process that dies leaves a
lease that runs out, and either both or neither were done. What the rules refuse waits in quarantine for people; trouble
of our own is tried again, later each time.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import structlog

from actions.inbound import caller_for, put_in_quarantine
from actions.inbound_effects import Reading, do_receipt
from db.engine import Database
from db.queries import inbound
from db.transaction import open_system_transaction, open_transaction
from rules.errors import PreconditionFailed, TongliError, Unavailable
from rules.inbound import MAX_TRIES, Quarantine, pause_after, quarantine_of

AT_ONCE: Final = 4
LEASE: Final = timedelta(seconds=60)
IDLE_S: Final = 0.5

_log = structlog.get_logger(component="inbound")


@dataclass(frozen=True, slots=True)
class Intake:
    """`jobs` leases and quarantines, `application` is a pool of role tongli_app in which sources act. `reading` is the
    API's own. Needs one connection of the first and four of the second."""

    jobs: Database
    application: Database
    reading: Reading
    allow_demo: bool
    lease_for: timedelta = LEASE

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; any number of processes may. What is under way is finished."""
        while not stop.is_set():
            if await self.do_waiting() == 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await stop.wait()

    async def do_waiting(self) -> int:
        """One round: the oldest waiting receipt of a few sources; how many."""
        lease = uuid4()
        async with open_system_transaction(self.jobs) as raw:
            claimed = await inbound.claim_receipts(raw, lease, self.lease_for, AT_ONCE)
        await asyncio.gather(*(self._settle(receipt, lease) for receipt in claimed))
        return len(claimed)

    async def _settle(self, receipt: asyncpg.Record, lease: UUID) -> None:
        """Does one receipt, or says why it waits."""
        try:
            if not await self._do(receipt, lease):
                _log.warning("lease lost before a receipt was done", receipt=str(receipt["id"]))
        except (Unavailable, PreconditionFailed):
            await self._try_later(receipt, lease)
        except TongliError as refused:
            await self._quarantine(receipt, lease, quarantine_of(refused))
        except Exception as failure:  # whatever it is, the message is kept and the other sources go on
            _log.error("a receipt was not done", receipt=str(receipt["id"]), exc_info=failure)
            await self._try_later(receipt, lease)

    async def _do(self, receipt: asyncpg.Record, lease: UUID) -> bool:
        if receipt["tries"] > MAX_TRIES:  # it took whole processes along
            await self._quarantine(receipt, lease, Quarantine("internal"))
            return True
        caller = caller_for(
            receipt["source_id"],
            client_id=receipt["client_id"],
            agency_id=receipt["agency_id"],
            request_id=f"inbound-{receipt['id']}",
        )
        async with open_transaction(self.application, caller) as tx:
            return await do_receipt(tx, receipt["id"], lease, self.reading, allow_demo=self.allow_demo)

    async def _try_later(self, receipt: asyncpg.Record, lease: UUID) -> None:
        if receipt["tries"] >= MAX_TRIES:
            await self._quarantine(receipt, lease, Quarantine("internal"))
            return
        async with open_system_transaction(self.jobs) as raw:
            await inbound.put_back(raw, receipt["id"], lease, pause_after(receipt["tries"]))

    async def _quarantine(self, receipt: asyncpg.Record, lease: UUID, found: Quarantine) -> None:
        async with open_system_transaction(self.jobs) as raw:
            await put_in_quarantine(raw, receipt, lease, found, now=self.jobs.clock())

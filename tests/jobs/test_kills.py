"""The whole background process killed with -9 again and again while facts are committed: none is lost, none is doubled
in a feed, and what a receiver gets twice has the same id.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

from crypto.keys import Keyring, render_keyring
from tests.jobs.desk import LABOUR, UNION, Desk
from tests.jobs.test_deliveries import activate, challenged
from tests.jobs.waiting import eventually
from tests.outbound.receivers import Answering, Receiver, Sent, answer, receiving

ROOT = Path(__file__).resolve().parents[2]
KILLS = 4


def unreliable(chance: random.Random) -> Answering:
    """A receiver that answers challenges and otherwise fails now and then."""

    async def answering(receiver: Receiver, sent: Sent, writer: asyncio.StreamWriter) -> None:
        if len(receiver.requests) == 1:
            await challenged(receiver, sent, writer)
        else:
            await answer(500 if chance.random() < 0.2 else 204, after_s=0.01)(receiver, sent, writer)

    return answering


@asynccontextmanager
async def running_jobs(desk: Desk, keyring: Keyring) -> AsyncIterator[asyncio.subprocess.Process]:
    """`./tongli jobs` on the desk's database; killed at the end unless it has ended by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TONGLI_")} | {
        "TONGLI_DATABASE_URL": desk.url,
        "TONGLI_KEYS": render_keyring(keyring),
        "TONGLI_WEBHOOK_ALLOW": "127.0.0.0/8",
        "TONGLI_WEBHOOK_ALLOW_HTTP": "true",
        "TONGLI_LOG_LEVEL": "ERROR",
    }
    jobs = await asyncio.create_subprocess_exec(sys.executable, "-m", "cli", "jobs", cwd=ROOT, env=environment)
    try:
        yield jobs
    finally:
        if jobs.returncode is None:
            jobs.kill()
            await jobs.wait()


@asynccontextmanager
async def writing(desk: Desk, recorded: list[UUID]) -> AsyncIterator[None]:
    """Commits a fact every few milliseconds; what is in `recorded` was acknowledged."""

    async def write() -> None:
        while True:
            recorded.append(await desk.record(UNION, others=[LABOUR], subject=uuid4()))
            await asyncio.sleep(0.03)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_killing_the_jobs_loses_nothing(desk: Desk, keyring: Keyring) -> None:
    chance = random.Random(7)
    recorded: list[UUID] = []
    async with receiving(unreliable(chance)) as receiver:
        post = await activate(desk, receiver)
        async with writing(desk, recorded):
            for _ in range(KILLS):
                async with running_jobs(desk, keyring):
                    await some_arrive(receiver)
                    await asyncio.sleep(chance.uniform(0, 0.3))
                await end_leases_of_the_dead(desk)

        async def all_settled() -> bool:
            await _end_waits(desk)
            unsettled = "SELECT EXISTS (SELECT FROM delivery WHERE status = 'pending') OR EXISTS "
            return not await desk.behind.fetchval(f"{unsettled} (SELECT FROM event WHERE numbered_at IS NULL)")

        async with running_jobs(desk, keyring) as jobs:
            await eventually(all_settled, within_s=30)
            jobs.terminate()
            async with asyncio.timeout(10):
                assert await jobs.wait() == 0
    arrived = {sent.headers["webhook-id"] for sent in receiver.requests}
    assert len(recorded) > 20
    assert arrived >= {str(fact) for fact in recorded}
    facts = [fact for fact in await desk.event_ids(LABOUR) if str(fact) in arrived]
    assert sorted(facts) == sorted(set(facts))
    assert set(facts) >= set(recorded)
    numbers = await desk.sequences(LABOUR)
    assert numbers == list(range(1, len(numbers) + 1))
    assert (await post.endpoint())["status"] == "active"


async def some_arrive(receiver: Receiver) -> None:
    before = len(receiver.requests)

    async def more() -> bool:
        return len(receiver.requests) > before + 3

    await eventually(more, within_s=20)


async def end_leases_of_the_dead(desk: Desk) -> None:
    """As half a minute would."""
    await desk.behind.execute(
        "UPDATE delivery SET due_at = now(), leased_until = now() WHERE status = 'pending' AND lease_token IS NOT NULL"
    )


async def _end_waits(desk: Desk) -> None:
    """As if every wait after a failure were over."""
    await desk.behind.execute(
        "UPDATE delivery SET due_at = now() WHERE status = 'pending' AND lease_token IS NULL AND due_at > now();"
        "UPDATE webhook_endpoint SET next_probe_at = now() WHERE next_probe_at > now()"
    )

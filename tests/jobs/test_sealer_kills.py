"""The jobs killed with -9 while they seal, again and again: the log stays whole, no leaf is lost or sealed twice."""

import asyncio
import random

from bench.trust_tamper import add_leaves, is_detected
from crypto.digests import sha256
from crypto.keys import Keyring
from rules.audit import entry_of
from rules.merkle import Spine, leaf_hash
from rules.notes import read_checkpoint, read_note
from tests.jobs.desk import Desk
from tests.jobs.test_kills import running_jobs
from tests.jobs.waiting import eventually

KILLS, LEAVES = 3, 5_000


async def _size(desk: Desk) -> int:
    return int(await desk.behind.fetchval("SELECT coalesce(max(size), 0) FROM audit_checkpoint"))


async def _is_whole(desk: Desk) -> bool:
    """Entries without a gap, the tree over them signed, what is not sealed still waiting."""
    entries = await desk.behind.fetch("SELECT index, algorithm, commitment FROM audit_entry ORDER BY index")
    spine = Spine(sha256)
    for row in entries:
        spine.append(leaf_hash(sha256, entry_of(row["algorithm"], row["commitment"])))
    note = await desk.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
    head = read_checkpoint(read_note(note).text).head
    waiting = await desk.behind.fetchval("SELECT count(*) FROM audit_pending")
    written = await desk.behind.fetchval("SELECT count(*) FROM audit_leaf")
    return (
        [row["index"] for row in entries] == list(range(len(entries)))
        and (head.size, head.root) == (spine.size, spine.root())
        and waiting + len(entries) == written
    )


async def test_killing_the_sealer_leaves_a_whole_log(desk: Desk, keyring: Keyring) -> None:
    chance = random.Random(11)
    notes = []
    for _ in range(KILLS):
        await add_leaves(desk.behind, LEAVES)
        before = await _size(desk)
        async with running_jobs(desk, keyring) as jobs:

            async def has_begun(before: int = before) -> bool:
                return await _size(desk) > before

            await eventually(has_begun, within_s=20)
            await asyncio.sleep(chance.uniform(0, 0.2))
            jobs.kill()
            await jobs.wait()
        assert await _is_whole(desk)
        notes.append(await desk.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1"))
    assert await _size(desk) < KILLS * LEAVES, "every kill came too late to hit anything"

    async def all_sealed() -> bool:
        return await _size(desk) == KILLS * LEAVES

    async with running_jobs(desk, keyring):
        await eventually(all_sealed, within_s=40)
    assert await _is_whole(desk)
    for note in notes:
        assert not await is_detected(desk.behind, note), "a checkpoint from before a kill must hold for ever"

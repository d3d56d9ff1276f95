"""The jobs killed with -9 while they seal: the log stays whole, no leaf is lost or sealed twice."""

import pytest

from bench.trust_tamper import add_leaves, is_detected
from crypto.digests import sha256
from crypto.keys import Keyring
from jobs.sealer import Log, seal
from rules.audit import entry_of
from rules.merkle import Spine, leaf_hash
from rules.notes import read_checkpoint, read_note
from tests.jobs.desk import Desk
from tests.jobs.test_kills import running_jobs
from tests.jobs.waiting import eventually


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


@pytest.mark.parametrize("stopped_at", ["audit_pending", "audit_entry", "audit_tile", "audit_checkpoint"])
async def test_killing_the_sealer_between_any_two_of_its_writes_leaves_a_whole_log(
    desk: Desk, keyring: Keyring, stopped_at: str
) -> None:
    """It is held up before it writes one table, with all it wrote before, and killed there."""
    await add_leaves(desk.behind, 700)
    while await seal(desk.jobs, Log.of(keyring, "http://127.0.0.1:8000", "sha256"), 500):
        pass
    held = await desk.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
    await add_leaves(desk.behind, 900)
    async with desk.behind.transaction():
        await desk.behind.execute(f"LOCK TABLE {stopped_at} IN SHARE MODE")
        async with running_jobs(desk, keyring) as jobs:

            async def waits() -> bool:
                return bool(await desk.behind.fetchval(_WAITS, stopped_at))

            await eventually(waits, within_s=30)
            jobs.kill()
            await jobs.wait()
    assert await _is_whole(desk)
    assert await _size(desk) == 700

    async def all_sealed() -> bool:
        return await _size(desk) == 1_600

    async with running_jobs(desk, keyring):
        await eventually(all_sealed, within_s=30)
    assert await _is_whole(desk)
    assert not await is_detected(desk.behind, held), "a checkpoint from before a kill holds for ever"


_WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass)"

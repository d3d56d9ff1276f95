"""The sealer gives every committed leaf one index, whenever it is committed, and signs what the tree then is."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from actions.audit import leave_mark
from crypto.checkpoints import BadSignature, VerifierKey, check_note
from crypto.digests import DIGESTS, sha256
from crypto.ids import new_id
from crypto.keys import Keyring
from db.engine import UnfitDatabase
from db.migration import downgrade, upgrade
from db.queries import audit
from db.transaction import open_transaction
from jobs.sealer import Log, run_sealer, seal
from rules.audit import commitment, entry_of, hash_of, stored_leaf
from rules.merkle import Spine, leaf_hash
from rules.notes import Checkpoint, read_checkpoint, read_note
from tests.jobs.desk import LABOUR, UNION, Desk
from tests.jobs.waiting import eventually

ORIGIN = "127.0.0.1:8000/v1/audit"


@pytest.fixture
def log(keyring: Keyring) -> Log:
    return Log.of(keyring, "http://127.0.0.1:8000", "sha256")


async def leave(desk: Desk, code: str = UNION, count: int = 1) -> list[UUID]:
    """Commits leaves of an agency in one transaction; their ids."""
    async with open_transaction(desk.app, desk.callers[code], purpose="assistance") as tx:
        return [
            leave_mark(tx, "case.read", subject_type="case", subject_id=uuid4(), field_classes=("basic",))
            for _ in range(count)
        ]


async def latest(desk: Desk) -> Checkpoint:
    """The latest checkpoint, its signature verified with the listed keys."""
    note = read_note(await desk.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1"))
    (key,) = {row["key"] for row in await desk.behind.fetch("SELECT key FROM audit_key")}
    check_note(note, [VerifierKey.read(key)])
    return read_checkpoint(note.text)


async def recomputed(desk: Desk) -> Spine:
    """The tree over what stands in the leaves themselves, recomputed from salt and facts."""
    spine = Spine(sha256)
    async for row in audit.stored_leaves(desk.behind):
        made = commitment(stored_leaf(dict(row)), row["salt"], DIGESTS[hash_of(row["algorithm"])])
        spine.append(leaf_hash(sha256, entry_of(row["algorithm"], made)))
    return spine


@pytest.fixture
async def sealed(desk: Desk, log: Log) -> Desk:
    """A desk with a log of some leaves."""
    await leave(desk, count=300)
    while await seal(desk.jobs, log):
        pass
    return desk


async def test_leaves_written_before_the_tables_of_the_log_came_are_sealed_like_all_others(
    desk: Desk, log: Log
) -> None:
    written = len(await leave(desk, count=120))
    await asyncio.to_thread(downgrade, desk.url, "0001")
    assert await desk.behind.fetchval("SELECT to_regclass('audit_pending')") is None
    await asyncio.to_thread(upgrade, desk.url)
    while await seal(desk.jobs, log, limit=50):
        pass
    checkpoint, spine = await latest(desk), await recomputed(desk)
    assert (checkpoint.origin, checkpoint.head.size) == (ORIGIN, written)
    assert (spine.size, spine.root()) == (written, checkpoint.head.root)
    assert await desk.behind.fetchval("SELECT count(*) FROM audit_pending") == 0


async def test_a_log_without_leaves_begins_with_a_checkpoint_of_size_zero(desk: Desk, log: Log) -> None:
    assert await seal(desk.jobs, log) == 0
    checkpoint = await latest(desk)
    assert (checkpoint.head.size, checkpoint.head.root) == (0, sha256(b""))


async def test_a_new_leaf_gets_the_next_index_and_a_checkpoint_over_it(sealed: Desk, log: Log) -> None:
    before = (await latest(sealed)).head.size
    left = await leave(sealed, count=3)
    assert await seal(sealed.jobs, log) == 3
    rows = await sealed.behind.fetch("SELECT leaf_id FROM audit_entry WHERE index >= $1 ORDER BY index", before)
    assert [row["leaf_id"] for row in rows] == left
    assert (await latest(sealed)).head.root == (await recomputed(sealed)).root()


async def test_nothing_new_signs_nothing_new(sealed: Desk, log: Log) -> None:
    count = "SELECT count(*) FROM audit_checkpoint"
    before = await sealed.behind.fetchval(count)
    assert await seal(sealed.jobs, log) == 0
    assert await sealed.behind.fetchval(count) == before


async def test_a_leaf_committed_late_is_sealed_late_and_not_lost(sealed: Desk, log: Log) -> None:
    """It has the lower position: whoever polls for what is above the last one never sees it."""
    async with open_transaction(sealed.app, sealed.callers[UNION]) as tx:
        late = leave_mark(tx, "case.read", subject_type="case", subject_id=uuid4())
        await tx.write_gathered()
        (early,) = await leave(sealed, LABOUR)
        assert await seal(sealed.jobs, log) == 1
    assert await seal(sealed.jobs, log) == 1
    index = "SELECT index FROM audit_entry WHERE leaf_id = $1"
    assert await sealed.behind.fetchval(index, late) == await sealed.behind.fetchval(index, early) + 1


async def test_what_is_rolled_back_is_not_sealed(sealed: Desk, log: Log) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):  # noqa: PT012  the transaction is what fails
        async with open_transaction(sealed.app, sealed.callers[UNION]) as tx:
            leave_mark(tx, "case.read", subject_type="case", subject_id=uuid4())
            await tx.write_gathered()
            await tx.run("SELECT 1/0")
    assert await seal(sealed.jobs, log) == 0


async def test_one_process_seals_at_a_time(sealed: Desk, log: Log) -> None:
    await leave(sealed, count=40)
    counts = await asyncio.gather(*(seal(sealed.jobs, log) for _ in range(4)))
    assert sum(count or 0 for count in counts) == 40
    assert (await latest(sealed)).head.root == (await recomputed(sealed)).root()


async def test_a_batch_over_many_tiles_is_the_tree_of_single_ones(sealed: Desk, log: Log) -> None:
    size = (await latest(sealed)).head.size
    row = await sealed.behind.fetchrow("SELECT * FROM audit_leaf LIMIT 1")
    assert row is not None
    await sealed.behind.execute(
        "INSERT INTO audit_leaf (id, at, agency_id, principal_kind, principal_id, action, subject_type, field_classes,"
        " request_id, facts, salt, algorithm, commitment) SELECT gen_random_uuid(), now(), $1, 'client', $1, 'x', 'y',"
        " '{}', 'z', '{}', '', $2, sha256(n::text::bytea) FROM generate_series(1, 700) n",
        row["agency_id"],
        row["algorithm"],
    )
    for limit in (1, 255, 300, 2_000):
        await seal(sealed.jobs, log, limit)
    spine = Spine(sha256)
    for entry in await sealed.behind.fetch("SELECT algorithm, commitment FROM audit_entry ORDER BY index"):
        spine.append(leaf_hash(sha256, entry_of(entry["algorithm"], entry["commitment"])))
    assert (spine.size, spine.root()) == (size + 700, (await latest(sealed)).head.root)


async def test_the_hash_of_a_log_is_fixed_at_its_birth(sealed: Desk, keyring: Keyring) -> None:
    await leave(sealed)
    other = Log.of(keyring, "http://127.0.0.1:8000", "sm3")
    with pytest.raises(UnfitDatabase, match="TONGLI_AUDIT_HASH=sha256"):
        await seal(sealed.jobs, other)


async def test_a_log_keeps_its_origin_when_the_public_address_changes(sealed: Desk, keyring: Keyring) -> None:
    await leave(sealed)
    assert await seal(sealed.jobs, Log.of(keyring, "https://tongli.example", "sha256")) == 1
    assert (await latest(sealed)).origin == ORIGIN


async def test_a_new_key_is_listed_and_the_old_one_signs_beside_it_once_more(sealed: Desk, log: Log) -> None:
    await leave(sealed)
    await seal(sealed.jobs, replace(log, generation=2))
    note = read_note(await sealed.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1"))
    old, new = (generation.keys(ORIGIN)[0].verifier for generation in (log, replace(log, generation=2)))
    assert check_note(note, [old]) == [old]
    assert check_note(note, [new]) == [new]
    listed = await sealed.behind.fetch("SELECT key FROM audit_key ORDER BY since_size")
    assert [row["key"] for row in listed] == [old.text, new.text]
    await leave(sealed)
    await seal(sealed.jobs, replace(log, generation=3))
    last = read_note(await sealed.behind.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1"))
    with pytest.raises(BadSignature):
        check_note(last, [old])


async def test_nothing_is_signed_over_tiles_that_are_not_those_signed_before(sealed: Desk, log: Log) -> None:
    await leave(sealed)
    await sealed.behind.execute(
        "UPDATE audit_tile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1) WHERE level = 0 AND index = 1"
    )
    with pytest.raises(UnfitDatabase, match="nothing more is signed"):
        await seal(sealed.jobs, log)


async def test_witnesses_are_told_of_a_checkpoint_and_nobody_else(sealed: Desk, log: Log) -> None:
    await sealed.behind.execute(
        "INSERT INTO audit_witness (id, agency_id, name, key, created_at, version) VALUES ($1, $2, 'w', 'k', now(), 1)",
        new_id(),
        sealed.agency(LABOUR),
    )
    while await sealed.number():
        pass
    await leave(sealed)
    await seal(sealed.jobs, log)
    await sealed.number()
    rows = await sealed.behind.fetch("SELECT * FROM feed_entry WHERE type = 'audit.checkpoint'")
    assert [row["agency_id"] for row in rows] == [sealed.agency(LABOUR)]
    size = (await latest(sealed)).head.size
    assert f'"to": "{size}"' in rows[0]["payload"]
    assert '"href": "/v1/audit/checkpoint"' in rows[0]["payload"]


async def test_a_checkpoint_of_cosignatures_alone_is_not_told(sealed: Desk, log: Log) -> None:
    """A witness that cosigns whatever it is told of would keep the log growing for ever."""
    await sealed.behind.execute(
        "INSERT INTO audit_witness (id, agency_id, name, key, created_at, version) VALUES ($1, $2, 'w', 'k', now(), 1)",
        new_id(),
        sealed.agency(LABOUR),
    )
    async with open_transaction(sealed.app, sealed.callers[LABOUR]) as tx:
        leave_mark(tx, "audit.cosign", subject_type="audit_witness", subject_id=uuid4())
    assert await seal(sealed.jobs, log) == 1
    assert await sealed.behind.fetchval("SELECT count(*) FROM event WHERE type = 'audit.checkpoint'") == 0


async def test_it_seals_at_the_start_and_again_until_it_is_stopped(desk: Desk, log: Log) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_sealer(desk.jobs, log, stop, every_s=0.05))

    async def none_waits() -> bool:
        return not await desk.behind.fetchval("SELECT EXISTS (SELECT FROM audit_pending)")

    await eventually(none_waits)
    (leaf,) = await leave(desk)

    async def is_sealed() -> bool:
        return bool(await desk.behind.fetchval("SELECT EXISTS (SELECT FROM audit_entry WHERE leaf_id = $1)", leaf))

    await eventually(is_sealed)
    stop.set()
    await asyncio.wait_for(running, 5)

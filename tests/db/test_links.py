"""What the linker keeps: two reports of one person meet, common keys fall silent, nobody reads it, erasure takes it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from crypto.ids import new_id
from crypto.vault import Vault
from db.embedded import EmbeddedPostgres
from db.engine import Database, Raw
from db.queries import links
from db.queries.links import CandidateRow, FeatureRow
from db.transaction import Tx, open_transaction
from settings import Settings
from tests.actions import story
from tests.actions.instances import Instance, superuser
from tests.actions.world import act_as, world_on
from tests.builders import Api
from tests.db.test_transaction import caller_of
from tests.jobs.waiting import eventually

# A database of its own: records put in by hand are not what the laws over the session's database expect.


@pytest.fixture(scope="module")
async def instance(
    cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings
) -> AsyncIterator[Instance]:
    async with world_on(cluster, template, vault, settings) as built:
        yield built.instance


@pytest.fixture(scope="module")
def database(instance: Instance) -> Database:
    return instance.database


@pytest.fixture(scope="module")
def admin_url(instance: Instance) -> str:
    return instance.admin_url


@pytest.fixture(scope="module")
async def labour(instance: Instance) -> Api:
    return await instance.api("DEMO-340802-LABOUR")


@pytest.fixture(scope="module")
async def union(instance: Instance) -> Api:
    return await instance.api("DEMO-340802-UNION")


@dataclass(frozen=True, slots=True)
class Record:
    """A record the linker has not seen, of a person of its own."""

    id: UUID
    person_id: UUID
    case_id: UUID


async def recorded(url: str, api: Api, *, of: Record | None = None, place: str = "340802") -> Record:
    """As a report leaves one; of the person of another record where that is given."""
    filed = await story.report(api, person={"address": {"division_code": place}}, household=None)
    made = Record(new_id(), of.person_id if of else new_id(), UUID(filed["case"]["id"]))
    async with superuser(url) as raw:
        await raw.execute(
            "INSERT INTO person (id, created_at) VALUES ($1, now()) ON CONFLICT DO NOTHING", made.person_id
        )
        await raw.execute(
            "INSERT INTO person_record SELECT (jsonb_populate_record(r, jsonb_build_object("
            "'id', $2::uuid, 'person_id', $3::uuid, 'created_at', clock_timestamp()))).* "
            "FROM person_record r WHERE r.report_id = $1",
            UUID(filed["id"]),
            made.id,
            made.person_id,
        )
    return made


def fresh_key() -> int:
    return secrets.randbits(64) - (1 << 63)


async def kept(tx: Tx, record: Record, *keys: int) -> None:
    await links.keep(tx, [FeatureRow(record.id, b"sealed", "m-1", keys)], [], [])


async def found(tx: Tx, *keys: tuple[int, int], cap: int = 200, growth: int = 12) -> list[tuple[int, UUID]]:
    rows = await links.candidates(tx, keys, cap=cap, growth=growth)
    return sorted((row["position"], row["record_id"]) for row in rows)


async def put(database: Database, api: Api, record: Record, *keys: int) -> None:
    async with open_transaction(database, caller_of(api)) as tx:
        await kept(tx, record, *keys)


# Candidates


async def test_a_record_is_found_by_any_of_its_keys_with_what_is_needed_to_compare_it(
    database: Database, admin_url: str, labour: Api, union: Api
) -> None:
    mine, keys = await recorded(admin_url, labour), [fresh_key() for _ in range(3)]
    await put(database, labour, mine, *keys)
    async with open_transaction(database, caller_of(union)) as tx:
        (row,) = await links.candidates(tx, [(4, keys[1]), (4, keys[2]), (4, fresh_key())], cap=200, growth=12)
        assert await links.candidates(tx, [], cap=200, growth=12) == []
    assert (row["position"], row["record_id"], row["person_id"]) == (4, mine.id, mine.person_id)
    assert (row["agency_kind"], row["features"]) == ("labour", b"sealed")
    assert row["at"].utcoffset() == timedelta(0)
    assert row["number"] > 0


async def test_all_records_of_a_person_come_along_the_oldest_first_as_many_as_asked(
    database: Database, admin_url: str, labour: Api
) -> None:
    first = await recorded(admin_url, labour)
    others = [await recorded(admin_url, labour, of=first) for _ in range(2)]
    keys = [fresh_key() for _ in range(3)]
    for record, key in zip((first, *others), keys, strict=True):
        await put(database, labour, record, key)
    async with open_transaction(database, caller_of(labour)) as tx:
        assert await found(tx, (0, keys[2])) == sorted((0, record.id) for record in (first, *others))
        assert await found(tx, (0, keys[2]), growth=2) == sorted((0, record.id) for record in (first, others[0]))


async def test_each_person_of_a_report_has_candidates_of_its_own_and_each_record_once(
    database: Database, admin_url: str, labour: Api
) -> None:
    one, two = await recorded(admin_url, labour), await recorded(admin_url, labour)
    shared, own = fresh_key(), fresh_key()
    await put(database, labour, one, shared, own)
    await put(database, labour, two, shared)
    async with open_transaction(database, caller_of(labour)) as tx:
        assert await found(tx, (0, own), (0, shared), (1, own)) == sorted([(0, one.id), (0, two.id), (1, one.id)])


async def test_a_key_of_too_many_records_finds_nothing_any_more_and_is_not_written(
    database: Database, admin_url: str, labour: Api
) -> None:
    common, own = fresh_key(), fresh_key()
    records = [await recorded(admin_url, labour) for _ in range(5)]
    for record in records[:3]:
        await put(database, labour, record, common)
    async with open_transaction(database, caller_of(labour)) as tx:
        assert len(await found(tx, (0, common), cap=3)) == 3, "as many as the cap still say something"
    await put(database, labour, records[3], common, own)
    async with open_transaction(database, caller_of(labour)) as tx:
        assert await found(tx, (0, common), (0, own), cap=3) == [(0, records[3].id)]
    await put(database, labour, records[4], common)
    async with superuser(admin_url) as raw:
        assert await raw.fetchval("SELECT count(*) FROM link_key WHERE key = $1", common) == 4
        assert await raw.fetchval("SELECT count(*) FROM link_key_heavy WHERE key = $1", common) == 1
    async with open_transaction(database, caller_of(labour)) as tx:
        assert await found(tx, (0, common), cap=200) == []


async def test_a_record_that_changes_its_person_is_found_under_the_new_one(
    database: Database, admin_url: str, labour: Api
) -> None:
    one, two, key = await recorded(admin_url, labour), await recorded(admin_url, labour), fresh_key()
    await put(database, labour, one, key)
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE person_record SET person_id = $2 WHERE id = $1", one.id, two.person_id)
    async with open_transaction(database, caller_of(labour)) as tx:
        (row,) = await links.candidates(tx, [(0, key)], cap=200, growth=12)
    assert row["person_id"] == two.person_id


# At once


async def test_a_second_report_of_one_person_waits_for_the_first_and_then_sees_its_record(
    database: Database, admin_url: str, labour: Api, union: Api
) -> None:
    mine, key = await recorded(admin_url, labour), fresh_key()

    async def second() -> list[tuple[int, UUID]]:
        async with open_transaction(database, caller_of(union)) as tx:
            return await found(tx, (0, fresh_key()), (0, key))

    async with open_transaction(database, caller_of(labour)) as tx:
        assert await found(tx, (0, key)) == []
        waiting = asyncio.create_task(second())
        await _until_somebody_waits(admin_url)
        await kept(tx, mine, key)
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, 10) == [(0, mine.id)]


async def _until_somebody_waits(url: str) -> None:
    async with superuser(url) as raw:
        await eventually(lambda: raw.fetchval(_WAITING), within_s=10)


_WAITING = """
SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database())"""


async def test_reports_of_the_same_people_told_in_other_orders_end_both(database: Database, labour: Api) -> None:
    keys = [fresh_key() for _ in range(12)]

    async def told(order: list[int]) -> None:
        async with open_transaction(database, caller_of(labour)) as tx:
            await found(tx, *((position, key) for position, key in enumerate(order)))
            await links.keep(tx, [], order, [])

    for _ in range(10):
        await asyncio.gather(told(keys), told(keys[::-1]), told(keys[6:] + keys[:6]))
    async with open_transaction(database, caller_of(labour)) as tx:
        counted, _ = await links.counts(tx, keys)
    assert set(counted.values()) == {30}


async def test_an_erasure_lets_reports_of_its_people_wait_by_whatever_record_finds_them(
    database: Database, admin_url: str, labour: Api, union: Api
) -> None:
    mine = await recorded(admin_url, labour)
    other, key = await recorded(admin_url, labour, of=mine), fresh_key()
    await put(database, labour, other, key)

    async def asking() -> list[tuple[int, UUID]]:
        async with open_transaction(database, caller_of(labour)) as tx:
            return await found(tx, (0, key))

    async with open_transaction(database, caller_of(labour)) as tx:
        await links.lock_case(tx, mine.case_id)
        assert await asyncio.wait_for(asking(), 10) == [(0, other.id)], "who does not coordinate it locks nothing"
    async with open_transaction(database, caller_of(union)) as tx:
        await links.lock_case(tx, mine.case_id)
        waiting = asyncio.create_task(asking())
        await _until_somebody_waits(admin_url)
    assert await asyncio.wait_for(waiting, 10) == [(0, other.id)]


# Values


async def test_values_are_counted_by_person_and_records_by_number(
    database: Database, admin_url: str, labour: Api
) -> None:
    record, (name, phone, unknown) = await recorded(admin_url, labour), (fresh_key() for _ in range(3))
    async with open_transaction(database, caller_of(labour)) as tx:
        _, before = await links.counts(tx, [])
        await links.keep(tx, [], [name, phone, name], [])
        await links.keep(tx, [], [phone], [])
        await kept(tx, record)
        counted, after = await links.counts(tx, [unknown, phone, name])
    assert counted == {name: 2, phone: 2}
    assert after == before + 1


# The wall


async def test_only_records_of_the_acting_agency_are_kept(
    database: Database, admin_url: str, labour: Api, union: Api
) -> None:
    mine, foreign = await recorded(admin_url, union), await recorded(admin_url, labour)
    for records in ([foreign], [mine, foreign]):
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with open_transaction(database, caller_of(union)) as tx:
                await links.keep(tx, [FeatureRow(record.id, b"", "m-1", [1]) for record in records], [], [])
        assert refused.value.sqlstate == "TL002"
    async with superuser(admin_url) as raw:
        assert not await raw.fetchval("SELECT count(*) FROM link_feature WHERE record_id = $1", mine.id)


@pytest.mark.parametrize("table", ["link_feature", "link_key", "link_key_heavy", "link_value"])
async def test_the_application_reads_and_writes_none_of_it(database: Database, labour: Api, table: str) -> None:
    for sql in (f"SELECT FROM {table}", f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with open_transaction(database, caller_of(labour)) as tx:
                await tx.run(sql)


async def _candidate(database: Database, api: Api, record: Record, other: Record) -> UUID:
    async with open_transaction(database, caller_of(api)) as tx:
        row = CandidateRow(
            id=new_id(),
            record_id=record.id,
            other_record_id=other.id,
            weight=1.25,
            terms=[{"field": "name", "level": "exact", "weight": 13.3}],
            guards=["two-valid-numbers"],
            model_version="m-1",
            due_at=tx.now + timedelta(days=7),
        )
        await links.keep(tx, [], [], [row, row])
    return row.id


_SEEN = "SELECT id FROM match_candidate WHERE id = $1"
_DECIDE = "UPDATE match_candidate SET status = 'not_duplicate', version = version + 1 WHERE id = $1"


@pytest.mark.parametrize(("office", "silent"), [("LABOUR", False), ("JUSTICE", True)])
async def test_both_coordinators_decide_but_of_a_judicial_record_only_the_holder_is_told(
    database: Database, admin_url: str, instance: Instance, office: str, silent: bool
) -> None:
    first, later = await instance.api(f"DEMO-340802-{office}"), await instance.api("DEMO-990102-LABOUR")
    holder, asker = await instance.api("DEMO-340802-UNION"), await instance.api("DEMO-990102-UNION")
    other, record = await recorded(admin_url, first), await recorded(admin_url, later, place="990102")
    candidate = await _candidate(database, later, record, other)
    async with superuser(admin_url) as raw:
        row = await raw.fetchrow("SELECT * FROM match_candidate WHERE record_id = $1", record.id)
    assert row is not None
    assert (row["case_id"], row["other_case_id"], row["silent"]) == (record.case_id, other.case_id, silent)
    assert (row["status"], row["guards"], row["version"]) == ("open", ["two-valid-numbers"], 1)
    for api, told in ((first, False), (later, False), (asker, not silent), (holder, True)):
        async with open_transaction(database, caller_of(api)) as tx:
            assert bool(await tx.rows(_SEEN, candidate)) is told, api.agency.code
            assert await tx.run(_DECIDE, candidate) == f"UPDATE {int(told)}", api.agency.code


async def test_two_records_are_asked_about_once_while_it_is_open(
    database: Database, admin_url: str, labour: Api
) -> None:
    record, other = await recorded(admin_url, labour), await recorded(admin_url, labour)
    for _ in range(2):
        await _candidate(database, labour, record, other)
    async with superuser(admin_url) as raw:
        assert await raw.fetchval("SELECT count(*) FROM match_candidate WHERE record_id = $1", record.id) == 1


# Assertions

_ASSERT = """
INSERT INTO link (id, kind, record_id, person_id, evidence, decided_by, decided_at, other_record_id, verdict, source,
                  weight, terms, withdraws)
VALUES ($1, 'same_person', $2, $3, '[]', 'x', now(), $4, $5, $6, 9.5, '[{"field": "name"}]', $7)"""


async def _asserted(
    tx: Tx | Raw, record: Record, other: Record, verdict: str, *, source: str = "agency", withdraws: UUID | None = None
) -> UUID:
    link_id = new_id()
    run = tx.run if isinstance(tx, Tx) else tx.execute
    await run(_ASSERT, link_id, record.id, other.person_id, other.id, verdict, source, withdraws)
    return link_id


async def test_who_was_said_to_be_different_stays_so_until_it_is_withdrawn(
    database: Database, admin_url: str, labour: Api, union: Api
) -> None:
    one, two, three = [await recorded(admin_url, labour) for _ in range(3)]
    people = [one.person_id, two.person_id, three.person_id]
    async with open_transaction(database, caller_of(union)) as tx:
        said = await _asserted(tx, two, one, "different")
        await _asserted(tx, three, one, "same")
        pair = (min(people[:2]), max(people[:2]))
        assert await links.differences(tx, people) == {pair}
        assert await links.differences(tx, [one.person_id, three.person_id]) == set()
        await _asserted(tx, two, one, "same", withdraws=said)
        assert await links.differences(tx, people) == set()


@pytest.mark.parametrize(
    ("who", "source", "withdraws", "allowed"),
    [
        ("labour", "model", False, True),
        ("labour", "model", True, False),
        ("union", "person", True, True),
        ("union", "model", False, False),
        ("stranger", "person", False, False),
    ],
)
async def test_the_linker_asserts_for_whoever_reports_and_the_coordinator_decides(
    database: Database, admin_url: str, instance: Instance, who: str, source: str, withdraws: bool, allowed: bool
) -> None:
    labour = await instance.api("DEMO-340802-LABOUR")
    api = {"labour": labour, "union": await instance.api("DEMO-340802-UNION")}.get(who) or await instance.api(
        "DEMO-990102-UNION"
    )
    one, two = await recorded(admin_url, labour), await recorded(admin_url, labour)
    async with superuser(admin_url) as raw:
        earlier = await _asserted(raw, two, one, "same")
    try:
        async with open_transaction(database, caller_of(api)) as tx:
            await _asserted(tx, two, one, "different", source=source, withdraws=earlier if withdraws else None)
        done = True
    except asyncpg.InsufficientPrivilegeError:
        done = False
    assert done is allowed


async def test_only_what_was_said_of_the_same_record_is_withdrawn(admin_url: str, labour: Api) -> None:
    one, two, three = [await recorded(admin_url, labour) for _ in range(3)]
    async with superuser(admin_url) as raw:
        said = await _asserted(raw, two, one, "same")
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await _asserted(raw, three, one, "different", withdraws=said)


# Erasure


async def test_an_erasure_takes_features_keys_candidates_and_comparisons_along(
    database: Database, admin_url: str, labour: Api, union: Api
) -> None:
    gone = await recorded(admin_url, labour)
    joined, parted, back = [await recorded(admin_url, labour, of=gone) for _ in range(3)]
    keys = [fresh_key() for _ in range(2)]
    await put(database, labour, gone, *keys)
    await put(database, labour, joined, *keys)
    await _candidate(database, labour, joined, gone)
    await _candidate(database, labour, gone, parted)
    async with superuser(admin_url) as raw:
        await _asserted(raw, joined, gone, "same")
        await _asserted(raw, gone, joined, "same")
        said = await _asserted(raw, parted, gone, "same")
        await _asserted(raw, parted, gone, "different", withdraws=said)
        said = await _asserted(raw, back, gone, "same")
        said = await _asserted(raw, back, gone, "different", withdraws=said)
        await _asserted(raw, back, gone, "same", withdraws=said)
        async with raw.transaction():
            await act_as(raw, union.id)
            assert await raw.fetchval("SELECT erase_case($1, true, now())", gone.case_id)
        left = await raw.fetch(
            "SELECT * FROM link WHERE record_id = ANY ($1)", [record.id for record in (gone, joined, parted, back)]
        )
        assert {(row["record_id"], row["verdict"], row["person_id"]) for row in left} == {
            (joined.id, "same", gone.person_id),
            (back.id, "same", gone.person_id),
        }
        assert {row[name] for row in left for name in ("other_record_id", "withdraws", "weight", "terms")} == {None}
        assert len(left) == 2
        for table, column in (("match_candidate", "record_id"), ("match_candidate", "other_record_id")):
            assert not await raw.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", gone.id)
        assert not await raw.fetchval("SELECT count(*) FROM link_feature WHERE record_id = $1", gone.id)
        numbers = await raw.fetch("SELECT number FROM link_key WHERE key = ANY ($1)", keys)
        assert len(numbers) == len(keys), "those of the other record"
    async with open_transaction(database, caller_of(labour)) as tx:
        assert await found(tx, (0, keys[0])) == [(0, joined.id)]

"""Another model is asked what it would say: people are asked, once; no link and no person changes."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from actions.rescoring import Rescoring, rescore_batch
from cli.entrances import ROOT
from cli.linkage_rebuild import compared
from cli.linkage_rescore import Rescored, as_json, told, walk
from crypto.keys import Keyring, render_keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.clock import real_time
from db.engine import Raw, open_database
from db.linkage_model import COMMITTED, committed_model
from db.operator import open_rescore_work
from rules.linkage.model import Model
from settings import Settings
from tests.actions import story
from tests.actions.instances import Instance, instance_on, superuser
from tests.builders import Api, person_body

NOW = committed_model()
CREDULOUS = replace(
    NOW,
    version="credulous",
    weights={name: {level: max(bits, 0.0) for level, bits in levels.items()} for name, levels in NOW.weights.items()},
)
"""Nothing that differs says anything to it."""
DOUBTING = replace(
    NOW,
    version="doubting",
    weights={name: dict.fromkeys(levels, -1.0) for name, levels in NOW.weights.items()},
)
"""Nothing that agrees does."""

Json = dict[str, Any]
UNSAID: Json = {"id_type": None, "id_number": None, "employer": None}


@dataclass(frozen=True, slots=True)
class Place:
    """An installation of this test's own, and a look behind its walls."""

    instance: Instance
    url: str
    vault: Vault
    raw: Raw

    def work(self, model: Model, *, write: bool, rekey: bool = False, limit: int = 20) -> Rescoring:
        return Rescoring(self.vault, model, real_time, limit, write=write, rekey=rekey)

    async def asked(self, model: Model, *, write: bool, rekey: bool = False, limit: int = 20) -> Rescored:
        return await walk(self.url, self.work(model, write=write, rekey=rekey, limit=limit))

    async def persons(self) -> Mapping[UUID, UUID]:
        rows = await self.raw.fetch("SELECT id, person_id FROM person_record")
        return {row["id"]: row["person_id"] for row in rows}

    async def links(self) -> list[asyncpg.Record]:
        return await self.raw.fetch("SELECT * FROM link ORDER BY id")

    async def matches(self) -> list[asyncpg.Record]:
        return await self.raw.fetch("SELECT * FROM match_candidate ORDER BY created_at, id")

    async def tasks(self) -> list[asyncpg.Record]:
        return await self.raw.fetch("SELECT * FROM case_task WHERE kind = 'doubtful_link' ORDER BY created_at, id")

    async def versions(self) -> set[str]:
        return {row["model_version"] for row in await self.raw.fetch("SELECT model_version FROM link_feature")}

    async def told(self, event_type: str) -> list[asyncpg.Record]:
        return await self.raw.fetch("SELECT * FROM event WHERE type = $1", event_type)


@pytest.fixture
async def place(fresh_database: str, keyring: Keyring, vault: Vault, settings: Settings) -> AsyncIterator[Place]:
    database = open_database(role_url(fresh_database, names.APP, keyring), vault=vault)
    async with instance_on(database, fresh_database, settings) as instance, superuser(fresh_database) as raw:
        await raw.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        yield Place(instance, fresh_database, vault, raw)
    await database.close()


@pytest.fixture
async def labour(place: Place) -> Api:
    return await place.instance.api("DEMO-340802-LABOUR")


@pytest.fixture
async def union(place: Place) -> Api:
    return await place.instance.api("DEMO-340802-UNION")


async def reported(api: Api, person: Json, **changes: Any) -> Json:
    """Of one person, and nothing else that could connect them with anybody."""
    whole: Json = {"household": None, "sharing_basis": None, "narrative": None} | changes
    return await story.report(api, person=person, **whole)


def alike() -> tuple[Json, Json]:
    """Two people of one name, born in one year, whom the model of today keeps apart without asking."""
    year, month, day = 1950 + secrets.randbelow(50), 2 + secrets.randbelow(8), secrets.randbelow(28)
    one = person_body(birth_date=f"{year}-{month:02d}-{day + 1:02d}", phones=[_phone()])
    other = person_body(
        name=one["name"],
        birth_date=f"{year}-{month + 3:02d}-{(day + 11) % 28 + 1:02d}",
        phones=[_phone()],
        address={"division_code": "990101", "detail": "棉花街3号"},
    )
    return one | UNSAID, other | UNSAID


def _phone() -> str:
    return f"+86137{secrets.randbelow(10**8):08d}"


async def two_strangers(first: Api, second: Api) -> tuple[Json, Json]:
    one, other = alike()
    return await reported(first, one), await reported(second, other)


async def one_person_twice(api: Api) -> tuple[Json, Json]:
    """Linked by the model of today."""
    person = person_body()
    was, now = await reported(api, person), await reported(api, person)
    assert was["case"]["id"] == now["case"]["id"]
    return was, now


# A dry run


async def test_a_dry_run_says_what_would_change_and_changes_nothing(place: Place, labour: Api, union: Api) -> None:
    await two_strangers(labour, union)
    await one_person_twice(labour)
    before = (await place.persons(), await place.links(), await place.matches(), await place.versions())
    more, less = await place.asked(CREDULOUS, write=False), await place.asked(DOUBTING, write=False)
    assert [pair.match.band for pair in more.pairs] == ["review"]
    assert [link.now.band for link in less.links] == ["none"]
    assert less.links[0].was > NOW.auto > NOW.review > less.links[0].now.score.weight
    assert (more.matches, more.doubts, less.matches, less.doubts) == (0, 0, 0, 0)
    after = (await place.persons(), await place.links(), await place.matches(), await place.versions())
    assert after == before
    assert await place.tasks() == []


async def test_only_records_since_a_day_or_after_a_number_are_asked_about(place: Place, labour: Api) -> None:
    for person in alike():
        await reported(labour, person)
    work = place.work(CREDULOUS, write=False)
    assert (await walk(place.url, replace(work, since=real_time() + timedelta(days=1)))).records == 0
    assert (await walk(place.url, replace(work, since=real_time() - timedelta(days=1)))).records == 2
    assert (await walk(place.url, work, after=1)).records == 1


async def test_the_model_of_today_would_do_it_all_again(place: Place, labour: Api, union: Api) -> None:
    await two_strangers(labour, union)
    await one_person_twice(labour)
    same = await place.asked(replace(NOW, version="renamed"), write=False)
    assert (same.records, same.bands, same.pairs) == (4, {"auto": 1}, [])
    assert (await place.asked(NOW, write=False)).records == 0, "compared under it already"


async def test_what_is_printed_and_written_names_ids_bits_and_levels_and_nobody(
    place: Place, labour: Api, union: Api
) -> None:
    one, other = alike()
    name = one["name"]
    await reported(labour, one)
    await reported(union, other)
    await one_person_twice(labour)
    work = place.work(CREDULOUS, write=False)
    found = await walk(place.url, work)
    text = told(work, found) + json.dumps(as_json(work.model, found), ensure_ascii=False)
    assert '"pairs": {"auto": 0, "review": 1}' in text
    assert '"name": "exact"' in text
    for value in (name, "340802", "+86139"):
        assert value not in text


# Review items


async def test_two_persons_the_new_model_would_link_are_put_before_people_once_and_only_once(
    place: Place, labour: Api, union: Api
) -> None:
    was, now = await two_strangers(labour, union)
    persons, links = await place.persons(), await place.links()
    first, second = await place.asked(CREDULOUS, write=True), await place.asked(CREDULOUS, write=True)
    (match,) = await place.matches()
    assert (first.matches, first.records, second.matches, second.records) == (1, 2, 0, 0)
    assert (match["model_version"], match["status"], match["silent"]) == ("credulous", "open", False)
    assert match["guards"][-1] == "model_changed"
    assert sum(term["weight"] for term in match["terms"]) == pytest.approx(match["weight"])
    assert (str(match["other_case_id"]), str(match["case_id"])) == (was["case"]["id"], now["case"]["id"])
    assert (await place.persons(), await place.links()) == (persons, links)
    assert await place.versions() == {"credulous"}
    told_in = {str(event["case_id"]) for event in await place.told("match.found")}
    assert told_in == {was["case"]["id"], now["case"]["id"]}
    queue = (await union.get("/v1/match-candidates")).json()["data"]
    assert [item["id"] for item in queue] == [str(match["id"])]


async def test_persons_whom_people_called_different_are_not_asked_about_again(
    place: Place, labour: Api, union: Api
) -> None:
    await two_strangers(labour, union)
    await place.asked(CREDULOUS, write=True)
    (match,) = await place.matches()
    said = await union.post(
        f"/v1/match-candidates/{match['id']}/not-duplicate",
        {"reason": "namesake"},
        if_match=match["version"],
    )
    assert said.status_code == 200, said.text
    again = await place.asked(replace(CREDULOUS, version="credulous.2"), write=True)
    assert (again.records, again.pairs, again.matches) == (2, [], 0)
    assert len(await place.matches()) == 1


async def test_what_people_are_asked_already_is_not_asked_again(place: Place, labour: Api, union: Api) -> None:
    await two_strangers(labour, union)
    await place.asked(CREDULOUS, write=True)
    again = await place.asked(replace(CREDULOUS, version="credulous.2"), write=True)
    assert (again.records, again.pairs, again.matches) == (2, [], 0)


async def test_of_a_judicial_record_only_its_own_side_is_told(place: Place, union: Api) -> None:
    court = await place.instance.api("DEMO-340800-COURT")
    was, _ = await two_strangers(court, union)
    await place.asked(CREDULOUS, write=True)
    (match,) = await place.matches()
    assert match["silent"]
    assert [str(event["case_id"]) for event in await place.told("match.found")] == [was["case"]["id"]]
    county = await place.instance.api("DEMO-990101-UNION")
    assert (await county.get("/v1/match-candidates")).json()["data"] == []
    hidden = await county.get(f"/v1/match-candidates/{match['id']}", purpose="assistance")
    assert hidden.status_code == 404


async def test_a_link_the_new_model_would_not_make_is_a_task_of_its_coordinator_until_it_is_undone(
    place: Place, labour: Api, union: Api
) -> None:
    _, now = await one_person_twice(labour)
    persons, links = await place.persons(), await place.links()
    first, second = await place.asked(DOUBTING, write=True), await place.asked(DOUBTING, write=True)
    assert (first.doubts, second.doubts, second.records) == (1, 0, 0)
    assert (await place.persons(), await place.links()) == (persons, links)
    tasks = f"/v1/cases/{now['case']['id']}/tasks"
    (task,) = (await union.get(tasks)).json()["data"]
    (link,) = [one for one in links if one["other_record_id"]]
    assert (task["kind"], task["status"], task["link_id"]) == ("doubtful_link", "open", str(link["id"]))
    assert (await labour.get(tasks)).json().get("data", []) == [], "not of whoever reported"
    assert [event["subject_id"] for event in await place.told("link.doubtful")] == [link["id"]]
    undone = await union.post(f"/v1/links/{link['id']}/undo", {"reason": "different_persons"})
    assert undone.status_code == 200, undone.text
    assert [task["status"] for task in await place.tasks()] == ["done"]
    third = await place.asked(replace(DOUBTING, version="doubting.2"), write=True)
    assert third.doubts == 0, "nothing stands that could be doubted"


async def test_a_link_that_people_made_is_not_doubted(place: Place, labour: Api) -> None:
    await one_person_twice(labour)
    await place.raw.execute("UPDATE link SET source = 'person' WHERE other_record_id IS NOT NULL")
    found = await place.asked(DOUBTING, write=True)
    assert (found.bands, found.doubts) == ({}, 0)


async def test_a_doubted_link_is_not_looked_at_any_more_once_its_other_record_was_erased(
    place: Place, labour: Api
) -> None:
    await one_person_twice(labour)
    await place.asked(DOUBTING, write=True)
    (link,) = [one for one in await place.links() if one["other_record_id"]]
    await place.raw.execute("SELECT forget_links(ARRAY[$1::uuid])", link["other_record_id"])
    assert [task["status"] for task in await place.tasks()] == ["done"]


async def test_a_doubted_link_that_is_erased_takes_its_task_along(place: Place, labour: Api) -> None:
    await one_person_twice(labour)
    await place.asked(DOUBTING, write=True)
    (link,) = [one for one in await place.links() if one["other_record_id"]]
    await place.raw.execute("SELECT forget_links(ARRAY[$1::uuid])", link["record_id"])
    assert await place.tasks() == []


async def test_a_doubted_link_goes_with_the_case_its_record_goes_to(place: Place, labour: Api) -> None:
    await one_person_twice(labour)
    elsewhere = await reported(labour, person_body(address={"division_code": "990101", "detail": "棉花街3号"}))
    await place.asked(DOUBTING, write=True)
    (task,) = await place.tasks()
    case_id = UUID(elsewhere["case"]["id"])
    coordinator = await place.raw.fetchval('SELECT coordinator_agency_id FROM "case" WHERE id = $1', case_id)
    assert task["agency_id"] != coordinator
    await place.raw.execute(
        "UPDATE person_record SET case_id = $1 WHERE id = (SELECT record_id FROM link WHERE id = $2)",
        case_id,
        task["link_id"],
    )
    (moved,) = await place.tasks()
    assert (moved["case_id"], moved["agency_id"], moved["status"]) == (case_id, coordinator, "open")


# While everything runs


async def test_a_walk_that_was_killed_goes_on_where_it_was(place: Place, labour: Api, union: Api) -> None:
    await two_strangers(labour, union)
    await one_person_twice(labour)
    work = place.work(CREDULOUS, write=True, limit=1)
    async with open_rescore_work(place.url) as door:
        async with door.batch() as raw:
            done = await rescore_batch(raw, work, 0)
        with suppress(Killed):
            async with door.batch() as raw:
                lost = await rescore_batch(raw, work, done.last or 0)
                assert lost.records == 1
                raise Killed
    rest = await walk(place.url, work)
    assert done.matches + rest.matches == len(await place.matches()) >= 1
    assert rest.records == 3, "what was finished is not met again, what was undone is"
    assert await place.versions() == {"credulous"}


class Killed(Exception):  # noqa: N818  what befell the walk
    """Ends a transaction as the death of its process does."""


async def test_a_report_of_the_same_person_waits_for_the_batch_and_both_ask_once(
    place: Place, labour: Api, union: Api
) -> None:
    one, other = alike()
    await reported(labour, one)
    async with open_rescore_work(place.url) as door, door.batch() as raw:
        batch = await rescore_batch(raw, place.work(CREDULOUS, write=True), 0)
        filing = asyncio.create_task(reported(union, one | {"phones": other["phones"]}))
        await _waiting(place)
        assert (batch.records, filing.done()) == (1, False)
    filed = await filing
    assert filed["case"]["id"]
    found = await place.asked(CREDULOUS, write=True)
    assert (found.records, found.matches) == (1, 0), "it was linked at intake, by the model of today"
    assert await place.versions() == {"credulous"}


async def _waiting(place: Place) -> None:
    """Until somebody waits for an advisory lock."""
    async with asyncio.timeout(10):
        while not await place.raw.fetchval(  # noqa: ASYNC110  PostgreSQL tells nobody of its locks
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ):
            await asyncio.sleep(0.01)


async def test_reports_filed_during_the_walk_are_asked_about_by_it_or_the_next(
    place: Place, labour: Api, union: Api
) -> None:
    people = [alike() for _ in range(6)]
    for one, _ in people:
        await reported(labour, one)

    async def file() -> None:
        for _, other in people:
            await reported(union, other)

    _, found = await asyncio.gather(file(), place.asked(CREDULOUS, write=True, limit=2))
    last = await place.asked(CREDULOUS, write=True)
    assert (await place.asked(CREDULOUS, write=True)).records == 0
    matches = await place.matches()
    assert found.matches + last.matches == len(matches) == len(people)
    pairs = {frozenset((match["record_id"], match["other_record_id"])) for match in matches}
    assert len(pairs) == len(people)
    assert await place.versions() == {"credulous"}


# Keys


async def test_rekey_writes_the_keys_of_today_in_the_place_of_others(place: Place, labour: Api, union: Api) -> None:
    await two_strangers(labour, union)
    before = await place.raw.fetch("SELECT key, number FROM link_key ORDER BY 1, 2")
    await place.raw.execute("UPDATE link_feature SET keys = ARRAY[number, number + 1]")
    await place.raw.execute("DELETE FROM link_key")
    await place.raw.execute("INSERT INTO link_key SELECT unnest(keys), number FROM link_feature")
    assert (await place.asked(CREDULOUS, write=False)).pairs == [], "nobody is found by these"
    found = await place.asked(CREDULOUS, write=True, rekey=True, limit=1)
    assert found.records == 2
    assert await place.raw.fetch("SELECT key, number FROM link_key ORDER BY 1, 2") == before
    assert found.matches == 1, "the second of the two is found by the keys of the first"
    again = await place.asked(CREDULOUS, write=True, rekey=True)
    assert (again.records, again.matches) == (2, 0)


async def test_records_that_do_not_open_are_named_and_left(place: Place, labour: Api, union: Api) -> None:
    await two_strangers(labour, union)
    broken = await place.raw.fetchval("UPDATE link_feature SET features = '\\x00' WHERE number = 1 RETURNING record_id")
    found = await place.asked(CREDULOUS, write=True)
    assert [failure.partition(":")[0] for failure in found.failed] == [f"record {broken}"]
    assert (found.records, await place.versions()) == (1, {"credulous", NOW.version})


# The commands


async def test_the_commands_say_what_they_found_by_their_exit_code_and_in_a_file(
    place: Place, labour: Api, keyring: Keyring, tmp_path: Path
) -> None:
    await one_person_twice(labour)
    model, out = tmp_path / "model.json", tmp_path / "found.json"
    said = json.loads(COMMITTED.read_text(encoding="utf-8"))
    for name in said["comparisons"]:
        for level in said["comparisons"][name]["levels"].values():
            level["m"] = level["u"] / 2
    model.write_text(json.dumps(said | {"version": "doubting"}), encoding="utf-8")

    async def run(*words: str) -> int:
        environment = os.environ | {"TONGLI_DATABASE_URL": place.url, "TONGLI_KEYS": render_keyring(keyring)}
        command = (sys.executable, "-m", "cli", "linkage", *words)
        started = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
        return await started.wait()

    assert await run("rescore", "--model", str(model), "--json", str(out)) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["records"], found["links"]) == (2, {"auto": 0, "review": 0, "none": 1})
    assert await run("rescore", "--model", str(model), "--write") == 0
    assert len(await place.tasks()) == 1
    assert await run("rescore", "--model", str(tmp_path / "none.json")) == 1
    assert await run("rescore", "--rekey") == 1
    assert await run("rebuild", "--check") == 0
    await place.raw.execute("UPDATE link_feature SET person_id = gen_random_uuid() WHERE number = 1")
    assert await run("rebuild", "--check") == 1
    assert await run("rebuild", "--check", "--write") == 0


# The role


async def test_the_role_that_rescores_reads_no_table(place: Place) -> None:
    async with open_rescore_work(place.url) as door:
        for table in ("link", "link_feature", "person_record", '"case"', "match_candidate"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with door.batch() as raw:
                    await raw.fetch(f"SELECT 1 FROM {table}")


# Replaying


async def test_replaying_every_assertion_finds_a_record_that_somebody_moved_and_mends_it(
    place: Place, labour: Api, union: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    await one_person_twice(labour)
    await two_strangers(labour, union)
    assert await compared(place.url, real_time, write=False) == 0
    before = await place.persons()
    record, stranger = await place.raw.fetchval("SELECT record_id FROM link WHERE other_record_id IS NOT NULL"), None
    stranger = next(person for person in before.values() if person != before[record])
    await place.raw.execute("UPDATE person_record SET person_id = $2 WHERE id = $1", record, stranger)
    assert await compared(place.url, real_time, write=False) == 1
    assert f"record {record}: kept as person {stranger}, by the assertions {before[record]}" in capsys.readouterr().err
    assert (await place.persons())[record] == stranger, "a check mends nothing"
    assert await compared(place.url, real_time, write=True) == 0
    assert await place.persons() == before
    assert await place.raw.fetchval("SELECT person_id FROM link_feature WHERE record_id = $1", record) == before[record]
    marks = await place.raw.fetch("SELECT facts FROM audit_leaf WHERE action = 'link.rebuild'")
    assert [mark["facts"] for mark in marks] == [{"record": str(record)}]


async def test_replaying_gives_the_same_after_an_undone_link(place: Place, labour: Api, union: Api) -> None:
    await one_person_twice(labour)
    link = await place.raw.fetchval("SELECT id FROM link WHERE other_record_id IS NOT NULL")
    assert (await union.post(f"/v1/links/{link}/undo", {"reason": "different_persons"})).status_code == 200
    assert await compared(place.url, real_time, write=False) == 0


async def test_what_is_compared_as_somebody_else_is_found_as_well(place: Place, labour: Api) -> None:
    await one_person_twice(labour)
    await place.raw.execute("UPDATE link_feature SET person_id = gen_random_uuid() WHERE number = 1")
    assert await compared(place.url, real_time, write=False) == 1
    assert await compared(place.url, real_time, write=True) == 0

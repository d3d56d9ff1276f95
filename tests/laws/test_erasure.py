"""After an erasure nothing of the person is left, in clear or sealed; the log stays valid, others are untouched."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from cli.keys_report import counted
from cli.keys_walk import reindex, reseal
from crypto.keys import Keyring
from crypto.vault import Vault
from db.migration import downgrade, upgrade
from settings import Settings
from tests.actions.instances import superuser
from tests.actions.matches import report_pair
from tests.actions.story import Json, body_of, refer, report, step
from tests.api.test_person_requests import PURPOSE, file, reviewed, take, try_file, try_take
from tests.builders import Api, person_body, report_body
from tests.db.test_keys import rotated
from tests.laws.erasure_world import (
    TEN_YEARS,
    ErasureWorld,
    Told,
    close,
    erasure_world,
    found_in_clear,
    found_opened,
    leaves,
    opens,
    sealed_values,
    tell,
)


@pytest.fixture
async def world(fresh_database: str, vault: Vault, settings: Settings) -> AsyncIterator[ErasureWorld]:
    async with erasure_world(fresh_database, vault, settings) as built:
        yield built


async def _erased(world: ErasureWorld, told: Told) -> Json:
    await close(world, told)
    world.later(TEN_YEARS)
    return await take(world.union, await reviewed(world.union, told.case_id, "erasure"), "fulfil")


async def test_nothing_of_the_person_is_left_and_others_are_untouched(world: ErasureWorld) -> None:
    mine, other = await tell(world, "哨兵甲"), await tell(world, "哨兵乙")
    await close(world, mine)
    async with superuser(world.instance.admin_url) as raw:
        sealed = await sealed_values(raw, mine.case_id)
        others = await sealed_values(raw, other.case_id)
        assert await found_opened(raw, world.vault, mine.marks.values()) == set(mine.marks.values())
        assert await found_in_clear(raw, sealed) == sealed
    world.later(TEN_YEARS)
    request = await take(world.union, await reviewed(world.union, mine.case_id, "erasure"), "fulfil")
    assert request["status"] == "fulfilled"
    async with superuser(world.instance.admin_url) as raw:
        assert await found_opened(raw, world.vault, mine.marks.values()) == set()
        assert await found_in_clear(raw, mine.marks.values()) == set()
        assert await found_in_clear(raw, sealed) == set()
        blind = world.vault.blind
        indexes = {index.hex() for index in blind.indexes("id_number", mine.marks["number"])}
        indexes |= {index.hex() for index in blind.indexes("phone", mine.marks["phone"])}
        assert await found_in_clear(raw, indexes) == set()
        assert await found_in_clear(raw, others) == others
        kept = set(other.marks.values()) - {other.marks["exit"]}
        assert await found_opened(raw, world.vault, other.marks.values()) == kept
        assert await raw.fetchval("SELECT count(*) FROM person_record WHERE case_id = $1", UUID(other.case_id)) == 3


async def test_the_log_keeps_its_commitments_and_says_what_was_erased(world: ErasureWorld) -> None:
    mine, other = await tell(world, "哨兵丙"), await tell(world, "哨兵丁")
    await close(world, mine)
    async with superuser(world.instance.admin_url) as raw:
        before = await leaves(raw)
    world.later(TEN_YEARS)
    request = await take(world.union, await reviewed(world.union, mine.case_id, "erasure"), "fulfil")
    async with superuser(world.instance.admin_url) as raw:
        after = await leaves(raw)
    assert {key: leaf["commitment"] for key, leaf in before.items()} == {
        key: after[key]["commitment"] for key in before
    }
    of_case = [key for key, leaf in before.items() if leaf["case_id"] == UUID(mine.case_id)]
    assert len(of_case) > 10
    for key in of_case:
        leaf = after[key]
        assert (leaf["salt"], leaf["said"], leaf["subject_id"], leaf["case_id"]) == (None, "{}", None, None)
    whole = [leaf for leaf in after.values() if leaf["salt"] is not None]
    assert any(leaf["case_id"] == UUID(other.case_id) for leaf in whole)
    assert [leaf["action"] for leaf in whole if not opens(leaf, json.loads(leaf["said"]))] == []
    (said,) = [json.loads(leaf["said"]) for leaf in whole if leaf["action"] == "case.erase"]
    assert said == {"rule": "retention_period_over", "request": request["id"], "what": "case"}
    named = {
        made for leaf in whole if leaf["action"] == "audit.erase" for made in json.loads(leaf["said"])["commitments"]
    }
    assert {before[key]["commitment"].hex() for key in of_case} <= named


async def test_those_once_entitled_are_told_that_it_is_gone_and_others_nothing(world: ErasureWorld) -> None:
    mine = await tell(world, "哨兵戊")
    request = await _erased(world, mine)
    case = f"/v1/cases/{mine.case_id}"
    for api, path in (
        (world.union, case),
        (world.labour, case),
        (world.union, f"{case}/file"),
        (world.union, f"{case}/timeline"),
        (world.union, f"{case}/access-log"),
        (world.union, f"{case}/results"),
        (world.labour, f"/v1/reports/{mine.report_id}"),
        (world.medical, f"/v1/referrals/{mine.referral_id}"),
        (world.medical, f"/v1/results/{mine.result_id}"),
    ):
        answer = await api.get(path, purpose=PURPOSE)
        assert (answer.status_code, answer.json()["code"]) == (410, "gone"), path
    for path in (case, f"/v1/reports/{mine.report_id}", f"/v1/referrals/{mine.referral_id}"):
        assert (await world.stranger.get(path, purpose=PURPOSE)).status_code == 404, path
    again = await world.labour.post("/v1/reports", dict(mine.report_body), key=mine.report_key)
    assert (again.status_code, again.json()["code"]) == (410, "gone")
    assert (await try_file(world.union, mine.case_id, "erasure")).status_code == 410
    written = await world.union.post(f"{case}/reopen", {}, if_match=99)
    assert written.status_code == 410
    assert mine.case_id not in (await world.union.get("/v1/cases")).text
    proof = body_of(await world.union.get(f"/v1/person-requests/{request['id']}", purpose=PURPOSE))
    assert (proof["status"], proof["said"], proof["answer"]) == ("fulfilled", None, None)


async def test_links_go_with_their_case_whichever_end_it_is(world: ErasureWorld) -> None:
    mine = await tell(world, "哨兵午")
    case = f"/v1/cases/{mine.case_id}"
    links = (await world.union.get(f"{case}/case-links")).json()["data"]
    (pair,) = [link for link in links if link["kind"] == "same_household"]
    (own,) = [link for link in links if link["kind"] == "own_number"]
    code = own["system"]
    await _erased(world, mine)
    assert (await world.union.get(f"{case}/case-links")).status_code == 410
    assert (await world.labour.get(f"/v1/case-links/{own['id']}")).status_code == 410
    assert (await world.stranger.get(f"/v1/case-links/{own['id']}")).status_code == 404
    assert (await world.union.get(f"/v1/case-links/{pair['id']}")).status_code == 404
    other = await world.union.get(f"/v1/cases/{pair['other_case_id']}/case-links")
    assert other.json()["data"] == [], "it would say who the erased people lived with"
    asked = {"agency_case_number": mine.marks["own number"]}
    hits = await world.labour.post("/v1/cases/search", asked, purpose="assistance", key=None)
    assert hits.json()["data"] == []
    async with superuser(world.instance.admin_url) as raw:
        assert await found_in_clear(raw, [code, code.replace("files", "authority")]) == set()


async def test_the_coordinator_erases_of_its_own_duty_when_the_period_is_over(world: ErasureWorld) -> None:
    mine = await tell(world, "哨兵子")
    await close(world, mine)
    world.later(TEN_YEARS)
    refused = await try_file(world.labour, mine.case_id, "erasure", asked_by="duty", proof=None)
    assert refused.json()["errors"][0]["code"] == "coordinator-only"
    request = await reviewed(world.union, mine.case_id, "erasure", asked_by="duty", proof=None)
    assert (await take(world.union, request, "fulfil"))["status"] == "fulfilled"
    assert (await world.union.get(f"/v1/cases/{mine.case_id}")).status_code == 410


async def test_who_is_known_from_another_case_stays_known(world: ErasureWorld) -> None:
    person = person_body(name="欧阳双案")
    mine = await tell(world, "哨兵己", person)
    await close(world, mine)
    second = await report(world.union, person=person, household=None)
    assert second["case"]["id"] != mine.case_id
    world.later(TEN_YEARS)
    await take(world.union, await reviewed(world.union, mine.case_id, "erasure"), "fulfil")
    async with superuser(world.instance.admin_url) as raw:
        people = await raw.fetch("SELECT id FROM person")
        kept = await raw.fetchval("SELECT person_id FROM person_record WHERE case_id = $1", UUID(second["case"]["id"]))
        assert kept in {row["id"] for row in people}
        assert await found_opened(raw, world.vault, ["欧阳双案"]) == {"欧阳双案"}
        orphans = await raw.fetchval(
            "SELECT count(*) FROM person p WHERE NOT EXISTS (SELECT FROM person_record r WHERE r.person_id = p.id)"
        )
        assert orphans == 0
    third = await report(world.labour, person=person, household=None)
    assert third["case"]["id"] == second["case"]["id"], "linking still finds the person"


async def test_before_the_period_ends_only_what_no_duty_keeps_is_erased(world: ErasureWorld) -> None:
    mine = await tell(world, "哨兵庚")
    await close(world, mine)
    world.later(timedelta(days=400))
    request = await reviewed(world.union, mine.case_id, "erasure")
    whole = await try_take(world.union, request, "fulfil")
    assert (whole.status_code, whole.json()["reason"]) == (409, "retention-period")
    part = await take(world.union, request, "partly_fulfil", reason="retention_period", text="档案须保存十年")
    assert part["possible_from"] is not None
    async with superuser(world.instance.admin_url) as raw:
        rows = await raw.fetch("SELECT * FROM person_record WHERE case_id = $1", UUID(mine.case_id))
        for row in rows:
            context = f"person_record:{row['id']}"
            contact = json.loads(world.vault.cipher.open(row["contact"], context))
            details = json.loads(world.vault.cipher.open(row["details"], context))
            assert (contact["phones"], contact["address"], details["health"]) == ([], None, None)
            assert row["phone_indexes"] == []
        gone = {mine.marks["result"], mine.marks["step"], mine.marks["features"]}
        assert await found_opened(raw, world.vault, gone) == set()
        assert await found_opened(raw, world.vault, [mine.marks["narrative"]]) == {mine.marks["narrative"]}
    again = await reviewed(world.union, mine.case_id, "erasure")
    refused = await take(world.union, again, "refuse", reason="retention_period", text="档案须保存十年")
    assert refused["possible_from"] == part["possible_from"]
    world.later(TEN_YEARS)
    done = await take(world.union, await reviewed(world.union, mine.case_id, "erasure"), "fulfil")
    assert done["status"] == "fulfilled"


async def test_a_case_at_work_is_needed_unless_it_was_entered_in_error(world: ErasureWorld) -> None:
    mine = await tell(world, "哨兵辛")
    request = await reviewed(world.union, mine.case_id, "erasure")
    for name, words in (("fulfil", {}), ("partly_fulfil", {"reason": "retention_period", "text": "x"})):
        refused = await try_take(world.union, request, name, **words)
        assert (refused.status_code, refused.json()["reason"]) == (409, "still-needed"), name
    error = await reviewed(world.union, mine.case_id, "erasure", entered_in_error=True)
    waiting = await try_take(world.union, error, "fulfil")
    assert (waiting.status_code, waiting.json()["reason"]) == (409, "open-requests")
    await take(world.union, request, "refuse", reason="still_needed", text="个案仍在办理")
    referral = await refer(world.union, mine.case_id, world.labour, matter="LAB-09")
    busy = await try_take(world.union, error, "fulfil")
    assert (busy.status_code, busy.json()["reason"]) == (409, "open-referrals")
    await step(world.union, referral, "cancel")
    done = await take(world.union, error, "fulfil")
    assert (done["status"], done["entered_in_error"]) == ("fulfilled", True)
    async with superuser(world.instance.admin_url) as raw:
        assert await found_opened(raw, world.vault, mine.marks.values()) == set()


async def test_a_member_entered_in_error_goes_alone(world: ErasureWorld) -> None:
    person = person_body(name="欧阳在案")
    household = [{"name": "司徒误报", "relation": "spouse"}, {"name": "司徒确有", "relation": "child"}]
    case_id = (await report(world.union, person=person, household=household))["case"]["id"]
    async with superuser(world.instance.admin_url) as raw:
        rows = await raw.fetch("SELECT id, person_id, name FROM person_record WHERE case_id = $1", UUID(case_id))
    by_name = {world.vault.cipher.open(row["name"], f"person_record:{row['id']}"): row["person_id"] for row in rows}
    request = await reviewed(world.union, case_id, "erasure", entered_in_error=True, person_id=str(by_name["司徒误报"]))
    await take(world.union, request, "fulfil")
    async with superuser(world.instance.admin_url) as raw:
        wanted = {"司徒误报", "司徒确有", "欧阳在案"}
        assert await found_opened(raw, world.vault, wanted) == {"司徒确有", "欧阳在案"}
        assert not await raw.fetchval("SELECT count(*) FROM person WHERE id = $1", by_name["司徒误报"])
    people = (await world.union.get(f"/v1/cases/{case_id}/file", purpose=PURPOSE)).json()["people"]
    assert [shown["name"] for shown in people] == ["欧阳在案", "司徒确有"]


async def test_keys_are_rotated_over_corrected_trimmed_and_erased_records(
    world: ErasureWorld, keyring: Keyring
) -> None:
    """Their indexes are those of what they say, and what was erased is not met as a value nobody can read."""
    erased, trimmed, corrected = [await tell(world, mark) for mark in ("哨兵丑", "哨兵寅", "哨兵卯")]
    await _erased(world, erased)
    await close(world, trimmed)
    part = await reviewed(world.union, trimmed.case_id, "erasure")
    await take(world.union, part, "partly_fulfil", reason="retention_period", text="档案须保存十年")
    right = {"id_type": "resident_id", "id_number": person_body()["id_number"], "birth_date": "1961-02-03"}
    change = await reviewed(
        world.labour, corrected.case_id, "correction", correction=right, reporting_agency=str(world.labour.id)
    )
    await take(world.labour, change, "fulfil")
    changed, _ = rotated(keyring, "field", "A256GCM")
    changed, _ = rotated(changed, "blind", "HS256")
    vault = Vault.of(changed)
    assert (await reindex(world.instance.admin_url, vault, limit=50)).failed == []
    assert (await reseal(world.instance.admin_url, vault.cipher, fresh=False, limit=50)).failed == []
    counts = await counted(world.instance.admin_url)
    assert counts.unreadable == 0


async def test_the_revision_goes_back_over_what_was_erased_and_corrected(world: ErasureWorld) -> None:
    mine = await tell(world, "哨兵辰")
    await _erased(world, mine)
    await tell(world, "哨兵巳")
    async with superuser(world.instance.admin_url) as raw:
        await raw.execute(_PARTED)
    await asyncio.to_thread(downgrade, world.instance.admin_url, "0007-1")
    async with superuser(world.instance.admin_url) as raw:
        assert await raw.fetchval("SELECT count(*) FROM report WHERE body = ''") == 1
        assert await raw.fetchval("SELECT to_regclass('person_request')") is None
        assert await raw.fetchval("SELECT count(*) FROM link WHERE undone_at IS NOT NULL") == 1
        assert await raw.fetchval("SELECT count(*) FROM link WHERE decided_by = 'somebody'") == 0
    await asyncio.to_thread(upgrade, world.instance.admin_url)


# Somebody said that two records are not of one person, and took back that they are.
_PARTED = """
INSERT INTO link (id, kind, record_id, person_id, evidence, decided_by, decided_at, other_record_id, verdict, source,
                  withdraws)
SELECT gen_random_uuid(), 'same_person', l.record_id, l.person_id, '[]', 'somebody', now(), r.id, 'different', 'agency',
       l.id
  FROM link l JOIN person_record r ON r.id <> l.record_id LIMIT 1"""


@pytest.mark.parametrize("side", ["case", "other"])
async def test_what_was_asked_about_a_possible_match_goes_with_either_case(world: ErasureWorld, side: str) -> None:
    mark = f"哨兵未{side}"
    async with superuser(world.instance.admin_url) as raw:
        pair = await report_pair(raw, world.union, world.union, places=("990102", "340802"))
        said = {"purpose": "assistance", "basis": {"kind": "consent", "reference": f"同意书{mark}"}, "reason": mark}
        asked = await world.union.post(f"/v1/match-candidates/{pair.id}/access-requests", said)
        path = f"/v1/access-requests/{asked.json()['id']}"
        refusal = {"reason_code": "no_basis", "text": f"拒绝{mark}"}
        assert (await world.stranger.post(f"{path}/refuse", refusal, if_match=1)).status_code == 200
        marks = {f"同意书{mark}", mark, f"拒绝{mark}"}
        assert await found_opened(raw, world.vault, marks) == marks
        eraser, case_id = (world.union, pair.case) if side == "case" else (world.stranger, pair.other)
        request = await reviewed(eraser, case_id, "erasure", entered_in_error=True)
        await take(eraser, request, "fulfil")
        assert await found_opened(raw, world.vault, marks) == set()
        assert not await raw.fetchval("SELECT count(*) FROM match_candidate WHERE id = $1", pair.id)
    for api in (world.union, world.stranger):
        assert (await api.get(path, purpose=PURPOSE)).status_code == 404


async def test_an_erasure_is_the_coordinators_and_says_nothing_more(world: ErasureWorld) -> None:
    mine = await tell(world, "哨兵壬")
    await close(world, mine)
    world.later(TEN_YEARS)
    request = await file(world.labour, mine.case_id, "erasure")
    request = await take(world.union, request, "review")
    assert (await try_take(world.labour, request, "fulfil")).status_code == 403
    wordy = await try_take(world.union, request, "fulfil", text="某某的信息已删除")
    assert wordy.json()["errors"][0]["pointer"] == "/text"
    await take(world.union, request, "fulfil")
    await _told_of_erasure(world, mine.case_id)


async def _told_of_erasure(world: ErasureWorld, case_id: str) -> None:
    async with superuser(world.instance.admin_url) as raw:
        rows = await raw.fetch(
            "SELECT parties::text AS parties FROM event WHERE type = 'erasure.completed' AND case_id = $1",
            UUID(case_id),
        )
    (row,) = rows
    assert json.loads(row["parties"])[str(world.labour.id)] == ["other"]


async def test_a_report_of_the_same_person_at_once_waits_or_finds_it_gone(world: ErasureWorld) -> None:
    """Whichever comes first, nobody gets an error of ours, and the report stands in a case that can be read."""
    for number in range(6):
        person = person_body(name=f"欧阳同时{number}")
        filed = await report(world.union, person=person, household=None)
        case_id = filed["case"]["id"]
        await close(world, _only(case_id))
        request = await reviewed(world.union, case_id, "erasure", entered_in_error=True)
        erased, again = await asyncio.gather(
            try_take(world.union, request, "fulfil"),
            world.labour.post("/v1/reports", report_body(person=person, household=None)),
        )
        assert (erased.status_code, again.status_code) == (200, 201), (erased.text, again.text)
        assert again.json()["case"]["id"] != case_id
        other = await world.union.get(f"/v1/cases/{again.json()['case']['id']}/file", purpose=PURPOSE)
        assert other.json()["people"][0]["name"] == person["name"]


def _only(case_id: str) -> Told:
    return Told(case_id, "", {}, "", "", "", {"exit": "已脱困"})


async def test_the_wall_lets_nobody_else_erase(world: ErasureWorld) -> None:
    mine = await tell(world, "哨兵癸")
    await close(world, mine)
    for api in (world.labour, world.stranger):
        await _refused(world, api, "SELECT erase_case($1, false, now())", mine.case_id)
        await _refused(world, api, "SELECT erase_case($1, true, now())", mine.case_id)
        await _refused(world, api, "SELECT trim_case($1, '[]', '{}')", mine.case_id)
        await _refused(world, api, "SELECT erase_member($1, $1, '[]')", mine.case_id)
        await _refused(world, api, "SELECT carry_birth_date($1)", mine.case_id)


async def _refused(world: ErasureWorld, api: Api, sql: str, case_id: str) -> None:
    async with superuser(world.instance.admin_url) as raw, raw.transaction():
        await raw.execute("SET LOCAL ROLE tongli_app")
        await raw.execute("SELECT set_config('tongli.agency', $1, true)", str(api.id))
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with raw.transaction():
                await raw.fetchval(sql, UUID(case_id))
    assert refused.value.sqlstate == "TL002"

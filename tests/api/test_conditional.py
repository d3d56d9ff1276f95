"""Entity tags: no lost update, no blind write, nothing sent twice that has not changed."""

import asyncio

import httpx
import pytest

from tests.actions.story import refer, report, step
from tests.builders import Api, person_body


@pytest.fixture
async def case_path(union: Api) -> str:
    return f"/v1/cases/{(await report(union))['case']['id']}"


async def test_a_step_without_if_match_is_refused(union: Api, labour: Api, case_path: str) -> None:
    referral = await refer(union, case_path.rpartition("/")[2], labour)
    for path, caller in ((f"{case_path}/assess", union), (f"/v1/referrals/{referral['id']}/accept", labour)):
        answer = await caller.post(path, {})
        assert (answer.status_code, answer.json()["code"]) == (428, "precondition-required")


@pytest.mark.parametrize("tag", ["*", 'W/"v1"', "v1", '"1"', '"v1", "v2"', '"v-1"', '"v99999999999"'])
async def test_only_one_strong_tag_of_ours_is_a_condition(union: Api, case_path: str, tag: str) -> None:
    answer = await union.post(f"{case_path}/assess", {}, if_match=tag)
    assert answer.status_code == 428, answer.text


async def test_a_stale_tag_is_told_the_current_one(union: Api, labour: Api, case_path: str) -> None:
    version = (await union.get(case_path)).json()["version"]
    answer = await union.post(f"{case_path}/assess", {}, if_match=version + 1)
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition-failed")
    assert answer.headers["etag"] == f'"v{version}"'
    referral = await refer(union, case_path.rpartition("/")[2], labour)
    stale = await labour.post(f"/v1/referrals/{referral['id']}/accept", {}, if_match=9)
    assert (stale.status_code, stale.headers["etag"]) == (412, '"v1"')


async def test_the_tag_of_a_read_or_of_an_answer_opens_the_next_step(union: Api, case_path: str) -> None:
    read = await union.get(case_path)
    assessed = await union.post(f"{case_path}/assess", {}, if_match=read.headers["etag"])
    assert assessed.status_code == 200, assessed.text
    activated = await union.post(f"{case_path}/activate", {}, if_match=assessed.headers["etag"])
    assert (activated.status_code, activated.json()["status"]) == (200, "active")


async def test_ending_a_part_asks_for_the_current_version_of_the_case(union: Api, medical: Api, case_path: str) -> None:
    await union.post(f"{case_path}/participants", {"agency": str(medical.id)})
    part = f"{case_path}/participants/{medical.id}"
    version = (await union.get(case_path)).json()["version"]
    assert (await union.delete(part)).status_code == 428
    stale = await union.delete(part, if_match=version + 5)
    assert (stale.status_code, stale.json().get("code")) == (412, "precondition-failed")
    assert (await union.delete(part, if_match=version)).status_code == 204


async def test_what_has_not_changed_is_not_sent_again(union: Api, labour: Api, case_path: str) -> None:
    first = await union.get(case_path)
    tag = first.headers["etag"]
    for asked in (tag, f'"v0", {tag}'):
        again = await union.get(case_path, headers={"if-none-match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await refer(union, case_path.rpartition("/")[2], labour)
    changed = await union.get(case_path, headers={"if-none-match": tag})
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


async def test_two_agencies_that_see_different_fields_have_different_tags(union: Api, labour: Api) -> None:
    case_path = f"/v1/cases/{(await report(labour))['case']['id']}"
    assert (await union.get(case_path)).headers["etag"] != (await labour.get(case_path)).headers["etag"]


async def test_nobody_else_may_keep_an_answer(union: Api, case_path: str) -> None:
    answer = await union.get(case_path)
    assert answer.headers["cache-control"] == "private, no-store"
    assert "Authorization" in answer.headers["vary"]


async def test_sixteen_writers_that_read_and_write_lose_no_update(union: Api, case_path: str) -> None:
    """Each turns the case between active and closing, as often as it manages to: versions count the successes."""
    await _turn(union, case_path, "activate")
    before = (await union.get(case_path)).json()["version"]
    ends = await asyncio.gather(*(_writer(union, case_path) for _ in range(16)))
    statuses = [status for end in ends for status in end]
    after = (await union.get(case_path)).json()["version"]
    assert set(statuses) <= {200, 409, 412}
    assert statuses.count(200) >= 2
    assert after - before == statuses.count(200)
    timeline = (await union.get(f"{case_path}/timeline")).json()["data"]
    assert sum(entry["to_status"] in ("active", "closing") for entry in timeline) == statuses.count(200) + 1


async def _writer(union: Api, case_path: str) -> list[int]:
    statuses = []
    for _ in range(4):
        case = (await union.get(case_path)).json()
        name = "propose_closing" if case["status"] == "active" else "activate"
        answer = await union.post(f"{case_path}/{name}", {}, if_match=case["version"])
        statuses.append(answer.status_code)
    return statuses


async def _turn(union: Api, case_path: str, name: str) -> httpx.Response:
    version = (await union.get(case_path)).json()["version"]
    answer = await union.post(f"{case_path}/{name}", {}, if_match=version)
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_referral_read_with_people_changes_its_tag_with_them(union: Api, labour: Api) -> None:
    """What a later report adds is another representation, though the referral stands where it stood."""
    person = person_body() | {"employment_status": None}
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]}
    filed = await report(union, person=person, sharing_basis=basis)
    referral = await step(labour, await refer(union, filed["case"]["id"], labour), "accept")
    path = f"/v1/referrals/{referral['id']}"
    first = await labour.get(path, purpose="assistance")
    await report(union, person={**person, "employment_status": "employed"})
    again = await labour.get(path, purpose="assistance", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.json()["people"][0]["employment_status"] == "employed"

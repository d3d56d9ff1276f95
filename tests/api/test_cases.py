"""Cases over HTTP: what each participant sees, who moves a case, who takes part and until when."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.actions.instances import superuser
from tests.actions.story import Json, body_of, refer, report, step
from tests.builders import Api, person_body, report_body

ABSENT = "019363a0-0000-7000-8000-000000000000"


async def _moved(union: Api, path: str, *names: str) -> httpx.Response:
    """The last of these steps, each from the case's current version."""
    for name in names:
        version = (await union.get(path)).json()["version"]
        said = {"exit_reason": "lifted", "text": "已脱困"} if name == "close" else {}
        answer = await union.post(f"{path}/{name}", said, if_match=version)
    return answer


@pytest.fixture
async def path(labour: Api) -> str:
    """A case reported by the labour bureau, coordinated by the union of the district."""
    return f"/v1/cases/{(await report(labour))['case']['id']}"


# What each participant sees


async def test_the_reporter_sees_number_coordinator_status_and_needs_and_no_more(
    union: Api, labour: Api, path: str
) -> None:
    seen = (await labour.get(path)).json()
    assert (seen["roles"], seen["coordinator"]["id"], seen["status"]) == (["reporter"], str(union.id), "reported")
    assert {need["agency"]["id"] for need in seen["needs"]} == {str(union.id)}
    assert not {"causes", "people", "difficulty_class", "exit_reason"}.intersection(seen)
    assert (await labour.get(f"{path}/file", purpose="assistance")).status_code == 403
    parts = (await labour.get(f"{path}/participants")).json()["data"]
    assert {(part["role"], part["agency"]["id"]) for part in parts} == {
        ("coordinator", str(union.id)),
        ("reporter", str(labour.id)),
    }


async def test_the_reporter_does_not_see_that_others_reported_too(union: Api, labour: Api, medical: Api) -> None:
    person = person_body()
    filed = await report(labour, person=person)
    case = f"/v1/cases/{filed['case']['id']}"
    await medical.post("/v1/reports", report_body() | {"person": person})
    parts = (await labour.get(f"{case}/participants")).json()["data"]
    assert str(medical.id) not in {part["agency"]["id"] for part in parts}
    types = [(e["type"], e["actor_agency"]) for e in (await labour.get(f"{case}/timeline")).json()["data"]]
    assert [kind for kind, _ in types].count("report.received") == 1
    links = (await labour.get(f"{case}/links")).json()["data"]
    assert links == [], "on which field a record matched would tell of a hidden one"


async def test_an_observer_sees_number_status_and_shared_results_only(
    union: Api, labour: Api, medical: Api, path: str
) -> None:
    referral = await refer(union, path.rpartition("/")[2], labour)
    await union.post(f"{path}/participants", {"agency": str(medical.id)})
    seen = (await medical.get(path)).json()
    assert (seen["roles"], seen["status"]) == (["observer"], "reported")
    assert seen["number"].startswith("TL-")
    assert seen["needs"] == [], "which office handles what is not an observer's business"
    assert (await medical.get(f"{path}/referrals")).json()["data"] == []
    assert (await medical.get(f"/v1/referrals/{referral['id']}")).status_code == 404
    assert (await medical.get(f"{path}/links")).json()["data"] == []
    assert (await medical.get(f"{path}/tasks")).json()["data"] == []
    assert (await medical.get(f"{path}/file", purpose="assistance")).status_code == 403


async def test_a_receiver_sees_the_case_from_acceptance_on(union: Api, medical: Api, path: str) -> None:
    referral = await refer(union, path.rpartition("/")[2], medical, matter="MED-01")
    assert (await medical.get(path)).status_code == 404
    await step(medical, referral, "accept")
    assert (await medical.get(path)).json()["roles"] == ["receiver"]


async def test_the_timeline_tells_each_participant_what_it_may_know(
    union: Api, labour: Api, medical: Api, path: str
) -> None:
    referral = await refer(union, path.rpartition("/")[2], medical, matter="MED-01")
    await step(medical, referral, "accept")

    async def types(api: Api) -> list[str]:
        return [entry["type"] for entry in (await api.get(f"{path}/timeline")).json()["data"]]

    assert {"referral.requested", "referral.accepted", "participant.joined"} <= set(await types(union))
    assert not [kind for kind in await types(labour) if kind.startswith("referral.")]
    assert "case.updated" in await types(labour)
    assert {"referral.requested", "referral.accepted"} <= set(await types(medical))


# Steps


async def test_a_case_goes_its_way_and_comes_back(union: Api, path: str) -> None:
    for name, status in (
        ("assess", "assessing"),
        ("activate", "active"),
        ("propose_closing", "closing"),
        ("close", "closed"),
        ("reopen", "active"),
    ):
        answer = await _moved(union, path, name)
        assert (answer.status_code, answer.json().get("status")) == (200, status), answer.text
    types = [entry["type"] for entry in (await union.get(f"{path}/timeline")).json()["data"]]
    assert [kind for kind in types if kind in ("case.closed", "case.reopened")] == ["case.closed", "case.reopened"]


_NEXT = {
    (): {"assess", "activate"},
    ("assess",): {"activate"},
    ("activate",): {"propose_closing"},
    ("activate", "propose_closing"): {"close", "activate"},
    ("activate", "propose_closing", "close"): {"reopen"},
}


@pytest.mark.parametrize("way", _NEXT)
async def test_every_step_of_a_case_that_is_not_allowed_says_what_is(
    union: Api, path: str, way: tuple[str, ...]
) -> None:
    if way:
        assert (await _moved(union, path, *way)).status_code == 200
    for name in {"assess", "activate", "propose_closing", "close", "reopen"} - _NEXT[way]:
        answer = await _moved(union, path, name)
        assert answer.status_code == 409, (name, answer.text)
        assert answer.json()["code"] == "invalid-transition"
        assert set(answer.json()["allowed"]) == _NEXT[way]


async def test_only_the_coordinator_moves_a_case(labour: Api, stranger: Api, path: str) -> None:
    version = (await labour.get(path)).json()["version"]
    assert (await labour.post(f"{path}/assess", {}, if_match=version)).status_code == 403
    assert (await stranger.post(f"{path}/assess", {}, if_match=version)).status_code == 404


async def test_closing_needs_a_reason_of_the_list_and_a_text(union: Api, path: str) -> None:
    await _moved(union, path, "activate", "propose_closing")
    version = (await union.get(path)).json()["version"]
    for said, pointers in (
        ({}, {"/exit_reason", "/text"}),
        ({"exit_reason": "tired", "text": "x"}, {"/exit_reason"}),
        ({"exit_reason": "lifted"}, {"/text"}),
    ):
        answer = await union.post(f"{path}/close", said, if_match=version)
        assert answer.status_code == 422
        assert {error["pointer"] for error in answer.json()["errors"]} == pointers


async def test_a_case_with_open_referrals_does_not_close(union: Api, labour: Api, path: str) -> None:
    referral = await refer(union, path.rpartition("/")[2], labour)
    refused = await _moved(union, path, "activate", "propose_closing", "close")
    assert (refused.status_code, refused.json()["code"]) == (409, "state-conflict")
    await step(union, referral, "cancel")
    assert (await _moved(union, path, "close")).status_code == 200


async def test_whoever_was_helped_and_falls_again_has_a_new_case_and_the_old_stays_shut(union: Api) -> None:
    person = person_body()
    old = f"/v1/cases/{(await report(union, person=person))['case']['id']}"
    assert (await _moved(union, old, "activate", "propose_closing", "close")).status_code == 200
    new = await report(union, person=person)
    assert new["case"]["opened"] is True
    assert new["linkage"]["decision"] == "linked"
    refused = await _moved(union, old, "reopen")
    assert (refused.status_code, refused.json()["code"]) == (409, "state-conflict")


# Participants


async def test_an_observer_comes_and_goes_at_the_coordinators_word(
    union: Api, labour: Api, medical: Api, path: str
) -> None:
    refused = await labour.post(f"{path}/participants", {"agency": str(medical.id)})
    assert refused.status_code == 403
    invited = await union.post(f"{path}/participants", {"agency": str(medical.id)})
    assert invited.status_code == 201
    again = await union.post(f"{path}/participants", {"agency": str(medical.id)})
    assert again.status_code == 201
    parts = [(p["role"], p["until"]) for p in body_of(again)["data"] if p["agency"]["id"] == str(medical.id)]
    assert parts == [("observer", None)]
    version = (await union.get(path)).json()["version"]
    assert (await labour.delete(f"{path}/participants/{medical.id}", if_match=version)).status_code == 403
    assert (await union.delete(f"{path}/participants/{medical.id}", if_match=version)).status_code == 204
    assert (await medical.get(path)).status_code == 404


async def test_an_observer_may_leave_by_itself(union: Api, medical: Api, path: str) -> None:
    await union.post(f"{path}/participants", {"agency": str(medical.id)})
    version = (await medical.get(path)).json()["version"]
    assert (await medical.delete(f"{path}/participants/{medical.id}", if_match=version)).status_code == 204
    assert (await medical.get(path)).status_code == 404


async def test_a_part_that_is_not_there_cannot_be_ended(union: Api, medical: Api, path: str) -> None:
    version = (await union.get(path)).json()["version"]
    answer = await union.delete(f"{path}/participants/{medical.id}", if_match=version)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("agency", [ABSENT, "not-an-id"])
async def test_an_unknown_agency_cannot_be_invited(union: Api, path: str, agency: str) -> None:
    assert (await union.post(f"{path}/participants", {"agency": agency})).status_code == 422


# Search and lists


async def test_a_search_finds_only_what_the_caller_sees_already(
    union: Api, stranger: Api, labour: Api, admin_url: str
) -> None:
    person = person_body()
    filed = await report(labour, person=person)
    for words in (
        {"id_number": person["id_number"]},
        {"id_number": f" {person['id_number'].lower()} "},
        {"name": person["name"], "birth_date": person["birth_date"]},
    ):
        for api, found in ((union, [filed["case"]["id"]]), (labour, [filed["case"]["id"]]), (stranger, [])):
            answer = await api.send("POST", "/v1/cases/search", json=words, purpose="assistance")
            assert answer.status_code == 200, answer.text
            assert [hit["id"] for hit in answer.json()["data"]] == found
    async with superuser(admin_url) as raw:
        sql = (
            "SELECT count(*) FROM audit_leaf WHERE action = 'case.search' AND agency_id = $1 AND purpose = 'assistance'"
        )
        assert await raw.fetchval(sql, stranger.id) >= 3


@pytest.mark.parametrize("number", ["123456789012345", "99", "X" * 18, "990000197013451227", "9900007013451227"])
async def test_a_search_for_what_cannot_be_a_number_finds_nothing_and_breaks_nothing(union: Api, number: str) -> None:
    answer = await union.send("POST", "/v1/cases/search", json={"id_number": number}, purpose="assistance")
    assert answer.status_code in (200, 422), answer.text
    assert number not in answer.text


async def test_a_search_needs_a_purpose_and_something_to_look_for(union: Api) -> None:
    nameless: list[Json] = [{}, {"name": "周桂兰"}, {"birth_date": "1974-03-15"}]
    for words in nameless:
        answer = await union.send("POST", "/v1/cases/search", json=words, purpose="assistance")
        assert answer.status_code == 422
    without = await union.send("POST", "/v1/cases/search", json={"id_number": "990000197403151227"})
    assert without.json()["code"] == "purpose-required"


async def test_a_list_is_filtered_by_status_and_change(union: Api, path: str) -> None:
    case_id = path.rpartition("/")[2]
    await _moved(union, path, "activate")
    since = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    async def ids(**params: str) -> set[str]:
        return {row["id"] for row in (await union.get("/v1/cases", params={"limit": 200, **params})).json()["data"]}

    assert case_id in await ids(status="active", updated_from=since)
    assert case_id not in await ids(status="closed")
    assert case_id not in await ids(updated_from="2099-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "params", [{"status": "open"}, {"limit": "0"}, {"limit": "201"}, {"cursor": "abc"}, {"name": "x"}]
)
async def test_a_list_refuses_what_it_does_not_know(union: Api, params: dict[str, str]) -> None:
    assert (await union.get("/v1/cases", params=params)).status_code in (400, 422)


async def test_a_cursor_opens_no_list_but_its_own(union: Api, labour: Api, path: str) -> None:
    for _ in range(2):
        await report(union)
    cursor = (await union.get("/v1/cases", params={"limit": 1})).json()["page"]["next"]
    assert cursor
    own = await union.get("/v1/cases", params={"limit": 1, "cursor": cursor})
    assert own.status_code == 200
    for api, route, more in (
        (labour, "/v1/cases", {}),
        (union, "/v1/referrals", {}),
        (union, "/v1/cases", {"status": "active"}),
    ):
        answer = await api.get(route, params={"cursor": cursor, **more})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")

"""The main job, once through: report, refer, accept, work, share, adopt. What each participant sees on the way."""

from typing import Any

import httpx
import pytest

from tests.builders import Api, report_body


async def _report(reporter: Api, **changes: Any) -> dict[str, Any]:
    answer = await reporter.post("/v1/reports", report_body(**changes))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _with_consent(*recipients: Api) -> dict[str, Any]:
    return {"kind": "consent", "reference": "同意书-1", "recipients": [str(agency.id) for agency in recipients]}


async def _refer(sender: Api, case_id: str, to: Api, **changes: Any) -> dict[str, Any]:
    body = {"matter": "LAB-09", "to_agency": str(to.id), "need": "employment", "note": "车间分流"} | changes
    answer = await sender.post(f"/v1/cases/{case_id}/referrals", body)
    assert answer.status_code == 201, answer.text
    referral: dict[str, Any] = answer.json()
    return referral


async def _step(agency: Api, referral: dict[str, Any], step: str, **words: Any) -> dict[str, Any]:
    answer = await agency.post(f"/v1/referrals/{referral['id']}/{step}", words, if_match=referral["version"])
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _types(answer: httpx.Response) -> list[str]:
    return [entry["type"] for entry in answer.json()["data"]]


async def test_the_main_job_runs_from_report_to_adoption(union: Api, labour: Api, medical: Api) -> None:
    reported = await _report(labour, sharing_basis=_with_consent(labour, medical))
    assert reported["case"]["opened"] is True
    assert reported["linkage"] == {"decision": "new"}
    case_id = reported["case"]["id"]

    case = (await union.get(f"/v1/cases/{case_id}")).json()
    assert case["coordinator"]["id"] == str(union.id)
    assert {need["need"] for need in case["needs"]} == {"employment", "schooling", "medical"}

    referral = await _refer(union, case_id, labour)
    assert referral["status"] == "requested"
    assert referral["acknowledge_by"] < referral["resolve_by"]

    preview = (await labour.get(f"/v1/referrals/{referral['id']}")).json()
    assert preview["people"] is None
    assert preview["note"] is None
    assert preview["preview"]["age_band"] != "unknown"

    accepted = await _step(labour, referral, "accept")
    refused = await labour.get(f"/v1/referrals/{referral['id']}")
    assert (refused.status_code, refused.json()["code"]) == (400, "purpose-required")
    opened = (await labour.get(f"/v1/referrals/{referral['id']}", purpose="referral")).json()
    assert opened["disclosure"]["basis"] == "consent"
    assert opened["people"][0]["id_number"].startswith("990***")
    assert "health" not in opened["people"][0]

    started = await _step(labour, accepted, "start")
    completed = await _step(
        labour,
        started,
        "complete",
        outcome="met",
        text="认定为就业困难人员",
        result={"kind": "recognition", "code": "hard-to-employ", "valid_from": "2026-03-10"},
        assistance=[{"kind": "training", "depth": "recovery", "quantity": 240, "unit": "hour", "source": "基地"}],
    )
    assert (completed["status"], completed["outcome"]) == ("completed", "met")
    assert completed["allowed_steps"] == []

    await union.post(f"/v1/cases/{case_id}/participants", {"agency": str(medical.id)})
    (result,) = (await medical.get(f"/v1/cases/{case_id}/results")).json()["data"]
    assert (result["kind"], result["code"]) == ("recognition", "hard-to-employ")
    adopted = await medical.post(f"/v1/results/{result['id']}/adoptions", {"decision": "adopted"})
    assert adopted.status_code == 201, adopted.text

    told = _types(await union.get(f"/v1/cases/{case_id}/timeline"))
    order = ["case.opened", "referral.requested", "referral.accepted", "referral.started", "referral.completed"]
    assert [kind for kind in told if kind in order] == order
    assert told.index("result.shared") < told.index("result.adopted")
    assert "assistance.recorded" in told


async def test_a_receiver_without_a_basis_sees_the_preview_and_what_is_missing(union: Api, labour: Api) -> None:
    reported = await _report(union)
    referral = await _refer(union, reported["case"]["id"], labour)
    await _step(labour, referral, "accept")
    opened = (await labour.get(f"/v1/referrals/{referral['id']}")).json()
    assert opened["people"] is None
    assert opened["disclosure"] == {"field_classes": [], "basis": None, "missing": "consent-missing"}

    recorded = await union.post(
        f"/v1/cases/{reported['case']['id']}/sharing-bases",
        {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]},
    )
    assert recorded.status_code == 201, recorded.text
    opened = (await labour.get(f"/v1/referrals/{referral['id']}", purpose="referral")).json()
    assert opened["disclosure"]["basis"] == "consent"


@pytest.mark.parametrize(
    "path", ["", "/timeline", "/participants", "/links", "/referrals", "/results", "/tasks", "/file"]
)
async def test_a_stranger_cannot_tell_a_case_from_none(union: Api, stranger: Api, path: str) -> None:
    case_id = (await _report(union))["case"]["id"]
    hidden = await stranger.get(f"/v1/cases/{case_id}{path}", purpose="assistance")
    absent = await stranger.get(f"/v1/cases/019363a0-0000-7000-8000-000000000000{path}", purpose="assistance")
    assert hidden.status_code == absent.status_code == 404

    def told(answer: httpx.Response) -> dict[str, Any]:
        return {name: value for name, value in answer.json().items() if name not in ("instance", "trace_id")}

    assert told(hidden) == told(absent)


async def test_the_same_person_reported_twice_joins_one_case(union: Api, labour: Api) -> None:
    first = report_body()
    one = await _report(union, person=first["person"])
    two = await _report(labour, person=first["person"])
    assert two["case"]["id"] == one["case"]["id"]
    assert (two["case"]["opened"], two["linkage"]["decision"]) == (False, "linked")
    seen = (await labour.get(f"/v1/cases/{one['case']['id']}")).json()
    assert seen["roles"] == ["reporter"]
    assert (await labour.get(f"/v1/cases/{one['case']['id']}/file", purpose="assistance")).status_code == 403


async def test_the_coordinator_reads_the_file_and_a_purpose_is_asked_for(union: Api) -> None:
    case_id = (await _report(union))["case"]["id"]
    assert (await union.get(f"/v1/cases/{case_id}/file")).json()["code"] == "purpose-required"
    file = (await union.get(f"/v1/cases/{case_id}/file", purpose="assistance")).json()
    assert [person["role"] for person in file["people"]] == ["main", "member"]
    assert file["people"][0]["id_number"].count("*") == 13
    assert file["people"][1]["health"] == "chronic"


async def test_lists_show_each_case_once_and_go_on_by_cursor(union: Api) -> None:
    ids = {(await _report(union))["case"]["id"] for _ in range(3)}
    seen: list[str] = []
    page = (await union.get("/v1/cases", params={"limit": 2})).json()
    while True:
        seen += [row["id"] for row in page["data"]]
        if not page["page"]["has_more"] or ids <= set(seen):
            break
        page = (await union.get("/v1/cases", params={"limit": 2, "cursor": page["page"]["next"]})).json()
    assert ids <= set(seen)
    assert len(seen) == len(set(seen))


async def test_a_basis_recorded_by_its_own_recipient_opens_only_what_that_agency_reported(
    union: Api, labour: Api
) -> None:
    person = report_body()["person"]
    by_union = await _report(union, person=person | {"phones": ["+8613911112222"]})
    by_labour = await _report(labour, person=person, sharing_basis=_with_consent(labour))
    assert by_labour["case"]["id"] == by_union["case"]["id"]
    referral = await _refer(union, by_union["case"]["id"], labour)
    await _step(labour, referral, "accept")
    opened = (await labour.get(f"/v1/referrals/{referral['id']}", purpose="referral")).json()
    assert opened["note"] is None
    assert {phone[-2:] for shown in opened["people"] for phone in shown["phones"]} == {person["phones"][0][-2:]}

    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]}
    await union.post(f"/v1/cases/{by_union['case']['id']}/sharing-bases", basis)
    opened = (await labour.get(f"/v1/referrals/{referral['id']}", purpose="referral")).json()
    assert opened["note"] == "车间分流"

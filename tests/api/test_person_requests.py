"""What a person may ask about the data held on them: filed with proof, decided by whom it concerns, with its clock."""

from typing import Any

import httpx
import pytest

from tests.actions.story import Json, body_of, refer, report, step
from tests.builders import Api, fresh_key, person_body
from tests.conftest import OpenApi

CLERK = {"tongli-actor": "desk-7"}
PURPOSE = "person_request"
FAMILY = [{"name": "欧阳建国", "relation": "spouse", "health": "chronic"}]


def said(kind: str, **changes: object) -> Json:
    proof = {"document": "resident_id", "last_four": "1227", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"}
    return {"kind": kind, "proof": proof, **changes}


async def try_file(api: Api, case_id: str, kind: str, **changes: object) -> httpx.Response:
    return await api.post(f"/v1/cases/{case_id}/person-requests", said(kind, **changes), headers=CLERK)


async def file(api: Api, case_id: str, kind: str, **changes: object) -> Json:
    answer = await try_file(api, case_id, kind, **changes)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def try_take(api: Api, request: Json, name: str, **words: object) -> httpx.Response:
    return await api.post(f"/v1/person-requests/{request['id']}/{name}", words, if_match=request["version"])


async def take(api: Api, request: Json, name: str, **words: object) -> Json:
    answer = await try_take(api, request, name, **words)
    assert answer.status_code == 200, answer.text
    return body_of(answer)


async def reviewed(api: Api, case_id: str, kind: str, **changes: object) -> Json:
    return await take(api, await file(api, case_id, kind, **changes), "review")


async def _file_of(union: Api, case_id: str) -> Json:
    people: list[Json] = (await union.get(f"/v1/cases/{case_id}/file", purpose="assistance")).json()["people"]
    return people[0]


# Filing


async def test_a_participant_files_and_the_coordinator_decides(union: Api, labour: Api) -> None:
    filed = await report(labour)
    request = await file(labour, filed["case"]["id"], "copy", text="要一份副本")
    assert (request["status"], request["decided_by"]["id"]) == ("received", str(union.id))
    assert (request["due_source"], request["parts"], request["person_id"]) == ("default", ["filer"], None)
    seen = body_of(await union.get(f"/v1/person-requests/{request['id']}", purpose=PURPOSE))
    assert (seen["said"]["text"], seen["said"]["proof"]["last_four"]) == ("要一份副本", "1227")
    assert seen["allowed_steps"] == ["review", "extend", "withdraw"]


async def test_a_system_names_its_operator_and_proof_is_not_of_tomorrow(union: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    path = f"/v1/cases/{case_id}/person-requests"
    refused = await union.post(path, said("copy"))
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("header:Tongli-Actor", "required")]
    later = said("copy")
    later["proof"]["seen_at"] = "2099-01-01T00:00:00Z"
    refused = await union.post(path, later, headers=CLERK)
    assert refused.json()["errors"][0]["code"] == "in-the-future"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "copy", "asked_by": "agent"}, "/mandate"),
        ({"kind": "copy", "proof": None}, "/proof"),
        ({"kind": "erasure", "asked_by": "duty"}, "/proof"),
        ({"kind": "copy", "asked_by": "duty", "proof": None}, "/asked_by"),
        ({"kind": "copy", "mandate": {"kind": "heir", "reference": "公证书"}}, "/mandate"),
        ({"kind": "copy", "entered_in_error": True}, "/entered_in_error"),
        ({"kind": "copy", "correction": {"name": "某"}}, "/correction"),
        ({"kind": "correction"}, "/correction"),
        ({"kind": "correction", "correction": {}}, "/correction"),
        ({"kind": "correction", "correction": {"id_number": "990000197403151227"}}, "/correction/id_type"),
        ({"kind": "correction", "correction": {"id_type": "encoded", "id_number": "x"}}, "/correction/id_type"),
        (
            {"kind": "correction", "correction": {"id_type": "resident_id", "id_number": "990000197403151220"}},
            "/correction/id_number",
        ),
        ({"kind": "correction", "correction": {"phones": ["12"]}}, "/correction/phones/0"),
        ({"kind": "copy", "recipients": ["00000000-0000-7000-8000-000000000000"]}, "/recipients"),
        ({"kind": "objection", "recipients": ["00000000-0000-7000-8000-000000000000"]}, "/recipients"),
        ({"kind": "copy", "person_id": "00000000-0000-7000-8000-000000000000"}, "/person_id"),
        ({"kind": "correction", "correction": {"name": "某"}, "reporting_agency": "labour"}, "/reporting_agency"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    union: Api, labour: Api, changes: dict[str, Any], pointer: str
) -> None:
    case_id = (await report(union))["case"]["id"]
    given = dict(changes)
    if given.get("reporting_agency") == "labour":
        given["reporting_agency"] = str(labour.id)
    refused = await try_file(union, case_id, given.pop("kind"), **given)
    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_stranger_finds_no_case_and_no_request(union: Api, open_api: OpenApi) -> None:
    stranger = await open_api("DEMO-990102-UNION")
    case_id = (await report(union))["case"]["id"]
    assert (await try_file(stranger, case_id, "copy")).status_code == 404
    request = await file(union, case_id, "copy")
    path = f"/v1/person-requests/{request['id']}"
    assert (await stranger.get(path, purpose=PURPOSE)).status_code == 404
    assert (await try_take(stranger, request, "withdraw")).status_code == 404
    rows = (await stranger.get("/v1/person-requests")).json()["data"]
    assert request["id"] not in {row["id"] for row in rows}


async def test_the_same_key_files_one_request(union: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    key, path = fresh_key(), f"/v1/cases/{case_id}/person-requests"
    first, second = [await union.post(path, said("copy"), headers=CLERK, key=key) for _ in range(2)]
    assert first.json()["id"] == second.json()["id"]
    rows = (await union.get("/v1/person-requests", params={"case_id": case_id})).json()["data"]
    assert [row["id"] for row in rows] == [first.json()["id"]]


async def test_an_employers_case_holds_no_person_to_ask_about(union: Api) -> None:
    employer = {"name": "安塑包装有限公司", "uscc": None}
    filed = await report(union, person=None, household=None, employer=employer, needs=["wage"], sharing_basis=None)
    refused = await try_file(union, filed["case"]["id"], "copy")
    assert (refused.status_code, refused.json()["reason"]) == (409, "case-without-persons")


# Steps


async def test_steps_are_whose_they_are(union: Api, labour: Api) -> None:
    filed = await report(labour)
    request = await file(labour, filed["case"]["id"], "copy")
    assert (await try_take(labour, request, "review")).status_code == 403
    stale = await union.post(f"/v1/person-requests/{request['id']}/review", {}, if_match=9)
    assert stale.status_code == 412
    assert (await union.post(f"/v1/person-requests/{request['id']}/review", {})).status_code == 428
    early = await try_take(union, request, "fulfil")
    assert (early.status_code, early.json()["code"]) == (409, "invalid-transition")
    withdrawn = await take(labour, request, "withdraw")
    assert (withdrawn["status"], withdrawn["allowed_steps"]) == ("withdrawn", [])


async def test_a_refusal_names_its_legal_reason_in_words(union: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    request = await reviewed(union, case_id, "copy")
    bare = await try_take(union, request, "refuse")
    assert {error["pointer"] for error in bare.json()["errors"]} == {"/reason", "/text"}
    wrong = await try_take(union, request, "refuse", reason="no_time", text="x")
    assert wrong.json()["errors"][0]["code"] == "not-allowed"
    refused = await take(union, request, "refuse", reason="identity_not_proven", text="证件不符")
    assert (refused["status"], refused["reason"]) == ("refused", "identity_not_proven")
    opened = body_of(await union.get(f"/v1/person-requests/{request['id']}", purpose=PURPOSE))
    assert opened["answer"] == {"refuse": "证件不符"}


async def test_the_time_is_prolonged_once_with_a_reason(union: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    request = await reviewed(union, case_id, "copy")
    longer = await take(union, request, "extend", reason="complex_facts", text="材料较多")
    assert longer["extended"]
    assert longer["due_by"] > request["due_by"]
    again = await try_take(union, longer, "extend", reason="complex_facts", text="仍多")
    assert again.json()["reason"] == "extended-before"


# Who looked at it


async def test_the_log_of_accesses_tells_agencies_in_words_and_no_staff(union: Api, labour: Api) -> None:
    filed = await report(labour)
    case_id = filed["case"]["id"]
    await labour.get(f"/v1/reports/{filed['id']}", purpose="assistance", headers={"tongli-actor": "ms-zhang"})
    answer = await union.get(f"/v1/cases/{case_id}/access-log", purpose=PURPOSE)
    rows = answer.json()["data"]
    assert [row["operation"] for row in rows] == ["report.read", "report.file"]
    read = rows[0]
    assert (read["agency"]["id"], read["agency_kind"], read["purpose"]) == (str(labour.id), "labour", "assistance")
    assert (read["operation_zh"], read["read"], rows[1]["read"]) == ("查阅了报告原文", True, False)
    assert "identity" in read["field_classes"]
    assert "ms-zhang" not in answer.text
    assert str(labour.agency.client_id) not in answer.text
    assert (await labour.get(f"/v1/cases/{case_id}/access-log", purpose=PURPOSE)).status_code == 403
    assert (await union.get(f"/v1/cases/{case_id}/access-log")).json()["code"] == "purpose-required"
    again = (await union.get(f"/v1/cases/{case_id}/access-log", purpose=PURPOSE, params={"limit": 1})).json()
    assert again["data"][0]["operation"] == "case.access_log"
    cursor = again["page"]["next"]
    rest = await union.get(f"/v1/cases/{case_id}/access-log", purpose=PURPOSE, params={"limit": 2, "cursor": cursor})
    assert [row["operation"] for row in rest.json()["data"]] == ["report.read", "report.file"]


async def test_the_person_is_handed_the_log_of_accesses(union: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    request = await file(union, case_id, "access_log")
    path = f"/v1/person-requests/{request['id']}/document"
    early = await union.get(path, purpose=PURPOSE)
    assert (early.status_code, early.json()["reason"]) == (409, "not-in-review")
    await take(union, request, "review")
    document = body_of(await union.get(path, purpose=PURPOSE))
    assert (document["kind"], document["complete"]) == ("access_log", True)
    assert [entry["operation_zh"] for entry in document["accesses"]][-2:] == ["登记了本人请求", "报告了情况"]
    page = await union.get(f"{path}.html", purpose=PURPOSE)
    assert page.headers["content-type"].startswith("text/html")
    assert "个人信息查阅记录" in page.text
    assert "报告了情况" in page.text


# The copy


async def test_the_copy_holds_everything_in_clear_and_masks_third_parties(union: Api, labour: Api) -> None:
    person = person_body(health="chronic")
    basis = {"kind": "consent", "reference": "同意书-77", "recipients": [str(labour.id)]}
    filed = await report(union, person=person, household=FAMILY, narrative="孩子上学", sharing_basis=basis)
    case_id = filed["case"]["id"]
    referral = await refer(union, case_id, labour, note="请尽快")
    for name in ("accept", "start"):
        referral = await step(labour, referral, name)
    result = {"kind": "recognition", "code": "hard-to-employ", "text": "已认定"}
    await step(labour, referral, "complete", result=result, text="办妥了")
    request = await reviewed(union, case_id, "copy")
    document = body_of(await union.get(f"/v1/person-requests/{request['id']}/document", purpose=PURPOSE))
    (record,) = document["records"]
    assert (record["name"], record["id_number"], record["phones"]) == (
        person["name"],
        person["id_number"],
        person["phones"],
    )
    (other,) = document["household"]
    assert (other["relation"], other["role"]) == ("spouse", "member")
    text = str(document)
    for held in ("孩子上学", "同意书-77", "请尽快", "已认定", "办妥了", person["id_number"]):
        assert held in text, held
    assert "欧阳建国" not in text
    page = (await union.get(f"/v1/person-requests/{request['id']}/document.html", purpose=PURPOSE)).text
    assert person["id_number"] in page
    assert "欧阳建国" not in page
    log = (await union.get(f"/v1/cases/{case_id}/access-log", purpose=PURPOSE)).json()["data"]
    assert [row["operation"] for row in log].count("case.copy") == 2


async def test_a_page_escapes_what_was_said(union: Api) -> None:
    case_id = (await report(union, narrative="<script>alert(1)</script>"))["case"]["id"]
    request = await reviewed(union, case_id, "copy")
    page = await union.get(f"/v1/person-requests/{request['id']}/document.html", purpose=PURPOSE)
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_only_the_coordinator_makes_the_document(union: Api, labour: Api) -> None:
    filed = await report(labour)
    request = await file(labour, filed["case"]["id"], "copy")
    await take(union, request, "review")
    path = f"/v1/person-requests/{request['id']}/document"
    assert (await labour.get(path, purpose=PURPOSE)).status_code == 403
    assert (await union.get(path)).json()["code"] == "purpose-required"


# Corrections


async def test_a_confirmed_correction_overrides_what_was_said_first(union: Api, labour: Api) -> None:
    person = person_body()
    filed = await report(union, person=person)
    await report(labour, person=person | {"phones": ["+8613900000077"]}, household=None)
    case_id = filed["case"]["id"]
    before = await _file_of(union, case_id)
    asked = {"name": "正名", "address": "新址二号", "phones": ["+8613911112222"], "birth_date": "1975-01-02"}
    request = await file(labour, case_id, "correction", correction=asked, reporting_agency=str(labour.id))
    assert (request["decided_by"]["id"], request["due_source"]) == (str(labour.id), "law")
    await take(labour, await take(labour, request, "review"), "fulfil")
    after = await _file_of(union, case_id)
    assert (after["name"], after["address"], after["birth_date"]) == ("正名", "新址二号", "1975-01-02")
    assert after["phones"] != before["phones"]
    assert (after["sex"], after["id_number"]) == (before["sex"], before["id_number"])
    original = (await union.get(f"/v1/reports/{filed['id']}", purpose="assistance")).json()["said"]["person"]
    assert original["name"] == person["name"], "the report stays as it was said"


async def test_a_later_correction_goes_before_an_earlier_one_and_gaps_stay_filled(union: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    for name in ("初改", "再改"):
        request = await reviewed(union, case_id, "correction", correction={"name": name})
        await take(union, request, "fulfil")
    shown = await _file_of(union, case_id)
    assert shown["name"] == "再改"
    assert shown["address"] is not None


async def test_a_correction_is_handed_to_the_agency_that_reported(union: Api, labour: Api, medical: Api) -> None:
    person = person_body()
    filed = await report(union, person=person)
    await report(labour, person=person, household=None)
    case_id = filed["case"]["id"]
    request = await file(union, case_id, "correction", correction={"sex": "unknown", "address": "三号"})
    nobody = await try_take(union, request, "review", hand_to=str(medical.id))
    assert nobody.json()["errors"][0]["code"] == "no-record-of-this-agency"
    handed = await take(union, request, "review", hand_to=str(labour.id))
    assert handed["decided_by"]["id"] == str(labour.id)
    assert (await try_take(union, handed, "fulfil")).status_code == 403
    done = await take(labour, handed, "partly_fulfil", fields=["address"], reason="record_is_correct", text="性别无误")
    assert done["status"] == "partly_fulfilled"
    assert (await _file_of(union, case_id))["address"] == "三号"
    strange = await reviewed(union, case_id, "correction", correction={"address": "四号"})
    refused = await try_take(union, strange, "partly_fulfil", fields=["name"], reason="record_is_correct", text="x")
    assert refused.json()["errors"][0]["code"] == "not-asked-for"


async def test_a_reporters_guess_who_else_reported_is_not_answered(union: Api, labour: Api, medical: Api) -> None:
    person = person_body()
    filed = await report(labour, person=person)
    await report(medical, person=person, household=None)
    case_id = filed["case"]["id"]
    for guess in (medical, union):
        request = await file(
            labour, case_id, "correction", correction={"address": "五号"}, reporting_agency=str(guess.id)
        )
        assert request["decided_by"]["id"] == str(union.id)


async def test_a_corrected_number_is_found_and_shown_masked(union: Api) -> None:
    person = person_body() | {"id_type": "none", "id_number": None}
    filed = await report(union, person=person)
    case_id = filed["case"]["id"]
    number = person_body()["id_number"]
    right = {"id_type": "resident_id", "id_number": number}
    await take(union, await reviewed(union, case_id, "correction", correction=right), "fulfil")
    (hit,) = (await union.post("/v1/cases/search", {"id_number": number}, purpose="assistance")).json()["data"]
    assert hit["id"] == case_id
    shown = await _file_of(union, case_id)
    assert shown["id_type"] == "resident_id"
    assert number not in str(shown)


# Objections


async def test_an_objection_stops_disclosure_to_the_named_recipient(union: Api, labour: Api, medical: Api) -> None:
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id), str(medical.id)]}
    filed = await report(union, sharing_basis=basis)
    case_id = filed["case"]["id"]
    at_work = {}
    for office, matter in ((labour, "LAB-09"), (medical, "MED-01")):
        referral = await refer(union, case_id, office, matter=matter)
        at_work[office.agency.code] = await step(office, referral, "accept")
    request = await reviewed(union, case_id, "objection", recipients=[str(labour.id)])
    await take(union, request, "fulfil", text="已停止共享")

    async def people(office: Api) -> Any:
        path = f"/v1/referrals/{at_work[office.agency.code]['id']}"
        return (await office.get(path, purpose="assistance")).json()["people"]

    assert not await people(labour)
    assert await people(medical)


async def test_a_duty_of_law_outlasts_an_objection_unless_the_coordinator_ends_it(
    union: Api, labour: Api, medical: Api
) -> None:
    basis = {"kind": "statutory_duty", "reference": "条例", "recipients": [str(medical.id)]}
    case_id = (await report(labour, sharing_basis=basis))["case"]["id"]
    request = await reviewed(union, case_id, "objection")
    whole = await try_take(union, request, "fulfil")
    assert (whole.status_code, whole.json()["reason"]) == (409, "bases-left")
    part = await take(union, request, "partly_fulfil", reason="statutory_duty", text="依条例共享")
    assert part["status"] == "partly_fulfilled"
    request = await reviewed(union, case_id, "objection")
    assert (await take(union, request, "fulfil", end_bases=["consent", "statutory_duty"]))["status"] == "fulfilled"


# Events


async def test_events_go_to_coordinator_filer_and_decider_only(union: Api, labour: Api, medical: Api) -> None:
    filed = await report(labour)
    case_id = filed["case"]["id"]
    await union.post(f"/v1/cases/{case_id}/participants", {"agency": str(medical.id)})
    request = await file(labour, case_id, "copy")
    await take(union, await take(union, request, "review"), "fulfil")
    for api, told in ((union, True), (labour, True), (medical, False)):
        timeline = (await api.get(f"/v1/cases/{case_id}/timeline")).json()["data"]
        types = [entry["type"] for entry in timeline if entry["type"].startswith("person_request")]
        assert types == (["person_request.received", "person_request.decided"] if told else []), api.agency.code

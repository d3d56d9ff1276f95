"""Grounds, withdrawal, assessments, children, the emergency access, reveal: what leaves, and what does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Database, open_database
from jobs.clocks import look_once
from settings import Settings
from tests.actions.instances import instance_on, superuser
from tests.actions.story import refer, report, step
from tests.builders import Api, person_body
from tests.conftest import OpenApi

DANGER = {"danger": "health", "text": "突发重病，需立即联系家属", "hours": 2}


def _consent(*recipients: Api, **changes: Any) -> dict[str, Any]:
    return {"kind": "consent", "reference": "同意书", "recipients": [str(api.id) for api in recipients]} | changes


async def _at_work(union: Api, office: Api, *, matter: str = "LAB-09", **filed: Any) -> tuple[str, dict[str, Any]]:
    case_id = (await report(union, **filed))["case"]["id"]
    referral = await step(office, await refer(union, case_id, office, matter=matter), "accept")
    return case_id, referral


async def _record(union: Api, case_id: str, basis: dict[str, Any]) -> dict[str, Any]:
    answer = await union.post(f"/v1/cases/{case_id}/sharing-bases", basis)
    assert answer.status_code == 201, answer.text
    bases = (await union.get(f"/v1/cases/{case_id}/sharing-bases")).json()["data"]
    found: dict[str, Any] = bases[-1]
    return found


async def test_a_withdrawn_consent_opens_nothing_from_then_on(union: Api, labour: Api) -> None:
    case_id, referral = await _at_work(union, labour)
    people = f"/v1/referrals/{referral['id']}/people"
    refused = await labour.get(people, purpose="referral")
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (
        403,
        "consent-missing",
        "consent-missing",
    )
    assert refused.json()["field_classes"] == ["basic", "contact", "family", "identity"]
    basis = await _record(union, case_id, _consent(labour, text_version="v3", channel="paper", given_by="person"))
    assert (basis["text_version"], basis["channel"], basis["given_by"]) == ("v3", "paper", "person")
    assert (await labour.get(people, purpose="referral")).status_code == 200
    withdrawn = await union.post(f"/v1/sharing-bases/{basis['id']}/withdraw", {"withdrawn_by": "person"})
    assert (withdrawn.status_code, withdrawn.json()["withdrawn_by"]) == (200, "person")
    assert (await labour.get(people, purpose="referral")).json()["code"] == "consent-missing"
    assert (await labour.get(f"/v1/referrals/{referral['id']}", purpose="referral")).json()["people"] is None
    again = await union.post(f"/v1/sharing-bases/{basis['id']}/withdraw", {"withdrawn_by": "person"})
    assert (again.status_code, again.json()["code"]) == (409, "invalid-transition")


async def test_who_may_see_and_withdraw_a_basis(union: Api, labour: Api, medical: Api, stranger: Api) -> None:
    case_id, _ = await _at_work(union, labour)
    basis = await _record(union, case_id, _consent(labour))
    path = f"/v1/sharing-bases/{basis['id']}"
    assert (await labour.get(path)).json()["recipient"]["id"] == str(labour.id)
    assert (await labour.post(f"{path}/withdraw", {"withdrawn_by": "agency"})).status_code == 403
    for other in (medical, stranger):
        assert (await other.get(path)).status_code == 404
        assert (await other.post(f"{path}/withdraw", {"withdrawn_by": "agency"})).status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"kind": "statutory_duty"}, "/kind", "no-ground-between-these-agencies"),
        ({"kind": "emergency", "valid_until": "2099-01-01T00:00:00Z"}, "/valid_until", "longer-than-72-hours"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "/valid_until", "in-the-past"),
        ({"kind": "emergency", "given_by": "guardian"}, "/given_by", "only-with-consent"),
        ({"recipients": []}, "/recipients", "required"),
    ],
)
async def test_a_basis_that_is_none_is_refused_by_name(
    union: Api, labour: Api, changes: dict[str, Any], pointer: str, code: str
) -> None:
    case_id = (await report(union))["case"]["id"]
    answer = await union.post(f"/v1/cases/{case_id}/sharing-bases", _consent(labour) | changes)
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


async def test_a_consent_reaches_as_far_as_scope_purpose_and_minimum_set_together(union: Api, labour: Api) -> None:
    case_id, referral = await _at_work(union, labour)
    await _record(union, case_id, _consent(labour, purpose="eligibility", field_classes=["basic", "medical"]))
    path = f"/v1/referrals/{referral['id']}/people"
    other = await labour.get(path, purpose="payment")
    assert (other.status_code, other.json()["reason"]) == (403, "purpose-not-covered")
    opened = (await labour.get(path, purpose="eligibility")).json()
    assert opened["field_classes"] == ["basic"]
    assert set(opened["people"][0]) >= {"name", "sex"}
    assert not {"phones", "id_number", "health"} & set(opened["people"][0])


async def test_children_are_shown_with_a_guardians_word_only(union: Api, labour: Api) -> None:
    born = datetime.now(UTC).date().replace(day=1) - timedelta(days=9 * 365)
    child = {"name": "周小宝", "relation": "child", "birth_date": str(born)}
    case_id, referral = await _at_work(union, labour, household=[child])
    path = f"/v1/referrals/{referral['id']}/people"
    await _record(union, case_id, _consent(labour, given_by="person"))
    without = (await labour.get(path, purpose="referral")).json()
    assert ([p["relation"] for p in without["people"]], without["withheld"]) == (["self"], 1)
    await _record(union, case_id, _consent(labour, given_by="guardian"))
    with_word = (await labour.get(path, purpose="referral")).json()
    assert ([p["relation"] for p in with_word["people"]], with_word["withheld"]) == (["self", "child"], 0)


async def test_without_an_assessment_in_force_a_matter_opens_nothing(
    fresh_database: str, vault: Vault, settings: Settings
) -> None:
    database = open_database(role_url(fresh_database, names.APP, vault.keyring), vault=vault)
    async with instance_on(database, fresh_database, settings) as instance:
        union, labour = await instance.api("DEMO-340802-UNION"), await instance.api("DEMO-340802-LABOUR")
        province = await instance.api("DEMO-340000-UNION")
        case_id, referral = await _at_work(union, labour)
        await _record(union, case_id, _consent(labour))
        path = f"/v1/referrals/{referral['id']}/people"
        assert (await labour.get(path, purpose="referral")).status_code == 200
        (assessment,) = (await province.get("/v1/impact-assessments", params={"agency": str(province.id)})).json()[
            "data"
        ]
        theirs = await union.post(f"/v1/impact-assessments/{assessment['id']}/revoke")
        assert (theirs.status_code, theirs.json()["code"]) == (403, "insufficient-role")
        assert (await province.post(f"/v1/impact-assessments/{assessment['id']}/revoke")).status_code == 200
        closed = await labour.get(path, purpose="referral")
        assert (closed.status_code, closed.json()["reason"]) == (403, "assessment-missing")
        narrow = _assessment(matters=["LAB-09"], field_classes=["basic"])
        assert (await union.post("/v1/impact-assessments", narrow)).status_code == 201
        assert (await labour.get(path, purpose="referral")).status_code == 403
        enough = _assessment(matters=["LAB-09"], field_classes=["basic", "contact", "family", "identity"])
        assert (await union.post("/v1/impact-assessments", enough)).status_code == 201
        assert (await labour.get(path, purpose="referral")).status_code == 200
    await database.close()


def _assessment(**changes: Any) -> dict[str, Any]:
    return {
        "title": "评估",
        "matters": ["LAB-09"],
        "field_classes": ["basic"],
        "measures": "最小必要",
        "assessed_by": "负责人",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2036-01-01T00:00:00Z",
    } | changes


async def test_an_assessment_names_matters_that_exist_and_ends_after_it_begins(union: Api) -> None:
    answer = await union.post(
        "/v1/impact-assessments", _assessment(matters=["LAB-09", "XXX-99"], valid_until="2026-01-01T00:00:00Z")
    )
    assert {(error["pointer"], error["code"]) for error in answer.json()["errors"]} == {
        ("/matters/1", "unknown-matter"),
        ("/valid_until", "ends-before-it-begins"),
    }


# The emergency access


async def test_broken_glass_shows_what_helps_at_once_and_ends_with_the_verdict(union: Api, labour: Api) -> None:
    case_id = (await report(labour))["case"]["id"]
    file = f"/v1/cases/{case_id}/file"
    assert (await labour.get(file, purpose="emergency")).json()["code"] == "insufficient-role"
    use = await labour.post(f"/v1/cases/{case_id}/break-glass", DANGER)
    assert use.status_code == 201, use.text
    opened = (await labour.get(file, purpose="emergency")).json()
    assert opened["field_classes"] == ["basic", "contact", "family", "medical"]
    assert "id_number" not in opened["people"][0]
    seen = (await union.get(f"/v1/cases/{case_id}/break-glass")).json()["data"]
    assert [row["text"] for row in seen] == [DANGER["text"]]
    own = await labour.post(f"/v1/break-glass/{use.json()['id']}/review", {"verdict": "justified", "text": "自评"})
    assert (own.status_code, own.json()["code"]) == (403, "insufficient-role")
    path = f"/v1/break-glass/{use.json()['id']}/review"
    judged = await union.post(path, {"verdict": "not_justified", "text": "不属紧急"})
    assert judged.status_code == 200, judged.text
    assert (await labour.get(file, purpose="emergency")).json()["code"] == "insufficient-role"
    assert (await union.post(path, {"verdict": "justified", "text": "再评"})).json()["code"] == "invalid-transition"


async def test_broken_glass_is_for_participants_and_ends_by_itself(
    union: Api, labour: Api, stranger: Api, admin_url: str
) -> None:
    case_id = (await report(labour))["case"]["id"]
    assert (await stranger.post(f"/v1/cases/{case_id}/break-glass", DANGER)).status_code == 404
    assert (await union.post(f"/v1/cases/{case_id}/break-glass", DANGER)).json()["code"] == "state-conflict"
    assert (await labour.post(f"/v1/cases/{case_id}/break-glass", DANGER | {"hours": 25})).status_code == 422
    use = (await labour.post(f"/v1/cases/{case_id}/break-glass", DANGER)).json()
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE break_glass SET ends_at = now() - interval '1 second' WHERE id = $1", use["id"])
    assert (await labour.get(f"/v1/cases/{case_id}/file", purpose="emergency")).status_code == 403


async def test_a_use_nobody_judged_in_its_day_is_said_once_and_bars_the_next(
    union: Api, open_api: OpenApi, admin_url: str, jobs_database: Database
) -> None:
    office = await open_api("DEMO-340802-EDUCATION")
    case_id = (await report(office))["case"]["id"]
    use = (await office.post(f"/v1/cases/{case_id}/break-glass", DANGER)).json()
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE break_glass SET review_by = now() - interval '1 minute' WHERE id = $1", use["id"])
    await look_once(jobs_database)
    await look_once(jobs_database)
    async with superuser(admin_url) as raw:
        said = await raw.fetchval(
            "SELECT count(*) FROM event WHERE type = 'break_glass.overdue' AND subject_id = $1", use["id"]
        )
    assert said == 1
    barred = await office.post(f"/v1/cases/{case_id}/break-glass", DANGER)
    assert (barred.status_code, barred.json()["code"]) == (409, "state-conflict")
    assert (
        await union.post(f"/v1/break-glass/{use['id']}/review", {"verdict": "justified", "text": "属实"})
    ).status_code == 200
    assert (await office.post(f"/v1/cases/{case_id}/break-glass", DANGER)).status_code == 201


# Reveal


def _person() -> dict[str, Any]:
    return person_body(bank_account="6222020000123456788")


async def _revealer(open_api: OpenApi, code: str) -> Api:
    return await open_api(code, scopes=("persons:reveal", "cases:read", "referrals:read"))


def _asking(person_id: str, *fields: str, **changes: Any) -> dict[str, Any]:
    return {"person_id": person_id, "fields": list(fields), "reason": "verify_identity"} | changes


async def _staff_login(admin: Api) -> str:
    login = "reveal-" + "".join("abcdefghij"[int(digit)] for digit in str(datetime.now(UTC).microsecond))
    body = {"login": login, "name": "吴明文", "roles": ["auditor"]}
    assert (await admin.post("/v1/staff", body)).status_code == 201
    return login


async def test_the_coordinator_sees_masked_values_in_full_in_the_name_of_a_known_person(
    union: Api, open_api: OpenApi, admin_url: str
) -> None:
    person, revealer = _person(), await _revealer(open_api, "DEMO-340802-UNION")
    case_id = (await report(union, person=person))["case"]["id"]
    shown = (await union.get(f"/v1/cases/{case_id}/file", purpose="assistance")).json()["people"][0]
    assert person["id_number"] not in str(shown)
    path, actor = f"/v1/cases/{case_id}/reveal", {"tongli-actor": await _staff_login(union)}
    asked = _asking(shown["id"], "id_number", "phones")
    nobody = await revealer.send("POST", path, json=asked, purpose="assistance")
    assert (nobody.status_code, nobody.json()["code"]) == (403, "insufficient-role")
    unknown = {"tongli-actor": "nobody-here"}
    assert (await revealer.send("POST", path, json=asked, purpose="assistance", headers=unknown)).status_code == 403
    seen = await revealer.send("POST", path, json=asked, purpose="assistance", headers=actor)
    assert seen.status_code == 200, seen.text
    assert (seen.json()["id_number"], seen.json()["phones"]) == (person["id_number"], person["phones"])
    assert seen.json()["bank_account"] is None
    assert '"reveal";r=' in seen.headers["ratelimit"]
    account = _asking(shown["id"], "bank_account")
    closed = await revealer.send("POST", path, json=account, purpose="assistance", headers=actor)
    assert [(e["pointer"], e["code"]) for e in closed.json()["errors"]] == [("/fields/0", "class-not-open")]
    paid = await revealer.send("POST", path, json=account | {"reason": "pay_out"}, purpose="payment", headers=actor)
    assert paid.json()["bank_account"] == person["bank_account"]
    async with superuser(admin_url) as raw:
        (leaf,) = await raw.fetch("SELECT * FROM audit_leaf WHERE id = $1", seen.json()["leaf_id"])
        told = await raw.fetchval("SELECT count(*) FROM event WHERE type = 'person.revealed' AND case_id = $1", case_id)
    assert (leaf["action"], leaf["actor"], leaf["purpose"]) == ("person.reveal", actor["tongli-actor"], "assistance")
    assert leaf["field_classes"] == ["contact", "identity"]
    assert told == 2


async def test_a_receiver_reveals_what_its_referral_opens_and_nobody_else_anything(
    union: Api, labour: Api, open_api: OpenApi, stranger: Api
) -> None:
    person = _person()
    case_id, referral = await _at_work(union, labour, person=person)
    await _record(union, case_id, _consent(labour))
    people = (await labour.get(f"/v1/referrals/{referral['id']}/people", purpose="referral")).json()["people"]
    revealer, actor = await _revealer(open_api, "DEMO-340802-LABOUR"), {"tongli-actor": await _staff_login(labour)}
    path = f"/v1/cases/{case_id}/reveal"
    asked = _asking(people[0]["id"], "id_number")
    unnamed = await revealer.send("POST", path, json=asked, purpose="referral", headers=actor)
    assert unnamed.json()["errors"][0]["pointer"] == "/referral_id"
    named = asked | {"referral_id": referral["id"]}
    seen = await revealer.send("POST", path, json=named, purpose="referral", headers=actor)
    assert seen.json()["id_number"] == person["id_number"]
    beyond = named | {"fields": ["bank_account"]}
    assert (await revealer.send("POST", path, json=beyond, purpose="referral", headers=actor)).status_code == 422
    outside = await _revealer(open_api, "DEMO-990102-UNION")
    hidden = await outside.send("POST", path, json=asked, purpose="referral")
    assert hidden.status_code == 404
    assert (await stranger.send("POST", path, json=asked, purpose="referral")).json()["code"] == "insufficient-scope"


async def test_reveals_run_out(union: Api, open_api: OpenApi) -> None:
    case_id = (await report(union))["case"]["id"]
    revealer, actor = await _revealer(open_api, "DEMO-340802-UNION"), {"tongli-actor": await _staff_login(union)}
    asked = _asking("019363a0-0000-7000-8000-000000000000", "phones")
    answers = [
        await revealer.send("POST", f"/v1/cases/{case_id}/reveal", json=asked, purpose="assistance", headers=actor)
        for _ in range(21)
    ]
    assert {answer.status_code for answer in answers[:20]} == {422}
    last = answers[-1]
    assert (last.status_code, last.json()["code"]) == (429, "quota-exceeded")
    assert int(last.headers["retry-after"]) >= 60

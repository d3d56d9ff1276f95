"""Reports: what is accepted, what is refused without giving a value back, and whom a report is linked to."""

import hashlib
import json
from datetime import date
from typing import Any

import pytest

from api.strict_json import canonical
from crypto.ids import new_id
from db.engine import Database
from settings import Settings
from tests.actions.instances import instance_on, superuser
from tests.actions.story import Json, report
from tests.builders import Api, identity_number, person_body, report_body


async def _refused(api: Api, **changes: Any) -> list[Json]:
    """The field errors of a report with these changes."""
    answer = await api.post("/v1/reports", report_body(**changes))
    assert answer.status_code == 422, answer.text
    errors: list[Json] = answer.json()["errors"]
    return errors


async def _accepted(api: Api, **changes: Any) -> Json:
    return await report(api, **changes)


async def _file(api: Api, case_id: str) -> list[Json]:
    people: list[Json] = (await api.get(f"/v1/cases/{case_id}/file", purpose="assistance")).json()["people"]
    return people


# What a sender claims with certainty must hold


async def test_a_wrong_check_character_is_refused_and_shown_masked(union: Api) -> None:
    number = identity_number(date(1970, 5, 5))
    wrong = number[:17] + ("0" if number[17] != "0" else "1")
    answer = await union.post("/v1/reports", report_body(person={"id_number": wrong, "birth_date": "1970-05-05"}))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/person/id_number"
    assert error["masked"]["id_number"].count("*") >= 11
    assert wrong not in answer.text
    assert wrong[6:14] not in answer.text


async def test_birth_date_and_sex_that_contradict_the_number_are_both_named_and_no_value_comes_back(union: Api) -> None:
    body = report_body(person={"birth_date": "1971-02-03", "sex": "male"})
    answer = await union.post("/v1/reports", body)
    assert answer.status_code == 422
    errors = {error["pointer"]: error for error in answer.json()["errors"]}
    assert set(errors) == {"/person/birth_date", "/person/sex"}
    for error in errors.values():
        assert error["code"] == "contradicts-id-number"
        assert set(error["masked"]) == {"id_number", error["pointer"].rpartition("/")[2]}
    for value in _values(body):
        assert value not in answer.text, value


def _values(body: Any) -> list[str]:
    """Every text of a body that could be somebody's."""
    if isinstance(body, dict):
        return [found for key, value in body.items() if key not in _CODES for found in _values(value)]
    if isinstance(body, list):
        return [found for value in body for found in _values(value)]
    return [body] if isinstance(body, str) and len(body) > 2 else []


_CODES = ("id_type", "channel", "urgency", "needs", "causes", "kind", "relation", "health", "employment_status", "sex")


async def test_a_household_member_is_checked_like_the_main_person(union: Api) -> None:
    member = {"name": "李强", "relation": "spouse", "id_type": "resident_id", "id_number": "990000197001010000"}
    errors = await _refused(union, household=[member])
    assert {error["pointer"].split("/")[1] for error in errors} == {"household"}


@pytest.mark.parametrize(
    ("person", "pointer", "code"),
    [
        ({"birth_date": "1970-02-30"}, "/person/birth_date", "day"),
        ({"birth_date": "1899-12-31"}, "/person/birth_date", "year"),
        ({"phones": ["12345"]}, "/person/phones/0", None),
        ({"id_number": None}, "/person/id_number", "required"),
        ({"id_type": "none"}, "/person/id_number", "not-with-this-id-type"),
        ({"name": " "}, "/person/name", None),
        ({"employer": {"name": "某厂", "uscc": "91340800MA0000007B"}}, "/person/employer/uscc", None),
        ({"birth_day": "1970-01-01"}, "/person/birth_day", "unknown-field"),
        ({"monthly_income_fen": -1}, "/person/monthly_income_fen", "too-small"),
        ({"monthly_income_fen": True}, "/person/monthly_income_fen", "wrong-type"),
    ],
)
async def test_a_value_that_cannot_be_is_refused_where_it_stands(
    union: Api, person: Json, pointer: str, code: str | None
) -> None:
    errors = await _refused(union, person=person)
    assert pointer in {error["pointer"] for error in errors}
    assert code is None or code in {error["code"] for error in errors}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"aware_at": "2099-01-01T00:00:00Z"}, "/aware_at"),
        ({"causes": {"primary": "3", "secondary": ["3"]}}, "/causes/secondary"),
        ({"causes": {"primary": "11"}}, "/causes/primary"),
        ({"needs": ["money"]}, "/needs/0"),
        ({"person": None, "household": None}, "/person"),
        ({"channel": "fax"}, "/channel"),
        (
            {"sharing_basis": {"kind": "consent", "reference": "x", "recipients": [str(new_id())]}},
            "/sharing_basis/recipients",
        ),
    ],
)
async def test_a_report_that_makes_no_sense_is_refused(union: Api, changes: Json, pointer: str) -> None:
    assert pointer in {error["pointer"] for error in await _refused(union, **changes)}


async def test_a_household_without_a_main_person_is_no_household(union: Api) -> None:
    employer = {"name": "安纺织造", "uscc": "91340800MA0000007A"}
    errors = await _refused(union, person=None, employer=employer)
    assert errors[0]["pointer"] in ("/household", "/person")


async def test_demo_numbers_are_refused_where_real_people_are_meant(
    database: Database, admin_url: str, settings: Settings
) -> None:
    real = settings.model_copy(update={"env": "production"})
    async with instance_on(database, admin_url, real) as instance:
        union = await instance.api("DEMO-340802-UNION")
        errors = await _refused(union)
    assert [(error["pointer"], error["code"]) for error in errors] == [("/person/id_number", "demo-number")]


# What is only doubtful is kept as it came


async def test_doubtful_values_are_kept_verbatim_and_never_refused(union: Api) -> None:
    said = {"id_number": "3408**********1227", "birth_date": "属兔 农历二月", "phone": "139????0001", "name": "小周"}
    filed = await _accepted(
        union,
        person={
            **{"id_type": "unverified", "as_received": said},
            **dict.fromkeys(("id_number", "birth_date", "sex", "phones")),
        },
    )
    kept = (await union.get(f"/v1/reports/{filed['id']}", purpose="assistance")).json()["said"]["person"]["as_received"]
    assert (kept["birth_date"], kept["name"]) == (said["birth_date"], said["name"])


async def test_a_doubtful_number_that_reads_cleanly_still_links(union: Api, labour: Api) -> None:
    person = person_body()
    first = await _accepted(union, person=person)
    spaced = person["id_number"][:6] + " " + person["id_number"][6:14] + " " + person["id_number"][14:]
    doubtful = {"name": person["name"], "id_type": "unverified", "as_received": {"id_number": spaced}}
    second = (await labour.post("/v1/reports", _about(doubtful))).json()
    assert second["linkage"]["decision"] == "linked"
    assert second["case"]["id"] == first["case"]["id"]


def _about(person: Json, **changes: Any) -> Json:
    return report_body(**changes) | {"person": person}


async def test_a_number_of_the_first_generation_is_doubtful_and_still_the_same_person(union: Api, labour: Api) -> None:
    """15 digits: no century, no check character. Nobody can be certain of it, but it links."""
    person = person_body()
    old = person["id_number"][:6] + person["id_number"][8:17]
    errors = await _refused(union, person={"id_number": old})
    assert ("/person/id_number", "length") in {(error["pointer"], error["code"]) for error in errors}
    first = await _accepted(union, person=person)
    doubtful = {"name": person["name"], "id_type": "unverified", "as_received": {"id_number": old}}
    second = (await labour.post("/v1/reports", _about(doubtful))).json()
    assert second["case"]["id"] == first["case"]["id"]


async def test_name_birth_date_and_phone_together_link_where_no_number_is_known(union: Api, labour: Api) -> None:
    person = person_body()
    first = await _accepted(union, person=person)
    bare = {key: person[key] for key in ("name", "birth_date", "phones")}
    linked = (await labour.post("/v1/reports", _about(bare))).json()
    assert (linked["case"]["id"], linked["linkage"]["decision"]) == (first["case"]["id"], "linked")
    without_phone = {key: person[key] for key in ("name", "birth_date")}
    assert (await labour.post("/v1/reports", _about(without_phone))).json()["linkage"]["decision"] == "new"


async def test_another_number_is_another_person_whatever_else_agrees(union: Api, labour: Api) -> None:
    person, other = person_body(), person_body()
    first = await _accepted(union, person=person)
    twin = person | {"id_number": other["id_number"], "birth_date": other["birth_date"]}
    assert (await _accepted(labour, person=twin))["case"]["id"] != first["case"]["id"]


# Names


@pytest.mark.parametrize(
    "name",
    ["𠮷田", "𬀩𫖯", "\U00030edd\U0003106c", "阿不都热合曼·买买提", "Anna-Maria O'Neill", "㐂", "龘"],
)
async def test_a_rare_name_comes_back_as_it_went_in(union: Api, name: str) -> None:
    filed = await _accepted(union, person={"name": name})
    (main, *_) = await _file(union, filed["case"]["id"])
    assert main["name"] == name


@pytest.mark.parametrize("dot", ["•", "・", "‧", "．"])
async def test_every_dot_of_a_name_is_the_same_dot(union: Api, labour: Api, dot: str) -> None:
    person = person_body(name="阿不都·买买提")
    bare = {key: person[key] for key in ("name", "birth_date", "phones")}
    first = (await union.post("/v1/reports", _about(bare))).json()
    other = (await labour.post("/v1/reports", _about(bare | {"name": f"阿不都{dot}买买提"}))).json()
    assert other["case"]["id"] == first["case"]["id"]


# Place and coordinator


@pytest.mark.parametrize(
    ("division", "coordinator", "warned"),
    [
        ("340802", "DEMO-340802-UNION", False),
        ("340801", "DEMO-340800-UNION", None),
        ("340803", "DEMO-340800-UNION", False),
        ("340802001", "DEMO-340802-UNION", True),
        ("340802001001", "DEMO-340802-UNION", True),
        ("340899", "DEMO-340800-UNION", True),
        ("777777", "DEMO-340000-UNION", True),
        ("990101", "DEMO-990101-UNION", None),
    ],
)
async def test_the_nearest_union_coordinates_and_an_unknown_place_is_only_warned_about(
    labour: Api, admin_url: str, division: str, coordinator: str, warned: bool | None
) -> None:
    filed = await _accepted(labour, person={"address": {"division_code": division}})
    async with superuser(admin_url) as raw:
        code = await raw.fetchval(
            'SELECT a.code FROM "case" c JOIN agency a ON a.id = c.coordinator_agency_id WHERE c.id = $1',
            filed["case"]["id"],
        )
    assert code == coordinator
    if warned is not None:
        strange = ["no-union-of-the-place"] if division == "777777" else []
        assert [w["code"] for w in filed["warnings"]] == (["unknown-division", *strange] if warned else [])


async def test_without_an_address_the_reporters_own_place_counts(labour: Api, union: Api) -> None:
    filed = await _accepted(labour, person={"address": None})
    assert (await union.get(f"/v1/cases/{filed['case']['id']}")).json()["division_code"] == "340802"


# One person, one case


async def test_a_member_of_a_household_that_has_a_case_joins_it(union: Api, labour: Api) -> None:
    spouse = person_body()
    first = await _accepted(union, household=[spouse | {"relation": "spouse"}])
    second = await _accepted(labour, person=spouse, needs=["medical", "housing"])
    assert second["case"]["id"] == first["case"]["id"]
    case = (await union.get(f"/v1/cases/{first['case']['id']}")).json()
    assert {need["need"] for need in case["needs"]} == {"employment", "schooling", "medical", "housing"}
    assert [person["role"] for person in await _file(union, first["case"]["id"])].count("main") == 1


async def test_the_same_record_of_a_source_is_filed_once(union: Api, labour: Api) -> None:
    body = report_body()
    first = (await union.post("/v1/reports", body)).json()
    again = await union.post("/v1/reports", body | {"person": person_body()})
    assert (again.status_code, again.json()["code"]) == (409, "duplicate-record")
    assert again.json()["existing"] == f"/v1/reports/{first['id']}"
    assert (await labour.post("/v1/reports", body)).status_code == 201, (
        "another agency's records have their own numbers"
    )


async def test_an_id_of_the_senders_own_is_taken_once(union: Api, labour: Api) -> None:
    mine = str(new_id())
    filed = await union.post("/v1/reports", report_body(id=mine))
    assert (filed.status_code, filed.json()["id"]) == (201, mine)
    assert filed.headers["location"] == f"/v1/reports/{mine}"
    for api in (union, labour):
        again = await api.post("/v1/reports", report_body(id=mine))
        assert again.status_code == 409, again.text


# Receipt, reading back, matters of many


async def test_the_receipt_proves_what_was_sent(union: Api, admin_url: str) -> None:
    body = report_body()
    filed = (await union.post("/v1/reports", body)).json()
    assert filed["receipt"]["body_sha256"] == hashlib.sha256(canonical(body)).hexdigest()
    independent = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert filed["receipt"]["body_sha256"] == hashlib.sha256(independent).hexdigest()
    async with superuser(admin_url) as raw:
        leaf = await raw.fetchrow(
            "SELECT action, subject_id::text FROM audit_leaf WHERE id = $1", filed["receipt"]["leaf_id"]
        )
    assert leaf is not None
    assert tuple(leaf) == ("report.file", filed["id"])


async def test_a_report_is_read_by_who_filed_it_and_the_coordinator_masked(
    union: Api, labour: Api, medical: Api, stranger: Api
) -> None:
    body = report_body()
    filed = (await labour.post("/v1/reports", body)).json()
    await medical.post("/v1/reports", _about(body["person"]))
    for api in (labour, union):
        seen = await api.get(f"/v1/reports/{filed['id']}", purpose="assistance")
        assert seen.status_code == 200
        said = seen.json()["said"]
        assert said["narrative"] == body["narrative"]
        assert body["person"]["id_number"] not in seen.text
        assert body["person"]["phones"][0] not in seen.text
    for api in (medical, stranger):
        assert (await api.get(f"/v1/reports/{filed['id']}", purpose="assistance")).status_code == 404


async def test_reading_a_report_names_its_purpose_and_leaves_a_mark(union: Api, labour: Api, admin_url: str) -> None:
    filed = await _accepted(labour)
    refused = await union.get(f"/v1/reports/{filed['id']}")
    assert (refused.status_code, refused.json()["code"]) == (400, "purpose-required")
    await union.get(f"/v1/reports/{filed['id']}", purpose="assistance")
    async with superuser(admin_url) as raw:
        rows = await raw.fetch(
            "SELECT agency_id, purpose FROM audit_leaf WHERE subject_id = $1 AND action = 'report.read'", filed["id"]
        )
    assert [tuple(row) for row in rows] == [(union.id, "assistance")]


async def test_an_employer_alone_is_a_matter_of_many_workers(union: Api, labour: Api) -> None:
    employer = {"name": f"安纺织造{new_id()}"}
    one = await _accepted(labour, person=None, household=None, employer=employer, needs=["wage"])
    two = await _accepted(union, person=None, household=None, employer=employer, needs=["safety_health"])
    assert (two["case"]["id"], two["linkage"]["decision"]) == (one["case"]["id"], "linked")
    case = (await union.get(f"/v1/cases/{one['case']['id']}")).json()
    assert (case["kind"], {need["need"] for need in case["needs"]}) == ("employer", {"wage", "safety_health"})


async def test_intake_says_no_more_than_linked_or_new(union: Api, labour: Api) -> None:
    person = person_body()
    await _accepted(union, person=person)
    receipt = (await labour.post("/v1/reports", _about(person))).json()
    assert set(receipt["linkage"]) == {"decision"}
    assert set(receipt["case"]) == {"id", "number", "opened"}


async def test_a_recipient_named_twice_is_one_recipient(union: Api, labour: Api, admin_url: str) -> None:
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)] * 2}
    filed = await _accepted(union, sharing_basis=basis)
    async with superuser(admin_url) as raw:
        kept = await raw.fetchval("SELECT count(*) FROM sharing_basis WHERE report_id = $1", filed["id"])
    assert kept == 1

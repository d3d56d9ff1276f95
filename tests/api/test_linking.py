"""Whom a report is linked to, whatever its sender made of the person; and what is left for people to decide."""

import json
import secrets
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.engine import Database
from db.transaction import open_transaction
from tests.actions.instances import superuser
from tests.actions.story import Json, OpenApi, body_of, report
from tests.builders import Api, identity_number, person_body, report_body
from tests.db.test_transaction import caller_of


def _named(name: str, birth: date | None = None, **changes: Any) -> Json:
    """Somebody nobody has met, with number, birthday and phone unlike those of whoever else has the name here."""
    born = birth or date(1950, 1, 1) + timedelta(days=secrets.randbelow(12_000))
    return person_body(
        name=name,
        id_number=identity_number(born, serial=secrets.randbelow(499)),
        birth_date=born.isoformat(),
        phones=[f"+86138{secrets.randbelow(10**8):08d}"],
        **changes,
    )


def _sibling(person: Json) -> str:
    """Another number of the same day."""
    number = person["id_number"]
    return identity_number(date.fromisoformat(person["birth_date"]), serial=499 - int(number[14:17]) // 2)


def _told(person: Json, *keys: str, **changes: Any) -> Json:
    """What another sender tells of the same person."""
    return {key: person[key] for key in ("name", *keys)} | changes


async def _filed(api: Api, person: Json, **changes: Any) -> Json:
    answer = await api.post("/v1/reports", report_body(household=None, **changes) | {"person": person})
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def _file(api: Api, case_id: str) -> list[Json]:
    people: list[Json] = (await api.get(f"/v1/cases/{case_id}/file", purpose="assistance")).json()["people"]
    return people


async def _candidates(admin_url: str, first: Json, second: Json) -> list[Any]:
    """What people were asked about two reports: weight, guards, whether it is silent."""
    async with superuser(admin_url) as raw:
        return await raw.fetch(
            "SELECT m.id, m.weight, m.guards, m.silent, m.terms FROM match_candidate m "
            "  JOIN person_record r ON r.id = m.record_id JOIN person_record o ON o.id = m.other_record_id "
            " WHERE o.report_id = $1 AND r.report_id = $2",
            UUID(first["id"]),
            UUID(second["id"]),
        )


# One person


def _masked(person: Json) -> Json:
    number = person["id_number"]
    return {"id_type": "unverified", "as_received": {"id_number": f"{number[:6]}********{number[14:]}"}}


@pytest.mark.parametrize(
    ("name", "keys", "changes"),
    [
        ("刘国丽", ("phones",), _masked),
        ("刘国丽", ("phones", "birth_date"), lambda _: {"name": "劉國麗"}),
        ("刘国丽", ("phones", "birth_date"), lambda _: {"name": "刘 国 丽"}),
        ("刘国丽", ("phones", "birth_date"), lambda _: {"name": "Liu Guoli"}),
        ("刘国丽", ("phones", "birth_date"), lambda _: {"name": "刘国莉"}),
        ("刘国丽", ("phones", "birth_date", "sex"), lambda _: {"name": "牛国丽"}),
        ("单小芳", ("phones", "birth_date"), lambda _: {"name": "Shan Xiaofang"}),
        ("孟国丽", ("phones",), lambda _: {"as_received": {"birth_date": "农历1975年3月1日"}}),
        ("龚国丽", ("phones",), lambda _: {"as_received": {"birth_date": "七五年四月"}}),
        ("崔国丽", ("birth_date", "employer", "address"), lambda _: {}),
        ("刘国丽", ("id_type", "id_number", "sex", "birth_date"), lambda _: {"name": "刘国花"}),
    ],
)
async def test_one_person_is_known_however_a_sender_writes_them(
    union: Api, labour: Api, name: str, keys: tuple[str, ...], changes: Any
) -> None:
    person = _named(name, date(1975, 4, 12))
    first = await _filed(union, person)
    second = await _filed(labour, _told(person, *keys, **changes(person)))
    assert second["linkage"] == {"decision": "linked"}
    assert second["case"]["id"] == first["case"]["id"]
    assert len(await _file(union, first["case"]["id"])) == 1


async def test_evidence_names_fields_and_no_values_and_its_terms_sum_to_the_weight(
    union: Api, labour: Api, admin_url: str
) -> None:
    person = _named("刘国丽")
    first = await _filed(union, person)
    second = await _filed(labour, _told(person, "phones", "birth_date"))
    shown = (await union.get(f"/v1/cases/{first['case']['id']}/links")).json()["data"]
    (link,) = [one for one in shown if one["evidence"]]
    assert {(it["field"], it["agreement"]) for it in link["evidence"]} >= {("name", "exact"), ("phone", "exact")}
    assert link["decided_by"].startswith("model ")
    async with superuser(admin_url) as raw:
        row = await raw.fetchrow(
            "SELECT l.* FROM link l JOIN person_record r ON r.id = l.record_id WHERE r.report_id = $1",
            UUID(second["id"]),
        )
    assert row is not None
    assert sum(term["weight"] for term in _json(row["terms"])) == pytest.approx(row["weight"], rel=1e-5)
    for value in (person["name"], person["birth_date"], person["phones"][0][-8:]):
        assert value not in str(dict(row)) + str(shown)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


async def test_a_household_number_is_evidence_and_must_be_a_text(union: Api, labour: Api) -> None:
    number = f"HH-{secrets.token_hex(6)}"
    person = _named("刘国丽")
    first = await _filed(union, person, household_number=number)
    second = await _filed(labour, _told(person, "birth_date"), household_number=number)
    assert second["case"]["id"] == first["case"]["id"]
    said = (await union.get(f"/v1/reports/{first['id']}", purpose="assistance")).json()["said"]
    assert said["household_number"] == number
    refused = await union.post("/v1/reports", report_body(household_number=5))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/household_number")


# Two persons


@pytest.mark.parametrize("name", ["刘国丽", "刘国莉"])
async def test_numbers_that_contradict_each_other_are_two_persons_until_people_say_otherwise(
    union: Api, labour: Api, admin_url: str, name: str
) -> None:
    """The same name, or twins whose names sound alike: all else agrees."""
    person = _named("刘国丽")
    twin = person | {"name": name, "id_number": _sibling(person)}
    first, second = await _filed(union, person), await _filed(labour, twin)
    assert second["linkage"] == {"decision": "new"}
    assert second["case"]["id"] != first["case"]["id"]
    (asked,) = await _candidates(admin_url, first, second)
    assert asked["guards"] == ["numbers_differ"]
    assert asked["weight"] > 6


async def test_a_twin_with_another_name_is_nobody_one_asks_about(union: Api, labour: Api, admin_url: str) -> None:
    person = _named("刘国丽")
    twin = person | {"name": "刘国芳", "id_number": _sibling(person)}
    first, second = await _filed(union, person), await _filed(labour, twin)
    assert second["linkage"] == {"decision": "new"}
    assert await _candidates(admin_url, first, second) == []


@pytest.mark.parametrize(
    ("changes", "guard"),
    [
        ({"phones": None, "address": {"division_code": "340826"}}, "namesake"),
        ({"name": "刘国芳", "sex": None}, "names_sound_different"),
        ({"name": "刘国莉", "birth_date": "1999-01-02"}, "years_differ"),
    ],
)
async def test_a_namesake_a_twin_and_a_child_named_alike_are_put_before_people(
    union: Api, labour: Api, admin_url: str, changes: Json, guard: str
) -> None:
    person = _named("刘国丽")
    first = await _filed(union, person)
    told = _told(person, "birth_date", "phones", "sex") | changes
    second = await _filed(labour, {key: value for key, value in told.items() if value is not None})
    assert second["linkage"] == {"decision": "new"}
    assert second["case"]["id"] != first["case"]["id"]
    (asked,) = await _candidates(admin_url, first, second)
    assert asked["guards"] == [guard]


async def test_the_number_of_a_relative_links_nobody(union: Api, labour: Api, admin_url: str) -> None:
    person = _named("刘国丽")
    first = await _filed(union, person)
    husband = {"name": "陈建军"} | {key: person[key] for key in ("id_type", "id_number", "phones")}
    second = await _filed(labour, husband)
    assert second["case"]["id"] != first["case"]["id"]
    (asked,) = await _candidates(admin_url, first, second)
    assert asked["guards"] == ["names_sound_different"]


# Households


async def test_a_member_of_whom_only_a_name_is_told_is_found_within_the_household_and_nowhere_else(
    union: Api, labour: Api
) -> None:
    person, other = _named("刘国丽"), _named("王国丽")
    son = {"name": "陈小军", "relation": "child"}
    first = await report(union, person=person, household=[son])
    again = await report(
        labour, person=person, household=[son | {"name": "陳小軍"}, {"name": "陈小红", "relation": "child"}]
    )
    assert again["case"]["id"] == first["case"]["id"]
    assert [one["name"] for one in await _file(union, first["case"]["id"])] == ["刘国丽", "陈小军", "陈小红"]
    elsewhere = await report(labour, person=other, household=[son])
    assert elsewhere["case"]["id"] != first["case"]["id"]
    assert [one["name"] for one in await _file(union, elsewhere["case"]["id"])] == ["王国丽", "陈小军"]


async def test_two_members_of_one_report_are_two_however_alike_they_sound(union: Api, labour: Api) -> None:
    person = _named("刘国丽")
    sons = [{"name": name, "relation": "child"} for name in ("陈军", "陈俊", "陈军")]
    first = await report(union, person=person, household=sons[:1])
    await report(labour, person=person, household=sons)
    await report(union, person=person, household=sons)
    assert [one["name"] for one in await _file(union, first["case"]["id"])] == ["刘国丽", "陈军", "陈俊"]


async def test_members_who_are_told_apart_stay_two(union: Api, labour: Api) -> None:
    person = _named("刘国丽")
    told = [
        {"name": "陈小军", "relation": "child", "sex": "male", "birth_date": "1999-01-02"},
        {"name": "陈晓君", "relation": "child", "sex": "female"},
    ]
    first = await report(union, person=person, household=told[:1])
    await report(labour, person=person, household=told[1:])
    assert len(await _file(union, first["case"]["id"])) == 3


# Who learns that people are asked

_SEEN = "SELECT id FROM match_candidate WHERE id = $1"


@pytest.mark.parametrize(("office", "silent"), [("LABOUR", False), ("JUSTICE", True), ("COURT", True)])
async def test_only_coordinators_are_told_and_of_a_judicial_record_its_own_alone(
    open_api: OpenApi, database: Database, admin_url: str, office: str, silent: bool
) -> None:
    place = "340800" if office == "COURT" else "340802"
    first, later = await open_api(f"DEMO-{place}-{office}"), await open_api("DEMO-990102-LABOUR")
    person = _named("刘国丽", address={"division_code": "340802"})
    filed = await _filed(first, person)
    second = await _filed(later, _told(person, "phones", name="刘国芳", address={"division_code": "990102"}))
    (asked,) = await _candidates(admin_url, filed, second)
    assert asked["silent"] is silent
    holder, asker = await open_api("DEMO-340802-UNION"), await open_api("DEMO-990102-UNION")
    stranger = await open_api("DEMO-340802-MEDICAL")
    for one, told in ((holder, True), (asker, not silent), (first, False), (later, False), (stranger, False)):
        async with open_transaction(database, caller_of(one)) as tx:
            assert bool(await tx.rows(_SEEN, asked["id"])) is told, one.agency.code
    receipt = {key: value for key, value in second.items() if key != "id"}
    assert str(asked["id"]) not in str(receipt)
    assert second["linkage"] == {"decision": "new"}

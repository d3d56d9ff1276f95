"""Whoever tries identities out is told to the coordinator and the union at the top, once a day for one person."""

import json
from datetime import date
from typing import Any

from db.engine import Database
from jobs.clocks import watch_probing
from tests.actions.instances import superuser
from tests.actions.story import report
from tests.builders import Api, identity_number, person_body


async def _alarms(admin_url: str, agency: Api) -> list[dict[str, Any]]:
    async with superuser(admin_url) as raw:
        rows = await raw.fetch(
            "SELECT l.facts::text AS facts, l.subject_id, e.parties::text AS parties FROM audit_leaf l "
            "JOIN event e ON e.correlation_id = l.request_id WHERE l.action = 'probing.suspected' "
            "AND l.facts ->> 'by' = $1",
            str(agency.id),
        )
    return [
        {**json.loads(row["facts"]), "case": row["subject_id"], "parties": json.loads(row["parties"])} for row in rows
    ]


async def _try_numbers(agency: Api, person: dict[str, Any], serials: range) -> str:
    """Files the same name and birthday with one number after another; the case of the last."""
    birth = date.fromisoformat(person["birth_date"])
    case_id = ""
    for serial in serials:
        tried = person | {"id_number": identity_number(birth, serial=serial)}
        case_id = (await report(agency, person=tried, household=None))["case"]["id"]
    return case_id


async def test_a_sixth_identity_for_one_person_raises_an_alarm_once(
    union: Api, labour: Api, admin_url: str, jobs_database: Database
) -> None:
    person = person_body()
    await _try_numbers(labour, person, range(400, 405))
    await watch_probing(jobs_database)
    before = len(await _alarms(admin_url, labour))
    case_id = await _try_numbers(labour, person, range(405, 406))
    assert await watch_probing(jobs_database) == 1
    (alarm,) = (await _alarms(admin_url, labour))[before:]
    assert (alarm["identities"], str(alarm["case"])) == (6, case_id)
    assert alarm["parties"][str(union.id)] == ["owner"]
    assert len(alarm["parties"]) == 2, "the coordinator and the union at the top, never whoever filed"
    assert str(labour.id) not in alarm["parties"]
    await _try_numbers(labour, person, range(406, 408))
    assert await watch_probing(jobs_database) == 0


async def test_one_number_with_many_birthdays_is_probing_too(
    medical: Api, admin_url: str, jobs_database: Database
) -> None:
    number = person_body()["id_number"]
    before = len(await _alarms(admin_url, medical))
    for surname in "赵钱孙李周吴":
        person = person_body(name=f"{surname}试探", id_number=number)
        person["birth_date"] = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
        await report(medical, person=person, household=None)
    await watch_probing(jobs_database)
    assert [alarm["identities"] for alarm in (await _alarms(admin_url, medical))[before:]] == [6]


async def test_different_people_and_agencies_are_no_probing(
    union: Api, labour: Api, admin_url: str, jobs_database: Database
) -> None:
    await watch_probing(jobs_database)
    person = person_body()
    for agency, serials in ((union, range(300, 303)), (labour, range(303, 306))):
        await _try_numbers(agency, person, serials)
    household = [
        {"name": f"何家{name}", "relation": "child", "birth_date": f"201{at}-01-02"}
        for at, name in enumerate("甲乙丙丁戊己庚")
    ]
    await report(union, household=household)
    for _ in range(7):
        await report(union, household=None)
    assert await watch_probing(jobs_database) == 0

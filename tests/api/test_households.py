"""Whose household a report is of when none of its people is known: the number and those who live there say so."""

import asyncio
import secrets
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.actions.instances import superuser
from tests.actions.story import Json, report
from tests.actions.test_merges import link_of, state, undo
from tests.builders import Api, identity_number, person_body

_GIVEN = "秀兰建国桂英志强丽华玉珍海燕文斌晓东凤霞"


def _somebody(surname: str = "周", **changes: Any) -> Json:
    """A person nobody has met, whose phone, number, birthday and name are their own; without an employer."""
    born = date(1945, 1, 1) + timedelta(days=secrets.randbelow(14_000))
    person = person_body(
        name=surname + "".join(secrets.choice(_GIVEN) for _ in range(2)),
        id_number=identity_number(born, serial=secrets.randbelow(499)),
        birth_date=born.isoformat(),
        phones=[f"+86137{secrets.randbelow(10**8):08d}"],
        address={"division_code": "340802", "detail": None},
        employer=None,
    )
    return person | changes


def _member(relation: str, year: int | None = None, name: str | None = None) -> Json:
    """Somebody told of by name and year, as members mostly are."""
    it = {"name": name or "吴" + "".join(secrets.choice(_GIVEN) for _ in range(2)), "relation": relation}
    return it | ({"as_received": {"birth_date": str(year)}} if year else {})


def _number() -> str:
    return f"3408{secrets.randbelow(10**8):08d}"


async def _filed(api: Api, person: Json, household: list[Json] | None = None, **changes: Any) -> Json:
    return await report(api, person=person, household=household, narrative=None, sharing_basis=None, **changes)


async def _household(url: str, case_id: str) -> list[tuple[str, str]]:
    """(role, relation) of everybody in the household."""
    async with superuser(url) as raw:
        rows = await raw.fetch("SELECT role, relation FROM household_member WHERE case_id = $1", UUID(case_id))
    return sorted(tuple(row) for row in rows)


async def test_a_household_number_joins_as_member_and_reporter_only(
    labour: Api, medical: Api, union: Api, admin_url: str
) -> None:
    number = _number()
    first = await _filed(labour, _somebody(), household_number=number)
    second = await _filed(medical, _somebody("吴"), household_number=number, needs=["medical"])
    case_id = first["case"]["id"]
    assert (second["case"], second["linkage"]) == (first["case"] | {"opened": False}, {"decision": "linked"})
    assert await _household(admin_url, case_id) == [("main", "self"), ("member", "self")]
    assert (await medical.get(f"/v1/cases/{case_id}")).json()["roles"] == ["reporter"]
    file = await union.get(f"/v1/cases/{case_id}/file", purpose="assistance")
    assert len({person["name"] for person in file.json()["people"]}) == 2


async def test_two_who_are_named_in_both_join_and_are_not_doubled(labour: Api, medical: Api, admin_url: str) -> None:
    husband, child = _member("spouse", 1972), _member("child", 2001)
    first = await _filed(labour, _somebody(), [husband, child])
    son, grandson = husband | {"relation": "child"}, child | {"relation": "grandchild"}
    second = await _filed(medical, _somebody("吴"), [son, grandson])
    assert second["case"]["id"] == first["case"]["id"]
    assert await _household(admin_url, first["case"]["id"]) == [
        *[("main", "self"), ("member", "child")],
        *[("member", "self"), ("member", "spouse")],
    ]


@pytest.mark.parametrize("shared", ["phone", "one member", "members without years", "room and phone", "short number"])
async def test_less_than_that_does_not_join(labour: Api, medical: Api, shared: str) -> None:
    members = {
        "one member": [_member("child", 2001)],
        "members without years": [_member("spouse"), _member("child")],
    }.get(shared)
    one, other = _somebody(), _somebody("吴")
    changes: Json = {"household_number": "12"} if shared == "short number" else {}
    if "phone" in shared:
        other["phones"] = one["phones"]
    if "room" in shared:
        one["address"] = other["address"] = {"division_code": "340802", "detail": "纺织路1号3栋2单元501室"}
    first = await _filed(labour, one, members, **changes)
    second = await _filed(medical, other, members, **changes)
    assert (second["case"]["opened"], second["case"]["id"] != first["case"]["id"]) == (True, True)


async def test_a_number_told_in_another_county_does_not_join(labour: Api, medical: Api) -> None:
    number = _number()
    first = await _filed(labour, _somebody(), household_number=number)
    far = _somebody("吴", address={"division_code": "990102", "detail": None})
    assert (await _filed(medical, far, household_number=number))["case"]["id"] != first["case"]["id"]


async def test_a_number_of_two_households_joins_neither(labour: Api, medical: Api) -> None:
    """Two cases with one number can only stand since they stood before they had it in common."""
    number, cases = _number(), []
    for api in (labour, medical):
        person = _somebody()
        cases.append((await _filed(api, person))["case"]["id"])
        await _filed(api, person, household_number=number)
    third = await _filed(labour, _somebody("吴"), household_number=number)
    assert len({*cases, third["case"]["id"]}) == 3


async def test_somebody_with_a_case_of_their_own_stays_in_it(labour: Api, medical: Api) -> None:
    number, person = _number(), _somebody("吴")
    await _filed(labour, _somebody(), household_number=number)
    mine = await _filed(medical, person)
    assert (await _filed(medical, person, household_number=number))["case"]["id"] == mine["case"]["id"]


async def test_two_reports_of_a_household_at_once_open_one_case(labour: Api, medical: Api) -> None:
    number = _number()
    filed = await asyncio.gather(
        *(_filed(api, _somebody(name), household_number=number) for api, name in ((labour, "周"), (medical, "吴")))
    )
    assert sorted(one["case"]["opened"] for one in filed) == [False, True]
    assert len({one["case"]["id"] for one in filed}) == 1


async def test_an_undone_link_does_not_throw_out_who_came_with_the_household(
    labour: Api, medical: Api, union: Api, admin_url: str
) -> None:
    """The link is of a later report of the same person: that goes, and what came before it stays as it was."""
    number, joining = _number(), _somebody("吴")
    case_id = (await _filed(labour, _somebody(), household_number=number))["case"]["id"]
    await _filed(medical, joining, household_number=number)
    before = await state(admin_url, [case_id])
    third = await _filed(union, joining)
    assert third["case"]["id"] == case_id
    undone = await undo(union, (await link_of(admin_url, third["id"]))["id"])
    assert len(undone["case_ids"]) == 1
    assert await state(admin_url, [case_id]) == before


async def test_a_later_report_of_who_came_with_the_household_stays_when_another_goes(
    labour: Api, medical: Api, union: Api, admin_url: str
) -> None:
    number, joining = _number(), _somebody("吴")
    case_id = (await _filed(labour, _somebody(), household_number=number))["case"]["id"]
    await _filed(medical, joining, household_number=number)
    stays, goes = await _filed(labour, joining), await _filed(union, joining)
    await undo(union, (await link_of(admin_url, goes["id"]))["id"])
    async with superuser(admin_url) as raw:
        kept = await raw.fetchval("SELECT case_id FROM report WHERE id = $1", UUID(stays["id"]))
    assert str(kept) == case_id


# What is doubtful


async def _tasks(api: Api, case_id: str) -> list[tuple[str, str, str | None]]:
    """(kind, status, other case) of a case's tasks, as its coordinator has them."""
    answer = await api.get(f"/v1/cases/{case_id}/tasks")
    return [(task["kind"], task["status"], task["other_case"]) for task in answer.json()["data"]]


async def _doubtful(labour: Api, medical: Api, *, far: bool = False) -> tuple[str, str]:
    """Two cases in which one other person is named by name and year; the later stands elsewhere if `far`."""
    number, place = _number(), {"division_code": "990102" if far else "340802", "detail": None}
    child = [] if far else [_member("child", 2001)]
    first = await _filed(labour, _somebody(), child, household_number=number if far else None)
    second = await _filed(medical, _somebody("吴", address=place), child, household_number=number if far else None)
    return first["case"]["id"], second["case"]["id"]


async def test_a_doubtful_household_is_a_task_of_who_coordinates_both(labour: Api, medical: Api, union: Api) -> None:
    first, second = await _doubtful(labour, medical)
    assert first != second
    assert await _tasks(union, second) == [("possible_household", "open", first)]
    assert await _tasks(union, first) == []
    assert await _tasks(medical, second) == []


async def test_where_two_unions_coordinate_nothing_is_said(
    labour: Api, medical: Api, stranger: Api, admin_url: str
) -> None:
    first, second = await _doubtful(labour, medical, far=True)
    assert (await stranger.get(f"/v1/cases/{second}")).status_code == 200
    async with superuser(admin_url) as raw:
        assert not await raw.fetchval(
            "SELECT count(*) FROM case_task WHERE case_id = ANY ($1)", [UUID(first), UUID(second)]
        )


async def test_linking_the_two_as_one_household_answers(labour: Api, medical: Api, union: Api) -> None:
    first, second = await _doubtful(labour, medical)
    said = await union.post(
        f"/v1/cases/{first}/case-links", {"kind": "same_household", "other_case": second, "reason": "同一户"}
    )
    assert said.status_code == 201, said.text
    assert await _tasks(union, second) == [("possible_household", "done", first)]


async def test_a_case_that_ends_ends_what_was_asked_of_it_until_it_is_open_again(
    labour: Api, medical: Api, union: Api, admin_url: str
) -> None:
    first, second = await _doubtful(labour, medical)
    for status, task in (("closed", "done"), ("assessing", "open")):
        async with superuser(admin_url) as raw:
            await raw.execute('UPDATE "case" SET status = $2 WHERE id = $1', UUID(first), status)
        assert await _tasks(union, second) == [("possible_household", task, first)]


async def test_an_erased_case_takes_the_question_along(labour: Api, medical: Api, union: Api, admin_url: str) -> None:
    """From the other end it would say with whom the erased people lived."""
    first, second = await _doubtful(labour, medical)
    async with superuser(admin_url) as raw, raw.transaction():
        await raw.execute("SELECT set_config('tongli.agency', $1, true)", str(union.id))
        await raw.execute("SELECT erase_case($1, true, now())", UUID(first))
    assert await _tasks(union, second) == []

"""Which employer a report means: by number however written, by name and county, never by a trade name."""

import asyncio
import secrets
from typing import Any
from uuid import UUID

import pytest

from rules.credit_codes import check_character, organisation_check_character
from tests.actions.instances import superuser
from tests.actions.story import Json, OpenApi, body_of, report
from tests.builders import Api, report_body

FAR = "990102"
_CHARACTERS = "启明华星宏远安泰金利恒昌永盛东方新兴光大同和瑞丰"


def _trade() -> str:
    """A trade name nobody has used."""
    return "".join(secrets.choice(_CHARACTERS) for _ in range(6))


def _code() -> str:
    """A credit code nobody has used, whose organisation code has the right check character too."""
    first8 = "MA" + "".join(secrets.choice("0123456789ABCDEFGH") for _ in range(6))
    first17 = f"91340802{first8}{organisation_check_character(first8)}"
    return first17 + check_character(first17)


class Employers:
    """Reports by one agency; what the database made of the employers they name."""

    def __init__(self, api: Api, admin_url: str) -> None:
        self.api, self.admin_url = api, admin_url

    async def told(self, name: str, code: str | None = None, *, at: str = "340802") -> Json:
        """The employer of somebody nobody has met."""
        said: Json = {"name": name} | ({"uscc": code} if code else {})
        body = report_body(person={"address": {"division_code": at}}, household=None)
        body["person"]["employer"] = said
        answer = await self.api.post("/v1/reports", body)
        assert answer.status_code == 201, answer.text
        return await self._row(
            "SELECT e.* FROM employer e JOIN person_record r ON r.employer_id = e.id WHERE r.report_id = $1",
            UUID(body_of(answer)["id"]),
        )

    async def by_id(self, employer_id: UUID) -> Json:
        return await self._row("SELECT * FROM employer WHERE id = $1", employer_id)

    async def names(self, employer_id: UUID) -> dict[str, tuple[str, bool, bool]]:
        """By name: source, whether it has a beginning, whether it has an end."""
        async with superuser(self.admin_url) as raw:
            rows = await raw.fetch("SELECT * FROM employer_name WHERE employer_id = $1", employer_id)
        return {r["name"]: (r["source"], r["valid_from"] is not None, r["valid_to"] is not None) for r in rows}

    async def _row(self, sql: str, value: Any) -> Json:
        async with superuser(self.admin_url) as raw:
            row = await raw.fetchrow(sql, value)
        assert row is not None
        return dict(row)


@pytest.fixture
def employers(union: Api, admin_url: str) -> Employers:
    return Employers(union, admin_url)


async def test_one_number_written_three_ways_is_one_employer_whatever_its_name(employers: Employers) -> None:
    code = _code()
    ways = [f"{code[:8]} {code[8:].lower()}", code[8:17], f"{code[8:16]}-{code[16]}"]
    told = [await employers.told(f"{_trade()}有限公司", way) for way in ways]
    assert len({row["id"] for row in told}) == 1
    assert (told[0]["credit_code"], told[0]["organisation"]) == (code, code[8:17])


async def test_a_registration_number_of_before_is_a_number_too(employers: Employers) -> None:
    number = "3408020" + f"{secrets.randbelow(10**8):08d}"
    one, two = [await employers.told(f"{_trade()}厂", number) for _ in range(2)]
    assert (one["id"], one["registration"], one["credit_code"]) == (two["id"], number, None)


@pytest.mark.parametrize("code", ["MA0000001", "123", "34080200000000A", "91340800MA0000007B"])
async def test_a_number_that_cannot_be_is_refused(union: Api, code: str) -> None:
    answer = await union.post("/v1/reports", report_body(person={"employer": {"name": "某厂", "uscc": code}}))
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/person/employer/uscc"]


async def test_a_whole_name_in_its_county_is_the_employer_with_the_number(employers: Employers) -> None:
    trade = _trade()
    one = await employers.told(f"安庆市{trade}有限责任公司", _code())
    assert (await employers.told(f"安庆{trade}有限公司"))["id"] == one["id"]


async def test_the_same_name_in_another_county_is_another_employer(employers: Employers) -> None:
    name = f"{_trade()}有限公司"
    one = await employers.told(name, _code())
    far = await employers.told(name, at=FAR)
    assert (far["id"] != one["id"], far["organisation"]) == (True, None)


async def test_a_trade_name_alone_never_finds_an_employer_with_a_number(employers: Employers) -> None:
    trade = _trade()
    one = await employers.told(trade, _code())
    bare = await employers.told(trade)
    assert bare["id"] != one["id"]
    assert (await employers.told(trade))["id"] == bare["id"]
    assert (await employers.told(f"{trade}有限公司"))["id"] not in (one["id"], bare["id"])


async def test_a_name_of_two_employers_with_numbers_means_neither(employers: Employers) -> None:
    name = f"{_trade()}有限公司"
    ids = {(await employers.told(name, code))["id"] for code in (_code(), _code(), None, None)}
    assert len(ids) == 4


async def test_an_employer_known_by_name_gets_its_number_when_one_comes(employers: Employers) -> None:
    name, code, later = f"{_trade()}厂", _code(), "3408021" + f"{secrets.randbelow(10**8):08d}"
    one = await employers.told(name)
    assert (await employers.told(name, code))["id"] == one["id"]
    assert (await employers.told(name, later))["id"] == one["id"]
    assert (await employers.by_id(one["id"]))["organisation"] == code[8:17]
    other = await employers.told(name, _code())
    assert other["id"] != one["id"]


async def test_two_rows_that_would_be_one_are_left(employers: Employers) -> None:
    """A number known elsewhere is reported with a name known here: the number says who it is, and nothing is merged."""
    name, code = f"{_trade()}厂", _code()
    elsewhere, here = await employers.told(name, code, at=FAR), await employers.told(name)
    assert (await employers.told(name, code))["id"] == elsewhere["id"]
    assert (await employers.by_id(here["id"]))["organisation"] is None
    assert (await employers.told(name))["id"] == elsewhere["id"]


async def test_a_name_of_before_finds_the_employer_and_has_an_end(employers: Employers) -> None:
    new, old = f"{_trade()}有限公司", f"{_trade()}厂"
    one = await employers.told(f"{new}（原{old}）", _code())
    assert (await employers.told(old))["id"] == one["id"]
    assert (await employers.names(one["id"]))[old] == ("former", False, True)


async def test_names_are_not_followed_from_one_to_the_next(employers: Employers) -> None:
    """A was called B, B was called C: that C is A is what nobody said."""
    new, old, oldest = f"{_trade()}有限公司", f"{_trade()}厂", f"{_trade()}厂"
    one = await employers.told(f"{new}（原{old}）", _code())
    assert (await employers.told(f"{old}（原{oldest}）"))["id"] == one["id"]
    assert (await employers.told(oldest))["id"] != one["id"]


async def test_a_reported_name_that_is_said_to_be_of_before_ends(employers: Employers) -> None:
    new, old, code = f"{_trade()}有限公司", f"{_trade()}厂", _code()
    one = await employers.told(old, code)
    await employers.told(f"{new}（曾用名：{old}）", code)
    names = await employers.names(one["id"])
    assert names[old] == ("former", True, True)
    assert [source for source, _, _ in names.values()].count("reported") == 1


@pytest.mark.parametrize("number", ["of the whole", "none"])
async def test_branches_stand_apart_below_the_whole(employers: Employers, number: str) -> None:
    name, code = f"{_trade()}有限公司", _code()
    whole = await employers.told(name, code)
    sent = code if number == "of the whole" else None
    first, again, second = [await employers.told(f"{name}{branch}", sent) for branch in ("一分厂", "一分厂", "二分厂")]
    assert len({whole["id"], first["id"], second["id"]}) == 3
    assert (first["id"], first["parent_id"], second["parent_id"]) == (again["id"], whole["id"], whole["id"])
    assert (first["branch"], first["organisation"]) == ("一分厂", None)


async def test_branches_reported_before_the_whole_share_it(employers: Employers) -> None:
    name, code = f"{_trade()}有限公司", _code()
    first, second = await employers.told(f"{name}一车间"), await employers.told(f"{name}二车间", code)
    whole = await employers.told(name, code)
    assert (first["parent_id"], second["parent_id"], whole["parent_id"]) == (whole["id"], whole["id"], None)


async def test_a_branch_with_a_number_of_its_own_keeps_it(employers: Employers) -> None:
    name = f"{_trade()}有限公司"
    whole, code = await employers.told(name, _code()), _code()
    branch = await employers.told(f"{name}安庆分公司", code)
    assert (branch["parent_id"], branch["organisation"]) == (whole["id"], code[8:17])
    assert (await employers.told(f"{name}安庆分公司"))["id"] == branch["id"]


async def test_a_name_reaches_no_case_of_another_place_as_the_number_does(
    open_api: OpenApi, labour: Api, employers: Employers
) -> None:
    """Anybody may guess a name: also that of an employer with a number."""
    name, code = f"{_trade()}有限公司", _code()
    there = await _alone(await open_api("DEMO-990102-UNION"), name, code)
    await employers.told(name, code)
    by_name, by_number = await _alone(labour, name), await _alone(labour, name, code)
    assert by_name["case"]["id"] != there["case"]["id"]
    assert by_number["case"]["id"] == there["case"]["id"]


async def _alone(api: Api, name: str, code: str | None = None) -> Json:
    """A report of an employer and nobody."""
    return await report(
        api, person=None, household=None, needs=["wage"], employer={"name": name} | ({"uscc": code} if code else {})
    )


async def test_what_others_called_it_and_where_is_read_by_nobody(admin_url: str) -> None:
    async with superuser(admin_url) as raw:
        for role in ("tongli_app", "tongli_jobs", "tongli_keys"):
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                allowed = await raw.fetchval("SELECT has_table_privilege($1, 'employer_name', $2)", role, right)
                assert not allowed, (role, right)


async def test_reports_at_once_of_a_new_employer_found_it_once(employers: Employers) -> None:
    """By number and by name, in either order: whoever comes second waits for the first and then finds it."""
    name, code = f"{_trade()}有限公司", _code()
    said = [(name, code), (f"{name}一分厂", code), (name, None), (f"{name}一分厂", None)] * 2
    told = await asyncio.gather(*(employers.told(*one) for one in said))
    assert len({row["id"] for row in told if row["branch"] is None}) == 1
    assert {(row["branch"], row["parent_id"]) for row in told if row["branch"]} == {("一分厂", told[0]["id"])}

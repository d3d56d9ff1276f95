"""The responsibility list as a partner reads it, and the four questions referrals ask of it."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from actions.matters import override_clocks
from db.engine import Database
from db.operator import open_operator_transaction
from db.queries import matters
from db.transaction import Caller, Tx, open_transaction
from rules.deadlines import Period
from rules.errors import ValidationFailed
from tests.builders import Api

SINCE = date(2026, 1, 1)


@pytest.fixture
async def tx(database: Database, union: Api) -> AsyncIterator[Tx]:
    """A transaction of the union of 340802."""
    agency = union.agency
    caller = Caller("client", agency.client_id, agency.id, agency.client_id, frozenset(agency.scopes), "test-matters")
    async with open_transaction(database, caller, read_only=True) as opened:
        yield opened


async def _listed(api: Api, **params: str) -> list[dict[str, Any]]:
    answer = await api.get("/v1/matters", params=params)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def _codes(tx: Tx, agencies: list[UUID]) -> list[str]:
    rows = await tx.rows("SELECT code FROM agency WHERE id = ANY ($1) ORDER BY code", agencies)
    return [row["code"] for row in rows]


async def test_a_matter_of_the_list_is_found_and_an_unknown_one_is_not(tx: Tx) -> None:
    matter = await matters.find_matter(tx, "LAB-09")
    assert matter is not None
    assert matter.title_en
    assert await matters.find_matter(tx, "LAB-99") is None


async def test_the_offices_of_the_district_are_competent_before_those_of_the_city(tx: Tx) -> None:
    there = await matters.competent_agencies(tx, "LAB-09", "340802")
    assert await _codes(tx, there) == ["DEMO-340802-EMPLOYMENT", "DEMO-340802-LABOUR"]


@pytest.mark.parametrize("division", ["340802001", "340802001003"])
async def test_a_street_or_village_belongs_to_the_district_its_code_begins_with(tx: Tx, division: str) -> None:
    there = await matters.competent_agencies(tx, "LAB-09", division)
    assert "DEMO-340802-LABOUR" in await _codes(tx, there)


@pytest.mark.parametrize("division", ["340803", "340899"])
async def test_where_the_district_has_no_office_that_of_the_city_is_competent(tx: Tx, division: str) -> None:
    there = await matters.competent_agencies(tx, "LAB-09", division)
    assert await _codes(tx, there) == ["DEMO-340800-EMPLOYMENT", "DEMO-340800-LABOUR"]


@pytest.mark.parametrize("division", ["110101", "000000"])
async def test_a_place_without_any_office_has_none(tx: Tx, division: str) -> None:
    assert await matters.competent_agencies(tx, "LAB-09", division) == []


async def test_competence_reaches_down_but_not_up_or_sideways(tx: Tx) -> None:
    ids = {row["code"]: row["id"] for row in await tx.rows("SELECT code, id FROM agency")}
    city, district = ids["DEMO-340800-LABOUR"], ids["DEMO-340802-LABOUR"]
    assert await matters.is_competent(tx, city, "LAB-09", "340802")
    assert await matters.is_competent(tx, district, "LAB-09", "340802")
    assert not await matters.is_competent(tx, district, "LAB-09", "340803")
    assert not await matters.is_competent(tx, district, "LAB-09", "340800")
    assert not await matters.is_competent(tx, district, "JUS-01", "340802")


async def test_without_an_override_the_clocks_are_those_of_the_list(tx: Tx) -> None:
    matter = await matters.find_matter(tx, "LAB-01")
    assert matter is not None
    assert await matters.clocks_for(tx, matter, "340802") == matter.clocks


async def test_the_strictest_figure_of_a_division_and_those_above_it_wins(admin_url: str, tx: Tx) -> None:
    async with open_operator_transaction(admin_url) as raw:
        for division, clocks in (
            ("990100", {"accept": {"amount": 2, "unit": "working_day"}}),
            ("990102", {"resolve": {"amount": 30, "unit": "working_day"}}),
        ):
            await override_clocks(
                raw, code="LAB-02", division_code=division, clocks=clocks, source="测试规定", valid_from=SINCE
            )
    matter = await matters.find_matter(tx, "LAB-02")
    assert matter is not None
    county = await matters.clocks_for(tx, matter, "990102")
    assert (county.accept, county.resolve) == (Period(2, "working_day"), Period(30, "working_day"))
    city = await matters.clocks_for(tx, matter, "990100")
    assert (city.accept, city.resolve) == (Period(2, "working_day"), matter.resolve)
    assert await matters.clocks_for(tx, matter, "340802") == matter.clocks


async def test_an_override_that_the_list_has_overtaken_changes_nothing(admin_url: str, tx: Tx) -> None:
    async with open_operator_transaction(admin_url) as raw:
        await matters.upsert_override(
            raw,
            code="LAB-03",
            division_code="990101",
            clocks={"accept": {"amount": 90, "unit": "working_day"}},
            source="测试规定",
            valid_from=SINCE,
        )
    matter = await matters.find_matter(tx, "LAB-03")
    assert matter is not None
    assert await matters.clocks_for(tx, matter, "990101") == matter.clocks


async def test_an_override_holds_from_its_day_on(admin_url: str, tx: Tx) -> None:
    async with open_operator_transaction(admin_url) as raw:
        await override_clocks(
            raw,
            code="LAB-04",
            division_code="990101",
            clocks={"resolve": {"amount": 10, "unit": "working_day"}},
            source="测试规定",
            valid_from=date(2099, 1, 1),
        )
    matter = await matters.find_matter(tx, "LAB-04")
    assert matter is not None
    assert await matters.clocks_for(tx, matter, "990101") == matter.clocks


async def test_a_county_may_not_be_looser_than_its_city(admin_url: str) -> None:
    strict = {"resolve": {"amount": 20, "unit": "working_day"}}
    looser = {"resolve": {"amount": 21, "unit": "working_day"}}
    async with open_operator_transaction(admin_url) as raw:
        await override_clocks(
            raw, code="LAB-01", division_code="990100", clocks=strict, source="测试规定", valid_from=SINCE
        )
        with pytest.raises(ValidationFailed) as refused:
            await override_clocks(
                raw, code="LAB-01", division_code="990101", clocks=looser, source="测试规定", valid_from=SINCE
            )
        with pytest.raises(ValidationFailed):
            await override_clocks(
                raw, code="LAB-99", division_code="990101", clocks=strict, source="测试规定", valid_from=SINCE
            )
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/clocks/resolve", "looser-override")]


async def test_the_whole_list_is_answered_at_once(union: Api) -> None:
    listed = await _listed(union)
    codes = [matter["code"] for matter in listed]
    assert codes == sorted(codes)
    assert len(codes) == 65
    assert all(matter["agencies"] is None for matter in listed)


async def test_a_need_lists_the_matters_that_answer_it_with_the_offices_of_the_place(union: Api) -> None:
    listed = await _listed(union, need="employment", division="340802")
    assert all("employment" in matter["needs"] for matter in listed)
    by_code = {matter["code"]: matter for matter in listed}
    offices = by_code["LAB-09"]["agencies"]
    assert [office["code"] for office in offices] == ["DEMO-340802-EMPLOYMENT", "DEMO-340802-LABOUR"]
    assert offices[1]["windows"][0]["name"] == "人社综合服务窗口"


async def test_a_matter_without_a_competent_office_has_an_empty_list(union: Api) -> None:
    assert all(matter["agencies"] == [] for matter in await _listed(union, division="110101"))


async def test_a_matter_shows_lead_clocks_and_where_each_figure_comes_from(union: Api) -> None:
    answer = await union.get("/v1/matters/LAB-01")
    assert answer.status_code == 200
    matter = answer.json()
    assert matter["title_zh"] == "工资拖欠克扣投诉"
    assert matter["lead"]["kind"] == "labour"
    assert matter["clocks"]["resolve"] == {
        "amount": 60,
        "unit": "working_day",
        "basis": "law",
        "mark": "V",
        "overridden": False,
    }
    assert matter["clocks"]["extension"]["amount"] == 30
    assert matter["minimum_fields"] == {"classes": ["basic", "contact", "identity"], "basis": "default"}


async def test_a_stricter_figure_of_the_division_is_shown_as_a_local_rule(admin_url: str, union: Api) -> None:
    async with open_operator_transaction(admin_url) as raw:
        await override_clocks(
            raw,
            code="LAB-20",
            division_code="990101",
            clocks={"acknowledge": {"amount": 0, "unit": "immediate"}},
            source="演示一县办法第3条",
            valid_from=SINCE,
        )
    there = (await union.get("/v1/matters/LAB-20", params={"division": "990101"})).json()
    elsewhere = (await union.get("/v1/matters/LAB-20", params={"division": "990102"})).json()
    assert there["clocks"]["acknowledge"] == {
        "amount": 0,
        "unit": "immediate",
        "basis": "local",
        "mark": "L",
        "overridden": True,
    }
    assert there["overrides"] == [
        {"division_code": "990101", "source": "演示一县办法第3条", "valid_from": SINCE.isoformat()}
    ]
    assert elsewhere["clocks"]["acknowledge"]["overridden"] is False
    assert elsewhere["overrides"] == []


async def test_the_list_is_sent_again_only_when_it_has_changed(union: Api) -> None:
    first = await union.get("/v1/matters", params={"division": "340802"})
    again = await union.get(
        "/v1/matters", params={"division": "340802"}, headers={"if-none-match": first.headers["etag"]}
    )
    elsewhere = await union.get(
        "/v1/matters", params={"division": "340800"}, headers={"if-none-match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.content == b""
    assert elsewhere.status_code == 200


async def test_an_unknown_matter_is_not_found(union: Api) -> None:
    assert (await union.get("/v1/matters/LAB-99")).status_code == 404


@pytest.mark.parametrize(
    ("params", "status"),
    [({"need": "gold"}, 422), ({"division": "34"}, 422), ({"division": "３４０８０２"}, 422), ({"needs": "wage"}, 400)],
)
async def test_a_filter_that_means_nothing_is_refused(union: Api, params: dict[str, str], status: int) -> None:
    assert (await union.get("/v1/matters", params=params)).status_code == status


async def test_the_list_needs_a_token_but_no_scope(http: Any, open_api: Any) -> None:
    feed_only = await open_api("DEMO-990102-UNION", scopes=("events:read",))
    assert (await feed_only.get("/v1/matters/LAB-01")).status_code == 200
    assert (await http.get("/v1/matters/LAB-01")).status_code == 401

"""Divisions as they were on a day."""

from typing import Any

import httpx
import pytest

from crypto.keys import Keyring
from db import names
from db.bootstrap import role_url
from db.engine import Database, open_database
from db.queries.divisions import places
from db.transaction import open_transaction
from tests.builders import Api
from tests.db.test_transaction import caller_of


async def _listed(api: Api, **params: str | int) -> list[dict[str, Any]]:
    answer = await api.get("/v1/divisions", params=params)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_what_lies_below_a_city_is_listed_by_code(union: Api) -> None:
    listed = await _listed(union, parent="340800")
    codes = [division["code"] for division in listed]
    assert codes == sorted(codes)
    assert "340802" in codes
    assert "340824" not in codes, "潜山县 became 潜山市 340882"


async def test_a_code_that_was_retired_is_found_on_its_days(union: Api) -> None:
    then = await _listed(union, parent="340800", as_of="2017-12-31")
    assert "340824" in {division["code"] for division in then}
    assert await _listed(union, code="340824", as_of="2018-01-01") == []


@pytest.mark.parametrize(("day", "name"), [("2004-12-31", "郊区"), ("2005-01-01", "宜秀区")])
async def test_the_last_day_of_a_name_belongs_to_it(union: Api, day: str, name: str) -> None:
    answer = await union.get("/v1/divisions/340811", params={"as_of": day})
    assert answer.json()["name"] == name


async def test_a_code_that_was_not_valid_on_the_day_is_not_found(union: Api) -> None:
    assert (await union.get("/v1/divisions/340824", params={"as_of": "2017-06-01"})).status_code == 200
    assert (await union.get("/v1/divisions/340824", params={"as_of": "2020-06-01"})).status_code == 404
    assert (await union.get("/v1/divisions/34")).status_code == 404


async def test_pages_join_without_gap_or_repetition(union: Api) -> None:
    whole = [division["code"] for division in await _listed(union, parent="340800", limit=200)]
    seen: list[str] = []
    address: str | None = "/v1/divisions?parent=340800&limit=3"
    while address:
        page = await union.get(address)
        seen += [division["code"] for division in page.json()["data"]]
        address = page.links["next"]["url"].removeprefix(str(union.http.base_url)) if page.links else None
    assert seen == whole
    assert len(seen) > 6


async def test_a_cursor_opens_no_other_list(union: Api) -> None:
    page = await union.get("/v1/divisions", params={"parent": "340800", "limit": 1})
    cursor = page.json()["page"]["next"]
    other = await union.get("/v1/divisions", params={"parent": "340000", "limit": 1, "cursor": cursor})
    assert (other.status_code, other.json()["code"]) == (400, "invalid-cursor")


async def test_a_division_is_sent_again_only_when_it_has_changed(union: Api) -> None:
    first = await union.get("/v1/divisions/340802")
    again = await union.get("/v1/divisions/340802", headers={"if-none-match": first.headers["etag"]})
    assert (first.json()["parent"], again.status_code) == ("340800", 304)


@pytest.mark.parametrize("params", [{"as_of": "2026-02-30"}, {"as_of": "2026-2-3"}, {"parent": "3408"}, {"limit": 0}])
async def test_a_filter_that_means_nothing_is_refused(union: Api, params: dict[str, str | int]) -> None:
    assert (await union.get("/v1/divisions", params=params)).status_code == 422


async def test_divisions_need_a_token(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/divisions")).status_code == 401


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("安徽省安庆市宜秀区", "340811"),
        ("安徽省安庆市郊区", "340811"),
        ("安庆潜山", "340882"),
        ("安庆潜山县", "340824"),
    ],
)
async def test_addresses_are_read_by_every_name_a_place_has_had_those_in_force_first(
    database: Database, union: Api, address: str, code: str
) -> None:
    async with open_transaction(database, caller_of(union)) as tx:
        known = await places(tx)
        assert await places(tx) is known, "read once a process"
    assert known.locate(address).county == code


async def test_pools_on_equal_tables_share_one_gazetteer(
    database: Database, admin_url: str, keyring: Keyring, union: Api
) -> None:
    other = open_database(role_url(admin_url, names.APP, keyring), vault=database.vault, pool_size=1)
    async with open_transaction(database, caller_of(union)) as one, open_transaction(other, caller_of(union)) as two:
        assert await places(one) is await places(two)
    await other.close()

"""A consumer's place in the feed, kept for it under a name."""

from typing import Any

import httpx

from db.engine import Database
from tests.api.test_events import Office
from tests.api.test_webhooks import end_of_feed
from tests.builders import Api
from tests.conftest import OpenApi

CURSORS = "/v1/feed-cursors"


async def saved(api: Api, name: str, cursor: str, **params: str) -> httpx.Response:
    return await api.send("PUT", f"{CURSORS}/{name}", json={"cursor": cursor}, params=params)


async def read(api: Api, name: str) -> dict[str, Any]:
    answer = await api.get(f"{CURSORS}/{name}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_consumer_that_lost_its_memory_goes_on_where_it_was(
    labour: Api, open_api: OpenApi, jobs_database: Database
) -> None:
    office = Office(labour, jobs_database)
    place = await office.end_of_feed(types="report.*", divisions="340000")
    kept = await saved(labour, "ledger", place, types="report.*", divisions="340000")
    assert kept.status_code == 200, kept.text
    await office.report()
    successor = await open_api("DEMO-340802-LABOUR")
    cursor = await read(successor, "ledger")
    assert (cursor["types"], cursor["divisions"], cursor["case_kinds"]) == (["report.*"], ["340000"], [])
    assert cursor["behind"] >= 1
    params = {"cursor": cursor["cursor"], "types": "report.*", "divisions": "340000"}
    page = (await successor.get("/v1/events", params=params)).json()
    assert [event["type"] for event in page["data"]] == ["report.received"]
    assert (await saved(labour, "ledger", page["page"]["next"], types="report.*", divisions="340000")).json()[
        "behind"
    ] == 0
    assert [one["consumer"] for one in (await labour.get(CURSORS)).json()["data"]].count("ledger") == 1


async def test_a_place_is_kept_with_the_parameters_it_is_good_for_and_for_one_agency(labour: Api, medical: Api) -> None:
    place = await end_of_feed(labour, types="case.*")
    assert (await saved(labour, "a", place, types="report.*")).json()["code"] == "invalid-cursor"
    assert (await saved(medical, "a", place, types="case.*")).json()["code"] == "invalid-cursor"
    assert (await saved(labour, "a", "x")).json()["code"] == "invalid-cursor"
    assert (await saved(labour, "a", place, types="case.*")).status_code == 200
    assert (await medical.get(f"{CURSORS}/a")).status_code == 404


async def test_names_are_plain_and_not_without_number(open_api: OpenApi) -> None:
    civil = await open_api("DEMO-340802-CIVIL")
    place = await end_of_feed(civil)
    for name in ("..%2Fx", "a b", "n" * 65):
        assert (await saved(civil, name, place)).status_code in (404, 422)
    for number in range(50):
        assert (await saved(civil, f"c{number}", place)).status_code == 200
    more = await saved(civil, "c50", place)
    assert (more.status_code, more.json()["reason"]) == (409, "too-many-cursors")
    assert (await saved(civil, "c49", place)).status_code == 200

"""The register of drafts on which a union was, or should have been, asked."""

from typing import Any

from tests.actions.story import Json, body_of
from tests.builders import CONSULTATION, Api
from tests.conftest import OpenApi

PATH = "/v1/consultations"
ASKED: Json = {"asked_on": "2026-01-06", "opinion_due": "2026-01-20"}
HEARD: Json = {"opinion": "应提高标准", "opinion_on": "2026-01-18", "attended": True}


async def register(union: Api, **changes: Any) -> Json:
    answer = await union.post(PATH, CONSULTATION | changes)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def change(union: Api, record: Json, **words: Any) -> Json:
    answer = await union.patch(f"{PATH}/{record['id']}", words, if_match=record["version"])
    assert answer.status_code == 200, answer.text
    return body_of(answer)


async def ids_of(api: Api, query: str = "") -> set[str]:
    answer = await api.get(f"{PATH}?limit=200{query}")
    assert answer.status_code == 200, answer.text
    return {row["id"] for row in answer.json()["data"]}


async def test_who_was_not_asked_is_flagged_until_it_is(union: Api) -> None:
    record = await register(union)
    assert (record["missing_participation"], record["opinion_overdue"]) == (True, False)
    assert record["id"] in await ids_of(union, "&missing_participation=true")
    asked = await change(union, record, **ASKED)
    assert (asked["missing_participation"], asked["opinion_overdue"]) == (False, True)
    assert record["id"] not in await ids_of(union, "&missing_participation=true")
    assert record["id"] in await ids_of(union, "&opinion_overdue=true")
    heard = await change(union, asked, **HEARD)
    assert (heard["opinion_overdue"], heard["opinion"]) == (False, HEARD["opinion"])
    assert record["id"] in await ids_of(union, "&opinion_overdue=false&missing_participation=false")


async def test_what_became_of_an_opinion_is_said_with_a_reason(union: Api) -> None:
    record = await register(union, **ASKED, **HEARD)
    bare = await union.patch(f"{PATH}/{record['id']}", {"adoption": "not_adopted"}, if_match=1)
    assert [(error["pointer"], error["code"]) for error in bare.json()["errors"]] == [("/adoption_reason", "required")]
    said = await change(union, record, adoption="not_adopted", adoption_reason="财力不足")
    assert (said["adoption"], said["version"]) == ("not_adopted", 2)
    stale = await union.patch(f"{PATH}/{record['id']}", {"attended": False}, if_match=1)
    assert stale.status_code == 412


async def test_the_register_is_the_unions_own(union: Api, labour: Api, open_api: OpenApi) -> None:
    record = await register(union)
    for api in (labour, await open_api("DEMO-340800-UNION")):
        assert (await api.get(f"{PATH}/{record['id']}")).status_code == 404
        assert record["id"] not in await ids_of(api)
    refused = await labour.post(PATH, CONSULTATION)
    assert (refused.status_code, refused.json()["reason"]) == (409, "only-unions-register")


async def test_a_drafter_is_an_active_agency_or_a_name(union: Api, labour: Api) -> None:
    record = await register(union, drafter_name=None, drafter_agency=str(labour.id))
    assert record["drafter_agency"] == str(labour.id)
    unknown = {"drafter_name": None, "drafter_agency": "00000000-0000-7000-8000-000000000000"}
    answer = await union.post(PATH, CONSULTATION | unknown)
    assert [error["code"] for error in answer.json()["errors"]] == ["not-an-active-agency"]


async def test_figures_stand_by_drafting_body(open_api: OpenApi) -> None:
    union = await open_api("DEMO-990102-UNION")
    await register(union, drafter_name="甲局")
    await register(union, drafter_name="甲局", **ASKED, **HEARD, adoption="adopted")
    await register(union, drafter_name="乙局", **ASKED)
    rows = (await union.get(f"{PATH}/counts")).json()["data"]
    first, second = (row for row in rows if row["drafter_name"] in ("甲局", "乙局"))
    assert (first["drafter_name"], first["drafts"], first["not_asked"], first["opinions"]) == ("甲局", 2, 1, 1)
    assert (first["adopted"], first["attended"]) == (1, 1)
    assert (second["drafts"], second["not_asked"], second["opinions"]) == (1, 0, 0)


async def test_the_list_is_paged(union: Api) -> None:
    made = [(await register(union))["id"] for _ in range(3)]
    first = (await union.get(f"{PATH}?limit=2&missing_participation=true")).json()
    assert [row["id"] for row in first["data"]] == made[:0:-1]
    query = {"limit": 2, "missing_participation": "true", "cursor": first["page"]["next"]}
    assert (await union.get(PATH, params=query)).json()["data"][0]["id"] == made[0]

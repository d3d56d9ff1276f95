"""Code lists."""

import httpx

from tests.builders import Api


async def test_the_lists_are_named_with_their_size_and_source(union: Api) -> None:
    answer = await union.get("/v1/codes")
    assert answer.status_code == 200
    systems = {system["system"]: system for system in answer.json()["data"]}
    assert systems["difficulty_class"]["size"] == 5
    assert systems["difficulty_class"]["codes"] is None
    assert systems["difficulty_class"]["sources"] == ["工会困难职工分类（2022年后）"]


async def test_one_list_is_answered_in_the_order_of_the_form_in_both_languages(union: Api) -> None:
    (system,) = (await union.get("/v1/codes", params={"system": "cause"})).json()["data"]
    assert [code["code"] for code in system["codes"]] == [str(number) for number in range(1, 11)]
    assert system["codes"][2] == {
        "code": "3",
        "zh": "下岗失业",
        "en": "laid off or unemployed",
        "source": "困难职工档案表（全国总工会）",
        "status": "verified",
    }


async def test_an_unknown_list_is_empty(union: Api) -> None:
    assert (await union.get("/v1/codes", params={"system": "colours"})).json() == {"data": []}


async def test_a_list_is_sent_again_only_when_it_has_changed(union: Api) -> None:
    first = await union.get("/v1/codes", params={"system": "cause"})
    again = await union.get("/v1/codes", params={"system": "cause"}, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


async def test_bad_filters_are_refused(union: Api, http: httpx.AsyncClient) -> None:
    assert (await union.get("/v1/codes", params={"system": "a b"})).status_code == 422
    assert (await union.get("/v1/codes", params={"name": "cause"})).status_code == 400
    assert (await http.get("/v1/codes")).status_code == 401


async def test_the_pages_of_problems_are_open_to_everybody(http: httpx.AsyncClient) -> None:
    index = await http.get("/problems", headers={"accept-language": "en"})
    page = await http.get("/problems/not-found")
    assert index.status_code == page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    assert (await http.get("/problems/nothing-of-the-kind")).status_code == 404

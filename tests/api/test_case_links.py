"""Links of a case beyond its persons: who says them, who sees what of them, and what nobody learns by trying."""

import asyncio
import secrets
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from crypto.ids import new_id
from db.engine import Database
from tests.actions.instances import superuser
from tests.actions.people import signed_in
from tests.actions.story import Json, body_of, refer, report, step
from tests.api.test_events import Office
from tests.builders import Api, fresh_key, report_body
from tests.conftest import OpenApi

ELSEWHERE = {
    "kind": "elsewhere",
    "division_code": "330100",
    "level": "province",
    "authority": "浙江省总工会困难职工帮扶平台",
    "number": "ZJ-2026-0091",
    "url": "https://helping.example.cn/cases/ZJ-2026-0091",
    "reason": "一家已迁居杭州",
}


_LINKED = "case.linked"


def _number() -> str:
    return f"（2026）皖0802民初{secrets.randbelow(10**9)}号"


def _own(number: str, system: str = "court-files") -> Json:
    return {"kind": "own_number", "system": system, "number": number}


def _pair(other: str, kind: str = "same_root_cause") -> Json:
    return {"kind": kind, "other_case": other, "reason": "同一企业停产"}


async def _try(api: Api, case_id: str, said: Json, **options: Any) -> httpx.Response:
    return await api.post(f"/v1/cases/{case_id}/case-links", said, **options)


async def _said(api: Api, case_id: str, said: Json) -> Json:
    answer = await _try(api, case_id, said)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def _links(api: Api, case_id: str, **options: Any) -> list[Json]:
    answer = await api.get(f"/v1/cases/{case_id}/case-links", **options)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["data"]
    return found


async def _undo(api: Api, link: Json, **options: Any) -> httpx.Response:
    options.setdefault("if_match", link["version"])
    return await api.post(f"/v1/case-links/{link['id']}/undo", {"reason": "登记有误"}, **options)


async def _found(api: Api, number: str) -> list[str]:
    answer = await api.post("/v1/cases/search", {"agency_case_number": number}, purpose="assistance", key=None)
    assert answer.status_code == 200, answer.text
    return [case["id"] for case in answer.json()["data"]]


async def _case(reporter: Api, **changes: Any) -> str:
    case_id: str = (await report(reporter, **changes))["case"]["id"]
    return case_id


async def _there(reporter: Api) -> str:
    """A case of another county's union."""
    return await _case(reporter, person={"address": {"division_code": "990101", "detail": "矿山路3号"}})


async def _observe(coordinator: Api, case_id: str, observer: Api) -> None:
    asked = await coordinator.post(f"/v1/cases/{case_id}/participants", {"agency": str(observer.id)})
    assert asked.status_code == 201, asked.text


@pytest.fixture
async def sibling(open_api: OpenApi) -> Api:
    return await open_api("DEMO-990101-UNION")


@pytest.fixture
async def justice(open_api: OpenApi) -> Api:
    return await open_api("DEMO-340802-JUSTICE")


# An agency's own number


async def test_an_agency_gives_its_own_number_and_finds_the_case_by_it(union: Api, labour: Api, medical: Api) -> None:
    case_id, number = await _case(labour), _number()
    answer = await _try(labour, case_id, _own(number) | {"reason": "执行案件"})
    link = body_of(answer)
    assert answer.status_code == 201, answer.text
    assert (answer.headers["location"], answer.headers["etag"]) == (f"/v1/case-links/{link['id']}", '"v1"')
    assert (link["number"], link["case_id"], link["said_by"]["id"]) == (number, case_id, str(labour.id))
    assert body_of(await labour.get(f"/v1/case-links/{link['id']}")) == link
    for typed in (number, number.replace("（", "〔").replace("）", "〕"), f" {number.replace('皖', ' 皖')} "):
        assert await _found(labour, typed) == [case_id]
    assert await _found(union, number) == [], "the coordinator sees it, but searches its own numbers only"
    assert await _found(medical, number) == []
    (shown,) = await _links(union, case_id)
    assert (shown["number"], shown["reason"]) == (number, "执行案件")


async def test_others_who_take_part_learn_nothing_of_a_number(
    union: Api, labour: Api, medical: Api, stranger: Api
) -> None:
    case_id = await _case(labour)
    await step(medical, await refer(union, case_id, medical, matter="MED-01"), "accept")
    link = await _said(labour, case_id, _own(_number()))
    path = f"/v1/case-links/{link['id']}"
    assert await _links(medical, case_id) == []
    assert (await stranger.get(f"/v1/cases/{case_id}/case-links")).status_code == 404
    for other in (medical, stranger):
        hidden, nothing = await other.get(path), await other.get(f"/v1/case-links/{new_id()}")
        assert (hidden.status_code, hidden.json()["code"]) == (nothing.status_code, nothing.json()["code"])
        assert hidden.status_code == 404
        assert (await _undo(other, link)).status_code == 404
    assert (await _undo(union, link)).status_code == 403, "another agency's word is not the coordinator's to undo"
    assert (await _try(stranger, case_id, _own(_number()))).status_code == 404


async def test_a_number_stands_once_for_an_agency_and_says_nothing_of_others(
    union: Api, labour: Api, medical: Api
) -> None:
    one, two, number = await _case(labour), await _case(labour), _number()
    first = await _said(labour, one, _own(number))
    for case_id in (one, two):
        again = await _try(labour, case_id, _own(number.replace("（2026）", "(2026)")))
        assert (again.status_code, again.json()["code"]) == (409, "duplicate-record")
        assert again.json()["existing"] == f"/v1/case-links/{first['id']}"
    await _said(labour, two, _own(number, system="other-register"))
    for other in (union, medical):
        case_id = await _case(other)
        assert (await _said(other, case_id, _own(number)))["number"] == number, "each agency counts for itself"
    assert (await _undo(labour, first)).status_code == 200
    assert (await _said(labour, two, _own(number)))["case_id"] == two


async def test_what_was_undone_stays_to_be_read_and_is_not_found_any_more(union: Api, labour: Api) -> None:
    case_id, number = await _case(labour), _number()
    link = await _said(labour, case_id, _own(number))
    bare = await labour.post(f"/v1/case-links/{link['id']}/undo", {"reason": "登记有误"})
    assert bare.status_code == 428
    stale = await _undo(labour, link, if_match=9)
    assert (stale.status_code, stale.headers["etag"]) == (412, '"v1"')
    undone = body_of(await _undo(labour, link))
    assert (undone["version"], undone["undo_reason"], undone["undone_by"]["id"]) == (2, "登记有误", str(labour.id))
    assert (await _undo(labour, undone)).json()["code"] == "invalid-transition"
    assert await _found(labour, number) == []
    (shown,) = await _links(union, case_id)
    assert (shown["number"], shown["undone_at"], shown["version"]) == (number, undone["undone_at"], 2)
    kinds = [entry["type"] for entry in (await union.get(f"/v1/cases/{case_id}/timeline")).json()["data"]]
    assert kinds[-2:] == ["case.linked", "case.unlinked"]


async def test_a_judicial_number_opens_to_the_coordinator_under_a_purpose_and_with_a_mark(
    union: Api, justice: Api, admin_url: str
) -> None:
    case_id, number = await _case(justice), _number()
    link = await _said(justice, case_id, _own(number))
    path = f"/v1/case-links/{link['id']}"
    assert (await union.get(path)).json()["number"] is None
    assert [row["number"] for row in await _links(union, case_id, purpose="payment")] == [None]
    assert (await justice.get(path)).json()["number"] == number
    read = await union.get(path, purpose="assistance")
    assert read.json()["number"] == number
    listed = await union.get(f"/v1/cases/{case_id}/case-links", purpose="assistance")
    assert listed.json()["data"][0]["number"] == number
    async with superuser(admin_url) as raw:
        for answer in (read, listed):
            leaf = await raw.fetchrow(
                "SELECT action, field_classes, purpose, agency_id FROM audit_leaf WHERE request_id = $1",
                answer.headers["request-id"],
            )
            assert leaf is not None
            assert tuple(leaf) == ("case_link.read", ["legal"], "assistance", union.id)


async def test_who_left_the_case_keeps_its_own_number_and_finds_no_case(union: Api, medical: Api) -> None:
    case_id, number = await _case(union), _number()
    await _observe(union, case_id, medical)
    link = await _said(medical, case_id, _own(number))
    assert await _found(medical, number) == [case_id]
    tag = (await medical.get(f"/v1/cases/{case_id}")).headers["etag"]
    ended = await medical.delete(f"/v1/cases/{case_id}/participants/{medical.id}", if_match=tag)
    assert ended.status_code == 204, ended.text
    assert await _found(medical, number) == []
    assert (await medical.get(f"/v1/cases/{case_id}/case-links")).status_code == 404
    assert (await _try(medical, case_id, _own(_number()))).status_code == 404
    assert (await medical.get(f"/v1/case-links/{link['id']}")).json()["number"] == number
    assert (await _undo(medical, link)).status_code == 200


# Two cases


async def test_a_coordinator_links_two_cases_it_takes_part_in(union: Api, labour: Api, medical: Api) -> None:
    one, two = await _case(labour), await _case(labour)
    link = await _said(union, one, _pair(two, "same_household"))
    assert (link["case_id"], link["other_case_id"], link["source"]) == (one, two, "agency")
    (there,) = await _links(union, two)
    assert (there["id"], there["case_id"], there["other_case_id"]) == (link["id"], two, one)
    (reported,) = await _links(labour, one)
    assert (reported["other_case_id"], reported["reason"]) == (two, "同一企业停产"), "it reported both"
    await step(medical, await refer(union, one, medical, matter="MED-01"), "accept")
    assert await _links(medical, one) == []
    assert (await medical.get(f"/v1/case-links/{link['id']}")).status_code == 404
    assert (await _undo(labour, link)).status_code == 403
    again = await _try(union, two, _pair(one, "same_household"))
    assert (again.status_code, again.json()["existing"]) == (409, f"/v1/case-links/{link['id']}")
    assert (await _undo(union, link)).status_code == 200
    await _said(union, two, _pair(one, "same_household"))


async def test_a_case_one_does_not_see_cannot_be_named(union: Api, labour: Api, sibling: Api) -> None:
    mine, hidden = await _case(labour), await _there(sibling)
    refused, nothing = await _try(union, mine, _pair(hidden)), await _try(union, mine, _pair(str(new_id())))
    assert (refused.status_code, nothing.status_code) == (404, 404)
    different = {"trace_id", "instance"}
    assert {k: v for k, v in refused.json().items() if k not in different} == {
        k: v for k, v in nothing.json().items() if k not in different
    }
    assert (await _try(union, hidden, _pair(mine))).status_code == 404
    assert await _links(union, mine) == []
    assert await _links(sibling, hidden) == []


async def test_only_a_coordinator_of_one_of_them_links_cases(union: Api, labour: Api, sibling: Api) -> None:
    one, two = await _case(labour), await _case(labour)
    for said in (_pair(two), ELSEWHERE):
        assert (await _try(labour, one, said)).status_code == 403
    other = await _there(sibling)
    await _observe(sibling, other, union)
    from_afar = await _said(union, other, _pair(one))
    assert (from_afar["case_id"], from_afar["other_case_id"]) == (other, one), "named from where it only observes"


async def test_the_other_coordinator_learns_that_there_is_a_link_and_whom_to_ask(
    union: Api, labour: Api, sibling: Api, jobs_database: Database
) -> None:
    mine, theirs = await _case(labour), await _there(sibling)
    await _observe(sibling, theirs, union)
    offices = [Office(api, jobs_database) for api in (union, sibling)]
    ends = [await office.end_of_feed(types="case.*") for office in offices]
    link = await _said(union, mine, _pair(theirs))
    (seen,) = await _links(sibling, theirs)
    assert (seen["id"], seen["kind"], seen["case_id"]) == (link["id"], "same_root_cause", theirs)
    assert (seen["other_case_id"], seen["reason"]) == (None, None)
    assert seen["holder"]["id"] == str(union.id)
    assert mine not in (await sibling.get(f"/v1/case-links/{link['id']}")).text
    for api, case_id in ((union, mine), (sibling, theirs)):
        last = (await api.get(f"/v1/cases/{case_id}/timeline")).json()["data"][-1]
        assert (last["type"], last["subject_id"], last["changed"]) == ("case.linked", link["id"], ["same_root_cause"])
    await offices[0].number()
    for office, end in zip(offices, ends, strict=True):
        sent = [event for event in (await office.read(cursor=end, types="case.*"))["data"] if event["type"] == _LINKED]
        assert [event["subject"]["id"] for event in sent] == [link["id"]], "each hears of it once, for its own case"
        assert sent[0]["subject"]["href"] == f"/v1/case-links/{link['id']}"
    assert (await _undo(sibling, link)).status_code == 200, "either of the two may say that it does not hold"
    assert (await _links(union, mine))[0]["undone_by"]["id"] == str(sibling.id)


async def test_who_leaves_the_other_case_sees_no_more_than_whom_to_ask(union: Api, labour: Api, sibling: Api) -> None:
    mine, theirs = await _case(labour), await _there(sibling)
    await _observe(sibling, theirs, union)
    link = await _said(union, mine, _pair(theirs))
    assert (await _links(union, mine))[0]["other_case_id"] == theirs
    tag = (await union.get(f"/v1/cases/{theirs}")).headers["etag"]
    assert (await union.delete(f"/v1/cases/{theirs}/participants/{union.id}", if_match=tag)).status_code == 204
    (seen,) = await _links(union, mine)
    assert (seen["id"], seen["other_case_id"], seen["holder"]["id"]) == (link["id"], None, str(sibling.id))
    assert seen["reason"] == "同一企业停产", "its own words"
    assert theirs not in (await union.get(f"/v1/case-links/{link['id']}")).text


async def test_whoever_works_in_both_cases_sees_their_link_until_it_leaves_one(
    union: Api, labour: Api, medical: Api
) -> None:
    one, two = await _case(labour), await _case(labour)
    link = await _said(union, one, _pair(two))
    await step(medical, await refer(union, one, medical, matter="MED-01"), "accept")
    await _observe(union, two, medical)
    assert await _links(medical, one) == [], "who only observes the other case is told nothing of its household"
    work = await step(medical, await refer(union, two, medical, matter="MED-01"), "accept")
    assert [row["id"] for row in await _links(medical, one)] == [link["id"]]
    await step(medical, work, "fail")
    assert await _links(medical, one) == []
    assert (await medical.get(f"/v1/case-links/{link['id']}")).status_code == 404


async def test_two_same_links_at_once_leave_one_standing(union: Api, labour: Api) -> None:
    one, two, number = await _case(labour), await _case(labour), _number()
    pairs = await asyncio.gather(*(_try(union, *ends) for ends in ((one, _pair(two)), (two, _pair(one))) * 2))
    assert sorted(answer.status_code for answer in pairs) == [201, 409, 409, 409]
    numbers = await asyncio.gather(*(_try(labour, case_id, _own(number)) for case_id in (one, two) * 2))
    assert sorted(answer.status_code for answer in numbers) == [201, 409, 409, 409]
    standing = [row for row in await _links(union, one) if row["kind"] == "same_root_cause"]
    assert len(standing) == 1


async def test_the_same_key_links_once(union: Api, labour: Api) -> None:
    case_id, key, said = await _case(labour), fresh_key(), _own(_number())
    first, again = await _try(labour, case_id, said, key=key), await _try(labour, case_id, said, key=key)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert (await _try(labour, case_id, _own(_number()), key=key)).json()["code"] == "idempotency-mismatch"
    assert len(await _links(labour, case_id)) == 1


async def test_a_list_of_links_goes_on_where_it_ended(union: Api, labour: Api) -> None:
    case_id = await _case(labour)
    made = [(await _said(labour, case_id, _own(_number())))["id"] for _ in range(3)]
    first = await labour.get(f"/v1/cases/{case_id}/case-links", params={"limit": 2})
    assert [row["id"] for row in first.json()["data"]] == made[:0:-1]
    params = {"limit": 2, "cursor": first.json()["page"]["next"]}
    rest = await labour.get(f"/v1/cases/{case_id}/case-links", params=params)
    assert ([row["id"] for row in rest.json()["data"]], rest.json()["page"]["has_more"]) == (made[:1], False)
    other = await _case(labour)
    assert (await labour.get(f"/v1/cases/{other}/case-links", params=params)).json()["code"] == "invalid-cursor"


async def test_links_follow_a_case_to_its_new_coordinator(
    union: Api, labour: Api, sibling: Api, admin_url: str
) -> None:
    """As behind a transfer: whoever coordinates from now on sees them, who did before does not."""
    one, two = await _case(labour), await _case(labour)
    for said in (_pair(two), ELSEWHERE):
        await _said(union, one, said)
    async with superuser(admin_url) as raw:
        await raw.execute(_TRANSFER, UUID(one), sibling.id)
    seen = {link["kind"]: link for link in await _links(sibling, one)}
    assert set(seen) == {"elsewhere", "same_root_cause"}
    assert (seen["same_root_cause"]["other_case_id"], seen["elsewhere"]["number"]) == (None, ELSEWHERE["number"])
    assert (await union.get(f"/v1/cases/{one}/case-links")).status_code == 404
    assert (await union.get(f"/v1/case-links/{seen['elsewhere']['id']}")).status_code == 404
    (left,) = await _links(union, two)
    assert (left["other_case_id"], left["holder"]["id"]) == (None, str(sibling.id))


_TRANSFER = """
WITH moved AS (UPDATE participant SET agency_id = $2 WHERE case_id = $1 AND role = 'coordinator' AND until IS NULL)
UPDATE "case" SET coordinator_agency_id = $2 WHERE id = $1"""


# Elsewhere, and what is wrong


async def test_a_case_on_another_provinces_platform_is_for_the_coordinator_alone(union: Api, labour: Api) -> None:
    case_id = await _case(labour)
    link = await _said(union, case_id, ELSEWHERE)
    assert {name: link[name] for name in ELSEWHERE} == ELSEWHERE
    assert await _links(labour, case_id) == []
    assert (await labour.get(f"/v1/case-links/{link['id']}")).status_code == 404
    again = await _try(union, case_id, ELSEWHERE | {"number": "zj-2026-0091"})
    assert (again.status_code, again.json()["existing"]) == (409, f"/v1/case-links/{link['id']}")
    await _said(union, await _case(labour), ELSEWHERE)


async def test_a_supervisor_above_sees_that_and_not_the_number_or_the_words(
    union: Api, labour: Api, open_api: OpenApi, app: FastAPI, admin_url: str
) -> None:
    case_id = await _case(labour)
    for api, said in ((union, ELSEWHERE), (labour, _own(_number()))):
        await _said(api, case_id, said)
    city = (await open_api("DEMO-340800-UNION")).id
    async with superuser(admin_url) as raw:
        _, _, token = await signed_in(raw, app.state.services.tokens, city, ["union_supervisor"])
    headers = {"authorization": f"Bearer {token}", "tongli-purpose": "supervision"}
    (seen,) = (await union.http.get(f"/v1/cases/{case_id}/case-links", headers=headers)).json()["data"]
    assert (seen["kind"], seen["division_code"]) == ("elsewhere", "330100")
    assert (seen["number"], seen["url"], seen["reason"]) == (None, None, None)


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ({"kind": "own_number"}, {"/system": "required", "/number": "required"}),
        (_own("1") | {"url": "https://a.example"}, {"/url": "not-with-this-link"}),
        ({"kind": "same_household"}, {"/other_case": "required", "/reason": "required"}),
        (ELSEWHERE | {"system": "x"}, {"/system": "not-with-this-link"}),
        (ELSEWHERE | {"url": "http://a.example"}, {"/url": "pattern"}),
        (ELSEWHERE | {"url": "https://user@a.example/"}, {"/url": "pattern"}),
        (ELSEWHERE | {"division_code": "33"}, {"/division_code": "pattern"}),
        ({"kind": "same_person"}, {"/kind": "not-allowed"}),
    ],
)
async def test_what_a_kind_does_not_take_is_refused_by_name(union: Api, said: Json, errors: Json) -> None:
    answer = await _try(union, await _case(union), said)
    assert answer.status_code == 422
    assert {error["pointer"]: error["code"] for error in answer.json()["errors"]} == errors


async def test_a_case_is_not_linked_with_itself_nor_an_employers_into_a_household(union: Api) -> None:
    case_id = await _case(union)
    same = await _try(union, case_id, _pair(case_id))
    assert same.json()["errors"][0]["code"] == "same-case"
    employer = {"name": f"安纺织造{new_id()}"}
    group = await _case(union, person=None, household=None, employer=employer, needs=["wage"])
    wrong = await _try(union, case_id, _pair(group, "same_household"))
    assert wrong.json()["errors"][0]["code"] == "not-of-a-household"
    await _said(union, case_id, _pair(group))


async def test_a_search_by_an_own_number_takes_no_other_condition(labour: Api) -> None:
    mixed = {"agency_case_number": "1", "id_number": "990000196001010021"}
    answer = await labour.post("/v1/cases/search", mixed, purpose="assistance", key=None)
    assert answer.json()["errors"][0]["code"] == "own-number-alone"


# What the platform says itself


async def _employer_case(reporter: Api) -> tuple[str, Json]:
    employer = {"name": f"安纺织造{new_id()}"}
    said = await report(reporter, person=None, household=None, employer=employer, needs=["wage"])
    return said["case"]["id"], employer


async def test_a_report_that_names_the_employer_of_an_active_case_links_the_two(union: Api, labour: Api) -> None:
    group, employer = await _employer_case(union)
    mine = await _case(labour, person={"employer": employer | {"uscc": None}})
    (link,) = await _links(union, mine)
    assert (link["kind"], link["source"], link["said_by"]) == ("same_employer", "model", None)
    assert (link["other_case_id"], (await _links(union, group))[0]["id"]) == (group, link["id"])
    last = (await union.get(f"/v1/cases/{mine}/timeline")).json()["data"]
    assert [entry["changed"] for entry in last if entry["type"] == "case.linked"] == [["same_employer"]]


async def test_who_reported_learns_nothing_of_the_employers_case(union: Api, labour: Api, admin_url: str) -> None:
    group, employer = await _employer_case(union)
    answer = await labour.post("/v1/reports", _report_of(employer))
    mine = answer.json()["case"]["id"]
    (link,) = await _links(union, mine)
    assert await _links(labour, mine) == []
    timeline = await labour.get(f"/v1/cases/{mine}/timeline")
    leaves = await labour.get("/v1/audit/leaves", params={"case_id": mine})
    for text in (answer.text, timeline.text, leaves.text):
        assert link["id"] not in text
        assert group not in text
        assert "case_link" not in text
        assert "case.linked" not in text


def _report_of(employer: Json) -> Json:
    return report_body(person={"employer": employer | {"uscc": None}})


async def test_under_another_coordinator_or_after_an_undo_the_platform_says_nothing(
    union: Api, labour: Api, sibling: Api
) -> None:
    group, employer = await _employer_case(union)
    far = {"employer": employer | {"uscc": None}, "address": {"division_code": "990101", "detail": "矿山路3号"}}
    assert await _links(sibling, await _case(sibling, person=far)) == []
    body = _report_of(employer)
    mine = (await labour.post("/v1/reports", body)).json()["case"]["id"]
    (link,) = await _links(union, mine)
    assert (await _undo(union, link)).status_code == 200
    again = body | {"source": {"system": "other", "record_id": secrets.token_hex(8)}}
    assert (await union.post("/v1/reports", again)).json()["case"]["id"] == mine
    assert [row["id"] for row in await _links(union, mine)] == [link["id"]], "a coordinator's word stands"
    assert [row["version"] for row in await _links(union, group)] == [2]

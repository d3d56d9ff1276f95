"""A union's proposal: five facets, sent with what is counted that day, replied to by whom it was sent to."""

import asyncio
from typing import Any

import pytest

from tests.actions.story import Json, body_of, report
from tests.builders import PROPOSAL, Api

PATH = "/v1/proposals"
REPLY: Json = {"decision": "partly", "reason": "needs_study", "text": "先行试点，后续研究"}


async def draft(union: Api, **changes: Any) -> Json:
    answer = await union.post(PATH, PROPOSAL | changes)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def take(api: Api, proposal: Json, step: str, status: int = 200, **words: Any) -> Json:
    answer = await api.post(f"{PATH}/{proposal['id']}/{step}", words, if_match=proposal["version"])
    assert answer.status_code == status, answer.text
    return body_of(answer)


async def ids_of(api: Api, query: str = "") -> set[str]:
    answer = await api.get(f"{PATH}?limit=200{query}")
    assert answer.status_code == 200, answer.text
    return {row["id"] for row in answer.json()["data"]}


async def test_a_draft_is_seen_by_nobody_else_and_what_is_sent_by_its_addressee(union: Api, labour: Api) -> None:
    drafted = await draft(union, addressee_agency=str(labour.id))
    assert (drafted["status"], drafted["reply_days"], drafted["evidence"]) == ("draft", 60, None)
    hidden = await labour.get(f"{PATH}/{drafted['id']}")
    nothing = await labour.get(f"{PATH}/00000000-0000-7000-8000-000000000000")
    assert (hidden.status_code, hidden.json()["code"]) == (nothing.status_code, nothing.json()["code"])
    assert drafted["id"] not in await ids_of(labour)
    sent = await take(union, drafted, "send")
    assert (sent["status"], sent["allowed_steps"]) == ("sent", ["withdraw"])
    seen = body_of(await labour.get(f"{PATH}/{drafted['id']}"))
    assert (seen["allowed_steps"], seen["object"]) == (["reply"], PROPOSAL["object"])
    assert drafted["id"] in await ids_of(labour, "&part=addressee&status=sent")
    assert drafted["id"] not in await ids_of(union, "&part=addressee")


async def test_the_addressee_says_whether_it_adopts_and_why(union: Api, labour: Api) -> None:
    sent = await take(union, await draft(union, addressee_agency=str(labour.id)), "send")
    assert (await take(union, sent, "reply", 409, **REPLY))["code"] == "invalid-transition"
    bare = await take(labour, sent, "reply", 422, decision="not_adopted", text="暂不采纳")
    assert [error["pointer"] for error in bare["errors"]] == ["/reason"]
    replied = await take(labour, sent, "reply", **REPLY)
    assert (replied["status"], replied["allowed_steps"]) == ("replied", [])
    read = body_of(await union.get(f"{PATH}/{sent['id']}"))["reply"]
    assert {name: read[name] for name in REPLY} == REPLY
    assert (await take(union, replied, "withdraw", 409))["code"] == "invalid-transition"


async def test_of_a_body_outside_the_union_records_the_reply(union: Api) -> None:
    sent = await take(union, await draft(union, addressee_name="省人大常委会"), "send")
    assert (sent["addressee_agency"], sent["addressee_name"]) == (None, "省人大常委会")
    replied = await take(union, sent, "reply", decision="adopted", text="列入立法计划")
    assert (replied["reply"]["decision"], replied["reply"]["reason"]) == ("adopted", None)


async def test_a_proposal_that_lacks_facets_or_an_addressee_is_not_sent(union: Api, labour: Api) -> None:
    drafted = await draft(union, means=None, funding_source=None)
    refused = await take(union, drafted, "send", 422)
    assert {error["pointer"] for error in refused["errors"]} == {"/means", "/funding_source", "/addressee_agency"}
    words = {"means": "补贴", "funding_source": "财政", "addressee_agency": str(labour.id)}
    changed = await union.patch(f"{PATH}/{drafted['id']}", words, if_match=drafted["version"])
    assert changed.status_code == 200, changed.text
    sent = await take(union, body_of(changed), "send")
    again = await union.patch(f"{PATH}/{drafted['id']}", {"means": "别的"}, if_match=sent["version"])
    assert (again.status_code, again.json()["code"]) == (409, "invalid-transition")


async def test_a_merge_patch_takes_a_facet_away_and_an_empty_one_leaves_all(union: Api) -> None:
    drafted = await draft(union)
    without = body_of(await union.patch(f"{PATH}/{drafted['id']}", {"means": None}, if_match=1))
    assert (without["means"], without["object"]) == (None, PROPOSAL["object"])
    same = await union.patch(f"{PATH}/{drafted['id']}", {}, if_match=2)
    assert same.status_code == 200, same.text
    assert same.json() | {"version": 2, "updated_at": None} == without | {"updated_at": None}


async def test_what_was_counted_on_the_day_of_sending_stays(union: Api, labour: Api) -> None:
    for _ in range(5):
        await report(labour, needs=["democratic_rights"])
    words = {"need": "democratic_rights", "addressee_agency": str(labour.id)}
    sent = await take(union, await draft(union, **words), "send")
    counted = sent["evidence"]["cases"]
    assert counted >= 5
    await report(labour, needs=["democratic_rights"])
    assert body_of(await labour.get(f"{PATH}/{sent['id']}"))["evidence"]["cases"] == counted
    later = await take(union, await draft(union, **words), "send")
    assert later["evidence"]["cases"] == counted + 1


async def test_withdrawn_before_it_was_sent_it_was_never_the_addressees(union: Api, labour: Api) -> None:
    drafted = await draft(union, addressee_agency=str(labour.id))
    await take(union, drafted, "withdraw")
    assert (await labour.get(f"{PATH}/{drafted['id']}")).status_code == 404
    sent = await take(union, await draft(union, addressee_agency=str(labour.id)), "send")
    assert (await take(union, sent, "withdraw"))["status"] == "withdrawn"
    assert body_of(await labour.get(f"{PATH}/{sent['id']}"))["status"] == "withdrawn"
    assert (await take(labour, sent | {"version": 3}, "reply", 409, **REPLY))["code"] == "invalid-transition"


async def test_of_two_at_once_one_wins(union: Api, labour: Api) -> None:
    sent = await take(union, await draft(union, addressee_agency=str(labour.id)), "send")

    async def move(api: Api, step: str, words: Json) -> int:
        answer = await api.post(f"{PATH}/{sent['id']}/{step}", words, if_match=sent["version"])
        return answer.status_code

    assert sorted(await asyncio.gather(move(labour, "reply", REPLY), move(union, "withdraw", {}))) == [200, 412]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"addressee_agency": "self"}, "/addressee_agency"),
        ({"addressee_agency": "nobody"}, "/addressee_agency"),
        ({"addressee_agency": "labour", "addressee_name": "省政府"}, "/addressee_name"),
        ({"need": "nonsense"}, "/need"),
        ({"reply_days": 0}, "/reply_days"),
    ],
)
async def test_bad_words_are_named(union: Api, labour: Api, changes: Json, pointer: str) -> None:
    agencies = {"self": str(union.id), "labour": str(labour.id), "nobody": "00000000-0000-7000-8000-000000000000"}
    said = changes | {name: agencies[value] for name, value in changes.items() if name == "addressee_agency"}
    answer = await union.post(PATH, PROPOSAL | said)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_an_office_makes_no_proposal(labour: Api) -> None:
    answer = await labour.post(PATH, PROPOSAL)
    assert (answer.status_code, answer.json()["reason"]) == (409, "only-unions-propose")


async def test_the_list_is_paged_newest_first(union: Api) -> None:
    made = [(await draft(union))["id"] for _ in range(3)]
    first = await union.get(f"{PATH}?limit=2&status=draft&part=owner")
    assert [row["id"] for row in first.json()["data"]] == made[:0:-1]
    second = await union.get(PATH, params={"limit": 2, "status": "draft", "part": "owner"} | {"cursor": _next(first)})
    assert second.json()["data"][0]["id"] == made[0]


def _next(answer: Any) -> str:
    following: str = answer.json()["page"]["next"]
    return following

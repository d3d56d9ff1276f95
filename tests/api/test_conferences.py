"""Joint conferences: who sees them, what is on an agenda, opinions, decisions, tasks and their effect."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.actions.story import Json, body_of, refer, report, step, try_step
from tests.builders import Api
from tests.conftest import OpenApi

RETURNED: Json = {
    "reason": "not_competent",
    "text": "不属本单位职责",
    "competent_agency_kind": "labour",
    "legal_basis": "就业促进法第52条",
}


def days_ahead(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def ok(answer: httpx.Response, status: int = 200) -> Json:
    assert answer.status_code == status, answer.text
    return body_of(answer)


@dataclass(frozen=True, slots=True)
class Table:
    """A conference of the county union with labour and education; medical insurance is no member."""

    union: Api
    labour: Api
    education: Api
    outsider: Api
    conference: Json

    async def session(self, **changes: Any) -> Json:
        said = {"kind": "special", "starts_at": days_ahead(1), "venue": "区总工会"} | changes
        return ok(await self.union.post(f"/v1/conferences/{self.conference['id']}/sessions", said), 201)

    async def agenda(self, session: Json, by: Api | None = None) -> list[Json]:
        agenda: list[Json] = ok(await (by or self.union).get(f"/v1/conference-sessions/{session['id']}"))["agenda"]
        return agenda

    async def opened(self, session: Json) -> Json:
        """The session once two of three members have come: not education."""
        came: Json = {"attended": [str(self.union.id), str(self.labour.id)]}
        return await self.take(self.union, session, "open", **came)

    async def take(self, by: Api, session: Json, name: str, status: int = 200, **words: Any) -> Json:
        path = f"/v1/conference-sessions/{session['id']}/{name}"
        return ok(await by.post(path, words, if_match=session["version"]), status)

    async def raised(self, session: Json, by: Api | None = None, **said: Any) -> Json:
        words = said or {"title": "平台骑手参保口径"}
        path = f"/v1/conference-sessions/{session['id']}/agenda-items"
        return ok(await (by or self.labour).post(path, words), 201)

    async def settle(self, by: Api, item: Json, name: str, status: int = 200, **words: Any) -> Json:
        answer = await by.post(f"/v1/agenda-items/{item['id']}/{name}", words, if_match=item["version"])
        return ok(answer, status)


@pytest.fixture
async def table(open_api: OpenApi) -> Table:
    union, labour = await open_api("DEMO-340802-UNION"), await open_api("DEMO-340802-LABOUR")
    education, outsider = await open_api("DEMO-340802-EDUCATION"), await open_api("DEMO-340802-MEDICAL")
    said = {
        "name": "迎江区联席会议",
        "division_code": "340802",
        "members": [str(labour.id), str(education.id)],
        "quorum": 2,
    }
    return Table(union, labour, education, outsider, ok(await union.post("/v1/conferences", said), 201))


async def disputed(table: Table) -> Json:
    """A referral to labour that it returned as not its own, and that the union disputes."""
    case_id = (await report(table.union))["case"]["id"]
    referral = await refer(table.union, case_id, table.labour)
    returned = await step(table.labour, referral, "return", **RETURNED)
    return await step(table.union, returned, "dispute") | {"case_id": case_id}


async def test_members_see_a_conference_and_nobody_else_learns_that_it_is(table: Table) -> None:
    path = f"/v1/conferences/{table.conference['id']}"
    session = await table.session()
    item = await table.raised(session)
    for member in (table.union, table.labour, table.education):
        assert ok(await member.get(path))["convener"]["id"] == str(table.union.id)
        assert table.conference["id"] in {one["id"] for one in ok(await member.get("/v1/conferences"))["data"]}
    hidden = (path, f"{path}/sessions", f"/v1/conference-sessions/{session['id']}", f"/v1/agenda-items/{item['id']}")
    for each in hidden:
        assert (await table.outsider.get(each)).status_code == 404
    assert table.conference["id"] not in {one["id"] for one in ok(await table.outsider.get("/v1/conferences"))["data"]}


async def test_only_a_union_convenes_and_only_the_convener_changes_it(table: Table) -> None:
    said = {"name": "x", "division_code": "340802", "members": [str(table.union.id)]}
    assert ok(await table.labour.post("/v1/conferences", said), 409)["reason"] == "only-unions-convene"
    path = f"/v1/conferences/{table.conference['id']}"
    change = {"name": "迎江区联席会议", "members": [str(table.labour.id)], "quorum": 2}
    answer = await table.labour.send("PUT", path, json=change, if_match=1)
    assert answer.status_code == 403, "a member sees it, and may not change it"
    assert (await table.union.send("PUT", path, json=change, if_match=7)).status_code == 412
    changed = ok(await table.union.send("PUT", path, json=change, if_match=1))
    assert {one["id"] for one in changed["members"]} == {str(table.union.id), str(table.labour.id)}
    assert (await table.education.get(path)).status_code == 404, "whoever is no member any more sees nothing"
    unreachable = ok(await table.union.send("PUT", path, json=change | {"quorum": 3}, if_match=2), 422)
    assert unreachable["errors"][0]["code"] == "more-than-members"


async def test_a_regular_session_needs_the_agreed_notice(table: Table) -> None:
    path = f"/v1/conferences/{table.conference['id']}/sessions"
    soon = {"kind": "regular", "starts_at": days_ahead(2), "venue": "区总工会"}
    assert ok(await table.union.post(path, soon), 422)["errors"][0]["code"] == "notice-too-short"
    assert ok(await table.union.post(path, soon | {"starts_at": days_ahead(30)}), 201)["number"] == 1
    assert ok(await table.union.post(path, soon | {"kind": "special"}), 201)["number"] == 2


async def test_the_agenda_is_drafted_from_disputes_and_tells_no_person(table: Table) -> None:
    referral = await disputed(table)
    session = await table.session()
    drafted = [item for item in await table.agenda(session, table.education) if item["referral_id"] == referral["id"]]
    (item,) = drafted
    assert (item["kind"], item["status"], item["matter"]["code"], item["place"]) == (
        "disputed",
        "open",
        "LAB-12",
        "340802",
    )
    assert (item["office"]["id"], item["coordinator"]["id"]) == (str(table.labour.id), str(table.union.id))
    assert referral["case_id"] not in str(item)
    assert (await table.education.get(f"/v1/referrals/{referral['id']}")).status_code == 404
    again = await table.session()
    assert referral["id"] not in {one["referral_id"] for one in await table.agenda(again)}, "it is before one already"


async def test_a_session_needs_its_quorum_and_leaves_nothing_open(table: Table) -> None:
    session = await table.session()
    item = await table.raised(session)
    alone = await table.take(table.union, session, "open", 409, attended=[str(table.union.id)])
    assert alone["reason"] == "no-quorum"
    stranger = await table.take(table.union, session, "open", 422, attended=[str(table.outsider.id)] * 2)
    assert stranger["errors"][0]["code"] == "not-a-member"
    opened = await table.opened(session)
    assert (opened["status"], opened["allowed_steps"]) == ("in_session", ["close"])
    for other in [one for one in opened["agenda"] if one["id"] != item["id"]]:
        await table.settle(table.union, other, "defer", text="下次再议")
    assert (await table.take(table.union, opened, "close", 409, minutes="纪要"))["reason"] == "items-open"
    await table.settle(table.union, item, "defer", text="待民政补充数据")
    closed = await table.take(table.union, opened, "close", minutes="一项议题，延至下次")
    assert (closed["status"], closed["minutes"], closed["allowed_steps"]) == ("closed", "一项议题，延至下次", [])
    following = await table.agenda(await table.session())
    assert item["id"] in {one["carried_from"] for one in following}, "what was put off comes again"


async def test_a_cancelled_session_says_why_and_its_items_come_before_the_next(table: Table) -> None:
    session = await table.session()
    item = await table.raised(session)
    assert (await table.take(table.union, session, "cancel", 422))["errors"][0]["pointer"] == "/minutes"
    await table.take(table.union, session, "cancel", minutes="防汛，改期")
    assert item["id"] in {one["carried_from"] for one in await table.agenda(await table.session())}
    late = await table.labour.post(f"/v1/conference-sessions/{session['id']}/agenda-items", {"title": "x"})
    assert ok(late, 409)["reason"] == "session-is-over"


async def test_members_are_asked_for_opinions_and_answer_once(table: Table) -> None:
    item = await table.raised(await table.session())
    path = f"/v1/agenda-items/{item['id']}/opinions"
    members = [str(table.labour.id), str(table.education.id)]
    assert (await table.labour.post(path, {"agencies": members})).status_code == 403
    outside = ok(await table.union.post(path, {"agencies": [str(table.outsider.id)]}), 422)
    assert outside["errors"][0]["code"] == "not-a-member"
    past = ok(await table.union.post(path, {"agencies": members, "reply_on": "2020-01-01"}), 422)
    assert past["errors"][0]["code"] == "in-the-past"
    asked = ok(await table.union.post(path, {"agencies": members}))
    assert {one["agency"]["id"] for one in asked["opinions"]} == set(members)
    said = {"stance": "agrees_in_part", "text": "宜先试点"}
    given = ok(await table.labour.post(f"{path}/own", said))
    (own,) = [one for one in given["opinions"] if one["agency"]["id"] == str(table.labour.id)]
    assert (own["stance"], own["text"], own["overdue"]) == ("agrees_in_part", "宜先试点", False)
    assert ok(await table.labour.post(f"{path}/own", said), 409)["reason"] == "no-opinion-to-give"
    assert ok(await table.union.post(f"{path}/own", said), 409)["reason"] == "no-opinion-to-give"


@pytest.mark.parametrize("text", ["职工990000197403151227反映", "请联系139 0000 0001", "电话+86-13900000001"])
async def test_papers_hold_no_identity_number_and_no_phone(table: Table, text: str) -> None:
    session = await table.session()
    path = f"/v1/conference-sessions/{session['id']}/agenda-items"
    assert ok(await table.labour.post(path, {"title": text}), 422)["errors"][0]["code"] == "names-a-person"


async def test_who_raised_an_item_may_take_it_back_and_others_may_not(table: Table) -> None:
    session = await table.session()
    item = await table.raised(session, table.labour)
    refused = await table.settle(table.education, item, "withdraw", 409, text="x")
    assert (refused["code"], refused["allowed"]) == ("invalid-transition", [])
    early = await table.settle(table.union, item, "decide", 409, text="x")
    assert early["allowed"] == ["withdraw"], "only a session that is open decides"
    assert (await table.settle(table.labour, item, "withdraw", text="已协商一致"))["status"] == "withdrawn"


async def test_a_member_raises_a_referral_that_it_sees_once(table: Table) -> None:
    case_id = (await report(table.union))["case"]["id"]
    referral = await refer(table.union, case_id, table.labour)
    session = await table.session()
    path = f"/v1/conference-sessions/{session['id']}/agenda-items"
    unseen = ok(await table.education.post(path, {"referral": referral["id"]}), 422)
    assert unseen["errors"][0]["code"] == "unknown-referral"
    item = await table.raised(session, table.labour, referral=referral["id"])
    assert (item["kind"], item["matter"]["code"]) == ("raised", "LAB-12")
    assert ok(await table.union.post(path, {"referral": referral["id"]}), 409)["reason"] == "before-a-session"


async def test_items_raised_at_once_each_get_a_place(table: Table) -> None:
    session = await table.session()
    await asyncio.gather(*(table.raised(session, by) for by in (table.labour, table.education) * 4))
    places = [item["position"] for item in await table.agenda(session)]
    assert sorted(places) == list(range(1, len(places) + 1))


async def test_a_decision_binds_the_office_that_has_the_referral(table: Table) -> None:
    referral = await disputed(table)
    session = await table.session()
    await table.opened(session)
    (item,) = [one for one in await table.agenda(session) if one["referral_id"] == referral["id"]]
    unnamed = await table.settle(table.union, item, "decide", 422, text="由人社承办")
    assert unnamed["errors"][0]["pointer"] == "/lead"
    decided = await table.settle(table.union, item, "decide", text="由人社承办", lead=str(table.labour.id))
    assert (decided["status"], decided["lead"]["id"]) == ("decided", str(table.labour.id))
    now = ok(await table.union.get(f"/v1/referrals/{referral['id']}"))
    assert now["assigned"]
    tasks = ok(await table.union.get(f"/v1/cases/{referral['case_id']}/tasks"))["data"]
    assert [(one["kind"], one["status"]) for one in tasks] == [("dispute", "done")]
    again = await step(table.union, now, "resubmit")
    refusal = {"reason": "not_competent", "text": "x", "competent_agency_kind": "finance", "legal_basis": "x"}
    assert ok(await try_step(table.labour, again, "reject", **refusal), 409)["reason"] == "assigned-by-conference"
    assert ok(await try_step(table.labour, again, "dispute"), 409)["reason"] == "assigned-by-conference"
    await step(table.labour, again, "accept")
    shown = ok(await table.education.get(f"/v1/agenda-items/{item['id']}"))
    assert shown["effects"] == [{"status": "accepted", "outcome": None}]


async def test_another_office_gets_it_from_the_coordinator_who_is_given_the_task(table: Table) -> None:
    referral = await disputed(table)
    session = await table.session()
    await table.take(table.union, session, "open", attended=[str(table.union.id), str(table.education.id)])
    (item,) = [one for one in await table.agenda(session) if one["referral_id"] == referral["id"]]
    absent = await table.settle(table.union, item, "decide", 422, text="由人社承办", lead=str(table.labour.id))
    assert absent["errors"][0]["code"] == "was-not-there"
    await table.settle(table.union, item, "decide", text="由教育承办", lead=str(table.education.id))
    tasks = ok(await table.union.get(f"/v1/cases/{referral['case_id']}/tasks"))["data"]
    (task,) = [one for one in tasks if one["kind"] == "assigned"]
    assert (task["status"], task["lead"]["id"], task["referral_id"]) == (
        "open",
        str(table.education.id),
        referral["id"],
    )
    await step(table.union, referral, "cancel", reason="rerouted")
    new = await refer(table.union, referral["case_id"], table.education)
    assert new["assigned"]
    tasks = ok(await table.union.get(f"/v1/cases/{referral['case_id']}/tasks"))["data"]
    assert [one["status"] for one in tasks if one["kind"] == "assigned"] == ["done"]
    refusal = {"reason": "not_competent", "text": "x", "competent_agency_kind": "labour", "legal_basis": "x"}
    assert ok(await try_step(table.education, new, "reject", **refusal), 409)["reason"] == "assigned-by-conference"
    papers = await try_step(
        table.education, new, "return", reason="missing_documents", missing=["户口本"], text="缺户口本"
    )
    assert papers.status_code == 200, "papers may still be asked for, once"


async def test_tasks_are_done_by_their_owner_and_followed_until_their_effect_is_seen(table: Table) -> None:
    session = await table.session()
    item = await table.raised(session)
    await table.opened(session)
    due = days_ahead(20)[:10]
    tasks = [{"owner": str(table.labour.id), "text": "制定骑手参保办法", "due_on": due}]
    outside = await table.settle(
        table.union, item, "decide", 422, text="x", tasks=[tasks[0] | {"owner": str(table.outsider.id)}]
    )
    assert outside["errors"][0]["pointer"] == "/tasks/0/owner"
    decided = await table.settle(table.union, item, "decide", text="由人社制定办法", tasks=tasks)
    path = f"/v1/conference-tasks/{decided['tasks'][0]}"
    assert (await table.outsider.get(path)).status_code == 404
    owed = ok(await table.labour.get("/v1/conference-tasks?box=own&limit=200"))["data"]
    assert decided["tasks"][0] in {one["id"] for one in owed}
    assert ok(await table.education.get(path))["allowed_steps"] == []
    foreign = ok(await table.education.post(f"{path}/start", {}, if_match=1), 409)
    assert foreign["code"] == "invalid-transition"
    started = ok(await table.labour.post(f"{path}/start", {}, if_match=1))
    assert (started["status"], started["allowed_steps"]) == ("in_progress", ["finish"])
    assert ok(await table.labour.post(f"{path}/finish", {}, if_match=2), 422)["errors"][0]["pointer"] == "/text"
    done = ok(await table.labour.post(f"{path}/finish", {"text": "办法已印发"}, if_match=2))
    assert (done["status"], done["answer"], done["effect"]) == ("done", "办法已印发", None)
    waiting = ok(await table.union.get("/v1/conference-tasks?box=to_confirm&limit=200"))["data"]
    assert decided["tasks"][0] in {one["id"] for one in waiting}
    for version, effect in ((3, "not_seen"), (4, "seen")):
        judged = ok(await table.union.post(f"{path}/confirm", {"effect": effect}, if_match=version))
        assert judged["effect"] == effect
    assert judged["allowed_steps"] == []


async def test_participation_counts_what_each_member_did(table: Table) -> None:
    session = await table.session()
    item = await table.raised(session)
    asked = {"agencies": [str(table.labour.id), str(table.education.id)]}
    ok(await table.union.post(f"/v1/agenda-items/{item['id']}/opinions", asked))
    ok(await table.labour.post(f"/v1/agenda-items/{item['id']}/opinions/own", {"stance": "agrees"}))
    await table.opened(session)
    span = {"since": days_ahead(-1), "before": days_ahead(1)}
    path = f"/v1/conferences/{table.conference['id']}/participation"
    rows = {row["agency"]["id"]: row for row in ok(await table.education.get(path, params=span))["data"]}
    labour, education = rows[str(table.labour.id)], rows[str(table.education.id)]
    assert (labour["sessions_called"], labour["sessions_attended"], labour["opinions_in_time"]) == (1, 1, 1)
    assert (education["sessions_attended"], education["opinions_asked"], education["opinions_answered"]) == (0, 1, 0)

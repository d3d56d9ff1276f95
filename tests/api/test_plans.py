"""A plan becomes tasks of many agencies when an alert activates it, or for practice; it is stood down."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.engine import Raw
from tests.actions.instances import superuser
from tests.actions.story import Json, body_of
from tests.api.test_alerts import alerts_of, of_plant, state
from tests.builders import Api, fresh_key
from tests.conftest import OpenApi

PLANS, ACTIVATIONS, TASKS = "/v1/plans", "/v1/plan-activations", "/v1/plan-tasks"
KINDS = ("labour", "finance", "judicial", "civil_affairs", "education")


@pytest.fixture
async def raw(admin_url: str) -> AsyncIterator[Raw]:
    async with superuser(admin_url) as behind:
        yield behind


@pytest.fixture
async def civil(open_api: OpenApi) -> Api:
    return await open_api("DEMO-340802-CIVIL")


def said(**changes: Any) -> Json:
    """Fourteen actions of five kinds of agency, for grave lay-offs."""
    actions = [
        {"title": f"第{at + 1}项", "agency_kind": KINDS[at % len(KINDS)], "within_hours": 24 * (1 + at % 3)}
        for at in range(14)
    ]
    return {"title": "规模裁员应急预案", "level": 2, "signals": ["layoff_plan"], "actions": actions} | changes


async def keep(api: Api, **changes: Any) -> Json:
    answer = await api.post(PLANS, said(**changes))
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def activate(api: Api, plan: Json, status: int = 201, **words: Any) -> Json:
    answer = await api.post(f"{PLANS}/{plan['id']}/activations", words)
    assert answer.status_code == status, answer.text
    return body_of(answer)


async def raised(union: Api, labour: Api, **measured: int) -> str:
    plant = f"{fresh_key()[:12]}机械厂"
    await state(labour, of_plant(plant) | {"measured": measured or {"persons": 320, "workforce": 900}})
    (alert,) = await alerts_of(union, plant)
    alert_id: str = alert["id"]
    return alert_id


async def tasks_of(api: Api, activation: Json) -> list[Json]:
    rows = (await api.get(f"{TASKS}?limit=200")).json()["data"]
    return [row for row in rows if row["activation_id"] == activation["id"]]


async def test_fourteen_actions_become_tasks_of_five_agencies_with_due_dates(
    union: Api, labour: Api, civil: Api
) -> None:
    """Story ST07, the plan is activated."""
    plan, alert = await keep(union), await raised(union, labour)
    activation = await activate(union, plan, alert_id=alert)
    assert (activation["status"], activation["drill"], activation["alert_id"]) == ("active", False, alert)
    assert len(activation["tasks"]) == 14
    assert len({task["agency"]["id"] for task in activation["tasks"]}) == 5
    mine = await tasks_of(civil, activation)
    assert sorted(task["title"] for task in mine) == ["第14项", "第4项", "第9项"]
    for task in mine:
        assert (task["owner"]["id"], task["drill"], task["status"]) == (str(union.id), False, "open")
        assert task["occasion"].endswith("机械厂")
        wait = datetime.fromisoformat(task["due_at"]) - datetime.fromisoformat(activation["activated_at"])
        assert wait in {timedelta(hours=hours) for hours in (24, 48, 72)}
    assert [task["due_at"] for task in activation["tasks"]] == sorted(task["due_at"] for task in activation["tasks"])


async def test_the_agency_that_has_a_task_finishes_it_and_the_union_sees_it(
    union: Api, labour: Api, civil: Api
) -> None:
    activation = await activate(union, await keep(union), alert_id=await raised(union, labour))
    task = (await tasks_of(civil, activation))[0]
    path = f"{TASKS}/{task['id']}/finish"
    assert (await labour.post(path, if_match=1)).status_code == 404
    assert (await union.post(path, if_match=1)).status_code == 403
    assert (await civil.post(path, if_match=7)).status_code == 412
    done = await civil.post(path, if_match=1)
    assert (done.status_code, done.json()["status"]) == (200, "done")
    assert (await civil.post(path, if_match=2)).status_code == 409
    board = body_of(await union.get(f"{ACTIVATIONS}/{activation['id']}"))
    assert [row["status"] for row in board["tasks"]].count("done") == 1
    assert (await civil.get(f"{ACTIVATIONS}/{activation['id']}")).status_code == 404


async def test_standing_down_cancels_what_is_not_done_and_keeps_what_is(union: Api, labour: Api, civil: Api) -> None:
    plan, alert = await keep(union), await raised(union, labour)
    activation = await activate(union, plan, alert_id=alert)
    again = await activate(union, plan, 409, alert_id=alert)
    assert again["reason"] == "plan-active-already"
    task = (await tasks_of(civil, activation))[0]
    await civil.post(f"{TASKS}/{task['id']}/finish", if_match=1)
    path = f"{ACTIVATIONS}/{activation['id']}/stand-down"
    assert (await union.post(path, {})).status_code == 428
    ended = await union.post(path, {"lesson": "安置到位"}, if_match=1)
    assert (ended.status_code, ended.json()["status"], ended.json()["lesson"]) == (200, "stood_down", "安置到位")
    assert sorted(row["status"] for row in ended.json()["tasks"]) == ["cancelled"] * 13 + ["done"]
    assert (await union.post(path, {}, if_match=2)).status_code == 409
    await activate(union, plan, alert_id=alert)


async def test_a_drill_is_marked_as_such_in_every_task(union: Api, civil: Api, raw: Raw) -> None:
    drill = await activate(union, await keep(union), drill=True)
    assert (drill["drill"], drill["alert_id"]) == (True, None)
    mine = await tasks_of(civil, drill)
    assert mine
    assert all(task["drill"] and task["occasion"] is None for task in mine)
    rows = (await union.get(f"{ACTIVATIONS}?status=active&limit=200")).json()["data"]
    assert [row["drill"] for row in rows if row["id"] == drill["id"]] == [True]
    event = await raw.fetchrow("SELECT type, parties FROM event WHERE subject_id = $1", UUID(drill["id"]))
    assert event is not None
    assert event["type"] == "plan.activated"
    assert str(civil.id) in event["parties"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"level": 1}, "plan-of-other-alerts"),
        ({"signals": ["closure"]}, "plan-of-other-alerts"),
        ({"actions": [{"title": "x", "agency_kind": "enterprise", "within_hours": 1}]}, "no-agency-of-a-kind"),
    ],
)
async def test_a_plan_for_other_alerts_or_of_agencies_that_are_not_there_is_refused(
    union: Api, labour: Api, changes: Json, reason: str
) -> None:
    refused = await activate(
        union, await keep(union, **changes), 409, alert_id=await raised(union, labour, persons=120)
    )
    assert refused["reason"] == reason


async def test_a_matter_says_which_of_several_offices_of_a_kind(union: Api, labour: Api, open_api: OpenApi) -> None:
    employment = await open_api("DEMO-340802-EMPLOYMENT")
    actions = [
        {"title": "总", "agency_kind": "labour", "within_hours": 1},
        {"title": "失业登记", "agency_kind": "labour", "matter": "LAB-07", "within_hours": 2},
    ]
    drill = await activate(union, await keep(union, actions=actions), drill=True)
    assert [task["title"] for task in await tasks_of(labour, drill)] == ["总"]
    assert [task["title"] for task in await tasks_of(employment, drill)] == ["失业登记"]
    unknown = await union.post(PLANS, said(actions=[actions[0], actions[1] | {"matter": "LAB-99"}]))
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/actions/1/matter")


async def test_a_retired_plan_is_activated_no_more(union: Api) -> None:
    plan = await keep(union)
    retired = await union.post(f"{PLANS}/{plan['id']}/retire", if_match=1)
    assert (retired.status_code, retired.json()["status"]) == (200, "retired")
    assert (await union.post(f"{PLANS}/{plan['id']}/retire", if_match=2)).status_code == 409
    assert (await activate(union, plan, 409, drill=True))["reason"] == "plan-retired"
    rows = (await union.get(f"{PLANS}?status=retired&limit=200")).json()["data"]
    assert plan["id"] in {row["id"] for row in rows}


async def test_a_plan_is_its_unions_and_only_unions_plan(union: Api, labour: Api, open_api: OpenApi) -> None:
    plan, city = await keep(union), await open_api("DEMO-340800-UNION")
    refused = await labour.post(PLANS, said())
    assert (refused.status_code, refused.json()["reason"]) == (409, "only-unions-plan")
    for stranger in (labour, city):
        assert (await stranger.post(f"{PLANS}/{plan['id']}/activations", {"drill": True})).status_code == 404
        assert (await stranger.post(f"{PLANS}/{plan['id']}/retire", if_match=1)).status_code == 404
    other = await open_api("DEMO-990101-UNION")
    theirs = await keep(other)
    unseen = await other.post(f"{PLANS}/{theirs['id']}/activations", {"alert_id": await raised(union, labour)})
    assert unseen.status_code == 404, "an alert of another place does not exist for it"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"actions": []}, "/actions"),
        ({"level": 5}, "/level"),
        ({"actions": [{"title": "x", "agency_kind": "labour", "within_hours": 0}]}, "/actions/0/within_hours"),
        ({"signals": ["rumour"]}, "/signals/0"),
    ],
)
async def test_a_plan_that_cannot_be_is_refused_by_name(union: Api, change: Json, pointer: str) -> None:
    answer = await union.post(PLANS, said(**change))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

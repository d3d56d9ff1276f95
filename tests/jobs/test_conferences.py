"""What a conference asked for by a day is said to be late once, to whoever owes it and to the convener."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from api.main import create_app
from jobs.clocks import look_once
from settings import Settings
from tests.builders import Api
from tests.jobs.desk import LABOUR, MEDICAL, UNION, Desk

Json = dict[str, Any]


@pytest.fixture
async def held(desk: Desk, settings: Settings) -> Json:
    """A session of the union and labour whose item labour was asked about, and which became a task of labour; in ten
    days."""
    transport = httpx.ASGITransport(create_app(settings, desk.app))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
        union, labour = (Api(http, desk.agencies[code]) for code in (UNION, LABOUR))
        members = [str(labour.id)]
        said = {"name": "联席会议", "division_code": "340802", "members": members, "quorum": 1}
        conference = (await union.post("/v1/conferences", said)).json()["id"]
        day = (desk.app.clock() + timedelta(days=10)).date().isoformat()
        called = {"kind": "special", "starts_at": f"{day}T00:00:00Z", "venue": "区总工会"}
        session = (await union.post(f"/v1/conferences/{conference}/sessions", called)).json()["id"]
        path = f"/v1/conference-sessions/{session}"
        item = (await union.post(f"{path}/agenda-items", {"title": "参保口径"})).json()["id"]
        await union.post(f"/v1/agenda-items/{item}/opinions", {"agencies": members, "reply_on": day})
        await union.post(f"{path}/open", {"attended": members}, if_match=1)
        decision = {"text": "同意", "tasks": [{"owner": members[0], "text": "制定办法", "due_on": day}]}
        answer = await union.post(f"/v1/agenda-items/{item}/decide", decision, if_match=1)
        assert answer.status_code == 200, answer.text
        decided: Json = answer.json()
        return decided


async def told(desk: Desk) -> list[str]:
    rows = await desk.behind.fetch("SELECT type FROM event WHERE type LIKE 'conference.%_overdue' ORDER BY type")
    return [row["type"] for row in rows]


async def test_late_tasks_and_opinions_are_told_once_to_owner_and_convener(desk: Desk, held: Json) -> None:
    due = datetime.fromisoformat(held["opinions"][0]["reply_by"])
    await look_once(desk.at(due - timedelta(seconds=1)))
    assert await told(desk) == []
    for later in (0, 1, 86_400):
        await look_once(desk.at(due + timedelta(seconds=later)))
    assert await told(desk) == ["conference.opinion_overdue", "conference.task_overdue"]
    while await desk.number():
        pass
    late = {row["id"] for row in await desk.behind.fetch("SELECT id FROM event WHERE type LIKE 'conference.%_overdue'")}
    for code, knows in ((UNION, late), (LABOUR, late), (MEDICAL, set())):
        assert late.intersection(await desk.event_ids(code)) == knows
    status = await desk.behind.fetchval("SELECT status FROM conference_task")
    assert status == "overdue"


async def test_what_was_done_in_time_is_never_late(desk: Desk, held: Json) -> None:
    await desk.behind.execute("UPDATE conference_task SET status = 'done', done_at = now()")
    await desk.behind.execute("UPDATE opinion SET stance = 'agrees', answered_at = now()")
    due = datetime.fromisoformat(held["opinions"][0]["reply_by"])
    await look_once(desk.at(due + timedelta(days=30)))
    assert await told(desk) == []

"""The clock of a proposal's reply: said once when it runs out, silent once there is a reply, counted again."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.main import create_app
from jobs.clocks import look_once, recalculate_deadlines
from settings import Settings
from tests.builders import PROPOSAL, Api
from tests.jobs.desk import LABOUR, MEDICAL, UNION, Desk

_SECOND = timedelta(seconds=1)


@pytest.fixture
async def http(desk: Desk, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(settings, desk.app))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


async def sent(desk: Desk, http: httpx.AsyncClient) -> asyncpg.Record:
    """A proposal that the labour office was sent."""
    union = Api(http, desk.agencies[UNION])
    drafted = await union.post("/v1/proposals", PROPOSAL | {"addressee_agency": str(desk.agency(LABOUR))})
    assert drafted.status_code == 201, drafted.text
    answer = await union.post(f"/v1/proposals/{drafted.json()['id']}/send", {}, if_match=1)
    assert answer.status_code == 200, answer.text
    return await row_of(desk, UUID(drafted.json()["id"]))


async def row_of(desk: Desk, proposal_id: UUID) -> asyncpg.Record:
    row = await desk.behind.fetchrow("SELECT * FROM proposal WHERE id = $1", proposal_id)
    assert row is not None
    return row


async def events_of(desk: Desk, proposal_id: UUID, kind: str) -> list[asyncpg.Record]:
    return await desk.behind.fetch("SELECT * FROM event WHERE subject_id = $1 AND type = $2", proposal_id, kind)


async def test_a_reply_that_is_late_is_said_once_to_both(desk: Desk, http: httpx.AsyncClient) -> None:
    before = await sent(desk, http)
    assert await look_once(desk.at(before["due_by"] - _SECOND)) == 0
    assert await look_once(desk.at(before["due_by"])) == 1
    assert await look_once(desk.at(before["due_by"] + timedelta(days=90))) == 0
    after = await row_of(desk, before["id"])
    assert (after["overdue"], after["next_due"], after["version"]) == (True, None, before["version"] + 1)
    (event,) = await events_of(desk, before["id"], "proposal.overdue")
    assert json.loads(event["parties"]) == {
        str(desk.agency(UNION)): ["sender"],
        str(desk.agency(LABOUR)): ["addressee"],
    }
    while await desk.number():
        pass
    for code in (UNION, LABOUR):
        assert event["id"] in await desk.event_ids(code)
    assert event["id"] not in await desk.event_ids(MEDICAL)


@pytest.mark.parametrize(
    ("who", "step", "words"),
    [
        (LABOUR, "reply", {"decision": "adopted", "text": "拟予采纳"}),
        (UNION, "withdraw", {}),
    ],
)
async def test_what_was_replied_to_or_withdrawn_is_never_late(
    desk: Desk, http: httpx.AsyncClient, who: str, step: str, words: dict[str, Any]
) -> None:
    before = await sent(desk, http)
    answer = await Api(http, desk.agencies[who]).post(f"/v1/proposals/{before['id']}/{step}", words, if_match=2)
    assert answer.status_code == 200, answer.text
    assert await look_once(desk.at(before["due_by"] + timedelta(days=1))) == 0
    assert await events_of(desk, before["id"], "proposal.overdue") == []


async def test_a_late_reply_is_still_a_reply(desk: Desk, http: httpx.AsyncClient) -> None:
    before = await sent(desk, http)
    await look_once(desk.at(before["due_by"]))
    labour = Api(http, desk.agencies[LABOUR])
    words = {"decision": "adopted", "text": "拟予采纳"}
    answer = await labour.post(f"/v1/proposals/{before['id']}/reply", words, if_match=3)
    assert (answer.status_code, answer.json()["overdue"]) == (200, True)


async def test_a_provisional_date_is_counted_again_once_its_year_is_official(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    await desk.behind.execute("UPDATE calendar_year SET notice = NULL, confirmed_at = NULL")
    before = await sent(desk, http)
    assert not before["due_confirmed"]
    years = [before["sent_at"].year, before["sent_at"].year + 1]
    await desk.behind.execute(
        "INSERT INTO calendar_year (year, notice, confirmed_at) SELECT y, 'test notice', now() FROM unnest($1::int[]) y"
        " ON CONFLICT (year) DO UPDATE SET notice = 'test notice', confirmed_at = now()",
        years,
    )
    last = (before["due_by"] - timedelta(hours=12)).date()
    await desk.behind.execute(
        "INSERT INTO calendar_day (day, year, workday, name, source)"
        " VALUES ($1::date, extract(year FROM $1::date), false, 'test', 'test')"
        " ON CONFLICT (day) DO UPDATE SET workday = false",
        last,
    )
    assert await recalculate_deadlines(desk.jobs, years[0]) == 1
    assert await recalculate_deadlines(desk.jobs, years[0]) == 0
    after = await row_of(desk, before["id"])
    assert after["due_by"] > before["due_by"]
    assert after["due_confirmed"]
    assert after["next_due"] == after["due_by"]
    (event,) = await events_of(desk, before["id"], "deadline.recalculated")
    assert event["actor_agency_id"] == desk.agency(UNION)

"""Alarms of referrals: the office is reminded, what is late is told upwards once, and no more once it is met."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.main import create_app
from crypto.keys import Keyring
from jobs.clocks import look_once, ring_once
from settings import Settings
from tests.builders import Api
from tests.jobs.desk import LABOUR, UNION, Desk, open_desk
from tests.jobs.test_clocks import events_of, refer, row_of

CITY = "DEMO-340800-UNION"


@pytest.fixture
async def desk(fresh_database: str, keyring: Keyring) -> AsyncIterator[Desk]:
    """With the union above the coordinator at work as well."""
    async with open_desk(fresh_database, keyring, codes=(UNION, LABOUR, CITY)) as opened:
        yield opened


@pytest.fixture
async def http(desk: Desk, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(settings, desk.app))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


@pytest.fixture
def union(desk: Desk, http: httpx.AsyncClient) -> Api:
    return Api(http, desk.agencies[UNION])


async def pass_time(desk: Desk, until: datetime) -> None:
    """As the jobs do, at one moment."""
    while await look_once(desk.at(until)) + await ring_once(desk.at(until)):
        pass


async def told(desk: Desk, http: httpx.AsyncClient, code: str, query: str = "") -> list[dict[str, Any]]:
    answer = await Api(http, desk.agencies[code]).get(f"/v1/escalations{query}")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


async def accepted(desk: Desk, http: httpx.AsyncClient, union: Api) -> dict[str, Any]:
    """A referral that the labour office accepted in time, with a date by which to resolve it."""
    referral = await refer(union, desk)
    answer = await Api(http, desk.agencies[LABOUR]).post(f"/v1/referrals/{referral['id']}/accept", {}, if_match=1)
    assert answer.status_code == 200, answer.text
    return referral | {"version": answer.json()["version"]}


async def test_the_office_is_reminded_once_and_no_version_changes(desk: Desk, union: Api) -> None:
    referral = await refer(union, desk)
    row = await row_of(desk, referral)
    assert row["alarm"].startswith(("acknowledge:reminder", "accept:reminder"))
    for _ in range(2):
        await ring_once(desk.at(row["alarm_at"]))
    (event,) = await events_of(desk, referral, "referral.reminded")
    while await desk.number():
        pass
    for code in (LABOUR, UNION):
        assert event["id"] in await desk.event_ids(code)
    assert event["id"] not in await desk.event_ids(CITY)
    assert (await row_of(desk, referral))["version"] == row["version"]


async def test_what_is_late_climbs_level_by_level_each_told_once(
    desk: Desk, http: httpx.AsyncClient, union: Api
) -> None:
    referral = await accepted(desk, http, union)
    resolve_by = (await row_of(desk, referral))["resolve_by"]
    await pass_time(desk, resolve_by - timedelta(seconds=1))
    assert await told(desk, http, CITY) == []
    await pass_time(desk, resolve_by + timedelta(days=20))
    await pass_time(desk, resolve_by + timedelta(days=40))
    rows = await told(desk, http, CITY, "?box=told")
    assert sorted((row["clock"], row["level"]) for row in rows) == [
        ("resolve", "conference"),
        ("resolve", "supervisor"),
    ]
    assert {row["office"]["id"] for row in rows} == {str(desk.agency(LABOUR))}
    assert {row["told"]["id"] for row in rows} == {str(desk.agency(CITY))}
    assert len(await told(desk, http, UNION)) == 3, "the coordinator sees every level"
    assert {row["level"] for row in await told(desk, http, LABOUR)} == {"head", "supervisor", "conference"}
    escalated = await events_of(desk, referral, "referral.escalated")
    assert [json.loads(event["data"])["changed"] for event in escalated] == [["escalation"]] * 3
    while await desk.number():
        pass
    assert {event["id"] for event in escalated[1:]} <= set(await desk.event_ids(CITY))
    assert escalated[0]["id"] not in await desk.event_ids(CITY), "the office's own head was told of that"


async def test_the_told_agency_learns_no_case_and_reads_no_referral(
    desk: Desk, http: httpx.AsyncClient, union: Api
) -> None:
    referral = await accepted(desk, http, union)
    await pass_time(desk, (await row_of(desk, referral))["resolve_by"] + timedelta(days=20))
    head = await desk.behind.fetchrow("SELECT * FROM escalation WHERE level = 'head'")
    assert head is not None
    assert not {"case_id", "person_id", "note"} & set(head.keys())


async def test_a_date_that_is_met_ends_what_was_told(desk: Desk, http: httpx.AsyncClient, union: Api) -> None:
    referral = await refer(union, desk)
    row = await row_of(desk, referral)
    await pass_time(desk, row["acknowledge_by"] + timedelta(days=3))
    late = {(row["clock"], row["level"]) for row in await told(desk, http, UNION, "?state=open")}
    assert ("acknowledge", "head") in late
    version = (await row_of(desk, referral))["version"]
    labour = Api(http, desk.agencies[LABOUR])
    answer = await labour.post(f"/v1/referrals/{referral['id']}/accept", {}, if_match=version)
    assert answer.status_code == 200, answer.text
    assert await told(desk, http, UNION, "?state=open") == []
    ended = await told(desk, http, UNION, "?state=ended")
    assert {(row["clock"], row["level"]) for row in ended} == late
    assert all(row["ended_at"] for row in ended)


async def test_no_alarm_rings_while_the_clock_stands_still(desk: Desk, http: httpx.AsyncClient, union: Api) -> None:
    referral = await accepted(desk, http, union)
    labour = Api(http, desk.agencies[LABOUR])
    held = {"reason": "awaiting_documents", "text": "等待材料"}
    answer = await labour.post(f"/v1/referrals/{referral['id']}/hold", held, if_match=referral["version"])
    assert answer.status_code == 200, answer.text
    row = await row_of(desk, referral)
    assert (row["alarm_at"], row["alarm"], row["next_due"]) == (None, None, None)
    await pass_time(desk, row["resolve_by"] + timedelta(days=200))
    assert await events_of(desk, referral, "referral.escalated") == []


async def test_the_next_alarm_of_referrals_from_before_is_counted_at_the_first_look(desk: Desk, union: Api) -> None:
    """Migration 0021 gives open referrals an alarm without a name."""
    referral = await refer(union, desk)
    before = await row_of(desk, referral)
    await desk.behind.execute(
        "UPDATE referral SET alarm = NULL, alarm_at = requested_at WHERE id = $1", UUID(referral["id"])
    )
    assert await ring_once(desk.at(before["requested_at"])) == 1
    after = await row_of(desk, referral)
    assert (after["alarm"], after["alarm_at"], after["rung"]) == (before["alarm"], before["alarm_at"], [])


async def drafted(api: Api) -> list[dict[str, Any]]:
    """The agenda of a session that the agency calls of a conference of its city."""
    said = {"name": "安庆市联席会议", "division_code": "340800", "members": [], "quorum": 1}
    conference = (await api.post("/v1/conferences", said)).json()["id"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    called = {"kind": "special", "starts_at": tomorrow, "venue": "市总工会"}
    session = await api.post(f"/v1/conferences/{conference}/sessions", called)
    assert session.status_code == 201, session.text
    agenda: list[dict[str, Any]] = (await api.get(session.headers["location"])).json()["agenda"]
    return agenda


async def test_what_climbed_as_far_comes_before_the_conference_of_the_union_above(
    desk: Desk, http: httpx.AsyncClient, union: Api
) -> None:
    referral = await accepted(desk, http, union)
    city = Api(http, desk.agencies[CITY])
    await pass_time(desk, (await row_of(desk, referral))["resolve_by"] + timedelta(days=5))
    assert await drafted(city) == [], "it has climbed to the supervisor only"
    await pass_time(desk, (await row_of(desk, referral))["resolve_by"] + timedelta(days=20))
    (item,) = await drafted(city)
    assert (item["kind"], item["referral_id"]) == ("overdue", referral["id"])
    assert item["office"]["id"] == str(desk.agency(LABOUR))


async def test_a_matter_asked_for_ever_more_often_is_a_hot_issue(
    desk: Desk, http: httpx.AsyncClient, union: Api
) -> None:
    for _ in range(10):
        await refer(union, desk)
    (item,) = await drafted(Api(http, desk.agencies[CITY]))
    assert (item["kind"], item["matter"]["code"]) == ("hot_issue", "LAB-12")
    assert item["figures"] == {"days": 90, "asked": 10, "before": 0}

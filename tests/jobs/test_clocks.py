"""Dates that pass are said once each; what nobody answered goes back to the coordinator; dates are counted again."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.main import create_app
from db.queries.calendar import load_calendar
from db.transaction import open_system_transaction
from jobs.clocks import look_once, recalculate_deadlines
from rules.expiry import expires_at
from settings import Settings
from tests.builders import Api, report_body
from tests.jobs.desk import LABOUR, UNION, Desk


@pytest.fixture
async def union(desk: Desk, settings: Settings) -> AsyncIterator[Api]:
    """The coordinating union, over HTTP, on the test's own database."""
    transport = httpx.ASGITransport(create_app(settings, desk.app))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
        yield Api(http, desk.agencies[UNION])


async def refer(union: Api, desk: Desk, **changes: object) -> dict[str, Any]:
    report = await union.post("/v1/reports", report_body())
    assert report.status_code == 201, report.text
    case_id = report.json()["case"]["id"]
    said = {"matter": "LAB-12", "to_agency": str(desk.agency(LABOUR)), "need": "employment", **changes}
    answer = await union.post(f"/v1/cases/{case_id}/referrals", said)
    assert answer.status_code == 201, answer.text
    referral: dict[str, Any] = answer.json()
    return referral | {"case_id": case_id}


async def row_of(desk: Desk, referral: dict[str, Any]) -> asyncpg.Record:
    row = await desk.behind.fetchrow("SELECT * FROM referral WHERE id = $1", UUID(referral["id"]))
    assert row is not None
    return row


async def events_of(desk: Desk, referral: dict[str, Any], kind: str) -> list[asyncpg.Record]:
    return await desk.behind.fetch(
        "SELECT * FROM event WHERE subject_id = $1 AND type = $2 ORDER BY position", UUID(referral["id"]), kind
    )


async def test_a_date_that_passed_is_said_once_and_the_next_one_follows(desk: Desk, union: Api) -> None:
    referral = await refer(union, desk)
    before = await row_of(desk, referral)
    just_after = before["acknowledge_by"] + timedelta(seconds=1)
    assert await look_once(desk.at(before["acknowledge_by"] - timedelta(seconds=1))) == 0
    assert await look_once(desk.at(just_after)) == 1
    assert await look_once(desk.at(just_after)) == 0
    after = await row_of(desk, referral)
    assert after["overdue"] == ["acknowledge"]
    assert after["next_due"] == min(before["accept_by"], before["resolve_by"])
    assert after["version"] == before["version"] + 1
    (event,) = await events_of(desk, referral, "referral.overdue")
    assert event["actor_agency_id"] == desk.agency(UNION)
    assert event["occurred_at"] == just_after
    assert json.loads(event["parties"]) == {
        str(desk.agency(UNION)): ["sender"],
        str(desk.agency(LABOUR)): ["addressee"],
    }
    leaf = await desk.behind.fetchrow(
        "SELECT * FROM audit_leaf WHERE subject_id = $1 AND principal_kind = 'system'", before["id"]
    )
    assert leaf is not None
    assert json.loads(leaf["facts"]) == {"clock": "acknowledge"}


async def test_both_parties_learn_of_it(desk: Desk, union: Api) -> None:
    referral = await refer(union, desk)
    row = await row_of(desk, referral)
    await look_once(desk.at(row["acknowledge_by"] + timedelta(seconds=1)))
    await desk.number()
    (event,) = await events_of(desk, referral, "referral.overdue")
    for code in (UNION, LABOUR):
        assert event["id"] in await desk.event_ids(code)


async def test_several_dates_passed_at_once_are_said_one_by_one(desk: Desk, union: Api) -> None:
    referral = await refer(union, desk)
    row = await row_of(desk, referral)
    late = desk.at(row["accept_by"] + timedelta(seconds=1))
    while await look_once(late):
        pass
    assert set((await row_of(desk, referral))["overdue"]) >= {"acknowledge", "accept"}
    said = await events_of(desk, referral, "referral.overdue")
    assert len(said) == len((await row_of(desk, referral))["overdue"])


async def test_what_nobody_answered_expires_and_becomes_the_coordinators_task(desk: Desk, union: Api) -> None:
    referral = await refer(union, desk)
    before = await row_of(desk, referral)
    async with open_system_transaction(desk.jobs) as raw:
        moment = expires_at(before["accept_by"], await load_calendar(raw.fetch))
    while await look_once(desk.at(moment - timedelta(seconds=1))):
        pass
    assert (await row_of(desk, referral))["status"] == "requested"
    while await look_once(desk.at(moment)):
        pass
    after = await row_of(desk, referral)
    assert (after["status"], after["ended_at"], after["next_due"]) == ("expired", moment, None)
    (event,) = await events_of(desk, referral, "referral.expired")
    assert json.loads(event["data"]) == {"changed": ["status"], "from": "requested", "to": "expired"}
    step = await desk.behind.fetchrow(
        "SELECT * FROM referral_step WHERE referral_id = $1 AND step = 'expire'", after["id"]
    )
    assert step is not None
    assert (step["from_status"], step["to_status"]) == ("requested", "expired")
    tasks = (await union.get(f"/v1/cases/{referral['case_id']}/tasks")).json()["data"]
    assert [(task["kind"], task["referral_id"]) for task in tasks] == [("reroute", referral["id"])]


async def test_an_accepted_referral_does_not_expire(desk: Desk, union: Api) -> None:
    referral = await refer(union, desk)
    labour = Api(union.http, desk.agencies[LABOUR])
    accepted = await labour.post(f"/v1/referrals/{referral['id']}/accept", {}, if_match=1)
    assert accepted.status_code == 200, accepted.text
    row = await row_of(desk, referral)
    while await look_once(desk.at(row["accept_by"] + timedelta(days=200))):
        pass
    assert (await row_of(desk, referral))["status"] == "accepted"


async def test_the_clock_waits_while_somebody_works_on_the_case(desk: Desk, union: Api) -> None:
    referral = await refer(union, desk)
    row = await row_of(desk, referral)
    late = desk.at(row["acknowledge_by"] + timedelta(seconds=1))
    async with desk.behind.transaction():
        await desk.behind.execute("SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 4))", row["case_id"])
        assert await look_once(late) == 0
    assert await look_once(late) == 1


async def test_two_watchers_say_it_once(desk: Desk, union: Api) -> None:
    referral = await refer(union, desk)
    row = await row_of(desk, referral)
    late = desk.at(row["acknowledge_by"] + timedelta(seconds=1))
    await asyncio.gather(*(look_once(late) for _ in range(4)))
    assert len(await events_of(desk, referral, "referral.overdue")) == 1


async def test_dates_beyond_the_confirmed_years_are_counted_again_when_the_notice_comes(desk: Desk, union: Api) -> None:
    """A day that was a working day by weekday becomes a holiday: every date behind it moves, the old ones are kept."""
    referral = await refer(union, desk)
    before = await row_of(desk, referral)
    year = datetime.now(UTC).year
    await desk.behind.execute("UPDATE referral SET due_confirmed = false WHERE id = $1", before["id"])
    await desk.behind.execute(
        "INSERT INTO calendar_year (year, notice, confirmed_at) SELECT y, 'test notice', now() "
        "  FROM generate_series($1::int, $1::int + 2) y "
        "ON CONFLICT (year) DO UPDATE SET notice = 'test notice', confirmed_at = now()",
        year,
    )
    last = (before["accept_by"] - timedelta(seconds=1)).astimezone(UTC)
    day = (last + timedelta(hours=8)).date()
    await desk.behind.execute(
        "INSERT INTO calendar_day (day, year, workday, name, source) VALUES ($1, $2, false, 'test', 'test') "
        "ON CONFLICT (day) DO UPDATE SET workday = false",
        day,
        day.year,
    )
    assert await recalculate_deadlines(desk.jobs, year) == 1
    assert await recalculate_deadlines(desk.jobs, year) == 0
    after = await row_of(desk, referral)
    assert after["accept_by"] > before["accept_by"]
    assert after["due_confirmed"]
    step = await desk.behind.fetchrow("SELECT * FROM referral_step WHERE step = 'recalculate'")
    assert step is not None
    moved = json.loads(step["deadlines"])["accept_by"]
    assert [datetime.fromisoformat(moved[side]) for side in ("from", "to")] == [before["accept_by"], after["accept_by"]]
    assert len(await events_of(desk, referral, "deadline.recalculated")) == 1


async def test_a_year_without_a_notice_moves_nothing(desk: Desk) -> None:
    with pytest.raises(ValueError, match="2090"):
        await recalculate_deadlines(desk.jobs, 2090)

"""Dates of referrals under a clock that stands where the story wants it: ST01, pauses, extension, emergency."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from db.engine import Database
from settings import Settings
from tests.actions.instances import Instance, StoryClock, instance_on, superuser
from tests.actions.story import Json, refer, report, step, try_step
from tests.builders import Api
from tests.rules.calendars import day

START = "2026-03-04T09:30:00+08:00"


@pytest.fixture
def clock() -> StoryClock:
    return StoryClock(START)


@pytest.fixture
async def at_work(database: Database, admin_url: str, settings: Settings, clock: StoryClock) -> AsyncIterator[Instance]:
    """The application in March 2026."""
    async with instance_on(replace(database, clock=clock), admin_url, settings) as instance:
        yield instance


@pytest.fixture
async def union(at_work: Instance) -> Api:
    return await at_work.api("DEMO-340802-UNION")


@pytest.fixture
async def labour(at_work: Instance) -> Api:
    return await at_work.api("DEMO-340802-LABOUR")


@pytest.fixture
async def justice(at_work: Instance) -> Api:
    return await at_work.api("DEMO-340802-JUSTICE")


async def _case(union: Api, aware_at: str = "2026-02-26T01:30:00Z") -> str:
    case_id: str = (await report(union, aware_at=aware_at))["case"]["id"]
    return case_id


def _ends(text: str) -> str:
    """24:00 in Shanghai of that day."""
    return f"{day(text).isoformat()}T16:00:00Z"


@pytest.mark.parametrize(
    ("matter", "office", "acknowledge", "accept", "resolve"),
    [
        ("LAB-07", "EMPLOYMENT", "2026-03-05", "2026-03-05", "2026-03-11"),
        ("LAB-08", "INSURANCE", "2026-03-05", "2026-03-05", "2026-03-18"),
        ("LAB-09", "LABOUR", "2026-03-05", "2026-03-05", "2026-03-11"),
    ],
)
async def test_st01_referrals_of_4_march_are_due_as_the_story_says(
    at_work: Instance, union: Api, matter: str, office: str, acknowledge: str, accept: str, resolve: str
) -> None:
    to = await at_work.api(f"DEMO-340802-{office}")
    referral = await refer(union, await _case(union), to, matter=matter)
    dates = (referral["acknowledge_by"], referral["accept_by"], referral["resolve_by"])
    assert dates == (_ends(acknowledge), _ends(accept), _ends(resolve))
    assert (referral["due_confirmed"], referral["warnings"]) == (True, [])


async def test_awareness_to_report_is_kept_as_it_was(union: Api) -> None:
    filed = await report(union, aware_at="2026-02-26T01:30:00Z")
    seen = (await union.get(f"/v1/reports/{filed['id']}", purpose="assistance")).json()
    assert (seen["aware_at"], seen["reported_at"]) == ("2026-02-26T01:30:00Z", "2026-03-04T01:30:00Z")


async def test_an_emergency_is_acknowledged_in_two_hours_and_accepted_in_a_day(union: Api, labour: Api) -> None:
    referral = await refer(union, await _case(union), labour, urgency="emergency")
    assert referral["acknowledge_by"] == "2026-03-04T03:30:00Z"
    assert referral["accept_by"] == "2026-03-05T01:30:00Z"


async def test_the_clock_stands_while_papers_are_completed(union: Api, labour: Api, clock: StoryClock) -> None:
    referral = await refer(union, await _case(union), labour)
    assert referral["resolve_by"] == _ends("2026-04-01")
    returned = await step(labour, referral, "return")
    clock.set("2026-03-09T10:00:00+08:00")
    again = await step(union, returned, "resubmit")
    assert (again["accept_by"], again["resolve_by"]) == (_ends("2026-03-11"), _ends("2026-04-07"))
    (_, resubmitted) = (await union.get(f"/v1/referrals/{referral['id']}")).json()["steps"]
    assert set(resubmitted["deadlines"]) >= {"accept_by", "resolve_by"}
    assert _same(resubmitted["deadlines"]["resolve_by"]["from"], referral["resolve_by"])


@pytest.mark.parametrize(("reason", "moved"), [("awaiting_applicant", True), ("waitlisted", False)])
async def test_a_hold_moves_the_date_where_its_reason_stops_the_clock(
    union: Api, labour: Api, clock: StoryClock, reason: str, moved: bool
) -> None:
    referral = await refer(union, await _case(union), labour)
    started = await step(labour, await step(labour, referral, "accept"), "start")
    held = await step(labour, started, "hold", reason=reason)
    clock.set("2026-03-09T10:00:00+08:00")
    resumed = await step(labour, held, "resume")
    assert (resumed["resolve_by"] != referral["resolve_by"]) is moved
    assert resumed["resolve_by"] == (_ends("2026-04-07") if moved else _ends("2026-04-01"))


async def test_an_office_that_accepted_in_time_is_not_late_after_a_return(
    union: Api, labour: Api, clock: StoryClock
) -> None:
    """Accepted on the day, returned on Friday, resubmitted on Monday: the clock to accept starts anew."""
    referral = await refer(union, await _case(union), labour, matter="LAB-09")
    accepted = await step(labour, referral, "accept")
    clock.set("2026-03-06T10:00:00+08:00")
    returned = await step(labour, accepted, "return")
    clock.set("2026-03-09T10:00:00+08:00")
    again = await step(union, returned, "resubmit")
    assert _moment(again["accept_by"]) > clock()


async def test_an_extension_is_given_once_and_counts_from_the_last_day(
    union: Api, justice: Api, clock: StoryClock
) -> None:
    referral = await refer(union, await _case(union), justice, matter="JUS-02")
    assert referral["resolve_by"] == _ends("2026-05-06")  # 60 days end on 3 May, a holiday
    accepted = await step(justice, referral, "accept")
    longer = await step(justice, accepted, "extend")
    assert longer["resolve_by"] == _ends("2026-06-05")
    told = (await union.get(f"/v1/referrals/{referral['id']}")).json()["steps"][-1]
    assert (told["step"], told["approved_by"]) == ("extend", "科长")
    assert (await try_step(justice, longer, "extend")).status_code == 409
    started = await step(justice, longer, "start")
    assert started["resolve_by"] == longer["resolve_by"]


async def test_more_time_while_the_clock_stands_sets_nothing_going(
    at_work: Instance, union: Api, justice: Api, clock: StoryClock
) -> None:
    referral = await refer(union, await _case(union), justice, matter="JUS-02")
    held = await step(justice, await step(justice, referral, "accept"), "hold")
    longer = await step(justice, held, "extend")
    assert longer["resolve_by"] == _ends("2026-06-05")
    assert await _running(at_work, referral["id"]) == (None, None)
    clock.set("2026-03-05T10:00:00+08:00")
    resumed = await step(justice, longer, "resume")
    running, rings = await _running(at_work, referral["id"])
    assert running == _moment(resumed["resolve_by"]) > _moment(longer["resolve_by"])
    assert rings is not None


async def _running(at_work: Instance, referral_id: str) -> tuple[datetime | None, datetime | None]:
    """When its next date passes, and its next alarm rings."""
    async with superuser(at_work.admin_url) as raw:
        row = await raw.fetchrow("SELECT next_due, alarm_at FROM referral WHERE id = $1::text::uuid", referral_id)
    assert row is not None
    return row["next_due"], row["alarm_at"]


async def test_a_matter_without_extension_gives_none(union: Api, labour: Api) -> None:
    accepted = await step(labour, await refer(union, await _case(union), labour), "accept")
    answer = await try_step(labour, accepted, "extend")
    assert (answer.status_code, answer.json()["code"]) == (409, "state-conflict")


async def test_a_clock_of_the_law_that_starts_at_acceptance_is_set_there(
    at_work: Instance, union: Api, clock: StoryClock
) -> None:
    inspection = await at_work.api("DEMO-340800-INSPECTION")
    referral = await refer(union, await _case(union), inspection, matter="LAB-01")
    assert referral["accept_by"] == _ends("2026-03-11")
    provisional = referral["resolve_by"]
    clock.set("2026-03-05T09:00:00+08:00")
    accepted = await step(inspection, referral, "accept")
    assert accepted["resolve_by"] == _ends("2026-06-02")
    assert accepted["resolve_by"] < provisional


async def test_dates_in_a_year_without_official_notice_are_provisional(
    union: Api, labour: Api, clock: StoryClock
) -> None:
    clock.set("2026-12-21T09:00:00+08:00")
    referral = await refer(union, await _case(union), labour)
    assert referral["due_confirmed"] is False


async def test_a_day_off_is_a_day_off_and_a_working_saturday_is_not(union: Api, labour: Api, clock: StoryClock) -> None:
    """Spring Festival of 2026: 15 to 23 February off, the Saturdays 14 and 28 worked."""
    clock.set("2026-02-13T09:00:00+08:00")
    referral = await refer(union, await _case(union, "2026-02-12T01:30:00Z"), labour)
    assert (referral["acknowledge_by"], referral["accept_by"]) == (_ends("2026-02-14"), _ends("2026-02-24"))


async def test_a_completed_referral_has_no_clock_that_fires(at_work: Instance, union: Api, labour: Api) -> None:
    referral = await refer(union, await _case(union), labour)
    for name in ("accept", "start", "complete"):
        referral = await step(labour, referral, name)
    due = await labour.get("/v1/referrals", params={"due_before": "2099-01-01T00:00:00Z", "limit": 200})
    assert referral["id"] not in {row["id"] for row in due.json()["data"]}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _same(one: str, other: str) -> bool:
    return abs(_moment(one) - _moment(other)) < timedelta(seconds=1)


def test_the_story_clock_stands(clock: StoryClock) -> None:
    seen: list[Json] = [{"now": clock()} for _ in range(2)]
    assert seen[0] == seen[1]

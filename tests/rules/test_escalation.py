"""When a date of a referral is reminded of, and how high what is late climbs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.deadlines import end_of_day
from rules.escalation import LADDERS, REMINDER, Alarm, next_alarm, read_alarm
from tests.rules.calendars import day, official_calendar, shanghai

CALENDAR = official_calendar()


def all_alarms(clock: str, due: datetime, *, after: datetime, urgency: str = "normal") -> list[Alarm]:
    """Every alarm of a clock that is never met, in the order in which they ring, each at its time."""
    rung: list[str] = []
    found = []
    while alarm := next_alarm([(clock, due)], rung, after=after, urgency=urgency, calendar=CALENDAR):
        found.append(alarm)
        rung.append(alarm.name)
        after = max(after, alarm.at)
    return found


def test_a_date_is_reminded_of_the_working_day_before_and_then_climbs() -> None:
    due = end_of_day(day("2026-09-30"))
    alarms = all_alarms("resolve", due, after=shanghai("2026-09-01"))
    assert [(one.kind, one.at) for one in alarms] == [
        (REMINDER, shanghai("2026-09-29", "09:00")),
        ("head", end_of_day(day("2026-10-08"))),  # the first working day after the National Day holiday
        ("supervisor", end_of_day(day("2026-10-10"))),  # a Saturday on which people work
        ("conference", end_of_day(day("2026-10-13"))),
    ]


@pytest.mark.parametrize(
    ("after", "reminded"),
    [("2026-09-29 08:59", "2026-09-29"), ("2026-09-29 09:00", "2026-09-30"), ("2026-09-30 09:00", None)],
)
def test_whoever_has_less_time_is_reminded_on_the_last_day_or_not_at_all(after: str, reminded: str | None) -> None:
    date, clock = after.split()
    alarms = all_alarms("accept", end_of_day(day("2026-09-30")), after=shanghai(date, clock))
    found = [one.at for one in alarms if one.kind == REMINDER]
    assert found == ([] if reminded is None else [shanghai(reminded, "09:00")])


def test_an_emergency_climbs_in_hours() -> None:
    due = datetime(2026, 7, 11, 16, 10, tzinfo=UTC)
    alarms = all_alarms("resolve", due, after=due - timedelta(hours=2), urgency="emergency")
    assert [one.at - due for one in alarms] == [
        timedelta(minutes=-30),
        timedelta(hours=2),
        timedelta(hours=6),
        timedelta(hours=24),
    ]


def test_what_nobody_accepts_is_handed_back_before_it_would_come_before_the_conference() -> None:
    assert "conference" not in LADDERS["accept"]
    assert LADDERS["acknowledge"] == ("head",)


def test_a_level_that_was_missed_rings_however_late_and_no_reminder_does() -> None:
    due = end_of_day(day("2026-09-30"))
    alarms = all_alarms("resolve", due, after=due + timedelta(days=90))
    assert [one.kind for one in alarms] == ["head", "supervisor", "conference"]


def test_a_date_that_moved_is_reminded_of_again() -> None:
    first, moved = end_of_day(day("2026-09-29")), end_of_day(day("2026-11-20"))
    rung = [all_alarms("resolve", first, after=shanghai("2026-09-01"))[0].name]
    alarm = next_alarm([("resolve", moved)], rung, after=shanghai("2026-09-28"), urgency="normal", calendar=CALENDAR)
    assert alarm is not None
    assert (alarm.kind, alarm.at) == (REMINDER, shanghai("2026-11-19", "09:00"))


def test_an_alarm_whose_clock_was_met_says_nothing() -> None:
    at = shanghai("2026-09-29")
    assert read_alarm("accept:head", at, {"resolve": at}) is None
    assert read_alarm(None, at, {"accept": at}) is None


@given(
    minutes=st.integers(0, 330 * 24 * 60),
    span=st.integers(0, 60),
    clock=st.sampled_from(tuple(LADDERS)),
    urgency=st.sampled_from(("normal", "urgent", "emergency")),
)
def test_alarms_come_in_order_each_once_and_reminders_before_the_date(
    minutes: int, span: int, clock: str, urgency: str
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    due = end_of_day(start.date() + timedelta(days=span))
    alarms = all_alarms(clock, due, after=start, urgency=urgency)
    assert [one.at for one in alarms] == sorted(one.at for one in alarms)
    assert [one.kind for one in alarms if one.kind != REMINDER] == list(LADDERS[clock])
    assert all(start < one.at < due for one in alarms if one.kind == REMINDER)
    assert sum(one.kind == REMINDER for one in alarms) <= 1

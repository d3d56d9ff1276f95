"""The dates of the acceptance stories, computed from the responsibility list and the calendar of 2026."""

import json
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from rules.deadlines import Period, due_at, end_of_day, extended
from rules.matters import Matter, parse_matter
from tests.rules.calendars import day, official_calendar, shanghai

MATTERS = Path(__file__).parents[2] / "db" / "reference" / "matters.json"
Clock = Literal["acknowledge", "accept", "resolve", "extension"]


@cache
def matters() -> dict[str, Matter]:
    return {raw["code"]: parse_matter(raw) for raw in json.loads(MATTERS.read_text(encoding="utf-8"))}


def figure(code: str, clock: Clock) -> Period:
    clocks = matters()[code].clocks
    found = {
        "acknowledge": clocks.acknowledge,
        "accept": clocks.accept,
        "resolve": clocks.resolve,
        "extension": clocks.extension,
    }[clock]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("story", "code", "clock", "start", "due"),
    [
        ("ST01 referrals acknowledged", "LAB-07", "acknowledge", "2026-03-04", "2026-03-05"),
        ("ST01 hard-to-employ decision", "LAB-09", "resolve", "2026-03-04", "2026-03-11"),
        ("ST01 unemployment benefit", "LAB-08", "resolve", "2026-03-04", "2026-03-18"),
        ("ST02 opinion letter answered", "UNI-08", "resolve", "2026-04-13", "2026-05-07"),
        ("ST02 wage arrears investigated", "LAB-01", "resolve", "2026-05-15", "2026-08-10"),
        ("ST02 legal aid decided", "JUS-01", "resolve", "2026-05-08", "2026-05-15"),
        ("ST03 injury recognised", "LAB-14", "resolve", "2026-03-09", "2026-05-08"),
        ("ST03 capacity appraised", "LAB-15", "resolve", "2026-06-22", "2026-08-21"),
        ("ST03 legal aid decided", "JUS-01", "resolve", "2026-03-02", "2026-03-09"),
        ("ST05 manual claim paid", "MED-02", "resolve", "2026-06-08", "2026-07-21"),
        ("ST05 temporary relief", "CIV-04", "resolve", "2026-06-08", "2026-06-30"),
        ("ST06 mediation", "LAB-05", "resolve", "2026-08-28", "2026-09-14"),
        ("ST06 arbitration accepted", "LAB-06", "accept", "2026-09-14", "2026-09-20"),
        ("ST06 award", "LAB-06", "resolve", "2026-09-18", "2026-11-02"),
        ("ST07 notice of lay-offs", "LAB-19", "resolve", "2026-10-12", "2026-11-11"),
        ("ST09 pension claim", "LAB-18", "resolve", "2026-07-20", "2026-08-17"),
        ("ST10 contributions: accept or return", "LAB-17", "accept", "2026-11-24", "2026-12-01"),
    ],
)
def test_a_clock_of_the_list_ends_when_the_story_says(
    story: str, code: str, clock: Clock, start: str, due: str
) -> None:
    computed = due_at(shanghai(start), figure(code, clock), official_calendar())
    assert (computed.last_day, computed.at, computed.confirmed) == (day(due), end_of_day(day(due)), True), story


@pytest.mark.parametrize(
    ("story", "code", "first", "due"),
    [
        ("ST02 investigation extended", "LAB-01", "2026-08-10", "2026-09-20"),
        ("ST06 award extended", "LAB-06", "2026-11-02", "2026-11-17"),
    ],
)
def test_an_extension_of_the_list_ends_when_the_story_says(story: str, code: str, first: str, due: str) -> None:
    computed = extended(end_of_day(day(first)), figure(code, "extension"), official_calendar())
    assert computed.last_day == day(due), story


@pytest.mark.parametrize(
    ("story", "amount", "unit", "start", "due"),
    [
        ("ST01 publicity", 5, "working_day", "2026-03-02", "2026-03-09"),
        ("ST02 proposal letter filed", 5, "working_day", "2026-05-08", "2026-05-14"),
        ("ST03 employer applies", 30, "calendar_day", "2026-01-26", "2026-02-25"),
        ("ST03 lawyer appointed", 3, "calendar_day", "2026-03-09", "2026-03-12"),
        ("ST04 publicity", 5, "working_day", "2026-08-10", "2026-08-17"),
        ("ST08 data share answered", 10, "working_day", "2026-09-21", "2026-10-12"),
        ("ST09 papers after the fire", 5, "working_day", "2026-07-11", "2026-07-17"),
        ("ST10 objection with reasons", 5, "working_day", "2026-11-24", "2026-12-01"),
    ],
)
def test_a_period_beside_the_list_ends_when_the_story_says(
    story: str, amount: int, unit: str, start: str, due: str
) -> None:
    assert due_at(shanghai(start), Period(amount, unit), official_calendar()).last_day == day(due), story


def test_st03_the_union_may_apply_for_a_year_that_ends_in_an_unconfirmed_calendar() -> None:
    due = due_at(shanghai("2026-01-26"), Period(12, "month"), official_calendar())
    assert (due.last_day, due.confirmed) == (day("2027-01-26"), False)


def test_st03_st09_relief_in_an_emergency_runs_in_hours_through_the_weekend() -> None:
    fire = shanghai("2026-07-11", "22:10")
    assert due_at(fire, figure("CIV-05", "acknowledge"), official_calendar()).at == shanghai("2026-07-12", "00:10")
    assert due_at(fire, figure("CIV-05", "accept"), official_calendar()).at == shanghai("2026-07-12", "00:10")
    assert due_at(fire, figure("CIV-05", "resolve"), official_calendar()).at == shanghai("2026-07-12", "22:10")


def test_st10_the_long_clock_into_2027_is_provisional() -> None:
    due = due_at(shanghai("2026-11-24"), figure("LAB-17", "resolve"), official_calendar())
    assert (due.last_day, due.confirmed) == (day("2027-02-23"), False)

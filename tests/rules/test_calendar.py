"""Working days: the table, the fallback, and a second opinion on every day that a notice confirms."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import WorkCalendar
from tests.rules.calendars import day, naive_calendar, official_calendar

dates = st.dates(date(2024, 1, 1), date(2026, 12, 31))
counts = st.integers(0, 90)


def test_every_day_of_2024_to_2026_agrees_with_chinesecalendar() -> None:
    calendar = official_calendar()
    days = [date(2024, 1, 1) + timedelta(days=offset) for offset in range(1096)]
    assert days[-1] == date(2026, 12, 31)
    assert [d for d in days if calendar.is_workday(d) != chinese_calendar.is_workday(d)] == []


def test_a_day_outside_the_table_is_judged_by_its_weekday() -> None:
    calendar = WorkCalendar({date(2026, 9, 20): True}, frozenset())
    assert calendar.is_workday(date(2026, 9, 20))
    assert not calendar.is_workday(date(2026, 9, 19))
    assert calendar.is_workday(date(2031, 1, 1))


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        ("2026-09-21", 10, "2026-10-12"),
        ("2026-09-18", 5, "2026-09-24"),
        ("2026-09-18", 15, "2026-10-15"),
        ("2026-05-15", 60, "2026-08-10"),
        ("2026-08-10", 30, "2026-09-20"),
        ("2026-04-13", 15, "2026-05-07"),
        ("2026-06-08", 30, "2026-07-21"),
        ("2026-11-24", 30, "2027-01-06"),
        ("2026-11-24", 60, "2027-02-23"),
        ("2026-09-19", 0, "2026-09-20"),
        ("2026-09-20", 0, "2026-09-20"),
        ("2026-10-01", 0, "2026-10-08"),
    ],
)
def test_working_days_are_counted_from_the_day_after(start: str, count: int, due: str) -> None:
    assert official_calendar().add_workdays(day(start), count) == day(due)


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        ("2026-09-21", 10, "2026-10-05"),
        ("2026-11-24", 30, "2027-01-05"),
        ("2026-11-24", 60, "2027-02-16"),
    ],
)
def test_weekdays_alone_give_the_naive_answer(start: str, count: int, due: str) -> None:
    assert naive_calendar().add_workdays(day(start), count) == day(due)


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        ("2026-09-14", 5, "2026-09-20"),
        ("2026-09-14", 4, "2026-09-18"),
        ("2026-09-24", 1, "2026-09-28"),
        ("2026-09-24", 7, "2026-10-08"),
    ],
)
def test_calendar_days_ending_on_a_day_off_end_on_the_next_working_day(start: str, count: int, due: str) -> None:
    assert official_calendar().add_calendar_days(day(start), count) == day(due)


def test_days_are_counted_forwards_only() -> None:
    with pytest.raises(ValueError, match="forwards"):
        naive_calendar().add_workdays(day("2026-09-14"), -1)
    with pytest.raises(ValueError, match="forwards"):
        naive_calendar().add_calendar_days(day("2026-09-14"), -1)


@pytest.mark.parametrize(
    ("start", "end", "confirmed"),
    [
        ("2026-01-01", "2026-12-31", True),
        ("2024-06-01", "2026-06-01", True),
        ("2026-12-31", "2027-01-01", False),
        ("2023-12-31", "2024-01-01", False),
        ("2027-03-01", "2027-03-01", False),
    ],
)
def test_a_span_is_confirmed_only_when_each_of_its_years_is(start: str, end: str, confirmed: bool) -> None:
    assert official_calendar().confirmed_through(day(start), day(end)) is confirmed


@given(dates, counts)
def test_a_sum_of_working_days_counts_back_to_itself(start: date, count: int) -> None:
    calendar = official_calendar()
    due = calendar.add_workdays(start, count)
    assert calendar.is_workday(due)
    if count:
        assert calendar.workdays_between(start, due) == count


@given(dates, counts)
def test_one_more_working_day_is_always_later(start: date, count: int) -> None:
    calendar = official_calendar()
    if count:
        assert calendar.add_workdays(start, count) < calendar.add_workdays(start, count + 1)


@given(dates, counts)
def test_working_days_never_end_before_as_many_calendar_days(start: date, count: int) -> None:
    calendar = official_calendar()
    assert calendar.add_calendar_days(start, count) <= calendar.add_workdays(start, count)


@given(dates, dates)
def test_nothing_lies_between_a_day_and_an_earlier_one(one: date, other: date) -> None:
    first, second = sorted((one, other))
    assert official_calendar().workdays_between(second, first) == 0

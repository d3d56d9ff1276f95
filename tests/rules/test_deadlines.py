"""Clocks: their end, their order, pauses and extensions."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.deadlines import (
    SHANGHAI,
    Due,
    IncomparablePeriods,
    Period,
    Unit,
    due_at,
    end_of_day,
    extended,
    last_day,
    remaining,
    shift,
    stricter,
)
from tests.rules.calendars import day, naive_calendar, official_calendar, shanghai

DAYS = ("working_day", "calendar_day")
starts = st.datetimes(datetime(2024, 1, 1), datetime(2026, 9, 30), timezones=st.just(SHANGHAI))  # noqa: DTZ001  hypothesis adds the zone
figured = st.builds(Period, st.integers(1, 60), st.sampled_from(["working_day", "calendar_day", "hour"]))
periods = figured | st.builds(Period, st.integers(1, 12), st.just("month")) | st.just(Period(0, "same_day"))


@pytest.mark.parametrize(
    ("start", "amount", "unit", "final"),
    [
        ("2026-09-21", 10, "working_day", "2026-10-12"),
        ("2026-09-18", 5, "working_day", "2026-09-24"),
        ("2026-09-18", 15, "working_day", "2026-10-15"),
        ("2026-05-15", 60, "working_day", "2026-08-10"),
        ("2026-09-14", 5, "calendar_day", "2026-09-20"),
        ("2026-04-13", 15, "working_day", "2026-05-07"),
        ("2026-06-08", 30, "working_day", "2026-07-21"),
        ("2026-01-30", 1, "month", "2026-02-28"),
        ("2026-01-26", 3, "month", "2026-04-27"),
        ("2026-03-12", 6, "month", "2026-09-14"),
        ("2025-11-30", 12, "month", "2026-11-30"),
        ("2026-09-18", 0, "same_day", "2026-09-18"),
        ("2026-09-19", 0, "same_day", "2026-09-20"),
        ("2026-10-01", 0, "same_day", "2026-10-08"),
    ],
)
def test_a_period_of_days_ends_at_midnight_in_shanghai(start: str, amount: int, unit: str, final: str) -> None:
    due = due_at(shanghai(start), Period(amount, unit), official_calendar())
    assert due == Due(datetime.fromisoformat(f"{final}T16:00:00+00:00"), confirmed=True)
    assert due.at.tzinfo is UTC
    assert due.last_day == day(final)


@pytest.mark.parametrize(
    ("amount", "naive", "seeded"), [(30, "2027-01-05", "2027-01-06"), (60, "2027-02-16", "2027-02-23")]
)
def test_a_clock_that_runs_into_an_unconfirmed_year_is_provisional(amount: int, naive: str, seeded: str) -> None:
    start, period = shanghai("2026-11-24"), Period(amount, "working_day")
    assert due_at(start, period, official_calendar()) == Due(end_of_day(day(seeded)), confirmed=False)
    assert due_at(start, period, naive_calendar()) == Due(end_of_day(day(naive)), confirmed=False)


def test_calendar_days_and_months_are_provisional_when_their_last_day_is() -> None:
    calendar = official_calendar()
    assert not due_at(shanghai("2026-12-20"), Period(20, "calendar_day"), calendar).confirmed
    assert not due_at(shanghai("2026-01-26"), Period(12, "month"), calendar).confirmed
    assert due_at(shanghai("2026-12-20"), Period(10, "calendar_day"), calendar).confirmed


def test_hours_run_through_nights_and_holidays() -> None:
    due = due_at(shanghai("2026-10-01", "22:10"), Period(48, "hour"), naive_calendar())
    assert due == Due(shanghai("2026-10-03", "22:10"), confirmed=True)


def test_immediate_means_two_hours_by_our_default() -> None:
    due = due_at(shanghai("2026-07-11", "23:10"), Period(0, "immediate"), naive_calendar())
    assert due == Due(shanghai("2026-07-12", "01:10"), confirmed=True)


@pytest.mark.parametrize(("clock", "first_day"), [("00:00", "2026-09-22"), ("23:59", "2026-09-22")])
def test_the_day_is_the_day_in_shanghai_not_in_utc(clock: str, first_day: str) -> None:
    start = shanghai("2026-09-21", clock).astimezone(UTC)
    assert due_at(start, Period(1, "working_day"), official_calendar()).last_day == day(first_day)


def test_a_time_without_zone_is_refused() -> None:
    naive = datetime(2026, 9, 21, 9, 30)  # noqa: DTZ001  the fault under test
    for unit, amount in (("hour", 1), ("working_day", 1), ("immediate", 0)):
        with pytest.raises(ValueError, match="zone"):
            due_at(naive, Period(amount, unit), official_calendar())


@pytest.mark.parametrize(
    ("amount", "unit"),
    [
        (0, "working_day"),
        (-1, "calendar_day"),
        (0, "hour"),
        (0, "month"),
        (1, "same_day"),
        (2, "immediate"),
        (1, "week"),
    ],
)
def test_a_period_without_sense_cannot_be_made(amount: int, unit: str) -> None:
    with pytest.raises(ValueError, match=r"amount|not a valid"):
        Period(amount, unit)


@pytest.mark.parametrize(
    ("due", "amount", "unit", "final"),
    [
        ("2026-08-10", 30, "working_day", "2026-09-20"),
        ("2026-11-02", 15, "calendar_day", "2026-11-17"),
        ("2026-03-31", 1, "month", "2026-04-30"),
    ],
)
def test_an_extension_counts_from_the_last_day_of_the_first_clock(due: str, amount: int, unit: str, final: str) -> None:
    longer = extended(end_of_day(day(due)), Period(amount, unit), official_calendar())
    assert longer.last_day == day(final)


def test_an_extension_in_hours_counts_from_the_instant() -> None:
    longer = extended(shanghai("2026-07-11", "22:10"), Period(3, "hour"), official_calendar())
    assert longer.at == shanghai("2026-07-12", "01:10")


@pytest.mark.parametrize(
    ("paused_from", "paused_until", "final"),
    [
        ("2026-09-21", "2026-09-23", "2026-09-29"),
        ("2026-09-21", "2026-09-21", "2026-09-24"),
        ("2026-09-18", "2026-09-19", "2026-09-24"),
        ("2026-09-18", "2026-09-20", "2026-09-28"),
        ("2026-09-24", "2026-10-08", "2026-10-08"),
    ],
)
def test_a_pause_moves_the_due_day_by_the_working_days_it_took(paused_from: str, paused_until: str, final: str) -> None:
    due = end_of_day(day("2026-09-24"))
    moved = shift(due, shanghai(paused_from), shanghai(paused_until), official_calendar())
    assert moved == Due(end_of_day(day(final)), confirmed=True)


def test_a_paused_clock_of_hours_keeps_its_time_of_day() -> None:
    moved = shift(shanghai("2026-09-22", "22:10"), shanghai("2026-09-21"), shanghai("2026-09-22"), official_calendar())
    assert moved.at == shanghai("2026-09-23", "22:10")


def test_a_clock_that_had_run_out_is_not_revived_by_a_pause() -> None:
    due = end_of_day(day("2026-09-24"))
    assert shift(due, due, due + timedelta(days=30), official_calendar()).at == due


def test_a_pause_into_an_unconfirmed_year_makes_the_due_date_provisional() -> None:
    due = end_of_day(day("2026-12-30"))
    assert not shift(due, shanghai("2026-12-28"), shanghai("2026-12-31"), official_calendar()).confirmed


def test_a_pause_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="pause"):
        shift(end_of_day(day("2026-09-24")), shanghai("2026-09-22"), shanghai("2026-09-21"), official_calendar())


@pytest.mark.parametrize(
    ("at", "left"),
    [("2026-09-18", 5), ("2026-09-20", 4), ("2026-09-23", 1), ("2026-09-24", 0), ("2026-09-25", 0)],
)
def test_remaining_counts_the_working_days_after_today(at: str, left: int) -> None:
    assert remaining(end_of_day(day("2026-09-24")), shanghai(at), official_calendar()) == left


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((5, "working_day"), (5, "working_day"), True),
        ((4, "working_day"), (5, "working_day"), True),
        ((6, "working_day"), (5, "working_day"), False),
        ((5, "calendar_day"), (5, "working_day"), True),
        ((6, "calendar_day"), (5, "working_day"), False),
        ((5, "working_day"), (5, "calendar_day"), False),
        ((6, "working_day"), (5, "calendar_day"), False),
        ((24, "hour"), (1, "working_day"), True),
        ((48, "hour"), (2, "calendar_day"), True),
        ((3, "month"), (6, "month"), True),
        ((0, "same_day"), (0, "same_day"), True),
        ((0, "same_day"), (1, "working_day"), True),
        ((0, "same_day"), (1, "calendar_day"), True),
        ((0, "same_day"), (1, "month"), True),
        ((1, "calendar_day"), (0, "same_day"), False),
        ((0, "immediate"), (0, "same_day"), True),
        ((0, "immediate"), (2, "hour"), True),
        ((0, "immediate"), (1, "hour"), False),
        ((2, "hour"), (0, "immediate"), True),
        ((3, "hour"), (0, "immediate"), False),
        ((0, "same_day"), (0, "immediate"), False),
    ],
)
def test_stricter_means_never_later(one: tuple[int, str], other: tuple[int, str], expected: bool) -> None:
    assert stricter(Period(*one), Period(*other)) is expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((4, "working_day"), (5, "calendar_day")),
        ((25, "hour"), (1, "working_day")),
        ((1, "working_day"), (24, "hour")),
        ((1, "month"), (31, "calendar_day")),
        ((5, "working_day"), (1, "month")),
        ((0, "same_day"), (24, "hour")),
        ((12, "hour"), (0, "same_day")),
    ],
)
def test_periods_without_a_sure_order_cannot_be_compared(one: tuple[int, str], other: tuple[int, str]) -> None:
    with pytest.raises(IncomparablePeriods) as refused:
        stricter(Period(*one), Period(*other))
    assert (refused.value.one, refused.value.other) == (Unit(one[1]), Unit(other[1]))


@given(periods, periods, starts)
def test_the_stricter_period_ends_no_later_from_any_start(one: Period, other: Period, start: datetime) -> None:
    try:
        ordered = stricter(one, other)
    except IncomparablePeriods:
        return
    if ordered:
        assert due_at(start, one, official_calendar()).at <= due_at(start, other, official_calendar()).at


@given(periods, starts, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_who_starts_later_is_never_due_earlier(period: Period, start: datetime, later: timedelta) -> None:
    calendar = official_calendar()
    assert due_at(start, period, calendar).at <= due_at(start + later, period, calendar).at


@given(figured, starts)
def test_a_longer_period_is_never_due_earlier(period: Period, start: datetime) -> None:
    longer = Period(period.amount + 1, period.unit)
    assert due_at(start, period, official_calendar()).at <= due_at(start, longer, official_calendar()).at


@given(periods, starts)
def test_no_clock_ends_before_it_starts(period: Period, start: datetime) -> None:
    assert due_at(start, period, official_calendar()).at > start


@given(st.integers(1, 40), st.sampled_from(DAYS), starts, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_a_pause_never_makes_a_clock_shorter(amount: int, unit: str, start: datetime, pause: timedelta) -> None:
    due = due_at(start, Period(amount, unit), official_calendar()).at
    moved = shift(due, start, start + pause, official_calendar())
    assert moved.at >= due
    assert last_day(moved.at) == moved.last_day

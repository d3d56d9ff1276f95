"""Dates of a referral: at the request, after a pause, after an extension, in an emergency."""

from datetime import datetime, timedelta

import pytest

from rules.deadlines import Period, end_of_day
from rules.matters import Clocks, ClockStart
from rules.referral_clocks import (
    Dates,
    dates_after_extension,
    dates_after_pause,
    dates_at_request,
    resolve_after_acceptance,
)
from tests.rules.calendars import day, official_calendar, shanghai

REQUESTED = shanghai("2026-03-04")  # a Wednesday


def _clocks(*, accept: Period | None = None, resolve: Period | None = None) -> Clocks:
    accept = accept or Period(2, "working_day")
    return Clocks(Period(1, "working_day"), accept, resolve or Period(5, "working_day"), None)


def _at_request(clocks: Clocks, *, urgency: str = "normal", start: ClockStart = ClockStart.request) -> Dates:
    return dates_at_request(
        clocks, requested_at=REQUESTED, urgency=urgency, resolve_from=start, calendar=official_calendar()
    )


def _ends(text: str) -> datetime:
    return end_of_day(day(text))


def test_a_request_sets_all_three_dates_on_working_days() -> None:
    dates = _at_request(_clocks())
    assert dates == Dates(_ends("2026-03-05"), _ends("2026-03-06"), _ends("2026-03-11"), confirmed=True)


def test_a_clock_the_law_starts_at_acceptance_is_first_counted_from_the_last_moment_to_accept() -> None:
    dates = _at_request(_clocks(), start=ClockStart.acceptance)
    assert dates.resolve_by == _ends("2026-03-13")


def test_it_is_counted_again_from_the_acceptance_itself() -> None:
    due = resolve_after_acceptance(_clocks(), accepted_at=REQUESTED, calendar=official_calendar())
    assert due is not None
    assert due.at == _ends("2026-03-11")


def test_work_that_ends_with_an_occasion_has_no_date() -> None:
    clocks = Clocks(Period(1, "working_day"), Period(2, "working_day"), None, None)
    assert _at_request(clocks).resolve_by is None
    assert resolve_after_acceptance(clocks, accepted_at=REQUESTED, calendar=official_calendar()) is None


def test_an_emergency_is_acknowledged_in_two_hours_and_accepted_in_a_day() -> None:
    dates = _at_request(_clocks(), urgency="emergency")
    assert dates.acknowledge_by == REQUESTED + timedelta(hours=2)
    assert dates.accept_by == REQUESTED + timedelta(hours=24)


def test_an_emergency_never_makes_a_clock_longer() -> None:
    same_day = _clocks(accept=Period(0, "same_day"))
    assert _at_request(same_day, urgency="emergency").accept_by == _ends("2026-03-04")


@pytest.mark.parametrize("urgency", ["normal", "urgent"])
def test_only_an_emergency_runs_in_hours(urgency: str) -> None:
    assert _at_request(_clocks(), urgency=urgency) == _at_request(_clocks())


@pytest.mark.parametrize(
    ("paused", "resumed", "resolve_by"),
    [
        ("2026-03-05", "2026-03-05", "2026-03-11"),
        ("2026-03-05", "2026-03-06", "2026-03-12"),
        ("2026-03-06", "2026-03-09", "2026-03-12"),  # over a weekend only the Monday was lost
        ("2026-03-05", "2026-03-10", "2026-03-16"),
        ("2026-03-12", "2026-03-20", "2026-03-11"),  # it had run out before
    ],
)
def test_a_pause_moves_dates_by_the_working_days_lost(paused: str, resumed: str, resolve_by: str) -> None:
    dates = _at_request(_clocks())
    moved = dates_after_pause(
        dates, paused_from=shanghai(paused), now=shanghai(resumed, "18:00"), calendar=official_calendar()
    )
    assert moved.resolve_by == _ends(resolve_by)


def test_a_pause_leaves_no_date_where_there_was_none() -> None:
    dates = Dates(_ends("2026-03-05"), _ends("2026-03-06"), None, confirmed=True)
    moved = dates_after_pause(
        dates, paused_from=shanghai("2026-03-05"), now=shanghai("2026-03-09"), calendar=official_calendar()
    )
    assert moved.resolve_by is None


def test_dates_once_provisional_stay_so_until_they_are_counted_again() -> None:
    dates = Dates(_ends("2026-03-05"), _ends("2026-03-06"), _ends("2026-03-11"), confirmed=False)
    moved = dates_after_pause(
        dates, paused_from=shanghai("2026-03-05"), now=shanghai("2026-03-06"), calendar=official_calendar()
    )
    assert moved.confirmed is False


def test_an_extension_counts_from_the_last_day_and_moves_no_other_date() -> None:
    dates = _at_request(_clocks())
    longer = dates_after_extension(dates, Period(10, "working_day"), official_calendar())
    assert (longer.acknowledge_by, longer.accept_by) == (dates.acknowledge_by, dates.accept_by)
    assert longer.resolve_by == _ends("2026-03-25")


def test_an_extension_into_a_year_without_notice_is_provisional() -> None:
    dates = Dates(_ends("2026-12-01"), _ends("2026-12-01"), _ends("2026-12-28"), confirmed=True)
    assert dates_after_extension(dates, Period(30, "working_day"), official_calendar()).confirmed is False

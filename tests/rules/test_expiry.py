"""A referral nobody answered has five working days of grace, and pauses count when its dates are counted again."""

from datetime import UTC, date, datetime, timedelta

import pytest

from rules.calendar import WorkCalendar
from rules.deadlines import Period, end_of_day
from rules.expiry import expires_at
from rules.matters import Clocks, ClockStart
from rules.recalculation import Asked, Taken, recalculated
from rules.referral_clocks import dates_after_pause, dates_at_request

PLAIN = WorkCalendar({}, frozenset({2026}))
SPRING = WorkCalendar({date(2026, 2, day): False for day in range(16, 24)}, frozenset({2026}))
"""The eight days of the Spring Festival of 2026 off, 16 to 23 February."""

REQUESTED = datetime(2026, 2, 9, 2, 0, tzinfo=UTC)  # a Monday
CLOCKS = Clocks(
    Period(1, "working_day"),
    Period(5, "working_day"),
    resolve=Period(20, "working_day"),
    extension=Period(10, "working_day"),
)


def asked(resolve_from: ClockStart = ClockStart.request) -> Asked:
    return Asked(CLOCKS, REQUESTED, urgency="normal", resolve_from=resolve_from)


@pytest.mark.parametrize(
    ("calendar", "accept_by", "expected"),
    [
        (PLAIN, date(2026, 2, 13), date(2026, 2, 20)),
        (SPRING, date(2026, 2, 13), date(2026, 3, 2)),
        (PLAIN, date(2026, 2, 14), date(2026, 2, 20)),
    ],
)
def test_the_grace_is_five_working_days_after_the_last_day(
    calendar: WorkCalendar, accept_by: date, expected: date
) -> None:
    assert expires_at(end_of_day(accept_by), calendar) == end_of_day(expected)


def test_a_date_in_the_middle_of_a_day_counts_as_that_day() -> None:
    assert expires_at(datetime(2026, 2, 13, 3, 0, tzinfo=UTC), PLAIN) == end_of_day(date(2026, 2, 20))


def test_without_steps_the_dates_are_those_of_a_new_request() -> None:
    fresh = dates_at_request(
        CLOCKS, requested_at=REQUESTED, urgency="normal", resolve_from=ClockStart.request, calendar=SPRING
    )
    assert recalculated(asked(), [], SPRING) == fresh
    assert fresh.accept_by - end_of_day(date(2026, 2, 16)) == timedelta(days=8)


def test_a_pause_keeps_its_effect() -> None:
    paused, resumed = REQUESTED + timedelta(days=1), REQUESTED + timedelta(days=3)
    fresh = recalculated(asked(), [], SPRING)
    for steps in (("return", None, "resubmit"), ("hold", "awaiting_documents", "resume")):
        taken = [Taken(steps[0], steps[1], paused), Taken(steps[2], None, resumed)]
        assert recalculated(asked(), taken, SPRING) == dates_after_pause(
            fresh, paused_from=paused, now=resumed, calendar=SPRING
        )


def test_a_hold_that_does_not_stop_the_clock_changes_nothing() -> None:
    taken = [Taken("hold", "waitlisted", REQUESTED), Taken("resume", None, REQUESTED + timedelta(days=3))]
    assert recalculated(asked(), taken, SPRING) == recalculated(asked(), [], SPRING)


def test_an_extension_is_given_again_and_acceptance_starts_the_clock_where_the_law_says_so() -> None:
    extended = recalculated(asked(), [Taken("extend", "complex_facts", REQUESTED)], PLAIN)
    plain = recalculated(asked(), [], PLAIN)
    assert extended.resolve_by is not None
    assert plain.resolve_by is not None
    assert extended.resolve_by - plain.resolve_by == timedelta(days=14)
    late = REQUESTED + timedelta(days=7)
    accepted = recalculated(asked(ClockStart.acceptance), [Taken("accept", None, late)], PLAIN)
    assert accepted.resolve_by == end_of_day(date(2026, 3, 16))

"""The three dates of a referral: computed when it is requested, moved when its clock stood still. Pure."""

from dataclasses import dataclass
from datetime import datetime

from rules.calendar import WorkCalendar
from rules.deadlines import Due, Period, due_at, extended, shift
from rules.matters import EMERGENCY_ACKNOWLEDGE, EMERGENCY_FIRST_HELP, Clocks, ClockStart, Urgency


@dataclass(frozen=True, slots=True)
class Dates:
    """When each clock ends, and whether every one rests on confirmed years of the calendar."""

    acknowledge_by: datetime
    accept_by: datetime
    resolve_by: datetime | None
    confirmed: bool


def dates_at_request(
    clocks: Clocks, *, requested_at: datetime, urgency: str, resolve_from: ClockStart, calendar: WorkCalendar
) -> Dates:
    """Dates of a referral requested now. An emergency is acknowledged in two hours and helped in a day, if not sooner.

    A resolve clock that the law starts at acceptance is first counted from the last moment to accept. Nobody is late to
    accept what it is not yet late to acknowledge: our own default gives way, a rule of law or place does not.
    """
    acknowledge = _due(requested_at, clocks.acknowledge, urgency, emergency=EMERGENCY_ACKNOWLEDGE, calendar=calendar)
    accept = _due(requested_at, clocks.accept, urgency, emergency=EMERGENCY_FIRST_HELP, calendar=calendar)
    if clocks.accept_is_ours:
        accept = max(accept, acknowledge, key=lambda due: due.at)
    else:
        acknowledge = min(acknowledge, accept, key=lambda due: due.at)
    resolve = None
    if clocks.resolve is not None:
        resolve = (
            extended(accept.at, clocks.resolve, calendar)
            if resolve_from is ClockStart.acceptance
            else due_at(requested_at, clocks.resolve, calendar)
        )
    return _dates(acknowledge, accept, resolve)


def resolve_after_acceptance(clocks: Clocks, *, accepted_at: datetime, calendar: WorkCalendar) -> Due | None:
    """The resolve date where the law counts from acceptance; None where there is no such clock."""
    return None if clocks.resolve is None else due_at(accepted_at, clocks.resolve, calendar)


def dates_after_pause(dates: Dates, *, paused_from: datetime, now: datetime, calendar: WorkCalendar) -> Dates:
    """All three dates later by the working days on which the clock stood."""

    def shifted(due: datetime) -> Due:
        moved = shift(due, paused_from, now, calendar)
        return Due(moved.at, moved.confirmed and dates.confirmed)

    return _dates(
        shifted(dates.acknowledge_by),
        shifted(dates.accept_by),
        shifted(dates.resolve_by) if dates.resolve_by else None,
    )


def dates_after_resubmission(dates: Dates, clocks: Clocks, *, now: datetime, calendar: WorkCalendar) -> Dates:
    """What was accepted in time and then returned is accepted anew: a passed date to accept is counted from now."""
    if dates.accept_by > now:
        return dates
    due = due_at(now, clocks.accept, calendar)
    return Dates(dates.acknowledge_by, due.at, dates.resolve_by, dates.confirmed and due.confirmed)


def dates_after_extension(dates: Dates, period: Period, calendar: WorkCalendar) -> Dates:
    """The resolve date prolonged by `period`. The caller has checked that there is one."""
    assert dates.resolve_by is not None
    due = extended(dates.resolve_by, period, calendar)
    return Dates(dates.acknowledge_by, dates.accept_by, due.at, dates.confirmed and due.confirmed)


def _due(start: datetime, period: Period, urgency: str, *, emergency: Period, calendar: WorkCalendar) -> Due:
    ordinary = due_at(start, period, calendar)
    if urgency != Urgency.emergency:
        return ordinary
    return min(ordinary, due_at(start, emergency, calendar), key=lambda due: due.at)


def _dates(acknowledge: Due, accept: Due, resolve: Due | None) -> Dates:
    confirmed = all(due.confirmed for due in (acknowledge, accept, resolve) if due is not None)
    return Dates(acknowledge.at, accept.at, resolve.at if resolve else None, confirmed)

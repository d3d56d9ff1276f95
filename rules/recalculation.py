"""referral (转办): its dates counted again from the request, when a year of the calendar has become official. Pure.

Every step that ever moved a date is taken again in order, so a pause or an extension keeps its effect.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from rules.calendar import WorkCalendar
from rules.matters import Clocks, ClockStart
from rules.referral_clocks import (
    Dates,
    dates_after_extension,
    dates_after_pause,
    dates_after_resubmission,
    dates_at_request,
    resolve_after_acceptance,
)
from rules.referrals import HOLDS_THAT_STOP_THE_CLOCK


@dataclass(frozen=True, slots=True)
class Asked:
    """What the dates of a referral were counted from."""

    clocks: Clocks
    requested_at: datetime
    urgency: str
    resolve_from: ClockStart


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken."""

    step: str
    reason: str | None
    at: datetime


def recalculated(asked: Asked, steps: Iterable[Taken], calendar: WorkCalendar) -> Dates:
    """The dates under `calendar` after `steps`, oldest first; those of a draft's time are before the request."""
    dates = dates_at_request(
        asked.clocks,
        requested_at=asked.requested_at,
        urgency=asked.urgency,
        resolve_from=asked.resolve_from,
        calendar=calendar,
    )
    stopped: datetime | None = None
    for taken in steps:
        if taken.step == "accept" and asked.resolve_from is ClockStart.acceptance:
            dates = _from_acceptance(dates, asked, taken.at, calendar)
        elif taken.step == "extend" and asked.clocks.extension is not None and dates.resolve_by is not None:
            dates = dates_after_extension(dates, asked.clocks.extension, calendar)
        elif stopped is not None and taken.step in ("resubmit", "resume"):
            dates, stopped = dates_after_pause(dates, paused_from=stopped, now=taken.at, calendar=calendar), None
            if taken.step == "resubmit":
                dates = dates_after_resubmission(dates, asked.clocks, now=taken.at, calendar=calendar)
        elif taken.step == "return" or (taken.step == "hold" and taken.reason in HOLDS_THAT_STOP_THE_CLOCK):
            stopped = taken.at
    return dates


def _from_acceptance(dates: Dates, asked: Asked, accepted_at: datetime, calendar: WorkCalendar) -> Dates:
    due = resolve_after_acceptance(asked.clocks, accepted_at=accepted_at, calendar=calendar)
    if due is None:
        return dates
    return replace(dates, resolve_by=due.at, confirmed=due.confirmed)

"""escalation (督办): who is told, and when, before a date of a referral passes and while it stays unmet. Pure.

A reminder comes at nine in the morning of the working day before the last day, or of the last day where that is past;
in an emergency half an hour before. What is late climbs a ladder: the office's head, the coordinator's supervisor, the
joint conference. Steps and times are our own default.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from rules.calendar import WorkCalendar
from rules.deadlines import SHANGHAI, Period, extended, last_day
from rules.matters import Urgency
from rules.referral_clocks import Dates
from rules.referrals import Clocks, next_due, running_clocks


class Level(StrEnum):
    """A rung of the ladder, lowest first."""

    head = "head"
    supervisor = "supervisor"
    conference = "conference"


REMINDER: Final = "reminder"
LADDERS: Final[dict[str, tuple[Level, ...]]] = {
    "acknowledge": (Level.head,),
    "accept": (Level.head, Level.supervisor),
    "resolve": (Level.head, Level.supervisor, Level.conference),
}
"""How high each clock climbs: what nobody accepts is handed back before it would come before the conference."""

AFTER: Final = {Level.head: 1, Level.supervisor: 3, Level.conference: 5}
"""Working days after the date that passed."""
AFTER_IN_EMERGENCY: Final = {Level.head: 2, Level.supervisor: 6, Level.conference: 24}
"""Hours after it."""

_MORNING = time(9)
_SHORTLY = timedelta(minutes=30)


class Alarm(NamedTuple):
    """What rings for a clock that ends at `due`, and when: a reminder, or a level of the ladder."""

    at: datetime
    clock: str
    kind: str
    due: datetime

    @property
    def name(self) -> str:
        """How it stands in a row: `accept:head`. A reminder is one for each date: a date that moves is reminded of
        again."""
        name = f"{self.clock}:{self.kind}"
        return f"{name}:{last_day(self.due)}" if self.kind == REMINDER else name


def read_alarm(name: str | None, at: datetime, running: Mapping[str, datetime]) -> Alarm | None:
    """The alarm that a row names, if its clock still runs unmet."""
    clock, _, rest = (name or "").partition(":")
    return Alarm(at, clock, rest.partition(":")[0], running[clock]) if clock in running else None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a referral stands towards its clocks: which have fired (`overdue`), which alarms have `rung`."""

    status: str
    received: bool
    urgency: str
    overdue: Collection[str] = ()
    rung: Collection[str] = ()


STOPPED: Final[dict[str, Any]] = {"next_due": None, "alarm_at": None, "alarm": None}
"""Columns of a referral on which no clock runs."""


def clock_columns(dates: Dates, standing: Standing, *, now: datetime, calendar: WorkCalendar) -> dict[str, Any]:
    """Columns of a referral whose clocks run: its dates, the clock that fires next, the alarm that rings next."""
    clocks = Clocks(dates.acknowledge_by, dates.accept_by, dates.resolve_by)
    due = next_due(standing.status, standing.received, clocks, standing.overdue)
    return {
        "acknowledge_by": dates.acknowledge_by,
        "accept_by": dates.accept_by,
        "resolve_by": dates.resolve_by,
        "due_confirmed": dates.confirmed,
        "next_due": due[1] if due else None,
        **alarm_columns(clocks, standing, now=now, calendar=calendar),
    }


def alarm_columns(clocks: Clocks, standing: Standing, *, now: datetime, calendar: WorkCalendar) -> dict[str, Any]:
    """Columns of the alarm that rings next."""
    running = running_clocks(standing.status, standing.received, clocks)
    alarm = next_alarm(running, standing.rung, after=now, urgency=standing.urgency, calendar=calendar)
    return {"alarm_at": alarm and alarm.at, "alarm": alarm and alarm.name}


def next_alarm(
    running: Iterable[tuple[str, datetime]],
    rung: Collection[str],
    *,
    after: datetime,
    urgency: str,
    calendar: WorkCalendar,
) -> Alarm | None:
    """The alarm that rings next for clocks that run unmet, by name and date; None where none will.

    A reminder whose time is not after `after` is left out: there is nothing left to remind of. A level that has not
    rung yet rings, however late.
    """
    alarms = (
        alarm
        for clock, due in running
        for alarm in _alarms_of(clock, due, after=after, urgency=urgency, calendar=calendar)
    )
    return min((alarm for alarm in alarms if alarm.name not in rung), default=None)


def _alarms_of(clock: str, due: datetime, *, after: datetime, urgency: str, calendar: WorkCalendar) -> Iterator[Alarm]:
    reminders = [at for at in _reminders(due, urgency, calendar) if after < at < due]
    if reminders:
        yield Alarm(reminders[0], clock, REMINDER, due)
    for level in LADDERS[clock]:
        yield Alarm(extended(due, _wait(level, urgency), calendar).at, clock, level, due)


def _reminders(due: datetime, urgency: str, calendar: WorkCalendar) -> tuple[datetime, ...]:
    """When to remind, the best time first."""
    if urgency == Urgency.emergency:
        return (due - _SHORTLY,)
    final = last_day(due)
    day = final - timedelta(days=1)
    while not calendar.is_workday(day):
        day -= timedelta(days=1)
    return tuple(datetime.combine(one, _MORNING, SHANGHAI).astimezone(UTC) for one in (day, final))


def _wait(level: Level, urgency: str) -> Period:
    if urgency == Urgency.emergency:
        return Period(AFTER_IN_EMERGENCY[level], "hour")
    return Period(AFTER[level], "working_day")

"""Clocks of the law: when a period ends, which of two is stricter, what a pause does.

Days are counted in Asia/Shanghai, the day of the event is not counted, and a period of days ends at 24:00 there,
returned as an instant in UTC (民法典 arts. 201 to 203, recalled; 民事诉讼法 art. 85). `immediate` is two hours, our own
default: the laws that ask for it give no figure.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from rules.calendar import WorkCalendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
IMMEDIATE = timedelta(hours=2)

_INSTANT = timedelta(microseconds=1)
_HOURS_A_DAY = 24


class Unit(StrEnum):
    working_day = "working_day"
    calendar_day = "calendar_day"
    hour = "hour"
    month = "month"
    same_day = "same_day"
    immediate = "immediate"


_WITHOUT_FIGURE = frozenset({Unit.same_day, Unit.immediate})
_LONGER_THAN_SAME_DAY = frozenset({Unit.working_day, Unit.calendar_day, Unit.month})


class IncomparablePeriods(ValueError):  # noqa: N818  named by what is wrong, as in rules/errors.py
    """Neither period is stricter for every start: no order may be claimed."""

    def __init__(self, one: Unit, other: Unit) -> None:
        super().__init__(f"periods in {one} and {other} cannot be compared")
        self.one = one
        self.other = other


@dataclass(frozen=True, slots=True)
class Period:
    """A span of a rule. `amount` is at least 1, and 0 for `same_day` and `immediate`, which carry no figure."""

    amount: int
    unit: Unit

    def __init__(self, amount: int, unit: str) -> None:
        known = Unit(unit)
        if (amount != 0) if known in _WITHOUT_FIGURE else (amount < 1):
            raise ValueError(f"{known} does not take the amount {amount}")
        object.__setattr__(self, "amount", amount)
        object.__setattr__(self, "unit", known)


@dataclass(frozen=True, slots=True)
class Due:
    """When a clock ends, and whether the calendar behind it is official to the last day."""

    at: datetime
    confirmed: bool

    @property
    def last_day(self) -> date:
        """The last day in Shanghai on which the step is in time."""
        return last_day(self.at)


def due_at(start: datetime, period: Period, calendar: WorkCalendar) -> Due:
    """End of `period` from the instant `start`. Raises ValueError for a time without zone."""
    if period.unit is Unit.immediate:
        return Due(_utc(start) + IMMEDIATE, confirmed=True)
    if period.unit is Unit.hour:
        return Due(_utc(start) + timedelta(hours=period.amount), confirmed=True)
    return _due_from_day(shanghai_day(start), period, calendar)


def extended(due: datetime, period: Period, calendar: WorkCalendar) -> Due:
    """A prolonged clock: `period` counted from the last day of the first one, or from its instant for hours.

    Not `due_at(due, …)`: 24:00 of the last day is already the next day's 0:00 and would add a day.
    """
    if period.unit in {Unit.immediate, Unit.hour}:
        return due_at(due, period, calendar)
    return _due_from_day(last_day(due), period, calendar)


def shift(due: datetime, paused_from: datetime, paused_until: datetime, calendar: WorkCalendar) -> Due:
    """The due date after a pause: later by the working days on which the clock stood, at the same time of day.

    The day of the pause is not counted, the day of resumption is: it was lost as well. A clock that had run out before
    the pause stays where it was. `confirmed` speaks of the days from the pause on: the earlier ones were judged when
    the clock was first set. Raises ValueError when the pause ends before it begins.
    """
    if paused_until < paused_from:
        raise ValueError("a pause ends after it begins")
    final = last_day(due)
    stood = calendar.workdays_between(shanghai_day(paused_from), shanghai_day(paused_until))
    if paused_from >= due or stood == 0:
        return Due(_utc(due), calendar.confirmed_through(shanghai_day(paused_from), final))
    moved = calendar.add_workdays(final, stood)
    return Due(_utc(due) + (moved - final), calendar.confirmed_through(shanghai_day(paused_from), moved))


def remaining(due: datetime, at: datetime, calendar: WorkCalendar) -> int:
    """Working days left after the day of `at`, the last day included; 0 on the last day and when overdue."""
    return calendar.workdays_between(shanghai_day(at), last_day(due))


def stricter(one: Period, other: Period) -> bool:
    """Whether `one` never ends later than `other`, whatever the start. Raises IncomparablePeriods where nobody can say.

    n calendar days are at least as strict as n working days and never the reverse; 24 n hours as n days of either kind,
    because the first day is not counted. `immediate` counts as the strictest of all by its purpose, though in the last
    two hours of a day its end falls after that of `same_day`.
    """
    if one.unit is other.unit:
        return one.amount <= other.amount
    if Unit.immediate in {one.unit, other.unit}:
        return _stricter_with_immediate(one, other)
    if one.unit is Unit.same_day and other.unit in _LONGER_THAN_SAME_DAY:
        return True
    if other.unit is Unit.same_day and one.unit in _LONGER_THAN_SAME_DAY:
        return False
    return _stricter_in_days(one, other)


def _stricter_with_immediate(one: Period, other: Period) -> bool:
    if one.unit is Unit.immediate:
        return other.unit is not Unit.hour or timedelta(hours=other.amount) >= IMMEDIATE
    return one.unit is Unit.hour and timedelta(hours=one.amount) <= IMMEDIATE


def _stricter_in_days(one: Period, other: Period) -> bool:
    days = {Unit.working_day, Unit.calendar_day}
    if one.unit is Unit.hour and other.unit in days and one.amount <= other.amount * _HOURS_A_DAY:
        return True
    if one.unit is Unit.calendar_day and other.unit is Unit.working_day:
        return one.amount <= other.amount
    if one.unit is Unit.working_day and other.unit is Unit.calendar_day and one.amount >= other.amount:
        return False
    raise IncomparablePeriods(one.unit, other.unit)


def shanghai_day(at: datetime) -> date:
    """The day in Shanghai to which an instant belongs. Raises ValueError for a time without zone."""
    if at.tzinfo is None:
        raise ValueError("a deadline needs a time with its zone")
    return at.astimezone(SHANGHAI).date()


def last_day(due: datetime) -> date:
    """The last day in Shanghai before `due` strikes: 24:00 still belongs to the day that ends."""
    return shanghai_day(_utc(due) - _INSTANT)


def end_of_day(day: date) -> datetime:
    """24:00 in Shanghai of that day, as an instant in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)


def _due_from_day(day: date, period: Period, calendar: WorkCalendar) -> Due:
    if period.unit is Unit.working_day:
        final = calendar.add_workdays(day, period.amount)
        return Due(end_of_day(final), calendar.confirmed_through(day, final))
    nominal = _nominal_day(day, period)
    final = calendar.add_calendar_days(nominal, 0)
    return Due(end_of_day(final), calendar.confirmed_through(nominal, final))


def _nominal_day(day: date, period: Period) -> date:
    if period.unit is Unit.month:
        return _months_after(day, period.amount)
    return day + timedelta(days=period.amount)


def _months_after(day: date, months: int) -> date:
    """Same day of a later month, or that month's last day where it has no such day (民法典 art. 202)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for length in (31, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, length))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a deadline needs a time with its zone")
    return at.astimezone(UTC)

"""Working days (工作日) from an explicit day table; weekdays where the table is silent.

A year is confirmed only when an official notice is on record, never because a library returned a value. A notice may
still touch the last days of the December before it; that rare change arrives as a recalculation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """`days` says of a date whether people work; `confirmed_years` are the years whose table is official."""

    days: Mapping[date, bool]
    confirmed_years: frozenset[int]

    def is_workday(self, day: date) -> bool:
        """Whether people work on that day: the table's word, else Monday to Friday."""
        return self.days.get(day, day.weekday() < _SATURDAY)

    def add_workdays(self, start: date, count: int) -> date:
        """The `count`-th working day after `start`, which is not counted itself; 0 rolls `start` to a working day.

        Raises ValueError for a negative count. Cost: one look-up a day.
        """
        if count < 0:
            raise ValueError("working days are counted forwards")
        day = start
        for _ in range(count):
            day = self._first_workday(day + _DAY)
        return self._first_workday(day)

    def add_calendar_days(self, start: date, count: int) -> date:
        """`count` days after `start`, moved to the next working day when that is a day off (民事诉讼法 art. 85).

        Raises ValueError for a negative count.
        """
        if count < 0:
            raise ValueError("days are counted forwards")
        return self._first_workday(start + count * _DAY)

    def workdays_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; 0 when `end` is not later."""
        span = (end - start).days
        return sum(self.is_workday(start + offset * _DAY) for offset in range(1, span + 1))

    def confirmed_through(self, start: date, end: date) -> bool:
        """Whether every year touched by the span is confirmed."""
        return self.confirmed_years.issuperset(range(start.year, end.year + 1))

    def _first_workday(self, day: date) -> date:
        while not self.is_workday(day):
            day += _DAY
        return day

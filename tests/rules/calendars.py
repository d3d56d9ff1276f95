"""The working-day table of 2024 to 2027 as the seed makes it, for tests of days and deadlines."""

from datetime import date, datetime, timedelta
from functools import cache

import holidays

from rules.calendar import WorkCalendar
from rules.deadlines import SHANGHAI

CONFIRMED = frozenset({2024, 2025, 2026})


@cache
def official_calendar() -> WorkCalendar:
    """2024 to 2026 confirmed by notices, 2027 with its statutory days only."""
    china = holidays.country_holidays("CN", years=range(2024, 2028))
    first, last = date(2024, 1, 1), date(2027, 12, 31)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return WorkCalendar({day: bool(china.is_working_day(day)) for day in days}, CONFIRMED)


def naive_calendar() -> WorkCalendar:
    """Weekdays only, nothing confirmed."""
    return WorkCalendar({}, frozenset())


def shanghai(day: str, clock: str = "09:30") -> datetime:
    """An instant on a day in Shanghai."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SHANGHAI)


def day(text: str) -> date:
    return date.fromisoformat(text)

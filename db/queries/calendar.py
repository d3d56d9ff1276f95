"""The working-day calendar, read whole: a few thousand days that change a few times a year."""

import time
from collections.abc import Awaitable, Callable, Sequence
from weakref import WeakKeyDictionary

import asyncpg

from db.engine import Database
from db.transaction import Tx
from rules.calendar import WorkCalendar

Fetch = Callable[[str], Awaitable[Sequence[asyncpg.Record]]]

_KEPT_SECONDS = 60
_kept: WeakKeyDictionary[Database, tuple[float, WorkCalendar]] = WeakKeyDictionary()


async def load_calendar(fetch: Fetch) -> WorkCalendar:
    """The calendar as it stands. Two statements."""
    days = await fetch("SELECT day, workday FROM calendar_day")
    years = await fetch("SELECT year FROM calendar_year WHERE notice IS NOT NULL")
    return WorkCalendar({row["day"]: row["workday"] for row in days}, frozenset(row["year"] for row in years))


async def calendar_of(tx: Tx) -> WorkCalendar:
    """The calendar, at most a minute old. No statement while it is remembered."""
    kept = _kept.get(tx.database)
    if kept is not None and time.monotonic() - kept[0] < _KEPT_SECONDS:
        return kept[1]
    calendar = await load_calendar(tx.rows)
    _kept[tx.database] = (time.monotonic(), calendar)
    return calendar

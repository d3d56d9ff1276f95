"""The farmers' calendar (农历, GB/T 33661): which lunar date a day has, and which days a lunar date may be.

Birthdays of older workers are often written down by it, and then look like ordinary dates that are a month too early.
"""

from datetime import date
from functools import lru_cache

from borax.calendars.lunardate import InvalidLunarDateError, LunarDate

FIRST_DAY = date(1900, 1, 31)
LAST_DAY = date(2101, 1, 28)


@lru_cache(maxsize=32_768)
def lunar_of(day: date) -> tuple[int, int, int] | None:
    """(year, month, day) by the lunar calendar; a leap month has the number of the month before it.

    None before 1900-01-31 and after 2101-01-28. About 13 µs, then cached.
    """
    if not FIRST_DAY <= day <= LAST_DAY:
        return None
    lunar = LunarDate.from_solar(day)
    return lunar.year, lunar.month, lunar.day


@lru_cache(maxsize=16_384)
def solar_of(year: int, month: int, day: int) -> tuple[date, ...]:
    """The days a lunar date may be, earliest first: two where the year repeats the month as a leap month, else one.

    Empty for a date that the lunar year does not have, and for years outside 1900 to 2100.
    """
    found = []
    for leap in (0, 1):
        try:
            found.append(LunarDate(year, month, day, leap).to_solar_date())
        except InvalidLunarDateError:
            continue
    return tuple(found)

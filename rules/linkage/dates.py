"""Birth dates as agencies write them, impossible ones included: 1975-02-30 is usually a date of the lunar calendar.

Two-digit years are read as spreadsheets read them, because rules have no clock: 30–99 are 19xx, 00–29 are 20xx. Where
an order is ambiguous (03/02/1975, or 1975.1, which spreadsheets make of 1975.10) only what is certain is kept.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

from rules.linkage.characters import levelled
from rules.linkage.lunar import lunar_of, solar_of
from rules.linkage.numerals import NUMERALS, number_of

_RAW_MAX = 80
_FIRST_YEAR, _LAST_YEAR = 1850, 2099
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPREADSHEET_EPOCH = date(1899, 12, 30)
_MONTHS = {name: place for place, name in enumerate(_MONTH_NAMES, start=1)}
_N = rf"[{NUMERALS}]"


@dataclass(frozen=True, slots=True)
class BirthRead:
    """A birth date as written; `month` and `day` are None when not told. `lunar`: the text itself says so."""

    year: int = field(repr=False)
    month: int | None = field(repr=False)
    day: int | None = field(repr=False)
    lunar: bool = False

    @property
    def text(self) -> str:
        """1975-02-30, 1975-02 or 1975."""
        parts = [f"{self.year:04d}"] + [f"{part:02d}" for part in (self.month, self.day) if part is not None]
        return "-".join(parts)

    @property
    def solar(self) -> date | None:
        """The day meant; None when incomplete, impossible, or a lunar date that may be two days."""
        if self.month is None or self.day is None:
            return None
        if self.lunar:
            days = solar_of(self.year, self.month, self.day)
            return days[0] if len(days) == 1 else None
        try:
            return date(self.year, self.month, self.day)
        except ValueError:
            return None


def read_birth(text: str | None) -> BirthRead | None:
    """The first date in a text, None when it has no year. Reading `text` of the answer again gives the same parts."""
    return _read(text[:_RAW_MAX]) if text else None


@lru_cache(maxsize=16_384)
def _read(text: str) -> BirthRead | None:
    plain = levelled(text, limit=_RAW_MAX).lower().strip("'\"` ")
    for pattern, parts in _FORMS:
        match = pattern.search(plain)
        read = _checked(*parts(match)) if match is not None else None
        if match is not None and read is not None:
            year, month, day = read
            return BirthRead(year, month, day, lunar=_says_lunar(plain, match))
    return None


_LUNAR = re.compile(r"[农農阴陰旧舊古夏老][历曆歷]|[((\[](?:农|农历|阴|阴历)[))\]]")
_SOLAR = re.compile(r"[公阳陽新西][历曆歷元]")
_LUNAR_WORDS = re.compile(r"正月|[冬腊臘]月|初|[廿卅]|闰|閏")


def _says_lunar(text: str, match: re.Match[str]) -> bool:
    """By words inside of the date, before it, or right behind it: 1975年3月14日（农历二月初二）is a solar date."""
    if _LUNAR_WORDS.search(match.group()):
        return True
    before = text[: match.start()]
    if _LUNAR.search(before) or _LUNAR.search(match.group()):
        return not _SOLAR.search(before)
    after = text[match.end() :]
    return bool(_LUNAR.search(after)) and not re.search(rf"\d|{_N}", after)


_Parts = tuple[int | None, int | None, int | None]


def _checked(year: int | None, month: int | None, day: int | None) -> tuple[int, int | None, int | None] | None:
    """The parts that can be; month and day change places when only that makes sense."""
    if year is None or not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    if month is not None and day is not None and 12 < month <= 31 and 1 <= day <= 12:
        month, day = day, month
    if month is None or not 1 <= month <= 12:
        return year, None, None
    return year, month, day if day is not None and 1 <= day <= 31 else None


def _century(two_digits: int) -> int:
    return two_digits + (1900 if two_digits >= 30 else 2000)


def _part(text: str | None) -> int | None:
    return number_of(text) if text else None


def _month(text: str | None) -> int | None:
    return {"正": 1, "元": 1, "冬": 11, "腊": 12, "臘": 12}.get(text or "") or _part(text)


def _of_words(match: re.Match[str]) -> _Parts:
    """1975年2月3日, 一九七五年二月初三, 75年腊月廿三, 民国64年."""
    republic, written, month, day = match.groups()
    year = _part(written)
    if year is None:
        return None, None, None
    if republic:
        year += 1911
    elif len(written) <= 2:
        year = _century(year)
    return year, _month(month), _part(day)


def _of_split(match: re.Match[str]) -> _Parts:
    year, sign, month, day = match.groups()
    if day is None and sign == "." and len(month) == 1:
        return int(year), None, None
    return int(year), int(month), _part(day)


def _year_last(match: re.Match[str]) -> _Parts:
    first, second, year = (int(part) for part in match.groups())
    if first > 12 or first == second:
        return year, second, first
    return (year, first, second) if second > 12 else (year, None, None)


def _of_name(match: re.Match[str]) -> _Parts:
    day, month, other_day, year = match.groups()
    return int(year), _MONTHS[month[:3]], _part(day or other_day)


def _of_digits(match: re.Match[str]) -> _Parts:
    digits = match.group(1)
    return int(digits[:4]), _part(digits[4:6]), _part(digits[6:8])


def _of_six(match: re.Match[str]) -> _Parts:
    """197502, or 750203 as in the old numbers of fifteen digits."""
    digits = match.group(1)
    if digits[:2] in {"19", "20"} and 1 <= int(digits[4:]) <= 12:
        return int(digits[:4]), int(digits[4:]), None
    if not 1 <= int(digits[2:4]) <= 12:
        return int(digits[:4]), None, None
    return _century(int(digits[:2])), int(digits[2:4]), int(digits[4:])


def _of_serial(match: re.Match[str]) -> _Parts:
    """Days since 1899-12-30, as a spreadsheet stores a date."""
    day = _SPREADSHEET_EPOCH + timedelta(days=int(match.group(1)))
    return day.year, day.month, day.day


def _two_digit_year(match: re.Match[str]) -> _Parts:
    year, month, day = match.groups()
    return _century(int(year)), int(month), int(day)


def _only_year(match: re.Match[str]) -> _Parts:
    return int(match.group(1)), None, None


_YEAR = r"((?:18|19|20)\d{2})"
_SEPARATOR = r"\s*[-/.,\\_\s‐‑–—~]\s*"
_CALENDAR = r"(?:\s*[(（]?[农農阴陰旧公阳陽][历曆歷][)）]?)?"
_MONTH_AND_DAY = rf"\s*[闰閏]?\s*(\d{{1,2}}|{_N}{{1,3}}|[正元冬腊臘])\s*月份?(?:\s*初?\s*(\d{{1,2}}|{_N}{{1,3}}))?"
_MONTH_NAME = rf"\b({'|'.join(_MONTHS)})[a-z]*"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], _Parts]], ...] = (
    (
        re.compile(rf"(民国|民國)?\s*((?<!\d)\d{{2,4}}|{_N}{{2,4}})\s*年{_CALENDAR}(?:{_MONTH_AND_DAY})?"),
        _of_words,
    ),
    (
        re.compile(
            rf"(?:(?<!\d)(\d{{1,2}})[\s\-./]*)?{_MONTH_NAME}[\s\-./]*(?:(\d{{1,2}})(?!\d)[\s,]*)?[\s\-./,]*{_YEAR}"
        ),
        _of_name,
    ),
    (
        re.compile(rf"(?<!\d){_YEAR}\s*([-/.,\\_\s‐‑–—~])\s*(\d{{1,2}})(?!\d)(?:{_SEPARATOR}(\d{{1,2}})(?!\d))?"),
        _of_split,
    ),
    (re.compile(rf"(?<!\d)(\d{{1,2}})\s*[-/.\s]\s*(\d{{1,2}})\s*[-/.\s]\s*{_YEAR}(?!\d)"), _year_last),
    (re.compile(r"(?<!\d)((?:18|19|20)\d{6})(?:\d{6})?(?:\.0+)?(?!\d)"), _of_digits),
    (re.compile(r"(?<!\d)((?:18|19|20)\d{2}(?:0[1-9]|1[0-2]))(?=\*)"), _of_digits),
    (re.compile(r"^(\d{6})(?:\.0+)?$"), _of_six),
    (re.compile(r"^([1-4]\d{4})(?:\.\d+)?$"), _of_serial),
    (re.compile(r"^(\d{2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{1,2})$"), _two_digit_year),
    (re.compile(rf"(?<!\d){_YEAR}(?:\.0+)?(?!\d)"), _only_year),
)
"""Tried in this order; the first one that gives a possible year wins."""

__all__ = ["BirthRead", "lunar_of", "read_birth", "solar_of"]

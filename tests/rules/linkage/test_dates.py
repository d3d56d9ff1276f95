"""Birth dates in every spelling, and the lunar calendar against printed dates."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.linkage.dates import lunar_of, read_birth, solar_of
from tests.rules.linkage.messy import HOSTILE, texts


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1975-02-03", "1975-02-03"),
        ("19750203", "1975-02-03"),
        ("19750203.0", "1975-02-03"),
        ("1975/2/3", "1975-02-03"),
        ("1975.2.3", "1975-02-03"),
        ("1975 02 03", "1975-02-03"),
        ("1975年2月3日", "1975-02-03"),
        ("1975年02月03日生", "1975-02-03"),
        ("一九七五年二月三日", "1975-02-03"),
        ("二〇〇一年十二月二十三日", "2001-12-23"),
        ("二零零一年十月十日", "2001-10-10"),
        ("１９７５－０２－０３", "1975-02-03"),
        ("生于1975年2月3日", "1975-02-03"),
        ("出生日期：1975-02-03", "1975-02-03"),
        ("1975-02-03T00:00:00", "1975-02-03"),
        ("1975-02-03 08:00:00.000Z", "1975-02-03"),
        ("19750203000000", "1975-02-03"),
        ("'1975-02-03", "1975-02-03"),
        ("Feb 3, 1975", "1975-02-03"),
        ("03-Feb-1975", "1975-02-03"),
        ("Mon Feb 03 1975 00:00", "1975-02-03"),
        ("民国64年2月3日", "1975-02-03"),
        ("23/02/1975", "1975-02-23"),
        ("02/23/1975", "1975-02-23"),
        ("05/05/1975", "1975-05-05"),
        ("27428", "1975-02-03"),
        ("27428.0", "1975-02-03"),
        ("750203", "1975-02-03"),
        ("75-2-3", "1975-02-03"),
        ("75年3月", "1975-03"),
        ("05年3月", "2005-03"),
        ("1975-02", "1975-02"),
        ("1975-2", "1975-02"),
        ("197502", "1975-02"),
        ("197502**", "1975-02"),
        ("1975.10", "1975-10"),
        ("1975", "1975"),
        ("1975.0", "1975"),
        ("约1975年", "1975"),
        ("1975-**-**", "1975"),
    ],
)
def test_one_date_in_every_spelling(text: str, read: str) -> None:
    birth = read_birth(text)
    assert birth is not None
    assert (birth.text, birth.lunar) == (read, False)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("03/02/1975", "1975"),
        ("1975.1", "1975"),
        ("1975-00-00", "1975"),
        ("1975-02-00", "1975-02"),
        ("1975-02-45", "1975-02"),
        ("1975-45-45", "1975"),
        ("197523", "1975"),
        ("1975-25-03", "1975-03-25"),
    ],
)
def test_only_what_is_certain_is_kept(text: str, read: str) -> None:
    birth = read_birth(text)
    assert birth is not None
    assert birth.text == read


@pytest.mark.parametrize("text", ["1975-02-30", "19750230", "1975年2月30日", "1975-02-29"])
def test_impossible_dates_are_kept_because_they_are_usually_lunar(text: str) -> None:
    birth = read_birth(text)
    assert birth is not None
    assert (birth.month, birth.solar) == (2, None)
    assert birth.day in {29, 30}


@pytest.mark.parametrize(
    ("text", "read", "solar"),
    [
        ("农历1975年二月初三", "1975-02-03", date(1975, 3, 15)),
        ("1975年农历二月初三", "1975-02-03", date(1975, 3, 15)),
        ("1975年二月初三", "1975-02-03", date(1975, 3, 15)),
        ("1975-02-03(农历)", "1975-02-03", date(1975, 3, 15)),
        ("1975年2月3日（阴历）", "1975-02-03", date(1975, 3, 15)),
        ("1975年腊月廿三", "1975-12-23", date(1976, 1, 23)),
        ("1975年正月十五", "1975-01-15", date(1975, 2, 25)),
        ("阴历一九五三年冬月初八", "1953-11-08", date(1953, 12, 13)),
        ("农历1976年八月初三", "1976-08-03", None),
    ],
)
def test_a_text_may_say_that_it_is_lunar(text: str, read: str, solar: date | None) -> None:
    birth = read_birth(text)
    assert birth is not None
    assert (birth.text, birth.lunar, birth.solar) == (read, True, solar)


def test_a_lunar_date_behind_a_solar_one_is_not_the_date() -> None:
    birth = read_birth("1975年3月14日（农历二月初二）")
    assert birth is not None
    assert (birth.lunar, birth.solar) == (False, date(1975, 3, 14))


@pytest.mark.parametrize("text", ["", None, "不详", "45岁", "2月3日", "0000-00-00", "110101199003070011", "9999-12-31"])
def test_without_a_year_there_is_no_date(text: str | None) -> None:
    assert read_birth(text) is None


def test_a_birth_date_stays_out_of_logs() -> None:
    assert "1975" not in repr(read_birth("1975-02-03"))


@pytest.mark.parametrize(
    ("day", "lunar"),
    [
        (date(1949, 10, 1), (1949, 8, 10)),
        (date(1954, 11, 25), (1954, 11, 1)),
        (date(1978, 9, 3), (1978, 8, 1)),
        (date(1984, 12, 15), (1984, 10, 23)),
        (date(2000, 2, 5), (2000, 1, 1)),
        (date(2020, 5, 23), (2020, 4, 1)),
        (date(2023, 3, 22), (2023, 2, 1)),
        (date(2033, 12, 22), (2033, 11, 1)),
        (date(1900, 1, 30), None),
        (date(2101, 1, 29), None),
        (date(1, 1, 1), None),
    ],
)
def test_lunar_dates_as_printed(day: date, lunar: tuple[int, int, int] | None) -> None:
    assert lunar_of(day) == lunar


def test_a_leap_month_makes_two_days_of_one_lunar_date() -> None:
    assert solar_of(2023, 2, 15) == (date(2023, 3, 6), date(2023, 4, 5))
    assert solar_of(2023, 3, 1) == (date(2023, 4, 20),)


@pytest.mark.parametrize("lunar", [(1899, 1, 1), (2101, 1, 1), (1975, 13, 1), (1975, 1, 31), (0, 0, 0), (10**9, -1, 5)])
def test_what_no_lunar_year_has_is_no_day(lunar: tuple[int, int, int]) -> None:
    assert solar_of(*lunar) == ()


def test_every_day_of_two_centuries_comes_back_from_its_lunar_date() -> None:
    day, last = date(1900, 1, 31), date(2100, 12, 31)
    previous: tuple[int, int, int] | None = None
    while day <= last:
        lunar = lunar_of(day)
        assert lunar is not None
        assert day in solar_of(*lunar), day
        assert previous is None or lunar[2] == previous[2] + 1 or lunar[2] == 1, day
        previous, day = lunar, day + timedelta(days=1)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_raises(text: str) -> None:
    read_birth(text)


@given(st.one_of(texts, st.from_regex(r"[0-9一二三初廿腊年月日/. -]{1,20}", fullmatch=True)))
def test_reading_what_was_read_changes_nothing(text: str) -> None:
    birth = read_birth(text)
    if birth is None:
        return
    again = read_birth(birth.text)
    assert again is not None
    assert (again.year, again.month, again.day) == (birth.year, birth.month, birth.day)
    assert birth.solar is None or birth.day is not None

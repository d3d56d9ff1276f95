"""Full years and the bands of a preview."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ages import age_band, age_on


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        ("1974-03-15", "2026-03-14", 51),
        ("1974-03-15", "2026-03-15", 52),
        ("2026-01-01", "2026-01-01", 0),
        ("2012-02-29", "2026-02-28", 13),
        ("2012-02-29", "2026-03-01", 14),
        ("2012-02-29", "2028-02-29", 16),
    ],
)
def test_age_counts_full_years(born: str, on: str, age: int) -> None:
    assert age_on(date.fromisoformat(born), date.fromisoformat(on)) == age


def test_nobody_has_an_age_before_birth() -> None:
    with pytest.raises(ValueError, match="born after"):
        age_on(date(2026, 1, 2), date(2026, 1, 1))
    assert age_band(date(2026, 1, 2), date(2026, 1, 1)) == "unknown"


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (0, "under_14"),
        (13, "under_14"),
        (14, "14_17"),
        (17, "14_17"),
        (18, "18_35"),
        (35, "18_35"),
        (36, "36_45"),
        (45, "36_45"),
        (46, "46_60"),
        (60, "46_60"),
        (61, "over_60"),
        (110, "over_60"),
    ],
)
def test_every_age_has_its_band(age: int, band: str) -> None:
    assert age_band(date(2026 - age, 6, 1), date(2026, 6, 1)) == band


def test_without_a_birth_date_the_band_is_unknown() -> None:
    assert age_band(None, date(2026, 6, 1)) == "unknown"


@given(st.dates(date(1900, 1, 1), date(2000, 1, 1)), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_year_later_one_is_at_most_a_year_older(born: date, day: date) -> None:
    later = day.replace(year=day.year + 1, day=min(day.day, 28))
    assert 0 <= age_on(born, later) - age_on(born, day) <= 1

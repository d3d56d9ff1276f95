"""Ages in full years (周岁) and the bands a preview may show. Age never blocks a wage or injury referral."""

from datetime import date
from typing import Literal

AgeBand = Literal["under_14", "14_17", "18_35", "36_45", "46_60", "over_60", "unknown"]

AGE_BANDS: tuple[tuple[int, AgeBand], ...] = (
    (13, "under_14"),
    (17, "14_17"),
    (35, "18_35"),
    (45, "36_45"),
    (60, "46_60"),
)


def age_on(birth_date: date, day: date) -> int:
    """Full years on `day`; someone born on 29 February grows older on 1 March of a common year.

    Raises ValueError when the birth lies after `day`.
    """
    if birth_date > day:
        raise ValueError("born after that day")
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday


AGE_OF_OWN_CONSENT = 14
"""Below it a parent or guardian consents (个人信息保护法 art. 31)."""


def is_child(birth_date: date | None, day: date) -> bool:
    """Whether somebody is known to be under 14 on `day`."""
    return birth_date is not None and birth_date <= day and age_on(birth_date, day) < AGE_OF_OWN_CONSENT


def age_band(birth_date: date | None, day: date) -> AgeBand:
    """The band of the age on `day` (60 itself is `46_60`); `unknown` without a birth date or with a later one."""
    if birth_date is None or birth_date > day:
        return "unknown"
    age = age_on(birth_date, day)
    return next((band for oldest, band in AGE_BANDS if age <= oldest), "over_60")

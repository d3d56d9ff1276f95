"""Resident identity numbers (公民身份号码, GB 11643-1999): check, parse, compare, mask.

A number is never refused for its division: cards in use carry retired codes, residence permits of Hong Kong, Macao and
Taiwan begin with 81, 82 and 83, foreigners' permanent residence cards with 9. Division 99 belongs to no province and
marks the persons of the demo; production refuses them elsewhere. No error of this module repeats the number.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

IdentityFault = Literal["length", "characters", "check-character", "birth-date"]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")
_IGNORED = re.compile(r"[\s\u002D\u2010-\u2015\u2212]+")
_DEMO_PREFIX = "99"
_EARLIEST_BIRTH_YEAR = 1800


class IdentityNumberError(ValueError):
    """Not a valid number; `code` says why. The text names the fault, never the value."""

    def __init__(self, code: IdentityFault) -> None:
        super().__init__(f"identity number: {code}")
        self.code = code


class Sex(StrEnum):
    male = "male"
    female = "female"


@dataclass(frozen=True, slots=True)
class IdentityNumber:
    """A valid 18-character number and what it says. The number and birth date stay out of repr, hence out of logs."""

    number: str = field(repr=False)
    division_code: str
    birth_date: date = field(repr=False)
    sex: Sex


def normalise(text: str) -> str:
    """Half-width, without spaces and hyphens, `x` as `X`; says nothing about validity."""
    joined = _IGNORED.sub("", unicodedata.normalize("NFKC", text)).replace("x", "X")
    return unicodedata.normalize("NFKC", joined)  # a removed space may have kept a letter and its accent apart


def check_character(first17: str) -> str:
    """Eighteenth character for the first seventeen digits (ISO 7064 MOD 11-2). Raises IdentityNumberError."""
    if len(first17) != 17:
        raise IdentityNumberError("length")
    if not _all_digits(first17):
        raise IdentityNumberError("characters")
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return _CHECKS[total % 11]


def to_eighteen(text: str) -> str:
    """The 18-character form of a 15-digit number (cards before 1999, births in 19xx); any other text only normalised.

    Fifteen digits carry no check character, so the result proves nothing: use it to link records, never as certainty.
    """
    number = normalise(text)
    if len(number) != 15 or not _all_digits(number):
        return number
    first17 = f"{number[:6]}19{number[6:]}"
    return first17 + check_character(first17)


def parse_identity_number(text: str) -> IdentityNumber:
    """Read an 18-character number in any spelling that `normalise` levels.

    Raises IdentityNumberError with `length` (15 digits included: pass them through `to_eighteen` if their doubt is
    accepted), `characters`, `birth-date` or `check-character`, tested in this order.
    """
    number = normalise(text)
    if len(number) != 18:
        raise IdentityNumberError("length")
    if not _SHAPE.fullmatch(number):
        raise IdentityNumberError("characters")
    birth_date = _birth_date(number[6:14])
    if check_character(number[:17]) != number[17]:
        raise IdentityNumberError("check-character")
    sex = Sex.male if int(number[16]) % 2 else Sex.female
    return IdentityNumber(number=number, division_code=number[:6], birth_date=birth_date, sex=sex)


def contradictions(identity: IdentityNumber, birth_date: date | None, sex: str | None) -> tuple[str, ...]:
    """Names of the stated fields that disagree with the number: `birth_date`, `sex`. What is not stated agrees."""
    found = []
    if birth_date is not None and birth_date != identity.birth_date:
        found.append("birth_date")
    if sex in tuple(Sex) and sex != identity.sex:
        found.append("sex")
    return tuple(found)


def masked(number: str) -> str:
    """First three and last two characters, the rest as `*`; five characters or fewer are hidden whole."""
    if len(number) <= 5:
        return "*" * len(number)
    return number[:3] + "*" * (len(number) - 5) + number[-2:]


def is_demo(number: str) -> bool:
    """Whether the number lies in division 99, which no real person has."""
    return normalise(number).startswith(_DEMO_PREFIX)


def _all_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _birth_date(digits: str) -> date:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError as error:
        raise IdentityNumberError("birth-date") from error
    if born.year < _EARLIEST_BIRTH_YEAR:
        raise IdentityNumberError("birth-date")
    return born

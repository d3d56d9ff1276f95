"""Unified social credit codes of organisations (统一社会信用代码, GB 32100-2015), and the codes they replaced."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

CreditCodeFault = Literal["length", "characters", "check-character"]

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_SHAPE = re.compile(rf"[{_ALPHABET}]{{2}}[0-9]{{6}}[{_ALPHABET}]{{10}}")
_IGNORED = re.compile(r"[\s\u002D\u2010-\u2015\u2212]+")


class CreditCodeError(ValueError):
    """Not a valid code; `code` says why."""

    def __init__(self, code: CreditCodeFault) -> None:
        super().__init__(f"credit code: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class CreditCode:
    """A valid 18-character code: `registrar` is its first character, `organisation_code` its characters 9 to 17."""

    number: str
    registrar: str
    division_code: str
    organisation_code: str


def check_character(first17: str) -> str:
    """Eighteenth character for the first seventeen (weights 3^i mod 31). Raises CreditCodeError."""
    if len(first17) != 17:
        raise CreditCodeError("length")
    if any(character not in _ALPHABET for character in first17):
        raise CreditCodeError("characters")
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(first17, _WEIGHTS, strict=True))
    return _ALPHABET[-total % 31]


def organisation_check_character(first8: str) -> str:
    """Ninth character of an organisation code (GB 11714) for its first eight. Raises CreditCodeError."""
    if len(first8) != 8:
        raise CreditCodeError("length")
    if not (first8.isascii() and first8.isalnum() and first8 == first8.upper()):
        raise CreditCodeError("characters")
    total = sum(int(character, 36) * weight for character, weight in zip(first8, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def parse_credit_code(text: str) -> CreditCode:
    """Read a code in any case, width and grouping. Raises CreditCodeError: `length`, `characters`, `check-character`.

    The inner check of the organisation code is not enforced: only the outer one is part of GB 32100.
    """
    number = _IGNORED.sub("", unicodedata.normalize("NFKC", text)).upper()
    if len(number) != 18:
        raise CreditCodeError("length")
    if not _SHAPE.fullmatch(number):
        raise CreditCodeError("characters")
    if check_character(number[:17]) != number[17]:
        raise CreditCodeError("check-character")
    return CreditCode(number, registrar=number[0], division_code=number[2:8], organisation_code=number[8:17])


def check_employer_code(text: str) -> None:
    """Accepts a credit code, an organisation code (GB 11714, XXXXXXXX-X) or a registration number of fifteen digits
    from before 2015. Raises CreditCodeError."""
    plain = _IGNORED.sub("", unicodedata.normalize("NFKC", text)).upper()
    if len(plain) == 9:
        if organisation_check_character(plain[:8]) != plain[8]:
            raise CreditCodeError("check-character")
    elif not (len(plain) == 15 and plain.isascii() and plain.isdigit()):
        parse_credit_code(plain)

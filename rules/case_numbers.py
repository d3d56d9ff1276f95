"""Numbers of cases that people read aloud and copy by hand: `TL-340803-2026-7K3M9QX-K`.

The parts are the coordinator's division, the year of opening, a serial, a check character. The serial is seven
characters of Crockford's base 32 (no I, L, O, U), drawn by the caller so that it says nothing about anybody's volume.

The check is ISO 7064 MOD 37-2 over the characters before it: 37 is prime, so each single wrong character and each swap
of neighbours changes the remainder. MOD 37,36 would avoid the check character `*` (one number in 37) but misses swaps
such as 01 for 10. The tests try every error of both kinds.
"""

import re
import unicodedata
from typing import Literal

CaseNumberFault = Literal["division", "year", "serial"]

SERIAL_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SERIAL_LENGTH = 7

_CHECKS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_SERIAL = re.compile(rf"[{SERIAL_ALPHABET}]{{{SERIAL_LENGTH}}}")
_DIVISION = re.compile(r"[0-9]{6}")
_NUMBER = re.compile(rf"TL-([0-9]{{6}})-([0-9]{{4}})-([{SERIAL_ALPHABET}]{{{SERIAL_LENGTH}}})-([0-9A-Z*])")


class CaseNumberError(ValueError):
    """A part that cannot stand in a case number; `code` names it."""

    def __init__(self, code: CaseNumberFault) -> None:
        super().__init__(f"case number: {code}")
        self.code = code


def make_case_number(division_code: str, year: int, serial: str) -> str:
    """The number with its check character. Raises CaseNumberError: `division`, `year`, `serial`."""
    if not _DIVISION.fullmatch(division_code):
        raise CaseNumberError("division")
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise CaseNumberError("year")
    if not _SERIAL.fullmatch(serial):
        raise CaseNumberError("serial")
    return f"TL-{division_code}-{year}-{serial}-{_check_character(f'{division_code}{year}{serial}')}"


def valid_case_number(text: str) -> bool:
    """Whether the text is a case number in its written form with a right check character."""
    parts = _NUMBER.fullmatch(text)
    if parts is None or not _FIRST_YEAR <= int(parts[2]) <= _LAST_YEAR:
        return False
    return _check_character(parts[1] + parts[2] + parts[3]) == parts[4]


def normalise_case_number(text: str) -> str:
    """What a person typed, nearer to the written form: half-width, upper case, no spaces; perhaps still not valid."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def _check_character(characters: str) -> str:
    remainder = 0
    for character in characters:
        remainder = (remainder + _CHECKS.index(character)) * 2 % 37
    return _CHECKS[(1 - remainder) % 37]

"""Phone numbers of persons: mainland mobile and landline numbers to E.164, and back to something that may be shown.

Service numbers (12351, 12333 …) are contact cards of organisations, not persons, and are refused here.
"""

import re
import unicodedata
from typing import Literal

PhoneFault = Literal["characters", "country", "shape"]

_PUNCTUATION = re.compile(r"[\s()\u002D\u2010-\u2015\u2212]+")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"(?:10|2[0-9])[2-9][0-9]{7}|[3-9][0-9]{2}[2-9][0-9]{6,7}")


class PhoneError(ValueError):
    """Not a mainland number of a person; `code` says why. The text never repeats the number."""

    def __init__(self, code: PhoneFault) -> None:
        super().__init__(f"phone: {code}")
        self.code = code


def normalise_phone(text: str) -> str:
    """E.164 (`+86…`) of a mobile number, or of a landline number with its area code.

    Accepts +86, 0086 and 86 before a mobile number, spaces, hyphens, brackets and full-width digits. Raises PhoneError:
    `characters`, `country` (not +86), `shape` (neither mobile nor landline; a landline without area code included).
    """
    digits = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", text))
    if not re.fullmatch(r"\+?[0-9]+", digits):
        raise PhoneError("characters")
    return "+86" + _national_number(digits)


def masked_phone(text: str) -> str:
    """First three and last four digits of a mobile, area and last two of a landline; of other text the last two."""
    try:
        national = normalise_phone(text).removeprefix("+86")
    except PhoneError:
        return _starred(text, head=0, tail=2)
    if _MOBILE.fullmatch(national):
        return "+86" + _starred(national, head=3, tail=4)
    area = 2 if national.startswith(("10", "2")) else 3
    return "+86" + _starred(national, head=area, tail=2)


def _national_number(digits: str) -> str:
    if digits.startswith(("+86", "0086")):
        return _checked(digits.removeprefix("+86").removeprefix("0086").removeprefix("0"))
    if digits.startswith(("+", "00")):
        raise PhoneError("country")
    if digits.startswith("0"):
        return _landline(digits[1:])
    return _mobile(digits.removeprefix("86") if len(digits) == 13 else digits)


def _checked(national: str) -> str:
    return national if _MOBILE.fullmatch(national) else _landline(national)


def _landline(national: str) -> str:
    if not _LANDLINE.fullmatch(national):
        raise PhoneError("shape")
    return national


def _mobile(national: str) -> str:
    if not _MOBILE.fullmatch(national):
        raise PhoneError("shape")
    return national


def _starred(text: str, *, head: int, tail: int) -> str:
    hidden = len(text) - head - tail
    if hidden < tail:
        return "*" * len(text)
    return text[:head] + "*" * hidden + text[len(text) - tail :]

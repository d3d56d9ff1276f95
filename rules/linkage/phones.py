"""Phone numbers in a field of any shape: several of them, with names, notes, extensions, or without the area code."""

import re
from functools import lru_cache

from rules.linkage.characters import levelled
from rules.phones import PhoneError, normalise_phone

_RAW_MAX = 200
LOCAL = "local:"
"""Before a landline number that came without its area code."""

_COUNTRY = r"(?:\+\s?86|0086|(?<![\d+])86)"
_GAP = r"[\s\-.·‐-―−]{0,2}"
_WIDE_GAP = r"[\s\-.·‐-―−()]{0,3}"
_MOBILE = rf"(?<!\d)(?:{_COUNTRY}{_WIDE_GAP})?0?(?P<mobile>1[3-9]\d(?:{_WIDE_GAP}\d){{8}})(?!\d)"
_TWICE = r"(?<!\d)(?P<first>1[3-9]\d{9})(?P<second>1[3-9]\d{9})(?!\d)"
_EXTENSION = r"(?:\s*(?:-|转|轉|分机|ext\.?|x|\*)\s*\d{1,6}(?!\d))?"
_AREA = r"(?P<area>10|2\d|[3-9]\d{2})"
_SUBSCRIBER = rf"[2-9]\d{{2,3}}{_GAP}\d{{4}}(?!\d)"
_LANDLINE = rf"(?<!\d)(?:{_COUNTRY}{_GAP}[(]?0?|[(]?0|[(]){_AREA}[)]?{_GAP}(?P<landline>{_SUBSCRIBER}){_EXTENSION}"
_FOREIGN = r"\+(?!\s?86)(?P<foreign>[1-9]\d{0,2}(?:[\s\-]?\d){6,12})(?!\d)"
_ALONE = rf"(?<![\d*])(?P<local>{_SUBSCRIBER})(?![*])(?![\-.]\d{{5}}|\s\d{{1,6}}(?!\d)){_EXTENSION}"
_SERVICE = r"(?<!\d)[48]00[\s\-]?\d{3}[\s\-]?\d{4}(?!\d)"
_NUMBER = re.compile("|".join((_SERVICE, _TWICE, _MOBILE, _LANDLINE, _FOREIGN, _ALONE)), re.IGNORECASE)
_NOT_A_DIGIT = re.compile(r"\D")
_MISTYPED = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1"})
_AMONG_DIGITS = re.compile(r"(?<=\d)[OolI](?=[\dOolI])|(?<=\d)[OolI](?=$|\s)")


def read_phones(text: str | None) -> tuple[str, ...]:
    """Every readable number once, in their order, as E.164; `local:` and 7 or 8 digits where the area is not told.

    A landline without area takes the area of one before it in the same text. Left out: service numbers, masked ones,
    those of one repeated digit, and whatever has a wrong length.
    """
    return _read(text[:_RAW_MAX]) if text else ()


@lru_cache(maxsize=16_384)
def _read(text: str) -> tuple[str, ...]:
    if len(text) == 11 and text.isascii() and text.isdigit():
        plain = _e164(text)
        return (plain,) if plain else ()
    level = levelled(text, limit=_RAW_MAX)
    level = _AMONG_DIGITS.sub(lambda letter: letter.group().translate(_MISTYPED), level)
    found: list[str] = []
    area = ""
    for match in _NUMBER.finditer(level):
        if match["area"]:
            area = match["area"]
        found += _numbers(match, area)
    return tuple(dict.fromkeys(found))


def _numbers(match: re.Match[str], area: str) -> list[str]:
    parts = {name: _NOT_A_DIGIT.sub("", value) for name, value in match.groupdict().items() if value}
    if "local" in parts:
        digits = parts["local"]
        if len(set(digits)) == 1:
            return []
        return [_e164(f"0{area}{digits}") or LOCAL + digits] if area else [LOCAL + digits]
    if "foreign" in parts:
        return ["+" + parts["foreign"]]
    if "landline" in parts:
        parts = {"landline": f"0{parts['area']}{parts['landline']}"}
    return [number for number in map(_e164, parts.values()) if number]


def _e164(digits: str) -> str:
    """Empty for what is no number of a person, among it the fillers 13000000000 and 13111111111."""
    if digits.endswith("00000000") or len(set(digits[2:])) == 1:
        return ""
    try:
        return normalise_phone(digits)
    except PhoneError:
        return ""

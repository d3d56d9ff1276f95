"""Identity numbers as agencies write them: whole, of fifteen digits, with the middle hidden, or damaged."""

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal

from rules.identity_numbers import (
    IdentityNumberError,
    Sex,
    check_character,
    normalise,
    parse_identity_number,
    to_eighteen,
)
from rules.linkage.characters import levelled

IdKind = Literal["full", "fifteen", "masked", "doubtful", "other"]

_RAW_MAX = 120
_SHORTEST, _LONGEST = 4, 24


@dataclass(frozen=True, slots=True)
class IdRead:
    """An identity number to compare.

    `full`: 18 characters, `valid` when the check character and the birth date hold. `fifteen`: completed to 18, never
    valid, for fifteen digits prove nothing. `masked`: `head` and `tail` are what is readable at the ends, `number` has
    stars between them. `doubtful`: digits of another length, `number` is the normalised text. `other`: passports and
    permits. For whole numbers `head` is the division, `tail` the last four characters, as masked ones usually show.
    """

    kind: IdKind
    number: str = field(repr=False)
    valid: bool
    birth: date | None = field(default=None, repr=False)
    sex: Literal["male", "female"] | None = None
    head: str = field(default="", repr=False)
    tail: str = field(default="", repr=False)
    division: str | None = None


def read_id(text: str | None) -> IdRead | None:
    """The identity number in a text, None when there is none."""
    return _read(text[:_RAW_MAX]) if text else None


_MASKS = re.compile(r"[●•·‧∙・◦○◯〇□■☆★×✕✖#_?�]|(?<![A-Z])某")
_LONG_RUN = re.compile(r"[-.‐-―−~]{3,}")
_WORDS = re.compile(r"[\u3400-\u9FFF\U00020000-\U0003FFFF]+")
_NOISE = re.compile(r"[^0-9A-Z*]+")
_INNER_X = re.compile(r"X(?=[X*])|(?<=[X*])X(?=[0-9])|(?<=[0-9])X(?=[0-9])")
_TAIL_WORDS = re.compile(r"尾号|后[四4六6]位|末[四4]位")
_SPACING = re.compile(r"[\s\-‐-―−]")
_WHOLE = re.compile(r"(?<![0-9])[0-9]{17}[0-9X](?![0-9A-Z*])")
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")
_CONFUSED = str.maketrans("OIL", "011")
_MISREAD = str.maketrans("OILDQSBZG", "011005826")
_TRAVEL = re.compile(r"[A-Z]{1,3}[0-9]{6,12}[A-Z]?|[0-9]{7,11}|[A-Z]{1,2}[0-9]{6}[0-9A]")


@lru_cache(maxsize=16_384)
def _read(text: str) -> IdRead | None:
    level = levelled(text, limit=_RAW_MAX).upper()
    whole = _WHOLE.search(_SPACING.sub("", level))
    if whole is not None:
        return _eighteen(whole.group())
    compact = _compact(level)
    if _TAIL_WORDS.search(level) and compact.isalnum() and len(compact) <= 6:
        return _masked("*" * (18 - len(compact)) + compact)
    if not any(character.isdigit() for character in compact):
        return None
    compact = _digits_of_letters(compact)
    if "*" in compact:
        return _starred(compact)
    if not _SHORTEST <= len(compact) <= _LONGEST:
        return None
    return _unstarred(compact)


def _compact(level: str) -> str:
    """Digits, letters and one star for each hidden character; notes, labels, spaces and hyphens gone."""
    text = _MASKS.sub("*", _LONG_RUN.sub(lambda run: "*" * len(run.group()), level))
    text = _NOISE.sub("", _WORDS.sub("", normalise(text).upper()))
    text = _INNER_X.sub("*", text)
    return re.sub(r"(?<=\*)X$", "*", text) if text.count("X") != 1 or "*" not in text else text


def _digits_of_letters(text: str) -> str:
    """O, I and l read as 0 and 1 where the rest is a number; further letters only if the check then holds.

    A text that begins with other letters is a passport's and stays as it is.
    """
    letters = {character for character in text if "A" <= character <= "Z"} - {"X"}
    digits = sum(map(str.isdigit, text))
    if letters <= set("OIL") and (len(text) >= 15 or "*" in text):
        return text.translate(_CONFUSED)
    if not letters or digits < 12:
        return text
    candidate = text.translate(_MISREAD)
    return candidate if _SHAPE.fullmatch(candidate) and _holds(candidate) else text


def _unstarred(text: str) -> IdRead:
    if _SHAPE.fullmatch(text):
        return _eighteen(text)
    if len(text) == 15 and text.isdigit() and _born(f"19{text[6:12]}") is not None:
        number = to_eighteen(text)
        return _whole("fifteen", number, valid=False)
    if not text.isdigit() and not re.fullmatch("[0-9]+X", text):
        return IdRead("other", text, valid=False)
    if len(text) <= 11 and _TRAVEL.fullmatch(text):
        return IdRead("other", text, valid=False)
    return IdRead(
        "doubtful", text, valid=False, birth=_born(text[6:14]), head=text[:6], tail=text[-4:], division=_division(text)
    )


def _eighteen(text: str) -> IdRead:
    return _whole("full", text, valid=_holds(text))


def _whole(kind: IdKind, number: str, *, valid: bool) -> IdRead:
    return IdRead(
        kind,
        number,
        valid=valid,
        birth=_born(number[6:14]),
        sex=_sex(number),
        head=number[:6],
        tail=number[-4:],
        division=_division(number),
    )


def _starred(text: str) -> IdRead | None:
    """A star at the very end of seventeen digits is an X that was typed so, if an X is what belongs there."""
    if re.fullmatch(r"[0-9]{17}\*", text) and check_character(text[:17]) == "X":
        return _eighteen(text[:17] + "X")
    if not re.fullmatch(r"[0-9*]*[0-9X*]", text):
        return IdRead("other", text, valid=False)
    if len(text.strip("*")) == 0:
        return None
    return _masked(text)


def _masked(text: str) -> IdRead:
    """Stars are often fewer or more than what they hide: 18 characters are meant unless clearly one of fifteen."""
    head, tail = text.split("*", 1)[0], text.rsplit("*", 1)[1]
    old = len(text) == 15 and len(head) == 6 and len(tail) == 3
    aligned = len(text) == 18
    hidden = (15 if old else 18) - len(head) - len(tail)
    if hidden < 1:
        return IdRead("doubtful", text, valid=False, head=head[:6], tail=tail[-4:], division=_division(head))
    birth = _born(head[6:14]) or (_born(text[6:14]) if aligned else None)
    sex = _sex(tail) if len(tail) >= 2 and not old else None
    number = head + "*" * hidden + tail
    return IdRead("masked", number, valid=False, birth=birth, sex=sex, head=head, tail=tail, division=_division(head))


def _holds(number: str) -> bool:
    try:
        parse_identity_number(number)
    except IdentityNumberError:
        return False
    return True


def _born(digits: str) -> date | None:
    if len(digits) != 8 or not digits.isdigit() or not 1880 <= int(digits[:4]) <= 2099:
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _sex(number: str) -> Literal["male", "female"] | None:
    """By the last but one character of a number of eighteen."""
    if not number[-2:-1].isdigit():
        return None
    return Sex.male.value if int(number[-2]) % 2 else Sex.female.value


def _division(text: str) -> str | None:
    return text[:6] if len(text) >= 6 and text[:6].isdigit() and text[0] != "0" else None

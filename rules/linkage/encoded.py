"""What encodings say of two records: never enough to link, enough to ask people. Pure.

An agency that may not disclose a number sends its keyed hash, and a CLK of what it knows. What others disclosed is
encoded here under the same key, when both meet. Two records that were encoded under different keys say nothing of each
other.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Final, TypeAlias

from rules.deadlines import end_of_day
from rules.linkage.clk import ALIKE, Keyed, clk_of, dice, hides_enough, number_of
from rules.linkage.features import Encoded, Features

KeyOf: TypeAlias = Callable[[str, int], Keyed]
"""The keyed hash of an agency (its id) in a year."""

CLK_CAP: Final = 200
"""CLKs made for one person of a report: 30 ms. Of the records after these, numbers alone are compared."""
LAST_OF_GRACE: Final = (1, 31)
"""Month and day to which the key of last year is taken: what was encoded before may still lie in a queue."""


@dataclass(frozen=True, slots=True)
class Clue:
    """What the encodings of a record and of a person's records say: a number that agrees with one of them, one that
    contradicts, a CLK that is alike."""

    same_number: bool = False
    other_number: bool = False
    alike: bool = False

    @property
    def hit(self) -> bool:
        """Whether people should look: brothers and spouses are alike too, but have another number."""
        return self.same_number or (self.alike and not self.other_number)

    @property
    def level(self) -> str | None:
        """One word of it; None where nothing was said."""
        if self.same_number:
            return "same_number"
        return "other_number" if self.other_number else "alike" if self.alike else None


Clues: TypeAlias = Callable[[Features, Sequence[Features]], Clue]


def no_clue(_new: Features, _records: Sequence[Features]) -> Clue:
    """Nothing is encoded."""
    return Clue()


class Encodings:
    """Compares encodings for one person of a report, and remembers what it encoded: make one for each person.

    A number costs 2 us, a CLK 150 us, `cap` of them at most.
    """

    def __init__(self, key_of: KeyOf, cap: int = CLK_CAP) -> None:
        self._keyed = cache(key_of)
        self._cap = cap
        self._clks: dict[tuple[Features, str, int], bytes] = {}

    def clue(self, new: Features, records: Sequence[Features]) -> Clue:
        """What the encodings say of a record and those of one person, on whichever side they stand."""
        found = [self._meet(new, other) for other in records]
        return Clue(
            same_number=any(one.same_number for one in found),
            other_number=any(one.other_number for one in found),
            alike=any(one.alike for one in found),
        )

    def _meet(self, a: Features, b: Features) -> Clue:
        under = a.encoded or b.encoded
        if under is None:
            return Clue()
        numbers = (self._number(a, under), self._number(b, under))
        told = under.number != "" and "" not in numbers
        return Clue(
            same_number=told and numbers[0] == numbers[1],
            other_number=told and numbers[0] != numbers[1],
            alike=under.clk != "" and dice(self._clk(a, under), self._clk(b, under)) >= ALIKE,
        )

    def _number(self, it: Features, under: Encoded) -> str:
        """The keyed hash of a record's number; empty where it has none, or one under another key."""
        if it.encoded is not None:
            return it.encoded.number if _one_key(it.encoded, under) else ""
        return number_of(it.valid_id, self._keyed(under.agency, under.year)) if it.valid_id else ""

    def _clk(self, it: Features, under: Encoded) -> bytes:
        """The CLK of a record; empty, which is like nothing, where there is none under this key or too many were
        made."""
        if it.encoded is not None:
            return bytes.fromhex(it.encoded.clk) if _one_key(it.encoded, under) else b""
        known = (it, under.agency, under.year)
        if known not in self._clks:
            if len(self._clks) >= self._cap:
                return b""
            self._clks[known] = clk_of(it, self._keyed(under.agency, under.year))
        return self._clks[known]


def _one_key(a: Encoded, b: Encoded) -> bool:
    return (a.agency, a.year) == (b.agency, b.year)


def years_taken(today: date) -> tuple[int, ...]:
    """The years whose keys may be used on a day in Shanghai, this year first."""
    return (today.year, today.year - 1) if today <= date(today.year, *LAST_OF_GRACE) else (today.year,)


def taken_until(year: int) -> datetime:
    """The instant from which the key of a year is taken no more."""
    return end_of_day(date(year + 1, *LAST_OF_GRACE))


def encoded_for(it: Features, keyed: Keyed) -> dict[str, str]:
    """What an agency sends of a person in the place of what it may not disclose: `id_number` where the number is a
    valid one, `clk` where enough is known that it hides what it was made of; both, one or neither."""
    said = {}
    if it.valid_id:
        said["id_number"] = number_of(it.valid_id, keyed)
    if hides_enough(it):
        said["clk"] = b64encode(clk_of(it, keyed)).decode()
    return said

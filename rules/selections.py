"""selection (订阅范围): which events of its feed an agency asks for, by type, kind of case and place. Pure.

A feed, an endpoint and a replay under the same selection take the same events. What an agency may not know of a case
selects nothing: an event whose kind of case or place is hidden from it comes through whatever was asked for, or the
choice itself would tell.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rules.envelopes import wants

COUNTY_DIGITS = 6
CASE_KINDS = ("household", "employer")


class Place(NamedTuple):
    """What selects an event beside its type: the kind of its case, and the county. None: hidden, or of no case."""

    case_kind: str | None = None
    county: str | None = None


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Selection:
    """`types` as in `wants`; no `case_kinds` or no `divisions` means all of them. Divisions are codes of six digits."""

    types: tuple[str, ...] = ("*",)
    case_kinds: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()

    def admits(self, event_type: str, place: Place) -> bool:
        """Whether an event is asked for."""
        return (
            wants(self.types, event_type)
            and (not self.case_kinds or place.case_kind is None or place.case_kind in self.case_kinds)
            and (not self.divisions or place.county is None or place.county.startswith(self.beginnings))
        )

    @property
    def beginnings(self) -> tuple[str, ...]:
        """What the codes of the chosen divisions and of all below them begin with."""
        return tuple(digits_below(code) for code in self.divisions)


def digits_below(code: str) -> str:
    """What the codes of a division and of all below it begin with: `3408` for 340800."""
    if len(code) == COUNTY_DIGITS and code.endswith("00"):
        return code[:2] if code.endswith("0000") else code[:4]
    return code


def knows_place(roles: Iterable[str]) -> bool:
    """Whether an agency with these parts in a case knows where it is: an observer does not, as in its list of cases."""
    return any(role != "observer" for role in roles)

"""match_candidate (疑似重复): what a union may learn of a possible match, and what it may decide about it. Pure.

Whoever coordinates both cases compares them. Whoever coordinates one learns that there is another, and whom to ask: a
weight would tell how many fields agree, a level which ones (docs/decisions/0030).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from rules.deadlines import SHANGHAI, shanghai_day
from rules.errors import FieldError, InvalidTransition, ValidationFailed
from rules.field_classes import FieldClass

STATUSES: Final = ("open", "confirmed", "not_duplicate", "undone")
REVIEW_WITHIN: Final = timedelta(days=7)
"""By when people should have looked at a possible match."""


class DifferenceReason(StrEnum):
    """Why two records are two people. A code: words would stand in the clear beside the linker's terms."""

    namesake = "namesake"
    family_member = "family_member"
    documents_differ = "documents_differ"
    asked_the_person = "asked_the_person"
    entered_in_error = "entered_in_error"


COMPARED: Final = (
    *("name", "sex", "birth_date", "id_type", "id_number"),
    *("phones", "division_code", "address", "employer_name"),
)
"""Fields of a person that stand side by side."""

CLASS_OF_COMPARISON: Final[Mapping[str, FieldClass]] = {
    "name": FieldClass.basic,
    "number": FieldClass.identity,
    "birth": FieldClass.basic,
    "phone": FieldClass.contact,
    "sex": FieldClass.basic,
    "address": FieldClass.contact,
    "employer": FieldClass.basic,
    "household": FieldClass.family,
    "members": FieldClass.family,
}
"""A level tells whether values agree, so it belongs to their class. The prior and the limit belong to none."""

GRANTABLE: Final = frozenset(CLASS_OF_COMPARISON.values())


def parts_in_match(agency: object, *, coordinator: object, holder: object, silent: bool) -> frozenset[str]:
    """The parts of an agency in a possible match: `coordinator` of the case that was reported later, `holder` of the
    one that was there, `comparer` where it is both. Of a silent match only the holder knows."""
    if agency == holder:
        return frozenset({"holder", "coordinator", "comparer"} if agency == coordinator else {"holder"})
    return frozenset({"coordinator"}) if agency == coordinator and not silent else frozenset()


def quarter_of(moment: datetime) -> str:
    """The quarter in Shanghai, as `2026-Q2`: a day would tell when the other side heard of the person."""
    day = shanghai_day(moment)
    return f"{day.year}-Q{(day.month + 2) // 3}"


def check_decidable(status: str, *, wanted: str) -> None:
    """Raises InvalidTransition where a match is not in the state a step starts from."""
    if status != wanted:
        raise InvalidTransition(status, {"open": ("not-duplicate",), "not_duplicate": ("undo",)}.get(status, ()))


def lapses_at(until: date | None, now: datetime) -> datetime | None:
    """The beginning of the day on which a decision lapses. Raises ValidationFailed for a day that has begun."""
    if until is None:
        return None
    if until <= shanghai_day(now):
        raise ValidationFailed(FieldError("/until", "in-the-past"))
    return datetime.combine(until, time(), SHANGHAI)


def levels_shown(terms: Iterable[Mapping[str, object]], classes: Collection[str]) -> list[dict[str, str]]:
    """How far each comparison agreed, of those whose class is open; never the prior or a limit, which stand for all."""
    return [
        {"comparison": str(term["name"]), "level": str(term["level"])}
        for term in terms
        if CLASS_OF_COMPARISON.get(str(term["name"])) in classes
    ]


def decimal_text(value: float) -> str:
    """A weight in decimal digits, to the last bit: no floating-point number crosses the wire."""
    return format(Decimal(repr(value)), "f")

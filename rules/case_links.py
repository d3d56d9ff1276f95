"""case_link (个案关联): what stands in relation to a case beyond its persons. Pure.

An agency's own number of a case, another case (one household, one employer, one root cause), and a case on the platform
of another province or level. Who may say which, and what of it whom is shown, is decided here.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from rules.errors import FieldError, InsufficientRole, ValidationFailed
from rules.field_classes import FieldClass


class LinkKind(StrEnum):
    own_number = "own_number"
    same_household = "same_household"
    same_employer = "same_employer"
    same_root_cause = "same_root_cause"
    elsewhere = "elsewhere"


class LinkSource(StrEnum):
    """Who said it: an agency, or the platform itself from what was reported."""

    agency = "agency"
    model = "model"


class PlatformLevel(StrEnum):
    """Whose platform another case stands on."""

    national = "national"
    province = "province"
    city = "city"
    county = "county"


PAIRS: Final = (LinkKind.same_household, LinkKind.same_employer, LinkKind.same_root_cause)
"""Kinds that connect two cases of this platform. They are said of both alike."""


@dataclass(frozen=True, slots=True)
class LinkSaid:
    """A link as an agency says it."""

    kind: str
    other_case: UUID | None = None
    system: str | None = None
    number: str | None = None
    authority: str | None = None
    division_code: str | None = None
    level: str | None = None
    url: str | None = None
    reason: str | None = None


_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    LinkKind.own_number: ("system", "number"),
    **dict.fromkeys(PAIRS, ("other_case", "reason")),
    LinkKind.elsewhere: ("division_code", "authority", "number", "reason"),
}
_TAKEN: Final[dict[str, tuple[str, ...]]] = {
    LinkKind.own_number: (*_NEEDED[LinkKind.own_number], "reason"),
    **dict.fromkeys(PAIRS, ("other_case", "reason")),
    LinkKind.elsewhere: (*_NEEDED[LinkKind.elsewhere], "level", "url"),
}
_FIELDS: Final = ("other_case", "system", "number", "authority", "division_code", "level", "url", "reason")


def check_said(said: LinkSaid, case_id: UUID) -> None:
    """What a kind needs and takes. Raises ValidationFailed."""
    errors = [FieldError(f"/{name}", "required") for name in _NEEDED[said.kind] if getattr(said, name) is None]
    errors += [
        FieldError(f"/{name}", "not-with-this-link")
        for name in _FIELDS
        if getattr(said, name) is not None and name not in _TAKEN[said.kind]
    ]
    if said.other_case == case_id:
        errors.append(FieldError("/other_case", "same-case"))
    if errors:
        raise ValidationFailed(*errors)


def check_pair(kind: str, case_kinds: Collection[str]) -> None:
    """Only households' cases are of one household. Raises ValidationFailed."""
    if kind == LinkKind.same_household and set(case_kinds) != {"household"}:
        raise ValidationFailed(FieldError("/other_case", "not-of-a-household"))


def require_sayer(kind: str, *, coordinates: bool) -> None:
    """Its own number anybody says who takes part; everything else is for a coordinator. Raises InsufficientRole."""
    if kind != LinkKind.own_number and not coordinates:
        raise InsufficientRole(role="coordinator")


_BRACKETS: Final = str.maketrans("[{〔【〈《", "((((((") | str.maketrans("]}〕】〉》", "))))))")
_HYPHENS: Final = re.compile(r"[\u2010-\u2015\u2212]")


def normal_number(text: str) -> str:
    """A case number as it is compared: half-width, upper case, no spaces, one kind of bracket and of hyphen.

    `〔2026〕皖0802民初817号` and `(2026) 皖0802民初817号` are one number; other signs tell numbers apart and stay.
    """
    folded = text
    while (again := _folded(folded)) != folded:  # a sign that falls away may bring two others together
        folded = again
    return folded


def _folded(text: str) -> str:
    upper = unicodedata.normalize("NFKC", "".join(text.split())).upper()
    return _HYPHENS.sub("-", unicodedata.normalize("NFKC", upper).translate(_BRACKETS))


def number_key(kind: str, agency_id: UUID, case_id: UUID, number: str) -> tuple[str, str]:
    """The space of a number's blind index, and what is hashed there.

    With an own number stands its agency, with one elsewhere its case: equal numbers of two agencies do not look equal,
    and nobody can search what only its coordinator may know.
    """
    if kind == LinkKind.own_number:
        return "agency_case_number", f"{agency_id}\n{normal_number(number)}"
    return "elsewhere_case_number", f"{case_id}\n{normal_number(number)}"


def own_number_key(agency_id: UUID, number: str) -> tuple[str, str]:
    """As `number_key`, for the search of an agency by a number of its own."""
    return number_key(LinkKind.own_number, agency_id, agency_id, number)


COURTS: Final = frozenset({"judicial", "court", "procuratorate"})
"""Kinds of agency whose case numbers say that somebody stands before the law."""


def class_of_number(agency_kind: str | None) -> FieldClass:
    """The class of an agency's own number. A legal one opens to a coordinator for a purpose that needs it."""
    return FieldClass.legal if agency_kind in COURTS else FieldClass.basic


@dataclass(frozen=True, slots=True)
class End:
    """One of the cases of a link, as the acting agency stands to it: its parts in force, and whether it supervises."""

    case_id: UUID
    coordinator: UUID
    coordinator_name: str
    roles: frozenset[str]
    supervised: bool

    @property
    def seen(self) -> bool:
        """Whether the acting agency may know which case this is."""
        return self.supervised or bool(self.roles)


def near_and_far(one: End, other: End | None, *, acting: UUID, at: UUID | None = None) -> tuple[End, End | None]:
    """The end to look from, then the other: the case asked for, else one that the acting agency coordinates, else one
    it takes part in, else one it sees."""
    if other is None:
        return one, None

    def nearness(end: End) -> tuple[bool, ...]:
        return (end.case_id == at, end.coordinator == acting, bool(end.roles), end.seen)

    near, far = sorted((one, other), key=nearness, reverse=True)
    return near, far

"""Which field classes of a case may reach which agency, and how a value is masked. Pure.

The table "What each participant sees" of the domain model. Beyond the preview a receiver needs a recorded basis.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rules.identity_numbers import masked
from rules.phones import masked_phone

COORDINATOR_CLASSES = frozenset({"basic", "contact", "identity", "economic", "medical", "legal", "family"})
"""What the coordinator's file shows; mood and finance accounts are compartments of their own."""

SUPERVISOR_CLASSES = frozenset({"basic", "economic", "family"})
"""What a supervising union sees of the cases below: enough to judge the work, nothing to reach the person by."""


def classes_of_file(parts: Iterable[str]) -> frozenset[str]:
    """The field classes of a case's file for an agency with these parts in the case."""
    mine = set(parts)
    if "coordinator" in mine:
        return COORDINATOR_CLASSES
    return SUPERVISOR_CLASSES if "supervisor" in mine else frozenset()


def may_see_needs(parts: Iterable[str]) -> bool:
    """Which office handles which need is for the coordinator, those above it and the reporters."""
    return not {"coordinator", "supervisor", "reporter"}.isdisjoint(parts)


@dataclass(frozen=True, slots=True)
class Basis:
    """A basis in force that names the recipient, and who recorded it."""

    kind: str
    recorded_by: UUID


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be shown: `classes`, under the basis `basis_kind`; `missing` is the reason why it is only the preview.

    `records_of`: whose records are open; None for all of the case. An agency's own basis opens what that agency said,
    the coordinator's opens the case.
    """

    classes: frozenset[str]
    basis_kind: str | None
    missing: str | None
    records_of: frozenset[UUID] | None = None


def receiver_disclosure(
    minimum_fields: Iterable[str], bases: Iterable[Basis], *, disclosed_status: bool, coordinator: UUID
) -> Disclosure:
    """What the receiver of a referral sees: the preview before acceptance, then the matter's minimum set under a basis.

    Consent comes first: it is the one a person can see.
    """
    if not disclosed_status:
        return Disclosure(frozenset(), None, None)
    in_force = sorted(bases, key=lambda basis: _BASIS_ORDER.index(basis.kind))
    if not in_force:
        return Disclosure(frozenset(), None, "consent-missing")
    opening = [basis for basis in in_force if basis.recorded_by == coordinator]
    records_of = None if opening else frozenset(basis.recorded_by for basis in in_force)
    return Disclosure(frozenset(minimum_fields), (opening or in_force)[0].kind, None, records_of)


_BASIS_ORDER = ("consent", "statutory_duty", "emergency")


def may_read_result_text(sensitive: str | None, *, own: bool, roles: Iterable[str]) -> bool:
    """Whether a result's free text is shown: always to its decider and the coordinator, else unless it is sensitive."""
    return own or "coordinator" in set(roles) or sensitive is None


def may_read_step_words(
    step: str, *, own: bool, parties: Iterable[str], compartment: bool, opened: bool, purpose: bool
) -> bool:
    """Whether the words of a step are shown to a party of its referral.

    One's own always. Coordinator and sender read all but what a legal or medical matter was completed with: that is for
    the decider and the coordinator, under a purpose (as a result's text is). A receiver reads what the sender said
    where its basis reaches that.
    """
    if own:
        return True
    parts = set(parties)
    if step == "complete" and compartment:
        return "coordinator" in parts and purpose
    return bool({"sender", "coordinator"} & parts) or opened


@dataclass(frozen=True, slots=True)
class PersonOpened:
    """One person of a case with sealed values opened, on the way to a projection."""

    role: str
    relation: str
    name: str
    id_type: str
    id_number: str | None
    phones: tuple[str, ...]
    address: str | None
    division_code: str | None
    sex: str
    birth_date: date | None
    employment_status: str | None
    employer_name: str | None
    health: str | None
    monthly_income_fen: int | None


def project_person(person: PersonOpened, classes: Iterable[str]) -> dict[str, object]:
    """The fields of the given classes, identity numbers and phones masked. A class that is not given leaves no key."""
    granted = set(classes)
    fields: Mapping[str, Mapping[str, object]] = {
        "basic": {
            "name": person.name,
            "sex": person.sex,
            "birth_date": person.birth_date,
            "division_code": person.division_code,
            "employment_status": person.employment_status,
            "employer_name": person.employer_name,
        },
        "contact": {"phones": [masked_phone(phone) for phone in person.phones], "address": person.address},
        "identity": {
            "id_type": person.id_type,
            "id_number": masked(person.id_number) if person.id_number else None,
        },
        "economic": {"monthly_income_fen": person.monthly_income_fen},
        "medical": {"health": person.health},
    }
    shown: dict[str, object] = {"role": person.role, "relation": person.relation}
    for field_class, values in fields.items():
        if field_class in granted:
            shown |= values
    return shown


def mask_said(said: Mapping[str, object]) -> dict[str, object]:
    """A report as it was said with every identity number and phone masked, wherever it stands."""
    return {key: _mask_value(key, value) for key, value in said.items()}


def _mask_value(key: str, value: object) -> object:
    if isinstance(value, list):
        return [_mask_value(key, item) for item in value]
    if isinstance(value, Mapping):
        return mask_said(value)
    if not isinstance(value, str):
        return value
    if key == "id_number":
        return masked(value)
    if key in ("phone", "phones"):
        return masked_phone(value)
    return _NUMBERS.sub(lambda number: number[0][:3] + "*" * (len(number[0]) - 5) + number[0][-2:], value)


_NUMBERS = re.compile(r"(?<![0-9A-Za-z-])[0-9]{11,19}[Xx]?(?![0-9A-Za-z-])")
"""Digits in free text that may be an identity number, a phone or a bank card; parts of ids stand between hyphens."""

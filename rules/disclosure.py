"""Which field classes of a case may reach which agency, and how a value is masked. Pure.

The table "What each participant sees" of the domain model. Beyond the preview a receiver needs a recorded basis
(rules/sharing.py).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from uuid import UUID

from rules.field_classes import ALL_CLASSES, PERSON, WITHHELD, FieldClass, project
from rules.identity_numbers import masked
from rules.phones import masked_phone
from rules.purposes import classes_for

_OF_PART: Mapping[str, frozenset[FieldClass]] = {
    "coordinator": ALL_CLASSES,
    "rescuer": frozenset({FieldClass.basic, FieldClass.contact, FieldClass.medical, FieldClass.family}),
    "supervisor": frozenset({FieldClass.basic, FieldClass.economic, FieldClass.family}),
}
"""What a part lets an agency see of a case's file. A supervisor: enough to judge the work, nothing to reach the person
by; a rescuer, who broke the glass: what helps at once."""

_OF_ROLE: Mapping[str, frozenset[FieldClass]] = {
    "fund_officer": frozenset({FieldClass.basic, FieldClass.identity, FieldClass.economic, FieldClass.finance_account}),
}
"""Roles that see less than their agency may."""


def classes_of_file(parts: Iterable[str], *, roles: Iterable[str], purpose: str | None) -> frozenset[FieldClass]:
    """The field classes of a case's file for somebody in these roles of an agency with these parts in the case, who
    names this purpose."""
    of_parts = frozenset[FieldClass]().union(*(_OF_PART.get(part, frozenset()) for part in parts))
    return of_parts & classes_of_roles(roles) & classes_for(purpose)


def classes_of_report(parts: Iterable[str], *, roles: Iterable[str], purpose: str | None) -> frozenset[FieldClass]:
    """The field classes of a report: all it said for the agency that filed it, what the purpose needs for the
    coordinator."""
    reach = ALL_CLASSES if "owner" in set(parts) else classes_for(purpose)
    return reach & classes_of_roles(roles)


def classes_of_roles(roles: Iterable[str]) -> frozenset[FieldClass]:
    """The classes that people in these roles may see at most."""
    return frozenset[FieldClass]().union(*(_OF_ROLE.get(role, ALL_CLASSES) for role in roles))


def may_see_needs(parts: Iterable[str]) -> bool:
    """Which office handles which need is for the coordinator, those above it and the reporters."""
    return not {"coordinator", "supervisor", "reporter"}.isdisjoint(parts)


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
    medical_note: str | None = None
    legal_note: str | None = None
    mood_note: str | None = None
    bank_account: str | None = None
    id: UUID | None = None


def project_person(person: PersonOpened, classes: Iterable[str]) -> dict[str, object]:
    """The fields of the given classes, numbers masked. A class that is not given leaves no key."""
    values = {field.name: getattr(person, field.name) for field in fields(person)}
    values |= {
        "phones": [masked_phone(phone) for phone in person.phones],
        "id_number": masked(person.id_number) if person.id_number else None,
        "bank_account": masked(person.bank_account) if person.bank_account else None,
    }
    return project(values, PERSON, frozenset(classes))


def mask_said(said: Mapping[str, object]) -> dict[str, object]:
    """A report as it was said with every identity number and phone masked, wherever it stands, encodings left out."""
    return {key: _mask_value(key, value) for key, value in said.items() if key not in WITHHELD}


def _mask_value(key: str, value: object) -> object:
    if isinstance(value, list):
        return [_mask_value(key, item) for item in value]
    if isinstance(value, Mapping):
        return mask_said(value)
    if not isinstance(value, str):
        return value
    if key in ("id_number", "bank_account"):
        return masked(value)
    if key in ("phone", "phones"):
        return masked_phone(value)
    return _NUMBERS.sub(lambda number: number[0][:3] + "*" * (len(number[0]) - 5) + number[0][-2:], value)


_NUMBERS = re.compile(r"(?<![0-9A-Za-z-])[0-9]{11,19}[Xx]?(?![0-9A-Za-z-])")
"""Digits in free text that may be an identity number, a phone or a bank card; parts of ids stand between hyphens."""

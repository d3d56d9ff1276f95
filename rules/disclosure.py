"""Which field classes of a case may reach which agency, and how a value is masked. Pure.

The table "What each participant sees" of the domain model. Beyond the preview a receiver needs a recorded basis.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from rules.identity_numbers import masked
from rules.phones import masked_phone

COORDINATOR_CLASSES = frozenset({"basic", "contact", "identity", "economic", "medical", "legal", "family"})
"""What the coordinator's file shows; mood and finance accounts are compartments of their own."""

BARRED_FROM_REPORTER = frozenset({"medical", "legal", "mood"})
"""Classes of a shared result's text that only its decider and the coordinator read."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be shown: `classes`, under the basis `basis_kind`; `missing` is the reason why it is only the preview.

    `own_records_only`: the only basis is one the recipient recorded itself, and nobody opens others' records to itself.
    """

    classes: frozenset[str]
    basis_kind: str | None
    missing: str | None
    own_records_only: bool = False

    @property
    def full(self) -> bool:
        """Whether it reaches what others said: their records, and the sender's note."""
        return bool(self.classes) and not self.own_records_only


def receiver_disclosure(
    minimum_fields: Iterable[str], bases: Iterable[str], *, disclosed_status: bool, own_bases: Iterable[str] = ()
) -> Disclosure:
    """What the receiver of a referral sees: the preview before acceptance, then the matter's minimum set under a basis.

    `bases` are the kinds of the bases in force that name it, `own_bases` those it recorded itself. Consent comes first:
    it is the one a person can see.
    """
    if not disclosed_status:
        return Disclosure(frozenset(), None, None)
    for recorded, own in ((set(bases), False), (set(own_bases), True)):
        for kind in ("consent", "statutory_duty", "emergency"):
            if kind in recorded:
                return Disclosure(frozenset(minimum_fields), kind, None, own_records_only=own)
    return Disclosure(frozenset(), None, "consent-missing")


def may_read_result_text(sensitive: str | None, *, own: bool, roles: Iterable[str]) -> bool:
    """Whether a result's free text is shown: always to its decider and the coordinator, else unless it is sensitive."""
    return own or "coordinator" in set(roles) or sensitive is None


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
    if key == "id_number" and isinstance(value, str):
        return masked(value)
    if key in ("phone", "phones") and isinstance(value, str):
        return masked_phone(value)
    return value

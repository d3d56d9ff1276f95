"""The classes of fields about a person, which field is of which class, and the one projection. Pure.

What a matter's minimum set, a consent's scope, a purpose and an audit mark speak in. A field that says nothing of a
person (an id, a state, a date of the work) is OPEN. The API document carries the class of every field that leaves.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias


class FieldClass(StrEnum):
    basic = "basic"
    contact = "contact"
    identity = "identity"
    economic = "economic"
    medical = "medical"
    legal = "legal"
    mood = "mood"
    family = "family"
    finance_account = "finance_account"


ALL_CLASSES = frozenset(FieldClass)

SENSITIVE_CLASSES = frozenset(
    {FieldClass.identity, FieldClass.medical, FieldClass.legal, FieldClass.mood, FieldClass.finance_account}
)
"""Released by a recorded basis only (个人信息保护法 art. 28)."""

COMPARTMENTS = (FieldClass.medical, FieldClass.legal, FieldClass.mood)
"""Classes whose free text only its author and the coordinator read."""

WITHHELD = frozenset({"encoded"})
"""Fields no answer shows, whatever is granted: with its key an encoding can be tried against everybody."""

OPEN = "open"
"""Says nothing of a person."""

Classes: TypeAlias = Mapping[str, "str | Classes"]

_BASIC, _CONTACT, _IDENTITY = FieldClass.basic, FieldClass.contact, FieldClass.identity

PERSON: Classes = MappingProxyType(
    {
        **dict.fromkeys(("id", "role", "relation"), OPEN),
        **dict.fromkeys(("name", "sex", "birth_date", "division_code", "employment_status", "employer_name"), _BASIC),
        **dict.fromkeys(("phones", "address"), _CONTACT),
        **dict.fromkeys(("id_type", "id_number"), _IDENTITY),
        "monthly_income_fen": FieldClass.economic,
        **dict.fromkeys(("health", "medical_note"), FieldClass.medical),
        "legal_note": FieldClass.legal,
        "mood_note": FieldClass.mood,
        "bank_account": FieldClass.finance_account,
    }
)
"""A person of a case, as an answer shows one. Of the others of a household only whoever is granted `family` learns."""

_SAID_OF_PERSON: Classes = MappingProxyType(
    {
        **PERSON,
        "address": MappingProxyType({"division_code": _BASIC, "detail": _CONTACT}),
        "employer": MappingProxyType({"name": _BASIC, "uscc": _BASIC}),
        "encoded": _IDENTITY,
        "as_received": MappingProxyType(
            {
                **dict.fromkeys(("name", "birth_date", "employer"), _BASIC),
                **dict.fromkeys(("phone", "address"), _CONTACT),
                "id_number": _IDENTITY,
            }
        ),
    }
)

REPORT: Classes = MappingProxyType(
    {
        **dict.fromkeys(("id", "source", "aware_at", "channel", "urgency", "sharing_basis"), OPEN),
        **dict.fromkeys(("aware_by", "causes", "needs", "narrative", "employer"), _BASIC),
        "household_number": FieldClass.family,
        "person": _SAID_OF_PERSON,
        "household": _SAID_OF_PERSON,
    }
)
"""A report as it was said."""

SHOWN: Mapping[str, Classes] = MappingProxyType(
    {
        "PersonShown": PERSON,
        "ReportShown": {"said": REPORT},
        "CaseFile": {"causes": _BASIC, "difficulty_class": FieldClass.economic},
        "InboundTrial": {"made": REPORT},
        "EmployerShown": {"name": _BASIC, "uscc": _BASIC},
        "ReferralShown": {"note": _BASIC},
        "ReferralRead": {"note": _BASIC},
        "ReferralRequested": {"note": _BASIC},
        "StepTaken": dict.fromkeys(("text", "missing", "legal_basis", "approved_by"), _BASIC),
        "ResultShown": {"text": _BASIC},
        "AssistanceShown": {"source": _BASIC, "amount_fen": FieldClass.economic},
        "AdoptionRow": {"reason": _BASIC},
        "CaseLinkShown": dict.fromkeys(("number", "division_code", "url", "reason", "undo_reason"), _BASIC),
        "MatchPerson": PERSON,
        "MatchSide": {"person": PERSON, "household_size": FieldClass.family},
        "AccessRequestOpened": {"reference": _BASIC, "reason": _BASIC, "refusal_text": _BASIC},
        "Revealed": {"id_number": _IDENTITY, "phones": _CONTACT, "bank_account": FieldClass.finance_account},
    }
)
"""Answers of the API that say something of a person, by the name of their schema; every field of all others is OPEN.
The text of a result is of its compartment where it has one, a judicial agency's number of a case is legal."""


def class_of(schema: str, field: str) -> str:
    """The class of a field of an answer, for the API document; `mixed` where the field holds several."""
    found = SHOWN.get(schema, {}).get(field, OPEN)
    return found if isinstance(found, str) else "mixed"


def project(values: Mapping[str, object], classes: Classes, granted: Collection[str]) -> dict[str, object]:
    """The values whose class is granted, however deep they stand. A class that is not granted leaves no key, nor does a
    field that is withheld or that nobody has classed."""
    shown: dict[str, object] = {}
    for name, value in values.items():
        if name in WITHHELD:
            continue
        of = classes.get(name)
        if isinstance(of, str):
            if of == OPEN or of in granted:
                shown[name] = value
        elif of is not None:
            shown[name] = _project_inner(value, of, granted)
    return shown


def _project_inner(value: object, classes: Classes, granted: Collection[str]) -> object:
    if isinstance(value, Mapping):
        return project(value, classes, granted)
    if isinstance(value, list):
        return [_project_inner(item, classes, granted) for item in value]
    return None


def project_report(said: Mapping[str, object], granted: Collection[str]) -> dict[str, object]:
    """A report as far as the classes reach; the household only with class `family`."""
    kept = said if FieldClass.family in granted else {k: v for k, v in said.items() if k != "household"}
    return project(kept, REPORT, granted)

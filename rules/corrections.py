"""Correction (更正): which fields of a person a correction may change, and their normal forms. Pure.

PIPL art. 46; 政务数据共享条例 art. 26. A correction replaces a value by another one; what is to go without one is
erased.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from rules.deadlines import shanghai_day
from rules.errors import FieldError, ValidationFailed
from rules.identity_numbers import IdentityNumberError, is_demo, masked, parse_identity_number
from rules.phones import PhoneError, normalise_phone
from rules.reports import CHECKED_ID_TYPES, IdType
from rules.texts import TextError, clean_name

FIELDS = (
    *("name", "sex", "birth_date", "identity", "phones", "address", "division_code"),
    *("employment_status", "health", "monthly_income_fen"),
)
"""What a correction may name. `identity` is the kind of number and the number: one is not read without the other."""


@dataclass(frozen=True, slots=True)
class CorrectionSaid:
    """Values as asked for; None is not asked for."""

    name: str | None = None
    sex: str | None = None
    birth_date: date | None = None
    id_type: str | None = None
    id_number: str | None = None
    phones: tuple[str, ...] = ()
    address: str | None = None
    division_code: str | None = None
    employment_status: str | None = None
    health: str | None = None
    monthly_income_fen: int | None = None


@dataclass(slots=True)
class _Checked:
    values: dict[str, object] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)

    def fault(self, name: str, code: str, facts: dict[str, str | int] | None = None) -> None:
        self.errors.append(FieldError(f"/correction/{name}", code, facts or {}))


def check_correction(said: CorrectionSaid, *, now: datetime, allow_demo: bool) -> dict[str, object]:
    """The values by field name, in normal form, as JSON has them. Raises ValidationFailed with every fault found."""
    checked = _Checked()
    _check_name(said, checked)
    _check_identity(said, checked, allow_demo=allow_demo)
    _check_phones(said, checked)
    if said.birth_date is not None:
        if said.birth_date > shanghai_day(now):
            checked.fault("birth_date", "in-the-future")
        checked.values["birth_date"] = said.birth_date.isoformat()
    for name in ("sex", "address", "division_code", "employment_status", "health", "monthly_income_fen"):
        if getattr(said, name) is not None:
            checked.values[name] = getattr(said, name)
    if not checked.values and not checked.errors:
        checked.errors.append(FieldError("/correction", "required"))
    if checked.errors:
        raise ValidationFailed(*checked.errors)
    return checked.values


def _check_name(said: CorrectionSaid, checked: _Checked) -> None:
    if said.name is None:
        return
    try:
        checked.values["name"] = clean_name(said.name)
    except TextError as wrong:
        checked.fault("name", wrong.code)


def _check_identity(said: CorrectionSaid, checked: _Checked, *, allow_demo: bool) -> None:
    if said.id_type is None and said.id_number is None:
        return
    if said.id_type is None or said.id_number is None:
        checked.fault("id_number" if said.id_number is None else "id_type", "required")
        return
    if said.id_type == IdType.encoded:
        checked.fault("id_type", "not-with-an-id-number")
        return
    number = said.id_number
    if said.id_type in CHECKED_ID_TYPES:
        try:
            number = parse_identity_number(said.id_number).number
        except IdentityNumberError as wrong:
            checked.fault("id_number", wrong.code, {"id_number": masked(said.id_number)})
            return
        if is_demo(number) and not allow_demo:
            checked.fault("id_number", "demo-number")
    checked.values["identity"] = {"id_type": said.id_type, "id_number": number}


def _check_phones(said: CorrectionSaid, checked: _Checked) -> None:
    phones = []
    for position, phone in enumerate(said.phones):
        try:
            phones.append(normalise_phone(phone))
        except PhoneError as wrong:
            checked.fault(f"phones/{position}", wrong.code)
    if phones:
        checked.values["phones"] = list(dict.fromkeys(phones))


def confirmed(values: Mapping[str, object], fields: Collection[str]) -> dict[str, object]:
    """What of a correction is confirmed: all of it where no fields are named. Raises ValidationFailed for a field that
    was not asked for."""
    if not set(fields) <= set(values):
        raise ValidationFailed(FieldError("/fields", "not-asked-for"))
    return dict(values) if not fields else {name: values[name] for name in values if name in set(fields)}

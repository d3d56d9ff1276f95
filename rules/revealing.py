"""Reveal (明文查看): who may see a masked value in full, and how fresh the proof of identity must be. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from rules.errors import FieldError, InsufficientRole, StepUpRequired, ValidationFailed
from rules.field_classes import FieldClass
from rules.sign_in import STEP_UP


class Revealable(StrEnum):
    id_number = "id_number"
    phones = "phones"
    bank_account = "bank_account"


class Reason(StrEnum):
    contact_person = "contact_person"
    verify_identity = "verify_identity"
    file_application = "file_application"
    pay_out = "pay_out"
    emergency = "emergency"


CLASS_OF: Mapping[Revealable, FieldClass] = {
    Revealable.id_number: FieldClass.identity,
    Revealable.phones: FieldClass.contact,
    Revealable.bank_account: FieldClass.finance_account,
}


def check_fresh(auth_time: datetime | None, *, now: datetime, known_actor: bool) -> None:
    """Raises StepUpRequired where whoever asks last proved itself more than five minutes ago, InsufficientRole where a
    machine does not name the staff member for whom it asks."""
    if auth_time is None or now - auth_time > STEP_UP:
        raise StepUpRequired
    if not known_actor:
        raise InsufficientRole(role="known Tongli-Actor")


def check_classes(asked: Collection[Revealable], granted: Collection[FieldClass]) -> None:
    """Raises ValidationFailed for every field whose class is not open to the caller even masked."""
    errors = [
        FieldError(f"/fields/{position}", "class-not-open")
        for position, name in enumerate(asked)
        if CLASS_OF[name] not in granted
    ]
    if errors:
        raise ValidationFailed(*errors)

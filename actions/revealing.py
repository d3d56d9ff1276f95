"""Shows masked values in full to somebody entitled to their class: the most sensitive read there is."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from actions.audit import leave_mark
from actions.case_files import people_of
from actions.cases import seen_case
from actions.events import record_event
from actions.referral_files import disclosure_of
from actions.referrals import seen_referral
from db.clock import real_time
from db.transaction import Tx
from rules.disclosure import classes_of_file, classes_of_roles
from rules.errors import FieldError, Hidden, InsufficientRole, ValidationFailed
from rules.field_classes import FieldClass
from rules.purposes import classes_for
from rules.revealing import CLASS_OF, Revealable, check_classes, check_fresh


@dataclass(frozen=True, slots=True)
class RevealSaid:
    person_id: UUID
    fields: tuple[Revealable, ...]
    reason: str
    referral_id: UUID | None


@dataclass(frozen=True, slots=True)
class Revealed:
    values: dict[str, Any]
    leaf_id: UUID


async def reveal(tx: Tx, case_id: UUID, said: RevealSaid) -> Revealed:
    """The asked values of one person of the case. Six statements.

    Raises Hidden, InsufficientRole, StepUpRequired, ValidationFailed.
    """
    case = await seen_case(tx, case_id)
    check_fresh(tx.caller.auth_time, now=real_time(), known_actor=tx.rights.known_actor)
    classes, records_of = await _open_to(tx, case_id, case["roles"], said)
    check_classes(said.fields, classes)
    people = await people_of(tx, case_id, family=FieldClass.family in classes, records_of=records_of)
    person = next((person for person in people if person.id == said.person_id), None)
    if person is None:
        raise ValidationFailed(FieldError("/person_id", "not-in-this-case"))
    record_event(
        tx,
        "person.revealed",
        subject_type="case",
        subject_id=case_id,
        version=case["version"],
        case_id=case_id,
    )
    leaf_id = leave_mark(
        tx,
        "person.reveal",
        subject_type="person",
        subject_id=said.person_id,
        case_id=case_id,
        field_classes={CLASS_OF[name] for name in said.fields},
        facts={"fields": list(said.fields), "reason": said.reason},
    )
    return Revealed({name: getattr(person, name) for name in said.fields}, leaf_id)


async def _open_to(
    tx: Tx, case_id: UUID, parts: list[str], said: RevealSaid
) -> tuple[frozenset[FieldClass], frozenset[UUID] | None]:
    """The classes open to the caller and whose records: the file's for the coordinator, else those of its referral."""
    if "coordinator" in parts and said.referral_id is None:
        return classes_of_file(parts, roles=tx.rights.roles, purpose=tx.purpose), None
    if said.referral_id is None:
        raise ValidationFailed(FieldError("/referral_id", "required"))
    referral = await seen_referral(tx, said.referral_id)
    if referral["case_id"] != case_id:
        raise Hidden
    if referral["to_agency_id"] != tx.agency_id:
        raise InsufficientRole(role="receiver")
    disclosure = await disclosure_of(tx, referral)
    open_classes = {FieldClass(name) for name in disclosure.classes}
    return frozenset(open_classes & classes_of_roles(tx.rights.roles) & classes_for(tx.purpose)), disclosure.records_of

"""Records impact assessments (个人信息保护影响评估): without one in force no field of a matter leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from crypto.ids import new_id
from db.queries import assessments, matters
from db.transaction import Tx
from rules.errors import FieldError, Hidden, InvalidTransition, ValidationFailed
from rules.rights import Subject


@dataclass(frozen=True, slots=True)
class AssessmentSaid:
    """What was assessed, what is done about the risks, who assessed and for how long it holds."""

    title: str
    matters: tuple[str, ...]
    field_classes: tuple[str, ...]
    measures: str
    assessed_by: str
    valid_from: datetime
    valid_until: datetime


async def record_assessment(tx: Tx, said: AssessmentSaid) -> asyncpg.Record:
    """Records an assessment for the acting agency's cases and those of the unions below. Three statements. Raises
    ValidationFailed."""
    await _check(tx, said)
    assessment_id = new_id()
    row = {
        "id": assessment_id,
        "title": said.title,
        "matters": list(said.matters),
        "field_classes": list(said.field_classes),
        "measures": said.measures,
        "assessed_by": said.assessed_by,
        "valid_from": said.valid_from,
        "valid_until": said.valid_until,
    }
    await assessments.insert_assessment(tx, row)
    _mark(tx, "record", assessment_id, matters=sorted(said.matters), field_classes=sorted(said.field_classes))
    return await seen_assessment(tx, assessment_id)


async def _check(tx: Tx, said: AssessmentSaid) -> None:
    errors = []
    if said.valid_until <= max(said.valid_from, tx.now):
        errors.append(FieldError("/valid_until", "ends-before-it-begins"))
    known = await matters.known_codes(tx, said.matters)
    errors += [
        FieldError(f"/matters/{position}", "unknown-matter")
        for position, code in enumerate(said.matters)
        if code not in known
    ]
    if errors:
        raise ValidationFailed(*errors)


async def seen_assessment(tx: Tx, assessment_id: UUID) -> asyncpg.Record:
    """The assessment. Raises Hidden, InsufficientRole. One statement."""
    found = await assessments.find_assessment(tx, assessment_id)
    if found is None:
        raise Hidden
    require_part(tx, Subject.agency, {"owner" if found["agency_id"] == tx.agency_id else "reader"})
    return found


async def revoke_assessment(tx: Tx, assessment_id: UUID) -> asyncpg.Record:
    """Ends an assessment; what it opened is closed from the commit on. Three statements. Raises Hidden,
    InsufficientRole, InvalidTransition."""
    await seen_assessment(tx, assessment_id)
    if not await assessments.revoke_assessment(tx, assessment_id):
        raise InvalidTransition(current="revoked", allowed=())
    _mark(tx, "revoke", assessment_id)
    return await seen_assessment(tx, assessment_id)


def _mark(tx: Tx, verb: str, assessment_id: UUID, **facts: Sequence[str]) -> None:
    leave_mark(tx, f"assessment.{verb}", subject_type="assessment", subject_id=assessment_id, facts=facts)

"""Records what certificates the acting agency's staff hold. An exam is held elsewhere; here stands its result."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from actions.audit import leave_mark
from actions.staff import seen_staff
from crypto.ids import new_id
from db.clock import real_time
from db.queries import qualifications
from db.transaction import Tx
from rules.errors import Hidden
from rules.qualifications import check_validity


@dataclass(frozen=True, slots=True)
class QualificationSaid:
    """Days in Shanghai, both included."""

    area: str
    result: str
    certificate: str
    valid_from: date
    valid_until: date


async def record_qualification(tx: Tx, staff_id: UUID, said: QualificationSaid) -> UUID:
    """Records a certificate of one of the acting agency's staff; it counts from the holder's next request on. Two
    statements. Raises Hidden, ValidationFailed."""
    await seen_staff(tx, staff_id)
    check_validity(said.valid_from, said.valid_until)
    qualification_id = new_id()
    row = {
        "id": qualification_id,
        "staff_id": staff_id,
        "area": said.area,
        "result": said.result,
        "certificate": said.certificate,
        "valid_from": said.valid_from,
        "valid_until": said.valid_until,
    }
    await qualifications.insert_qualification(tx, row, real_time())
    _mark(tx, "record", qualification_id, area=said.area, result=said.result)
    return qualification_id


async def revoke_qualification(tx: Tx, staff_id: UUID, qualification_id: UUID) -> None:
    """Ends a certificate before its time. One statement. Raises Hidden."""
    if not await qualifications.revoke_qualification(tx, staff_id, qualification_id, real_time()):
        raise Hidden
    _mark(tx, "revoke", qualification_id)


def _mark(tx: Tx, verb: str, qualification_id: UUID, **facts: object) -> None:
    leave_mark(tx, f"qualification.{verb}", subject_type="qualification", subject_id=qualification_id, facts=facts)

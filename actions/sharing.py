"""Records why fields of a case may leave, to whom and until when."""

from uuid import UUID

from actions.audit import leave_mark
from actions.cases import locked_case
from actions.events import record_event
from db.queries import agencies, sharing
from db.transaction import Tx
from rules.errors import FieldError, ValidationFailed
from rules.reports import BasisSaid


async def record_basis(tx: Tx, case_id: UUID, basis: BasisSaid) -> None:
    """One row per recipient. Only the coordinator may. Four statements. Raises Hidden, InsufficientRole,
    ValidationFailed.
    """
    case = await locked_case(tx, case_id)
    recipients = set(basis.recipients)
    if not recipients or await agencies.active_among(tx, recipients) != recipients:
        raise ValidationFailed(FieldError("/recipients", "unknown-agency"))
    rows = [sharing.new_basis(tx, basis, recipient) for recipient in basis.recipients]
    await sharing.insert_bases(tx, rows, case_id=case_id, report_id=None)
    record_event(
        tx,
        "consent.granted",
        subject_type="case",
        subject_id=case_id,
        version=case["version"],
        case_id=case_id,
    )
    leave_mark(
        tx,
        "sharing_basis.record",
        subject_type="case",
        subject_id=case_id,
        case_id=case_id,
        facts={"kind": basis.kind, "recipients": sorted(map(str, recipients))},
    )

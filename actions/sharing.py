"""Records why fields of a case may leave, to whom, for what and until when; and ends that at once."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import locked_case
from actions.events import record_event
from db.queries import agencies, cases, sharing
from db.transaction import Tx
from rules.errors import FieldError, Hidden, InvalidTransition, ValidationFailed
from rules.reports import BasisSaid
from rules.rights import Subject
from rules.sharing import GivenBy, check_basis, end_of_basis


async def record_basis(tx: Tx, case_id: UUID, basis: BasisSaid) -> None:
    """One row per recipient. Only the coordinator may. Five statements. Raises Hidden, InsufficientRole,
    ValidationFailed.
    """
    case = await locked_case(tx, case_id)
    await check_bases(tx, (basis,), at="")
    await keep_bases(tx, (basis,), case=case, report_id=None)
    leave_mark(
        tx,
        "sharing_basis.record",
        subject_type="case",
        subject_id=case_id,
        case_id=case_id,
        field_classes=basis.field_classes or (),
        facts={"kind": basis.kind, "purpose": basis.purpose, "recipients": sorted(map(str, basis.recipients))},
    )


async def check_bases(tx: Tx, bases: Sequence[BasisSaid], *, at: str) -> None:
    """Raises ValidationFailed for unknown recipients and for a basis that is no ground between these agencies. One
    statement, none without bases. `at` is where a basis stands in the body."""
    for basis in bases:
        kinds = await agencies.kinds_of_active(tx, basis.recipients) if basis.recipients else {}
        if set(kinds) != set(basis.recipients):
            raise ValidationFailed(FieldError(f"{at}/recipients", "unknown-agency"))
        check_basis(
            basis.kind,
            sender=tx.rights.agency_kind,
            recipients=set(kinds.values()),
            guardian=basis.given_by == GivenBy.guardian,
            at=at,
        )
        end_of_basis(basis.kind, basis.valid_until, now=tx.now, at=at)


async def keep_bases(tx: Tx, bases: Sequence[BasisSaid], *, case: asyncpg.Record, report_id: UUID | None) -> None:
    """Writes checked bases for a case and says so. One statement, none where they name nobody. Raises
    ValidationFailed."""
    rows = [
        sharing.new_basis(tx, basis, recipient, valid_until=end_of_basis(basis.kind, basis.valid_until, now=tx.now))
        for basis in bases
        for recipient in basis.recipients
    ]
    if not rows and report_id is not None:
        return
    if not rows:
        raise ValidationFailed(FieldError("/recipients", "required"))
    await sharing.insert_bases(tx, rows, case_id=case["id"], report_id=report_id)
    _record(tx, "consent.granted", case["id"], case["version"], *(row["recipient_agency_id"] for row in rows))


async def seen_basis(tx: Tx, basis_id: UUID) -> asyncpg.Record:
    """The basis. Raises Hidden, InsufficientRole. One statement."""
    basis = await sharing.find_basis(tx, basis_id)
    if basis is None:
        raise Hidden
    parts = {"recipient"} if basis["recipient_agency_id"] == tx.agency_id else set()
    parts |= {"owner"} if basis["agency_id"] == tx.agency_id else set()
    parts |= {"coordinator"} if basis["coordinator_agency_id"] == tx.agency_id else set()
    require_part(tx, Subject.sharing_basis, parts, erased=basis["erased_at"] is not None)
    return basis


async def withdraw_basis(tx: Tx, basis_id: UUID, *, withdrawn_by: str) -> asyncpg.Record:
    """Ends a basis: whoever recorded it may, and the coordinator. From the commit on nothing leaves under it; what left
    before is not called back. Four statements. Raises Hidden, InsufficientRole, InvalidTransition for a second time.
    """
    basis = await seen_basis(tx, basis_id)
    await cases.lock_case(tx, basis["case_id"])
    if not await sharing.withdraw_basis(tx, basis_id, withdrawn_by):
        raise InvalidTransition(current="withdrawn", allowed=())
    _record(tx, "consent.withdrawn", basis["case_id"], basis["case_version"], basis["recipient_agency_id"])
    leave_mark(
        tx,
        "sharing_basis.withdraw",
        subject_type="sharing_basis",
        subject_id=basis_id,
        case_id=basis["case_id"],
        facts={"by": withdrawn_by, "recipient": str(basis["recipient_agency_id"])},
    )
    return await seen_basis(tx, basis_id)


def _record(tx: Tx, event: str, case_id: UUID, version: int, *recipients: UUID) -> None:
    record_event(
        tx,
        event,
        subject_type="case",
        subject_id=case_id,
        version=version,
        case_id=case_id,
        parties={"other": list(recipients)},
    )

"""case_transfer (主办变更): the coordinator's role on its way from one union to another."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of, sealed, words
from rules.case_transfers import TransferKind, TransferReason, TransferRefusal, TransferStatus
from rules.sharing import BasisKind


class CaseTransfer(SQLModel, table=True):
    """What the union that is to take the case may know before stands here: place, kind, needs, work under way; no
    person. `said` holds text and basis, `answer` what was said to a rejection. `handover` is what stood open when the
    role moved: ids and counts.
    """

    __tablename__ = "case_transfer"
    __table_args__ = (
        CheckConstraint(one_of("kind", *TransferKind), name="case_transfer_kind"),
        CheckConstraint(one_of("status", *TransferStatus), name="case_transfer_status"),
        CheckConstraint(one_of("reason", *TransferReason), name="case_transfer_reason"),
        CheckConstraint(one_of("refusal", *TransferRefusal), name="case_transfer_refusal"),
        CheckConstraint(one_of("basis_kind", *BasisKind), name="case_transfer_basis"),
        CheckConstraint("from_agency_id <> to_agency_id", name="case_transfer_to_another"),
        CheckConstraint("(status = 'accepted') = (handover IS NOT NULL)", name="case_transfer_handed_over"),
        Index("one_open_transfer_per_case", "case_id", unique=True, postgresql_where="status = 'requested'"),
        Index("case_transfer_by_case", "case_id"),
        Index("case_transfer_by_giver", "from_agency_id", "updated_at", "id"),
        Index("case_transfer_by_taker", "to_agency_id", "updated_at", "id"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    kind: str
    status: str
    from_agency_id: UUID = Field(foreign_key="agency.id")
    to_agency_id: UUID = Field(foreign_key="agency.id")
    asking_agency_id: UUID = Field(foreign_key="agency.id")
    reason: str
    basis_kind: str
    said: bytes | None = sealed(nullable=True)
    place: str
    new_place: str | None
    case_kind: str
    needs: list[str] = words()
    open_referrals: int
    refusal: str | None
    answer: bytes | None = sealed(nullable=True)
    handover: dict[str, Any] | None = document(nullable=True)
    created_at: datetime
    updated_at: datetime
    decided_at: datetime | None
    version: int

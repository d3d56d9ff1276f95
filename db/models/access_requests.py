"""access_request (查看申请): one side of a possible match asks the other to show what it holds, for a while."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed, words
from rules.access_requests import KEPT_STATUSES, RefusalReason
from rules.sharing import BasisKind


class AccessRequest(SQLModel, table=True):
    """`said` holds reference and reason, `answer` what was said to a refusal. `expires_at` is in real time: it is an
    access. That a grant has expired is judged whenever it is read. Goes with its candidate in an erasure."""

    __tablename__ = "access_request"
    __table_args__ = (
        CheckConstraint(one_of("status", *KEPT_STATUSES), name="access_request_status"),
        CheckConstraint(one_of("basis_kind", *BasisKind), name="access_request_basis"),
        CheckConstraint(one_of("refusal", *RefusalReason), name="access_request_refusal"),
        CheckConstraint(
            "status <> 'granted' OR (expires_at IS NOT NULL AND cardinality(field_classes) > 0)",
            name="access_request_granted",
        ),
        Index(
            "access_request_once", "candidate_id", "asking_agency_id", unique=True, postgresql_where="status = 'open'"
        ),
        Index("access_request_by_candidate", "candidate_id", "asking_agency_id"),
        Index("access_request_by_asker", "asking_agency_id", "updated_at", "id"),
        Index("access_request_by_holder", "holder_agency_id", "updated_at", "id"),
    )

    id: UUID = key()
    candidate_id: UUID = Field(foreign_key="match_candidate.id", ondelete="CASCADE")
    asking_agency_id: UUID = Field(foreign_key="agency.id")
    holder_agency_id: UUID = Field(foreign_key="agency.id")
    principal_id: UUID
    purpose: str
    basis_kind: str
    said: bytes = sealed()
    status: str
    field_classes: list[str] = words()
    expires_at: datetime | None
    refusal: str | None
    answer: bytes | None = sealed(nullable=True)
    decided_by: UUID | None
    decided_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

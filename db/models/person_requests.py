"""person_request (本人请求): what a person asked about the data held on them, filed by an agency, with its clock."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed
from rules.person_requests import REQUEST_STATUSES, AskedBy, ProofDocument, RequestKind


class PersonRequest(SQLModel, table=True):
    """`agency_id` filed it. `said` holds proof, mandate and words, `answer` what was answered; both go with an erasure,
    the row stays as the proof that the request was answered."""

    __tablename__ = "person_request"
    __table_args__ = (
        CheckConstraint(one_of("kind", *RequestKind), name="person_request_kind"),
        CheckConstraint(one_of("status", *REQUEST_STATUSES), name="person_request_status"),
        CheckConstraint(one_of("asked_by", *AskedBy), name="person_request_asked_by"),
        CheckConstraint(one_of("document", *ProofDocument), name="person_request_document"),
        Index("person_request_by_case", "case_id"),
        Index("person_request_by_agency", "agency_id", "updated_at", "id"),
        Index("person_request_by_decider", "decider_agency_id", "updated_at", "id"),
        Index("person_request_by_coordinator", "coordinator_agency_id", "updated_at", "id"),
        Index("person_request_by_person", "person_id"),
        Index("person_request_due", "next_due", postgresql_where="next_due IS NOT NULL"),
        Index("person_request_provisional", "id", postgresql_where="NOT due_confirmed"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    person_id: UUID | None = Field(foreign_key="person.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    decider_agency_id: UUID = Field(foreign_key="agency.id")
    coordinator_agency_id: UUID = Field(foreign_key="agency.id")
    kind: str
    status: str
    asked_by: str
    document: str | None
    named_agency_id: UUID | None = Field(foreign_key="agency.id")
    recipients: list[UUID] = Field(sa_type=ARRAY(PG_UUID), nullable=False)
    in_error: bool
    said: bytes | None = sealed(nullable=True)
    answer: bytes | None = sealed(nullable=True)
    received_at: datetime
    due_by: datetime
    due_confirmed: bool
    next_due: datetime | None
    overdue: bool
    prolonged: bool
    reason: str | None
    possible_from: date | None
    decided_at: datetime | None
    updated_at: datetime
    version: int

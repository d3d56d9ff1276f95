"""proposal (政策建议): object, means, subject, operating mode and funding source of what a union asks for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of
from rules.matters import Need
from rules.proposals import ProposalStatus, ReplyReason
from rules.results import AdoptionDecision


class Proposal(SQLModel, table=True):
    """An office's own words about a policy; no person. `evidence` holds the counts at the time of sending and never
    changes after. `next_due` is the reply clock until it has fired or the reply is there."""

    __tablename__ = "proposal"
    __table_args__ = (
        CheckConstraint(one_of("need", *Need), name="proposal_need"),
        CheckConstraint(one_of("status", *ProposalStatus), name="proposal_status"),
        CheckConstraint(one_of("decision", *AdoptionDecision), name="proposal_decision"),
        CheckConstraint(one_of("reply_reason", *ReplyReason), name="proposal_reply_reason"),
        CheckConstraint("addressee_agency_id IS NULL OR addressee_name IS NULL", name="proposal_one_addressee"),
        CheckConstraint("(sent_at IS NULL) = (evidence IS NULL)", name="proposal_evidence"),
        CheckConstraint("(status = 'replied') = (decision IS NOT NULL)", name="proposal_replied"),
        CheckConstraint("reply_days BETWEEN 1 AND 250", name="proposal_reply_days"),
        Index("proposal_by_agency", "agency_id", "id"),
        Index("proposal_by_addressee", "addressee_agency_id", "id"),
        Index("proposal_due", "next_due", postgresql_where="next_due IS NOT NULL"),
        Index("proposal_provisional", "id", postgresql_where="next_due IS NOT NULL AND NOT due_confirmed"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    title: str
    need: str
    object: str | None
    means: str | None
    subject: str | None
    operating_mode: str | None
    funding_source: str | None
    addressee_agency_id: UUID | None = Field(foreign_key="agency.id")
    addressee_name: str | None
    reply_days: int
    status: str
    evidence: dict[str, Any] | None = document(nullable=True)
    sent_at: datetime | None
    due_by: datetime | None
    due_confirmed: bool
    next_due: datetime | None
    overdue: bool
    decision: str | None
    reply_reason: str | None
    reply_text: str | None
    replied_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

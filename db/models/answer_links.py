"""answer_link (一次性答复链接): lets an office without a system answer one referral, once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed, words
from rules.answer_links import LinkStep
from rules.referrals import STATUSES


class AnswerLink(SQLModel, table=True):
    """`referral_status` and `return_count` are the state it was made in; `clerk`, whom it is meant for; `answered_by`,
    who said to have answered. `follows` is the link whose answer yielded it. Real time, as a token is.
    """

    __tablename__ = "answer_link"
    __table_args__ = (
        CheckConstraint(one_of("step", *LinkStep), name="answer_link_step"),
        CheckConstraint(one_of("referral_status", *STATUSES), name="answer_link_status"),
        CheckConstraint("(step IS NULL) = (answered_at IS NULL)", name="answer_link_answered_once"),
        Index("answer_link_by_referral", "referral_id", "created_at", "id"),
        Index("answer_link_by_agency", "agency_id"),
        Index("answer_link_by_addressee", "to_agency_id"),
        Index("answer_link_follows", "follows", unique=True, postgresql_where="follows IS NOT NULL"),
    )

    id: UUID = key()
    referral_id: UUID = Field(foreign_key="referral.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    to_agency_id: UUID = Field(foreign_key="agency.id")
    principal_id: UUID
    token_hash: bytes
    steps: list[str] = words()
    referral_status: str
    return_count: int
    clerk: bytes | None = sealed(nullable=True)
    follows: UUID | None = Field(foreign_key="answer_link.id")
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    answered_at: datetime | None
    step: str | None
    answered_by: bytes | None = sealed(nullable=True)

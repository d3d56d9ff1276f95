"""Answers kept so that a repeated request has one effect: written in the business transaction, kept 14 days."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.types import blind, sealed


class IdempotencyRecord(SQLModel, table=True):
    """Scope: client, agency, method, path and key (as one keyed hash). The answer is sealed.

    `case_id`: the case it was about, with which it is erased.
    """

    __tablename__ = "idempotency_record"
    __table_args__ = (
        Index("idempotency_record_by_age", "created_at"),
        Index("idempotency_record_by_case", "case_id", postgresql_where="case_id IS NOT NULL"),
    )

    agency_id: UUID = Field(primary_key=True, foreign_key="agency.id")
    key_hash: bytes = Field(primary_key=True, sa_type=blind().sa_type)
    fingerprint: bytes = blind()
    status: int | None
    answer: bytes | None = sealed(nullable=True, row=None)
    created_at: datetime
    case_id: UUID | None

"""What a person proves to be itself with: password, second factor, recovery codes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from db.types import blind, sealed


class StaffCredential(SQLModel, table=True):
    """One row for each person who was ever invited. `totp_step` is the last time step used: a code works once.

    `version` counts changes of what proves: a sign-in half done before one is not finished after it.
    """

    __tablename__ = "staff_credential"
    __table_args__ = (
        Index("staff_credential_by_agency", "agency_id"),
        Index("staff_credential_by_enrolment", "enrolment_hash", unique=True),
    )

    staff_id: UUID = Field(primary_key=True, foreign_key="staff.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    password_hash: str | None
    totp_secret: bytes | None = sealed(nullable=True, context="staff_credential.totp", row="staff_id")
    totp_pending: bytes | None = sealed(nullable=True, context="staff_credential.totp", row="staff_id")
    totp_step: int = Field(sa_type=BigInteger)
    enrolment_hash: bytes | None = blind(nullable=True)
    enrolment_expires_at: datetime | None
    version: int


class RecoveryCode(SQLModel, table=True):
    """Stands in for the second factor once; kept as a keyed hash."""

    __tablename__ = "recovery_code"
    __table_args__ = (Index("recovery_code_by_agency", "agency_id"),)

    staff_id: UUID = Field(primary_key=True, foreign_key="staff.id")
    code_hash: bytes = Field(primary_key=True, sa_type=blind().sa_type)
    agency_id: UUID = Field(foreign_key="agency.id")
    used_at: datetime | None

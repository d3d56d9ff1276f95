"""staff (人员): a human account of one agency."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.types import key, one_of, words


class Staff(SQLModel, table=True):
    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(one_of("status", "active", "revoked"), name="staff_status"),
        UniqueConstraint("agency_id", "login", name="staff_login"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    login: str
    name: str
    roles: list[str] = words()
    status: str
    created_at: datetime
    revoked_at: datetime | None
    version: int

"""employer (用人单位), by unified social credit code where one is known."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import SQLModel

from db.types import key


class Employer(SQLModel, table=True):
    """Seen only by agencies that see a record or case naming it: that it stands here at all is a fact about
    somebody.
    """

    __tablename__ = "employer"
    __table_args__ = (
        Index("employer_by_credit_code", "credit_code", unique=True, postgresql_where="credit_code IS NOT NULL"),
        Index("employer_by_name", "name"),
    )

    id: UUID = key()
    name: str
    credit_code: str | None
    created_at: datetime

"""employer (用人单位), by organisation code or registration number where one is known; the names it was reported by."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of


class Employer(SQLModel, table=True):
    """Seen only by agencies that see a record or case naming it: that it stands here at all is a fact about
    somebody.

    `organisation` (nine characters) and `registration` (thirteen or fifteen digits) are its anchors. `parent_id`: of
    what it is a `branch`.
    """

    __tablename__ = "employer"
    __table_args__ = (
        Index("employer_by_organisation", "organisation", unique=True, postgresql_where="organisation IS NOT NULL"),
        Index("employer_by_registration", "registration", unique=True, postgresql_where="registration IS NOT NULL"),
        Index("employer_by_parent", "parent_id", postgresql_where="parent_id IS NOT NULL"),
    )

    id: UUID = key()
    name: str
    credit_code: str | None
    created_at: datetime
    organisation: str | None
    registration: str | None
    parent_id: UUID | None = Field(foreign_key="employer.id")
    branch: str | None


class EmployerName(SQLModel, table=True):
    """A name an employer was called by in a county; `former`: a report said that it was called so before, `valid_to`
    when that was said."""

    __tablename__ = "employer_name"
    __table_args__ = (
        CheckConstraint(one_of("source", "reported", "former"), name="employer_name_source"),
        Index("employer_name_by_key", "key", "division"),
    )

    employer_id: UUID = Field(foreign_key="employer.id", primary_key=True)
    key: str = Field(primary_key=True)
    division: str = Field(primary_key=True)
    name: str
    source: str
    valid_from: datetime | None
    valid_to: datetime | None

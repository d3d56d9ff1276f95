"""household (家庭): who lives in the household of one case, as reported."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import one_of


class HouseholdMember(SQLModel, table=True):
    """A person in a case's household. `active` mirrors the case, so that 'one active case per main member' is an
    index.
    """

    __tablename__ = "household_member"
    __table_args__ = (
        CheckConstraint(one_of("role", "main", "member"), name="household_member_role"),
        Index("household_member_by_person", "person_id"),
        Index("household_member_by_record", "record_id"),
        Index(
            "one_active_case_per_main_member",
            "person_id",
            unique=True,
            postgresql_where="role = 'main' AND active",
        ),
    )

    case_id: UUID = Field(primary_key=True, foreign_key="case.id")
    person_id: UUID = Field(primary_key=True, foreign_key="person.id")
    record_id: UUID = Field(foreign_key="person_record.id")
    role: str
    relation: str
    active: bool
    joined_at: datetime

"""honey_case (诱饵个案): the file of an invented person, in which nobody has work: whoever touches it is looked at."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from db.types import key


class HoneyCase(SQLModel, table=True):
    """Which case is one is known to the operator and to the jobs; the application cannot tell."""

    __tablename__ = "honey_case"

    case_id: UUID = Field(primary_key=True, foreign_key="case.id")
    guardian_agency_id: UUID = Field(foreign_key="agency.id")
    marked_at: datetime


class HoneyTouch(SQLModel, table=True):
    """A leaf that was told as a touch: each is told once."""

    __tablename__ = "honey_touch"

    leaf_id: UUID = key()
    told_at: datetime

"""Administrative divisions (行政区划), temporal: a retired code is kept for ever and never reused."""

from datetime import date

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class Division(SQLModel, table=True):
    __tablename__ = "division"
    __table_args__ = (Index("division_by_parent", "parent_code"),)

    code: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date | None
    name: str
    parent_code: str | None
    level: str
    source: str
    as_of: date

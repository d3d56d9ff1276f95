"""matter (事项): a row of the responsibility list. Clocks and texts live in `definition`, read through
rules/matters.py.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.types import document, key, words


class Matter(SQLModel, table=True):
    __tablename__ = "matter"

    code: str = Field(primary_key=True)
    title_zh: str
    title_en: str
    lead_kind: str
    needs: list[str] = words()
    definition: dict[str, Any] = document()


class MatterOverride(SQLModel, table=True):
    """A division's stricter clock for one matter; a looser one is refused by rules/matters.py."""

    __tablename__ = "matter_override"

    matter_code: str = Field(primary_key=True, foreign_key="matter.code")
    division_code: str = Field(primary_key=True)
    clocks: dict[str, Any] = document()
    source: str
    valid_from: date


class Competence(SQLModel, table=True):
    """Which office is competent for a matter in a division and everything below it."""

    __tablename__ = "competence"
    __table_args__ = (
        Index("competence_by_matter", "matter_code", "division_code"),
        Index("competence_by_agency", "agency_id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    matter_code: str = Field(foreign_key="matter.code")
    division_code: str

"""link (关联): a reversible assertion. Person links only in this version of the linker; undone links are kept."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of


class Link(SQLModel, table=True):
    """`decided_by` is the linker's name and version or the staff member; evidence names fields, never values."""

    __tablename__ = "link"
    __table_args__ = (
        CheckConstraint(one_of("kind", "same_person"), name="link_kind"),
        Index("link_by_record", "record_id"),
        Index("link_by_person", "person_id"),
    )

    id: UUID = key()
    kind: str
    record_id: UUID = Field(foreign_key="person_record.id")
    person_id: UUID = Field(foreign_key="person.id")
    evidence: list[dict[str, Any]] = document()
    decided_by: str
    decided_at: datetime
    undone_at: datetime | None

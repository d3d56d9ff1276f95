"""agency (机构): an office at one level. A union's internal departments are agencies below it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of
from rules.matters import AgencyKind

LEVELS = ("national", "province", "city", "county", "township", "enterprise", "workplace")


class Agency(SQLModel, table=True):
    """A public directory entry: names no person and no case. `answers_by_link`: an office without a system of its own,
    which answers referrals through links (answer_link); the operator says so.
    """

    __tablename__ = "agency"
    __table_args__ = (
        CheckConstraint(one_of("kind", *AgencyKind), name="agency_kind"),
        CheckConstraint(one_of("level", *LEVELS), name="agency_level"),
        CheckConstraint(one_of("status", "active", "suspended"), name="agency_status"),
        Index("agency_by_place", "kind", "division_code"),
        Index("agency_by_parent", "parent_id"),
    )

    id: UUID = key()
    code: str = Field(unique=True)
    name: str
    name_en: str
    kind: str
    level: str
    parent_id: UUID | None = Field(foreign_key="agency.id")
    department: bool
    division_code: str
    windows: list[dict[str, str]] = document()
    status: str
    created_at: datetime
    version: int
    answers_by_link: bool = Field(sa_column_kwargs={"server_default": "false"})

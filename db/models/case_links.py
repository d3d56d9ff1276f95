"""case_link (个案关联): an agency's own number of a case, another case, a case on another platform."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import blind, key, one_of, sealed
from rules.case_links import PAIRS, LinkKind, LinkSource, PlatformLevel

_STANDING = "undone_at IS NULL AND erased_at IS NULL"


class CaseLink(SQLModel, table=True):
    """What was said stays; undoing says so beside it. Of two cases the smaller id stands first: a pair is of both.

    Both coordinators are copies of their cases', kept by a trigger, so that policies test a cheap column first. What
    the platform said itself (`source` model) has no agency. An erased case keeps its numbers' rows without any value; a
    pair goes, since it would say who the erased people live or worked with.
    """

    __tablename__ = "case_link"
    __table_args__ = (
        CheckConstraint(one_of("kind", *LinkKind), name="case_link_kind"),
        CheckConstraint(one_of("source", *LinkSource), name="case_link_source"),
        CheckConstraint(one_of("level", *PlatformLevel), name="case_link_level"),
        CheckConstraint("(source = 'model') = (agency_id IS NULL)", name="case_link_said_by_somebody"),
        CheckConstraint(
            f"({one_of('kind', *PAIRS)}) = (other_case_id IS NOT NULL) "
            "AND (other_case_id IS NULL) = (other_coordinator_agency_id IS NULL) "
            "AND coalesce(case_id < other_case_id, true)",
            name="case_link_of_two",
        ),
        Index(
            "case_link_own_once",
            "agency_id",
            "system",
            "number_index",
            unique=True,
            postgresql_where=f"kind = 'own_number' AND {_STANDING}",
        ),
        Index(
            "case_link_pair_once",
            "case_id",
            "other_case_id",
            "kind",
            unique=True,
            postgresql_where=f"other_case_id IS NOT NULL AND {_STANDING}",
        ),
        Index(
            "case_link_elsewhere_once",
            "case_id",
            "division_code",
            "number_index",
            unique=True,
            postgresql_where=f"kind = 'elsewhere' AND {_STANDING}",
        ),
        Index("case_link_by_number", "number_index", postgresql_where="number_index IS NOT NULL"),
        Index("case_link_by_case", "case_id", "said_at", "id"),
        Index(
            "case_link_by_other_case", "other_case_id", "said_at", "id", postgresql_where="other_case_id IS NOT NULL"
        ),
        Index("case_link_by_agency", "agency_id"),
        Index("case_link_by_coordinator", "coordinator_agency_id"),
        Index("case_link_by_other_coordinator", "other_coordinator_agency_id"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    kind: str
    source: str
    other_case_id: UUID | None = Field(foreign_key="case.id")
    coordinator_agency_id: UUID = Field(foreign_key="agency.id")
    other_coordinator_agency_id: UUID | None = Field(foreign_key="agency.id")
    agency_id: UUID | None = Field(foreign_key="agency.id")
    said_by: UUID | None
    said_at: datetime
    system: str | None
    number: bytes | None = sealed(nullable=True)
    number_index: bytes | None = blind(nullable=True)
    index_key: str | None
    division_code: str | None
    level: str | None
    authority: str | None
    url: bytes | None = sealed(nullable=True)
    reason: bytes | None = sealed(nullable=True)
    undone_at: datetime | None
    undone_by: UUID | None
    undone_agency_id: UUID | None = Field(foreign_key="agency.id")
    undo_reason: bytes | None = sealed(nullable=True)
    erased_at: datetime | None
    version: int

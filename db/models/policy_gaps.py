"""policy_gap (政策空白): a need of a case for which no body is competent."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed
from rules.matters import Need
from rules.policy_gaps import GapGround


class PolicyGap(SQLModel, table=True):
    """Recorded once for each need of a case, by the union `agency_id` that coordinated it then, in whose line it is
    counted. `place` is the case's of that day. `text` is sealed, and null once the case was erased."""

    __tablename__ = "policy_gap"
    __table_args__ = (
        CheckConstraint(one_of("need", *Need), name="policy_gap_need"),
        CheckConstraint(one_of("ground", *GapGround), name="policy_gap_ground"),
        Index("one_policy_gap_per_need", "case_id", "need", unique=True),
        Index("policy_gap_by_agency", "agency_id", "need"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    need: str
    matter_code: str | None = Field(foreign_key="matter.code")
    ground: str
    place: str
    text: bytes | None = sealed(nullable=True)
    recorded_at: datetime

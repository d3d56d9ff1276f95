"""policy_gap: a need for which no body is competent, and how many there are."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from api.params import CodeText, LongText
from api.schemas.base import StrictModel
from rules.matters import Need
from rules.policy_gaps import GapGround


class GapIn(StrictModel):
    """`matter`: the one by which it was tried; left out, all that answer the need are looked at."""

    need: Need
    matter: CodeText | None = None
    ground: GapGround
    text: LongText


class GapShown(BaseModel):
    id: UUID
    case_id: UUID
    need: str
    matter: str | None
    ground: str
    place: str
    text: str
    recorded_at: datetime


class Gaps(BaseModel):
    data: list[GapShown]


class GapCount(BaseModel):
    """`gaps`: null where there are fewer than five."""

    need: str
    place: str
    ground: str
    gaps: int | None


class GapCounts(BaseModel):
    data: list[GapCount]

"""match_candidate: a possible match, as the coordinators of its cases may know it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import Day, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.match_candidates import STATUSES, DifferenceReason


class MatchStatus(StrEnum):
    open = "open"
    confirmed = "confirmed"
    not_duplicate = "not_duplicate"
    undone = "undone"


assert tuple(MatchStatus) == STATUSES


class MatchRow(BaseModel):
    """One of the queue. `case_id` is the caller's own, `other_case_id` only where it coordinates both; `holder`, whom
    to ask, coordinates the other side. `position` is where it stands in the queue."""

    id: UUID
    band: str
    status: str
    due_at: datetime
    created_at: datetime
    overdue: bool
    case_id: UUID
    other_case_id: UUID | None
    holder: AgencyName
    comparable: bool
    version: int
    position: datetime


class MatchPerson(BaseModel):
    """Name, sex, birth_date, id_type, id_number, phones, division_code, address, employer_name, masked as a case's
    file is: absent keys are classes that are not open."""

    model_config = {"extra": "allow"}


class MatchSide(BaseModel):
    """One description. `own`: of a case the caller coordinates. `household_size` with class family."""

    own: bool
    person: MatchPerson
    household_size: int | None


class MatchLevel(BaseModel):
    """How far the two agreed in one comparison, as a code."""

    comparison: str
    level: str


class MatchTerm(BaseModel):
    """One summand of the weight, in bits as decimal digits; `rarity`: how many of them a rare or common value moved."""

    comparison: str
    level: str
    weight: str
    rarity: str
    comparison_zh: str
    level_zh: str
    comparison_en: str
    level_en: str


class MatchAccess(BaseModel):
    """The grant that opens the other side, and until when."""

    request_id: UUID
    expires_at: datetime


class MatchComparison(BaseModel):
    """Side by side. `terms` sum to `weight`; both are null for a grant: they would tell of closed classes."""

    sides: list[MatchSide]
    field_classes: list[str]
    levels: list[MatchLevel]
    weight: str | None
    terms: list[MatchTerm] | None
    guards: list[str] | None
    access: MatchAccess | None


class MatchShown(BaseModel):
    """A possible match. Whoever coordinates one side learns its band, since which quarter, and whom to ask;
    `comparison` is null until the holder grants it. `reason` for the side that decided."""

    id: UUID
    band: str
    status: str
    since_quarter: str
    due_at: datetime
    case_id: UUID
    other_case_id: UUID | None
    holder: AgencyName
    comparable: bool
    comparison: MatchComparison | None
    decided_by: AgencyName | None
    decided_at: datetime | None
    reason: str | None
    until: datetime | None
    version: int


class NotDuplicateIn(StrictModel):
    """Why they are two people. `until`: the day in Shanghai on which the decision lapses: the match is open again."""

    reason: DifferenceReason
    until: Day | None = None


class BulkDecision(StrEnum):
    not_duplicate = "not_duplicate"


class BulkDecisionIn(StrictModel):
    """Decides open matches of one source at once: those whose later report `source_system` (of `agency`) filed and both
    sides of which the caller coordinates."""

    source_system: ShortText
    agency: Uuid | None = None
    decision: BulkDecision
    reason: DifferenceReason
    until: Day | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=200)] = 200


class BulkDecided(BaseModel):
    """How many were decided. Send it again, under a new key, until it is 0."""

    decided: int

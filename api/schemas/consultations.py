"""consultation: a draft, who drafted it, whether the union was asked, what it said and what became of that."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from api.params import Day, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from rules.consultations import DraftKind
from rules.results import AdoptionDecision


class HearingIn(StrictModel):
    """The drafter is an agency, or the name of a body outside. Without `asked_on` the union was not asked; an opinion
    has its day; `adoption` is of that opinion, with a reason unless it was adopted."""

    drafter_agency: Uuid | None = None
    drafter_name: ShortText | None = None
    asked_on: Day | None = None
    opinion_due: Day | None = None
    attended: bool = False
    opinion: LongText | None = None
    opinion_on: Day | None = None
    adoption: AdoptionDecision | None = None
    adoption_reason: LongText | None = None


class ConsultationIn(HearingIn):
    """`learned_on`: the day on which the union came to know of the draft."""

    title: ShortText
    kind: DraftKind
    learned_on: Day


class ConsultationChange(HearingIn):
    """A merge patch."""

    title: ShortText = ""
    kind: DraftKind = DraftKind.rule


class ConsultationShown(BaseModel):
    """`missing_participation`: the union was not asked. `opinion_overdue`: its opinion was due and is not there."""

    id: UUID
    title: str
    kind: str
    drafter_agency: UUID | None
    drafter_name: str
    learned_on: date
    asked_on: date | None
    missing_participation: bool
    opinion_due: date | None
    opinion_overdue: bool
    attended: bool
    opinion: str | None
    opinion_on: date | None
    adoption: str | None
    adoption_reason: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class DrafterCount(BaseModel):
    drafter_agency: UUID | None
    drafter_name: str
    drafts: int
    not_asked: int
    attended: int
    opinions: int
    adopted: int
    partly: int
    not_adopted: int


class DrafterCounts(BaseModel):
    data: list[DrafterCount]

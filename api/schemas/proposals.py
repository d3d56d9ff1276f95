"""proposal: five facets, an addressee, what it rests on, and the reply."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.matters import Need
from rules.proposals import REPLY_DAYS, ReplyReason
from rules.results import AdoptionDecision

ReplyDays = Annotated[int, Field(strict=True, ge=1, le=250, description="working days for the reply, from the sending")]


class ProposalPart(StrEnum):
    owner = "owner"
    addressee = "addressee"


class FacetsIn(StrictModel):
    """What is asked for: for whom (`object`), by which means, by which body (`subject`), how it is run, who pays. A
    draft may lack some; sending needs all. The addressee is an agency, or the name of a body outside the platform."""

    object: LongText | None = None
    means: LongText | None = None
    subject: LongText | None = None
    operating_mode: LongText | None = None
    funding_source: LongText | None = None
    addressee_agency: Uuid | None = None
    addressee_name: ShortText | None = None


class ProposalIn(FacetsIn):
    title: ShortText
    need: Need
    reply_days: ReplyDays = REPLY_DAYS


class ProposalChange(FacetsIn):
    """A merge patch of a draft; null takes a facet or the addressee away."""

    title: ShortText = ""
    need: Need = Need.living
    reply_days: ReplyDays = REPLY_DAYS


class ProposalStepIn(StrictModel):
    """The words of a reply: decision and text, and unless it is adopted the reason. Nothing with another step."""

    decision: AdoptionDecision | None = None
    reason: ReplyReason | None = None
    text: LongText | None = None


class GapsByGround(BaseModel):
    no_matter: int | None
    no_competent_agency: int | None
    disputed: int | None


class EvidenceShown(BaseModel):
    """Counts of the day it was sent, of the union and those below it: open cases with the need, and policy gaps. Null:
    fewer than five."""

    cases: int | None
    gaps: GapsByGround


class ReplyShown(BaseModel):
    decision: str
    reason: str | None
    text: str
    replied_at: datetime


class ProposalShown(BaseModel):
    """`due_by`: when the reply is due; `overdue`: it was not there by then."""

    id: UUID
    union: AgencyName
    title: str
    need: str
    object: str | None
    means: str | None
    subject: str | None
    operating_mode: str | None
    funding_source: str | None
    addressee_agency: UUID | None
    addressee_name: str | None
    reply_days: int
    status: str
    evidence: EvidenceShown | None
    sent_at: datetime | None
    due_by: datetime | None
    due_confirmed: bool
    overdue: bool
    reply: ReplyShown | None
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_steps: list[str]

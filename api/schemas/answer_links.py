"""answer_link: what is asked for when one is made, and what its makers see of it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from actions.answer_links import LinkSaid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.answer_links import DEFAULT_DAYS, MAX_DAYS, LinkStep

ClerkName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=50, pattern=r"\S")]
Days = Annotated[int, Field(strict=True, ge=1, le=MAX_DAYS)]
Steps = Annotated[list[LinkStep], Field(min_length=1, max_length=len(LinkStep))]


class AnswerLinkIn(StrictModel):
    """`clerk` is whom the link is meant for, shown on its page; `days`, how long it stands."""

    steps: Steps = Field(default_factory=lambda: list(LinkStep))
    clerk: ClerkName | None = None
    days: Days = DEFAULT_DAYS

    def said(self) -> LinkSaid:
        return LinkSaid(tuple(step.value for step in LinkStep if step in self.steps), self.clerk, self.days)


class AnswerLinkShown(BaseModel):
    """A link without its secret. `step` and `answered_by`: what it was spent on, and who said to have answered;
    `follows`: the link whose answer yielded it."""

    id: UUID
    referral_id: UUID
    status: str
    made_by: AgencyName
    to_agency: AgencyName
    steps: list[str]
    clerk: str | None
    follows: UUID | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    answered_at: datetime | None
    step: str | None
    answered_by: str | None


class AnswerLinkMade(AnswerLinkShown):
    """`url` is shown this once: send it by letter, message or in person, to the addressee and nobody else."""

    url: str


class AnswerLinks(BaseModel):
    data: list[AnswerLinkShown]

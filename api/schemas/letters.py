"""letter (一函两书): hint, opinion, proposal, and what came of them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.letters import LetterKind, Violation


class LetterIn(StrictModel):
    """What a union writes. `employer`: where the case itself is about none. An opinion may follow a hint; a proposal
    follows an opinion, goes `to_agency`, the labour department, and may be copied to a procuratorate."""

    kind: LetterKind
    employer: ShortText | None = None
    violations: Annotated[list[Violation], Field(min_length=1, max_length=8)]
    workers: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    facts: LongText
    demands: LongText
    follows: Uuid | None = None
    to_agency: Uuid | None = None
    copy_to: Uuid | None = None


class LetterStepIn(StrictModel):
    """`text` with everything but `file` and `record_correction`; `filing_number` with `file`."""

    text: LongText | None = None
    filing_number: ShortText | None = None


class LetterRow(BaseModel):
    """A letter without its words. `case_id` is null for whoever sees no case. `ground`: what the employer did with the
    opinion. `due_by`: the reply to an opinion, the filing of a proposal."""

    id: UUID
    case_id: UUID | None
    kind: str
    status: str
    number: str
    follows: UUID | None
    ground: str | None
    author: AgencyName
    employer: str
    to_agency: AgencyName | None
    copy_to: AgencyName | None
    place: str
    violations: list[str]
    workers: int
    filing_number: str | None
    due_by: datetime | None
    due_confirmed: bool
    overdue: bool
    answered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class LetterShown(LetterRow):
    """With what the caller may do now."""

    allowed_steps: list[str]


class AnswerShown(BaseModel):
    """What was said with one step."""

    step: str
    at: datetime
    text: str


class LetterOpened(LetterShown):
    """With its words; null once the case was erased."""

    facts: str | None
    demands: str | None
    answers: list[AnswerShown]

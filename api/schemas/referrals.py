"""referral: asking one office to handle one matter, and every step of it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from actions.referral_steps import StepSaid
from actions.referrals import ReferralSaid
from actions.results import AdoptionSaid, AssistanceSaid, ResultSaid
from api.params import CodeText, Count, Day, Fen, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName, PersonShown
from api.schemas.reports import Caution
from rules.matters import AgencyKind, Need, Urgency
from rules.referrals import StepWords
from rules.results import AdoptionDecision, AdoptionReason, AssistanceKind, Depth, ResultKind, WithdrawalReason


class ReferralIn(StrictModel):
    """`to_agency` null: the open pool of competent offices, first acceptance wins. `joint`: the coordinator's parent of
    several referrals (联合救助), addressed to nobody, which completes when the last of them ends."""

    matter: CodeText
    to_agency: Uuid | None = None
    need: Need | None = None
    note: LongText | None = None
    part_of: Uuid | None = None
    reopens: Uuid | None = None
    urgency: Urgency = Urgency.normal
    draft: bool = False
    joint: bool = False

    def said(self) -> ReferralSaid:
        return ReferralSaid(
            matter=self.matter,
            to_agency=self.to_agency,
            need=self.need.value if self.need else None,
            note=self.note,
            part_of=self.part_of,
            reopens=self.reopens,
            urgency=self.urgency.value,
            draft=self.draft,
            joint=self.joint,
        )


class Box(StrEnum):
    """in: addressed or offered to the caller; out: sent by it."""

    in_ = "in"
    out = "out"


class ReferralStatus(StrEnum):
    draft = "draft"
    requested = "requested"
    returned = "returned"
    accepted = "accepted"
    in_progress = "in_progress"
    on_hold = "on_hold"
    completed = "completed"
    rejected = "rejected"
    cancelled = "cancelled"
    failed = "failed"
    expired = "expired"
    entered_in_error = "entered_in_error"


class StepName(StrEnum):
    send = "send"
    receive = "receive"
    accept = "accept"
    reject = "reject"
    return_ = "return"
    resubmit = "resubmit"
    start = "start"
    hold = "hold"
    resume = "resume"
    extend = "extend"
    dispute = "dispute"
    complete = "complete"
    fail = "fail"
    cancel = "cancel"
    void = "void"


class Outcome(StrEnum):
    met = "met"
    partly_met = "partly_met"
    not_met = "not_met"
    enrolled = "enrolled"
    not_enrolled = "not_enrolled"
    waitlisted = "waitlisted"


def _check_order(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and last < first:
        raise PydanticCustomError("ends-before-it-begins", "it ends before it begins")


class ResultIn(StrictModel):
    """A `recognition` is reusable: others adopt it without a second check."""

    kind: ResultKind
    code: CodeText
    text: LongText | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.valid_from, self.valid_to)
        return self

    def said(self) -> ResultSaid:
        return ResultSaid(self.kind.value, self.code, self.text, self.valid_from, self.valid_to)


class AssistanceIn(StrictModel):
    """One help given: an amount in fen, or a quantity with its unit."""

    kind: AssistanceKind
    depth: Depth
    amount_fen: Fen | None = None
    quantity: Annotated[Count, Field(ge=1, le=1_000_000)] | None = None
    unit: ShortText | None = None
    period_from: Day | None = None
    period_to: Day | None = None
    source: ShortText

    @model_validator(mode="after")
    def _measured_and_in_order(self) -> Self:
        if self.amount_fen is None and self.quantity is None:
            raise PydanticCustomError("amount-or-quantity-required", "an amount or a quantity is needed")
        _check_order(self.period_from, self.period_to)
        return self

    def said(self) -> AssistanceSaid:
        return AssistanceSaid(
            kind=self.kind.value,
            depth=self.depth.value,
            amount_fen=self.amount_fen,
            quantity=self.quantity,
            unit=self.unit,
            period_from=self.period_from,
            period_to=self.period_to,
            source=self.source,
        )


class StepIn(StrictModel):
    """What a step brings. Negative and pausing steps: `reason` and `text`; `not_competent` also whose it is and why;
    `return` for missing documents: which; `extend`: the post that approved it; `complete`: an outcome, and the result
    and the help given."""

    reason: CodeText | None = None
    text: LongText | None = None
    missing: Annotated[list[ShortText], Field(max_length=50, default_factory=list)]
    competent_agency_kind: AgencyKind | None = None
    legal_basis: ShortText | None = None
    approved_by: ShortText | None = None
    outcome: Outcome | None = None
    result: ResultIn | None = None
    assistance: Annotated[list[AssistanceIn], Field(max_length=50, default_factory=list)]

    def said(self) -> StepSaid:
        words = StepWords(
            reason=self.reason,
            text=self.text,
            missing=tuple(self.missing),
            competent_agency_kind=self.competent_agency_kind.value if self.competent_agency_kind else None,
            legal_basis=self.legal_basis,
            approved_by=self.approved_by,
            outcome=self.outcome.value if self.outcome else None,
            also=(*(("result",) if self.result else ()), *(("assistance",) if self.assistance else ())),
        )
        return StepSaid(
            words,
            self.result.said() if self.result else None,
            tuple(given.said() for given in self.assistance),
        )


class MatterTitle(BaseModel):
    code: str
    title_zh: str
    title_en: str


class Preview(BaseModel):
    """What an office sees before it accepts: no identity."""

    need: str
    place: str
    urgency: str
    age_band: str


class DisclosureShown(BaseModel):
    """What the matter lets this office see, under which basis, or why it is only the preview."""

    field_classes: list[str]
    basis: str | None
    missing: str | None


class ReferralShown(BaseModel):
    """A referral as its party may see it. `case_id` and `note` are null in a receiver's preview. `assigned`: a joint
    conference decided that it is this office's; whose it is can be disputed no more."""

    id: UUID
    status: str
    case_id: UUID | None
    matter: MatterTitle
    need: str
    urgency: str
    sender: AgencyName
    to_agency: AgencyName | None
    pooled: bool
    joint: bool
    assigned: bool
    part_of: UUID | None
    reopens: UUID | None
    preview: Preview
    note: str | None
    acknowledge_by: datetime | None
    accept_by: datetime | None
    resolve_by: datetime | None
    due_confirmed: bool
    overdue: list[str]
    requested_at: datetime | None
    received_at: datetime | None
    accepted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    allowed_steps: list[str]
    version: int


class ReferralRequested(ReferralShown):
    warnings: list[Caution]


class StepTaken(BaseModel):
    """A step as it was taken; its words are for the parties."""

    step: str
    from_status: str
    to_status: str
    agency: AgencyName
    at: datetime
    reason: str | None
    text: str | None
    missing: list[str]
    competent_agency_kind: str | None
    legal_basis: str | None
    approved_by: str | None
    outcome: str | None
    deadlines: dict[str, dict[str, str | None]]


class ReferralRead(ReferralShown):
    """The referral with its history; `people` in the matter's minimum fields for a receiver under a recorded basis."""

    steps: list[StepTaken]
    disclosure: DisclosureShown | None
    people: list[PersonShown] | None


class ReferralRow(BaseModel):
    id: UUID
    case_id: UUID | None
    matter: str
    need: str
    status: str
    urgency: str
    place: str
    age_band: str
    pooled: bool
    joint: bool
    sender: AgencyName
    to_agency: AgencyName | None
    acknowledge_by: datetime | None
    accept_by: datetime | None
    resolve_by: datetime | None
    due_confirmed: bool
    overdue: list[str]
    part_of: UUID | None
    outcome: str | None
    updated_at: datetime
    version: int


class Referrals(BaseModel):
    data: list[ReferralRow]


class ResultShown(BaseModel):
    """A shared result. `text` is null where it belongs to a compartment the caller may not read. `withdrawal`: why it
    does not stand any more."""

    id: UUID
    case_id: UUID
    referral_id: UUID | None
    agency: AgencyName
    matter: str
    kind: str
    code: str
    text: str | None
    valid_from: date | None
    valid_to: date | None
    shared_at: datetime
    version: int
    withdrawal: str | None
    withdrawn_at: datetime | None


class ResultWithdrawnIn(StrictModel):
    reason: WithdrawalReason


class Results(BaseModel):
    data: list[ResultShown]


class AdoptionIn(StrictModel):
    """`partly` and `not_adopted` need a reason, in a code and in words."""

    decision: AdoptionDecision
    reason_code: AdoptionReason | None = None
    reason: LongText | None = None

    def said(self) -> AdoptionSaid:
        return AdoptionSaid(self.decision.value, self.reason_code and self.reason_code.value, self.reason)


class AdoptionShown(BaseModel):
    id: UUID
    decision: str
    adopted_at: datetime


class AdoptionRow(BaseModel):
    agency: AgencyName
    decision: str
    reason_code: str | None
    reason: str | None
    adopted_at: datetime


class Adoptions(BaseModel):
    data: list[AdoptionRow]


class AssistanceShown(BaseModel):
    id: UUID
    referral_id: UUID | None
    agency: AgencyName
    kind: str
    depth: str
    amount_fen: int | None
    quantity: int | None
    unit: str | None
    period_from: date | None
    period_to: date | None
    source: str
    recorded_at: datetime


class AssistanceList(BaseModel):
    data: list[AssistanceShown]

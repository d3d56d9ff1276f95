"""sharing_basis, impact_assessment, break_glass, reveal: why fields may leave, and what was opened without a basis."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import CodeText, Instant, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName, PersonShown
from rules.break_glass import Danger, Verdict
from rules.field_classes import FieldClass
from rules.revealing import Reason, Revealable
from rules.sharing import WithdrawnBy


class SharingBasisShown(BaseModel):
    """`field_classes` null: whatever the minimum set of the matter holds. The reference is not shown: it may name
    somebody."""

    id: UUID
    recorded_by: AgencyName
    recipient: AgencyName
    kind: str
    purpose: str
    field_classes: list[str] | None
    text_version: str | None
    channel: str | None
    given_by: str | None
    valid_from: datetime
    valid_until: datetime | None
    recorded_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None


class SharingBases(BaseModel):
    data: list[SharingBasisShown]


class WithdrawalIn(StrictModel):
    """Who takes it back: the person, a guardian, or the agency itself because the ground is gone."""

    withdrawn_by: WithdrawnBy


class PeopleOfReferral(BaseModel):
    """The people of a referral's case in the classes that are open to its receiver. `withheld`: children under 14 whose
    guardian has not consented."""

    field_classes: list[str]
    basis: str
    people: list[PersonShown]
    withheld: int


class AssessmentIn(StrictModel):
    """What was assessed before sharing begins (个人信息保护法 arts. 55, 56): which matters and classes, what is done
    about the risks, by whom, for how long it holds."""

    title: ShortText
    matters: Annotated[list[CodeText], Field(min_length=1, max_length=100)]
    field_classes: Annotated[list[FieldClass], Field(min_length=1, max_length=9)]
    measures: LongText
    assessed_by: ShortText
    valid_from: Instant
    valid_until: Instant


class AssessmentShown(BaseModel):
    id: UUID
    agency: AgencyName
    title: str
    matters: list[str]
    field_classes: list[str]
    measures: str
    assessed_by: str
    valid_from: datetime
    valid_until: datetime
    recorded_at: datetime
    revoked_at: datetime | None


class BreakGlassIn(StrictModel):
    """An emergency: what is in danger, in words too, and for how many hours the file is needed."""

    danger: Danger
    text: Annotated[LongText, Field(min_length=10)]
    hours: Annotated[int, Field(ge=1, le=24)]


class ReviewIn(StrictModel):
    verdict: Verdict
    text: LongText


class BreakGlassShown(BaseModel):
    """`text` and `review_text` are for who opened, the coordinator and those above it, who alone see this at all."""

    id: UUID
    case_id: UUID
    agency: AgencyName
    danger: str
    text: str
    opened_at: datetime
    ends_at: datetime
    review_by: datetime
    reviewed_at: datetime | None
    verdict: str | None
    review_text: str | None


class BreakGlassUses(BaseModel):
    data: list[BreakGlassShown]


class RevealIn(StrictModel):
    """Which masked values of whom are needed in full, and why. A receiver names its referral."""

    person_id: Uuid
    fields: Annotated[list[Revealable], Field(min_length=1, max_length=3)]
    reason: Reason
    referral_id: Uuid | None = None


class Revealed(BaseModel):
    """Only what was asked for; the others are null. Shown once: a repeat is another reveal."""

    person_id: UUID
    id_number: str | None
    phones: list[str] | None
    bank_account: str | None
    leaf_id: UUID

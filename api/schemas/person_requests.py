"""person_request: what a person asked about the data held on them, and how it was answered."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.params import CodeText, Day, DivisionCode, Fen, Instant, JsonObject, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from api.schemas.reports import PersonName, SexSaid
from rules.corrections import FIELDS, CorrectionSaid
from rules.person_requests import AskedBy, MandateKind, ProofDocument, RequestKind
from rules.reports import IdType
from rules.sharing import BasisKind

LastFour = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-Za-z]{4}$")]


class RequestStatus(StrEnum):
    received = "received"
    in_review = "in_review"
    fulfilled = "fulfilled"
    partly_fulfilled = "partly_fulfilled"
    refused = "refused"
    withdrawn = "withdrawn"


class ProofIn(StrictModel):
    """What document was seen, by whom and when. Its last four characters only; `seen_by` is a pseudonym."""

    document: ProofDocument
    last_four: LastFour | None = None
    seen_by: CodeText
    seen_at: Instant


class MandateIn(StrictModel):
    """Why somebody may ask for another: a guardian, an agent, an heir."""

    kind: MandateKind
    reference: ShortText


class CorrectionIn(StrictModel):
    """The right values. `id_type` and `id_number` go together."""

    name: PersonName | None = None
    sex: SexSaid | None = None
    birth_date: Day | None = None
    id_type: IdType | None = None
    id_number: ShortText | None = None
    phones: Annotated[list[ShortText], Field(max_length=10, default_factory=list)]
    address: ShortText | None = None
    division_code: DivisionCode | None = None
    employment_status: CodeText | None = None
    health: CodeText | None = None
    monthly_income_fen: Fen | None = None

    def said(self) -> CorrectionSaid:
        return CorrectionSaid(
            name=self.name,
            sex=self.sex.value if self.sex else None,
            birth_date=self.birth_date,
            id_type=self.id_type.value if self.id_type else None,
            id_number=self.id_number,
            phones=tuple(self.phones),
            address=self.address,
            division_code=self.division_code,
            employment_status=self.employment_status,
            health=self.health,
            monthly_income_fen=self.monthly_income_fen,
        )


class PersonRequestIn(StrictModel):
    """A request as filed, with the proof of who asks. `asked_by` is `duty`, without proof, where nobody asked: the
    coordinator erases because the period of retention is over. `person_id` is a member of the case's household, the
    main one where none is named. `correction` and `reporting_agency` (whose record it is) go with a correction,
    `recipients` (none: everybody) with an objection, `entered_in_error` with an erasure."""

    kind: RequestKind
    asked_by: AskedBy = AskedBy.person
    proof: ProofIn | None = None
    mandate: MandateIn | None = None
    person_id: Uuid | None = None
    text: LongText | None = None
    correction: CorrectionIn | None = None
    reporting_agency: Uuid | None = None
    recipients: Annotated[list[Uuid], Field(max_length=50, default_factory=list)]
    entered_in_error: bool = False


class RequestStepName(StrEnum):
    review = "review"
    extend = "extend"
    fulfil = "fulfil"
    partly_fulfil = "partly_fulfil"
    refuse = "refuse"
    withdraw = "withdraw"


class CorrectedField(StrEnum):
    name = "name"
    sex = "sex"
    birth_date = "birth_date"
    identity = "identity"
    phones = "phones"
    address = "address"
    division_code = "division_code"
    employment_status = "employment_status"
    health = "health"
    monthly_income_fen = "monthly_income_fen"


assert tuple(CorrectedField) == FIELDS


class PersonRequestStepIn(StrictModel):
    """What a step brings. `reason` and `text` with refuse, partly_fulfil and extend; `fields` with a correction that is
    confirmed in part; `hand_to` with review of a correction; `end_bases` with an objection (only consent unless said).
    """

    reason: CodeText | None = None
    text: LongText | None = None
    fields: Annotated[list[CorrectedField], Field(max_length=len(FIELDS), default_factory=list)]
    hand_to: Uuid | None = None
    end_bases: Annotated[list[BasisKind], Field(max_length=3, default_factory=list)]


class PersonRequestShown(BaseModel):
    """A request without words, proof and mandate. `person_id` for the coordinator and whoever decides. `due_source` is
    law where an article gives the figure, default where it is this system's own. `possible_from`: the day from which
    what was asked to be erased may be."""

    id: UUID
    case_id: UUID
    person_id: UUID | None
    kind: str
    status: str
    asked_by: str
    filed_by: AgencyName
    decided_by: AgencyName
    parts: list[str]
    recipients: list[UUID]
    entered_in_error: bool
    received_at: datetime
    due_by: datetime
    due_confirmed: bool
    due_source: str
    extended: bool
    overdue: bool
    reason: str | None
    possible_from: date | None
    decided_at: datetime | None
    allowed_steps: list[str]
    version: int


class PersonRequestOpened(PersonRequestShown):
    """With what was said and answered; both are null once erased."""

    document: str | None
    said: JsonObject | None
    answer: JsonObject | None


class PersonRequestRow(BaseModel):
    id: UUID
    case_id: UUID
    kind: str
    status: str
    asked_by: str
    agency_id: UUID
    filer_name: str
    decider_agency_id: UUID
    decider_name: str
    received_at: datetime
    due_by: datetime
    due_confirmed: bool
    overdue: bool
    updated_at: datetime
    version: int


class AccessShown(BaseModel):
    """One entry of the log of accesses, for the person: the agency, never its staff. `by` is `program` for what the
    clock did in an agency's name."""

    id: UUID
    at: datetime
    agency: AgencyName
    agency_kind: str
    by: str
    operation: str
    operation_zh: str
    operation_en: str
    read: bool
    field_classes: list[str]
    purpose: str | None


class PersonDocument(BaseModel):
    """What answers a request for the accesses or for a copy: everything held, other people masked. Beyond the head its
    parts follow what is held."""

    model_config = {"extra": "allow"}

    kind: str
    request: JsonObject
    made_at: datetime
    case: JsonObject

"""report: what crosses the wire when a worker in trouble is reported."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.params import CodeText, Day, DivisionCode, Fen, Instant, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from rules.matters import Need, Urgency
from rules.reports import (
    AddressSaid,
    BasisKind,
    BasisSaid,
    Channel,
    EmployerSaid,
    IdType,
    PersonSaid,
    Relation,
    ReportSaid,
)

PersonName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=50, pattern=r"\S")]
Cause = Annotated[str, StringConstraints(strict=True, pattern=r"^(?:[1-9]|10)$")]


class SexSaid(StrEnum):
    male = "male"
    female = "female"
    unknown = "unknown"


class SourceIn(StrictModel):
    """The sender's own system and record: the same pair is filed once."""

    system: CodeText
    record_id: CodeText


class AddressIn(StrictModel):
    division_code: DivisionCode | None = None
    detail: ShortText | None = None


class EmployerIn(StrictModel):
    name: ShortText
    uscc: ShortText | None = None

    def said(self) -> EmployerSaid:
        return EmployerSaid(self.name.strip(), self.uscc)


class AsReceivedIn(StrictModel):
    """What the sender only has in doubtful form; kept verbatim, normalised for linking only."""

    id_number: ShortText | None = None
    birth_date: ShortText | None = None
    phone: ShortText | None = None
    name: ShortText | None = None
    address: ShortText | None = None
    employer: ShortText | None = None


class PersonIn(StrictModel):
    name: PersonName
    id_type: IdType = IdType.none
    id_number: ShortText | None = None
    sex: SexSaid | None = None
    birth_date: Day | None = None
    phones: Annotated[list[ShortText], Field(max_length=10, default_factory=list)]
    address: AddressIn | None = None
    employment_status: CodeText | None = None
    employer: EmployerIn | None = None
    health: CodeText | None = None
    monthly_income_fen: Fen | None = None
    as_received: AsReceivedIn | None = None

    def said(self, relation: str = "self") -> PersonSaid:
        return PersonSaid(
            name=self.name,
            id_type=self.id_type.value,
            id_number=self.id_number,
            sex=None if self.sex in (None, SexSaid.unknown) else self.sex.value,
            birth_date=self.birth_date,
            phones=tuple(self.phones),
            address=AddressSaid(self.address.division_code, self.address.detail) if self.address else None,
            employment_status=self.employment_status,
            employer=self.employer.said() if self.employer else None,
            relation=relation,
            health=self.health,
            as_received=self.as_received.model_dump(exclude_none=True) if self.as_received else {},
            details={"monthly_income_fen": self.monthly_income_fen},
        )


class MemberIn(PersonIn):
    relation: Relation


class CausesIn(StrictModel):
    """Codes of the official form: one primary, up to three secondary."""

    primary: Cause
    secondary: Annotated[list[Cause], Field(max_length=3, default_factory=list)]


class SharingBasisIn(StrictModel):
    """Why fields may go to the recipients; consent is per recipient agency."""

    kind: BasisKind
    reference: ShortText
    recipients: Annotated[list[Uuid], Field(max_length=50)]
    valid_until: Instant | None = None

    def said(self) -> BasisSaid:
        return BasisSaid(self.kind.value, self.reference, tuple(dict.fromkeys(self.recipients)), self.valid_until)


class ReportIn(StrictModel):
    """`person`, or `employer` alone for a matter of many workers. `id` may be the client's own UUIDv7."""

    id: Uuid | None = None
    source: SourceIn
    aware_at: Instant
    aware_by: ShortText | None = None
    channel: Channel
    urgency: Urgency = Urgency.normal
    person: PersonIn | None = None
    employer: EmployerIn | None = None
    household: Annotated[list[MemberIn], Field(max_length=30, default_factory=list)]
    causes: CausesIn | None = None
    needs: Annotated[list[Need], Field(max_length=15, default_factory=list)]
    narrative: LongText | None = None
    sharing_basis: SharingBasisIn | None = None

    def said(self) -> ReportSaid:
        return ReportSaid(
            id=self.id,
            source_system=self.source.system,
            source_record_id=self.source.record_id,
            aware_at=self.aware_at,
            aware_by=self.aware_by,
            channel=self.channel.value,
            urgency=self.urgency.value,
            person=self.person.said() if self.person else None,
            household=tuple(member.said(member.relation.value) for member in self.household),
            employer=self.employer.said() if self.employer else None,
            cause_primary=self.causes.primary if self.causes else None,
            causes_secondary=tuple(self.causes.secondary) if self.causes else (),
            needs=tuple(dict.fromkeys(need.value for need in self.needs)),
            bases=(self.sharing_basis.said(),) if self.sharing_basis else (),
        )


class Caution(BaseModel):
    pointer: str
    code: str
    detail: str


class CaseOfReport(BaseModel):
    id: UUID
    number: str
    opened: bool


class Linkage(BaseModel):
    """Never more than linked or new: a score would betray a hidden record."""

    decision: str


class LeafReceipt(BaseModel):
    leaf_id: UUID
    body_sha256: str


class ReportReceipt(BaseModel):
    id: UUID
    reported_at: datetime
    case: CaseOfReport
    linkage: Linkage
    receipt: LeafReceipt
    warnings: list[Caution]


class ReportShown(BaseModel):
    """A report as it was said; identity numbers and phones masked."""

    id: UUID
    agency_id: UUID
    case_id: UUID
    aware_at: datetime
    reported_at: datetime
    channel: str
    urgency: str
    said: dict[str, object]


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, so that answers end in Z."""
    return moment.astimezone(UTC)

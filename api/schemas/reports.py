"""report: what crosses the wire when a worker in trouble is reported."""

import base64
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.params import CodeText, Day, DivisionCode, Fen, Instant, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from rules.field_classes import FieldClass
from rules.matters import Need, Urgency
from rules.purposes import Purpose
from rules.reports import (
    AddressSaid,
    BasisSaid,
    Channel,
    EmployerSaid,
    EncodedSaid,
    IdType,
    PersonSaid,
    Relation,
    ReportSaid,
)
from rules.sharing import BasisKind, ConsentChannel, GivenBy

PersonName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=50, pattern=r"\S")]
BankAccount = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{8,30}$")]
Cause = Annotated[str, StringConstraints(strict=True, pattern=r"^(?:[1-9]|10)$")]


KeyedHash = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]
Clk = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9+/]{170}[AEIMQUYcgkosw048]=$")]


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
    """`uscc`: the unified social credit code; from papers of before 2015 also an organisation code (XXXXXXXX-X) or a
    registration number of fifteen digits. Any of them says which organisation it is, however the name is written."""

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


class EncodedIn(StrictModel):
    """For agencies that may not disclose numbers: HMAC-SHA-256 of the identity number (18 characters) in hexadecimal,
    and a CLK of 1024 bits in base64, under the agency's key from GET /v1/linkage-encoding-key. Compared for linking;
    people decide what it finds, and no answer shows it."""

    key: CodeText
    id_number: KeyedHash | None = None
    clk: Clk | None = None

    def said(self) -> EncodedSaid:
        return EncodedSaid(self.key, self.id_number, base64.b64decode(self.clk) if self.clk else None)


_DETAILS = ("monthly_income_fen", "medical_note", "legal_note", "mood_note", "bank_account")


class PersonIn(StrictModel):
    """The notes are compartments: each is shown only to whoever is entitled to its class."""

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
    medical_note: LongText | None = None
    legal_note: LongText | None = None
    mood_note: LongText | None = None
    bank_account: BankAccount | None = None
    as_received: AsReceivedIn | None = None
    encoded: EncodedIn | None = None

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
            details={name: getattr(self, name) for name in _DETAILS if getattr(self, name) is not None},
            encoded=self.encoded.said() if self.encoded else None,
        )


class MemberIn(PersonIn):
    relation: Relation


class CausesIn(StrictModel):
    """Codes of the official form: one primary, up to three secondary."""

    primary: Cause
    secondary: Annotated[list[Cause], Field(max_length=3, default_factory=list)]


class SharingBasisIn(StrictModel):
    """Why fields may go to the recipients: per recipient agency and purpose. `field_classes`: how far; without it, the
    minimum set of whatever matter is referred. A consent also says the version of its text, how and by whom it was
    given."""

    kind: BasisKind
    reference: ShortText
    recipients: Annotated[list[Uuid], Field(max_length=50)]
    valid_until: Instant | None = None
    purpose: Purpose = Purpose.assistance
    field_classes: Annotated[list[FieldClass], Field(min_length=1, max_length=9)] | None = None
    text_version: CodeText | None = None
    channel: ConsentChannel | None = None
    given_by: GivenBy | None = None

    def said(self) -> BasisSaid:
        classes = self.field_classes
        return BasisSaid(
            kind=self.kind.value,
            reference=self.reference,
            recipients=tuple(dict.fromkeys(self.recipients)),
            valid_until=self.valid_until,
            purpose=self.purpose.value,
            field_classes=None if classes is None else tuple(dict.fromkeys(name.value for name in classes)),
            text_version=self.text_version,
            channel=self.channel.value if self.channel else None,
            given_by=self.given_by.value if self.given_by else None,
        )


class ReportIn(StrictModel):
    """`person`, or `employer` alone for a matter of many workers. `id` may be the client's own UUIDv7;
    `household_number` is that of the household register (户号)."""

    id: Uuid | None = None
    source: SourceIn
    aware_at: Instant
    aware_by: ShortText | None = None
    channel: Channel
    urgency: Urgency = Urgency.normal
    person: PersonIn | None = None
    employer: EmployerIn | None = None
    household: Annotated[list[MemberIn], Field(max_length=30, default_factory=list)]
    household_number: CodeText | None = None
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
            household_number=self.household_number,
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


def utc_or_none(moment: datetime | None) -> datetime | None:
    """The same of a moment that may not have come."""
    return None if moment is None else utc(moment)

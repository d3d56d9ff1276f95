"""case: its summary, its file, its people, its timeline."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import Day, LongText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.reports import PersonName


class AgencyName(BaseModel):
    id: UUID
    name: str


class NeedShown(BaseModel):
    """One need and the office that has it now."""

    need: str
    status: str
    agency: AgencyName


class CaseSummary(BaseModel):
    """What a participant may know: no sensitive class. `roles` are the caller's own.

    Needs and who handles them are for the coordinator and the reporters (else empty); place and urgency for everybody
    but an observer (null).
    """

    id: UUID
    number: str
    kind: str
    status: str
    coordinator: AgencyName
    division_code: str | None
    urgency: str | None
    needs: list[NeedShown]
    roles: list[str]
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    version: int


class CauseShown(BaseModel):
    primary: str | None
    secondary: list[str]


class PersonShown(BaseModel):
    """A person as far as the caller's classes reach: absent keys are classes not granted."""

    model_config = {"extra": "allow"}

    role: str
    relation: str


class ReportOfCase(BaseModel):
    id: UUID
    agency_id: UUID
    reported_at: datetime
    channel: str


class EmployerShown(BaseModel):
    name: str
    uscc: str | None


class CaseFile(BaseModel):
    """The whole file as the caller may see it. Reading it leaves an audit mark."""

    case: CaseSummary
    field_classes: list[str]
    causes: CauseShown | None
    difficulty_class: str | None
    people: list[PersonShown]
    employer: EmployerShown | None
    reports: list[ReportOfCase]


class CaseRow(BaseModel):
    id: UUID
    number: str
    kind: str
    status: str
    division_code: str | None
    urgency: str | None
    opened_at: datetime
    updated_at: datetime
    version: int
    coordinator: AgencyName
    role: str


class ParticipantShown(BaseModel):
    agency: AgencyName
    kind: str
    role: str
    since: datetime
    until: datetime | None


class Participants(BaseModel):
    data: list[ParticipantShown]


class TimelineEntry(BaseModel):
    """One fact of the case, in the order it happened, as far as the caller may know it."""

    event_id: UUID
    type: str
    at: datetime
    subject_type: str
    subject_id: UUID
    actor_agency: AgencyName | None
    from_status: str | None
    to_status: str | None
    changed: list[str]


class Timeline(BaseModel):
    data: list[TimelineEntry]


class LinkShown(BaseModel):
    """A link of this case: a record and the person it was taken for, or, `different`, the record it was not. Evidence
    names fields, never values. `undone_at`: when it was withdrawn."""

    id: UUID
    kind: str
    record_id: UUID
    other_record_id: UUID | None
    person_id: UUID
    verdict: str
    source: str
    reason: str | None
    evidence: list[dict[str, str]]
    decided_by: str
    decided_at: datetime
    undone_at: datetime | None


class Links(BaseModel):
    data: list[LinkShown]


class TaskShown(BaseModel):
    """Something the coordinator has to decide. `possible_household`: `other_case`, which it coordinates too, may hold
    the same household; ended by linking the two as `same_household`, or by closing one. `link_id` of a `doubtful_link`:
    a later linkage model would not even ask whether its two records are one person. Undo it, or leave it as it is.
    `assigned`: a joint conference said that the referral is `lead`'s; ended by referring the matter there."""

    id: UUID
    kind: str
    status: str
    referral_id: UUID | None
    need: str | None
    other_case: UUID | None
    link_id: UUID | None
    lead: AgencyName | None
    created_at: datetime


class Tasks(BaseModel):
    data: list[TaskShown]


class CaseStatus(StrEnum):
    reported = "reported"
    assessing = "assessing"
    active = "active"
    closing = "closing"
    closed = "closed"


class CaseStep(StrEnum):
    assess = "assess"
    activate = "activate"
    propose_closing = "propose_closing"
    close = "close"
    reopen = "reopen"


class DifficultyClass(StrEnum):
    deep = "deep"
    relative = "relative"
    accidental = "accidental"
    edge = "edge"
    not_qualified = "not_qualified"


class CaseStepIn(StrictModel):
    difficulty_class: DifficultyClass | None = None
    exit_reason: ShortText | None = None
    text: LongText | None = None


class InvitationIn(StrictModel):
    """An agency that may observe the case from now on: number, status, shared results."""

    agency: Uuid
    role: Annotated[str, Field(pattern="^observer$")] = "observer"


class CaseSearchIn(StrictModel):
    """By identity number, or by name and birth date, or by the number the caller's own agency gave a case. Only cases
    the caller already sees are found."""

    id_number: ShortText | None = None
    name: PersonName | None = None
    birth_date: Day | None = None
    agency_case_number: ShortText | None = None


class CaseHits(BaseModel):
    data: list[CaseSummary]


class SharingBasisOut(BaseModel):
    recorded: int
    kind: str
    recipients: list[UUID]

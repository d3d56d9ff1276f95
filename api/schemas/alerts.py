"""signal, alert: what points to trouble of many, and what it raised."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.params import Count, Day, DivisionCode, ShortText
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from api.schemas.reports import EmployerIn
from rules.alerts import AlertStatus, Outcome, SignalKind, SubjectKind

IndustryCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-T](?:[0-9]{2,4})?$")]


class StatedKind(StrEnum):
    """What an agency may state; clusters are counted by the platform."""

    wage_arrears = SignalKind.wage_arrears.value
    contribution_stop = SignalKind.contribution_stop.value
    utility_drop = SignalKind.utility_drop.value
    court_filings = SignalKind.court_filings.value
    layoff_plan = SignalKind.layoff_plan.value
    closure = SignalKind.closure.value
    owner_fled = SignalKind.owner_fled.value
    unemployment = SignalKind.unemployment.value


class StatedOutcome(StrEnum):
    handled = Outcome.handled.value
    unfounded = Outcome.unfounded.value


class SignalSubjectIn(StrictModel):
    """An employer in a division, an industry (GB/T 4754: section, with or without its digits) in one, or a division."""

    kind: SubjectKind
    division_code: DivisionCode
    employer: EmployerIn | None = None
    industry: IndustryCode | None = None


class MeasuredIn(StrictModel):
    """People concerned, people employed, months unpaid, percent of a drop or of unemployment, filings with a court."""

    persons: Count | None = None
    workforce: Count | None = None
    months: Count | None = None
    percent: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    filings: Count | None = None


class SignalIn(StrictModel):
    """Facts of an office, never of a person. `source`: the office's own reference for them."""

    kind: StatedKind
    subject: SignalSubjectIn
    measured: MeasuredIn
    source: ShortText
    observed_on: Day


class SignalKept(BaseModel):
    """`level`: 1 is the gravest; null where no threshold of the division was reached."""

    id: UUID
    level: int | None


class AlertStepIn(StrictModel):
    """To acknowledge: the office that was told. To resolve: how it ended."""

    reported_to: ShortText | None = None
    outcome: StatedOutcome | None = None


class AlertSubject(BaseModel):
    kind: SubjectKind
    name: str
    division_code: str


class AlertRow(BaseModel):
    """`causes`: kinds of signals, `cluster` for new cases counted by the platform. `cases`: how many of 30 days, when a
    cluster was last there. `report_by`: until when the union of the place must have told upwards: levels I and II in
    two hours, III in twelve; `overdue` once it was said that it has not."""

    id: UUID
    subject: AlertSubject
    level: Literal[1, 2, 3, 4]
    causes: list[SignalKind]
    status: AlertStatus
    union: AgencyName
    cases: int | None
    raised_at: datetime
    report_by: datetime | None
    overdue: bool
    reported_to: str | None
    acknowledged_at: datetime | None
    outcome: Outcome | None
    resolved_at: datetime | None
    updated_at: datetime
    version: int


class SignalShown(BaseModel):
    """What an agency stated."""

    id: UUID
    agency: AgencyName
    kind: SignalKind
    measured: dict[str, int]
    source: str
    observed_on: date
    level: int | None
    created_at: datetime


class AlertShown(AlertRow):
    """With what the caller may do now, and the last hundred signals where it was read."""

    allowed_steps: list[str]
    signals: list[SignalShown]

"""plan: what which kind of agency does when an alert is raised; its activations and tasks."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.params import CodeText, ShortText, Uuid
from api.schemas.base import StrictModel
from api.schemas.cases import AgencyName
from rules.alerts import SignalKind
from rules.matters import AgencyKind
from rules.plans import MOST_ACTIONS, ActivationStatus, PlanStatus, TaskStatus


class PlannedActionIn(StrictModel):
    """What an agency of a kind does within so many hours of the activation. `matter`: of several of a kind, the
    one that is competent for it."""

    title: ShortText
    agency_kind: AgencyKind
    matter: CodeText | None = None
    within_hours: Annotated[int, Field(strict=True, ge=1, le=8760)]


class PlanIn(StrictModel):
    """For alerts of `level` or graver (1 is the gravest), raised by one of `signals`, or by anything where none is
    named."""

    title: ShortText
    level: Annotated[int, Field(strict=True, ge=1, le=4)]
    signals: Annotated[list[SignalKind], Field(max_length=len(SignalKind))] = Field(default_factory=list)
    actions: Annotated[list[PlannedActionIn], Field(min_length=1, max_length=MOST_ACTIONS)]


class PlannedActionShown(BaseModel):
    title: str
    agency_kind: AgencyKind
    matter: str | None
    within_hours: int


class PlanShown(BaseModel):
    """A union's plan."""

    id: UUID
    title: str
    level: Literal[1, 2, 3, 4]
    signals: list[SignalKind]
    actions: list[PlannedActionShown]
    status: PlanStatus
    created_at: datetime
    updated_at: datetime
    version: int


class ActivationIn(StrictModel):
    """By which alert; a drill names none."""

    alert_id: Uuid | None = None
    drill: bool = False


class StandDownIn(StrictModel):
    """`lesson`: what was learnt, above all from a drill."""

    lesson: ShortText | None = None


class PlanTaskShown(BaseModel):
    """What an agency has to do; `owner` is the union whose plan it is, `occasion` whom the alert is about, null in a
    drill."""

    id: UUID
    activation_id: UUID
    agency: AgencyName
    owner: AgencyName
    title: str
    occasion: str | None
    drill: bool
    due_at: datetime
    status: TaskStatus
    overdue: bool
    done_at: datetime | None
    updated_at: datetime
    version: int


class ActivationRow(BaseModel):
    """One activation of a plan; `title` is the plan's at that time."""

    id: UUID
    plan_id: UUID
    alert_id: UUID | None
    drill: bool
    title: str
    status: ActivationStatus
    lesson: str | None
    activated_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    version: int


class ActivationShown(ActivationRow):
    """With its tasks, by their dates."""

    tasks: list[PlanTaskShown]

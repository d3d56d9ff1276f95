"""plan (预案), its activations and the tasks they made. Office facts: no person is named."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of, words
from rules.plans import ActivationStatus, PlanStatus, TaskStatus


class Plan(SQLModel, table=True):
    """For alerts of `level` or graver, raised by one of `signals`, or by anything where it names none. `actions` have
    title, agency_kind, within_hours."""

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint(one_of("status", *PlanStatus), name="plan_status"),
        CheckConstraint("level BETWEEN 1 AND 4", name="plan_level"),
        Index("plan_by_agency", "agency_id", "updated_at", "id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    title: str
    level: int
    signals: list[str] = words()
    actions: list[dict[str, Any]] = document()
    status: str
    created_at: datetime
    updated_at: datetime
    version: int


class PlanActivation(SQLModel, table=True):
    """One at a time of a plan. A drill has no alert."""

    __tablename__ = "plan_activation"
    __table_args__ = (
        CheckConstraint(one_of("status", *ActivationStatus), name="plan_activation_status"),
        CheckConstraint("drill = (alert_id IS NULL)", name="plan_activation_drill"),
        Index("one_activation_at_a_time", "plan_id", unique=True, postgresql_where="status = 'active'"),
        Index("plan_activation_by_agency", "agency_id", "updated_at", "id"),
    )

    id: UUID = key()
    plan_id: UUID = Field(foreign_key="plan.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    alert_id: UUID | None = Field(foreign_key="alert.id")
    drill: bool
    title: str
    status: str
    lesson: str | None
    activated_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    version: int


class PlanTask(SQLModel, table=True):
    """`occasion`: the name of the alert's subject, for an agency that does not see the alert; null in a drill."""

    __tablename__ = "plan_task"
    __table_args__ = (
        CheckConstraint(one_of("status", *TaskStatus), name="plan_task_status"),
        Index("plan_task_by_agency", "agency_id", "updated_at", "id"),
        Index("plan_task_by_owner", "owner_agency_id"),
        Index("plan_task_by_activation", "activation_id"),
        Index("plan_task_untold", "due_at", postgresql_where="status = 'open' AND NOT overdue"),
    )

    id: UUID = key()
    activation_id: UUID = Field(foreign_key="plan_activation.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    owner_agency_id: UUID = Field(foreign_key="agency.id")
    title: str
    occasion: str | None
    drill: bool
    due_at: datetime
    status: str
    overdue: bool
    done_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

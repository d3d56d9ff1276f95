"""signal, alert (信号, 预警): what agencies state of an employer, industry or division, and what that raised."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, Uuid
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of, words
from rules.alerts import AlertStatus, Outcome, SignalKind, SubjectKind


def _line() -> Any:
    """The union of the place and the unions above it, nearest first: who may see the row."""
    return Field(sa_type=ARRAY(Uuid), nullable=False)


class Alert(SQLModel, table=True):
    """At most one of a subject that is not resolved. `subject_key` is the employer's id, the division's code, or the
    industry's with its division. `cases`: of 30 days, when a cluster was last there. Names no person.
    """

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint(one_of("subject_kind", *SubjectKind), name="alert_subject"),
        CheckConstraint(one_of("status", *AlertStatus), name="alert_status"),
        CheckConstraint(one_of("outcome", *Outcome), name="alert_outcome"),
        CheckConstraint("level BETWEEN 1 AND 4", name="alert_level"),
        CheckConstraint("(status = 'resolved') = (outcome IS NOT NULL)", name="alert_ended"),
        Index(
            "one_open_alert_per_subject",
            "subject_kind",
            "subject_key",
            unique=True,
            postgresql_where="status <> 'resolved'",
        ),
        Index("alert_by_union", "union_agency_id"),
        Index("alert_by_change", "updated_at", "id"),
        Index(
            "alert_untold", "report_by", postgresql_where="status = 'open' AND NOT overdue AND report_by IS NOT NULL"
        ),
    )

    id: UUID = key()
    subject_kind: str
    subject_key: str
    subject_name: str
    division_code: str
    level: int
    causes: list[str] = words()
    status: str
    union_agency_id: UUID = Field(foreign_key="agency.id")
    line: list[UUID] = _line()
    cases: int | None
    raised_at: datetime
    report_by: datetime | None
    overdue: bool
    last_cause_at: datetime
    reported_to: str | None
    acknowledged_at: datetime | None
    outcome: str | None
    resolved_at: datetime | None
    updated_at: datetime
    version: int


class Signal(SQLModel, table=True):
    """Stated by an agency, never changed. `measured` is in words of rules/alerts.py MEASURES. Names no person."""

    __tablename__ = "signal"
    __table_args__ = (
        CheckConstraint(one_of("subject_kind", *SubjectKind), name="signal_subject"),
        CheckConstraint(one_of("kind", *SignalKind), name="signal_kind"),
        Index("signal_by_agency", "agency_id", "id"),
        Index("signal_by_alert", "alert_id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    kind: str
    subject_kind: str
    subject_key: str
    subject_name: str
    division_code: str
    measured: dict[str, Any] = document()
    source: str
    observed_on: date
    level: int | None
    alert_id: UUID | None = Field(foreign_key="alert.id")
    line: list[UUID] = _line()
    created_at: datetime


class WarningOverride(SQLModel, table=True):
    """A division's own thresholds: they replace what held for the same kinds of signal and subject."""

    __tablename__ = "warning_override"

    division_code: str = Field(primary_key=True)
    thresholds: list[dict[str, Any]] = document()
    source: str
    valid_from: date

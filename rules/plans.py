"""plan (预案): what which kind of agency does when an alert of a level is raised. Pure.

A union's plan. Its activation gives a task with a due date to the nearest agency of each kind; a drill (演练) is an
activation without an alert, marked as such in everything it makes. Standing down ends it and what is not done yet.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rules.alerts import AlertStatus, SignalKind
from rules.errors import Conflict, FieldError, InvalidTransition, ValidationFailed
from rules.matters import AgencyKind

MOST_ACTIONS: Final = 50


class PlanStatus(StrEnum):
    active = "active"
    retired = "retired"


class ActivationStatus(StrEnum):
    active = "active"
    stood_down = "stood_down"


class TaskStatus(StrEnum):
    open = "open"
    done = "done"
    cancelled = "cancelled"


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """What an agency of a kind does within so many hours of the activation; where it names a matter, the one competent
    for that."""

    title: str
    agency_kind: AgencyKind
    matter: str | None
    within_hours: int

    @property
    def doer(self) -> str:
        """By what the agency is found."""
        return self.matter or self.agency_kind.value

    def due(self, now: datetime) -> datetime:
        return now + timedelta(hours=self.within_hours)


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """Of an alert what decides whether a plan is for it."""

    status: str
    level: int
    causes: tuple[str, ...]


def check_owner(agency_kind: str) -> None:
    """Raises Conflict for whoever is no union."""
    if agency_kind != AgencyKind.union:
        raise Conflict(reason="only-unions-plan")


def check_activation(
    status: str, level: int, signals: Collection[SignalKind], *, drill: bool, alert: AlertSeen | None
) -> None:
    """Raises Conflict for a retired plan, an alert that is over, less grave or of other causes than the plan is for;
    ValidationFailed where a drill names an alert, or what is no drill names none."""
    if status != PlanStatus.active:
        raise Conflict(reason="plan-retired")
    if drill == (alert is not None):
        raise ValidationFailed(FieldError("/alert_id", "not-with-a-drill" if drill else "required"))
    if alert is None:
        return
    if alert.status == AlertStatus.resolved:
        raise Conflict(reason="alert-resolved")
    if alert.level > level or (signals and set(alert.causes).isdisjoint(signals)):
        raise Conflict(reason="plan-of-other-alerts")


def unassigned(actions: Sequence[PlannedAction], found: Collection[str]) -> list[str]:
    """Kinds and matters for which the place and those above it have no agency."""
    return sorted({action.doer for action in actions} - set(found))


def parts_in_activation(agency: object, *, owner: object) -> frozenset[str]:
    return frozenset({"owner"}) if agency == owner else frozenset()


def parts_in_task(agency: object, *, doer: object, owner: object) -> frozenset[str]:
    """`doer`: who has the task; `owner`: the union that activated the plan."""
    return frozenset(name for name, whose in (("doer", doer), ("owner", owner)) if agency == whose)


def check_still(status: str, begins_at: str) -> None:
    """Raises InvalidTransition where a plan, an activation or a task has ended already."""
    if status != begins_at:
        raise InvalidTransition(status, ())

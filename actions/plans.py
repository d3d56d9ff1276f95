"""Contingency plans: kept by a union, activated by an alert or as a drill, done by the agencies, stood down."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag
from actions.events import record_event
from actions.system import SystemFact, record_all_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import alerts, plans
from db.queries.plans import NewTask
from db.transaction import Tx
from rules.alerts import SignalKind
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.matters import AgencyKind
from rules.plans import (
    ActivationStatus,
    AlertSeen,
    PlannedAction,
    PlanStatus,
    TaskStatus,
    check_activation,
    check_owner,
    check_still,
    parts_in_activation,
    parts_in_task,
    unassigned,
)
from rules.rights import Subject


@dataclass(frozen=True, slots=True)
class OpenedActivation:
    """An activation with its tasks: the board of what is done."""

    activation: asyncpg.Record
    tasks: tuple[asyncpg.Record, ...]


async def open_plan(
    tx: Tx, *, title: str, level: int, signals: Sequence[SignalKind], actions: Sequence[PlannedAction]
) -> asyncpg.Record:
    """Keeps a plan of the acting union. Three statements. Raises Conflict for whoever is no union, ValidationFailed for
    an unknown matter."""
    check_owner(tx.rights.agency_kind)
    unknown = await plans.unknown_matters(tx, {action.matter for action in actions if action.matter})
    if unknown:
        wrong = [f"/actions/{at}/matter" for at, action in enumerate(actions) if action.matter in unknown]
        raise ValidationFailed(*(FieldError(pointer, "unknown-matter") for pointer in wrong))
    plan_id = new_id()
    await plans.insert_plan(tx, plan_id, title=title, level=level, signals=signals, actions=actions)
    _mark(tx, "plan.open", "plan", plan_id, level=level)
    plan = await plans.find_plan(tx, plan_id)
    assert plan is not None
    return plan


async def retire_plan(tx: Tx, plan_id: UUID, *, version: int) -> asyncpg.Record:
    """Ends a plan; what it has set going goes on. Three statements. Raises Hidden, PreconditionFailed,
    InvalidTransition."""
    plan = _current(tx, await plans.lock_plan(tx, plan_id), version)
    check_still(plan["status"], PlanStatus.active)
    await plans.retire_plan(tx, plan_id)
    _mark(tx, "plan.retire", "plan", plan_id)
    after = await plans.find_plan(tx, plan_id)
    assert after is not None
    return after


async def activate_plan(tx: Tx, plan_id: UUID, *, alert_id: UUID | None, drill: bool) -> OpenedActivation:
    """Gives each action to the nearest agency of its kind, due from now. Seven statements.

    Raises Hidden, also for an alert the union does not see; Conflict for a retired plan, one that is active already, an
    alert it is not for, and where no agency of a kind is found; ValidationFailed.
    """
    plan = _own(tx, await plans.lock_plan(tx, plan_id))
    alert = await alerts.find_alert(tx, alert_id) if alert_id is not None else None
    if alert_id is not None and alert is None:
        raise Hidden
    seen = AlertSeen(alert["status"], alert["level"], tuple(alert["causes"])) if alert else None
    signals = [SignalKind(signal) for signal in plan["signals"]]
    check_activation(plan["status"], plan["level"], signals, drill=drill, alert=seen)
    actions = [
        PlannedAction(said["title"], AgencyKind(said["agency_kind"]), said["matter"], said["within_hours"])
        for said in json.loads(plan["said"])
    ]
    place = alert["division_code"] if alert else tx.rights.division_code
    matters = {action.matter for action in actions if action.matter}
    nearest = await plans.nearest_agencies(tx, place, {action.agency_kind for action in actions}, matters)
    if unassigned(actions, nearest):
        raise Conflict(reason="no-agency-of-a-kind")
    activation_id = new_id()
    try:
        await plans.insert_activation(tx, activation_id, plan_id, alert_id=alert_id, title=plan["title"])
    except asyncpg.UniqueViolationError:
        raise Conflict(reason="plan-active-already") from None
    tasks = [NewTask(new_id(), nearest[each.doer], each.title, each.due(tx.now)) for each in actions]
    await plans.insert_tasks(tx, activation_id, tasks, occasion=alert["subject_name"] if alert else None)
    _mark(tx, "plan.activate", "plan_activation", activation_id, drill=drill)
    opened = await _opened(tx, activation_id)
    _tell(tx, "plan.activated", opened)
    return opened


async def read_activation(tx: Tx, activation_id: UUID) -> OpenedActivation:
    """Two statements. Raises Hidden."""
    _own(tx, await plans.find_activation(tx, activation_id))
    return await _opened(tx, activation_id)


async def stand_down(tx: Tx, activation_id: UUID, *, lesson: str | None, version: int) -> OpenedActivation:
    """Ends an activation and the tasks that are not done. Five statements. Raises Hidden, PreconditionFailed,
    InvalidTransition."""
    activation = _current(tx, await plans.lock_activation(tx, activation_id), version)
    check_still(activation["status"], ActivationStatus.active)
    await plans.end_activation(tx, activation_id, lesson)
    await plans.cancel_tasks(tx, activation_id)
    _mark(tx, "plan.stand_down", "plan_activation", activation_id)
    opened = await _opened(tx, activation_id)
    _tell(tx, "plan.stood_down", opened)
    return opened


async def finish_task(tx: Tx, task_id: UUID, *, version: int) -> asyncpg.Record:
    """Says that a task is done: whoever has it. Four statements. Raises Hidden, InsufficientRole, PreconditionFailed,
    InvalidTransition."""
    _task(tx, await plans.find_task(tx, task_id))
    task = _task(tx, await plans.lock_task(tx, task_id))
    if task["version"] != version:
        raise PreconditionFailed(case_tag(task["version"]))
    check_still(task["status"], TaskStatus.open)
    await plans.finish_task(tx, task_id)
    after = _task(tx, await plans.find_task(tx, task_id))
    _mark(tx, "plan_task.finish", "plan_task", task_id)
    record_event(
        tx,
        "plan_task.done",
        subject_type="plan_task",
        subject_id=task_id,
        version=after["version"],
        case_id=None,
        parties={"other": after["owner_agency_id"]},
        changed=("status",),
    )
    return after


async def tell_of_late_tasks(raw: Raw, limit: int, *, now: datetime) -> int:
    """Tells, once, whoever has a task past its date and the union whose plan it is; how many."""
    late = await plans.late_tasks(raw, now, limit)
    await record_all_for_system(raw, map(_late, late), now)
    return len(late)


def _late(task: asyncpg.Record) -> SystemFact:
    return SystemFact(
        type="plan_task.overdue",
        action="plan_task.overdue",
        subject_type="plan_task",
        subject_id=task["id"],
        version=task["version"],
        agency_id=task["owner_agency_id"],
        parties={"other": [task["agency_id"], task["owner_agency_id"]]},
    )


def _own(tx: Tx, found: asyncpg.Record | None) -> asyncpg.Record:
    """A plan or an activation of the acting union."""
    if found is None:
        raise Hidden
    require_part(tx, Subject.plan, parts_in_activation(tx.agency_id, owner=found["agency_id"]))
    return found


def _current(tx: Tx, found: asyncpg.Record | None, version: int) -> asyncpg.Record:
    own = _own(tx, found)
    if own["version"] != version:
        raise PreconditionFailed(case_tag(own["version"]))
    return own


def _task(tx: Tx, found: asyncpg.Record | None) -> asyncpg.Record:
    if found is None:
        raise Hidden
    parts = parts_in_task(tx.agency_id, doer=found["agency_id"], owner=found["owner_agency_id"])
    require_part(tx, Subject.plan_task, parts)
    return found


async def _opened(tx: Tx, activation_id: UUID) -> OpenedActivation:
    activation = await plans.find_activation(tx, activation_id)
    assert activation is not None
    return OpenedActivation(activation, tuple(await plans.tasks_of(tx, activation_id)))


def _tell(tx: Tx, event: str, opened: OpenedActivation) -> None:
    """The union and every agency that has a task."""
    doers: Iterable[UUID] = {task["agency_id"] for task in opened.tasks} - {tx.agency_id}
    record_event(
        tx,
        event,
        subject_type="plan_activation",
        subject_id=opened.activation["id"],
        version=opened.activation["version"],
        case_id=None,
        parties={"other": sorted(doers)},
        changed=("status",),
    )


def _mark(tx: Tx, action: str, subject_type: str, subject_id: UUID, **facts: object) -> None:
    leave_mark(tx, action, subject_type=subject_type, subject_id=subject_id, case_id=None, facts=facts)

"""Tasks of a conference: started and done by their owners, followed by the convener until their effect is seen."""

from datetime import datetime
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag
from actions.conferences import others, parts_of
from actions.events import record_event
from actions.system import SystemFact, record_all_for_system
from db.engine import Raw
from db.queries import conference_tasks
from db.transaction import Tx
from rules.conferences import TaskStatus, TaskStep, check_task_step, task_steps
from rules.errors import Hidden, InvalidTransition, PreconditionFailed
from rules.papers import check_paper
from rules.rights import Subject

_RESULTS = {TaskStep.start: TaskStatus.in_progress, TaskStep.finish: TaskStatus.done, TaskStep.confirm: TaskStatus.done}
_EVENTS = {TaskStep.start: "task_started", TaskStep.finish: "task_done", TaskStep.confirm: "task_confirmed"}


async def seen_task(tx: Tx, task_id: UUID) -> asyncpg.Record:
    """The task. Raises Hidden where the acting agency is no member of its conference. One statement."""
    task = await conference_tasks.find_task(tx, task_id)
    if task is None:
        raise Hidden
    require_part(tx, Subject.conference, parts_of(tx, task["convener_id"], task["member_ids"]))
    return task


def steps_of(tx: Tx, task: asyncpg.Record) -> tuple[str, ...]:
    """What the acting agency may do with the task now."""
    owner, convener = (task[name] == tx.agency_id for name in ("agency_id", "convener_id"))
    return task_steps(task["status"], task["effect"], owner=owner, convener=convener)


async def take_step_of_task(
    tx: Tx, task_id: UUID, step: str, *, text: str | None, effect: str | None, version: int
) -> None:
    """Starts or finishes a task, or says whether its effect was seen on the cases. Five statements. Raises Hidden,
    PreconditionFailed, InvalidTransition, ValidationFailed."""
    seen = await seen_task(tx, task_id)
    task = await conference_tasks.lock_task(tx, task_id)
    if task is None:
        raise InvalidTransition(seen["status"], ())
    if task["version"] != version:
        raise PreconditionFailed(case_tag(task["version"]))
    check_paper("/text", text)
    check_task_step(step, steps_of(tx, task), task["status"], text=text, effect=effect)
    status = _RESULTS[TaskStep(step)]
    await conference_tasks.move_task(tx, task_id, status, answer=text, effect=effect)
    record_event(
        tx,
        f"conference.{_EVENTS[TaskStep(step)]}",
        subject_type="conference_task",
        subject_id=task_id,
        version=version + 1,
        case_id=None,
        parties={"other": others(tx, {task["agency_id"], task["convener_id"]})},
        moved=(task["status"], status.value),
        changed=("status",) if effect is None else ("effect",),
    )
    facts = {"effect": effect} if effect else {}
    leave_mark(tx, f"conference.{step}_task", subject_type="conference_task", subject_id=task_id, facts=facts)


async def fire_conference_clocks(raw: Raw, now: datetime, limit: int) -> int:
    """Tells owners and conveners of tasks and opinions whose day has passed, each once; how many. Three statements."""
    late = await conference_tasks.expire_tasks(raw, now, limit)
    silent = await conference_tasks.expire_opinions(raw, now, limit)
    facts = [_late(row, "task_overdue", ("conference_task", row["id"], row["version"])) for row in late]
    facts += [_late(row, "opinion_overdue", ("agenda_item", row["agenda_item_id"], 1)) for row in silent]
    await record_all_for_system(raw, facts, now)
    return len(facts)


def _late(row: asyncpg.Record, verb: str, subject: tuple[str, UUID, int]) -> SystemFact:
    return SystemFact(
        type=f"conference.{verb}",
        action=f"conference.{verb}",
        subject_type=subject[0],
        subject_id=subject[1],
        version=subject[2],
        agency_id=row["convener_id"],
        parties={"other": {row["agency_id"], row["convener_id"]}},
        changed=("status",),
    )

"""Contingency plans: keep, activate, exercise, stand down; the tasks of the agencies."""

import json
from typing import Annotated

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions import plans as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.cases import AgencyName
from api.schemas.plans import (
    ActivationIn,
    ActivationRow,
    ActivationShown,
    PlanIn,
    PlanShown,
    PlanTaskShown,
    StandDownIn,
)
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import plans
from db.transaction import Tx
from rules.plans import ActivationStatus, PlannedAction, PlanStatus, TaskStatus

router = StrictRouter("/v1/plans", tags=["warnings"])
activations = StrictRouter("/v1/plan-activations", tags=["warnings"])
tasks = StrictRouter("/v1/plan-tasks", tags=["warnings"])


def _plan(row: asyncpg.Record) -> PlanShown:
    return PlanShown(
        id=row["id"],
        title=row["title"],
        level=row["level"],
        signals=row["signals"],
        actions=json.loads(row["said"]),
        status=row["status"],
        created_at=utc(row["created_at"]),
        updated_at=utc(row["updated_at"]),
        version=row["version"],
    )


def _task(row: asyncpg.Record) -> PlanTaskShown:
    return PlanTaskShown(
        id=row["id"],
        activation_id=row["activation_id"],
        agency=AgencyName(id=row["agency_id"], name=row["agency_name"]),
        owner=AgencyName(id=row["owner_agency_id"], name=row["owner_name"]),
        title=row["title"],
        occasion=row["occasion"],
        drill=row["drill"],
        due_at=utc(row["due_at"]),
        status=row["status"],
        overdue=row["overdue"],
        done_at=utc_or_none(row["done_at"]),
        updated_at=utc(row["updated_at"]),
        version=row["version"],
    )


def _activation(opened: verbs.OpenedActivation) -> ActivationShown:
    row = opened.activation
    return ActivationShown(
        id=row["id"],
        plan_id=row["plan_id"],
        alert_id=row["alert_id"],
        drill=row["drill"],
        title=row["title"],
        status=row["status"],
        lesson=row["lesson"],
        activated_at=utc(row["activated_at"]),
        ended_at=utc_or_none(row["ended_at"]),
        updated_at=utc(row["updated_at"]),
        version=row["version"],
        tasks=[_task(task) for task in opened.tasks],
    )


@router.post("", operation_id="open_plan", status_code=201, response_model=PlanShown)
async def post_plan(given: PlanIn, writing: Annotated[Writing, writes()]) -> Response:
    """Keep a contingency plan: for alerts of which level, and what which kind of agency then does within which time.
    Unions do."""
    actions = [PlannedAction(each.title, each.agency_kind, each.matter, each.within_hours) for each in given.actions]
    plan = await verbs.open_plan(
        writing.tx, title=given.title, level=given.level, signals=given.signals, actions=actions
    )
    return await writing.answer(_plan(plan), status=201, version=plan["version"])


@router.get("", operation_id="list_plans", response_model=Page[PlanShown])
async def list_plans(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    status: PlanStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the plans of the caller's union, newest change first."""
    position = Position.of(tx, "plans", status=status)
    after = open_cursor(services, position, cursor)
    body = await plans.list_plans(tx, after=after, limit=limit + 1, status=status)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.post("/{plan_id}/retire", operation_id="retire_plan", response_model=PlanShown)
async def post_retire(plan_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """Retire a plan; what it has set going goes on. Needs `If-Match`."""
    plan = await verbs.retire_plan(writing.tx, plan_id, version=writing.expected_version())
    return await writing.answer(_plan(plan), version=plan["version"])


@router.post("/{plan_id}/activations", operation_id="activate_plan", status_code=201, response_model=ActivationShown)
async def post_activation(plan_id: Uuid, given: ActivationIn, writing: Annotated[Writing, writes()]) -> Response:
    """Activate a plan by an alert, or as a drill: each action becomes a task of the nearest agency of its kind."""
    opened = await verbs.activate_plan(writing.tx, plan_id, alert_id=given.alert_id, drill=given.drill)
    body = _activation(opened)
    location = f"/v1/plan-activations/{body.id}"
    return await writing.answer(body, status=201, location=location, version=body.version)


@activations.get("", operation_id="list_plan_activations", response_model=Page[ActivationRow])
async def list_activations(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    status: ActivationStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the activations of the union's plans, drills included, newest change first."""
    position = Position.of(tx, "plan-activations", status=status)
    after = open_cursor(services, position, cursor)
    body = await plans.list_activations(tx, after=after, limit=limit + 1, status=status)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@activations.get("/{activation_id}", operation_id="read_plan_activation", response_model=ActivationShown)
async def get_activation(activation_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read an activation with its tasks: the board of what is done."""
    body = _activation(await verbs.read_activation(tx, activation_id))
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@activations.post("/{activation_id}/stand-down", operation_id="stand_down_plan", response_model=ActivationShown)
async def post_stand_down(activation_id: Uuid, given: StandDownIn, writing: Annotated[Writing, writes()]) -> Response:
    """Stand an activation down; its tasks that are not done are cancelled. Needs `If-Match`."""
    opened = await verbs.stand_down(writing.tx, activation_id, lesson=given.lesson, version=writing.expected_version())
    body = _activation(opened)
    return await writing.answer(body, version=body.version)


@tasks.get("", operation_id="list_plan_tasks", response_model=Page[PlanTaskShown])
async def list_tasks(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    status: TaskStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the tasks that plans gave to the caller's agency, newest change first."""
    position = Position.of(tx, "plan-tasks", status=status)
    after = open_cursor(services, position, cursor)
    body = await plans.list_tasks(tx, after=after, limit=limit + 1, status=status)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@tasks.post("/{task_id}/finish", operation_id="finish_plan_task", response_model=PlanTaskShown)
async def post_finish(task_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """Say that a task is done; the agency that has it does. Needs `If-Match`."""
    task = await verbs.finish_task(writing.tx, task_id, version=writing.expected_version())
    return await writing.answer(_task(task), version=task["version"])

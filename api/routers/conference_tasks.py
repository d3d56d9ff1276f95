"""Tasks of joint conferences: list, read, start, finish, confirm the effect."""

import json
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from actions import conference_tasks as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.listing import OLDEST, Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.conferences import ConferenceTaskRow, ConferenceTaskShown, TaskStepIn
from api.strict_json import StrictRouter
from db.queries import conference_tasks
from db.transaction import Tx
from rules.conferences import TaskStatus, TaskStep

router = StrictRouter("/v1/conference-tasks", tags=["conferences"])


class TaskBox(StrEnum):
    """`own`: what the caller's agency owes; `to_confirm`: done, and the effect not seen yet; `all`: of its
    conferences."""

    own = "own"
    to_confirm = "to_confirm"
    all = "all"


async def _shown(tx: Tx, task_id: UUID) -> ConferenceTaskShown:
    task = await verbs.seen_task(tx, task_id)
    row: dict[str, Any] = json.loads(await conference_tasks.show_task(tx, task_id))
    return ConferenceTaskShown.model_validate(row | {"allowed_steps": list(verbs.steps_of(tx, task))})


@router.get("", operation_id="list_conference_tasks", response_model=Page[ConferenceTaskRow])
async def list_tasks(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    box: TaskBox = TaskBox.own,
    status: TaskStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List tasks that conferences decided, the earliest due first."""
    position = Position.of(tx, "conference-tasks", box=box, status=status)
    after = open_cursor(services, position, cursor, start=OLDEST)
    body = await conference_tasks.list_tasks(
        tx,
        after=after,
        limit=limit + 1,
        own=box is TaskBox.own,
        status=status,
        to_confirm=box is TaskBox.to_confirm,
    )
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("due_by", "id"))


@router.get("/{task_id}", operation_id="read_conference_task", response_model=ConferenceTaskShown)
async def get_task(task_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read a task of a conference."""
    shown = await _shown(tx, task_id)
    return Response(shown.model_dump_json(), media_type="application/json", headers={"etag": f'"v{shown.version}"'})


@router.post("/{task_id}/{step}", operation_id="take_conference_task_step", response_model=ConferenceTaskShown)
async def post_step(
    task_id: Uuid, step: TaskStep, words: TaskStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Start or finish a task as its owner; as convener, confirm what effect was seen on the cases. Needs `If-Match`."""
    await verbs.take_step_of_task(
        writing.tx,
        task_id,
        step.value,
        text=words.text,
        effect=words.effect and words.effect.value,
        version=writing.expected_version(),
    )
    shown = await _shown(writing.tx, task_id)
    return await writing.answer(shown, version=shown.version)

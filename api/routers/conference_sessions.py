"""Sessions of joint conferences and what is before them: steps, agenda items, opinions, decisions."""

import json
from typing import Annotated, Any
from uuid import UUID

from starlette.responses import Response

from actions import agenda_items as verbs
from actions.conferences import SessionSaid, seen_session, steps_of, take_step_of_session
from api.deps import Writing, reads, writes
from api.params import Uuid
from api.schemas.conferences import (
    AgendaItemIn,
    AgendaItemRead,
    ItemStepIn,
    OpinionIn,
    OpinionsIn,
    SessionShown,
    SessionStepIn,
)
from api.strict_json import StrictRouter
from db.queries import agenda_items, conferences
from db.transaction import Tx
from rules.conferences import ItemStep, SessionStep

router = StrictRouter("/v1/conference-sessions", tags=["conferences"])
of_items = StrictRouter("/v1/agenda-items", tags=["conferences"])


async def _session(tx: Tx, session_id: UUID) -> SessionShown:
    session = await seen_session(tx, session_id)
    shown: dict[str, Any] = json.loads(await conferences.show_session(tx, session_id))
    agenda = json.loads(await agenda_items.agenda_of(tx, session_id))
    return SessionShown.model_validate(shown | {"agenda": agenda, "allowed_steps": list(steps_of(tx, session))})


async def _item(tx: Tx, item_id: UUID) -> AgendaItemRead:
    item = await verbs.seen_item(tx, item_id)
    shown: dict[str, Any] = json.loads(await agenda_items.show_item(tx, item_id))
    return AgendaItemRead.model_validate(shown | {"allowed_steps": list(verbs.steps_of(tx, item))})


async def _answer(writing: Writing, item_id: UUID, *, status: int = 200) -> Response:
    shown = await _item(writing.tx, item_id)
    location = f"/v1/agenda-items/{shown.id}" if status == 201 else None
    return await writing.answer(shown, status=status, location=location, version=shown.version)


@router.get("/{session_id}", operation_id="read_session", response_model=SessionShown)
async def get_session(session_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read a session: whom it was called with, who came, its agenda with opinions and decisions, its minutes."""
    shown = await _session(tx, session_id)
    return Response(shown.model_dump_json(), media_type="application/json", headers={"etag": f'"v{shown.version}"'})


@router.post(
    "/{session_id}/agenda-items", operation_id="raise_agenda_item", status_code=201, response_model=AgendaItemRead
)
async def post_item(session_id: Uuid, given: AgendaItemIn, writing: Annotated[Writing, writes()]) -> Response:
    """Put a question on the agenda, as any member: in words, or a referral that the member sees."""
    item_id = await verbs.raise_item(
        writing.tx, session_id, title=given.title, referral_id=given.referral, matter=given.matter
    )
    return await _answer(writing, item_id, status=201)


@router.post("/{session_id}/{step}", operation_id="take_session_step", response_model=SessionShown)
async def post_session_step(
    session_id: Uuid, step: SessionStep, words: SessionStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Open a session with those who came, close it with its minutes, or cancel it and say why. It is not opened without
    a quorum, nor closed while an item is open. Needs `If-Match`."""
    said = SessionSaid(tuple(words.attended), words.minutes)
    await take_step_of_session(writing.tx, session_id, step.value, said, version=writing.expected_version())
    shown = await _session(writing.tx, session_id)
    return await writing.answer(shown, version=shown.version)


@of_items.get("/{item_id}", operation_id="read_agenda_item", response_model=AgendaItemRead)
async def get_item(item_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read an agenda item with its opinions, the decision, and what became of what it assigned."""
    shown = await _item(tx, item_id)
    return Response(shown.model_dump_json(), media_type="application/json", headers={"etag": f'"v{shown.version}"'})


@of_items.post("/{item_id}/opinions", operation_id="ask_opinions", response_model=AgendaItemRead)
async def post_opinions(item_id: Uuid, given: OpinionsIn, writing: Annotated[Writing, writes()]) -> Response:
    """Ask members what they think of an item, with a day to reply by. Who was asked before is not asked again."""
    await verbs.ask_opinions(writing.tx, item_id, given.agencies, reply_on=given.reply_on)
    return await _answer(writing, item_id)


@of_items.post("/{item_id}/opinions/own", operation_id="give_opinion", response_model=AgendaItemRead)
async def post_opinion(item_id: Uuid, given: OpinionIn, writing: Annotated[Writing, writes()]) -> Response:
    """Say what the caller's agency thinks of an item it was asked about, once."""
    await verbs.give_opinion(writing.tx, item_id, stance=given.stance.value, text=given.text)
    return await _answer(writing, item_id)


@of_items.post("/{item_id}/{step}", operation_id="take_agenda_item_step", response_model=AgendaItemRead)
async def post_item_step(
    item_id: Uuid, step: ItemStep, words: ItemStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Decide an item, put it off, or take it back. A decision about a referral names whose it is (`lead`): the office
    that has it can say no more that it is not its own; another office gets it from the coordinator, who is given the
    task. Needs `If-Match`."""
    tasks = tuple(verbs.TaskSaid(task.owner, task.text, task.due_on) for task in words.tasks)
    said = verbs.ItemSaid(words.text, words.lead, tuple(words.support), tasks)
    await verbs.take_step_of_item(writing.tx, item_id, step.value, said, version=writing.expected_version())
    return await _answer(writing, item_id)

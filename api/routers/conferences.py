"""Joint conferences: found, change, list; call sessions; what each member does for them."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from actions import conferences as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Instant, Uuid
from api.schemas.conferences import (
    ConferenceChange,
    ConferenceIn,
    ConferenceShown,
    ParticipationFigures,
    SessionIn,
    SessionRow,
)
from api.strict_json import StrictRouter
from db.queries import conferences
from db.queries.conferences import ConferenceRules
from db.transaction import Tx

router = StrictRouter("/v1/conferences", tags=["conferences"])


def _rules(given: ConferenceChange) -> ConferenceRules:
    return ConferenceRules(
        given.name,
        given.members,
        given.months_between,
        given.notice_working_days,
        given.reply_working_days,
        given.quorum,
    )


async def _answer(writing: Writing, conference_id: UUID, *, status: int = 200) -> Response:
    shown = ConferenceShown.model_validate_json(await conferences.show_conference(writing.tx, conference_id))
    location = f"/v1/conferences/{shown.id}" if status == 201 else None
    return await writing.answer(shown, status=status, location=location, version=shown.version)


@router.post("", operation_id="found_conference", status_code=201, response_model=ConferenceShown)
async def post_conference(given: ConferenceIn, writing: Annotated[Writing, writes()]) -> Response:
    """Found a joint conference of the offices of a place, convened by the caller's union."""
    conference_id = await verbs.found(writing.tx, given.division_code, _rules(given))
    return await _answer(writing, conference_id, status=201)


@router.get("", operation_id="list_conferences", response_model=Page[ConferenceShown])
async def list_conferences(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the conferences that the caller's agency convenes or is a member of, newest change first."""
    position = Position.of(tx, "conferences")
    after = open_cursor(services, position, cursor)
    body = await conferences.list_conferences(tx, after=after, limit=limit + 1)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.get("/{conference_id}", operation_id="read_conference", response_model=ConferenceShown)
async def get_conference(conference_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read a conference: its members and its rules."""
    await verbs.seen_conference(tx, conference_id)
    shown = ConferenceShown.model_validate_json(await conferences.show_conference(tx, conference_id))
    return Response(shown.model_dump_json(), media_type="application/json", headers={"etag": f'"v{shown.version}"'})


@router.put("/{conference_id}", operation_id="change_conference", response_model=ConferenceShown)
async def put_conference(
    conference_id: Uuid, given: ConferenceChange, writing: Annotated[Writing, writes(key_required=False)]
) -> Response:
    """Give a conference its name, members and rules anew. Sessions that are called keep whom they were called with.
    Whoever is no member any more sees nothing of it. Needs `If-Match`."""
    await verbs.change(writing.tx, conference_id, _rules(given), version=writing.expected_version())
    return await _answer(writing, conference_id)


@router.post("/{conference_id}/sessions", operation_id="call_session", status_code=201, response_model=SessionRow)
async def post_session(conference_id: Uuid, given: SessionIn, writing: Annotated[Writing, writes()]) -> Response:
    """Call a session. Its agenda is drafted at once: what earlier sessions put off, referrals that stand still in cases
    of the convening union and of those below it, and matters that are asked for ever more often."""
    session_id = await verbs.call_session(
        writing.tx, conference_id, kind=given.kind.value, starts_at=given.starts_at, venue=given.venue
    )
    shown = SessionRow.model_validate_json(await conferences.show_session(writing.tx, session_id))
    return await writing.answer(
        shown, status=201, location=f"/v1/conference-sessions/{shown.id}", version=shown.version
    )


@router.get("/{conference_id}/sessions", operation_id="list_sessions", response_model=Page[SessionRow])
async def list_sessions(
    conference_id: Uuid,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the sessions of a conference, the latest called first."""
    await verbs.seen_conference(tx, conference_id)
    position = Position.of(tx, "sessions", conference=conference_id)
    after = open_cursor(services, position, cursor)
    body = await conferences.list_sessions(tx, conference_id, after=after, limit=limit + 1)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("called_at", "id"))


@router.get("/{conference_id}/participation", operation_id="read_participation", response_model=ParticipationFigures)
async def get_participation(
    conference_id: Uuid, tx: Annotated[Tx, reads()], since: Instant, before: Instant
) -> Response:
    """Count what each member did: sessions attended, opinions given in time, tasks done. Of sessions opened, opinions
    asked and tasks given in the span."""
    await verbs.seen_conference(tx, conference_id)
    body = await conferences.participation(tx, conference_id, since, before)
    return Response(f'{{"data":{body}}}', media_type="application/json")

"""Requests for access to the other side of a possible match: ask, list, read, grant, refuse, revoke."""

import json
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from actions import access_requests as verbs
from api.deps import ServicesDep, Writing, reads, reads_with_mark, spends, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.access_requests import (
    AccessRequestIn,
    AccessRequestOpened,
    AccessRequestRow,
    AccessRequestShown,
    AccessRole,
    GrantIn,
    RefusalIn,
)
from api.schemas.cases import AgencyName
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import access_requests
from db.transaction import Tx
from rules.access_requests import AccessStatus
from rules.limits import MATCH_ASK

router = StrictRouter("/v1/access-requests", tags=["matches"])
of_match = StrictRouter("/v1/match-candidates", tags=["matches"])


def shown(opened: verbs.OpenedAccess) -> AccessRequestShown:
    """A request without its words."""
    request = opened.request
    return AccessRequestShown(
        id=request["id"],
        match_id=request["candidate_id"],
        case_id=request["case_id"],
        status=opened.status,
        purpose=request["purpose"],
        basis_kind=request["basis_kind"],
        asked_by=AgencyName(id=request["asking_agency_id"], name=request["asker_name"]),
        holder=AgencyName(id=request["holder_agency_id"], name=request["holder_name"]),
        parts=sorted(opened.parts),
        field_classes=list(request["field_classes"]),
        expires_at=utc_or_none(request["expires_at"]),
        refusal=request["refusal"],
        created_at=utc(request["created_at"]),
        decided_at=utc_or_none(request["decided_at"]),
        allowed_steps=list(opened.allowed_steps),
        version=request["version"],
    )


async def _answer(writing: Writing, opened: verbs.OpenedAccess, *, status: int = 200) -> Response:
    body = shown(opened)
    location = f"/v1/access-requests/{body.id}" if status == 201 else None
    return await writing.answer(body, status=status, location=location, version=body.version)


@of_match.post(
    "/{candidate_id}/access-requests", operation_id="ask_holder", status_code=201, response_model=AccessRequestShown
)
async def post_request(
    candidate_id: Uuid,
    given: AccessRequestIn,
    _spent: Annotated[None, spends(MATCH_ASK)],
    writing: Annotated[Writing, writes()],
) -> Response:
    """Ask whoever coordinates the other case of a possible match to show what it holds, with purpose and basis."""
    said = verbs.AccessSaid(given.purpose.value, given.basis.kind.value, given.basis.reference, given.reason)
    return await _answer(writing, await verbs.ask_holder(writing.tx, candidate_id, said), status=201)


@router.get("", operation_id="list_access_requests", response_model=Page[AccessRequestRow])
async def list_requests(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    role: AccessRole | None = None,
    status: AccessStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the requests the caller's agency asked or is asked to grant, newest change first."""
    position = Position.of(tx, "access-requests", role=role, status=status)
    after = open_cursor(services, position, cursor)
    body = await access_requests.list_requests(tx, after=after, limit=limit + 1, role=role, status=status)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.get("/{request_id}", operation_id="read_access_request", response_model=AccessRequestOpened)
async def get_request(request_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Read a request with its words. Needs `Tongli-Purpose`; leaves an audit mark."""
    opened = await verbs.read_request(tx, request_id)
    assert opened.said is not None
    body = AccessRequestOpened(**shown(opened).model_dump(), **opened.said, refusal_text=opened.answer)
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@router.post("/{request_id}/grant", operation_id="grant_access", response_model=AccessRequestShown)
async def post_grant(request_id: Uuid, given: GrantIn, writing: Annotated[Writing, writes()]) -> Response:
    """Open the comparison to the asker in these classes until then, as the holder. It opens nothing else. Needs
    `If-Match`."""
    opened = await verbs.grant(
        writing.tx,
        request_id,
        classes=[name.value for name in given.field_classes],
        expires_at=given.expires_at,
        version=writing.expected_version(),
    )
    return await _answer(writing, opened)


@router.post("/{request_id}/refuse", operation_id="refuse_access", response_model=AccessRequestShown)
async def post_refusal(request_id: Uuid, given: RefusalIn, writing: Annotated[Writing, writes()]) -> Response:
    """Refuse with a reason, as the holder. Needs `If-Match`."""
    opened = await verbs.refuse(
        writing.tx, request_id, reason=given.reason_code.value, text=given.text, version=writing.expected_version()
    )
    return await _answer(writing, opened)


@router.post("/{request_id}/revoke", operation_id="revoke_access", response_model=AccessRequestShown)
async def post_revocation(request_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """End a grant at once, as the holder. Needs `If-Match`."""
    return await _answer(writing, await verbs.revoke(writing.tx, request_id, version=writing.expected_version()))

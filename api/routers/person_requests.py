"""Requests of persons about the data held on them: filed by an agency, with proof of who asks, each with its clock."""

import json
from typing import Annotated

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from actions import person_decisions, person_documents
from actions import person_requests as verbs
from api.deps import ServicesDep, Writing, reads, reads_with_mark, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.cases import AgencyName
from api.schemas.person_requests import (
    AccessShown,
    PersonDocument,
    PersonRequestIn,
    PersonRequestOpened,
    PersonRequestRow,
    PersonRequestShown,
    PersonRequestStepIn,
    RequestStatus,
    RequestStepName,
)
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import person_requests
from db.transaction import Tx
from rules.person_requests import RequestStep, StepWords, period_source
from web.person_documents import printed

router = StrictRouter("/v1/person-requests", tags=["person-requests"])
of_case = StrictRouter("/v1/cases", tags=["person-requests"])


def shown(opened: verbs.OpenedRequest) -> PersonRequestShown:
    """A request without its words."""
    request = opened.request
    knows_person = not opened.parts.isdisjoint({"coordinator", "decider"})
    return PersonRequestShown(
        id=request["id"],
        case_id=request["case_id"],
        person_id=request["person_id"] if knows_person else None,
        kind=request["kind"],
        status=request["status"],
        asked_by=request["asked_by"],
        filed_by=AgencyName(id=request["agency_id"], name=request["filer_name"]),
        decided_by=AgencyName(id=request["decider_agency_id"], name=request["decider_name"]),
        parts=sorted(opened.parts),
        recipients=list(request["recipients"]),
        entered_in_error=request["in_error"],
        received_at=utc(request["received_at"]),
        due_by=utc(request["due_by"]),
        due_confirmed=request["due_confirmed"],
        due_source=period_source(request["kind"]),
        extended=request["prolonged"],
        overdue=request["overdue"],
        reason=request["reason"],
        possible_from=request["possible_from"],
        decided_at=utc_or_none(request["decided_at"]),
        allowed_steps=list(opened.allowed_steps),
        version=request["version"],
    )


def _said(given: PersonRequestIn) -> verbs.RequestSaid:
    proof = given.proof
    return verbs.RequestSaid(
        kind=given.kind.value,
        asked_by=given.asked_by.value,
        document=proof.document.value if proof else None,
        proof={
            "seen_by": proof.seen_by,
            "seen_at": proof.seen_at.isoformat(),
            **({"last_four": proof.last_four} if proof.last_four else {}),
        }
        if proof
        else None,
        mandate={"kind": given.mandate.kind.value, "reference": given.mandate.reference} if given.mandate else None,
        person_id=given.person_id,
        text=given.text,
        correction=given.correction.said() if given.correction else None,
        named_agency=given.reporting_agency,
        recipients=tuple(dict.fromkeys(given.recipients)),
        in_error=given.entered_in_error,
        seen_at=proof.seen_at if proof else None,
    )


@of_case.post(
    "/{case_id}/person-requests",
    operation_id="file_person_request",
    status_code=201,
    response_model=PersonRequestShown,
)
async def post_request(
    case_id: Uuid, given: PersonRequestIn, services: ServicesDep, writing: Annotated[Writing, writes()]
) -> Response:
    """File a request of a person of this case: who looked at the record, a copy, a correction, an objection, an
    erasure. For every participant; a system names its operator in `Tongli-Actor`."""
    opened = await verbs.file_request(writing.tx, case_id, _said(given), allow_demo=services.allow_demo)
    answer = shown(opened)
    return await writing.answer(answer, status=201, location=f"/v1/person-requests/{answer.id}", version=answer.version)


@of_case.get("/{case_id}/access-log", operation_id="read_access_log", response_model=Page[AccessShown])
async def get_access_log(
    case_id: Uuid,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads_with_mark()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Read which agencies read and wrote what in a case, newest first, in words for the person. For the coordinator;
    needs `Tongli-Purpose` and leaves an audit mark itself."""
    position = Position.of(tx, "accesses", case=case_id)
    after = open_cursor(services, position, cursor)
    rows = await person_documents.list_accesses(tx, case_id, after=after, limit=limit + 1)
    page = [{**person_documents.plain(row), "at": row["at"].isoformat().replace("+00:00", "Z")} for row in rows]
    return answer_page(request, services, position, page, limit=limit, key=("at", "id"))


@router.get("", operation_id="list_person_requests", response_model=Page[PersonRequestRow])
async def list_requests(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    status: RequestStatus | None = None,
    case_id: Uuid | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the requests the caller's agency filed, decides or coordinates, newest change first."""
    position = Position.of(tx, "person-requests", status=status, case_id=case_id)
    after = open_cursor(services, position, cursor)
    body = await person_requests.list_requests(tx, after=after, limit=limit + 1, status=status, case_id=case_id)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.get("/{request_id}", operation_id="read_person_request", response_model=PersonRequestOpened)
async def get_request(request_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Read a request with its proof, its words and what was answered. Needs `Tongli-Purpose`; leaves an audit mark."""
    opened = await verbs.read_request(tx, request_id)
    body = PersonRequestOpened(
        **shown(opened).model_dump(), document=opened.request["document"], said=opened.said, answer=opened.answer
    )
    version = opened.request["version"]
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{version}"'})


@router.get("/{request_id}/document", operation_id="read_person_document", response_model=PersonDocument)
async def get_document(request_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Make what the person is handed: every access to the record, or a copy of everything held, other people masked.
    For the coordinator, once the request is in review. Needs `Tongli-Purpose`; leaves an audit mark."""
    document = await person_documents.read_document(tx, request_id)
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")


@router.get("/{request_id}/document.html", operation_id="print_person_document", response_class=HTMLResponse)
async def get_page(request_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Make the same document as a page to print, in Chinese. Needs `Tongli-Purpose`; leaves an audit mark."""
    return printed(await person_documents.read_document(tx, request_id))


@router.post("/{request_id}/{step}", operation_id="take_person_request_step", response_model=PersonRequestShown)
async def post_step(
    request_id: Uuid, step: RequestStepName, words: PersonRequestStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Take a step: review, extend (once), fulfil, partly_fulfil, refuse (with a legal reason), withdraw. A decision
    does what it says: the correction goes before what was reported, sharing ends, data is erased. Needs `If-Match`.
    """
    said = person_decisions.StepSaid(
        StepWords(words.reason, words.text, [name.value for name in words.fields]),
        hand_to=words.hand_to,
        end_bases=tuple(kind.value for kind in words.end_bases),
    )
    opened = await person_decisions.take_request_step(
        writing.tx, request_id, RequestStep(step.value), said, version=writing.expected_version()
    )
    answer = shown(opened)
    return await writing.answer(answer, version=answer.version)

"""Links of a case beyond its persons: own numbers of agencies, other cases, cases on other platforms."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from actions import case_links as verbs
from api.deps import ServicesDep, Writing, reads_with_mark, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.case_links import CaseLinkIn, CaseLinkShown, UndoIn
from api.schemas.cases import AgencyName
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.transaction import Tx

router = StrictRouter("/v1/case-links", tags=["case-links"])
of_case = StrictRouter("/v1/cases", tags=["case-links"])


def shown(link: verbs.OpenedLink) -> CaseLinkShown:
    """A link as far as the acting agency may know it."""
    row, far = link.row, link.far
    return CaseLinkShown(
        id=row["id"],
        case_id=link.near.case_id,
        kind=row["kind"],
        source=row["source"],
        said_by=_agency(row["agency_id"], row["agency_name"]),
        said_at=utc(row["said_at"]),
        system=row["system"],
        number=link.number,
        other_case_id=far.case_id if far is not None and far.seen else None,
        holder=None if far is None else AgencyName(id=far.coordinator, name=far.coordinator_name),
        division_code=row["division_code"],
        level=row["level"],
        authority=row["authority"],
        url=link.url,
        reason=link.reason,
        undone_at=utc_or_none(row["undone_at"]),
        undone_by=_agency(row["undone_agency_id"], row["undone_agency_name"]),
        undo_reason=link.undo_reason,
        version=row["version"],
    )


def _agency(agency_id: UUID | None, name: str | None) -> AgencyName | None:
    return None if agency_id is None or name is None else AgencyName(id=agency_id, name=name)


@of_case.get("/{case_id}/case-links", operation_id="list_case_links", response_model=Page[CaseLinkShown])
async def get_links(
    case_id: Uuid,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads_with_mark()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the links of a case, newest first, undone ones too: own numbers for their agency and the coordinator, pairs
    for the coordinators and whoever works in both cases. A legal number shown to the coordinator leaves an audit
    mark."""
    position = Position.of(tx, "case-links", case=case_id)
    after = open_cursor(services, position, cursor)
    links = await verbs.list_links(tx, case_id, after=after, limit=limit + 1)
    rows = [shown(link).model_dump(mode="json") for link in links]
    return answer_page(request, services, position, rows, limit=limit, key=("said_at", "id"))


@of_case.post("/{case_id}/case-links", operation_id="link_case", status_code=201, response_model=CaseLinkShown)
async def post_link(case_id: Uuid, given: CaseLinkIn, writing: Annotated[Writing, writes()]) -> Response:
    """Link a case with the caller's own number of it, with another case, or with one on another platform.

    An own number is for every participant; another case for a coordinator of one of the two who takes part in both; one
    on another province's or level's platform for the coordinator."""
    answer = shown(await verbs.say_link(writing.tx, case_id, given.said()))
    return await writing.answer(answer, status=201, location=f"/v1/case-links/{answer.id}", version=answer.version)


@router.get("/{link_id}", operation_id="read_case_link", response_model=CaseLinkShown)
async def get_link(link_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Read one link. A legal number shown to the coordinator leaves an audit mark."""
    answer = shown(await verbs.seen_link(tx, link_id))
    tag = f'"v{answer.version}"'
    return Response(answer.model_dump_json(), media_type="application/json", headers={"etag": tag})


@router.post("/{link_id}/undo", operation_id="undo_case_link", response_model=CaseLinkShown)
async def post_undo(link_id: Uuid, given: UndoIn, writing: Annotated[Writing, writes()]) -> Response:
    """Undo a link, with a reason; it stays to be read. An own number by its agency, anything else by a coordinator of
    either case. Needs `If-Match`."""
    link = await verbs.undo_link(writing.tx, link_id, reason=given.reason, version=writing.expected_version())
    answer = shown(link)
    return await writing.answer(answer, version=answer.version)

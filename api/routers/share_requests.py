"""The catalogue of what agencies share, and requests for it: publish, revise, ask, answer, deliver, correct,
dispose."""

import json
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from actions import share_requests as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Flag, Uuid
from api.schemas.share_requests import (
    CatalogueItemChange,
    CatalogueItemIn,
    CatalogueItemShown,
    ShareRequestIn,
    ShareRequestRow,
    ShareRequestShown,
    ShareStepIn,
)
from api.strict_json import StrictRouter
from db.queries import share_requests
from db.transaction import Tx
from rules.errors import Hidden
from rules.share_requests import ShareStatus, ShareStep, ShareType, ShareWords

catalogue = StrictRouter("/v1/catalogue-items", tags=["data-sharing"])
router = StrictRouter("/v1/share-requests", tags=["data-sharing"])


class ShareBox(StrEnum):
    """`in`: what others ask of the caller's agency; `out`: what it asks of others."""

    in_ = "in"
    out = "out"


async def _item(tx: Tx, item_id: UUID) -> CatalogueItemShown:
    found = await share_requests.show_item(tx, item_id)
    if found is None:
        raise Hidden
    return CatalogueItemShown.model_validate_json(found)


async def _request(tx: Tx, request_id: UUID) -> ShareRequestShown:
    request = await verbs.seen_request(tx, request_id)
    shown: dict[str, Any] = json.loads(await share_requests.show_request(tx, request_id))
    return ShareRequestShown.model_validate(shown | {"allowed_steps": list(verbs.steps_of(tx, request))})


@catalogue.post("", operation_id="publish_catalogue_item", status_code=201, response_model=CatalogueItemShown)
async def post_item(given: CatalogueItemIn, writing: Annotated[Writing, writes()]) -> Response:
    """Enter what the caller's agency shares in the catalogue, with the fields of the regulation."""
    shown = await _item(writing.tx, await verbs.publish(writing.tx, given.model_dump(mode="json")))
    return await writing.answer(shown, status=201, location=f"/v1/catalogue-items/{shown.id}", version=shown.version)


@catalogue.get("", operation_id="list_catalogue_items", response_model=Page[CatalogueItemShown])
async def list_items(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    provider: Uuid | None = None,
    share_type: ShareType | None = None,
    retired: Flag = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the catalogue of every agency, newest change first; `retired` entries only where asked for."""
    position = Position.of(tx, "catalogue-items", provider=provider, share_type=share_type, retired=retired)
    after = open_cursor(services, position, cursor)
    body = await share_requests.list_items(
        tx, after=after, limit=limit + 1, provider=provider, share_type=share_type, retired=retired
    )
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@catalogue.get("/{item_id}", operation_id="read_catalogue_item", response_model=CatalogueItemShown)
async def get_item(item_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read an entry of the catalogue."""
    shown = await _item(tx, item_id)
    return Response(shown.model_dump_json(), media_type="application/json", headers={"etag": f'"v{shown.version}"'})


@catalogue.put("/{item_id}", operation_id="revise_catalogue_item", response_model=CatalogueItemShown)
async def put_item(
    item_id: Uuid, given: CatalogueItemChange, writing: Annotated[Writing, writes(key_required=False)]
) -> Response:
    """Say anew what an entry is, as its next version, or retire it. Requests under way go on. Needs `If-Match`."""
    item = given.model_dump(mode="json", exclude={"retired"})
    retired_at = writing.tx.now if given.retired else None
    await verbs.revise(writing.tx, item_id, item | {"retired_at": retired_at}, version=writing.expected_version())
    shown = await _item(writing.tx, item_id)
    return await writing.answer(shown, version=shown.version)


@router.post("", operation_id="ask_for_data", status_code=201, response_model=ShareRequestShown)
async def post_request(given: ShareRequestIn, writing: Annotated[Writing, writes()]) -> Response:
    """Ask another agency for an item of its catalogue. Answered within one working day, or ten where it has conditions.
    The data themselves go through the government's own channel; here stand the request, its clocks and its proof."""
    said = verbs.ShareSaid(
        item_id=given.item,
        basis_kind=given.basis.kind.value,
        basis_reference=given.basis.reference,
        persons=given.persons,
        consents=given.consents,
        scene=given.scene,
        scope=tuple(given.scope),
        mode=given.mode.value,
        until=given.until,
        approved_by=given.approved_by,
    )
    shown = await _request(writing.tx, await verbs.ask(writing.tx, said))
    return await writing.answer(shown, status=201, location=f"/v1/share-requests/{shown.id}", version=shown.version)


@router.get("", operation_id="list_share_requests", response_model=Page[ShareRequestRow])
async def list_requests(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    box: ShareBox | None = None,
    status: ShareStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List requests for data from and to the caller's agency, newest change first."""
    position = Position.of(tx, "share-requests", box=box, status=status)
    after = open_cursor(services, position, cursor)
    body = await share_requests.list_requests(tx, after=after, limit=limit + 1, box=box, status=status)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.get("/{request_id}", operation_id="read_share_request", response_model=ShareRequestShown)
async def get_request(request_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read a request for data, as one of its two sides."""
    shown = await _request(tx, request_id)
    return Response(shown.model_dump_json(), media_type="application/json", headers={"etag": f'"v{shown.version}"'})


@router.post("/{request_id}/{step}", operation_id="take_share_step", response_model=ShareRequestShown)
async def post_step(
    request_id: Uuid, step: ShareStep, words: ShareStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Take a step on a request: the provider asks once for what is missing, takes more time with the data authority's
    approval, agrees or refuses, delivers, corrects; the asker supplements, has errors corrected, takes a refusal to the
    next level, and at the end certifies the disposal. Needs `If-Match`."""
    said = ShareWords(
        text=words.text,
        reason=words.reason and words.reason.value,
        missing=tuple(words.missing),
        approved_by=words.approved_by,
        count=words.count,
        sha256=words.sha256,
        certificate=words.certificate,
    )
    await verbs.take_step_of_share(writing.tx, request_id, step.value, said, version=writing.expected_version())
    shown = await _request(writing.tx, request_id)
    return await writing.answer(shown, version=shown.version)

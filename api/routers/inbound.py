"""What partners send, and what becomes of it: the one door without a token of ours, and receipts."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Query, Request
from starlette.responses import Response

from actions import inbound as verbs
from api.deps import ServicesDep, Writing, reads, spends, writes
from api.inbound_desk import Unproven, message_id_of, prove_sender
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import Instant, Uuid
from api.problems import field_problem, preferred_language
from api.schemas.inbound import InboundDiscardIn, InboundReceiptShown, InboundReceiptTaken
from api.schemas.reports import Caution, utc, utc_or_none
from api.strict_json import JSON, RawBodyRoute, StrictRouter, check_media_type, read_json
from db.queries import inbound
from db.transaction import Tx, open_transaction
from rules.errors import NotAuthenticated
from rules.inbound import ReceiptStatus
from rules.limits import INBOUND_KEEP

router = StrictRouter("/v1/inbound/receipts", tags=["inbound"])
of_source = StrictRouter("/v1/inbound", tags=["inbound"], route_class=RawBodyRoute)

Spent = Annotated[None, spends(INBOUND_KEEP)]
Keeper = Annotated[Writing, writes()]

_NEWEST = UUID(int=2**128 - 1)
_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "the partner's own JSON, up to 256 KiB; the mapping of the source says what it becomes",
        "content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}},
    }
}


def _shown(request: Request, row: asyncpg.Record) -> InboundReceiptShown:
    language = preferred_language(request.headers.get("accept-language"))
    problems = [field_problem(problem["pointer"], problem["code"], language) for problem in row["problems"]]
    return InboundReceiptShown(
        **{name: row[name] for name in InboundReceiptShown.model_fields if name not in _MADE_HERE},
        problems=[Caution.model_validate(problem) for problem in problems],
        received_at=utc(row["received_at"]),
        settled_at=utc_or_none(row["settled_at"]),
    )


_MADE_HERE = frozenset({"problems", "received_at", "settled_at"})


@of_source.post(
    "/{source_id}",
    operation_id="receive_inbound",
    status_code=202,
    response_model=InboundReceiptTaken,
    openapi_extra=_BODY,
)
async def post_message(source_id: Uuid, request: Request, services: ServicesDep) -> Response:
    """Send a message as an inbound source.

    By Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature` over the raw body), by a bearer token,
    or by a client certificate. The message is kept before this answers 202; it is done later, and `href` says what
    became of it. The same `webhook-id` (else `Idempotency-Key`) within 30 days gets the same receipt, or with
    another body 409.
    """
    check_media_type(request, JSON)
    body = await request.body()
    sender = await prove_sender(request, services, source_id, body)
    message_id = message_id_of(request, sender.kind)
    read_json(body)
    kept = {name: value for name in _KEPT if (value := request.headers.get(name)) is not None}
    message = verbs.Message(source_id, message_id, body, kept)
    try:
        async with open_transaction(services.database, sender.caller) as tx:
            receipt, replayed = await verbs.keep_message(tx, message)
    except NotAuthenticated:  # the account it acts as is no longer alive
        raise Unproven from None
    href = f"/v1/inbound/{source_id}/receipts/{receipt['id']}"
    taken = InboundReceiptTaken(id=receipt["id"], status=receipt["status"], href=href)
    headers = {"location": href} | ({"idempotency-replayed": "true"} if replayed else {})
    return Response(taken.model_dump_json(), status_code=202, headers=headers, media_type=JSON)


_KEPT = ("webhook-timestamp", "content-type")


@of_source.get("/{source_id}/receipts/{receipt_id}", operation_id="read_own_inbound_receipt")
async def get_own_receipt(
    source_id: Uuid, receipt_id: Uuid, request: Request, services: ServicesDep
) -> InboundReceiptShown:
    """Read what became of a message, as the source that sent it. Whoever signs, signs the receipt's id as it stands in
    the path, under a `webhook-id` of its own."""
    sender = await prove_sender(request, services, source_id, str(receipt_id).encode())
    try:
        async with open_transaction(services.database, sender.caller, read_only=True) as tx:
            return _shown(request, await verbs.seen_receipt(tx, receipt_id, source_id))
    except NotAuthenticated:
        raise Unproven from None


@router.get("", operation_id="list_inbound_receipts", response_model=Page[InboundReceiptShown])
async def list_receipts(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    source_id: Uuid | None = None,
    status: ReceiptStatus | None = None,
    received_from: Instant | None = None,
    received_before: Annotated[Instant | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List receipts of the agency's sources, newest first."""
    filters = {"source_id": source_id, "status": status, "from": received_from, "before": received_before}
    position = Position.of(tx, "inbound-receipts", **filters)
    after = open_key_cursor(services, position, cursor)
    rows = await inbound.list_receipts(
        tx,
        source_id=source_id,
        status=status.value if status else None,
        received=(received_from, received_before),
        before=UUID(after) if after else _NEWEST,
        limit=limit + 1,
    )
    shown = [_shown(request, row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{receipt_id}", operation_id="read_inbound_receipt", response_model=InboundReceiptShown)
async def get_receipt(receipt_id: Uuid, request: Request, tx: Annotated[Tx, reads()]) -> Response:
    """Read a receipt: what became of a message, or why it waits."""
    shown = _shown(request, await verbs.seen_receipt(tx, receipt_id))
    return Response(shown.model_dump_json(), media_type=JSON, headers={"etag": f'"v{shown.version}"'})


@router.post(
    "/{receipt_id}/retry", operation_id="retry_inbound_receipt", status_code=202, response_model=InboundReceiptShown
)
async def post_retry(receipt_id: Uuid, request: Request, _spent: Spent, writing: Keeper) -> Response:
    """Do a quarantined receipt again, under the mapping in use. Needs `If-Match`."""
    shown = _shown(request, await verbs.retry(writing.tx, receipt_id, version=writing.expected_version()))
    return await writing.answer(shown, status=202, version=shown.version)


@router.post("/{receipt_id}/discard", operation_id="discard_inbound_receipt", response_model=InboundReceiptShown)
async def post_discard(
    receipt_id: Uuid, why: InboundDiscardIn, request: Request, _spent: Spent, writing: Keeper
) -> Response:
    """Let nothing become of a quarantined receipt, for a reason. Needs `If-Match`."""
    shown = _shown(request, await verbs.discard(writing.tx, receipt_id, why.reason, version=writing.expected_version()))
    return await writing.answer(shown, version=shown.version)

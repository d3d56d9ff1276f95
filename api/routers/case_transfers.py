"""Transfers of the coordinator's role: offer or ask, list, read, accept, reject, take back."""

import json
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from actions import case_transfers as verbs
from api.deps import ServicesDep, Writing, reads, reads_with_mark, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.case_transfers import (
    HandoverShown,
    TransferIn,
    TransferOpened,
    TransferPart,
    TransferRow,
    TransferShown,
    TransferStepIn,
)
from api.schemas.cases import AgencyName
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import case_transfers
from db.transaction import Tx
from rules.case_transfers import TransferStatus, TransferStep

router = StrictRouter("/v1/case-transfers", tags=["cases"])
of_case = StrictRouter("/v1/cases", tags=["cases"])


def shown(opened: verbs.OpenedTransfer) -> TransferShown:
    """A transfer without its words."""
    row = opened.transfer
    return TransferShown(
        id=row["id"],
        case_id=row["case_id"],
        kind=row["kind"],
        status=row["status"],
        reason=row["reason"],
        basis_kind=row["basis_kind"],
        giver=AgencyName(id=row["from_agency_id"], name=row["giver_name"]),
        taker=AgencyName(id=row["to_agency_id"], name=row["taker_name"]),
        place=row["place"],
        new_place=row["new_place"],
        case_kind=row["case_kind"],
        needs=list(row["needs"]),
        open_referrals=row["open_referrals"],
        refusal=row["refusal"],
        created_at=utc(row["created_at"]),
        updated_at=utc(row["updated_at"]),
        decided_at=utc_or_none(row["decided_at"]),
        version=row["version"],
        handover=HandoverShown.model_validate_json(row["handed_over"]) if row["handed_over"] else None,
        allowed_steps=list(opened.allowed_steps),
    )


async def _answer(writing: Writing, opened: verbs.OpenedTransfer, *, status: int = 200) -> Response:
    body = shown(opened)
    location = f"/v1/case-transfers/{body.id}" if status == 201 else None
    return await writing.answer(body, status=status, location=location, version=body.version)


@of_case.post("/{case_id}/transfers", operation_id="ask_transfer", status_code=201, response_model=TransferShown)
async def post_transfer(case_id: Uuid, given: TransferIn, writing: Annotated[Writing, writes()]) -> Response:
    """Offer the coordinator's role to another union, or, as a union that takes part in the case, ask the coordinator
    for it. Nothing moves before the other side accepts; one transfer of a case waits at a time."""
    said = verbs.TransferSaid(
        to_agency=given.to_agency,
        reason=given.reason.value,
        text=given.text,
        basis_kind=given.basis.kind.value,
        reference=given.basis.reference,
        new_place=given.new_place,
    )
    return await _answer(writing, await verbs.ask(writing.tx, case_id, said), status=201)


@router.get("", operation_id="list_transfers", response_model=Page[TransferRow])
async def list_transfers(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    part: TransferPart | None = None,
    status: TransferStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the transfers from and to the caller's union, newest change first."""
    position = Position.of(tx, "case-transfers", part=part, status=status)
    after = open_cursor(services, position, cursor)
    body = await case_transfers.list_transfers(tx, after=after, limit=limit + 1, part=part, status=status)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.get("/{transfer_id}", operation_id="read_transfer", response_model=TransferOpened)
async def get_transfer(transfer_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Read a transfer with its words. Needs `Tongli-Purpose`; leaves an audit mark."""
    opened = await verbs.read_transfer(tx, transfer_id)
    said = opened.said or {}
    body = TransferOpened(
        **shown(opened).model_dump(), text=said.get("text"), reference=said.get("reference"), answer=opened.answer
    )
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@router.post("/{transfer_id}/{step}", operation_id="take_transfer_step", response_model=TransferShown)
async def post_step(
    transfer_id: Uuid, step: TransferStep, words: TransferStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Accept, reject (with reason and text) or, as whoever asked, cancel. Accepting moves the role and all that goes
    with it at once: open referrals go on, their coordinator is the new one. Needs `If-Match`."""
    opened = await verbs.take_transfer_step(
        writing.tx,
        transfer_id,
        step.value,
        reason=words.reason and words.reason.value,
        text=words.text,
        version=writing.expected_version(),
    )
    return await _answer(writing, opened)

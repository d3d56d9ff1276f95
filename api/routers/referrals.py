"""Referrals: refer a need, see the box, take steps."""

import json
from typing import Annotated, Any

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions.cases import seen_case
from actions.referral_files import OpenedReferral, knows_case, note_for, note_is_open, read_referral
from actions.referral_steps import allowed_now, take_referral_step
from actions.referrals import refer
from api.conditional import content_tag, not_modified
from api.deps import ServicesDep, Writing, reads, reads_with_mark, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Instant, Uuid
from api.problems import field_problem, preferred_language
from api.schemas.cases import AgencyName, PersonShown
from api.schemas.referrals import (
    Box,
    DisclosureShown,
    MatterTitle,
    Preview,
    ReferralIn,
    ReferralRead,
    ReferralRequested,
    ReferralRow,
    Referrals,
    ReferralShown,
    ReferralStatus,
    StepIn,
    StepName,
    StepTaken,
)
from api.schemas.reports import Caution, utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import referrals
from db.transaction import Tx

router = StrictRouter("/v1/referrals", tags=["referrals"])
of_case = StrictRouter("/v1/cases", tags=["referrals"])


def columns(tx: Tx, referral: asyncpg.Record, allowed: tuple[str, ...], *, disclosed: bool) -> dict[str, Any]:
    """The fields of ReferralShown, as the acting agency may see them."""
    names = {
        name: referral[name] for name in ("id", "status", "need", "urgency", "pooled", "joint", "part_of", "reopens")
    }
    dates = {
        name: utc_or_none(referral[name])
        for name in (
            *("acknowledge_by", "accept_by", "resolve_by", "requested_at", "received_at", "accepted_at"),
            *("started_at", "ended_at"),
        )
    }
    to_agency = referral["to_agency_id"]
    return {
        **names,
        **dates,
        "case_id": referral["case_id"] if knows_case(tx, referral) else None,
        "matter": MatterTitle(
            code=referral["matter_code"], title_zh=referral["title_zh"], title_en=referral["title_en"]
        ),
        "sender": AgencyName(id=referral["sender_agency_id"], name=referral["sender_name"]),
        "to_agency": AgencyName(id=to_agency, name=referral["to_name"]) if to_agency else None,
        "preview": Preview(
            need=referral["need"],
            place=referral["place"],
            urgency=referral["urgency"],
            age_band=referral["age_band"],
        ),
        "note": note_for(tx, referral, disclosed=disclosed),
        "assigned": referral["assigned_by"] is not None,
        "due_confirmed": referral["due_confirmed"],
        "overdue": referral["overdue"],
        "outcome": referral["outcome"],
        "allowed_steps": list(allowed),
        "version": referral["version"],
    }


@of_case.post("/{case_id}/referrals", operation_id="refer", status_code=201, response_model=ReferralRequested)
async def post_referral(
    case_id: Uuid, referral: ReferralIn, request: Request, writing: Annotated[Writing, writes()]
) -> Response:
    """Refer one matter of a case to one office, or to the open pool. The answer says by when each step is due."""
    requested = await refer(writing.tx, case_id, referral.said())
    language = preferred_language(request.headers.get("accept-language"))
    warnings = [field_problem(found.pointer, found.code, language) for found in requested.warnings]
    allowed = allowed_now(writing.tx, requested.referral, requested.matter)
    shown = ReferralRequested(
        **columns(writing.tx, requested.referral, allowed, disclosed=True),
        warnings=[Caution.model_validate(warning) for warning in warnings],
    )
    return await writing.answer(shown, status=201, location=f"/v1/referrals/{shown.id}", version=shown.version)


@of_case.get("/{case_id}/referrals", operation_id="list_referrals_of_case")
async def get_referrals_of_case(case_id: Uuid, tx: Annotated[Tx, reads()]) -> Referrals:
    """List the referrals of a case: all for its coordinator, else those the caller is a party of."""
    await seen_case(tx, case_id)
    rows = json.loads(await referrals.referrals_of_case(tx, case_id))
    return Referrals(data=[ReferralRow.model_validate(_row(tx, row)) for row in rows])


def _row(tx: Tx, row: dict[str, Any]) -> dict[str, Any]:
    """A row of PostgreSQL's JSON in the shape of ReferralRow; an office that has not accepted learns no case."""
    sender = {"id": row.pop("sender_agency_id"), "name": row.pop("sender_name")}
    to_id, to_name = row.pop("to_agency_id"), row.pop("to_agency_name")
    row.pop("next_due")
    mine = str(tx.agency_id)
    at_work = to_id == mine and row.pop("accepted")
    if not at_work and mine not in (sender["id"], row.pop("coordinator_agency_id")):
        row["case_id"] = None
    for name in ("accepted", "coordinator_agency_id"):
        row.pop(name, None)
    return {**row, "sender": sender, "to_agency": {"id": to_id, "name": to_name} if to_id else None}


@router.get("", operation_id="list_referrals", response_model=Page[ReferralRow])
async def list_referrals(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    box: Box = Box.in_,
    status: ReferralStatus | None = None,
    due_before: Instant | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the caller's inbox or outbox, newest change first."""
    position = Position.of(tx, "referrals", box=box, status=status, due_before=due_before)
    after = open_cursor(services, position, cursor)
    body = await referrals.list_box(tx, box, after=after, limit=limit + 1, status=status, due_before=due_before)
    rows = [_row(tx, row) for row in json.loads(body)]
    return answer_page(request, services, position, rows, limit=limit, key=("updated_at", "id"))


@router.get("/{referral_id}", operation_id="read_referral", response_model=ReferralRead)
async def get_referral(referral_id: Uuid, request: Request, tx: Annotated[Tx, reads_with_mark()]) -> Response:
    """Read a referral. Before acceptance a receiver sees the preview; after it, under a recorded basis and with
    `Tongli-Purpose`, the matter's minimum fields, which leaves an audit mark."""
    opened = await read_referral(tx, referral_id)
    shown = _read(tx, opened)
    return not_modified(request, shown, version=shown.version, projection=content_tag(shown))


def _read(tx: Tx, opened: OpenedReferral) -> ReferralRead:
    disclosure = opened.disclosure
    return ReferralRead(
        **columns(
            tx,
            opened.referral,
            opened.allowed_steps,
            disclosed=disclosure is not None and note_is_open(opened.referral, disclosure),
        ),
        steps=[_step(step) for step in opened.steps],
        disclosure=DisclosureShown(
            field_classes=sorted(disclosure.classes), basis=disclosure.basis_kind, missing=disclosure.missing
        )
        if disclosure
        else None,
        people=[PersonShown.model_validate(person) for person in opened.people] if opened.people is not None else None,
    )


def _step(step: dict[str, Any]) -> StepTaken:
    said = step["said"]
    return StepTaken(
        step=step["step"],
        from_status=step["from_status"],
        to_status=step["to_status"],
        agency=AgencyName(id=step["agency_id"], name=step["agency_name"]),
        at=utc(step["taken_at"]),
        reason=step["reason"],
        text=said.get("text"),
        missing=said.get("missing") or [],
        competent_agency_kind=said.get("competent_agency_kind"),
        legal_basis=said.get("legal_basis"),
        approved_by=said.get("approved_by"),
        outcome=said.get("outcome"),
        deadlines=step["deadlines"],
    )


@router.post("/{referral_id}/{step}", operation_id="take_referral_step", response_model=ReferralShown)
async def post_step(
    referral_id: Uuid, step: StepName, words: StepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Take a step: send, receive, accept, reject, return, resubmit, start, hold, resume, extend, dispute, complete,
    fail, cancel, void. Needs `If-Match`. A step that is not allowed answers 409 with the allowed ones."""
    tx = writing.tx
    taken = await take_referral_step(tx, referral_id, step.value, words.said(), version=writing.expected_version())
    shown = ReferralShown(**columns(tx, taken.referral, taken.allowed_steps, disclosed=False))
    return await writing.answer(shown, version=shown.version)

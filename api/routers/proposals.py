"""Proposals: draft, change, list, read, send, reply, withdraw."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from actions import proposals as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import Flag, MergePatchBody, Uuid
from api.schemas.cases import AgencyName
from api.schemas.proposals import (
    EvidenceShown,
    FacetsIn,
    ProposalChange,
    ProposalIn,
    ProposalPart,
    ProposalShown,
    ProposalStepIn,
    ReplyShown,
)
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import proposals
from db.transaction import Tx
from rules.proposals import FACETS, ProposalStatus, ProposalStep, ReplyWords

router = StrictRouter("/v1/proposals", tags=["policy"])

_NEWEST = UUID(int=2**128 - 1)


def _shown(opened: verbs.OpenedProposal) -> ProposalShown:
    row = opened.proposal
    return ProposalShown(
        id=row["id"],
        union=AgencyName(id=row["agency_id"], name=row["agency_name"]),
        title=row["title"],
        need=row["need"],
        **{facet: row[facet] for facet in FACETS},
        addressee_agency=row["addressee_agency_id"],
        addressee_name=row["addressee"],
        reply_days=row["reply_days"],
        status=row["status"],
        evidence=EvidenceShown.model_validate_json(row["counted"]) if row["counted"] else None,
        sent_at=utc_or_none(row["sent_at"]),
        due_by=utc_or_none(row["due_by"]),
        due_confirmed=row["due_confirmed"],
        overdue=row["overdue"],
        reply=ReplyShown(
            decision=row["decision"],
            reason=row["reply_reason"],
            text=row["reply_text"],
            replied_at=utc(row["replied_at"]),
        )
        if row["decision"]
        else None,
        created_at=utc(row["created_at"]),
        updated_at=utc(row["updated_at"]),
        version=row["version"],
        allowed_steps=list(opened.allowed_steps),
    )


def _words(given: FacetsIn, *, only_set: bool) -> dict[str, object]:
    """What was said, by column."""
    said = given.model_dump(mode="python", exclude_unset=only_set)
    if "addressee_agency" in said:
        said["addressee_agency_id"] = said.pop("addressee_agency")
    return said


async def _answer(writing: Writing, opened: verbs.OpenedProposal, *, status: int = 200) -> Response:
    body = _shown(opened)
    location = f"/v1/proposals/{body.id}" if status == 201 else None
    return await writing.answer(body, status=status, location=location, version=body.version)


@router.post("", operation_id="draft_proposal", status_code=201, response_model=ProposalShown)
async def post_proposal(given: ProposalIn, writing: Annotated[Writing, writes()]) -> Response:
    """Draft a proposal for a need that no body answers well. For unions; nobody else sees it before it is sent."""
    return await _answer(writing, await verbs.draft(writing.tx, _words(given, only_set=False)), status=201)


@router.get("", operation_id="list_proposals", response_model=Page[ProposalShown])
async def list_proposals(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    part: ProposalPart | None = None,
    status: ProposalStatus | None = None,
    overdue: Flag | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the proposals of the caller's union and those that were sent to the caller's agency, newest first."""
    position = Position.of(tx, "proposals", part=part, status=status, overdue=overdue)
    after = open_key_cursor(services, position, cursor)
    before = UUID(after) if after else _NEWEST
    rows = await proposals.list_proposals(tx, before=before, limit=limit + 1, part=part, status=status, overdue=overdue)
    shown = [_shown(verbs.opened(tx, row)) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{proposal_id}", operation_id="read_proposal", response_model=ProposalShown)
async def get_proposal(proposal_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read a proposal with its evidence and the reply to it."""
    body = _shown(await verbs.read(tx, proposal_id))
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@router.patch("/{proposal_id}", operation_id="change_proposal", response_model=ProposalShown)
async def patch_proposal(
    proposal_id: Uuid,
    change: Annotated[ProposalChange, MergePatchBody],
    writing: Annotated[Writing, writes(key_required=False)],
) -> Response:
    """Change a draft. What was sent stays as it was sent. Needs `If-Match`."""
    words = _words(change, only_set=True)
    return await _answer(
        writing, await verbs.change(writing.tx, proposal_id, words, version=writing.expected_version())
    )


@router.post("/{proposal_id}/{step}", operation_id="take_proposal_step", response_model=ProposalShown)
async def post_step(
    proposal_id: Uuid, step: ProposalStep, words: ProposalStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Send, reply to, or withdraw a proposal. Sending needs all five facets and an addressee, counts what it rests on
    and starts the clock of the reply. The addressee replies; of a body that is not on the platform the union records
    the reply. Needs `If-Match`."""
    said = ReplyWords(
        decision=words.decision and words.decision.value,
        reason=words.reason and words.reason.value,
        text=words.text,
    )
    return await _answer(
        writing,
        await verbs.take_proposal_step(writing.tx, proposal_id, step.value, said, version=writing.expected_version()),
    )

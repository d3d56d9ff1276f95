"""Answer links: make one for an office without a system, list, revoke. What is done with one: api/answer_pages.py."""

from typing import Annotated, Any

import asyncpg
from starlette.responses import Response

from actions.answer_links import answered_by, clerk_of, links_of, make_link, revoke_link, used_of
from api.deps import ServicesDep, Writing, reads, writes
from api.params import Uuid
from api.schemas.answer_links import AnswerLinkIn, AnswerLinkMade, AnswerLinks, AnswerLinkShown
from api.schemas.cases import AgencyName
from api.schemas.reports import utc_or_none
from api.strict_json import StrictRouter
from db.clock import real_time
from db.transaction import Tx
from web.answer_links import ADDRESS

of_referral = StrictRouter("/v1/referrals", tags=["referrals"])


def _columns(tx: Tx, row: asyncpg.Record) -> dict[str, Any]:
    moments = ("created_at", "expires_at", "revoked_at", "answered_at")
    return {
        "id": row["id"],
        "referral_id": row["referral_id"],
        "status": used_of(row).status(real_time()),
        "made_by": AgencyName(id=row["agency_id"], name=row["agency_name"]),
        "to_agency": AgencyName(id=row["to_agency_id"], name=row["to_name"]),
        "steps": row["steps"],
        "clerk": clerk_of(tx, row),
        "follows": row["follows"],
        **{name: utc_or_none(row[name]) for name in moments},
        "step": row["step"],
        "answered_by": answered_by(tx, row),
    }


@of_referral.post(
    "/{referral_id}/answer-links", operation_id="make_answer_link", status_code=201, response_model=AnswerLinkMade
)
async def post_link(
    referral_id: Uuid, said: AnswerLinkIn, services: ServicesDep, writing: Annotated[Writing, writes()]
) -> Response:
    """Make a link through which the addressee, an office without a system, answers this referral once. `url` is shown
    this once; whoever holds it may answer for the office."""
    made = await make_link(writing.tx, referral_id, said.said())
    url = f"{services.public_url}{ADDRESS}#{made.token}"
    return await writing.answer(AnswerLinkMade(**_columns(writing.tx, made.link), url=url), status=201)


@of_referral.get("/{referral_id}/answer-links", operation_id="list_answer_links")
async def get_links(referral_id: Uuid, tx: Annotated[Tx, reads()]) -> AnswerLinks:
    """List the answer links of a referral, oldest first: what became of each, never its secret."""
    return AnswerLinks(data=[AnswerLinkShown(**_columns(tx, row)) for row in await links_of(tx, referral_id)])


@of_referral.post(
    "/{referral_id}/answer-links/{link_id}/revoke", operation_id="revoke_answer_link", response_model=AnswerLinkShown
)
async def post_revocation(referral_id: Uuid, link_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """Revoke an answer link that stands. 409 where it was used, was revoked or has run out."""
    row = await revoke_link(writing.tx, referral_id, link_id)
    return await writing.answer(AnswerLinkShown(**_columns(writing.tx, row)))

"""The emergency access: open, list, judge."""

from typing import Annotated

import asyncpg
from starlette.responses import Response

from actions.break_glass import REVIEW_CONTEXT, TEXT_CONTEXT, open_glass, review_use, seen_use
from actions.cases import seen_case
from api.deps import Writing, reads, spends, writes
from api.params import Uuid
from api.schemas.cases import AgencyName
from api.schemas.reports import utc, utc_or_none
from api.schemas.sharing import BreakGlassIn, BreakGlassShown, BreakGlassUses, ReviewIn
from api.strict_json import StrictRouter
from db.queries import break_glass
from db.transaction import Tx
from rules.limits import BREAK_GLASS

router = StrictRouter("/v1/break-glass", tags=["sharing"])
of_case = StrictRouter("/v1/cases", tags=["sharing"])


def _shown(tx: Tx, row: asyncpg.Record) -> BreakGlassShown:
    review = row["review_text"]
    return BreakGlassShown(
        id=row["id"],
        case_id=row["case_id"],
        agency=AgencyName(id=row["agency_id"], name=row["agency_name"]),
        danger=row["danger"],
        text=tx.vault.cipher.open(row["text"], f"{TEXT_CONTEXT}:{row['id']}"),
        opened_at=utc(row["opened_at"]),
        ends_at=utc(row["ends_at"]),
        review_by=utc(row["review_by"]),
        reviewed_at=utc_or_none(row["reviewed_at"]),
        verdict=row["verdict"],
        review_text=tx.vault.cipher.open(review, f"{REVIEW_CONTEXT}:{row['id']}") if review else None,
    )


@of_case.post("/{case_id}/break-glass", operation_id="break_glass", status_code=201, response_model=BreakGlassShown)
async def post_opening(
    case_id: Uuid,
    opening: BreakGlassIn,
    _spent: Annotated[None, spends(BREAK_GLASS)],
    writing: Annotated[Writing, writes()],
) -> Response:
    """Open a case's file in an emergency, as a participant without a basis: basic, contact, medical and family fields,
    for up to 24 hours. The coordinator is told at once and judges it within a day."""
    use = await open_glass(writing.tx, case_id, danger=opening.danger.value, text=opening.text, hours=opening.hours)
    return await writing.answer(_shown(writing.tx, use), status=201, location=f"/v1/break-glass/{use['id']}")


@of_case.get("/{case_id}/break-glass", operation_id="list_break_glass")
async def get_uses(case_id: Uuid, tx: Annotated[Tx, reads()]) -> BreakGlassUses:
    """List the emergency uses of a case: all for the coordinator and those above it, else the caller's own."""
    await seen_case(tx, case_id)
    return BreakGlassUses(data=[_shown(tx, row) for row in await break_glass.uses_of_case(tx, case_id)])


@router.get("/{use_id}", operation_id="read_break_glass")
async def get_use(use_id: Uuid, tx: Annotated[Tx, reads()]) -> BreakGlassShown:
    """Read one emergency use."""
    return _shown(tx, await seen_use(tx, use_id))


@router.post("/{use_id}/review", operation_id="review_break_glass", response_model=BreakGlassShown)
async def post_review(use_id: Uuid, review: ReviewIn, writing: Annotated[Writing, writes()]) -> Response:
    """Judge an emergency use, as the coordinator or a supervisor above it. `not_justified` closes it at once."""
    use = await review_use(writing.tx, use_id, verdict=review.verdict.value, text=review.text)
    return await writing.answer(_shown(writing.tx, use))

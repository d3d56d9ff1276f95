"""Policy gaps: recorded in a case, read with their words by its coordinator, counted for the unions above."""

from typing import Annotated

from starlette.responses import Response

from actions import policy_gaps as verbs
from api.deps import Writing, reads, reads_with_mark, writes
from api.paging import Limit
from api.params import Uuid
from api.schemas.policy_gaps import GapCount, GapCounts, GapIn, Gaps, GapShown
from api.schemas.reports import utc
from api.strict_json import StrictRouter
from db.queries import policy_gaps
from db.transaction import Tx
from rules.matters import Need
from rules.proposals import shown_count

of_case = StrictRouter("/v1/cases", tags=["policy"])
router = StrictRouter("/v1/policy-gaps", tags=["policy"])


def _shown(opened: verbs.OpenedGap) -> GapShown:
    row = opened.gap
    return GapShown(
        id=row["id"],
        case_id=row["case_id"],
        need=row["need"],
        matter=row["matter_code"],
        ground=row["ground"],
        place=row["place"],
        text=opened.text,
        recorded_at=utc(row["recorded_at"]),
    )


@of_case.post("/{case_id}/policy-gaps", operation_id="record_policy_gap", status_code=201, response_model=GapShown)
async def post_gap(case_id: Uuid, given: GapIn, writing: Annotated[Writing, writes()]) -> Response:
    """Record that no body is competent for a need of the case. Where the responsibility list has one, this is refused
    and the office is named. The need stays with the coordinator; the unions above count the gap without its case."""
    said = verbs.GapSaid(given.need.value, given.matter, given.ground.value, given.text)
    recorded = _shown(await verbs.record_gap(writing.tx, case_id, said))
    return await writing.answer(recorded, status=201, location=f"/v1/cases/{case_id}/policy-gaps")


@of_case.get("/{case_id}/policy-gaps", operation_id="read_policy_gaps")
async def get_gaps(case_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> Gaps:
    """Read the policy gaps of a case with their words. Needs `Tongli-Purpose`; leaves an audit mark."""
    return Gaps(data=[_shown(opened) for opened in await verbs.read_gaps(tx, case_id)])


@router.get("/counts", operation_id="count_policy_gaps")
async def get_counts(tx: Annotated[Tx, reads()], need: Need | None = None, limit: Limit = 50) -> GapCounts:
    """Count policy gaps by need, place and ground: those of the caller's union and of the unions below it. The most
    frequent first; no case, and no count under five."""
    rows = await policy_gaps.count_gaps(tx, need=need, limit=limit)
    return GapCounts(data=[GapCount(**row | {"gaps": shown_count(row["gaps"])}) for row in rows])

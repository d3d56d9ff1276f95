"""Possible matches: the queue, side by side, the waterfall, not a duplicate, undo, bulk."""

import json
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from actions import match_candidates as verbs
from actions.joining import confirm, undo_decision
from api.deps import ServicesDep, Writing, reads, reads_with_mark, spends, writes
from api.listing import OLDEST, Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Flag, QueryText, Uuid
from api.schemas.cases import AgencyName
from api.schemas.match_candidates import (
    BulkDecided,
    BulkDecisionIn,
    MatchAccess,
    MatchComparison,
    MatchLevel,
    MatchPerson,
    MatchRow,
    MatchShown,
    MatchSide,
    MatchStatus,
    MatchTerm,
    NotDuplicateIn,
)
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import match_candidates
from db.transaction import Tx
from rules.limits import MATCH_READ
from rules.linkage.waterfall import draw_waterfall
from rules.linkage.wording import wording_of
from rules.match_candidates import decimal_text, quarter_of

router = StrictRouter("/v1/match-candidates", tags=["matches"])


class SvgResponse(Response):
    media_type = "image/svg+xml"


def shown(tx: Tx, opened: verbs.OpenedMatch) -> MatchShown:
    """A match as far as the parts of the caller reach."""
    match, parts = opened.match, opened.parts
    both = "comparer" in parts
    side = "holder" if "coordinator" in parts else "coordinator"
    mine = match["decided_by_agency"] == tx.agency_id
    decider = match["decided_by_agency"]
    return MatchShown(
        id=match["id"],
        band=match["band"],
        status=match["status"],
        since_quarter=quarter_of(match["created_at"]),
        due_at=utc(match["due_at"]),
        case_id=verbs.own_case(match, parts),
        other_case_id=match["other_case_id"] if both else None,
        holder=AgencyName(id=match[f"{side}_agency_id"], name=match[f"{side}_name"]),
        comparable=both,
        comparison=_comparison(match["guards"], opened.comparison) if opened.comparison else None,
        decided_by=AgencyName(id=decider, name=match["decider_name"]) if decider else None,
        decided_at=utc_or_none(match["decided_at"]),
        reason=match["reason"] if mine else None,
        until=utc_or_none(match["until"]),
        version=match["version"],
    )


def _comparison(guards: list[str], made: verbs.Comparison) -> MatchComparison:
    return MatchComparison(
        sides=[
            MatchSide(own=side.own, person=MatchPerson.model_validate(side.person), household_size=side.household_size)
            for side in made.sides
        ],
        field_classes=sorted(made.classes),
        levels=[MatchLevel(**level) for level in made.levels],
        weight=None if made.weight is None else decimal_text(made.weight),
        terms=None if made.terms is None else [_term(term) for term in made.terms],
        guards=None if made.terms is None else guards,
        access=MatchAccess(request_id=made.request_id, expires_at=utc(made.expires_at))
        if made.request_id and made.expires_at
        else None,
    )


def _term(term: dict[str, object]) -> MatchTerm:
    name, level = str(term["name"]), str(term["level"])
    of_name, of_level = wording_of(name, level)
    return MatchTerm(
        comparison=name,
        level=level,
        weight=decimal_text(float(str(term["weight"]))),
        rarity=decimal_text(float(str(term["rarity"]))),
        comparison_zh=of_name.zh,
        level_zh=of_level.zh,
        comparison_en=of_name.en,
        level_en=of_level.en,
    )


@router.get("", operation_id="list_match_candidates", response_model=Page[MatchRow])
async def get_queue(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    status: MatchStatus | None = None,
    overdue: Flag | None = None,
    case_id: Uuid | None = None,
    source_system: QueryText | None = None,
    agency_id: Uuid | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List possible matches of the cases the caller coordinates, open ones first, by due date. `source_system` and
    `agency_id` are of the later report, where the caller coordinates its case."""
    wanted = match_candidates.MatchFilter(status, overdue, case_id, source_system, agency_id)
    position = Position.of(tx, "match-candidates", wanted=wanted)
    after = open_cursor(services, position, cursor, start=OLDEST)
    body = await match_candidates.list_candidates(tx, wanted, after=after, limit=limit + 1)
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("position", "id"))


@router.get("/{candidate_id}", operation_id="read_match_candidate", response_model=MatchShown)
async def get_candidate(
    candidate_id: Uuid, _spent: Annotated[None, spends(MATCH_READ)], tx: Annotated[Tx, reads_with_mark()]
) -> Response:
    """Read a possible match: both descriptions side by side for whoever coordinates both cases, or holds a grant; else
    only that it exists and whom to ask. Needs `Tongli-Purpose`; leaves an audit mark."""
    opened = await verbs.read_candidate(tx, candidate_id)
    body = shown(tx, opened)
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@router.get("/{candidate_id}/waterfall.svg", operation_id="draw_match_candidate", response_class=SvgResponse)
async def get_waterfall(
    candidate_id: Uuid, _spent: Annotated[None, spends(MATCH_READ)], tx: Annotated[Tx, reads_with_mark()]
) -> Response:
    """Draw the terms of a possible match as a waterfall, for whoever coordinates both cases. Needs `Tongli-Purpose`;
    leaves an audit mark."""
    match = await verbs.read_terms(tx, candidate_id)
    return SvgResponse(draw_waterfall(match["terms"], match["weight"]))


@router.post("/bulk", operation_id="decide_match_candidates", response_model=BulkDecided)
async def post_bulk(given: BulkDecisionIn, writing: Annotated[Writing, writes()]) -> Response:
    """Decide open matches of one source at once, up to 200 a request; repeat until it answers 0."""
    decided = await verbs.decide_of_source(
        writing.tx,
        source_system=given.source_system,
        agency_id=given.agency,
        reason=given.reason.value,
        until=given.until,
        limit=given.limit,
    )
    return await writing.answer(BulkDecided(decided=decided))


@router.post("/{candidate_id}/not-duplicate", operation_id="decide_not_duplicate", response_model=MatchShown)
async def post_not_duplicate(
    candidate_id: Uuid, given: NotDuplicateIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Say that the two records are two people, until a day where one is named. For the coordinator of either case; the
    other is told. Needs `If-Match`."""
    opened = await verbs.decide_not_duplicate(
        writing.tx, candidate_id, reason=given.reason.value, until=given.until, version=writing.expected_version()
    )
    return await writing.answer(shown(writing.tx, opened), version=opened.match["version"])


@router.post("/{candidate_id}/confirm", operation_id="confirm_match_candidate", response_model=MatchShown)
async def post_confirm(candidate_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """Say that the two records are one person. Where two unions coordinate, both must: the second word joins persons
    and puts the later case into the earlier one. Needs `If-Match`."""
    opened = await confirm(writing.tx, candidate_id, version=writing.expected_version())
    return await writing.answer(shown(writing.tx, opened), version=opened.match["version"])


@router.post("/{candidate_id}/undo", operation_id="undo_match_decision", response_model=MatchShown)
async def post_undo(candidate_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """Take back what was decided: that they are two people, as the coordinator of either case, and the match is open
    again; or that they are one, with all that followed, as the coordinator of the case. Needs `If-Match`."""
    opened = await undo_decision(writing.tx, candidate_id, version=writing.expected_version())
    return await writing.answer(shown(writing.tx, opened), version=opened.match["version"])

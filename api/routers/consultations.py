"""The register of consultations: record, change, list, read, count by drafting body."""

from datetime import date
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions import consultations as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import Flag, MergePatchBody, Uuid
from api.schemas.consultations import (
    ConsultationChange,
    ConsultationIn,
    ConsultationShown,
    DrafterCount,
    DrafterCounts,
    HearingIn,
)
from api.schemas.reports import utc
from api.strict_json import StrictRouter
from db.queries import consultations
from db.transaction import Tx
from rules.deadlines import shanghai_day

router = StrictRouter("/v1/consultations", tags=["policy"])

_NEWEST = UUID(int=2**128 - 1)
_AS_STORED = ("title", "kind", "learned_on", "asked_on", "opinion_due", "attended", "opinion", "opinion_on")


def _shown(row: asyncpg.Record, today: date) -> ConsultationShown:
    due = row["opinion_due"]
    return ConsultationShown(
        id=row["id"],
        **{name: row[name] for name in _AS_STORED},
        drafter_agency=row["drafter_agency_id"],
        drafter_name=row["drafter"],
        missing_participation=row["asked_on"] is None,
        opinion_overdue=due is not None and row["opinion"] is None and due < today,
        adoption=row["adoption"],
        adoption_reason=row["adoption_reason"],
        created_at=utc(row["created_at"]),
        updated_at=utc(row["updated_at"]),
        version=row["version"],
    )


def _words(given: HearingIn, *, only_set: bool) -> dict[str, object]:
    """What was said, by column."""
    said = given.model_dump(mode="python", exclude_unset=only_set)
    if "drafter_agency" in said:
        said["drafter_agency_id"] = said.pop("drafter_agency")
    return said


async def _answer(writing: Writing, row: asyncpg.Record, *, status: int = 200) -> Response:
    body = _shown(row, shanghai_day(writing.tx.now))
    location = f"/v1/consultations/{body.id}" if status == 201 else None
    return await writing.answer(body, status=status, location=location, version=body.version)


@router.post("", operation_id="register_consultation", status_code=201, response_model=ConsultationShown)
async def post_consultation(given: ConsultationIn, writing: Annotated[Writing, writes()]) -> Response:
    """Record a draft that touches workers' vital interests, whether the union was asked or not. For unions."""
    return await _answer(writing, await verbs.register(writing.tx, _words(given, only_set=False)), status=201)


@router.get("", operation_id="list_consultations", response_model=Page[ConsultationShown])
async def list_consultations(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    missing_participation: Flag | None = None,
    opinion_overdue: Flag | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the register of the caller's union, newest first; those on which it was not asked, or is late itself."""
    filters = {"missing_participation": missing_participation, "opinion_overdue": opinion_overdue}
    position = Position.of(tx, "consultations", **filters)
    after = open_key_cursor(services, position, cursor)
    rows = await consultations.list_consultations(
        tx, before=UUID(after) if after else _NEWEST, limit=limit + 1, **filters
    )
    shown = [_shown(row, shanghai_day(tx.now)) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/counts", operation_id="count_consultations")
async def get_counts(tx: Annotated[Tx, reads()], limit: Limit = 50) -> DrafterCounts:
    """Count by drafting body: drafts, not asked, attended, opinions and what became of them. Who left the union out
    most often comes first."""
    return DrafterCounts(data=[DrafterCount(**row) for row in await consultations.count_consultations(tx, limit=limit)])


@router.get("/{consultation_id}", operation_id="read_consultation", response_model=ConsultationShown)
async def get_consultation(consultation_id: Uuid, tx: Annotated[Tx, reads()]) -> Response:
    """Read one record of the register."""
    body = _shown(await verbs.read(tx, consultation_id), shanghai_day(tx.now))
    return Response(body.model_dump_json(), media_type="application/json", headers={"etag": f'"v{body.version}"'})


@router.patch("/{consultation_id}", operation_id="change_consultation", response_model=ConsultationShown)
async def patch_consultation(
    consultation_id: Uuid,
    change: Annotated[ConsultationChange, MergePatchBody],
    writing: Annotated[Writing, writes(key_required=False)],
) -> Response:
    """Record the asking, the opinion, attendance, or what became of the opinion. Needs `If-Match`."""
    words = _words(change, only_set=True)
    return await _answer(
        writing, await verbs.change(writing.tx, consultation_id, words, version=writing.expected_version())
    )

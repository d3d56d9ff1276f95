"""Impact assessments: on record and in force before fields of a matter are shared."""

from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions.assessments import AssessmentSaid, record_assessment, revoke_assessment, seen_assessment
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.cases import AgencyName
from api.schemas.reports import utc, utc_or_none
from api.schemas.sharing import AssessmentIn, AssessmentShown
from api.strict_json import StrictRouter
from db.queries import assessments
from db.transaction import Tx

router = StrictRouter("/v1/impact-assessments", tags=["sharing"])

_NEWEST = UUID(int=2**128 - 1)


def _shown(row: asyncpg.Record) -> AssessmentShown:
    return AssessmentShown(
        id=row["id"],
        agency=AgencyName(id=row["agency_id"], name=row["agency_name"]),
        title=row["title"],
        matters=row["matters"],
        field_classes=row["field_classes"],
        measures=row["measures"],
        assessed_by=row["assessed_by"],
        valid_from=utc(row["valid_from"]),
        valid_until=utc(row["valid_until"]),
        recorded_at=utc(row["recorded_at"]),
        revoked_at=utc_or_none(row["revoked_at"]),
    )


@router.get("", operation_id="list_assessments", response_model=Page[AssessmentShown])
async def list_assessments(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    agency: Uuid | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List impact assessments, newest first, of one agency or of all: whoever shares may see what it shares under."""
    position = Position.of(tx, "assessments", agency=agency)
    after = open_key_cursor(services, position, cursor)
    rows = await assessments.list_assessments(
        tx, agency_id=agency, after=UUID(after) if after else _NEWEST, limit=limit + 1
    )
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{assessment_id}", operation_id="read_assessment")
async def get_assessment(assessment_id: Uuid, tx: Annotated[Tx, reads()]) -> AssessmentShown:
    """Read one impact assessment."""
    return _shown(await seen_assessment(tx, assessment_id))


@router.post("", operation_id="record_assessment", status_code=201, response_model=AssessmentShown)
async def post_assessment(said: AssessmentIn, writing: Annotated[Writing, writes()]) -> Response:
    """Record an impact assessment for the cases of the caller's union and of the unions below it."""
    recorded = await record_assessment(
        writing.tx,
        AssessmentSaid(
            title=said.title,
            matters=tuple(dict.fromkeys(said.matters)),
            field_classes=tuple(dict.fromkeys(name.value for name in said.field_classes)),
            measures=said.measures,
            assessed_by=said.assessed_by,
            valid_from=said.valid_from,
            valid_until=said.valid_until,
        ),
    )
    return await writing.answer(_shown(recorded), status=201, location=f"/v1/impact-assessments/{recorded['id']}")


@router.post("/{assessment_id}/revoke", operation_id="revoke_assessment", response_model=AssessmentShown)
async def post_revocation(assessment_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """End an impact assessment: what it opened is closed at once."""
    return await writing.answer(_shown(await revoke_assessment(writing.tx, assessment_id)))

"""Administrative divisions over time."""

from datetime import date
from typing import Annotated

import asyncpg
from fastapi import Query, Request
from starlette.responses import Response

from api.content_tags import unless_known
from api.deps import ServicesDep, reads
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import Day, DivisionCode
from api.schemas.divisions import DivisionShown
from api.strict_json import StrictRouter
from db.queries import divisions
from db.transaction import Tx
from rules.deadlines import shanghai_day
from rules.errors import Hidden

router = StrictRouter("/v1/divisions", tags=["reference"])

AsOf = Annotated[Day | None, Query(description="the day on which the codes were valid; default: today in Shanghai")]


def _shown(row: asyncpg.Record) -> DivisionShown:
    return DivisionShown(
        code=row["code"],
        name=row["name"],
        parent=row["parent_code"],
        level=row["level"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        source=row["source"],
        source_as_of=row["as_of"],
    )


def _day(tx: Tx, as_of: date | None) -> date:
    return as_of or shanghai_day(tx.now)


@router.get("", operation_id="list_divisions", response_model=Page[DivisionShown])
async def list_divisions(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    as_of: AsOf = None,
    parent: DivisionCode | None = None,
    code: DivisionCode | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the divisions valid on a day, by code. `parent` lists what lies directly below a division."""
    position = Position.of(tx, "divisions", as_of=as_of, parent=parent, code=code)
    after = open_key_cursor(services, position, cursor)
    rows = await divisions.list_divisions(
        tx, as_of=_day(tx, as_of), parent=parent, code=code, after=after, limit=limit + 1
    )
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: last.code)


@router.get("/{code}", operation_id="read_division", response_model=DivisionShown)
async def get_division(
    code: DivisionCode, request: Request, tx: Annotated[Tx, reads()], as_of: AsOf = None
) -> Response:
    """Read a division as it was on a day; not found where the code was not valid then."""
    row = await divisions.find_division(tx, code, _day(tx, as_of))
    if row is None:
        raise Hidden
    return unless_known(request, _shown(row))

"""The directory: offices, their windows, the matters they are competent for."""

import json
from typing import Annotated

import asyncpg
from fastapi import Query, Request
from starlette.responses import Response

from actions.agencies import change_entry, open_department, seen_entry
from api.conditional import not_modified
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import CodeText, DivisionCode, MergePatchBody, Uuid
from api.schemas.agencies import AgencyChange, AgencyShown, DepartmentIn, WindowIn, windows_shown
from api.schemas.cases import AgencyName
from api.strict_json import StrictRouter
from db.queries import agencies
from db.transaction import Tx
from rules.matters import AgencyKind

router = StrictRouter("/v1/agencies", tags=["directory"])

_DIVISION = Query(description="offices in this division, below it, or competent for a matter in it")
_MATTER = Query(description="offices competent for this matter; with `division`: there")


def _shown(entry: asyncpg.Record) -> AgencyShown:
    parent = entry["parent_id"]
    return AgencyShown(
        id=entry["id"],
        code=entry["code"],
        name=entry["name"],
        name_en=entry["name_en"],
        kind=entry["kind"],
        level=entry["level"],
        parent=None if parent is None else AgencyName(id=parent, name=entry["parent_name"]),
        department=entry["department"],
        division_code=entry["division_code"],
        windows=windows_shown(json.loads(entry["windows"])),
        matters=entry["matters"],
        answers_by_link=entry["answers_by_link"],
        status=entry["status"],
        version=entry["version"],
    )


def _said(windows: list[WindowIn]) -> list[dict[str, str]]:
    return [window.model_dump(exclude_none=True) for window in windows]


@router.get("", operation_id="list_agencies", response_model=Page[AgencyShown])
async def list_agencies(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    kind: AgencyKind | None = None,
    division: Annotated[DivisionCode | None, _DIVISION] = None,
    matter: Annotated[CodeText | None, _MATTER] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the active offices of the directory by code."""
    wanted = agencies.DirectoryFilter(kind and kind.value, division, matter)
    position = Position.of(tx, "agencies", kind=wanted.kind, division=division, matter=matter)
    after = open_key_cursor(services, position, cursor)
    rows = await agencies.list_agencies(tx, wanted, after=after, limit=limit + 1)
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: last.code)


@router.get("/{agency_id}", operation_id="read_agency", response_model=AgencyShown)
async def get_agency(agency_id: Uuid, request: Request, tx: Annotated[Tx, reads()]) -> Response:
    """Read one entry of the directory, also that of a suspended office."""
    entry = await seen_entry(tx, agency_id)
    return not_modified(request, _shown(entry), version=entry["version"], projection="")


@router.post("", operation_id="open_department", status_code=201, response_model=AgencyShown)
async def post_department(department: DepartmentIn, writing: Annotated[Writing, writes()]) -> Response:
    """Open an internal department below the caller's agency. Every other entry is the operator's."""
    entry = await open_department(
        writing.tx,
        suffix=department.suffix,
        name=department.name,
        name_en=department.name_en,
        windows=_said(department.windows),
    )
    location = f"/v1/agencies/{entry['id']}"
    return await writing.answer(_shown(entry), status=201, location=location, version=entry["version"])


@router.patch("/{agency_id}", operation_id="change_agency", response_model=AgencyShown)
async def patch_agency(
    agency_id: Uuid,
    change: Annotated[AgencyChange, MergePatchBody],
    writing: Annotated[Writing, writes(key_required=False)],
) -> Response:
    """Change name or windows of the caller's own entry. Needs `If-Match`."""
    given = change.model_fields_set
    entry = await change_entry(
        writing.tx,
        agency_id,
        version=writing.expected_version(),
        name=change.name if "name" in given else None,
        name_en=change.name_en if "name_en" in given else None,
        windows=_said(change.windows) if "windows" in given else None,
    )
    return await writing.answer(_shown(entry), version=entry["version"])

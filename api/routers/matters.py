"""The responsibility list: whose duty a need is, by when, and which offices that is in a place."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Self

import asyncpg
from fastapi import Query, Request
from starlette.responses import Response

from api.content_tags import unless_known
from api.deps import reads
from api.params import CodeText, DivisionCode
from api.schemas.agencies import windows_shown
from api.schemas.matters import (
    ClockShown,
    ClocksShown,
    FieldsShown,
    LeadShown,
    Matters,
    MatterShown,
    OfficeShown,
    OverrideShown,
    SupportShown,
)
from api.strict_json import StrictRouter
from db.queries import matters
from db.transaction import Tx
from rules.deadlines import Period
from rules.errors import Hidden
from rules.matters import ClockName, FigureBasis, FigureMark, Matter, Need, tightened

router = StrictRouter("/v1/matters", tags=["directory"])

Division = Annotated[
    DivisionCode | None,
    Query(description="adds the stricter clocks of this division and the offices competent in it"),
]


@dataclass(frozen=True, slots=True)
class _Place:
    """What holds in one division, by matter."""

    overrides: defaultdict[str, list[asyncpg.Record]] = field(default_factory=lambda: defaultdict(list))
    offices: defaultdict[str, list[asyncpg.Record]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    async def of(cls, tx: Tx, division: str, code: str | None) -> Self:
        place = cls()
        for row in await matters.overrides_in(tx, division, code=code):
            place.overrides[row["matter_code"]].append(row)
        for row in await matters.offices_in(tx, division, code=code):
            place.offices[row["matter_code"]].append(row)
        return place


@router.get("", operation_id="list_matters", response_model=Matters)
async def list_matters(
    *,
    request: Request,
    tx: Annotated[Tx, reads()],
    need: Annotated[Need | None, Query(description="matters that answer this need")] = None,
    division: Division = None,
    code: CodeText | None = None,
) -> Response:
    """List whose duty each need is: the whole list, not paged. A matter without a competent office has an empty one."""
    shown = await _matters(tx, division, need=need and need.value, code=code)
    return unless_known(request, Matters(data=shown))


@router.get("/{code}", operation_id="read_matter", response_model=MatterShown)
async def get_matter(
    code: CodeText, request: Request, tx: Annotated[Tx, reads()], division: Division = None
) -> Response:
    """Read one matter, as it holds in a division where one is named."""
    found = await _matters(tx, division, code=code)
    if not found:
        raise Hidden
    return unless_known(request, found[0])


async def _matters(
    tx: Tx, division: str | None, *, need: str | None = None, code: str | None = None
) -> list[MatterShown]:
    listed = await matters.list_matters(tx, need=need, code=code)
    place = None if division is None else await _Place.of(tx, division, code)
    return [_shown(matter, place) for matter in listed]


def _shown(matter: Matter, place: _Place | None) -> MatterShown:
    overrides = [] if place is None else place.overrides[matter.code]
    return MatterShown(
        code=matter.code,
        title_zh=matter.title_zh,
        title_en=matter.title_en,
        lead=LeadShown(kind=matter.lead_kind.value, body=matter.lead_body),
        support=SupportShown(kinds=list(matter.support_kinds), bodies=list(matter.support_bodies)),
        clocks=_clocks(matter, overrides),
        resolve_note=matter.resolve_note,
        legal_basis=list(matter.legal_basis),
        statutory_duty=matter.statutory_duty,
        needs=list(matter.needs),
        minimum_fields=FieldsShown(classes=list(matter.minimum_fields), basis="default"),
        default_urgency=matter.default_urgency.value,
        urgency_note=matter.urgency_note,
        overrides=[
            OverrideShown(division_code=row["division_code"], source=row["source"], valid_from=row["valid_from"])
            for row in overrides
        ],
        agencies=None if place is None else [_office(row) for row in place.offices[matter.code]],
    )


def _clocks(matter: Matter, overrides: Sequence[asyncpg.Record]) -> ClocksShown:
    now = tightened(matter, (json.loads(row["clocks"]) for row in overrides)).clocks
    acknowledge = _clock(matter, "acknowledge", matter.acknowledge, now.acknowledge)
    accept = _clock(matter, "accept", matter.accept, now.accept)
    assert acknowledge is not None
    assert accept is not None
    return ClocksShown(
        acknowledge=acknowledge,
        accept=accept,
        resolve=_clock(matter, "resolve", matter.resolve, now.resolve),
        extension=_clock(matter, "extension", matter.extension, now.extension),
    )


def _clock(matter: Matter, name: ClockName, listed: Period | None, now: Period | None) -> ClockShown | None:
    """A stricter figure of a division is a local rule, whatever the list's own figure rests on."""
    if now is None:
        return None
    overridden = now != listed
    basis = FigureBasis.local if overridden else matter.figure_basis[name]
    mark = FigureMark.local if overridden else matter.figure_marks[name]
    return ClockShown(amount=now.amount, unit=now.unit.value, basis=basis.value, mark=mark.value, overridden=overridden)


def _office(row: asyncpg.Record) -> OfficeShown:
    return OfficeShown(
        id=row["id"],
        code=row["code"],
        name=row["name"],
        kind=row["kind"],
        windows=windows_shown(json.loads(row["windows"])),
    )

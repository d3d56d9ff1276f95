"""Code lists, zh and en."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from api.content_tags import unless_known
from api.deps import reads
from api.params import CodeText
from api.schemas.codes import CodeShown, CodeSystem, CodeSystems
from api.strict_json import StrictRouter
from db.queries import codes
from db.transaction import Tx

router = StrictRouter("/v1/codes", tags=["reference"])

_SYSTEM = Query(description="the list whose codes are wanted; without it: which lists there are")


@router.get("", operation_id="list_codes", response_model=CodeSystems)
async def list_codes(
    request: Request, tx: Annotated[Tx, reads()], system: Annotated[CodeText | None, _SYSTEM] = None
) -> Response:
    """List the code lists, or one with all its codes. An unknown list is an empty answer."""
    shown = await _systems(tx) if system is None else await _system(tx, system)
    return unless_known(request, CodeSystems(data=shown))


async def _systems(tx: Tx) -> list[CodeSystem]:
    return [CodeSystem(**dict(row), codes=None) for row in await codes.code_systems(tx)]


async def _system(tx: Tx, system: str) -> list[CodeSystem]:
    rows = [CodeShown(**dict(row)) for row in await codes.codes_of(tx, system)]
    sources = sorted({row.source for row in rows})
    return [CodeSystem(system=system, sources=sources, size=len(rows), codes=rows)] if rows else []

"""The API document for people, at `/docs`, and for programs, at `/openapi.json`. All of it comes from this deployment.

Swagger UI is vendored under web/static, since a closed government network reaches no other host, and the pages' policy
lets the browser load from nowhere else.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

_STATIC: Final = Path(__file__).resolve().parent / "static"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_CACHING: Final = "public, max-age=3600"


class Asset(NamedTuple):
    """A file of the page and its media type."""

    path: str
    media_type: str


PAGE: Final = Asset("docs.html", "text/html; charset=utf-8")
ASSETS: Final[Mapping[str, Asset]] = {
    "docs.js": Asset("docs.js", "text/javascript; charset=utf-8"),
    "swagger-ui-bundle.js": Asset("swagger-ui/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    "swagger-ui.css": Asset("swagger-ui/swagger-ui.css", "text/css; charset=utf-8"),
}


router = APIRouter(include_in_schema=False)


def written_once(document: Callable[[], Mapping[str, object]]) -> Callable[[], bytes]:
    """What the application keeps as `state.document`: `/openapi.json`, made when it is first asked for."""
    return lru_cache(maxsize=1)(lambda: json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode())


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The API document."""
    return _answer(request, request.app.state.document(), "application/json")


@router.get("/docs")
async def page(request: Request) -> Response:
    """Swagger UI on it."""
    return _answer(request, _content(PAGE), PAGE.media_type)


@router.get("/docs/{name}")
async def asset(request: Request, name: str) -> Response:
    """A file of that page; 404 for any other name."""
    if name not in ASSETS:
        raise HTTPException(404)
    return _answer(request, _content(ASSETS[name]), ASSETS[name].media_type)


@lru_cache(maxsize=len(ASSETS) + 1)
def _content(asset: Asset) -> bytes:
    """A file of ours, kept after its first reading: 2 MB in all."""
    return (_STATIC / asset.path).read_bytes()


def _answer(request: Request, content: bytes, media_type: str) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": _CACHING, "content-security-policy": _POLICY}
    if tag in (part.strip() for part in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)

"""Conditional reads: an entity tag of version and projection (agencies see different fields), 304 where nothing
changed.
"""

import hashlib

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response


def content_tag(shown: BaseModel) -> str:
    """A projection named by its content, where more than the version decides what is shown (people, bases)."""
    return hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:16]


def not_modified(request: Request, shown: BaseModel, *, version: int, projection: str) -> Response:
    """The representation with its strong tag, or 304 where If-None-Match names it. If-Match compares the version
    only.
    """
    tag = f'"v{version}-{projection}"' if projection else f'"v{version}"'
    asked = request.headers.get("if-none-match", "")
    if tag in (part.strip() for part in asked.split(",")):
        return Response(status_code=304, headers={"etag": tag})
    return Response(shown.model_dump_json().encode(), media_type="application/json", headers={"etag": tag})

"""Pages of lists that are ordered by one unique text or id: directory, divisions, accounts. The same sealed cursors."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from api.listing import CURSOR_LIFE, Position
from api.paging import Page, next_link, page_of
from api.services import Services
from rules.errors import InvalidCursor

Shown = TypeVar("Shown", bound=BaseModel)


def open_key_cursor(services: Services, position: Position, cursor: str | None) -> str | None:
    """The key behind which the list goes on; None at its start. Raises InvalidCursor."""
    if cursor is None:
        return None
    payload = services.vault.cursors.open(cursor, binding=position.binding, now=datetime.now(UTC))
    key = payload.get("key")
    if not isinstance(key, str):
        raise InvalidCursor
    return key


def answer_key_page(
    request: Request,
    services: Services,
    position: Position,
    rows: Sequence[Shown],
    *,
    limit: int,
    key: Callable[[Shown], str],
) -> Response:
    """The page of up to `limit` of `limit + 1` rows; `key` is what the next page goes on from."""

    def cursor_after(last: Shown) -> str:
        life = datetime.now(UTC) + CURSOR_LIFE
        return services.vault.cursors.seal({"key": key(last)}, binding=position.binding, expires_at=life)

    kept, page = page_of(rows, limit, cursor_after)
    body = Page[BaseModel].model_construct(data=list(kept), page=page)
    headers = {} if page.next is None else {"link": next_link(request, services.public_url, page.next)}
    return Response(
        body.model_dump_json(serialize_as_any=True).encode(), media_type="application/json", headers=headers
    )

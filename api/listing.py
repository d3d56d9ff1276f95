"""Pages of lists whose JSON PostgreSQL builds: sealed keyset cursors bound to caller, filter and sort, good for 24
hours.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from api.paging import next_link
from api.services import Services
from db.transaction import Tx
from rules.errors import InvalidCursor

CURSOR_LIFE = timedelta(hours=24)
NEWEST = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))
OLDEST = (datetime(1, 1, 2, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Position:
    """Which list of whom: a cursor of one list opens no other."""

    binding: str

    @classmethod
    def of(cls, tx: Tx, name: str, **filters: object) -> Self:
        shown = "&".join(f"{key}={value}" for key, value in sorted(filters.items()))
        return cls(f"{tx.caller.principal_id}:{tx.agency_id}:{name}?{shown}")


def open_cursor(
    services: Services, position: Position, cursor: str | None, *, start: tuple[datetime, UUID] = NEWEST
) -> tuple[datetime, UUID]:
    """The sort key to go on from; `start` without a cursor. Raises InvalidCursor."""
    if cursor is None:
        return start
    payload = services.vault.cursors.open(cursor, binding=position.binding, now=datetime.now(UTC))
    try:
        return datetime.fromisoformat(str(payload["at"])), UUID(str(payload["id"]))
    except (KeyError, ValueError):
        raise InvalidCursor from None


def answer_page(
    request: Request,
    services: Services,
    position: Position,
    rows: list[dict[str, Any]],
    *,
    limit: int,
    key: tuple[str, str],
) -> Response:
    """The page of up to `limit` of `limit + 1` rows; `key` names the two sort columns in a row."""
    kept = rows[:limit]
    following = None
    headers = {}
    if len(rows) > limit:
        last = kept[-1]
        following = services.vault.cursors.seal(
            {"at": last[key[0]], "id": last[key[1]]},
            binding=position.binding,
            expires_at=datetime.now(UTC) + CURSOR_LIFE,
        )
        headers["link"] = next_link(request, services.public_url, following)
    page = {"data": kept, "page": {"next": following, "has_more": following is not None}}
    return Response(
        json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode(),
        media_type="application/json",
        headers=headers,
    )

"""Lists: one page of rows, a sealed cursor to the next, no totals.

A query fetches `limit + 1` rows; the extra one only tells that there is more. Cursors are sealed by `crypto/seals.py`.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import BaseModel, BeforeValidator

from api.params import whole_number

Row = TypeVar("Row")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="rows per page"), BeforeValidator(whole_number)]
Cursor = Annotated[
    str | None,
    Query(min_length=1, max_length=2048, pattern=r"^[A-Za-z0-9_-]+$", description="`page.next` of the page before"),
]


class PageInfo(BaseModel):
    """Where the list goes on. `next` is null on the last page."""

    next: str | None
    has_more: bool


class Page(BaseModel, Generic[Row]):
    """One page of a list: `Page[CaseSummary]`."""

    data: list[Row]
    page: PageInfo


def page_of(rows: Sequence[Row], limit: int, cursor_after: Callable[[Row], str]) -> tuple[list[Row], PageInfo]:
    """Cut `limit + 1` fetched rows to one page; `cursor_after` makes the cursor from the last row kept."""
    if len(rows) <= limit:
        return list(rows), PageInfo(next=None, has_more=False)
    kept = list(rows[:limit])
    return kept, PageInfo(next=cursor_after(kept[-1]), has_more=True)


def next_link(request: Request, public_url: str, cursor: str) -> str:
    """The value of `Link` for the next page (RFC 8288): this request again, with that cursor.

    Built on the public address, because behind a proxy the request's own is not the caller's.
    """
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f'<{public_url}{request.scope["path"]}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'

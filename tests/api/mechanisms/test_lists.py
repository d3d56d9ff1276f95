"""Pages of lists: one more row than asked for tells that there is more, and nothing tells how many."""

from typing import Any

import pytest
from starlette.requests import Request

from api.paging import Page, next_link, page_of


@pytest.mark.parametrize(
    ("fetched", "kept", "following"),
    [(0, 0, None), (1, 1, None), (3, 3, None), (4, 3, "after 2")],
)
def test_a_page_ends_where_the_limit_does(fetched: int, kept: int, following: str | None) -> None:
    rows, info = page_of(list(range(fetched)), 3, lambda row: f"after {row}")
    assert rows == list(range(kept))
    assert (info.next, info.has_more) == (following, following is not None)


def test_a_page_is_written_as_the_contract_says() -> None:
    _, info = page_of([1], 1, str)
    assert Page[int](data=[1], page=info).model_dump() == {"data": [1], "page": {"next": None, "has_more": False}}


def test_the_next_link_repeats_the_filter_with_the_new_cursor_on_the_public_address() -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "path": "/v1/cases",
        "query_string": b"status=open&cursor=old&limit=5",
        "headers": [],
    }
    link = next_link(Request(scope), "https://tongli.example", "new-_")
    assert link == '<https://tongli.example/v1/cases?status=open&limit=5&cursor=new-_>; rel="next"'

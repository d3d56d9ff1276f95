"""feed_cursor: a consumer's place in its agency's feed, kept under a name."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from api.schemas.base import StrictModel


class FeedCursorIn(StrictModel):
    """`page.next` of a page, or the id of a streamed event."""

    cursor: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=2_048)]


class FeedCursorShown(BaseModel):
    """Where to go on reading, with the parameters it is good for. `behind`: numbers of the feed that lie after it,
    wanted or not."""

    consumer: str
    cursor: str
    types: list[str]
    case_kinds: list[str]
    divisions: list[str]
    behind: int
    saved_at: datetime


class FeedCursors(BaseModel):
    """All of the agency's, by name."""

    data: list[FeedCursorShown]

"""The feed of one caller: pages, waiting, and a stream, none of which holds a transaction or a pooled connection while
nothing happens.

Each look is a transaction of its own, so it asks anew whether the principal is alive and may read events; whoever waits
looks at least every few seconds and not beyond the end of its token.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from fastapi import Request
from starlette.responses import Response

from api.paging import next_link
from api.schemas.events import EventEnvelope, FeedPage, FeedPosition
from api.services import Services
from crypto.strict import encode_base64url
from db.queries.events import FeedRow, read_feed
from db.transaction import Caller, open_transaction
from rules.errors import InvalidCursor, NotAuthenticated, Refused
from rules.rights import OPERATIONS
from rules.selections import Selection

CURSOR_LIFE: Final = timedelta(days=90)
RECHECK_S: Final = 4.5
HEARTBEAT_S: Final = 15.0
STREAM_BATCH: Final = 100
_TAG_BYTES = 16

_log = structlog.get_logger(component="feed")


@dataclass(frozen=True, slots=True)
class Portion:
    """Entries behind `after`, and the number from which to go on: past what the filter left out, if all was read."""

    after: int
    rows: list[FeedRow]
    next: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class Feed:
    """One agency's feed under one selection, its parts sorted, for one caller until its token ends."""

    services: Services
    caller: Caller
    selection: Selection
    ends_at: datetime

    @property
    def _binding(self) -> str:
        chosen = self.selection
        parts = [",".join(chosen.types), ",".join(chosen.case_kinds), ",".join(chosen.divisions)]
        return f"feed:{self.caller.agency_id}:{':'.join(parts).rstrip(':')}"

    def seal(self, after: int) -> str:
        """The cursor behind a number, good for as long as entries are kept."""
        return self.services.vault.feed_cursors.seal(
            {"after": after}, binding=self._binding, expires_at=datetime.now(UTC) + CURSOR_LIFE
        )

    def open(self, cursor: str | None) -> int:
        """The number behind which a cursor stands; without one, before the oldest entry kept. Raises InvalidCursor."""
        if cursor is None:
            return 0
        after = self.services.vault.feed_cursors.open(cursor, binding=self._binding, now=datetime.now(UTC)).get("after")
        if not isinstance(after, int):
            raise InvalidCursor
        return after

    async def read(self, after: int, limit: int) -> Portion:
        """One look. Raises NotAuthenticated, InsufficientScope, InvalidCursor.

        A cursor beyond the last number comes from before a restored backup: numbers after it would be other events.
        """
        async with open_transaction(
            self.services.database, self.caller, operation=OPERATIONS["read_feed"], read_only=True
        ) as tx:
            head, rows = await read_feed(tx, after=after, limit=limit + 1, selection=self.selection)
        if after > head:
            raise InvalidCursor
        kept = rows[:limit]
        more = len(rows) > limit
        return Portion(after, kept, next=kept[-1].sequence if more else head, has_more=more)

    async def read_waiting(self, after: int, limit: int, wait_s: float) -> Portion:
        """The same, waiting up to `wait_s` for the first entry."""
        until = min(datetime.now(UTC) + timedelta(seconds=wait_s), self.ends_at)
        while True:
            mark = self._mark()
            portion = await self.read(after, limit)
            left = (until - datetime.now(UTC)).total_seconds()
            if portion.rows or left <= 0 or self.services.feed.closed:
                return portion
            await self._wait(mark, min(left, RECHECK_S))
            after = portion.next

    async def counted_stream(self, portion: Portion) -> AsyncIterator[bytes]:
        """The stream, counted among those its principal holds open."""
        with self.services.streams.held(self.caller.principal_id):
            async for chunk in self.stream(portion):
                yield chunk

    async def stream(self, portion: Portion) -> AsyncIterator[bytes]:
        """Server-sent events from a first look on, until the token ends or the principal may no longer read."""
        yield b"retry: 2000\n\n"
        spoke, mark = datetime.now(UTC), -1
        while True:
            for row in portion.rows:
                yield self._event(row)
                spoke = datetime.now(UTC)
            if datetime.now(UTC) >= self.ends_at or self.services.feed.closed:
                return
            if not portion.rows:
                await self._wait(mark, min(RECHECK_S, self._seconds_left()))
            if (datetime.now(UTC) - spoke).total_seconds() >= HEARTBEAT_S:
                yield b": still here\n\n"
                spoke = datetime.now(UTC)
            mark = self._mark()
            try:
                portion = await self.read(portion.next, STREAM_BATCH)
            except (NotAuthenticated, Refused, InvalidCursor):
                return

    def _event(self, row: FeedRow) -> bytes:
        shown = EventEnvelope.model_validate_json(row.payload)
        return f"id: {self.seal(row.sequence)}\nevent: {shown.type}\ndata: {shown.model_dump_json()}\n\n".encode()

    def _seconds_left(self) -> float:
        return max(0.0, (self.ends_at - datetime.now(UTC)).total_seconds())

    def _mark(self) -> int:
        return self.services.feed.mark(str(self.caller.agency_id))

    async def _wait(self, mark: int, timeout_s: float) -> None:
        await self.services.feed.wait(str(self.caller.agency_id), mark, timeout_s=timeout_s)


def unless_known(request: Request, feed: Feed, portion: Portion) -> Response:
    """The page, or 304 where If-None-Match names it. Cursors are sealed anew each time, so the tag is of what they say:
    a page with the same tag has the same events and goes on from the same place.
    """
    said = f"{request.url.query}|{portion.after}|{portion.next}|{portion.has_more}|{len(portion.rows)}"
    tag = f'"{encode_base64url(hashlib.sha256(said.encode()).digest()[:_TAG_BYTES])}"'
    if tag in (part.strip() for part in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers={"etag": tag})
    following = feed.seal(portion.next)
    page = FeedPage(
        data=[EventEnvelope.model_validate_json(row.payload) for row in portion.rows],
        page=FeedPosition(next=following, has_more=portion.has_more),
    )
    headers = {"etag": tag, "link": next_link(request, feed.services.public_url, following)}
    return Response(page.model_dump_json().encode(), media_type="application/json", headers=headers)

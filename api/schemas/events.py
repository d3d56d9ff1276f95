"""event: the envelope every entitled agency gets, in the feed and in webhooks alike."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class EventSubject(BaseModel):
    """What the fact is about; `href` is where to read it, with the reader's own rights."""

    type: str
    id: UUID
    version: int
    href: str | None


class EventData(BaseModel):
    """States and names of fields, never values."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: str | None = Field(alias="from")
    to: str | None
    changed: list[str]


class EventEnvelope(BaseModel):
    """An event as one agency may know it: no personal data."""

    id: UUID
    type: str
    timestamp: datetime
    sequence: int
    subject: EventSubject
    actor_agency: UUID | None
    correlation_id: str | None
    data: EventData


class FeedPosition(BaseModel):
    """Where the feed goes on. `next` is always given: an empty page is not the end of a feed."""

    next: str
    has_more: bool


class FeedPage(BaseModel):
    """Events in the order of the agency's own numbers."""

    data: list[EventEnvelope]
    page: FeedPosition

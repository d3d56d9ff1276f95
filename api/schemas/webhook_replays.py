"""webhook_replay as it crosses the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from api.params import Instant, Uuid
from api.schemas.base import StrictModel
from api.schemas.webhooks import EventTypes
from api.strict_json import MAX_INTEGER

Sequence = Annotated[int, Field(strict=True, ge=1, le=MAX_INTEGER)]

_RANGES = {
    "sequences": ("sequence_from", "sequence_before"),
    "times": ("time_from", "time_before"),
}


class ReplayIn(StrictModel):
    """Which entries of the feed are sent once more: exactly one of `event_ids`, a range of sequences or of times (one
    end is enough), `types`, or `failed`. `types` may stand beside a range."""

    event_ids: list[Uuid] | None = Field(None, min_length=1, max_length=1_000)
    sequence_from: Sequence | None = None
    sequence_before: Sequence | None = None
    time_from: Instant | None = Field(None, description="when entries came into the feed")
    time_before: Instant | None = None
    types: EventTypes | None = None
    failed: Literal[True] | None = Field(None, description="every delivery of the endpoint that is dead")

    @property
    def selection(self) -> str:
        """Which of the choices was made."""
        return self._chosen()[0]

    def _chosen(self) -> list[str]:
        given = self.model_fields_set
        chosen = [name for name, ends in _RANGES.items() if given.intersection(ends)]
        chosen += [name for field, name in (("event_ids", "events"), ("failed", "failed")) if field in given]
        if "types" in given and not set(chosen).intersection(_RANGES):
            chosen.append("types")
        return chosen

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise PydanticCustomError("required", "leave out what is not asked for")
        if len(self._chosen()) != 1:
            raise PydanticCustomError("one-selection", "exactly one selection")
        for first, last in _RANGES.values():
            begins, ends = getattr(self, first), getattr(self, last)
            if begins is not None and ends is not None and begins >= ends:
                raise PydanticCustomError("ends-before-it-begins", "it ends before it begins")
        return self


class ReplayShown(BaseModel):
    """A replay. `waiting` to be counted, `running`, `finished` (all that was queued is delivered or dead), `cancelled`.
    `matched` is null until counted; `queued` may stay below it, where entries left the feed meanwhile. `cursor` is
    the last sequence that was looked at."""

    id: UUID
    endpoint_id: UUID
    selection: str
    types: list[str]
    time_from: datetime | None
    time_before: datetime | None
    state: str
    cursor: int
    until: int
    matched: int | None
    queued: int
    succeeded: int
    failed: int
    created_at: datetime
    finished_at: datetime | None

"""webhook_endpoint and delivery as they cross the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from api.params import DivisionCode
from api.schemas.base import StrictModel
from rules.selections import CASE_KINDS, Selection

CaseKind = Literal["household", "employer"]
TargetUrl = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=2_000),
    Field(description="https, port 443 or 8443, a public name; intranet targets where the operator allows them"),
]
EventTypes = Annotated[
    list[Annotated[str, StringConstraints(strict=True, pattern=r"^(?:\*|[a-z_]+\.(?:\*|[a-z_]+))$", max_length=64)]],
    Field(min_length=1, max_length=50, description="event types, `noun.*`, or `*`"),
]
Ordering = Annotated[
    Literal["subject", "none"],
    Field(description="`subject`: first deliveries about one thing are in order; `none`: as soon as can be"),
]


CaseKinds = Annotated[
    list[CaseKind],
    Field(max_length=len(CASE_KINDS), description="events of cases of these kinds; none: of all"),
]
Divisions = Annotated[
    list[DivisionCode],
    Field(
        max_length=100,
        description="events of cases in these provinces, cities or counties; none: of all. What happens in a case of "
        "which the agency may not know where it is comes in any case",
    ),
]


class EndpointIn(StrictModel):
    """A new endpoint; it gets a challenge before anything else."""

    url: TargetUrl
    types: EventTypes = Field(default_factory=lambda: ["*"])
    ordering: Ordering = "subject"
    case_kinds: CaseKinds = Field(default_factory=list)
    divisions: Divisions = Field(default_factory=list)

    def selection(self) -> Selection:
        return Selection(tuple(self.types), tuple(self.case_kinds), tuple(self.divisions))


class EndpointChange(StrictModel):
    """What may be changed; a new URL has to answer a challenge again."""

    url: TargetUrl | None = None
    types: EventTypes | None = None
    case_kinds: CaseKinds | None = None
    divisions: Divisions | None = None
    ordering: Ordering | None = None
    status: Literal["disabled"] | None = None

    @model_validator(mode="after")
    def _nothing_removed(self) -> Self:
        """A merge patch removes what is null, and nothing here can be absent."""
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise PydanticCustomError("required", "a null removes, and this cannot be removed")
        return self


class EndpointShown(BaseModel):
    """An endpoint. `pending`: the challenge is still to be answered; `status_reason` says why one is disabled.
    `proposed_url` waits for a second person, seven days at most. `breaker` is `open` after five failures in a row:
    nothing is sent but a probe at `next_probe_at` (`probing`), until one succeeds."""

    id: UUID
    url: str
    types: list[str]
    case_kinds: list[str]
    divisions: list[str]
    ordering: str
    status: str
    status_reason: str | None
    public_key: str
    activated_at: datetime | None
    failing_since: datetime | None
    breaker: str
    consecutive_failures: int
    next_probe_at: datetime | None
    previous_secret_until: datetime | None
    proposed_url: str | None
    created_at: datetime
    version: int


class EndpointWithSecret(EndpointShown):
    """The same with its secret, which is shown this once."""

    secret: str


class EndpointStatistics(BaseModel):
    """What waits, what is dead, and what the attempts of the last 24 hours met: their number by outcome, and the time
    until an answer of those that were delivered, in milliseconds."""

    pending: int
    oldest_pending_at: datetime | None
    dead: int
    attempts: int
    outcomes: dict[str, int]
    last_delivered_at: datetime | None
    p50_ms: int | None
    p95_ms: int | None


class TestSent(BaseModel):
    """The event that is on its way: `webhook-id` of the message."""

    event_id: UUID


class WebhookKey(BaseModel):
    """A public key that signs for an endpoint; `until` where it is on its way out."""

    public_key: str
    until: datetime | None


class WebhookKeys(BaseModel):
    """Every key whose signature (`v1a`) counts now, the newest first."""

    keys: list[WebhookKey]


class DeliveryShown(BaseModel):
    """One event on its way to one endpoint. `due_at` is null when nothing is to be sent: done, or the endpoint takes
    nothing now. `attempt_count` counts since the last (re)delivery was asked for."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    subject_id: UUID
    sequence: int
    status: str
    attempt_count: int
    due_at: datetime | None
    replay: bool
    created_at: datetime
    finished_at: datetime | None


class AttemptShown(BaseModel):
    """What one attempt met: `delivered`, `refused` (another status than 2xx), `unreachable`, `insecure`, `timeout`,
    `protocol-error`, `internal`. `answer`: the first 1,024 bytes of what a proven endpoint in the open internet
    answered; null for endpoints in networks that the operator allows."""

    number: int
    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    answer: str | None


class DeliveryWithAttempts(DeliveryShown):
    """A delivery with every attempt made."""

    attempts: list[AttemptShown]

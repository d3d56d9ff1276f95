"""event (事件): what one agency gets of a fact, as it stands in its feed and in its webhooks. Pure.

Thin by design: ids, states and names of changed fields. Whoever wants more reads it with its own rights, and that read
is audited.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from rules.errors import FieldError
from rules.events import EVENT_TYPES

VERIFICATION = "endpoint.verification"
TEST = "endpoint.tested"
NOTICES = frozenset({"endpoint.failing", "endpoint.disabled"})
"""Told of an endpoint, and so to every other active one of its agency, whatever types that asked for."""

_TOLD = ("reason", "since")
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "": ("id", "type", "timestamp", "sequence", "subject", "actor_agency", "correlation_id", "data"),
    "subject": ("type", "id", "version", "href"),
    "data": ("from", "to", "changed", *_TOLD),
}
"""Members in the order in which `envelope` makes them, by the object they stand in."""

HREFS: Mapping[str, str] = {
    "referral": "/v1/referrals/{id}",
    "case": "/v1/cases/{id}",
    "case_link": "/v1/case-links/{id}",
    "report": "/v1/reports/{id}",
    "result": "/v1/results/{id}",
    "match_candidate": "/v1/match-candidates/{id}",
    "access_request": "/v1/access-requests/{id}",
    "case_transfer": "/v1/case-transfers/{id}",
    "conference": "/v1/conferences/{id}",
    "letter": "/v1/letters/{id}",
    "share_request": "/v1/share-requests/{id}",
    "conference_session": "/v1/conference-sessions/{id}",
    "agenda_item": "/v1/agenda-items/{id}",
    "conference_task": "/v1/conference-tasks/{id}",
    "expected_adoption": "/v1/expected-adoptions/{id}",
    "alert": "/v1/alerts/{id}",
    "plan_activation": "/v1/plan-activations/{id}",
    "proposal": "/v1/proposals/{id}",
    "agency": "/v1/agencies/{id}",
    "webhook_endpoint": "/v1/webhook-endpoints/{id}",
    "inbound_receipt": "/v1/inbound/receipts/{id}",
    "audit_checkpoint": "/v1/audit/checkpoint",
}
_NOUNS = frozenset(name.partition(".")[0] for name in EVENT_TYPES)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event as it was recorded."""

    id: UUID
    type: str
    subject_type: str
    subject_id: UUID
    version: int
    actor: UUID
    correlation_id: str
    data: Mapping[str, object]
    occurred_at: datetime


class Part(NamedTuple):
    """One part of an agency in a case, from when to when."""

    agency_id: UUID
    role: str
    since: datetime
    until: datetime | None


def roles_at(parts: Iterable[Part], moment: datetime) -> dict[str, list[str]]:
    """Agency → roles of the parts that ran at `moment`: from `since` on, before `until`."""
    roles: dict[str, list[str]] = {}
    for part in parts:
        if part.since <= moment and (part.until is None or part.until > moment):
            roles.setdefault(str(part.agency_id), []).append(part.role)
    return roles


def envelope(fact: Fact, agency: UUID, view: str, sequence: int) -> dict[str, object]:
    """The fact as `agency` may know it, under its number in that agency's feed.

    Only the actor gets its own correlation id back; a thin view says that it happened, not who did it or what changed.
    """
    full = view == "full"
    href = HREFS.get(fact.subject_type)
    return {
        "id": str(fact.id),
        "type": fact.type,
        "timestamp": instant_text(fact.occurred_at),
        "sequence": sequence,
        "subject": {
            "type": fact.subject_type,
            "id": str(fact.subject_id),
            "version": fact.version,
            "href": href and href.format(id=fact.subject_id),
        },
        "actor_agency": str(fact.actor) if full else None,
        "correlation_id": fact.correlation_id if agency == fact.actor else None,
        "data": {
            "from": fact.data.get("from"),
            "to": fact.data.get("to"),
            "changed": fact.data.get("changed", []) if full else [],
            **{name: fact.data[name] for name in _TOLD if full and name in fact.data},
        },
    }


def in_order(payload: Mapping[str, object], within: str = "") -> dict[str, object]:
    """An envelope that was kept as jsonb, its members in the order in which `envelope` makes them: so that what is sent
    again is what was sent, byte for byte."""
    members = _MEMBERS[within]
    names = sorted(payload, key=lambda name: members.index(name) if name in members else len(members))
    return {name: _in_order(payload[name], name) for name in names}


def _in_order(value: object, name: str) -> object:
    return in_order(value, name) if isinstance(value, Mapping) and name in _MEMBERS else value


def with_challenge(sent: Mapping[str, object], challenge: str) -> dict[str, object]:
    """The envelope of an `endpoint.verification` as its receiver gets it; the feed's copy has no challenge."""
    data = sent["data"]
    assert isinstance(data, Mapping)
    return {**sent, "data": {**data, "challenge": challenge}}


def notice(reason: str, since: datetime) -> dict[str, str]:
    """What the owner of an endpoint is told in a notice: why, and since when."""
    return {"reason": reason, "since": instant_text(since)}


def instant_text(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def wants(patterns: Iterable[str], event_type: str) -> bool:
    """Whether a list of types covers one: `*`, `noun.*`, or the type itself."""
    noun = event_type.partition(".")[0]
    return any(pattern in ("*", f"{noun}.*", event_type) for pattern in patterns)


def is_pattern(text: str) -> bool:
    """Whether `text` may stand in a list of types."""
    noun, _, verb = text.partition(".")
    return text == "*" or text in EVENT_TYPES or (verb == "*" and noun in _NOUNS)


def unknown_types(types: Iterable[str], root: str = "/") -> list[FieldError]:
    """What is wrong with the types that somebody asked for; `root` stands before their name."""
    return [
        FieldError(f"{root}types/{position}", "unknown-event-type")
        for position, text in enumerate(types)
        if not is_pattern(text)
    ]

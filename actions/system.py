"""Records what the program itself brings about (a clock, a delivery), as `events` and `audit` do for a caller."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from crypto.digests import committed
from crypto.ids import new_id
from db.clock import real_time
from db.engine import Raw
from db.queries import events
from db.transaction import audit_hash
from rules.events import ENTITLEMENTS

SYSTEM_PRINCIPAL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class SystemFact:
    """One event with its leaf. `agency_id` is in whose name it stands: the coordinator's, the endpoint owner's. `told`
    is what an event about an endpoint says beside states: `reason` and `since`."""

    type: str
    action: str
    subject_type: str
    subject_id: UUID
    version: int
    agency_id: UUID
    case_id: UUID | None = None
    parties: Mapping[str, Iterable[UUID | None]] = field(default_factory=dict)
    moved: tuple[str, str] | None = None
    changed: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)


async def record_for_system(raw: Raw, fact: SystemFact, now: datetime) -> None:
    """Writes the event and its leaf at business time `now`. One statement.

    Nobody is its actor: the agency in whose name it stands learns of it by its own part in the case or fact.
    """
    await record_all_for_system(raw, [fact], now)


async def record_all_for_system(raw: Raw, facts: Iterable[SystemFact], now: datetime) -> None:
    """As `record_for_system`, of several. One statement."""
    made = [_made(fact, now) for fact in facts]
    if made:
        await events.record(raw, [event for event, _ in made], [leaf for _, leaf in made])


def _made(fact: SystemFact, now: datetime) -> tuple[dict[str, object], dict[str, object]]:
    """The event and the leaf of a fact."""
    assert fact.type in ENTITLEMENTS, fact.type
    event_id = new_id()
    request_id = f"system-{event_id}"
    event: dict[str, object] = {
        "id": str(event_id),
        "type": fact.type,
        "subject_type": fact.subject_type,
        "subject_id": str(fact.subject_id),
        "subject_version": fact.version,
        "case_id": fact.case_id and str(fact.case_id),
        "actor_agency_id": str(fact.agency_id),
        "parties": _roles_by_agency(fact.parties),
        "correlation_id": request_id,
        "data": _data(fact),
        "occurred_at": now.isoformat(),
    }
    return event, _leaf(fact, request_id, now)


async def announce_checkpoint(raw: Raw, checkpoint_id: UUID, agencies: Iterable[UUID], size: int) -> None:
    """Tells each of these agencies of a checkpoint of the audit log, each in its own name. One statement for each.

    The one event without a leaf: a leaf for each checkpoint would need the next one, for ever.
    """
    for agency_id in agencies:
        event_id = new_id()
        event = {
            "id": str(event_id),
            "type": "audit.checkpoint",
            "subject_type": "audit_checkpoint",
            "subject_id": str(checkpoint_id),
            "subject_version": 1,
            "case_id": None,
            "actor_agency_id": str(agency_id),
            "parties": {str(agency_id): ["owner"]},
            "correlation_id": f"system-{event_id}",
            "data": {"changed": [], "to": str(size)},
            "occurred_at": real_time().isoformat(),
        }
        await events.record_alone(raw, event)


def _roles_by_agency(parties: Mapping[str, Iterable[UUID | None]]) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}
    for role, agencies in parties.items():
        for agency in agencies:
            if agency is not None:
                roles.setdefault(str(agency), []).append(role)
    return roles


def _data(fact: SystemFact) -> dict[str, object]:
    data: dict[str, object] = {"changed": sorted(fact.changed), **fact.told}
    if fact.moved is not None:
        data |= {"from": fact.moved[0], "to": fact.moved[1]}
    return data


def _leaf(fact: SystemFact, request_id: str, now: datetime) -> dict[str, object]:
    leaf: dict[str, object] = {
        "id": str(new_id()),
        "at": now.isoformat(),
        "agency_id": str(fact.agency_id),
        "principal_kind": "system",
        "principal_id": str(SYSTEM_PRINCIPAL),
        "actor": None,
        "action": fact.action,
        "subject_type": fact.subject_type,
        "subject_id": str(fact.subject_id),
        "case_id": fact.case_id and str(fact.case_id),
        "field_classes": [],
        "purpose": None,
        "request_id": request_id,
        "facts": dict(fact.facts),
    }
    return committed(leaf, audit_hash())

"""Records that something happened, in the transaction that did it; the sequencer numbers it after commit."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from crypto.ids import new_id
from db.transaction import Tx
from rules.events import ENTITLEMENTS


def record_event(
    tx: Tx,
    event_type: str,
    *,
    subject_type: str,
    subject_id: UUID,
    version: int,
    case_id: UUID | None,
    parties: Mapping[str, UUID | Iterable[UUID] | None] | None = None,
    moved: tuple[str, str] | None = None,
    changed: Iterable[str] = (),
    told: Mapping[str, str] | None = None,
) -> UUID:
    """Gathers one event. Thin by design: ids, states and names of changed fields, never a value of a person.

    `parties` names the agencies of the fact itself by their part (sender, addressee, pool, owner, other); the case's
    participants are added when the event is numbered. `moved` is (from, to), `told` the reason and since of an event
    about an endpoint. Callers of one case hold its lock, so that events of a case are in commit order.
    """
    assert event_type in ENTITLEMENTS, event_type
    event_id = new_id()
    data: dict[str, object] = {"changed": sorted(changed), **(told or {})}
    if moved is not None:
        data |= {"from": moved[0], "to": moved[1]}
    tx.gather_event(
        {
            "id": str(event_id),
            "type": event_type,
            "subject_type": subject_type,
            "subject_id": str(subject_id),
            "subject_version": version,
            "case_id": None if case_id is None else str(case_id),
            "actor_agency_id": str(tx.agency_id),
            "parties": _roles_by_agency(tx, parties or {}),
            "correlation_id": tx.caller.request_id,
            "data": data,
            "occurred_at": tx.now.isoformat(),
        }
    )
    return event_id


def _roles_by_agency(tx: Tx, parties: Mapping[str, UUID | Iterable[UUID] | None]) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {str(tx.agency_id): ["actor"]}
    for role, agencies in parties.items():
        for agency in _several(agencies):
            roles.setdefault(str(agency), []).append(role)
    return roles


def _several(agencies: UUID | Iterable[UUID] | None) -> Iterable[UUID]:
    if agencies is None:
        return ()
    return (agencies,) if isinstance(agencies, UUID) else agencies

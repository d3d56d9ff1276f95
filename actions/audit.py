"""Leaves the mark of a write or of a sensitive read, in the transaction that does it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from crypto.digests import committed
from crypto.ids import new_id
from db.transaction import Tx


def leave_mark(
    tx: Tx,
    action: str,
    *,
    subject_type: str,
    subject_id: UUID | None,
    case_id: UUID | None = None,
    field_classes: Iterable[str] = (),
    facts: Mapping[str, object] | None = None,
) -> UUID:
    """Gathers one leaf: who, for which agency, did or read what, whose, which field classes, why. Returns its id.

    `facts` holds codes and ids, never values of a person. Written with the transaction's events in one statement.
    """
    caller = tx.caller
    leaf_id = new_id()
    leaf: dict[str, object] = {
        "id": str(leaf_id),
        "at": tx.now.isoformat(),
        "agency_id": str(caller.agency_id),
        "principal_kind": caller.kind,
        "principal_id": str(caller.principal_id),
        "actor": caller.actor,
        "action": action,
        "subject_type": subject_type,
        "subject_id": _text(subject_id),
        "case_id": _text(case_id),
        "field_classes": sorted(field_classes),
        "purpose": tx.purpose,
        "request_id": caller.request_id,
        "facts": dict(facts or {}),
    }
    tx.gather_leaf(committed(leaf, tx.database.audit_hash))
    return leaf_id


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)

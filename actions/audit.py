"""Leaves the mark of a write or of a sensitive read, in the transaction that does it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from actions.access import require_part
from crypto.digests import committed
from crypto.ids import new_id
from db.queries import audit
from db.transaction import Tx
from rules.audit import ERASURE
from rules.errors import Hidden
from rules.rights import Subject

ERASED_AT_ONCE: Final = 100


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


async def read_leaf(tx: Tx, leaf_id: UUID) -> asyncpg.Record:
    """A leaf the caller may see: its agency's own, or of a case it coordinates, and that leaves a mark. One statement.

    Raises Hidden.
    """
    leaf = await audit.find_leaf(tx, leaf_id)
    if leaf is None:
        raise Hidden
    require_part(tx, Subject.audit_leaf, leaf["parts"])
    if leaf["agency_id"] != tx.agency_id:
        leave_mark(tx, "audit.read", subject_type="audit_leaf", subject_id=leaf_id, case_id=leaf["case_id"])
    return leaf


@dataclass(frozen=True, slots=True)
class LeafFilter:
    """Which leaves a list shows; None where it does not matter."""

    action: str | None = None
    case_id: UUID | None = None
    since: datetime | None = None


async def list_leaves(tx: Tx, wanted: LeafFilter, *, before: UUID, limit: int) -> list[asyncpg.Record]:
    """Leaves before one id, newest first; the reading leaves a mark, since it tells who works with whom.

    One statement. An agency's own, or with `case_id` those of a case it coordinates or has a part in itself.
    """
    leave_mark(
        tx,
        "audit.list",
        subject_type="audit_leaf",
        subject_id=None,
        case_id=wanted.case_id,
        facts={"action": wanted.action},
    )
    return await audit.list_leaves(
        tx, before=before, limit=limit, action=wanted.action, case_id=wanted.case_id, since=wanted.since
    )


async def erase_leaves(tx: Tx, case_id: UUID, subject_id: UUID | None = None) -> int:
    """Takes salt, facts, subject and case from the leaves of a case, or of one subject in it; how many.

    For whoever erases a person. Index and commitment stay, so every proof still verifies; a leaf of its own names the
    erased commitments, since a verifier takes an erasure only from the log itself. Two statements for each hundred.
    What the caller may not see is not erased: the coordinator sees all of its case.
    """
    erased = 0
    while ids := await audit.leaves_about(tx, case_id, subject_id, ERASED_AT_ONCE):
        commitments = await audit.erase_leaves(tx, ids)
        erased += len(commitments)
        leave_mark(
            tx,
            ERASURE,
            subject_type="case",
            subject_id=case_id,
            case_id=case_id,
            facts={"commitments": sorted(made.hex() for made in commitments)},
        )
    return erased

"""Keeps a union's register of drafts on which it was, or should have been, asked."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from crypto.ids import new_id
from db.queries import consultations
from db.transaction import Tx
from rules.consultations import check_consultation, check_registering
from rules.deadlines import shanghai_day
from rules.errors import FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.rights import Subject


async def register(tx: Tx, words: Mapping[str, Any]) -> asyncpg.Record:
    """Records a draft; `words` by column. Three statements. Raises Conflict for whoever is no union,
    ValidationFailed."""
    check_registering(tx.rights.agency_kind)
    await _check(tx, words)
    consultation_id = new_id()
    await consultations.insert_consultation(tx, consultation_id, words)
    _mark(tx, "register", consultation_id)
    return await read(tx, consultation_id)


async def change(tx: Tx, consultation_id: UUID, words: Mapping[str, Any], *, version: int) -> asyncpg.Record:
    """Changes a record that stands at `version`. Four statements. Raises Hidden, PreconditionFailed,
    ValidationFailed."""
    before = _own(tx, await consultations.lock_consultation(tx, consultation_id))
    if before["version"] != version:
        raise PreconditionFailed(f'"v{before["version"]}"')
    await _check(tx, {**before, **words})
    await consultations.update_consultation(tx, consultation_id, words)
    _mark(tx, "change", consultation_id, changed=sorted(words))
    return await read(tx, consultation_id)


async def read(tx: Tx, consultation_id: UUID) -> asyncpg.Record:
    """One statement. Raises Hidden."""
    return _own(tx, await consultations.find_consultation(tx, consultation_id))


async def _check(tx: Tx, said: Mapping[str, Any]) -> None:
    check_consultation(said, shanghai_day(tx.now))
    drafter = said["drafter_agency_id"]
    if drafter is not None and not await consultations.is_active_agency(tx, drafter):
        raise ValidationFailed(FieldError("/drafter_agency", "not-an-active-agency"))


def _own(tx: Tx, found: asyncpg.Record | None) -> asyncpg.Record:
    if found is None:
        raise Hidden
    require_part(tx, Subject.consultation, {"owner"} if found["agency_id"] == tx.agency_id else ())
    return found


def _mark(tx: Tx, verb: str, consultation_id: UUID, **facts: object) -> None:
    leave_mark(tx, f"consultation.{verb}", subject_type="consultation", subject_id=consultation_id, facts=facts)

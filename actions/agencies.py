"""Keeps an agency's own entry in the directory and opens its internal departments."""

import json
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from crypto.ids import new_id
from db.queries import agencies
from db.transaction import Tx
from rules.errors import DuplicateRecord, Hidden, PreconditionFailed
from rules.rights import Subject

Window = dict[str, str]


def version_tag(version: int) -> str:
    """A version as an entity tag."""
    return f'"v{version}"'


async def seen_entry(tx: Tx, agency_id: UUID) -> asyncpg.Record:
    """The entry. Raises Hidden. One statement."""
    entry = await agencies.find_entry(tx, agency_id)
    if entry is None:
        raise Hidden
    return entry


async def open_department(
    tx: Tx, *, suffix: str, name: str, name_en: str | None, windows: Sequence[Window]
) -> asyncpg.Record:
    """Opens a department below the acting agency, of its kind, level and division. Two statements.

    The directory is public, so a code that is taken may be named: raises DuplicateRecord.
    """
    department_id = new_id()
    opened = await agencies.insert_department(
        tx, department_id, suffix=suffix, name=name, name_en=name_en or name, windows=_text(windows)
    )
    if not opened:
        raise DuplicateRecord(await _path_of_taken_code(tx, suffix))
    leave_mark(tx, "agency.open_department", subject_type="agency", subject_id=department_id)
    return await seen_entry(tx, department_id)


async def change_entry(
    tx: Tx, agency_id: UUID, *, version: int, name: str | None, name_en: str | None, windows: Sequence[Window] | None
) -> asyncpg.Record:
    """Changes the acting agency's own entry; None leaves a field as it is. Two statements, three where refused.

    Raises Hidden for no entry, InsufficientRole for somebody else's: every entry may be seen by all. Raises
    PreconditionFailed where the entry has moved on.
    """
    if agency_id != tx.agency_id:
        await seen_entry(tx, agency_id)
    require_part(tx, Subject.agency, {"owner" if agency_id == tx.agency_id else "reader"})
    given = None if windows is None else _text(windows)
    moved = await agencies.update_entry(tx, agency_id, version=version, name=name, name_en=name_en, windows=given)
    entry = await seen_entry(tx, agency_id)
    if moved is None:
        raise PreconditionFailed(version_tag(entry["version"]))
    given_fields = {"name": name, "name_en": name_en, "windows": windows}
    changed = [field for field, value in given_fields.items() if value is not None]
    leave_mark(tx, "agency.change", subject_type="agency", subject_id=agency_id, facts={"changed": changed})
    return entry


def _text(windows: Sequence[Window]) -> str:
    return json.dumps(list(windows), ensure_ascii=False)


async def _path_of_taken_code(tx: Tx, suffix: str) -> str:
    own = await seen_entry(tx, tx.agency_id)
    taken_by = await agencies.agency_id_of_code(tx, f"{own['code']}-{suffix}")
    return f"/v1/agencies/{taken_by}"

"""Corrects what the acting agency reported of a person: the report stays as it was said, a record of the correction
goes before everything that was said."""

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from crypto.ids import new_id
from db.queries import person_requests
from db.transaction import Tx
from rules.errors import Conflict
from rules.reports import Identifiers, read_identifiers

RECORD_CONTEXT = "person_record"


async def correct(tx: Tx, request: asyncpg.Record, values: Mapping[str, object]) -> UUID:
    """Writes the confirmed values into a record of their own, which projections read first. Three or four statements.

    Raises Conflict where the acting agency has no record of this person in the case.
    """
    record = await person_requests.own_record_of(tx, request["case_id"], request["person_id"])
    if record is None:
        raise Conflict(reason="no-record-of-this-agency")
    correction_id = new_id()
    await person_requests.insert_correction(tx, _row(tx, correction_id, record, values))
    if "birth_date" in values:
        await person_requests.carry_birth_date(tx, correction_id)
    leave_mark(
        tx,
        "person_record.correct",
        subject_type="person_record",
        subject_id=record["id"],
        case_id=request["case_id"],
        facts={"fields": sorted(values), "correction": str(correction_id), "request": str(request["id"])},
    )
    return correction_id


def _row(tx: Tx, correction_id: UUID, record: asyncpg.Record, values: Mapping[str, object]) -> dict[str, object]:
    identity = values.get("identity")
    said: Mapping[str, Any] = identity if isinstance(identity, Mapping) else {"id_type": "none", "id_number": None}
    phones = _list(values.get("phones"))
    birth_date = date.fromisoformat(str(values["birth_date"])) if "birth_date" in values else None
    found = read_identifiers(
        id_type=said["id_type"],
        as_received={},
        name=str(values.get("name", "")),
        number=said["id_number"],
        birth_date=birth_date,
        phones=tuple(phones),
    )

    def sealed(text: str) -> bytes:
        return tx.vault.cipher.seal(text, f"{RECORD_CONTEXT}:{correction_id}")

    return {
        "id": correction_id,
        **{name: record[name] for name in ("report_id", "case_id", "agency_id", "person_id")},
        "name": sealed(str(values.get("name", ""))),
        "id_type": said["id_type"],
        "id_number": sealed(said["id_number"]) if said["id_number"] else None,
        **_indexes(tx, found),
        "contact": sealed(_said_anew(tx, record, "contact", {"phones": phones, "address": values.get("address")})),
        "sex": values.get("sex", "unknown"),
        "birth_date": birth_date,
        "division_code": values.get("division_code"),
        "employment_status": values.get("employment_status"),
        "employer_id": None,
        "details": sealed(_said_anew(tx, record, "details", _details(values))),
        "created_at": tx.now,
        "corrects": record["id"],
    }


def _details(values: Mapping[str, object]) -> dict[str, object]:
    corrected = {name: values[name] for name in ("health", "monthly_income_fen") if name in values}
    return {"as_received": {}, **corrected}


def _said_anew(tx: Tx, record: asyncpg.Record, column: str, said: Mapping[str, object]) -> str:
    """The keys of the record that is corrected, all unsaid, with what the correction says."""
    before: dict[str, object] = json.loads(tx.vault.cipher.open(record[column], f"{RECORD_CONTEXT}:{record['id']}"))
    return json.dumps({**dict.fromkeys(before), **said}, ensure_ascii=False)


def _indexes(tx: Tx, found: Identifiers) -> dict[str, object]:
    blind = tx.vault.blind  # taken once: an index and the name of its key belong together
    return {
        "id_index": None if found.id_number is None else blind.index("id_number", found.id_number),
        "name_birth_index": None if found.name_and_birth is None else blind.index("name_birth", found.name_and_birth),
        "phone_indexes": [blind.index("phone", phone) for phone in found.phones],
        "index_key": blind.key_id,
    }


def _list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, Collection) and not isinstance(value, str) else []

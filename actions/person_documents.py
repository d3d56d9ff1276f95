"""Makes what a person is handed: the copy of everything held on them in a case, and who looked at it.

Made anew each time from what is held, kept nowhere, never without an audit mark. For the case's coordinator.
"""

import itertools
import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.cases import seen_case
from actions.person_requests import seen_request
from db.queries import audit
from db.queries import person_documents as held
from db.transaction import Tx
from rules.accesses import is_read, words_of
from rules.errors import Conflict
from rules.person_copies import copy_of_member, copy_of_report
from rules.person_requests import RequestKind

EVERY_CLASS: Final = (
    "basic",
    "contact",
    "identity",
    "economic",
    "family",
    "medical",
    "legal",
    "mood",
    "finance_account",
)
MOST_ACCESSES: Final = 5_000

Json = dict[str, Any]


async def list_accesses(tx: Tx, case_id: UUID, *, after: tuple[datetime, UUID], limit: int) -> list[Json]:
    """Who did or read what in a case, newest first, in words. Two statements and the mark. Raises Hidden,
    InsufficientRole."""
    await seen_case(tx, case_id)
    leave_mark(tx, "case.access_log", subject_type="case", subject_id=case_id, case_id=case_id)
    return [_access(row) for row in await audit.accesses_of(tx, case_id, after=after, limit=limit)]


def _access(row: asyncpg.Record) -> Json:
    words = words_of(row["action"])
    return {
        "id": row["id"],
        "at": row["at"],
        "agency": {"id": row["agency_id"], "name": row["agency_name"]},
        "agency_kind": row["agency_kind"],
        "by": "program" if row["principal_kind"] == "system" else "agency",
        "operation": row["action"],
        "operation_zh": words.zh,
        "operation_en": words.en,
        "read": is_read(row["action"]),
        "field_classes": list(row["field_classes"]),
        "purpose": row["purpose"],
    }


async def read_document(tx: Tx, request_id: UUID) -> Json:
    """What answers a request for the accesses or for a copy, as JSON values. Three statements, or eleven.

    Raises Hidden, InsufficientRole, Erased, and Conflict for other requests and before the request is in review.
    """
    request = await seen_request(tx, request_id)
    case = await seen_case(tx, request["case_id"])
    if request["kind"] not in (RequestKind.access_log, RequestKind.copy):
        raise Conflict(reason="no-document-of-this-kind")
    if request["status"] not in ("in_review", "fulfilled", "partly_fulfilled"):
        raise Conflict(reason="not-in-review", current=request["status"])
    head = {
        "kind": request["kind"],
        "request": {"id": request_id, "received_at": request["received_at"], "asked_by": request["asked_by"]},
        "made_at": tx.now,
        "case": _case(case),
    }
    body = await (_accesses(tx, case) if request["kind"] == RequestKind.access_log else _copy(tx, request, case))
    document: Json = plain(head | body)
    return document


def _case(case: asyncpg.Record) -> Json:
    return {
        "number": case["number"],
        "status": case["status"],
        "coordinator": case["coordinator_name"],
        "opened_at": case["opened_at"],
        "closed_at": case["closed_at"],
    }


async def _accesses(tx: Tx, case: asyncpg.Record) -> Json:
    leave_mark(tx, "case.access_log", subject_type="case", subject_id=case["id"], case_id=case["id"])
    last = (tx.now.replace(year=9999), UUID(int=2**128 - 1))
    rows = await audit.accesses_of(tx, case["id"], after=last, limit=MOST_ACCESSES + 1)
    shown = [{key: value for key, value in _access(row).items() if key != "id"} for row in rows[:MOST_ACCESSES]]
    return {"accesses": shown, "complete": len(rows) <= MOST_ACCESSES}


async def _copy(tx: Tx, request: asyncpg.Record, case: asyncpg.Record) -> Json:
    leave_mark(
        tx,
        "case.copy",
        subject_type="person_request",
        subject_id=request["id"],
        case_id=case["id"],
        field_classes=EVERY_CLASS,
    )
    records = await held.records_of(tx, case["id"])
    mine = [row for row in records if row["person_id"] == request["person_id"]]
    opened = [_record(tx, row) for row in mine]
    names = [str(record["name"]) for record in opened if record["name"]]
    return {
        "field_classes": sorted(EVERY_CLASS),
        "records": opened,
        "household": _household(tx, records, request["person_id"]),
        "reports": [_report(tx, row, names) for row in await held.reports_of(tx, case["id"])],
        "file": await _file(tx, case),
        "referrals": _referrals(tx, await held.steps_of(tx, case["id"])),
        "results": [_unsealed(tx, row, "text", "result.text") for row in await held.results_of(tx, case["id"])],
        "adoptions": [
            _unsealed(tx, row, "reason", "adoption.reason") for row in await held.adoptions_of(tx, case["id"])
        ],
        "assistance": [
            _unsealed(tx, row, "source", "assistance.source") for row in await held.assistance_of(tx, case["id"])
        ],
        "emergency_uses": [
            _unsealed(tx, row, "text", "break_glass.text") for row in await held.emergencies_of(tx, case["id"])
        ],
        "sharing_bases": [
            _unsealed(tx, row, "reference", "sharing_basis.reference") for row in await held.bases_of(tx, case["id"])
        ],
    }


def _record(tx: Tx, row: asyncpg.Record) -> Json:
    context = f"person_record:{row['id']}"

    def opened(sealed: bytes) -> str:
        return tx.vault.cipher.open(sealed, context)

    return {
        "reported_by": row["agency_name"],
        "recorded_at": row["created_at"],
        "correction": row["corrects"] is not None,
        "role": row["role"],
        "relation": row["relation"],
        "name": opened(row["name"]),
        "id_type": row["id_type"],
        "id_number": opened(row["id_number"]) if row["id_number"] else None,
        "sex": row["sex"],
        "birth_date": row["birth_date"],
        "division_code": row["division_code"],
        "employment_status": row["employment_status"],
        "employer": row["employer_name"],
        **json.loads(opened(row["contact"])),
        **json.loads(opened(row["details"])),
    }


def _household(tx: Tx, records: Iterable[asyncpg.Record], person_id: UUID) -> list[Json]:
    others = {row["person_id"]: row for row in records if row["corrects"] is None and row["person_id"] != person_id}
    return [
        copy_of_member(
            tx.vault.cipher.open(row["name"], f"person_record:{row['id']}"), row["relation"] or "", row["role"] or ""
        )
        for row in others.values()
    ]


def _report(tx: Tx, row: asyncpg.Record, names: list[str]) -> Json:
    said: Json = json.loads(tx.vault.cipher.open_bytes(row["body"], f"report.body:{row['id']}"))
    return {
        "reported_by": row["agency_name"],
        "reported_at": row["reported_at"],
        "channel": row["channel"],
        "said": copy_of_report(said, names),
    }


async def _file(tx: Tx, case: asyncpg.Record) -> Json:
    left = await held.exit_of(tx, case["id"])
    text = left["exit_text"] if left else None
    return {
        "cause_primary": case["cause_primary"],
        "causes_secondary": list(case["causes_secondary"]),
        "difficulty_class": case["difficulty_class"],
        "needs": [{"need": need["need"], "status": need["status"]} for need in case["needs"]],
        "exit_reason": left["exit_reason"] if left else None,
        "exit_text": tx.vault.cipher.open(text, f"case.exit_text:{case['id']}") if text else None,
    }


def _referrals(tx: Tx, rows: Iterable[asyncpg.Record]) -> list[Json]:
    shown = []
    for referral_id, steps in itertools.groupby(rows, key=lambda row: row["referral_id"]):
        taken = list(steps)
        first = taken[0]
        note = first["note"]
        shown.append(
            {
                "matter": first["title_zh"],
                "need": first["need"],
                "from": first["sender_name"],
                "to": first["to_name"],
                "status": first["status"],
                "requested_at": first["requested_at"],
                "note": tx.vault.cipher.open(note, f"referral.note:{referral_id}") if note else None,
                "steps": [_step(tx, row) for row in taken if row["step_id"] is not None],
            }
        )
    return shown


def _step(tx: Tx, row: asyncpg.Record) -> Json:
    body = row["body"]
    said = json.loads(tx.vault.cipher.open(body, f"referral_step.body:{row['step_id']}")) if body else {}
    return {"step": row["step"], "by": row["agency_name"], "at": row["taken_at"], "reason": row["reason"], "said": said}


def _unsealed(tx: Tx, row: asyncpg.Record, column: str, context: str) -> Json:
    values = {key: value for key, value in row.items() if key != "id"}
    sealed = row[column]
    return values | {column: tx.vault.cipher.open(sealed, f"{context}:{row['id']}") if sealed else None}


def plain(value: Any) -> Any:
    """Instants and days as the API writes them, ids as text, through every level."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, UUID) else value

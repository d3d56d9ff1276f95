"""Erases what is held on people: a whole case with its keys, one member entered in error, or what no duty keeps.

The audit log stays valid: leaves keep their commitments, and a leaf of its own says what went, why and by which rule.
One transaction for a case; what was erased is not erased again.
"""

import json
from typing import Any
from uuid import UUID

import asyncpg

from actions.audit import erase_leaves, leave_mark
from actions.cases import record_case_event
from actions.events import record_event
from db.queries import cases, erasures, links, person_requests
from db.transaction import Tx
from rules.errors import Conflict
from rules.linkage.features import decode, encode
from rules.matters import parse_matter
from rules.retention import Erasability, ErasureRule
from rules.texts import name_key

RECORD_CONTEXT = "person_record"
BODY_CONTEXT = "report.body"
FEATURES_CONTEXT = "link_feature"
COMPARTMENTS = frozenset({"medical", "legal", "mood"})
NOT_OF_THE_DOSSIER = ("health", "medical_note", "legal_note", "mood_note", "bank_account")


async def erase(tx: Tx, case: asyncpg.Record, request: asyncpg.Record, rule: ErasureRule) -> None:
    """Erases the case; of a member entered in error, that member alone. About a dozen statements.

    Raises Conflict while work on the case is under way, or another request waits for an answer out of what would go.
    """
    if await person_requests.others_open(tx, case["id"], request["id"]):
        raise Conflict(reason="open-requests")
    member = rule is ErasureRule.entered_in_error and not await erasures.is_main_member(
        tx, case["id"], request["person_id"]
    )
    if member:
        await _erase_member(tx, case["id"], request["person_id"])
    else:
        await _erase_case(tx, case, rule)
    leave_mark(
        tx,
        "case.erase",
        subject_type="case",
        subject_id=case["id"],
        case_id=case["id"],
        facts={"rule": rule.value, "request": str(request["id"]), "what": "member" if member else "case"},
    )
    record_event(
        tx,
        "erasure.completed",
        subject_type="case",
        subject_id=case["id"],
        version=case["version"] + (0 if member else 1),
        case_id=case["id"],
        parties={"other": request["agency_id"]},
    )


async def _erase_case(tx: Tx, case: asyncpg.Record, rule: ErasureRule) -> None:
    if await cases.has_open_referral(tx, case["id"]):
        raise Conflict(reason="open-referrals")
    if await erasures.has_unjudged_use(tx, case["id"]):
        raise Conflict(reason="emergency-use-not-judged")
    await erase_leaves(tx, case["id"])
    await erasures.erase_case(tx, case["id"], in_error=rule is ErasureRule.entered_in_error)


async def _erase_member(tx: Tx, case_id: UUID, person_id: UUID) -> None:
    bodies: dict[UUID, dict[str, Any]] = {}
    for row in await erasures.reports_with(tx, case_id, person_id):
        name = tx.vault.cipher.open(row["name"], f"{RECORD_CONTEXT}:{row['record_id']}")
        body = bodies.get(row["id"]) or _body(tx, row)
        bodies[row["id"]] = without_member(body, name)
    sealed = [
        {"id": str(report_id), "body": _sealed(tx, json.dumps(body, ensure_ascii=False), report_id)}
        for report_id, body in bodies.items()
    ]
    for subject_id in await erasures.subjects_about(tx, case_id, person_id):  # two or three
        await erase_leaves(tx, case_id, subject_id)
    await _forget_where_compared(tx, case_id, person_id)
    await erasures.erase_member(tx, case_id, person_id, sealed)


async def _forget_where_compared(tx: Tx, case_id: UUID, person_id: UUID) -> None:
    """Takes a member out of what the others of the household are compared by: the main person's features name them."""
    rows = await links.features_of_case(tx, case_id)
    features = {row["record_id"]: decode(tx.vault.cipher.open_bytes(row["features"], _features(row))) for row in rows}
    names = {features[row["record_id"]].name for row in rows if row["person_id"] == person_id}
    others = {row["record_id"]: features[row["record_id"]] for row in rows if row["person_id"] != person_id}
    changed = {
        record_id: tx.vault.cipher.seal_bytes(encode(it.without_members(names)), f"{FEATURES_CONTEXT}:{record_id}")
        for record_id, it in others.items()
        if any(member.name in names for member in it.members)
    }
    if changed:
        await links.change_features(tx, case_id, changed)


def _features(row: asyncpg.Record) -> str:
    return f"{FEATURES_CONTEXT}:{row['record_id']}"


def _body(tx: Tx, row: asyncpg.Record) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(tx.vault.cipher.open_bytes(row["body"], f"{BODY_CONTEXT}:{row['id']}"))
    return body


def _sealed(tx: Tx, text: str, report_id: UUID) -> str:
    return tx.vault.cipher.seal_bytes(text.encode(), f"{BODY_CONTEXT}:{report_id}").hex()


def without_member(body: dict[str, Any], name: str) -> dict[str, Any]:
    """A report without what it says of the member of that name; the place in the household stays, empty."""
    household = [
        {"erased": True} if "name" in member and name_key(member["name"]) == name_key(name) else member
        for member in body.get("household") or ()
    ]
    return {**body, "household": household}


async def trim(tx: Tx, case: asyncpg.Record, request: asyncpg.Record, found: Erasability) -> None:
    """Erases what no duty keeps while the dossier is kept: phones, address, bank account, health, words of
    compartments. Five statements.

    Raises Conflict where the case is at work and needs them.
    """
    if not found.partly:
        raise Conflict(reason="still-needed")
    records = [_trimmed(tx, row) for row in await erasures.records_of_case(tx, case["id"])]
    matters = [
        row["code"]
        for row in await erasures.matters_of_case(tx, case["id"])
        if COMPARTMENTS.intersection(parse_matter(json.loads(row["definition"])).minimum_fields)
    ]
    await erasures.trim_case(tx, case["id"], records, matters)
    record_case_event(tx, "case.updated", case, changed=("people",))
    leave_mark(
        tx,
        "case.trim",
        subject_type="case",
        subject_id=case["id"],
        case_id=case["id"],
        field_classes=("contact", "medical", "legal", "mood", "finance_account"),
        facts={"possible_from": str(found.possible_from), "request": str(request["id"])},
    )


def _trimmed(tx: Tx, row: asyncpg.Record) -> dict[str, str]:
    """A person record without contacts and health; what identifies the person is part of the dossier."""
    context = f"{RECORD_CONTEXT}:{row['id']}"
    contact = json.loads(tx.vault.cipher.open(row["contact"], context))
    details = json.loads(tx.vault.cipher.open(row["details"], context))
    received = details.get("as_received") or {}
    kept = {key: value for key, value in received.items() if key in ("id_number", "name", "birth_date")}

    def sealed(said: object) -> str:
        return tx.vault.cipher.seal(json.dumps(said, ensure_ascii=False), context).hex()

    return {
        "id": str(row["id"]),
        "contact": sealed({**dict.fromkeys(contact), "phones": []}),
        "details": sealed({**details, **dict.fromkeys(NOT_OF_THE_DOSSIER), "as_received": kept}),
    }

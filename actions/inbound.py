"""Inbound receipts: what a source sends is kept before it is answered; people mend, repeat or discard what waits.

What a receipt asks for is done in `inbound_effects`, by the jobs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.inbound_sources import seen_source
from actions.system import SystemFact, record_for_system
from crypto.fields import FieldCipher
from crypto.ids import new_id
from db.engine import Raw
from db.queries import inbound
from db.transaction import Caller, Tx
from rules.errors import Conflict, Hidden, PreconditionFailed
from rules.inbound import DiscardReason, Quarantine, ReceiptStatus
from rules.scopes import SCOPES

QUARANTINED = "inbound.quarantined"
_SUBJECT = "inbound_receipt"


@dataclass(frozen=True, slots=True)
class Message:
    """What came, as it came. `message_id` is the source's own; `headers` what is kept beside the body."""

    source_id: UUID
    message_id: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


def caller_for(source_id: UUID, *, client_id: UUID, agency_id: UUID, request_id: str) -> Caller:
    """Who acts for a source: the account of its agency, as far as that reaches; the audit names the source."""
    return Caller(
        kind="client",
        principal_id=client_id,
        agency_id=agency_id,
        client_id=client_id,
        scopes=frozenset(SCOPES),
        request_id=request_id,
        actor=f"inbound:{source_id}",
    )


async def keep_message(tx: Tx, message: Message) -> tuple[asyncpg.Record, bool]:
    """The receipt of a message, and whether it came before. Two statements.

    Raises Conflict where the same id came with another body.
    """
    blind, receipt_id = tx.vault.blind, new_id()
    known_by = blind.fingerprint(f"inbound\n{message.source_id}\n{message.message_id}".encode())
    body = blind.fingerprint(b"inbound body\n" + message.body)
    row = {
        "id": receipt_id,
        "source_id": message.source_id,
        "message": known_by,
        "body": body,
        "envelope": _sealed(tx.vault.cipher, receipt_id, message),
    }
    is_new = await inbound.keep_receipt(tx, row)
    receipt = await inbound.receipt_of_message(tx, message.source_id, known_by)
    assert receipt is not None
    if receipt["body"] != body:
        raise Conflict(reason="message-id-reused")
    if is_new:
        _mark(tx, "receive", receipt_id, source=str(message.source_id))
    return receipt, not is_new


async def seen_receipt(tx: Tx, receipt_id: UUID, source_id: UUID | None = None) -> asyncpg.Record:
    """A receipt of the acting agency, of that source where one is named. Raises Hidden. One statement."""
    receipt = await inbound.find_receipt(tx, receipt_id, source_id)
    if receipt is None:
        raise Hidden
    return receipt


async def retry(tx: Tx, receipt_id: UUID, *, version: int) -> asyncpg.Record:
    """A quarantined receipt is done again, under the mapping that now holds. Three statements.

    Raises Hidden, PreconditionFailed, Conflict where it is not in quarantine.
    """
    await _waiting(tx, receipt_id, version)
    await inbound.try_again(tx, receipt_id)
    _mark(tx, "retry", receipt_id)
    return await seen_receipt(tx, receipt_id)


async def retry_all(tx: Tx, source_id: UUID, reason: str | None) -> int:
    """Every quarantined receipt of a source, of that reason where one is named; how many. Two statements.

    Raises Hidden.
    """
    await seen_source(tx, source_id)
    count = await inbound.try_all_again(tx, source_id, reason)
    leave_mark(
        tx,
        "inbound_source.retry",
        subject_type="inbound_source",
        subject_id=source_id,
        facts={"reason": reason, "count": count},
    )
    return count


async def discard(tx: Tx, receipt_id: UUID, reason: DiscardReason, *, version: int) -> asyncpg.Record:
    """Nothing becomes of a quarantined receipt, for a reason. Three statements.

    Raises Hidden, PreconditionFailed, Conflict where it is not in quarantine.
    """
    await _waiting(tx, receipt_id, version)
    await inbound.discard(tx, receipt_id, reason.value)
    _mark(tx, "discard", receipt_id, reason=reason.value)
    return await seen_receipt(tx, receipt_id)


async def put_in_quarantine(
    raw: Raw, receipt: asyncpg.Record, lease: UUID, found: Quarantine, *, now: datetime
) -> bool:
    """The receipt waits for people, and its agency is told; False where the lease was lost. Two statements."""
    problems = [{"pointer": problem.pointer, "code": problem.code} for problem in found.problems]
    version = await inbound.quarantine(raw, receipt["id"], lease, reason=found.reason, problems=problems)
    if version is None:
        return False
    fact = SystemFact(
        type=QUARANTINED,
        action="inbound_receipt.quarantine",
        subject_type=_SUBJECT,
        subject_id=receipt["id"],
        version=version,
        agency_id=receipt["agency_id"],
        parties={"owner": [receipt["agency_id"]]},
        moved=(ReceiptStatus.received, ReceiptStatus.quarantined),
        facts={"reason": found.reason},
    )
    await record_for_system(raw, fact, now)
    return True


def open_envelope(cipher: FieldCipher, receipt_id: UUID, sealed: bytes) -> tuple[dict[str, Any], bytes]:
    """What was kept beside the body, and the body. Raises SealBroken."""
    head, _, body = cipher.open_bytes(sealed, _context(receipt_id)).partition(b"\n")
    kept: dict[str, Any] = json.loads(head)
    return kept, body


def _sealed(cipher: FieldCipher, receipt_id: UUID, message: Message) -> bytes:
    """One line of JSON and the body to the byte, so that what came can be shown to its sender again."""
    head = json.dumps({"id": message.message_id, **message.headers})
    return cipher.seal_bytes(head.encode() + b"\n" + message.body, _context(receipt_id))


def _context(receipt_id: UUID) -> str:
    return f"inbound_receipt.envelope:{receipt_id}"


async def _waiting(tx: Tx, receipt_id: UUID, version: int) -> asyncpg.Record:
    """A quarantined receipt, locked. Raises Hidden, PreconditionFailed, Conflict."""
    receipt = await inbound.lock_receipt(tx, receipt_id)
    if receipt is None:
        raise Hidden
    if receipt["version"] != version:
        raise PreconditionFailed(f'"v{receipt["version"]}"')
    if receipt["status"] != ReceiptStatus.quarantined:
        raise Conflict(reason="not-in-quarantine", current=receipt["status"])
    return receipt


def _mark(tx: Tx, verb: str, receipt_id: UUID, **facts: object) -> None:
    leave_mark(tx, f"inbound_receipt.{verb}", subject_type=_SUBJECT, subject_id=receipt_id, facts=facts)

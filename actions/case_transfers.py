"""Moves the coordinator's role of a case from one union to another: asked for, accepted or rejected, handed over.

Nothing moves before the other side accepts, and then all of it in one transaction: at no instant has a case no
coordinator, or two.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag, record_joining, seen_case
from actions.events import record_event
from crypto.ids import new_id
from db.queries import case_transfers, cases
from db.queries.case_transfers import NewTransfer
from db.transaction import Tx
from rules.case_transfers import (
    RESULTS,
    TransferKind,
    TransferStep,
    allowed_steps,
    check_asking,
    check_step,
    parts_in_transfer,
)
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.matters import AgencyKind
from rules.rights import Subject
from rules.sharing import check_basis

SAID_CONTEXT = "case_transfer.said"
ANSWER_CONTEXT = "case_transfer.answer"


@dataclass(frozen=True, slots=True)
class TransferSaid:
    """Why the role should move, to whom, and on which ground the file goes along; `text` and `reference` are sealed."""

    to_agency: UUID | None
    reason: str
    text: str
    basis_kind: str
    reference: str
    new_place: str | None


@dataclass(frozen=True, slots=True)
class OpenedTransfer:
    """A transfer as one of its two unions sees it; `said` and `answer` where it was read with purpose and mark."""

    transfer: asyncpg.Record
    allowed_steps: tuple[str, ...]
    said: dict[str, Any] | None = None
    answer: str | None = None


async def ask(tx: Tx, case_id: UUID, said: TransferSaid) -> OpenedTransfer:
    """Offers the role to another union, or asks the coordinator for it. Seven statements.

    Raises Hidden, InsufficientRole, Conflict for whoever is no union, a closed case and while another transfer waits,
    ValidationFailed for a taker that is no active union and a basis that is none between unions.
    """
    await cases.lock_case(tx, case_id)
    case = await seen_case(tx, case_id)
    giver = case["coordinator_agency_id"]
    kind = check_asking(
        coordinates=giver == tx.agency_id,
        agency_kind=tx.rights.agency_kind,
        case_status=case["status"],
        to_agency=said.to_agency,
    )
    taker = said.to_agency if said.to_agency is not None else tx.agency_id
    if taker == giver or not await case_transfers.is_active_union(tx, taker):
        raise ValidationFailed(FieldError("/to_agency", "not-another-active-union"))
    check_basis(said.basis_kind, sender=AgencyKind.union, recipients=[AgencyKind.union], guardian=False, at="/basis")
    transfer_id = new_id()
    try:
        await case_transfers.insert_transfer(tx, _new(tx, transfer_id, case_id, kind, said=said, sides=(giver, taker)))
    except asyncpg.UniqueViolationError:
        raise Conflict(reason="transfer-waits-already") from None
    asked = await _found(tx, transfer_id)
    _tell(tx, "requested", asked)
    _mark(tx, "ask", asked, kind=kind.value, reason=said.reason)
    return _opened(tx, asked)


def _new(
    tx: Tx, transfer_id: UUID, case_id: UUID, kind: TransferKind, *, said: TransferSaid, sides: tuple[UUID, UUID]
) -> NewTransfer:
    words = json.dumps({"text": said.text, "reference": said.reference}, ensure_ascii=False)
    sealed = tx.vault.cipher.seal(words, f"{SAID_CONTEXT}:{transfer_id}")
    return NewTransfer(
        transfer_id, case_id, kind, *sides, said.reason, said.basis_kind, said=sealed, new_place=said.new_place
    )


async def read_transfer(tx: Tx, transfer_id: UUID) -> OpenedTransfer:
    """The transfer with its words: a sensitive read, which leaves a mark. One statement. Raises Hidden."""
    transfer = await _seen(tx, transfer_id)
    _mark(tx, "read", transfer)
    opened, cipher = _opened(tx, transfer), tx.vault.cipher
    said, answer = transfer["said"], transfer["answer"]
    return OpenedTransfer(
        transfer,
        opened.allowed_steps,
        said=json.loads(cipher.open(said, f"{SAID_CONTEXT}:{transfer_id}")) if said else None,
        answer=cipher.open(answer, f"{ANSWER_CONTEXT}:{transfer_id}") if answer else None,
    )


async def take_transfer_step(
    tx: Tx, transfer_id: UUID, step: str, *, reason: str | None, text: str | None, version: int
) -> OpenedTransfer:
    """Accepts, rejects or takes back a transfer that stands at `version`. Six to eight statements.

    Raises Hidden, PreconditionFailed, InvalidTransition, ValidationFailed, Conflict where the case was closed or moved
    meanwhile, or the taker is no active union any more.
    """
    seen = await _seen(tx, transfer_id)
    await cases.lock_case(tx, seen["case_id"])
    transfer = await case_transfers.lock_transfer(tx, transfer_id)
    assert transfer is not None
    if transfer["version"] != version:
        raise PreconditionFailed(case_tag(transfer["version"]))
    check_step(step, transfer["status"], _parts(tx, transfer), reason=reason, text=text)
    handover = await _hand_over(tx, transfer) if step == TransferStep.accept else None
    answer = tx.vault.cipher.seal(text, f"{ANSWER_CONTEXT}:{transfer_id}") if text else None
    status = RESULTS[step]
    await case_transfers.decide_transfer(tx, transfer_id, status, refusal=reason, answer=answer, handover=handover)
    decided = await _found(tx, transfer_id)
    _tell(tx, status, decided)
    _mark(tx, step, decided, **({"reason": reason} if reason else {}))
    return _opened(tx, decided)


async def _hand_over(tx: Tx, transfer: asyncpg.Record) -> dict[str, Any]:
    handed = await case_transfers.move_role(tx, transfer["id"], new_id())
    if handed is None:
        raise Conflict(reason="nothing-to-take-over")
    version = handed.pop("version")
    record_event(
        tx,
        "case.transferred",
        subject_type="case",
        subject_id=transfer["case_id"],
        version=version,
        case_id=transfer["case_id"],
        parties={"other": _sides(transfer)},
        changed=("coordinator",),
    )
    record_joining(tx, transfer["case_id"], transfer["to_agency_id"], version)
    record_joining(tx, transfer["case_id"], transfer["from_agency_id"], version, event="participant.left")
    return handed


def _sides(transfer: asyncpg.Record) -> tuple[UUID, UUID]:
    return transfer["from_agency_id"], transfer["to_agency_id"]


async def _seen(tx: Tx, transfer_id: UUID) -> asyncpg.Record:
    transfer = await case_transfers.find_transfer(tx, transfer_id)
    if transfer is None:
        raise Hidden
    require_part(tx, Subject.case_transfer, _parts(tx, transfer))
    return transfer


async def _found(tx: Tx, transfer_id: UUID) -> asyncpg.Record:
    transfer = await case_transfers.find_transfer(tx, transfer_id)
    assert transfer is not None
    return transfer


def _parts(tx: Tx, transfer: asyncpg.Record) -> frozenset[str]:
    giver, taker = _sides(transfer)
    return parts_in_transfer(tx.agency_id, giver=giver, taker=taker, asker=transfer["asking_agency_id"])


def _opened(tx: Tx, transfer: asyncpg.Record) -> OpenedTransfer:
    return OpenedTransfer(transfer, allowed_steps(transfer["status"], _parts(tx, transfer)))


def _tell(tx: Tx, verb: str, transfer: asyncpg.Record) -> None:
    """Both unions, and nobody else: who coordinates is news to the others once it has changed."""
    record_event(
        tx,
        f"case_transfer.{verb}",
        subject_type="case_transfer",
        subject_id=transfer["id"],
        version=transfer["version"],
        case_id=None,
        parties={"other": [side for side in _sides(transfer) if side != tx.agency_id]},
        changed=("status",),
    )


def _mark(tx: Tx, verb: str, transfer: asyncpg.Record, **facts: object) -> None:
    leave_mark(
        tx,
        f"case_transfer.{verb}",
        subject_type="case_transfer",
        subject_id=transfer["id"],
        case_id=transfer["case_id"],
        facts=facts,
    )

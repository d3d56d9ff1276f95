"""Asks the other side of a possible match to show what it holds; grants that for a while, refuses, takes it back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.events import record_event
from actions.match_candidates import own_case, seen_candidate
from crypto.ids import new_id
from db.clock import real_time
from db.queries import access_requests
from db.queries.access_requests import Decision, NewRequest
from db.transaction import Tx
from rules.access_requests import (
    allowed_steps,
    check_asking,
    check_grant,
    check_step,
    parts_in_request,
    status_now,
)
from rules.errors import Conflict, Hidden, PreconditionFailed
from rules.matters import AgencyKind
from rules.rights import Subject
from rules.sharing import check_basis

SAID_CONTEXT = "access_request.said"
ANSWER_CONTEXT = "access_request.answer"


@dataclass(frozen=True, slots=True)
class AccessSaid:
    """Why one side wants to see the other. `reference` and `reason` are kept sealed."""

    purpose: str
    basis_kind: str
    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class OpenedAccess:
    """A request as of now; `said` and `answer` where it was read with purpose and mark."""

    request: asyncpg.Record
    status: str
    parts: frozenset[str]
    allowed_steps: tuple[str, ...]
    said: dict[str, Any] | None = None
    answer: str | None = None


async def ask_holder(tx: Tx, candidate_id: UUID, said: AccessSaid) -> OpenedAccess:
    """Asks whoever coordinates the other side. Five statements.

    Raises Hidden, InsufficientRole, Conflict where there is nothing to ask for, ValidationFailed for a basis that is
    none between unions.
    """
    opened = await seen_candidate(tx, candidate_id)
    match, parts = opened.match, opened.parts
    check_basis(
        said.basis_kind, sender=AgencyKind.union, recipients=[tx.rights.agency_kind], guardian=False, at="/basis"
    )
    live = await access_requests.has_live_grant(tx, candidate_id, real_time())
    check_asking(parts, status=match["status"], silent=match["silent"], granted=live)
    request_id = new_id()
    holder = match["holder_agency_id"] if "coordinator" in parts else match["coordinator_agency_id"]
    try:
        await access_requests.insert_request(tx, _new(tx, request_id, candidate_id, holder, said=said))
    except asyncpg.UniqueViolationError:
        raise Conflict(reason="asked-already") from None
    asked = await _found(tx, request_id)
    _tell(tx, "opened", asked, other=holder)
    _mark(tx, "ask", asked, own_case(match, parts), basis=said.basis_kind)
    return _opened(tx, asked)


def _new(tx: Tx, request_id: UUID, candidate_id: UUID, holder: UUID, *, said: AccessSaid) -> NewRequest:
    words = json.dumps({"reference": said.reference, "reason": said.reason}, ensure_ascii=False)
    sealed = tx.vault.cipher.seal(words, f"{SAID_CONTEXT}:{request_id}")
    return NewRequest(request_id, candidate_id, holder, said.purpose, said.basis_kind, sealed)


async def read_request(tx: Tx, request_id: UUID) -> OpenedAccess:
    """The request with its words: a sensitive read, which leaves a mark. One statement. Raises Hidden."""
    request = await access_requests.find_request(tx, request_id)
    opened = _checked(tx, request)
    _mark(tx, "read", opened.request, opened.request["case_id"])
    cipher = tx.vault.cipher
    answer = opened.request["answer"]
    return OpenedAccess(
        opened.request,
        opened.status,
        opened.parts,
        opened.allowed_steps,
        said=json.loads(cipher.open(opened.request["said"], f"{SAID_CONTEXT}:{request_id}")),
        answer=cipher.open(answer, f"{ANSWER_CONTEXT}:{request_id}") if answer else None,
    )


async def grant(
    tx: Tx, request_id: UUID, *, classes: Sequence[str], expires_at: datetime, version: int
) -> OpenedAccess:
    """Lets the asker compare in these classes until then, as the holder. Four statements.

    Raises Hidden, InsufficientRole, PreconditionFailed, InvalidTransition, Conflict where the match was decided,
    ValidationFailed.
    """
    opened = await _locked(tx, request_id, "grant", version)
    request = opened.request
    if request["match_status"] != "open":
        raise Conflict(reason="match-is-decided")
    check_grant(classes, expires_at, purpose=request["purpose"], basis_kind=request["basis_kind"], now=real_time())
    granted = sorted(set(classes))
    decision = Decision("granted", field_classes=granted, expires_at=expires_at)
    return await _decided(tx, request_id, decision, classes=granted)


async def refuse(tx: Tx, request_id: UUID, *, reason: str, text: str, version: int) -> OpenedAccess:
    """Refuses, with a reason. Four statements. Raises as `grant` does."""
    await _locked(tx, request_id, "refuse", version)
    sealed = tx.vault.cipher.seal(text, f"{ANSWER_CONTEXT}:{request_id}")
    return await _decided(tx, request_id, Decision("refused", refusal=reason, answer=sealed), reason=reason)


async def revoke(tx: Tx, request_id: UUID, *, version: int) -> OpenedAccess:
    """Ends a grant at once. Four statements. Raises as `grant` does."""
    await _locked(tx, request_id, "revoke", version)
    return await _decided(tx, request_id, Decision("revoked"))


async def _locked(tx: Tx, request_id: UUID, step: str, version: int) -> OpenedAccess:
    """The request, locked for a step of its holder. Whoever asked sees it and is told that the step is not its own."""
    seen = _checked(tx, await access_requests.find_request(tx, request_id))
    opened = _checked(tx, await access_requests.lock_request(tx, request_id)) if "holder" in seen.parts else seen
    if opened.request["version"] != version:
        raise PreconditionFailed(f'"v{opened.request["version"]}"')
    check_step(opened.status, step)
    return opened


async def _decided(tx: Tx, request_id: UUID, decision: Decision, **facts: object) -> OpenedAccess:
    await access_requests.decide_request(tx, request_id, decision)
    request = await _found(tx, request_id)
    _tell(tx, decision.status, request, other=request["asking_agency_id"])
    _mark(tx, decision.status, request, request["case_id"], **facts)
    return _opened(tx, request)


async def _found(tx: Tx, request_id: UUID) -> asyncpg.Record:
    request = await access_requests.find_request(tx, request_id)
    assert request is not None
    return request


def _checked(tx: Tx, request: asyncpg.Record | None) -> OpenedAccess:
    if request is None:
        raise Hidden
    opened = _opened(tx, request)
    require_part(tx, Subject.access_request, opened.parts)
    return opened


def _opened(tx: Tx, request: asyncpg.Record) -> OpenedAccess:
    parts = parts_in_request(tx.agency_id, asker=request["asking_agency_id"], holder=request["holder_agency_id"])
    status = status_now(request["status"], request["expires_at"], real_time())
    return OpenedAccess(request, status, parts, allowed_steps(status, parts))


def _tell(tx: Tx, verb: str, request: asyncpg.Record, *, other: UUID) -> None:
    """In no case: each side has its own, and neither may learn the other's."""
    record_event(
        tx,
        f"access_request.{verb}",
        subject_type="access_request",
        subject_id=request["id"],
        version=request["version"],
        case_id=None,
        parties={"other": other},
        changed=("status",),
    )


def _mark(tx: Tx, verb: str, request: asyncpg.Record, case_id: UUID, **facts: object) -> None:
    leave_mark(
        tx,
        f"access_request.{verb}",
        subject_type="access_request",
        subject_id=request["id"],
        case_id=case_id,
        facts=facts,
    )

"""Decides what persons asked, and does what the decision says: corrects, stops sharing, erases."""

import json
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.cases import case_tag, record_case_event, seen_case
from actions.corrections import correct
from actions.erasures import erase, trim
from actions.objections import stop_sharing
from actions.person_requests import (
    ANSWER_CONTEXT,
    SAID_CONTEXT,
    OpenedRequest,
    answer_of,
    found,
    mark,
    open_sealed,
    opened_for,
    parts_of,
    record,
)
from db.queries import erasures, links, people, person_requests
from db.queries.calendar import calendar_of
from db.transaction import Tx
from rules.corrections import confirmed
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.person_requests import (
    OPEN_STATUSES,
    LegalReason,
    RequestKind,
    RequestStep,
    StepWords,
    check_words,
    due_of,
    next_status,
)
from rules.retention import Erasability, erasability
from rules.rights import Subject


@dataclass(frozen=True, slots=True)
class StepSaid:
    """What a step brings. `hand_to`: the reporting agency a correction goes to; `end_bases`: which kinds of basis an
    objection ends."""

    words: StepWords
    hand_to: UUID | None = None
    end_bases: tuple[str, ...] = ()


@dataclass(slots=True)
class _Taking:
    """One step on its way."""

    tx: Tx
    request: asyncpg.Record
    case: asyncpg.Record
    step: RequestStep
    said: StepSaid
    changes: dict[str, object] = field(default_factory=dict)
    answer: dict[str, object] = field(default_factory=dict)


async def take_request_step(
    tx: Tx, request_id: UUID, step: RequestStep, said: StepSaid, *, version: int
) -> OpenedRequest:
    """Takes a step of a request and does what its decision means. Seven statements and those of the effect.

    Raises Hidden, Erased, PreconditionFailed, InsufficientRole, InvalidTransition, ValidationFailed, Conflict.
    """
    await _lock_people(tx, request_id, step)
    request = await person_requests.lock_request(tx, request_id)
    if request is None:
        raise Hidden
    require_part(tx, Subject.person_request, parts_of(tx, request))
    if request["version"] != version:
        raise PreconditionFailed(case_tag(request["version"]))
    status = next_status(step, request["status"], parts_of(tx, request), prolonged=request["prolonged"])
    check_words(request["kind"], step, said.words)
    _check_said(request, step, said)
    taking = _Taking(tx, request, await seen_case(tx, request["case_id"]), step, said, {"status": status})
    taking.answer = answer_of(tx, request) or {}
    await _act(taking)
    if status not in OPEN_STATUSES:
        taking.changes |= {"decided_at": tx.now, "next_due": None}
    await person_requests.update_request(tx, request_id, taking.changes | _kept_words(taking))
    moved = await found(tx, request_id)
    if status not in OPEN_STATUSES:
        record(tx, "person_request.decided", moved, moved=(request["status"], status))
    mark(tx, step.value, moved, kind=request["kind"], reason=said.words.reason)
    return opened_for(tx, moved)


async def _lock_people(tx: Tx, request_id: UUID, step: RequestStep) -> None:
    """Before an erasure, whoever reports the same people waits, and then finds them gone; before the case, as
    everywhere. Four statements, one where nothing is erased."""
    request = await person_requests.find_request(tx, request_id)
    if request is None or request["kind"] != RequestKind.erasure or step is not RequestStep.fulfil:
        return
    await links.lock_case(tx, request["case_id"])
    await people.lock_persons(tx, await erasures.persons_of_case(tx, request["case_id"]))


def _check_said(request: asyncpg.Record, step: RequestStep, said: StepSaid) -> None:
    errors = []
    decided = step in (RequestStep.fulfil, RequestStep.partly_fulfil)
    if said.hand_to is not None and (step is not RequestStep.review or request["kind"] != RequestKind.correction):
        errors.append(FieldError("/hand_to", "not-in-this-step"))
    if said.end_bases and not (decided and request["kind"] == RequestKind.objection):
        errors.append(FieldError("/end_bases", "not-in-this-step"))
    if said.words.text and step is RequestStep.fulfil and request["kind"] == RequestKind.erasure:
        errors.append(FieldError("/text", "not-in-this-step"))  # nothing may be said of whom nothing is known
    if errors:
        raise ValidationFailed(*errors)


async def _act(taking: _Taking) -> None:
    step, kind = taking.step, taking.request["kind"]
    if step is RequestStep.review and taking.said.hand_to is not None:
        await _hand_on(taking, taking.said.hand_to)
    elif step is RequestStep.extend:
        await _prolong(taking)
    elif step is RequestStep.refuse and kind == RequestKind.erasure:
        taking.changes["possible_from"] = _erasability(taking).possible_from
    elif step in (RequestStep.fulfil, RequestStep.partly_fulfil):
        await _decide(taking, kind)


async def _decide(taking: _Taking, kind: str) -> None:
    if kind == RequestKind.correction:
        await _correct(taking)
    elif kind == RequestKind.objection:
        ended = await stop_sharing(
            taking.tx,
            taking.request,
            taking.case,
            taking.said.end_bases or ("consent",),
            wholly=taking.step is RequestStep.fulfil,
        )
        taking.answer["bases_ended"] = ended
    elif kind == RequestKind.erasure:
        await _erase(taking)


async def _hand_on(taking: _Taking, agency: UUID) -> None:
    tx, request = taking.tx, taking.request
    if not await person_requests.has_record(tx, request["case_id"], request["person_id"], agency):
        raise ValidationFailed(FieldError("/hand_to", "no-record-of-this-agency"))
    taking.changes["decider_agency_id"] = agency
    record(tx, "person_request.received", request, moved=(request["status"], "in_review"), other=agency)


async def _prolong(taking: _Taking) -> None:
    tx, request, words = taking.tx, taking.request, taking.said.words
    due = due_of(request["kind"], request["received_at"], await calendar_of(tx), prolonged=True)
    taking.changes |= {"prolonged": True, "due_by": due.at, "due_confirmed": due.confirmed, "next_due": due.at}
    taking.answer["extension"] = {"reason": words.reason, "text": words.text}


async def _correct(taking: _Taking) -> None:
    said = open_sealed(taking.tx, taking.request["said"], f"{SAID_CONTEXT}:{taking.request['id']}")
    values = confirmed(said["correction"] if said else {}, taking.said.words.fields)
    await correct(taking.tx, taking.request, values)
    taking.answer["corrected"] = sorted(values)
    record_case_event(taking.tx, "case.updated", taking.case, changed=("people",))


def _erasability(taking: _Taking, *, in_error: bool = False) -> Erasability:
    case = taking.case
    return erasability(status=case["status"], closed_at=case["closed_at"], now=taking.tx.now, in_error=in_error)


async def _erase(taking: _Taking) -> None:
    may_go = _erasability(taking, in_error=taking.request["in_error"])
    if taking.step is RequestStep.partly_fulfil:
        if taking.said.words.reason != LegalReason.retention_period:
            raise ValidationFailed(FieldError("/reason", "not-in-this-step"))
        may_go = _erasability(taking)
        await trim(taking.tx, taking.case, taking.request, may_go)
        taking.changes["possible_from"] = may_go.possible_from
        return
    if may_go.rule is None:
        raise Conflict(reason=str(may_go.obstacle).replace("_", "-"), possible_from=str(may_go.possible_from))
    await erase(taking.tx, taking.case, taking.request, may_go.rule)
    taking.answer = {}


def _kept_words(taking: _Taking) -> dict[str, object]:
    """The columns of what was answered. Words of earlier steps are kept beside those of the decision."""
    words = taking.said.words
    if taking.step is not RequestStep.extend:
        if words.text:
            taking.answer[taking.step.value] = words.text
        taking.changes["reason"] = words.reason
    if not taking.answer:
        return {}
    text = json.dumps(taking.answer, ensure_ascii=False)
    return {"answer": taking.tx.vault.cipher.seal(text, f"{ANSWER_CONTEXT}:{taking.request['id']}")}

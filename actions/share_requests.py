"""The catalogue of what agencies share, and requests for it, step by step under the regulation's clocks."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag
from actions.events import record_event
from actions.system import SystemFact, record_all_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import share_requests
from db.queries.calendar import calendar_of
from db.transaction import Tx
from rules.calendar import WorkCalendar
from rules.deadlines import shanghai_day
from rules.errors import ConsentMissing, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.papers import check_paper
from rules.rights import Subject
from rules.share_requests import (
    REPLY,
    ShareClock,
    SharePosition,
    ShareStatus,
    ShareStep,
    ShareWords,
    allowed_steps,
    check_asking,
    check_item,
    check_words,
    clock_after,
    next_level,
    parts_in_share,
    take_step,
)
from rules.sharing import BasisKind, is_ground

Row = Mapping[str, Any]

_ENTRY = (
    *("name", "items", "format", "update_frequency", "share_type", "mode", "conditions", "legal_citation"),
    *("classification", "approved_by"),
)
"""The fields of the regulation, as a request keeps them."""


@dataclass(frozen=True, slots=True)
class ShareSaid:
    """What is asked for, on which basis, for which scene and how long, and which head of the asking unit approved
    it."""

    item_id: UUID
    basis_kind: str
    basis_reference: str
    persons: int
    consents: int
    scene: str
    scope: tuple[str, ...]
    mode: str
    until: date
    approved_by: str


async def publish(tx: Tx, item: Row) -> UUID:
    """Enters an item of the acting agency in the catalogue; its id. Two statements. Raises ValidationFailed."""
    check_item(item["share_type"], conditions=item["conditions"], citation=item["legal_citation"])
    item_id = new_id()
    await share_requests.insert(tx, "catalogue_item", {"id": item_id, **item})
    _mark(tx, "catalogue_item.publish", "catalogue_item", item_id)
    return item_id


async def revise(tx: Tx, item_id: UUID, item: Row, *, version: int) -> None:
    """Says anew what an item is, or retires it. Three statements. Raises Hidden, InsufficientRole, PreconditionFailed,
    ValidationFailed."""
    seen = await share_requests.find_item(tx, item_id)
    if seen is None:
        raise Hidden
    require_part(tx, Subject.agency, {"owner"} if seen["agency_id"] == tx.agency_id else {"reader"})
    locked = await share_requests.find_item(tx, item_id, lock=True)
    assert locked is not None
    if locked["version"] != version:
        raise PreconditionFailed(case_tag(locked["version"]))
    check_item(item["share_type"], conditions=item["conditions"], citation=item["legal_citation"])
    await share_requests.update(tx, "catalogue_item", item_id, item)
    _mark(tx, "catalogue_item.revise", "catalogue_item", item_id)


async def ask(tx: Tx, said: ShareSaid) -> UUID:
    """Asks for an item, of a number of persons; the request's id. Four statements.

    Raises ValidationFailed, Conflict for an item that is not shared, ConsentMissing where a duty is named between
    agencies of which one is no state organ.
    """
    item = await share_requests.find_item(tx, said.item_id)
    if item is None or item["retired_at"] is not None:
        raise ValidationFailed(FieldError("/item", "unknown-item"))
    check_asking(item["share_type"], asker=tx.agency_id, provider=item["agency_id"])
    _check(tx, said, item)
    clock = ShareClock(tx.now, REPLY[item["share_type"]])
    request_id = new_id()
    row = _row(said, item) | _columns(clock, await calendar_of(tx))
    await share_requests.insert(tx, "share_request", row | {"id": request_id})
    await _tell(tx, "requested", request_id)
    _mark(tx, "share_request.ask", "share_request", request_id, persons=said.persons)
    return request_id


def _check(tx: Tx, said: ShareSaid, item: asyncpg.Record) -> None:
    errors = [FieldError("/scope", "not-in-the-item")] if not set(said.scope) <= set(item["items"]) else []
    if said.until <= shanghai_day(tx.now):
        errors.append(FieldError("/until", "in-the-past"))
    if said.consents > said.persons:
        errors.append(FieldError("/consents", "more-than-persons"))
    if errors:
        raise ValidationFailed(*errors)
    for name, text in (("scene", said.scene), ("basis_reference", said.basis_reference)):
        check_paper(f"/{name}", text)
    if said.basis_kind == BasisKind.consent and not said.consents:
        raise ConsentMissing(tx.agency_id, reason="no-consents")
    asker = tx.rights.agency_kind
    if not is_ground(said.basis_kind, sender=item["provider_kind"], recipient=asker) or (
        asker == "union" and said.basis_kind == "statutory_duty"
    ):
        raise ConsentMissing(tx.agency_id, reason="no-organ-of-state")


def _row(said: ShareSaid, item: asyncpg.Record) -> dict[str, Any]:
    return {
        "catalogue_item_id": said.item_id,
        "item_version": item["version"],
        "item": json.dumps({name: item[name] for name in _ENTRY}, ensure_ascii=False),
        "steps": "[]",
        "share_type": item["share_type"],
        "provider_agency_id": item["agency_id"],
        "basis_kind": said.basis_kind,
        "basis_reference": said.basis_reference,
        "consents": said.consents,
        "persons": said.persons,
        "scene": said.scene,
        "scope": list(said.scope),
        "mode": said.mode,
        "until": said.until,
        "approved_by": said.approved_by,
        "status": ShareStatus.requested.value,
        "supplemented": False,
        "extended": False,
        "missing": [],
    }


async def seen_request(tx: Tx, request_id: UUID) -> asyncpg.Record:
    """The request. Raises Hidden. One statement."""
    request = await share_requests.find_request(tx, request_id)
    if request is None:
        raise Hidden
    require_part(tx, Subject.share_request, _parts(tx, request))
    return request


def steps_of(tx: Tx, request: asyncpg.Record) -> tuple[str, ...]:
    """What the acting agency may do with it now."""
    return allowed_steps(_position(request), _parts(tx, request))


def _parts(tx: Tx, request: asyncpg.Record) -> frozenset[str]:
    return parts_in_share(tx.agency_id, asker=request["agency_id"], provider=request["provider_agency_id"])


def _position(request: asyncpg.Record) -> SharePosition:
    return SharePosition(
        status=request["status"],
        share_type=request["share_type"],
        supplemented=request["supplemented"],
        extended=request["extended"],
        dispute=request["dispute"],
    )


async def take_step_of_share(tx: Tx, request_id: UUID, step: str, words: ShareWords, *, version: int) -> None:
    """Takes a step on a request that stands at `version`. Five statements. Raises Hidden, PreconditionFailed,
    InvalidTransition, ValidationFailed."""
    await seen_request(tx, request_id)
    request = await share_requests.find_request(tx, request_id, lock=True)
    assert request is not None
    if request["version"] != version:
        raise PreconditionFailed(case_tag(request["version"]))
    status = take_step(_position(request), step, _parts(tx, request))
    check_words(step, words)
    check_paper("/text", words.text)
    if (
        step == ShareStep.agree
        and request["basis_kind"] == BasisKind.consent
        and request["consents"] < request["persons"]
    ):
        raise ConsentMissing(request["agency_id"], reason="consents-incomplete")
    changes = _changes(tx, request, ShareStep(step), words) | _clock(tx, request, step, await calendar_of(tx))
    await share_requests.update(tx, "share_request", request_id, {"status": status.value, **changes})
    await _tell(tx, _EVENTS[ShareStep(step)], request_id, moved=(request["status"], status.value))
    _mark(tx, f"share_request.{step}", "share_request", request_id)


_EVENTS: Mapping[str, str] = {
    ShareStep.ask_supplement: "supplement_asked",
    ShareStep.supplement: "supplemented",
    ShareStep.extend: "extended",
    ShareStep.agree: "agreed",
    ShareStep.refuse: "refused",
    ShareStep.deliver: "delivered",
    ShareStep.ask_correction: "correction_asked",
    ShareStep.correct: "corrected",
    ShareStep.dispose: "disposed",
    ShareStep.escalate: "escalated",
    ShareStep.withdraw: "withdrawn",
}


def _changes(tx: Tx, request: asyncpg.Record, step: ShareStep, words: ShareWords) -> dict[str, Any]:
    """What a step writes beside status and clock; all that was said with it stands in `steps`."""
    own: dict[ShareStep, dict[str, Any]] = {
        ShareStep.ask_supplement: {"missing": list(words.missing), "supplemented": True},
        ShareStep.supplement: {"missing": [], "consents": request["consents"] if words.count is None else words.count},
        ShareStep.extend: {"extended": True},
        ShareStep.refuse: {"refusal": words.reason},
        ShareStep.deliver: {"delivered": words.count, "sha256": words.sha256},
        ShareStep.ask_correction: {"wrong": words.count},
        ShareStep.dispose: {"certificate": words.certificate},
        ShareStep.escalate: {"dispute": next_level(request["dispute"]).value if step is ShareStep.escalate else None},
    }
    said = {name: value for name, value in asdict(words).items() if value}
    taken = {"step": step.value, "agency": str(tx.agency_id), "at": tx.now.isoformat(), **said}
    return own.get(step, {}) | {"steps": json.dumps([*request["steps"], taken], ensure_ascii=False)}


def _clock(tx: Tx, request: asyncpg.Record, step: str, calendar: WorkCalendar) -> dict[str, Any]:
    """Columns of the clock after a step. It stands while papers are awaited."""
    standing = request["counted_from"] and ShareClock(request["counted_from"], request["counted_days"])
    clock = clock_after(step, standing, paused_at=request["paused_at"], now=tx.now, calendar=calendar)
    asks = step == ShareStep.ask_supplement
    late = request["overdue_at"] if asks or step == ShareStep.supplement else None
    return _columns(clock, calendar) | {"paused_at": tx.now if asks else None, "overdue_at": late}


def _columns(clock: ShareClock | None, calendar: WorkCalendar) -> dict[str, Any]:
    if clock is None:
        return {"counted_from": None, "counted_days": None, "due_at": None, "due_confirmed": True}
    due = clock.due(calendar)
    counted = {"counted_from": clock.start, "counted_days": clock.days}
    return counted | {"due_at": due.at, "due_confirmed": due.confirmed}


async def count_share_again(raw: Raw, request_id: UUID, *, now: datetime, calendar: WorkCalendar) -> bool:
    """Counts what is due of a request again under a calendar that has become official. Three statements. False where
    nothing changed, or somebody is just working on it."""
    request = await share_requests.lock_provisional(raw, request_id)
    if request is None:
        return False
    due = ShareClock(request["counted_from"], request["counted_days"]).due(calendar)
    if (due.at, due.confirmed) == (request["due_at"], False):
        return False
    version = await share_requests.set_due(raw, request_id, due, now=now)
    fact = SystemFact(
        type="deadline.recalculated",
        action="share_request.recalculate",
        subject_type="share_request",
        subject_id=request_id,
        version=version,
        agency_id=request["provider_agency_id"],
        parties={"sender": (request["agency_id"],), "addressee": (request["provider_agency_id"],)},
        changed=("due_at",),
    )
    await record_all_for_system(raw, [fact], now)
    return True


async def fire_share_clocks(raw: Raw, now: datetime, limit: int) -> int:
    """Tells both sides of requests whose present clock has passed, each clock once; how many. Two statements."""
    late = await share_requests.expire(raw, now, limit)
    facts = [
        SystemFact(
            type="share_request.overdue",
            action="share_request.overdue",
            subject_type="share_request",
            subject_id=row["id"],
            version=row["version"],
            agency_id=row["provider_agency_id"],
            parties={"other": (row["agency_id"], row["provider_agency_id"])},
            changed=("overdue",),
        )
        for row in late
    ]
    await record_all_for_system(raw, facts, now)
    return len(late)


async def _tell(tx: Tx, verb: str, request_id: UUID, *, moved: tuple[str, str] | None = None) -> None:
    request = await share_requests.find_request(tx, request_id)
    assert request is not None
    record_event(
        tx,
        f"share_request.{verb}",
        subject_type="share_request",
        subject_id=request_id,
        version=request["version"],
        case_id=None,
        parties={"other": {request["agency_id"], request["provider_agency_id"]} - {tx.agency_id}},
        moved=moved,
        changed=("status",) if moved else (),
    )


def _mark(tx: Tx, action: str, subject_type: str, subject_id: UUID, **facts: object) -> None:
    leave_mark(tx, action, subject_type=subject_type, subject_id=subject_id, facts=facts)

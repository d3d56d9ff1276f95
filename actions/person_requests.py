"""Files what persons ask about the data held on them, and opens it for whom it concerns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import locked_case
from actions.events import record_event
from crypto.ids import new_id
from db.queries import agencies, person_requests
from db.queries.calendar import calendar_of
from db.transaction import Tx
from rules.corrections import CorrectionSaid, check_correction
from rules.errors import Conflict, FieldError, Hidden, ValidationFailed
from rules.person_requests import (
    AskedBy,
    RequestKind,
    allowed_steps,
    due_of,
    parts_in_request,
)
from rules.rights import Subject

SAID_CONTEXT = "person_request.said"
ANSWER_CONTEXT = "person_request.answer"


@dataclass(frozen=True, slots=True)
class RequestSaid:
    """One request as an agency files it. `proof` and `mandate` are kept sealed with the words."""

    kind: str
    asked_by: str
    document: str | None
    proof: Mapping[str, str] | None
    mandate: Mapping[str, str] | None
    person_id: UUID | None
    text: str | None
    correction: CorrectionSaid | None
    named_agency: UUID | None
    recipients: tuple[UUID, ...]
    in_error: bool
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    request: asyncpg.Record
    parts: frozenset[str]
    allowed_steps: tuple[str, ...]
    said: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None


async def file_request(tx: Tx, case_id: UUID, said: RequestSaid, *, allow_demo: bool) -> OpenedRequest:
    """Files a request with the proof of who asks. Ten statements.

    Decided by the case's coordinator; a correction by the agency that reported, where whoever files may know which that
    is. Raises Hidden, InsufficientRole, Conflict for a case without persons, ValidationFailed.
    """
    case = await locked_case(tx, case_id)
    coordinates = case["coordinator_agency_id"] == tx.agency_id
    sealed = _checked(tx, said, coordinates=coordinates, allow_demo=allow_demo)
    if said.recipients and await agencies.active_among(tx, set(said.recipients)) != set(said.recipients):
        raise ValidationFailed(FieldError("/recipients", "unknown-agency"))
    person_id = await person_requests.person_of_case(tx, case_id, said.person_id)
    if person_id is None:
        if said.person_id is None:
            raise Conflict(reason="case-without-persons")
        raise ValidationFailed(FieldError("/person_id", "not-of-this-case"))
    decider = await _decider(tx, case, said, person_id)
    request_id = new_id()
    await person_requests.insert_request(
        tx,
        {
            "id": request_id,
            "person_id": person_id,
            "decider_agency_id": decider,
            "coordinator_agency_id": case["coordinator_agency_id"],
            "said": tx.vault.cipher.seal(sealed, f"{SAID_CONTEXT}:{request_id}"),
            **await _columns(tx, case_id, said),
        },
    )
    request = await found(tx, request_id)
    record(tx, "person_request.received", request)
    mark(tx, "file", request, kind=said.kind, asked_by=said.asked_by, document=said.document)
    return opened_for(tx, request)


async def _columns(tx: Tx, case_id: UUID, said: RequestSaid) -> dict[str, object]:
    """What stands in the clear of a request that is filed now, with its clock."""
    due = due_of(said.kind, tx.now, await calendar_of(tx))
    return {
        "case_id": case_id,
        "agency_id": tx.agency_id,
        "kind": said.kind,
        "status": "received",
        "asked_by": said.asked_by,
        "document": said.document,
        "named_agency_id": said.named_agency,
        "recipients": list(said.recipients),
        "in_error": said.in_error,
        "received_at": tx.now,
        "due_by": due.at,
        "due_confirmed": due.confirmed,
        "next_due": due.at,
        "overdue": False,
        "prolonged": False,
        "updated_at": tx.now,
        "version": 1,
    }


def _checked(tx: Tx, said: RequestSaid, *, coordinates: bool, allow_demo: bool) -> str:
    """What is kept sealed of a request, as JSON. Raises ValidationFailed."""
    errors = [*_faults_of_asking(tx, said, coordinates=coordinates), *_faults_of_kind(said)]
    if errors:
        raise ValidationFailed(*errors)
    values = None
    if said.correction is not None:
        values = check_correction(said.correction, now=tx.now, allow_demo=allow_demo)
    kept = {"text": said.text, "proof": said.proof, "mandate": said.mandate, "correction": values}
    return json.dumps(kept, ensure_ascii=False)


def _faults_of_asking(tx: Tx, said: RequestSaid, *, coordinates: bool) -> list[FieldError]:
    """Who asks, how that was seen, and who files."""
    errors = []
    if tx.caller.kind == "client" and tx.caller.actor is None:
        errors.append(FieldError("header:Tongli-Actor", "required"))
    if said.seen_at is not None and said.seen_at > tx.now:
        errors.append(FieldError("/proof/seen_at", "in-the-future"))
    if (said.proof is None) != (said.asked_by == AskedBy.duty):
        errors.append(FieldError("/proof", "required" if said.proof is None else "not-with-this-kind"))
    if said.asked_by == AskedBy.duty and not (said.kind == RequestKind.erasure and coordinates):
        errors.append(FieldError("/asked_by", "coordinator-only" if not coordinates else "not-with-this-kind"))
    if (said.mandate is None) != (said.asked_by in (AskedBy.person, AskedBy.duty)):
        errors.append(FieldError("/mandate", "required" if said.mandate is None else "not-for-the-person-itself"))
    return errors


def _faults_of_kind(said: RequestSaid) -> list[FieldError]:
    """What goes with one kind of request only."""
    errors = []
    for pointer, given, kind in (
        ("/correction", said.correction is not None, RequestKind.correction),
        ("/reporting_agency", said.named_agency is not None, RequestKind.correction),
        ("/recipients", bool(said.recipients), RequestKind.objection),
        ("/entered_in_error", said.in_error, RequestKind.erasure),
    ):
        if given and said.kind != kind:
            errors.append(FieldError(pointer, "not-with-this-kind"))
    if said.kind == RequestKind.correction and said.correction is None:
        errors.append(FieldError("/correction", "required"))
    return errors


async def _decider(tx: Tx, case: asyncpg.Record, said: RequestSaid, person_id: UUID) -> UUID:
    """Who decides. Only the coordinator may know who else reported; another agency's guess is not answered, the
    coordinator hands the request on."""
    coordinator: UUID = case["coordinator_agency_id"]
    if said.named_agency is None or tx.agency_id not in (coordinator, said.named_agency):
        return coordinator
    if not await person_requests.has_record(tx, case["id"], person_id, said.named_agency):
        raise ValidationFailed(FieldError("/reporting_agency", "no-record-of-this-agency"))
    return said.named_agency


async def seen_request(tx: Tx, request_id: UUID) -> asyncpg.Record:
    """The request. Raises Hidden, InsufficientRole. One statement."""
    request = await person_requests.find_request(tx, request_id)
    if request is None:
        raise Hidden
    require_part(tx, Subject.person_request, parts_of(tx, request))
    return request


def parts_of(tx: Tx, request: asyncpg.Record) -> frozenset[str]:
    """The acting agency's parts in a request."""
    return parts_in_request(
        tx.agency_id,
        filer=request["agency_id"],
        decider=request["decider_agency_id"],
        coordinator=request["coordinator_agency_id"],
    )


async def read_request(tx: Tx, request_id: UUID) -> OpenedRequest:
    """The request with its words and proof: a sensitive read, which leaves a mark. One statement. Raises Hidden."""
    request = await seen_request(tx, request_id)
    leave_mark(
        tx,
        "person_request.read",
        subject_type="person_request",
        subject_id=request_id,
        case_id=request["case_id"],
        field_classes=("basic", "identity"),
    )
    opened = opened_for(tx, request)
    said = open_sealed(tx, request["said"], f"{SAID_CONTEXT}:{request_id}")
    return OpenedRequest(request, opened.parts, opened.allowed_steps, said, answer_of(tx, request))


def open_sealed(tx: Tx, sealed: bytes | None, context: str) -> dict[str, Any] | None:
    opened: dict[str, Any] | None = json.loads(tx.vault.cipher.open(sealed, context)) if sealed else None
    return opened


def answer_of(tx: Tx, request: asyncpg.Record) -> dict[str, Any] | None:
    return open_sealed(tx, request["answer"], f"{ANSWER_CONTEXT}:{request['id']}")


def opened_for(tx: Tx, request: asyncpg.Record) -> OpenedRequest:
    parts = parts_of(tx, request)
    return OpenedRequest(request, parts, allowed_steps(request["status"], parts, prolonged=request["prolonged"]))


async def found(tx: Tx, request_id: UUID) -> asyncpg.Record:
    """The request as it stands now. One statement."""
    request = await person_requests.find_request(tx, request_id)
    assert request is not None
    return request


def record(
    tx: Tx,
    event_type: str,
    request: asyncpg.Record,
    *,
    moved: tuple[str, str] | None = None,
    other: UUID | None = None,
) -> None:
    others: Sequence[UUID] = [request["agency_id"], request["decider_agency_id"], *([other] if other else ())]
    record_event(
        tx,
        event_type,
        subject_type="person_request",
        subject_id=request["id"],
        version=request["version"],
        case_id=request["case_id"],
        parties={"other": sorted(set(others))},
        moved=moved,
        changed=("status",),
    )


def mark(tx: Tx, verb: str, request: asyncpg.Record, **facts: object) -> None:
    leave_mark(
        tx,
        f"person_request.{verb}",
        subject_type="person_request",
        subject_id=request["id"],
        case_id=request["case_id"],
        facts=facts,
    )

"""person_request (本人请求): what a person may ask about their data, by when it is answered, who decides. Pure.

PIPL arts. 44 to 50; correction within 10 working days by art. 26 of 政务数据共享条例. The law gives the other
requests no figure: 15 working days are our own default, and are marked so. Persons have no accounts: an agency files
for them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.calendar import WorkCalendar
from rules.deadlines import Due, Period, due_at, extended
from rules.errors import Conflict, FieldError, InsufficientRole, InvalidTransition, ValidationFailed


class RequestKind(StrEnum):
    """access_log 查询记录, copy 复制, correction 更正, objection 拒绝, erasure 删除."""

    access_log = "access_log"
    copy = "copy"
    correction = "correction"
    objection = "objection"
    erasure = "erasure"


class AskedBy(StrEnum):
    person = "person"
    guardian = "guardian"
    agent = "agent"
    duty = "duty"
    """Nobody asked: the period of retention is over, and deleting is the holder's own duty (PIPL art. 47)."""


class MandateKind(StrEnum):
    guardianship = "guardianship"
    power_of_attorney = "power_of_attorney"
    court_decision = "court_decision"
    heir = "heir"
    """A close relative of somebody who has died (PIPL art. 49)."""


class ProofDocument(StrEnum):
    resident_id = "resident_id"
    hk_mo_tw = "hk_mo_tw"
    foreign_pr = "foreign_pr"
    passport = "passport"
    household_register = "household_register"
    known_in_person = "known_in_person"


class LegalReason(StrEnum):
    """Why a request is refused, or fulfilled in part only."""

    identity_not_proven = "identity_not_proven"
    mandate_not_proven = "mandate_not_proven"
    not_about_the_person = "not_about_the_person"
    retention_period = "retention_period"
    still_needed = "still_needed"
    statutory_duty = "statutory_duty"
    rights_of_others = "rights_of_others"
    secrecy_by_law = "secrecy_by_law"
    record_is_correct = "record_is_correct"
    already_answered = "already_answered"


class ExtensionReason(StrEnum):
    complex_facts = "complex_facts"
    other_agency_asked = "other_agency_asked"
    many_requests = "many_requests"


REQUEST_STATUSES = ("received", "in_review", "fulfilled", "partly_fulfilled", "refused", "withdrawn")
OPEN_STATUSES = frozenset({"received", "in_review"})

_BY_LAW: Mapping[str, Period] = {RequestKind.correction: Period(10, "working_day")}
DEFAULT_PERIOD = Period(15, "working_day")


class RequestStep(StrEnum):
    review = "review"
    extend = "extend"
    fulfil = "fulfil"
    partly_fulfil = "partly_fulfil"
    refuse = "refuse"
    withdraw = "withdraw"


@dataclass(frozen=True, slots=True)
class Move:
    """From which states a step leads where, and whose it is."""

    sources: frozenset[str]
    target: str | None
    parts: frozenset[str]


_DECIDER = frozenset({"decider"})
STEPS: Mapping[RequestStep, Move] = {
    RequestStep.review: Move(OPEN_STATUSES, "in_review", _DECIDER),
    RequestStep.extend: Move(OPEN_STATUSES, None, _DECIDER),
    RequestStep.fulfil: Move(frozenset({"in_review"}), "fulfilled", _DECIDER),
    RequestStep.partly_fulfil: Move(frozenset({"in_review"}), "partly_fulfilled", _DECIDER),
    RequestStep.refuse: Move(frozenset({"in_review"}), "refused", _DECIDER),
    RequestStep.withdraw: Move(OPEN_STATUSES, "withdrawn", frozenset({"filer", "coordinator"})),
}
"""`review` may be taken again, to hand a correction on. Without a target the state stays."""


@dataclass(frozen=True, slots=True)
class StepWords:
    """What a step brings, as far as rules look at it."""

    reason: str | None = None
    text: str | None = None
    fields: Collection[str] = ()


def period_of(kind: str) -> Period:
    return _BY_LAW.get(kind, DEFAULT_PERIOD)


def period_source(kind: str) -> str:
    """ "law" where an article gives the figure, "default" where it is ours."""
    return "law" if kind in _BY_LAW else "default"


def due_of(kind: str, received_at: datetime, calendar: WorkCalendar, *, prolonged: bool = False) -> Due:
    """When a request must be answered; prolonged once by the same period."""
    due = due_at(received_at, period_of(kind), calendar)
    if not prolonged:
        return due
    longer = extended(due.at, period_of(kind), calendar)
    return Due(longer.at, due.confirmed and longer.confirmed)


def parts_in_request(agency: object, *, filer: object, decider: object, coordinator: object) -> frozenset[str]:
    """The parts of an agency in a request: who filed it, who decides it, who coordinates its case."""
    held = {"filer": filer, "decider": decider, "coordinator": coordinator}
    return frozenset(part for part, holder in held.items() if holder == agency)


def allowed_steps(status: str, parts: Collection[str], *, prolonged: bool) -> tuple[str, ...]:
    """What an agency with these parts may do now."""
    return tuple(
        step.value
        for step, move in STEPS.items()
        if status in move.sources and move.parts.intersection(parts) and not (step is RequestStep.extend and prolonged)
    )


def next_status(step: RequestStep, status: str, parts: Collection[str], *, prolonged: bool) -> str:
    """The state after a step. Raises InsufficientRole where it is another party's, InvalidTransition, and Conflict for
    a second extension."""
    move = STEPS[step]
    if not move.parts.intersection(parts):
        raise InsufficientRole(role=" ".join(sorted(move.parts)))
    if status not in move.sources:
        raise InvalidTransition(status, allowed_steps(status, parts, prolonged=prolonged))
    if step is RequestStep.extend and prolonged:
        raise Conflict(reason="extended-before")
    return move.target or status


def check_words(kind: str, step: RequestStep, words: StepWords) -> None:
    """A refusal, in whole or in part, gives its legal reason and says it in words; an extension too.

    Raises ValidationFailed.
    """
    errors = []
    needs_reason = step in (RequestStep.refuse, RequestStep.partly_fulfil, RequestStep.extend)
    if needs_reason:
        allowed = list(ExtensionReason if step is RequestStep.extend else LegalReason)
        if words.reason is None:
            errors.append(FieldError("/reason", "required"))
        elif words.reason not in allowed:
            errors.append(FieldError("/reason", "not-allowed", {"expected": ", ".join(allowed)}))
        if words.text is None:
            errors.append(FieldError("/text", "required"))
    elif words.reason is not None:
        errors.append(FieldError("/reason", "not-in-this-step"))
    in_part = kind == RequestKind.correction and step is RequestStep.partly_fulfil
    if in_part and not words.fields:
        errors.append(FieldError("/fields", "required"))
    if words.fields and not in_part:
        errors.append(FieldError("/fields", "not-in-this-step"))
    if errors:
        raise ValidationFailed(*errors)

"""referral (转办): the state machine, who may take which step, and what each step must bring. Pure.

States are the words of HL7 FHIR Task as profiled for social-care referral; `returned` and `expired` are ours.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from rules.errors import Conflict, FieldError, InvalidTransition, ValidationFailed

Party = Literal["sender", "receiver", "pool", "coordinator", "clock"]
"""`pool`: an office that a referral was offered to; it may take it, and only then do anything else with it."""


@dataclass(frozen=True, slots=True)
class Transition:
    to_status: str
    by: tuple[Party, ...]
    event: str


_RECEIVED = Transition("requested", ("receiver",), "referral.received")
_CANCEL = Transition("cancelled", ("sender", "receiver", "coordinator"), "referral.cancelled")
_WITHDRAW = Transition("cancelled", ("sender", "coordinator"), "referral.cancelled")
_VOID_BY_SENDER = Transition("entered_in_error", ("sender",), "referral.voided")
_VOID_BY_COORDINATOR = Transition("entered_in_error", ("coordinator",), "referral.voided")
_EXPIRE = Transition("expired", ("clock",), "referral.expired")
_FAIL = Transition("failed", ("receiver",), "referral.failed")
_HOLD = Transition("on_hold", ("receiver",), "referral.held")
_RETURN = Transition("returned", ("receiver",), "referral.returned")


def _extend(status: str) -> Transition:
    return Transition(status, ("receiver",), "referral.extended")


def _dispute(status: str, *by: Party) -> Transition:
    return Transition(status, by, "referral.disputed")


TRANSITIONS: dict[str, dict[str, Transition]] = {
    "draft": {
        "send": Transition("requested", ("sender",), "referral.requested"),
        "void": _VOID_BY_SENDER,
    },
    "requested": {
        "receive": _RECEIVED,
        "accept": Transition("accepted", ("receiver", "pool"), "referral.accepted"),
        "reject": Transition("rejected", ("receiver",), "referral.rejected"),
        "return": _RETURN,
        "dispute": _dispute("requested", "receiver"),
        "cancel": _CANCEL,
        "void": _VOID_BY_SENDER,
        "expire": _EXPIRE,
    },
    "returned": {
        "resubmit": Transition("requested", ("sender",), "referral.resubmitted"),
        "dispute": _dispute("returned", "sender"),
        "cancel": _WITHDRAW,
        "void": _VOID_BY_SENDER,
        "expire": _EXPIRE,
    },
    "accepted": {
        "start": Transition("in_progress", ("receiver",), "referral.started"),
        "hold": _HOLD,
        "return": _RETURN,
        "extend": _extend("accepted"),
        "cancel": _CANCEL,
        "fail": _FAIL,
        "void": _VOID_BY_COORDINATOR,
    },
    "in_progress": {
        "hold": _HOLD,
        "complete": Transition("completed", ("receiver",), "referral.completed"),
        "fail": _FAIL,
        "extend": _extend("in_progress"),
        "cancel": _CANCEL,
        "void": _VOID_BY_COORDINATOR,
    },
    "on_hold": {
        "resume": Transition("in_progress", ("receiver",), "referral.resumed"),
        "extend": _extend("on_hold"),
        "cancel": _CANCEL,
        "fail": _FAIL,
        "expire": _EXPIRE,
        "void": _VOID_BY_COORDINATOR,
    },
    "completed": {},
    "rejected": {"dispute": _dispute("rejected", "sender")},
    "cancelled": {},
    "failed": {},
    "expired": {},
    "entered_in_error": {},
}

STATUSES = tuple(TRANSITIONS)
OPEN_STATUSES = ("requested", "returned", "accepted", "in_progress", "on_hold")
ENDED_STATUSES = ("completed", "rejected", "cancelled", "failed", "expired", "entered_in_error")
HANDED_BACK = ("rejected", "failed", "expired", "cancelled")
"""Ends that give the need back to the coordinator: a case is never without an owner."""
DISCLOSED_STATUSES = ("accepted", "in_progress", "on_hold", "completed")
"""Where a receiver may see more than the preview."""

STEPS = tuple(dict.fromkeys(step for steps in TRANSITIONS.values() for step in steps if step != "expire"))

OUTCOMES = ("met", "partly_met", "not_met", "enrolled", "not_enrolled", "waitlisted")

REASONS: dict[str, tuple[str, ...]] = {
    "return": ("missing_documents", "unclear_request", "data_contradicts", "not_competent", "outside_division"),
    "reject": ("not_competent", "outside_division", "not_eligible", "already_helped", "applicant_declined"),
    "hold": ("awaiting_applicant", "awaiting_documents", "awaiting_third_party", "waitlisted", "force_majeure"),
    "cancel": ("need_gone", "applicant_withdrew", "rerouted", "duplicate", "other"),
    "fail": ("applicant_unreachable", "applicant_declined", "not_eligible", "no_capacity", "other"),
    "extend": ("complex_facts", "awaiting_third_party", "force_majeure"),
    "dispute": ("competence", "facts", "repeated_return"),
    "void": ("wrong_person", "wrong_matter", "wrong_agency", "duplicate"),
}
"""Coded reasons of every negative or pausing step; the texts stand in the code list `referral_reason`."""

QUALIFIED_STEPS = ("accept", "start", "complete", "fail")
"""Taking on the work and ending it are for the qualified, where a matter asks for a certificate."""

HOLDS_THAT_STOP_THE_CLOCK = ("awaiting_applicant", "awaiting_documents", "awaiting_third_party", "force_majeure")
NAMES_THE_COMPETENT_BODY = ("not_competent", "outside_division")
"""Whoever says 'not mine' says whose it is (首问负责): agency kind and legal article are then required."""


@dataclass(frozen=True, slots=True)
class Position:
    """What the rules need to know of one referral to judge a step."""

    status: str
    statutory_duty: bool
    return_count: int
    extended: bool
    received: bool


_SAID_WITH: dict[str, tuple[str, ...]] = {
    "return": ("reason", "text", "missing", "competent_agency_kind", "legal_basis"),
    "reject": ("reason", "text", "competent_agency_kind", "legal_basis"),
    "complete": ("text", "outcome", "result", "assistance"),
    "extend": ("reason", "text", "approved_by"),
    **dict.fromkeys(("hold", "dispute", "cancel", "fail", "void"), ("reason", "text")),
}
"""What may be said with a step; with the steps that are not named, a text at most."""


@dataclass(frozen=True, slots=True)
class StepWords:
    """What a step brings along, as far as the rules look at it; `also` names what else came with it. `approved_by`: the
    post in the office that approved more time (经批准可延长)."""

    reason: str | None = None
    text: str | None = None
    missing: tuple[str, ...] = ()
    competent_agency_kind: str | None = None
    legal_basis: str | None = None
    approved_by: str | None = None
    outcome: str | None = None
    also: tuple[str, ...] = ()

    @property
    def given(self) -> tuple[str, ...]:
        """Names of everything that was said."""
        own = ("reason", "text", "missing", "competent_agency_kind", "legal_basis", "approved_by", "outcome")
        return (*(name for name in own if getattr(self, name)), *self.also)


def parts_in_referral(
    agency: UUID,
    below: Collection[UUID],
    *,
    sender: UUID,
    coordinator: UUID,
    receiver: UUID | None,
    status: str,
    offered: bool,
) -> frozenset[str]:
    """The parts of `agency` in a referral. A draft is its sender's alone; a pool is open until somebody accepts."""
    parts = {"sender"} if agency == sender else set()
    if status == "draft":
        return frozenset(parts)
    if agency == coordinator:
        parts.add("coordinator")
    if agency == receiver:
        parts.add("receiver")
    if offered and receiver is None and status == "requested":
        parts.add("pool")
    if coordinator in below:
        parts.add("supervisor")
    return frozenset(parts)


def allowed_steps(position: Position, parties: Iterable[str]) -> tuple[str, ...]:
    """Steps that these parties may take now, in the order of the table."""
    mine = set(parties)
    return tuple(
        step
        for step, transition in TRANSITIONS[position.status].items()
        if mine.intersection(transition.by) and not _barred(position, step)
    )


def take_step(position: Position, step: str, parties: Iterable[str]) -> Transition:
    """The transition of `step`. Raises InvalidTransition naming the current state and the allowed steps."""
    allowed = allowed_steps(position, parties)
    if step not in allowed:
        raise InvalidTransition(position.status, allowed)
    return TRANSITIONS[position.status][step]


def _barred(position: Position, step: str) -> bool:
    """Rules beyond the table: duty cannot be refused without review, and papers are returned once."""
    if step == "reject":
        return position.statutory_duty
    if step == "return":
        return position.return_count >= 1
    if step == "dispute" and position.status == "requested":
        return position.return_count == 0
    if step == "extend":
        return position.extended
    return step == "receive" and position.received


def check_words(step: str, words: StepWords) -> None:
    """Every negative or pausing step has a reason code and a text, more time whoever approved it, every completion an
    outcome. Raises ValidationFailed.
    """
    errors = [*_reason_errors(step, words), *_competence_errors(words)]
    allowed = _SAID_WITH.get(step, ("text",))
    errors += [FieldError(f"/{name}", "not-with-this-step") for name in words.given if name not in allowed]
    if step == "return" and words.reason == "missing_documents" and not words.missing:
        errors.append(FieldError("/missing", "required"))
    if step == "extend" and not words.approved_by:
        errors.append(FieldError("/approved_by", "required"))
    if step == "complete" and words.outcome not in OUTCOMES:
        errors.append(FieldError("/outcome", "required" if words.outcome is None else "not-a-known-code"))
    if errors:
        raise ValidationFailed(*errors)


def check_assigned(reason: str | None, *, assigned: bool) -> None:
    """Whose it is is settled once a conference has assigned it. Raises Conflict for a reason that says otherwise."""
    if assigned and reason in (*NAMES_THE_COMPETENT_BODY, "competence"):
        raise Conflict(reason="assigned-by-conference")


def _reason_errors(step: str, words: StepWords) -> list[FieldError]:
    if step not in REASONS:
        return []
    errors = []
    if words.reason not in REASONS[step]:
        code = "required" if words.reason is None else "not-a-known-code"
        errors.append(FieldError("/reason", code, {"allowed": ", ".join(REASONS[step])}))
    if not words.text:
        errors.append(FieldError("/text", "required"))
    return errors


def _competence_errors(words: StepWords) -> list[FieldError]:
    if words.reason not in NAMES_THE_COMPETENT_BODY:
        return []
    named = {"competent_agency_kind": words.competent_agency_kind, "legal_basis": words.legal_basis}
    return [FieldError(f"/{name}", "required") for name, value in named.items() if not value]


@dataclass(frozen=True, slots=True)
class Clocks:
    """The three dates of a referral, and whether they run."""

    acknowledge_by: datetime | None
    accept_by: datetime | None
    resolve_by: datetime | None


def running_clocks(status: str, received: bool, clocks: Clocks) -> list[tuple[str, datetime]]:
    """The clocks that run unmet in a status, with their dates, whether passed or not."""
    running: list[tuple[str, datetime | None]] = []
    if status == "requested":
        running = [("accept", clocks.accept_by), ("resolve", clocks.resolve_by)]
        if not received:
            running.insert(0, ("acknowledge", clocks.acknowledge_by))
    elif status in ("accepted", "in_progress", "on_hold"):
        running = [("resolve", clocks.resolve_by)]
    return [(name, when) for name, when in running if when is not None]


def next_due(status: str, received: bool, clocks: Clocks, overdue: Iterable[str]) -> tuple[str, datetime] | None:
    """The clock that fires next and when, leaving out those that already fired; None where no clock runs."""
    fired = set(overdue)
    due = [(when, name) for name, when in running_clocks(status, received, clocks) if name not in fired]
    if not due:
        return None
    when, name = min(due)
    return name, when


def parent_outcome(outcomes: Iterable[tuple[str, str | None]]) -> str | None:
    """Outcome of a joint referral (联合救助) from (status, outcome) of its children; None while one is open.

    met: every child met its need; not_met: none did, even in part; partly_met: anything between.
    """
    ended = list(outcomes)
    if not ended or any(status not in ENDED_STATUSES for status, _ in ended):
        return None
    counted = [outcome for status, outcome in ended if status != "entered_in_error"]
    good = sum(outcome in ("met", "enrolled") for outcome in counted)
    some = sum(outcome in ("partly_met", "waitlisted") for outcome in counted)
    if counted and good == len(counted):
        return "met"
    return "partly_met" if good or some else "not_met"

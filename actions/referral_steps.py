"""Takes one step of a referral: who may, what it must bring, what it changes, who learns of it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import UUID

import asyncpg

from actions import results
from actions.access import require_part, require_qualification
from actions.audit import leave_mark
from actions.cases import case_tag, record_joining
from actions.events import record_event
from actions.expected_adoptions import expect
from actions.referrals import announce, parts_of, record_referral_event, seen_referral, send_draft
from actions.results import AssistanceSaid, ResultSaid
from crypto.ids import new_id
from db.queries import matters, referrals
from db.queries.calendar import calendar_of
from db.queries.expected_adoptions import Sent
from db.transaction import Tx
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.escalation import STOPPED, Standing, clock_columns
from rules.matters import ClockStart, Matter
from rules.referral_clocks import (
    Dates,
    dates_after_extension,
    dates_after_pause,
    dates_after_resubmission,
    resolve_after_acceptance,
)
from rules.referrals import (
    ENDED_STATUSES,
    HANDED_BACK,
    HOLDS_THAT_STOP_THE_CLOCK,
    QUALIFIED_STEPS,
    Party,
    Position,
    StepWords,
    allowed_steps,
    check_assigned,
    check_words,
    parent_outcome,
    take_step,
)
from rules.rights import Subject

STEP_CONTEXT = "referral_step.body"


@dataclass(frozen=True, slots=True)
class StepSaid:
    """What a step brings: the words the rules judge, and for a completion the result and the help given."""

    words: StepWords
    result: ResultSaid | None = None
    assistance: tuple[AssistanceSaid, ...] = ()


@dataclass(slots=True)
class _Taking:
    """One step on its way."""

    tx: Tx
    referral: asyncpg.Record
    matter: Matter
    step: str
    to_status: str
    said: StepSaid
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def dates(self) -> Dates | None:
        row = self.referral
        if row["acknowledge_by"] is None:
            return None
        return Dates(row["acknowledge_by"], row["accept_by"], row["resolve_by"], row["due_confirmed"])

    async def set_dates(self, dates: Dates | None, *, received: bool) -> None:
        """Writes the dates, the clock that fires and the alarm that rings next under the new status."""
        if dates is None:
            self.changes |= STOPPED
            return
        row = self.referral
        standing = Standing(self.to_status, received, row["urgency"], overdue=row["overdue"], rung=row["rung"])
        self.changes |= clock_columns(dates, standing, now=self.tx.now, calendar=await calendar_of(self.tx))


@dataclass(frozen=True, slots=True)
class Taken:
    """The referral as it stands after a step, and what the acting agency may do next."""

    referral: asyncpg.Record
    allowed_steps: tuple[str, ...]


async def take_referral_step(tx: Tx, referral_id: UUID, step: str, said: StepSaid, *, version: int) -> Taken:
    """Takes `step` on a referral that stands at `version`. About ten statements.

    Raises Hidden, Conflict where another office of the pool was faster, PreconditionFailed, InvalidTransition,
    ValidationFailed.
    """
    referral = await _locked(tx, referral_id)
    if referral["version"] != version:
        raise PreconditionFailed(case_tag(referral["version"]))
    matter = await matters.find_matter(tx, referral["matter_code"])
    assert matter is not None
    if step in QUALIFIED_STEPS:
        require_qualification(tx, matter.qualification)
    transition = take_step(_position(referral, matter), step, parties_of(tx, referral))
    check_words(step, said.words)
    check_assigned(said.words.reason, assigned=referral["assigned_by"] is not None)
    taking = _Taking(tx, referral, matter, step, transition.to_status, said)
    await _EFFECTS.get(step, _end_or_move)(taking)
    moved = await _write(taking, transition.event)
    return Taken(moved, allowed_now(tx, moved, matter))


async def _locked(tx: Tx, referral_id: UUID) -> asyncpg.Record:
    referral = await referrals.lock_referral(tx, referral_id)
    if referral is not None and (parts_of(tx, referral) or not await referrals.was_offered(tx, referral_id)):
        require_part(tx, Subject.referral, parts_of(tx, referral), erased=referral["erased_at"] is not None)
        return referral
    if await referrals.was_offered(tx, referral_id):
        raise Conflict(reason="taken-by-another-office")
    await seen_referral(tx, referral_id)
    raise Hidden


def _position(referral: asyncpg.Record, matter: Matter) -> Position:
    return Position(
        status=referral["status"],
        statutory_duty=matter.statutory_duty,
        return_count=referral["return_count"],
        extended=referral["extended"],
        received=referral["received_at"] is not None,
    )


def parties_of(tx: Tx, referral: asyncpg.Record) -> list[Party]:
    """The acting agency's parts in a referral that let it take steps: whoever supervises only looks on."""
    parts = parts_of(tx, referral)
    return [party for party in get_args(Party) if party in parts]


def allowed_now(tx: Tx, referral: asyncpg.Record, matter: Matter) -> tuple[str, ...]:
    """Steps the acting agency may take now."""
    return allowed_steps(_position(referral, matter), parties_of(tx, referral))


async def _send(taking: _Taking) -> None:
    taking.changes |= await send_draft(taking.tx, taking.referral)


async def _receive(taking: _Taking) -> None:
    taking.changes["received_at"] = taking.tx.now
    await taking.set_dates(taking.dates, received=True)


async def _accept(taking: _Taking) -> None:
    """Accepting implies having received; a pooled referral is then the accepting office's own."""
    tx, referral = taking.tx, taking.referral
    taking.changes |= {
        "to_agency_id": tx.agency_id,
        "received_at": referral["received_at"] or tx.now,
        "accepted_at": tx.now,
    }
    dates = taking.dates
    if dates is not None and taking.matter.resolve_from is ClockStart.acceptance:
        clocks = await matters.clocks_for(tx, taking.matter, referral["place"])
        due = resolve_after_acceptance(clocks, accepted_at=tx.now, calendar=await calendar_of(tx))
        if due is not None:
            dates = Dates(dates.acknowledge_by, dates.accept_by, due.at, due.confirmed)
    await taking.set_dates(dates, received=True)


async def _return(taking: _Taking) -> None:
    """The clock stands while the sender completes the papers."""
    taking.changes |= {
        "received_at": taking.referral["received_at"] or taking.tx.now,
        "accepted_at": None,
        "return_count": taking.referral["return_count"] + 1,
        "clock_stopped_at": taking.tx.now,
        **STOPPED,
    }


async def _hold(taking: _Taking) -> None:
    stops = taking.said.words.reason in HOLDS_THAT_STOP_THE_CLOCK
    if stops:
        taking.changes |= {"clock_stopped_at": taking.tx.now, **STOPPED}
    else:
        await taking.set_dates(taking.dates, received=True)


async def _go_on(taking: _Taking) -> None:
    """Resubmitting and resuming move every date by the working days on which the clock stood."""
    tx, referral = taking.tx, taking.referral
    dates, stopped = taking.dates, referral["clock_stopped_at"]
    if dates is not None and stopped is not None:
        calendar = await calendar_of(tx)
        dates = dates_after_pause(dates, paused_from=stopped, now=tx.now, calendar=calendar)
        if taking.step == "resubmit":
            clocks = await matters.clocks_for(tx, taking.matter, referral["place"])
            dates = dates_after_resubmission(dates, clocks, now=tx.now, calendar=calendar)
    taking.changes["clock_stopped_at"] = None
    if taking.to_status == "in_progress":
        taking.changes["started_at"] = referral["started_at"] or tx.now
    await taking.set_dates(dates, received=True)


async def _start(taking: _Taking) -> None:
    taking.changes["started_at"] = taking.referral["started_at"] or taking.tx.now
    await taking.set_dates(taking.dates, received=True)


async def _extend(taking: _Taking) -> None:
    """Prolongs the work once, by what the list allows and somebody in the office approved; the sender is told."""
    clocks = await matters.clocks_for(taking.tx, taking.matter, taking.referral["place"])
    dates = taking.dates
    if clocks.extension is None or dates is None or dates.resolve_by is None:
        raise Conflict(reason="no-extension-for-this-matter")
    taking.changes["extended"] = True
    calendar = await calendar_of(taking.tx)
    await taking.set_dates(dates_after_extension(dates, clocks.extension, calendar), received=True)
    if taking.referral["clock_stopped_at"] is not None:
        taking.changes |= STOPPED  # more time sets nothing going


async def _complete(taking: _Taking) -> None:
    await _end_or_move(taking)
    taking.changes["outcome"] = taking.said.words.outcome


async def _end_or_move(taking: _Taking) -> None:
    """Cancelling, rejecting, failing, voiding end the clocks; a dispute leaves them as they are."""
    if taking.to_status in ENDED_STATUSES and taking.to_status != taking.referral["status"]:
        taking.changes |= {"ended_at": taking.tx.now, **STOPPED}


_EFFECTS: Mapping[str, Callable[[_Taking], Awaitable[None]]] = {
    "send": _send,
    "receive": _receive,
    "accept": _accept,
    "return": _return,
    "resubmit": _go_on,
    "hold": _hold,
    "resume": _go_on,
    "start": _start,
    "extend": _extend,
    "complete": _complete,
}


async def _write(taking: _Taking, event: str) -> asyncpg.Record:
    tx, referral, step = taking.tx, taking.referral, taking.step
    await referrals.update_referral(tx, referral["id"], {"status": taking.to_status, **taking.changes})
    await referrals.insert_step(tx, _step_row(taking))
    pool = await _pool_to_tell(taking)
    moved = await (announce(tx, referral["id"], pool) if step == "send" else _tell(taking, event, pool))
    leave_mark(
        tx,
        f"referral.{step}",
        subject_type="referral",
        subject_id=referral["id"],
        case_id=referral["case_id"],
        facts={"from": referral["status"], "to": taking.to_status, "reason": taking.said.words.reason},
    )
    return moved


def _step_row(taking: _Taking) -> dict[str, Any]:
    """What was said is sealed whole; earlier dates are kept where the step moved them."""
    step_id = new_id()
    words = taking.said.words
    body = {
        "text": words.text,
        "missing": words.missing,
        "competent_agency_kind": words.competent_agency_kind,
        "legal_basis": words.legal_basis,
        "approved_by": words.approved_by,
        "outcome": words.outcome,
    }
    moved = {
        name: {"from": _iso(taking.referral[name]), "to": _iso(taking.changes[name])}
        for name in ("acknowledge_by", "accept_by", "resolve_by")
        if name in taking.changes and taking.changes[name] != taking.referral[name]
    }
    said = any(body.values())
    return {
        "id": step_id,
        "referral_id": taking.referral["id"],
        "step": taking.step,
        "from_status": taking.referral["status"],
        "to_status": taking.to_status,
        "reason": words.reason,
        "body": taking.tx.vault.cipher.seal(json.dumps(body), f"{STEP_CONTEXT}:{step_id}") if said else None,
        "deadlines": moved,
    }


def _iso(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()


async def _pool_to_tell(taking: _Taking) -> list[UUID]:
    """The other offices of the pool learn that it is taken or gone; whoever sends a draft offers it."""
    referral, tx = taking.referral, taking.tx
    if not referral["pooled"] or referral["to_agency_id"] is not None:
        return []
    if taking.step == "send":
        competent = await matters.competent_agencies(tx, referral["matter_code"], referral["place"])
        pool = [agency for agency in competent if agency != tx.agency_id]
        if not pool:
            raise ValidationFailed(FieldError("/to_agency", "no-competent-agency"))
        await referrals.offer(tx, referral["id"], pool)
        return pool
    if taking.to_status in ("accepted", *ENDED_STATUSES):
        return await referrals.pool_of(tx, referral["id"])
    return []


async def _tell(taking: _Taking, event: str, pool: list[UUID]) -> asyncpg.Record:
    """Tells the case, the parties, the pool and the parent what the step did; returns the referral as it now stands."""
    tx, before = taking.tx, taking.referral
    if taking.step == "accept":
        await _join(tx, before)
        await expect(tx, Sent(referral=before["id"], recognitions=taking.matter.relies_on), taking.matter.adopt)
    noted = await referrals.note_on_case(tx, before["id"], task_id=new_id(), task_kind=_task(taking))
    after = await referrals.find_referral(tx, before["id"])
    assert after is not None
    record_referral_event(tx, event, after, moved=(before["status"], taking.to_status), pool=pool)
    if taking.step == "complete":
        await results.share(tx, after, taking.matter, result=taking.said.result, assistance=taking.said.assistance)
    if noted.receiver_left:
        record_joining(tx, after["case_id"], after["to_agency_id"], noted.case_version, event="participant.left")
    _tell_participants(tx, after["case_id"], noted.case_version)
    if before["part_of"] is not None and taking.to_status in ENDED_STATUSES:
        await _complete_parent(tx, before["part_of"], before["case_id"])
    return after


def _task(taking: _Taking) -> str | None:
    """What the coordinator has to decide after this step."""
    if taking.step == "dispute":
        return "dispute"
    return "reroute" if taking.to_status in HANDED_BACK else None


async def _join(tx: Tx, referral: asyncpg.Record) -> None:
    """Whoever accepts takes part in the case from now on."""
    case_id = referral["case_id"]
    if await tx.value("SELECT join_case($1, $2, $3, 'receiver')", new_id(), case_id, tx.agency_id):
        record_joining(tx, case_id, tx.agency_id, referral["version"])


def _tell_participants(tx: Tx, case_id: UUID, version: int) -> None:
    """Participants who may not see the referral learn that the case's needs changed."""
    record_event(
        tx,
        "case.updated",
        subject_type="case",
        subject_id=case_id,
        version=version,
        case_id=case_id,
        changed=("needs",),
    )


async def _complete_parent(tx: Tx, parent_id: UUID, case_id: UUID) -> None:
    """A joint referral completes by rule when the last of its children ends, whoever ended that."""
    outcome = parent_outcome(await referrals.children_of(tx, parent_id))
    completed = None if outcome is None else await referrals.complete_joint(tx, parent_id, outcome)
    if completed is None:
        return
    record_event(
        tx,
        "referral.completed",
        subject_type="referral",
        subject_id=parent_id,
        version=completed["referral_version"],
        case_id=case_id,
        parties={"sender": completed["coordinator"]},
        moved=("in_progress", "completed"),
        changed=("status",),
    )
    leave_mark(
        tx,
        "referral.complete",
        subject_type="referral",
        subject_id=parent_id,
        case_id=case_id,
        facts={"by": "rule", "outcome": outcome},
    )

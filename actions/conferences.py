"""Joint conferences (联席会议): founded by a union, with members, and sessions whose agenda is drafted when they are
called."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag
from actions.events import record_event
from crypto.ids import new_id
from db.queries import agencies, agenda_items, conferences
from db.queries.calendar import calendar_of
from db.queries.conferences import ConferenceRules, NewSession
from db.transaction import Tx
from rules.conferences import (
    SessionStep,
    check_notice,
    check_session_words,
    parts_in_conference,
    session_steps,
    take_session_step,
)
from rules.errors import Conflict, FieldError, Hidden, PreconditionFailed, ValidationFailed
from rules.papers import check_paper
from rules.rights import Subject

MOST_DRAFTED = 200
"""Items of a drafted agenda; what stands still beyond them comes before the next session."""


@dataclass(frozen=True, slots=True)
class SessionSaid:
    """What a step of a session brings."""

    attended: tuple[UUID, ...] = ()
    minutes: str | None = None


async def found(tx: Tx, division_code: str, rules: ConferenceRules) -> UUID:
    """Founds a conference that the acting union convenes; its id. Three statements.

    Raises Conflict for whoever is no union, ValidationFailed for members that are no active agencies, a quorum that
    cannot be reached.
    """
    if tx.rights.agency_kind != "union":
        raise Conflict(reason="only-unions-convene")
    conference_id = new_id()
    rules = await _checked(tx, rules)
    await conferences.insert_conference(tx, conference_id, division_code, rules)
    _tell(tx, "conference.founded", ("conference", conference_id, 1), members=rules.member_ids)
    _mark(tx, "conference.found", "conference", conference_id)
    return conference_id


async def change(tx: Tx, conference_id: UUID, rules: ConferenceRules, *, version: int) -> None:
    """Gives a conference other members or rules; sessions that are called keep whom they were called with. Five
    statements. Raises Hidden, InsufficientRole, PreconditionFailed, ValidationFailed."""
    await seen_conference(tx, conference_id)
    conference = await conferences.lock_conference(tx, conference_id)
    assert conference is not None
    if conference["version"] != version:
        raise PreconditionFailed(case_tag(conference["version"]))
    rules = await _checked(tx, rules)
    await conferences.change_conference(tx, conference_id, rules)
    told = {*conference["member_ids"], *rules.member_ids}
    _tell(tx, "conference.changed", ("conference", conference_id, version + 1), members=told)
    _mark(tx, "conference.change", "conference", conference_id)


async def _checked(tx: Tx, rules: ConferenceRules) -> ConferenceRules:
    """The rules with the convener among the members."""
    members = list(dict.fromkeys((tx.agency_id, *rules.member_ids)))
    active = await agencies.active_among(tx, members)
    errors = []
    if len(active) < len(members):
        errors.append(FieldError("/members", "unknown-agency"))
    if not 1 <= rules.quorum <= len(members):
        errors.append(FieldError("/quorum", "more-than-members"))
    if errors:
        raise ValidationFailed(*errors)
    return rules._replace(member_ids=members)


async def seen_conference(tx: Tx, conference_id: UUID) -> asyncpg.Record:
    """The conference. Raises Hidden where the acting agency is no member. One statement."""
    conference = await conferences.find_conference(tx, conference_id)
    if conference is None:
        raise Hidden
    require_part(tx, Subject.conference, parts_of(tx, conference["agency_id"], conference["member_ids"]))
    return conference


def parts_of(tx: Tx, convener: UUID, members: Collection[UUID]) -> frozenset[str]:
    """The acting agency's parts in a conference."""
    return parts_in_conference(tx.agency_id, convener=convener, members=members)


async def call_session(tx: Tx, conference_id: UUID, *, kind: str, starts_at: datetime, venue: str) -> UUID:
    """Calls the members together and drafts the agenda; the session's id. About eight statements.

    Raises Hidden, InsufficientRole, ValidationFailed where the notice is too short.
    """
    conference = await seen_conference(tx, conference_id)
    await conferences.lock_conference(tx, conference_id)
    check_notice(
        kind,
        starts_at,
        now=tx.now,
        notice_working_days=conference["notice_working_days"],
        calendar=await calendar_of(tx),
    )
    members = conference["member_ids"]
    session_id = new_id()
    await conferences.insert_session(tx, NewSession(session_id, conference_id, kind, starts_at, venue, members))
    drafted = await agenda_items.draft(tx, session_id, conference_id, [new_id() for _ in range(MOST_DRAFTED)])
    _tell(tx, "conference.session_called", ("conference_session", session_id, 1), members=members)
    _mark(tx, "conference.call_session", "conference_session", session_id, items=drafted)
    return session_id


async def seen_session(tx: Tx, session_id: UUID) -> asyncpg.Record:
    """The session with convener and members of its conference. Raises Hidden. One statement."""
    session = await conferences.find_session(tx, session_id)
    if session is None:
        raise Hidden
    require_part(tx, Subject.conference, parts_of(tx, session["convener_id"], session["member_ids"]))
    return session


def steps_of(tx: Tx, session: asyncpg.Record) -> tuple[str, ...]:
    """What the acting agency may do with the session now."""
    return session_steps(session["status"], parts_of(tx, session["convener_id"], session["member_ids"]))


async def take_step_of_session(tx: Tx, session_id: UUID, step: str, said: SessionSaid, *, version: int) -> None:
    """Opens a session with those who came, closes it with its minutes, or cancels it and says why: what it left open
    then comes before the next one. Five to six statements.

    Raises Hidden, InsufficientRole, PreconditionFailed, InvalidTransition, ValidationFailed, Conflict without a quorum
    and while an item is open.
    """
    await seen_session(tx, session_id)
    session = await conferences.lock_session(tx, session_id)
    assert session is not None
    if session["version"] != version:
        raise PreconditionFailed(case_tag(session["version"]))
    status = take_session_step(session["status"], step, parts_of(tx, session["convener_id"], session["member_ids"]))
    check_paper("/minutes", said.minutes)
    check_session_words(
        step,
        attended=said.attended,
        members=session["invited_ids"],
        quorum=session["quorum"],
        minutes=said.minutes,
        open_items=session["open_items"],
    )
    attended = list(dict.fromkeys(said.attended)) or None
    await conferences.move_session(tx, session_id, status, attended=attended, minutes=said.minutes)
    if step == SessionStep.cancel:
        await agenda_items.put_off(tx, session_id)
    verb = {"open": "opened", "close": "closed", "cancel": "cancelled"}[step]
    event = f"conference.session_{verb}"
    moved = (session["status"], status.value)
    subject = ("conference_session", session_id, version + 1)
    _tell(tx, event, subject, members=session["invited_ids"], moved=moved)
    _mark(tx, f"conference.{step}_session", "conference_session", session_id)


def _tell(
    tx: Tx,
    event: str,
    subject: tuple[str, UUID, int],
    *,
    members: Collection[UUID],
    moved: tuple[str, str] | None = None,
) -> None:
    record_event(
        tx,
        event,
        subject_type=subject[0],
        subject_id=subject[1],
        version=subject[2],
        case_id=None,
        parties={"other": others(tx, members)},
        moved=moved,
        changed=("status",) if moved else (),
    )


def others(tx: Tx, members: Collection[UUID]) -> Sequence[UUID]:
    """The members but the acting agency: it is told as who acted."""
    return [member for member in members if member != tx.agency_id]


def _mark(tx: Tx, action: str, subject_type: str, subject_id: UUID, **facts: object) -> None:
    leave_mark(tx, action, subject_type=subject_type, subject_id=subject_id, case_id=None, facts=facts)

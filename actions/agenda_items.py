"""What is before a session: items that members raise, opinions they are asked for, and decisions, which bind referrals
and become tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import case_tag
from actions.conferences import others, parts_of, seen_session
from actions.events import record_event
from actions.referrals import seen_referral
from crypto.ids import new_id
from db.queries import agenda_items, matters
from db.queries.agenda_items import NewTask, RaisedItem
from db.queries.calendar import calendar_of
from db.transaction import Tx
from rules.conferences import (
    ITEM_RESULTS,
    ItemKind,
    ItemStep,
    SessionStatus,
    check_item_words,
    item_steps,
)
from rules.deadlines import Period, due_at, end_of_day, shanghai_day
from rules.errors import Conflict, FieldError, Hidden, InvalidTransition, PreconditionFailed, ValidationFailed
from rules.papers import check_paper
from rules.rights import Subject


@dataclass(frozen=True, slots=True)
class TaskSaid:
    owner: UUID
    text: str
    due_on: date


@dataclass(frozen=True, slots=True)
class ItemSaid:
    """What ends an item: a decision with its text, whose a referral is and who helps, and the tasks that follow; or why
    it is put off or taken back."""

    text: str | None = None
    lead: UUID | None = None
    support: tuple[UUID, ...] = ()
    tasks: tuple[TaskSaid, ...] = ()


async def raise_item(
    tx: Tx, session_id: UUID, *, title: str | None, referral_id: UUID | None, matter: str | None
) -> UUID:
    """Puts a question of the acting member on the agenda; its id. A referral must be one it sees. Six statements.

    Raises Hidden, ValidationFailed, Conflict where the session takes no items any more or the referral is before one
    already.
    """
    session = await seen_session(tx, session_id)
    await agenda_items.lock_agenda(tx, session_id)
    if session["status"] not in (SessionStatus.called, SessionStatus.in_session):
        raise Conflict(reason="session-is-over")
    check_paper("/title", title)
    if title is None and referral_id is None:
        raise ValidationFailed(FieldError("/title", "required"))
    if matter is not None and await matters.find_matter(tx, matter) is None:
        raise ValidationFailed(FieldError("/matter", "unknown-matter"))
    if referral_id is not None:
        await _check_referral(tx, referral_id)
    item_id = new_id()
    kind = ItemKind.raised
    await agenda_items.raise_item(tx, RaisedItem(item_id, session_id, kind, title, referral_id, matter))
    _tell(tx, "conference.item_raised", item_id, 1, told=others(tx, session["member_ids"]))
    _mark(tx, "conference.raise_item", item_id, session_id=str(session_id))
    return item_id


async def _check_referral(tx: Tx, referral_id: UUID) -> None:
    try:
        await seen_referral(tx, referral_id)
    except Hidden:
        raise ValidationFailed(FieldError("/referral", "unknown-referral")) from None
    if await agenda_items.is_before_a_session(tx, referral_id):
        raise Conflict(reason="before-a-session")


async def seen_item(tx: Tx, item_id: UUID) -> asyncpg.Record:
    """The item. Raises Hidden where the acting agency is no member of its conference. One statement."""
    item = await agenda_items.find_item(tx, item_id)
    if item is None:
        raise Hidden
    require_part(tx, Subject.conference, _parts(tx, item))
    return item


def _parts(tx: Tx, item: asyncpg.Record) -> frozenset[str]:
    return parts_of(tx, item["convener_id"], item["member_ids"])


def steps_of(tx: Tx, item: asyncpg.Record) -> tuple[str, ...]:
    """What the acting agency may do with the item now."""
    own = item["raised_by_agency_id"] == tx.agency_id
    return item_steps(item["status"], item["session_status"], _parts(tx, item), own=own)


async def ask_opinions(tx: Tx, item_id: UUID, agencies: Sequence[UUID], *, reply_on: date | None) -> None:
    """Asks members what they think of an item, by a day or within the conference's own period; who was asked before is
    not asked again. Four statements. Raises Hidden, InsufficientRole, InvalidTransition, ValidationFailed."""
    item = await seen_item(tx, item_id)
    if not steps_of(tx, item):
        raise InvalidTransition(item["status"], ())
    errors = [
        FieldError(f"/agencies/{at}", "not-a-member")
        for at, agency in enumerate(agencies)
        if agency not in item["member_ids"]
    ]
    calendar = await calendar_of(tx)
    due = due_at(tx.now, Period(item["reply_working_days"], "working_day"), calendar)
    reply_by, confirmed = due.at, due.confirmed
    if reply_on is not None:
        today = shanghai_day(tx.now)
        reply_by, confirmed = end_of_day(reply_on), calendar.confirmed_through(today, reply_on)
        errors += [FieldError("/reply_on", "in-the-past")] if reply_on <= today else []
    if errors:
        raise ValidationFailed(*errors)
    asked = await agenda_items.ask_opinions(
        tx, item, list(dict.fromkeys(agencies)), reply_by=reply_by, confirmed=confirmed
    )
    if asked:
        _tell(tx, "conference.opinion_asked", item_id, item["version"], told=others(tx, asked))
    _mark(tx, "conference.ask_opinions", item_id, asked=len(asked))


async def give_opinion(tx: Tx, item_id: UUID, *, stance: str, text: str | None) -> None:
    """Says what the acting member thinks of an item it was asked about, once. Four statements. Raises Hidden, Conflict
    where it was not asked or has answered."""
    item = await seen_item(tx, item_id)
    check_paper("/text", text)
    if not await agenda_items.give_opinion(tx, item_id, stance=stance, text=text):
        raise Conflict(reason="no-opinion-to-give")
    _tell(tx, "conference.opinion_given", item_id, item["version"], told=others(tx, [item["convener_id"]]))
    _mark(tx, "conference.give_opinion", item_id, stance=stance)


async def take_step_of_item(tx: Tx, item_id: UUID, step: str, said: ItemSaid, *, version: int) -> None:
    """Decides an item, puts it off, or takes it back. Five to eight statements.

    A decision about a referral names whose it is: if that office has it, the referral is bound to it, else the
    coordinator gets the task to refer it there. Raises Hidden, PreconditionFailed, InvalidTransition, ValidationFailed.
    """
    seen = await seen_item(tx, item_id)
    item = await agenda_items.lock_item(tx, item_id)
    if item is None:
        raise InvalidTransition(seen["status"], ())
    if item["version"] != version:
        raise PreconditionFailed(case_tag(item["version"]))
    allowed = steps_of(tx, item)
    if step not in allowed:
        raise InvalidTransition(item["status"], allowed)
    _check(item, step, said, today=shanghai_day(tx.now))
    if step == ItemStep.decide and item["referral_id"] is not None and said.lead is not None:
        await _assign(tx, item, said.lead)
    result = ITEM_RESULTS[step]
    await agenda_items.settle_item(tx, item_id, result, text=said.text or "", lead=said.lead, support=said.support)
    await _open_tasks(tx, item, said.tasks)
    moved = (item["status"], result.value)
    _tell(tx, f"conference.item_{result}", item_id, version + 1, told=others(tx, item["member_ids"]), moved=moved)
    _mark(tx, f"conference.{step}_item", item_id, lead=said.lead and str(said.lead), tasks=len(said.tasks))


def _check(item: asyncpg.Record, step: str, said: ItemSaid, *, today: date) -> None:
    words = {
        "text": said.text,
        "lead": said.lead,
        "support": said.support,
        "tasks": [{"owner": task.owner} for task in said.tasks],
    }
    of_a_referral, members = item["referral_id"] is not None, item["member_ids"]
    check_item_words(step, words, is_of_a_referral=of_a_referral, members=members, attended=item["attended_ids"])
    check_paper("/text", said.text)
    for at, task in enumerate(said.tasks):
        check_paper(f"/tasks/{at}/text", task.text)
        if task.due_on <= today:
            raise ValidationFailed(FieldError(f"/tasks/{at}/due_on", "in-the-past"))


async def _assign(tx: Tx, item: asyncpg.Record, lead: UUID) -> None:
    """The case learns whose its referral is: who sees the referral is told, the acting agency sees nothing of it."""
    assigned = await agenda_items.assign(tx, item["id"], lead, new_id())
    record_event(
        tx,
        "referral.assigned",
        subject_type="referral",
        subject_id=item["referral_id"],
        version=assigned["referral_version"],
        case_id=assigned["case_id"],
        parties={"sender": assigned["sender"], "addressee": assigned["addressee"]},
        changed=("assignment",),
    )
    leave_mark(
        tx,
        "referral.assign",
        subject_type="referral",
        subject_id=item["referral_id"],
        case_id=assigned["case_id"],
        facts={"lead": str(lead), "bound": assigned["bound"]},
    )


async def _open_tasks(tx: Tx, item: asyncpg.Record, said: Sequence[TaskSaid]) -> None:
    tasks = [NewTask(new_id(), task.owner, task.text, end_of_day(task.due_on)) for task in said]
    if not tasks:
        return
    await agenda_items.insert_tasks(tx, item, tasks)
    for task in tasks:
        record_event(
            tx,
            "conference.task_assigned",
            subject_type="conference_task",
            subject_id=task.id,
            version=1,
            case_id=None,
            parties={"other": others(tx, [task.agency_id])},
            changed=("status",),
        )


def _tell(
    tx: Tx,
    event: str,
    item_id: UUID,
    version: int,
    *,
    told: Sequence[UUID],
    moved: tuple[str, str] | None = None,
) -> None:
    record_event(
        tx,
        event,
        subject_type="agenda_item",
        subject_id=item_id,
        version=version,
        case_id=None,
        parties={"other": told},
        moved=moved,
        changed=("status",) if moved else (),
    )


def _mark(tx: Tx, action: str, item_id: UUID, **facts: object) -> None:
    leave_mark(tx, action, subject_type="agenda_item", subject_id=item_id, case_id=None, facts=facts)

"""conference (联席会议): sessions, what may happen to an agenda item and to a task, what a decision must bring. Pure.

Periods are our own default; each conference may set its own. Texts are papers of offices, read by every member: they
name no person, and what looks like an identity number or a phone is refused.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from rules.calendar import WorkCalendar
from rules.deadlines import shanghai_day
from rules.errors import Conflict, FieldError, InvalidTransition, ValidationFailed


class SessionKind(StrEnum):
    regular = "regular"
    special = "special"


class SessionStatus(StrEnum):
    called = "called"
    in_session = "in_session"
    closed = "closed"
    cancelled = "cancelled"


class SessionStep(StrEnum):
    open = "open"
    close = "close"
    cancel = "cancel"


SESSION_STEPS: Final[Mapping[str, Mapping[str, SessionStatus]]] = {
    SessionStatus.called: {
        SessionStep.open: SessionStatus.in_session,
        SessionStep.cancel: SessionStatus.cancelled,
    },
    SessionStatus.in_session: {SessionStep.close: SessionStatus.closed},
    SessionStatus.closed: {},
    SessionStatus.cancelled: {},
}


class ItemKind(StrEnum):
    """Why it is on the agenda: a referral that is late beyond every other level, or disputed; a matter that is asked
    for ever more often; or a member raised it."""

    overdue = "overdue"
    disputed = "disputed"
    hot_issue = "hot_issue"
    raised = "raised"


class ItemStatus(StrEnum):
    open = "open"
    decided = "decided"
    deferred = "deferred"
    withdrawn = "withdrawn"


class ItemStep(StrEnum):
    decide = "decide"
    defer = "defer"
    withdraw = "withdraw"


ITEM_RESULTS: Final[Mapping[str, ItemStatus]] = {
    ItemStep.decide: ItemStatus.decided,
    ItemStep.defer: ItemStatus.deferred,
    ItemStep.withdraw: ItemStatus.withdrawn,
}


class Stance(StrEnum):
    """Where a member stands on an item it was asked about."""

    agrees = "agrees"
    agrees_in_part = "agrees_in_part"
    disagrees = "disagrees"
    not_concerned = "not_concerned"


class TaskStatus(StrEnum):
    open = "open"
    in_progress = "in_progress"
    done = "done"
    overdue = "overdue"


class TaskStep(StrEnum):
    start = "start"
    finish = "finish"
    confirm = "confirm"


class Effect(StrEnum):
    """What became visible on the cases of a task that is done, in the convener's judgement."""

    seen = "seen"
    seen_in_part = "seen_in_part"
    not_seen = "not_seen"


TASK_STEPS: Final[Mapping[str, tuple[TaskStep, ...]]] = {
    TaskStatus.open: (TaskStep.start, TaskStep.finish),
    TaskStatus.in_progress: (TaskStep.finish,),
    TaskStatus.overdue: (TaskStep.finish,),
    TaskStatus.done: (TaskStep.confirm,),
}
"""`start` and `finish` are the owner's, `confirm` is the convener's."""

SPECIAL_NOTICE: Final = timedelta(hours=1)
"""How long before it a special session is called at least: it meets within two days of what happened."""


def parts_in_conference(agency: object, *, convener: object, members: Collection[object]) -> frozenset[str]:
    """The parts of `agency`: `convener`, `member`. The convener is a member as well."""
    if agency == convener:
        return frozenset({"convener", "member"})
    return frozenset({"member"}) if agency in members else frozenset()


def check_notice(
    kind: str, starts_at: datetime, *, now: datetime, notice_working_days: int, calendar: WorkCalendar
) -> None:
    """A regular session is called the agreed number of working days ahead, the day of the session not counted. Raises
    ValidationFailed."""
    if kind == SessionKind.special:
        soon_enough = starts_at >= now + SPECIAL_NOTICE
    else:
        today, day = shanghai_day(now), shanghai_day(starts_at)
        soon_enough = day > today and calendar.workdays_between(today, day - timedelta(days=1)) >= notice_working_days
    if not soon_enough:
        raise ValidationFailed(FieldError("/starts_at", "notice-too-short"))


def session_steps(status: str, parts: Collection[str]) -> tuple[str, ...]:
    return tuple(SESSION_STEPS[status]) if "convener" in parts else ()


def take_session_step(status: str, step: str, parts: Collection[str]) -> SessionStatus:
    """The status after it. Raises InvalidTransition."""
    allowed = session_steps(status, parts)
    if step not in allowed:
        raise InvalidTransition(status, allowed)
    return SESSION_STEPS[status][step]


def check_session_words(
    step: str,
    *,
    attended: Collection[object] | None,
    members: Collection[object],
    quorum: int,
    minutes: str | None,
    open_items: int,
) -> None:
    """Opening says who is there, closing what was said, cancelling why. Raises ValidationFailed, Conflict
    without a quorum and while an item is neither decided nor put off."""
    expected = "attended" if step == SessionStep.open else "minutes"
    given = {"attended": attended, "minutes": minutes}
    errors = [FieldError(f"/{name}", "not-with-this-step") for name, said in given.items() if said and name != expected]
    if not given[expected]:
        errors.append(FieldError(f"/{expected}", "required"))
    if attended and not set(attended) <= set(members):
        errors.append(FieldError("/attended", "not-a-member"))
    if errors:
        raise ValidationFailed(*errors)
    if step == SessionStep.open and len(set(attended or ())) < quorum:
        raise Conflict(reason="no-quorum")
    if step == SessionStep.close and open_items:
        raise Conflict(reason="items-open")


def item_steps(status: str, session_status: str, parts: Collection[str], *, own: bool) -> tuple[str, ...]:
    """What the convener may do, and who raised the item: it may be withdrawn until it is decided, the rest needs a
    session."""
    if status != ItemStatus.open or session_status not in (SessionStatus.called, SessionStatus.in_session):
        return ()
    decided = (ItemStep.decide, ItemStep.defer) if session_status == SessionStatus.in_session else ()
    return (*(decided if "convener" in parts else ()), *((ItemStep.withdraw,) if own or "convener" in parts else ()))


def check_item_words(
    step: str,
    words: Mapping[str, Any],
    *,
    is_of_a_referral: bool,
    members: Collection[object],
    attended: Collection[object],
) -> None:
    """A decision brings its text, and of a referral whose it is (`lead`): an office that was there, since none is bound
    in its absence; a task, an owner among the members. Raises ValidationFailed."""
    errors = []
    if not words.get("text"):
        errors.append(FieldError("/text", "required"))
    lead, tasks = words.get("lead"), words.get("tasks") or ()
    if step != ItemStep.decide:
        errors += [
            FieldError(f"/{name}", "not-with-this-step") for name in ("lead", "support", "tasks") if words.get(name)
        ]
    elif is_of_a_referral and lead is None:
        errors.append(FieldError("/lead", "required"))
    elif is_of_a_referral and lead in members and lead not in attended:
        errors.append(FieldError("/lead", "was-not-there"))
    named = [("/lead", lead), *((f"/tasks/{at}/owner", task["owner"]) for at, task in enumerate(tasks))]
    named += [(f"/support/{at}", office) for at, office in enumerate(words.get("support") or ())]
    errors += [FieldError(at, "not-a-member") for at, office in named if office is not None and office not in members]
    if errors:
        raise ValidationFailed(*errors)


def task_steps(status: str, effect: str | None, *, owner: bool, convener: bool) -> tuple[str, ...]:
    """What may be done now. An effect once seen is not judged again; one that was not, is."""
    steps = TASK_STEPS[status]
    if effect == Effect.seen:
        return ()
    return tuple(step for step in steps if (convener if step is TaskStep.confirm else owner))


def check_task_step(step: str, allowed: Collection[str], status: str, *, text: str | None, effect: str | None) -> None:
    """Finishing says what was done, confirming what became of it. Raises InvalidTransition, ValidationFailed."""
    if step not in allowed:
        raise InvalidTransition(status, tuple(allowed))
    errors = []
    if step == TaskStep.finish and not text:
        errors.append(FieldError("/text", "required"))
    if (step == TaskStep.confirm) != (effect is not None):
        errors.append(FieldError("/effect", "required" if effect is None else "not-with-this-step"))
    if errors:
        raise ValidationFailed(*errors)

"""share_request (数据共享申请): one agency asks another for items of its catalogue, under the clocks of the regulation
on sharing government data (政务数据共享条例, State Council order 809, arts. 13 to 28). Pure.

An item shared without conditions is answered within one working day, one with conditions within ten, ten more with the
data authority's approval. What is incomplete is supplemented once, not refused; a refusal gives reasons; what was
agreed is delivered within twenty working days; what is wrong is corrected within ten. When the purpose ends, what was
received is disposed of, with a certificate.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from rules.calendar import WorkCalendar
from rules.deadlines import Due, Period, due_at, shanghai_day
from rules.errors import Conflict, FieldError, InvalidTransition, ValidationFailed


class ShareType(StrEnum):
    unconditional = "unconditional"
    conditional = "conditional"
    not_shared = "not_shared"


class ShareMode(StrEnum):
    api = "api"
    batch = "batch"
    file = "file"


class ShareStatus(StrEnum):
    requested = "requested"
    supplement_asked = "supplement_asked"
    agreed = "agreed"
    refused = "refused"
    delivered = "delivered"
    correcting = "correcting"
    disposed = "disposed"
    withdrawn = "withdrawn"


class ShareStep(StrEnum):
    """`escalate` takes a dispute to the next level; it leaves status and clocks as they are."""

    ask_supplement = "ask_supplement"
    supplement = "supplement"
    extend = "extend"
    agree = "agree"
    refuse = "refuse"
    deliver = "deliver"
    ask_correction = "ask_correction"
    correct = "correct"
    dispose = "dispose"
    escalate = "escalate"
    withdraw = "withdraw"


class ShareRefusal(StrEnum):
    """Why not: the lawful reasons. That papers are missing is none of them."""

    not_held = "not_held"
    purpose_outside_conditions = "purpose_outside_conditions"
    scope_too_wide = "scope_too_wide"
    not_shared_by_law = "not_shared_by_law"
    no_duty_of_asker = "no_duty_of_asker"


class DisputeLevel(StrEnum):
    """Talk between the two, then the data authority of their level, then the government above both (art. 28)."""

    talk = "talk"
    authority = "authority"
    government = "government"


REPLY: Final[Mapping[str, int]] = {ShareType.unconditional: 1, ShareType.conditional: 10}
EXTENSION: Final = 10
DELIVER: Final = 20
CORRECT: Final = 10
"""Working days."""

CLOCKS: Final[Mapping[str, str]] = {
    ShareStatus.requested: "reply",
    ShareStatus.agreed: "deliver",
    ShareStatus.correcting: "correct",
}
"""What is due in a status; in the others nothing is."""

_ASKER, _PROVIDER = "asker", "provider"
_STEPS: Final[Mapping[str, Mapping[ShareStep, tuple[str, ShareStatus]]]] = {
    ShareStatus.requested: {
        ShareStep.ask_supplement: (_PROVIDER, ShareStatus.supplement_asked),
        ShareStep.extend: (_PROVIDER, ShareStatus.requested),
        ShareStep.agree: (_PROVIDER, ShareStatus.agreed),
        ShareStep.refuse: (_PROVIDER, ShareStatus.refused),
        ShareStep.withdraw: (_ASKER, ShareStatus.withdrawn),
    },
    ShareStatus.supplement_asked: {
        ShareStep.supplement: (_ASKER, ShareStatus.requested),
        ShareStep.withdraw: (_ASKER, ShareStatus.withdrawn),
    },
    ShareStatus.agreed: {
        ShareStep.deliver: (_PROVIDER, ShareStatus.delivered),
        ShareStep.withdraw: (_ASKER, ShareStatus.withdrawn),
    },
    ShareStatus.refused: {ShareStep.escalate: (_ASKER, ShareStatus.refused)},
    ShareStatus.delivered: {
        ShareStep.ask_correction: (_ASKER, ShareStatus.correcting),
        ShareStep.dispose: (_ASKER, ShareStatus.disposed),
    },
    ShareStatus.correcting: {ShareStep.correct: (_PROVIDER, ShareStatus.delivered)},
    ShareStatus.disposed: {},
    ShareStatus.withdrawn: {},
}


@dataclass(frozen=True, slots=True)
class SharePosition:
    """What the rules need to know of one request to judge a step."""

    status: str
    share_type: str
    supplemented: bool
    extended: bool
    dispute: str | None


@dataclass(frozen=True, slots=True)
class ShareClock:
    """What is due `days` working days after `start`: more time, and a pause, add days to it."""

    start: datetime
    days: int

    def due(self, calendar: WorkCalendar) -> Due:
        """When, and whether the calendar behind it is official."""
        return due_at(self.start, Period(self.days, "working_day"), calendar)


def clock_after(
    step: str, clock: ShareClock | None, *, paused_at: datetime | None, now: datetime, calendar: WorkCalendar
) -> ShareClock | None:
    """The clock after a step: each stage has its own; the days on which papers were awaited come on top, unless the
    reply was late already. None where nothing is due any more."""
    if step == ShareStep.agree:
        return ShareClock(now, DELIVER)
    if step == ShareStep.ask_correction:
        return ShareClock(now, CORRECT)
    if clock is None or step not in (ShareStep.ask_supplement, ShareStep.supplement, ShareStep.extend):
        return None
    if step == ShareStep.extend:
        return replace(clock, days=clock.days + EXTENSION)
    if paused_at is None or paused_at >= clock.due(calendar).at:
        return clock
    return replace(clock, days=clock.days + calendar.workdays_between(shanghai_day(paused_at), shanghai_day(now)))


def parts_in_share(agency: object, *, asker: object, provider: object) -> frozenset[str]:
    """The parts of `agency`: `asker`, `provider`."""
    return frozenset({name for name, side in ((_ASKER, asker), (_PROVIDER, provider)) if agency == side})


def allowed_steps(position: SharePosition, parts: Collection[str]) -> tuple[ShareStep, ...]:
    """What an agency with these parts may do now."""
    steps = _STEPS[position.status]
    return tuple(step for step, (by, _) in steps.items() if by in parts and not _barred(position, step))


def _barred(position: SharePosition, step: ShareStep) -> bool:
    """Papers are asked for once, time is added once and only where there are conditions, and above the government there
    is nobody."""
    if step is ShareStep.ask_supplement:
        return position.supplemented
    if step is ShareStep.extend:
        return position.extended or position.share_type != ShareType.conditional
    return step is ShareStep.escalate and position.dispute == DisputeLevel.government


def take_step(position: SharePosition, step: str, parts: Collection[str]) -> ShareStatus:
    """The status after it. Raises InvalidTransition."""
    allowed = allowed_steps(position, parts)
    if step not in allowed:
        raise InvalidTransition(position.status, allowed)
    return _STEPS[position.status][ShareStep(step)][1]


def next_level(dispute: str | None) -> DisputeLevel:
    """Where a dispute goes from here."""
    levels = tuple(DisputeLevel)
    return levels[0] if dispute is None else levels[levels.index(DisputeLevel(dispute)) + 1]


@dataclass(frozen=True, slots=True)
class ShareWords:
    """What a step brings: `missing` with a supplement asked for, `approved_by` the data authority with more time,
    `delivered` how many records and their digest, `records` how many are wrong, `certificate` of the disposal."""

    text: str | None = None
    reason: str | None = None
    missing: tuple[str, ...] = ()
    approved_by: str | None = None
    count: int | None = None
    sha256: str | None = None
    certificate: str | None = None


_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    ShareStep.ask_supplement: ("missing",),
    ShareStep.supplement: ("text",),
    ShareStep.extend: ("text", "approved_by"),
    ShareStep.agree: (),
    ShareStep.refuse: ("reason", "text"),
    ShareStep.deliver: ("count", "sha256"),
    ShareStep.ask_correction: ("count", "text"),
    ShareStep.correct: ("text",),
    ShareStep.dispose: ("certificate",),
    ShareStep.escalate: ("text",),
    ShareStep.withdraw: ("text",),
}


_MAY: Final[Mapping[str, tuple[str, ...]]] = {ShareStep.supplement: ("count",)}


def check_words(step: str, words: ShareWords) -> None:
    """Every step brings what the regulation asks of it, and nothing that belongs to another. Raises
    ValidationFailed."""
    needs = _NEEDS[step]
    errors = []
    for name in ("reason", "missing", "approved_by", "count", "sha256", "certificate", "text"):
        said = getattr(words, name)
        if name in needs and not said:
            errors.append(FieldError(f"/{name}", "required"))
        elif said and name not in (*needs, *_MAY.get(step, ()), "text"):
            errors.append(FieldError(f"/{name}", "not-with-this-step"))
    if errors:
        raise ValidationFailed(*errors)


def check_item(share_type: str, *, conditions: str | None, citation: str | None) -> None:
    """An item with conditions states them, one that is not shared cites the law; no other has either (art. 14). Raises
    ValidationFailed."""
    given = {"conditions": (conditions, ShareType.conditional), "legal_citation": (citation, ShareType.not_shared)}
    errors = []
    for name, (said, of) in given.items():
        if share_type == of and not said:
            errors.append(FieldError(f"/{name}", "required"))
        elif share_type != of and said:
            errors.append(FieldError(f"/{name}", "not-with-this-share-type"))
    if errors:
        raise ValidationFailed(*errors)


def check_asking(share_type: str, *, asker: object, provider: object) -> None:
    """Raises Conflict for an item that is not shared, and for one's own."""
    if asker == provider:
        raise Conflict(reason="own-item")
    if share_type == ShareType.not_shared:
        raise Conflict(reason="item-not-shared")

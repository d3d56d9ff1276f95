"""answer_link (一次性答复链接): how an office without a system answers one referral, and when a link stands. Pure.

A link is good for one answer. It is bound to the referral, its addressee and the state it was made in: whatever moved
the referral since ends it. The steps are those of the state machine (rules/referrals.py); a link adds none.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rules.errors import Conflict, FieldError, ValidationFailed

DEFAULT_DAYS: Final = 14
MAX_DAYS: Final = 30
MAX_OPEN: Final = 5
"""Links of one referral that may stand at a time."""
SHOWN_AGAIN: Final = timedelta(minutes=10)
"""How long whoever presses twice is shown the next link again: after that a spent link yields nothing."""
TRIES_PER_LINK: Final = 40
"""Uses of one link in a quarter of an hour, looks included."""


class LinkStep(StrEnum):
    """Steps that can be taken through a link."""

    receive = "receive"
    accept = "accept"
    return_ = "return"
    complete = "complete"


_OF_STATUS: Final = {
    "requested": ("receive", "accept", "return"),
    "accepted": ("return", "complete"),
    "in_progress": ("complete",),
}
"""What may be answered in each status; completing from `accepted` takes the step `start` with it."""
_SPENT_BY: Final = {"receive": {"receive"}, "accept": {"receive", "accept"}}
"""Steps after which the work goes on, and what they leave nothing to do of."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a link was made for: the addressee, and the state of the referral."""

    addressee: object
    status: str
    return_count: int


@dataclass(frozen=True, slots=True)
class Used:
    """What became of a link."""

    expires_at: datetime
    answered_at: datetime | None
    revoked_at: datetime | None

    def status(self, now: datetime) -> str:
        """open, answered, revoked or expired."""
        if self.answered_at is not None:
            return "answered"
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at <= now else "open"


def stands(made_for: Bound, as_it_is: Bound, used: Used, now: datetime) -> bool:
    """Whether an answer may be given through a link now."""
    return made_for == as_it_is and used.status(now) == "open"


def check_answerable(status: str, steps: Collection[str]) -> None:
    """Whether a link with these steps is of use in this status. Raises Conflict, ValidationFailed."""
    if status not in _OF_STATUS:
        raise Conflict(reason="nothing-to-answer")
    if not set(_OF_STATUS[status]).intersection(steps):
        raise ValidationFailed(FieldError("/steps", "no-step-of-this-state"))


def possible_steps(steps: Collection[str], status: str, allowed: Collection[str]) -> tuple[str, ...]:
    """Steps of a link that the state machine allows its addressee now, in the order of the work."""
    now = {*allowed, *(("complete",) if "start" in allowed else ())}
    return tuple(step for step in _OF_STATUS.get(status, ()) if step in steps and step in now)


def steps_left(steps: Iterable[str], taken: str) -> tuple[str, ...]:
    """Steps of the link that an answer yields; none where the answer ends the office's part, or nothing is left."""
    if taken not in _SPENT_BY:
        return ()
    return tuple(step for step in steps if step not in _SPENT_BY[taken])


def steps_to_take(step: str, status: str) -> tuple[str, ...]:
    """The steps of the state machine that an answer stands for: who completes what it accepted has begun it."""
    return ("start", "complete") if step == "complete" and status == "accepted" else (step,)


_NUMBER: Final = re.compile(r"[0-9]{7}")


def check_clerk(name: str) -> None:
    """A stated name goes into the audit log: no long run of digits, which would be somebody's number. Raises
    ValidationFailed."""
    if not name.strip():
        raise ValidationFailed(FieldError("/clerk", "required"))
    if len(name) > 50:
        raise ValidationFailed(FieldError("/clerk", "too-long", {"max_length": 50}))
    if _NUMBER.search(name):
        raise ValidationFailed(FieldError("/clerk", "no-numbers-in-a-name"))

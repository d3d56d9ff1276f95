"""break_glass (紧急查阅): who may open what it has no basis for, for how long, and who judges it. Pure.

Emergency is a ground of its own (个人信息保护法 art. 13(4)); so that it stays one, each use names the danger, ends by
itself, is told to the coordinator at once and judged within a day.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from rules.errors import Conflict, InvalidTransition

LONGEST = timedelta(hours=24)
REVIEW_WITHIN = timedelta(hours=24)


class Danger(StrEnum):
    life = "life"
    health = "health"
    minor = "minor"
    property = "property"


class Verdict(StrEnum):
    justified = "justified"
    not_justified = "not_justified"


def check_opening(parts: Collection[str], *, unreviewed: bool) -> None:
    """Raises Conflict for the coordinator, who sees the file anyway, and while an earlier use waits for its judgement
    although its day is over."""
    if "coordinator" in parts:
        raise Conflict(reason="file-is-open-already")
    if unreviewed:
        raise Conflict(reason="earlier-use-not-reviewed")


def check_review(reviewed_at: datetime | None) -> None:
    """Raises InvalidTransition for a second judgement."""
    if reviewed_at is not None:
        raise InvalidTransition(current="reviewed", allowed=())

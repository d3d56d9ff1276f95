"""delivery (投递): when an event is offered again, what an answer means, when an endpoint is given up. Pure.

The schedule spans 9 days, so that an 8-day holiday (春节) loses nothing. Standard Webhooks 1.0: only 2xx is success, a
redirect is a failure, 410 ends it, 429 and 503 with Retry-After slow the sender.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

Verdict = Literal["succeeded", "failed", "throttled", "gone"]

_DAY = timedelta(days=1)

SCHEDULE: tuple[timedelta, ...] = (
    timedelta(),
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    *(_DAY,) * 7,
)
"""Wait before each attempt, the first included."""

MAX_ATTEMPTS = len(SCHEDULE)
JITTER = 0.2
LONGEST_RETRY_AFTER = _DAY
GIVEN_UP_AFTER = timedelta(days=10)


def judge(status_code: int) -> Verdict:
    """What an answer means for the delivery."""
    if 200 <= status_code < 300:
        return "succeeded"
    if status_code == 410:
        return "gone"
    return "throttled" if status_code in (429, 503) else "failed"


def wait_after(attempts: int, jitter: float, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after `attempts` failed attempts; None where none is left.

    `jitter` in [-1, 1] moves the wait by up to a fifth, so that receivers are not hit by all at once. A receiver's wish
    can only make it longer, by a day at most. Raises ValueError for other jitters or no attempt.
    """
    if attempts < 1 or not -1 <= jitter <= 1:
        raise ValueError("at least one attempt, and a jitter between -1 and 1")
    if attempts >= MAX_ATTEMPTS:
        return None
    wait = SCHEDULE[attempts] * (1 + JITTER * jitter)
    return wait if retry_after is None else max(wait, min(retry_after, LONGEST_RETRY_AFTER))


def read_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """`Retry-After` in seconds or as an HTTP date, between nothing and a day; None where it says neither."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta()), LONGEST_RETRY_AFTER)


def is_given_up(failing_since: datetime, now: datetime) -> bool:
    """Whether an endpoint that has only failed since then is to be disabled."""
    return now - failing_since >= GIVEN_UP_AFTER

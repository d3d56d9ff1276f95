"""delivery (投递): when an event is offered again, what an answer means, when an endpoint rests or is given up. Pure.

The schedule spans 9 days, so that an 8-day holiday (春节) loses nothing. Standard Webhooks 1.0: only 2xx is success, a
redirect is a failure, 410 ends it, 429, 502 and 504 slow the sender; 503 does so here as well.
"""

from dataclasses import dataclass
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
NOTICES_AFTER = (timedelta(days=1), timedelta(days=5))
"""Nothing but failures for so long is told; `GIVEN_UP_AFTER` tells by disabling."""

THROTTLED = frozenset({429, 502, 503, 504})
THROTTLED_PAUSE = timedelta(seconds=5)
"""How long an endpoint is left alone that is overloaded and does not say for how long."""

BREAKER_OPENS_AT = 5
PROBES: tuple[timedelta, ...] = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))
"""Wait before each probe of an endpoint whose breaker is open; the last goes on."""


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint has answered lately. The breaker is open while there is a `next_probe_at`."""

    failing_since: datetime | None = None
    consecutive_failures: int = 0
    failed_probes: int = 0
    next_probe_at: datetime | None = None


HEALTHY = Health()


def judge(status_code: int) -> Verdict:
    """What an answer means for the delivery."""
    if 200 <= status_code < 300:
        return "succeeded"
    if status_code == 410:
        return "gone"
    return "throttled" if status_code in THROTTLED else "failed"


def wait_after(attempts: int, jitter: float, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after `attempts` failed attempts; None where none is left.

    `jitter` in [-1, 1] moves the wait by up to a fifth, so that receivers are not hit by all at once. A receiver's wish
    can only make it longer, by a day at most. Raises ValueError for other jitters or no attempt.
    """
    if attempts < 1 or not -1 <= jitter <= 1:
        raise ValueError("at least one attempt, and a jitter between -1 and 1")
    if attempts >= MAX_ATTEMPTS:
        return None
    wait = _spread(SCHEDULE[attempts], jitter)
    return wait if retry_after is None else max(wait, min(retry_after, LONGEST_RETRY_AFTER))


def pause_after(verdict: Verdict, retry_after: timedelta | None) -> timedelta | None:
    """How long the whole endpoint is left alone after an answer; None where it did not ask for that."""
    if verdict != "throttled":
        return None
    return THROTTLED_PAUSE if retry_after is None else min(retry_after, LONGEST_RETRY_AFTER)


def after_failure(health: Health, now: datetime, jitter: float) -> Health:
    """How an endpoint stands after one more failure at `now`.

    The fifth in a row opens the breaker. While that is open only a failed probe makes the wait longer: an attempt that
    was under way when it opened comes before `next_probe_at` and counts as a failure alone.
    """
    failures = health.consecutive_failures + 1
    failing_since = health.failing_since or now
    if health.next_probe_at is None:
        opens = failures >= BREAKER_OPENS_AT
        return Health(failing_since, failures, 0, now + _spread(PROBES[0], jitter) if opens else None)
    if health.next_probe_at > now:
        return Health(failing_since, failures, health.failed_probes, health.next_probe_at)
    probes = health.failed_probes + 1
    wait = PROBES[min(probes, len(PROBES) - 1)]
    return Health(failing_since, failures, probes, now + _spread(wait, jitter))


def _spread(wait: timedelta, jitter: float) -> timedelta:
    return wait * (1 + JITTER * jitter)


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

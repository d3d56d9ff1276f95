"""What an attempt at delivering means: for the delivery, and for the endpoint it went to.

The endpoint is locked before its delivery wherever both may change, as everywhere.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from actions.system import SystemFact, record_for_system
from db.engine import Raw
from db.queries import deliveries, webhooks
from db.queries.deliveries import Attempt, Success
from rules.envelopes import VERIFICATION, notice
from rules.retries import NOTICES_AFTER, Health, Verdict, after_failure, is_given_up, judge, pause_after, wait_after


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery that is under way, by the lease that claimed it."""

    delivery_id: UUID
    lease: UUID
    endpoint_id: UUID
    event_type: str
    attempts: int
    failing: bool


@dataclass(frozen=True, slots=True)
class Met:
    """What the attempt met; `answered` is the challenge a receiver sent back."""

    attempt: Attempt
    retry_after: timedelta | None = None
    answered: str | None = None


async def settle(raw: Raw, leased: Leased, met: Met, *, jitter: float, now: datetime) -> bool:
    """Records an attempt and what follows from it. Two to six statements; `now` is business time, for events.

    False where the lease had ended and somebody else delivers it: then nothing is recorded.
    """
    if leased.event_type == VERIFICATION:
        endpoint = await webhooks.lock_endpoint(raw, leased.endpoint_id)
        if _has_proved_itself(endpoint, met):
            return await _activate(raw, leased, met)
    elif _verdict(met) == "succeeded":
        if leased.failing:
            await webhooks.mark_answering(raw, leased.endpoint_id)
        return await deliveries.finish_attempt(raw, leased.delivery_id, leased.lease, met.attempt, status="succeeded")
    else:
        endpoint = await webhooks.lock_endpoint(raw, leased.endpoint_id)
    if not await _postpone(raw, leased, met, endpoint, jitter=jitter):
        return False
    await _judge_endpoint(raw, endpoint, met, jitter=jitter, now=now)
    return True


def is_plain_success(leased: Leased, met: Met) -> bool:
    """Whether the delivery has succeeded and nothing follows from it for its endpoint."""
    return leased.event_type != VERIFICATION and not leased.failing and _verdict(met) == "succeeded"


async def settle_successes(raw: Raw, successes: Sequence[tuple[Leased, Met]]) -> set[UUID]:
    """Records plain successes and tells those whose lease was still theirs. One statement."""
    return await deliveries.finish_successes(
        raw, [Success(leased.delivery_id, leased.lease, met.attempt) for leased, met in successes]
    )


def _verdict(met: Met) -> Verdict:
    return "failed" if met.attempt.status_code is None else judge(met.attempt.status_code)


def _has_proved_itself(endpoint: asyncpg.Record, met: Met) -> bool:
    """Only 200 with the challenge of this moment counts: an answer to an earlier one proves nothing of a new URL."""
    return (
        met.attempt.status_code == 200
        and met.answered is not None
        and endpoint["status"] == "pending"
        and hmac.compare_digest(met.answered.encode(), endpoint["challenge"].encode())
    )


async def _activate(raw: Raw, leased: Leased, met: Met) -> bool:
    """The delivery first: only whoever holds the lease may say that the challenge was answered."""
    if not await deliveries.finish_attempt(raw, leased.delivery_id, leased.lease, met.attempt, status="succeeded"):
        return False
    await webhooks.set_active(raw.execute, leased.endpoint_id)
    await deliveries.wake(raw)
    return True


async def _postpone(raw: Raw, leased: Leased, met: Met, endpoint: asyncpg.Record, *, jitter: float) -> bool:
    """Sets the next attempt, or none while the endpoint takes nothing; `dead` after the last."""
    wait = wait_after(leased.attempts + 1, jitter, met.retry_after)
    if wait is None:
        return await deliveries.finish_attempt(raw, leased.delivery_id, leased.lease, met.attempt, status="dead")
    takes = endpoint["status"] == "active" or (endpoint["status"] == "pending" and leased.event_type == VERIFICATION)
    return await deliveries.finish_attempt(
        raw, leased.delivery_id, leased.lease, met.attempt, status="pending", wait=wait if takes else None
    )


async def _judge_endpoint(raw: Raw, endpoint: asyncpg.Record, met: Met, *, jitter: float, now: datetime) -> None:
    """Failures in a row open the breaker, an overloaded receiver is left alone; 410 disables at once, ten days of
    nothing but failures as well."""
    verdict = _verdict(met)
    health = after_failure(_health(endpoint), endpoint["now"], jitter)
    await webhooks.mark_failing(raw, endpoint["id"], health, pause_after(verdict, met.retry_after))
    gone, failing_since = verdict == "gone", health.failing_since or endpoint["now"]
    if endpoint["status"] == "disabled" or not (gone or is_given_up(failing_since, endpoint["now"])):
        return
    reason = "gone" if gone else "failing"
    await webhooks.set_disabled(raw.execute, endpoint["id"], reason)
    fact = SystemFact(
        type="endpoint.disabled",
        action="webhook_endpoint.disable",
        subject_type="webhook_endpoint",
        subject_id=endpoint["id"],
        version=endpoint["version"] + 1,
        agency_id=endpoint["agency_id"],
        parties={"owner": (endpoint["agency_id"],)},
        moved=(endpoint["status"], "disabled"),
        changed=("status",),
        told=notice(reason, failing_since),
        facts={"reason": reason},
    )
    await record_for_system(raw, fact, now)


def _health(endpoint: asyncpg.Record) -> Health:
    return Health(
        endpoint["failing_since"],
        endpoint["consecutive_failures"],
        endpoint["failed_probes"],
        endpoint["next_probe_at"],
    )


async def warn_owners(raw: Raw, limit: int, *, now: datetime) -> int:
    """Tells owners of endpoints that have done nothing but fail for a day, and for five; how many. Each is told once:
    the notice is counted in the transaction that tells. One statement, two more for each told.

    Where jobs were down over both, the later notice stands for the earlier.
    """
    failing = await webhooks.failing_long(raw, NOTICES_AFTER, limit)
    for endpoint in failing:
        await webhooks.count_notices(raw, endpoint["id"], endpoint["due"])
        fact = SystemFact(
            type="endpoint.failing",
            action="webhook_endpoint.warn",
            subject_type="webhook_endpoint",
            subject_id=endpoint["id"],
            version=endpoint["version"],
            agency_id=endpoint["agency_id"],
            parties={"owner": (endpoint["agency_id"],)},
            told=notice("failing", endpoint["failing_since"]),
            facts={"notice": endpoint["due"]},
        )
        await record_for_system(raw, fact, now)
    return len(failing)

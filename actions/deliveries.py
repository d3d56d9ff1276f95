"""What an attempt at delivering means: for the delivery, and for the endpoint it went to.

The endpoint is locked before its delivery wherever both may change, as everywhere.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from actions.system import SystemFact, record_for_system
from db.engine import Raw
from db.queries import deliveries, webhooks
from db.queries.deliveries import Attempt
from rules.envelopes import VERIFICATION
from rules.retries import Verdict, is_given_up, judge, wait_after


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
    await _judge_endpoint(raw, endpoint, met, now=now)
    return True


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


async def _judge_endpoint(raw: Raw, endpoint: asyncpg.Record, met: Met, *, now: datetime) -> None:
    """410 disables at once, ten days of nothing but failures as well; 429 and 503 let it rest."""
    verdict = _verdict(met)
    await webhooks.mark_failing(raw, endpoint["id"], met.retry_after if verdict == "throttled" else None)
    gone, failing_since = verdict == "gone", endpoint["failing_since"] or endpoint["now"]
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
        facts={"reason": reason},
    )
    await record_for_system(raw, fact, now)

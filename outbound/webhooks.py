"""Sends one event to one endpoint, signed as Standard Webhooks 1.0 asks, and says what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from crypto.webhooks import WebhookKeys, sign
from outbound.http import GuardedClient, OutboundFailure, Reply
from rules.retries import judge

USER_AGENT = "Tongli-Webhooks/1"

_ATTEMPTS = Counter("tongli_webhook_attempts", "Attempts at delivering by what came of them", ["outcome"])


@dataclass(frozen=True, slots=True)
class Push:
    """An event on its way. `attempt` counts from 1; `replay` says that somebody asked for it again."""

    message_id: str
    event_type: str
    sequence: int
    attempt: int
    replay: bool
    body: bytes


def headers_of(push: Push, keys: Sequence[WebhookKeys], now: datetime) -> dict[str, str]:
    """Headers of one attempt at real time `now`: the id stays through all attempts, time and signature are new."""
    timestamp = int(now.timestamp())
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": push.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(message_id=push.message_id, timestamp=timestamp, body=push.body, keys=keys),
        "tongli-event-type": push.event_type,
        "tongli-sequence": str(push.sequence),
        "tongli-attempt": str(push.attempt),
        "tongli-replay": "true" if push.replay else "false",
    }


async def send(client: GuardedClient, url: str, push: Push, *, keys: Sequence[WebhookKeys], now: datetime) -> Reply:
    """The receiver's answer. Raises OutboundFailure, Busy; what was sent is counted by its outcome."""
    try:
        reply = await client.post(url, headers=headers_of(push, keys, now), body=push.body)
    except OutboundFailure as failure:
        _ATTEMPTS.labels(failure.outcome).inc()
        raise
    _ATTEMPTS.labels("delivered" if judge(reply.status) == "succeeded" else "refused").inc()
    return reply

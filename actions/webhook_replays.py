"""Replays: an agency has entries of its feed sent to an endpoint once more, and the jobs queue them a little at a time.

A replay moves in the transaction that queues its deliveries: killed anywhere, it has done all of a batch or nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from crypto.ids import new_id
from db.engine import Raw
from db.queries import deliveries, webhook_replays, webhooks
from db.queries.deliveries import NewDelivery
from db.queries.webhook_replays import NewReplay
from db.transaction import Tx
from rules.envelopes import in_order, unknown_types
from rules.errors import Conflict, Hidden, ValidationFailed

MAX_UNFINISHED: Final = 5
WAITING_AT_ONCE: Final = 500
"""Deliveries of one replay that wait at a time, so that new events are not behind all of it."""

_LOOK_AGAIN: Final = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: `selection` is `events`, `sequences`, `times`, `types` or `failed`. Sequences and times from
    `..._from` on, before `..._before`; times are those at which entries came into the feed."""

    selection: str
    event_ids: Sequence[UUID] = ()
    types: Sequence[str] | None = None
    sequence_from: int = 1
    sequence_before: int | None = None
    time_from: datetime | None = None
    time_before: datetime | None = None


async def ask(tx: Tx, endpoint_id: UUID, wanted: Wanted) -> asyncpg.Record:
    """A replay that the jobs will work, of what the feed holds now. Four statements.

    Without types a range means those the endpoint takes. Raises Hidden, Conflict for a deleted endpoint or too many
    replays at a time, ValidationFailed for an unknown type.
    """
    endpoint = await webhooks.lock_own_endpoint(tx, endpoint_id)
    if endpoint is None:
        raise Hidden
    if endpoint["status_reason"] == "deleted":
        raise Conflict(reason="endpoint-deleted")
    if wrong := unknown_types(wanted.types or ()):
        raise ValidationFailed(*wrong)
    if await webhook_replays.count_unfinished(tx, endpoint_id) >= MAX_UNFINISHED:
        raise Conflict(reason="too-many-replays")
    replay = NewReplay(
        id=new_id(),
        endpoint_id=endpoint_id,
        selection=wanted.selection,
        event_ids=wanted.event_ids,
        types=_types(wanted, endpoint["types"]),
        since=wanted.time_from,
        before=wanted.time_before,
        looked_at=wanted.sequence_from - 1,
        until=None if wanted.sequence_before is None else wanted.sequence_before - 1,
    )
    await webhook_replays.insert_replay(tx, replay)
    leave_mark(tx, "webhook_replay.ask", subject_type="webhook_replay", subject_id=replay.id)
    return await _found(tx, replay.id)


async def cancel(tx: Tx, replay_id: UUID) -> asyncpg.Record:
    """Ends a replay; what is queued already is still sent. Three statements. Raises Hidden, Conflict where it ended."""
    await _found(tx, replay_id)
    if not await webhook_replays.cancel(tx, replay_id):
        raise Conflict(reason="replay-ended")
    leave_mark(tx, "webhook_replay.cancel", subject_type="webhook_replay", subject_id=replay_id)
    return await _found(tx, replay_id)


async def _found(tx: Tx, replay_id: UUID) -> asyncpg.Record:
    replay = await webhook_replays.find_replay(tx, replay_id)
    if replay is None:
        raise Hidden
    return replay


def _types(wanted: Wanted, subscribed: Sequence[str]) -> Sequence[str]:
    if wanted.types is not None:
        return wanted.types
    return subscribed if wanted.selection in ("sequences", "times") else ["*"]


async def work(raw: Raw) -> bool:
    """Takes the replay whose turn it is one step further: counts it, queues a batch, or ends it. False where none is
    due. Up to eight statements."""
    replay = await webhook_replays.take_due(raw)
    if replay is None:
        return False
    endpoint = await webhooks.share_endpoint(raw, replay["endpoint_id"])
    if endpoint["status_reason"] == "deleted":
        await webhook_replays.finish(raw, replay["id"], "cancelled")
    elif replay["state"] == "waiting":
        await _start(raw, replay)
    else:
        await _go_on(raw, replay, due=endpoint["status"] == "active")
    return True


async def _start(raw: Raw, replay: asyncpg.Record) -> None:
    found = await webhook_replays.count_matching(raw, replay)
    if not found["matched"]:
        await webhook_replays.start(raw, replay["id"], matched=0, looked_at=replay["until"], until=replay["until"])
        return
    await webhook_replays.start(
        raw, replay["id"], matched=found["matched"], looked_at=found["first"] - 1, until=found["last"]
    )


async def _go_on(raw: Raw, replay: asyncpg.Record, *, due: bool) -> None:
    """Queues as many as there is room for; ends where all was looked at and nothing waits any more."""
    waiting = await webhook_replays.count_waiting(raw, replay["id"])
    room = WAITING_AT_ONCE - waiting
    if replay["looked_at"] >= replay["until"]:
        if waiting == 0:
            await webhook_replays.finish(raw, replay["id"], "finished")
            return
        room = 0
    entries = await webhook_replays.next_entries(raw, replay, room) if room > 0 else []
    if entries:
        await _queue(raw, replay, entries, due=due)
    looked_at = replay["looked_at"]
    if room > 0:
        looked_at = entries[-1]["sequence"] if len(entries) == room else replay["until"]
    await webhook_replays.go_on(raw, replay["id"], queued=len(entries), looked_at=looked_at, pause=_LOOK_AGAIN)


async def _queue(raw: Raw, replay: asyncpg.Record, entries: Sequence[asyncpg.Record], *, due: bool) -> None:
    revived = await webhook_replays.revive(
        raw, replay["id"], replay["endpoint_id"], [entry["sequence"] for entry in entries], due=due
    )
    rows = [_delivery(replay, entry, due=due) for entry in entries if entry["sequence"] not in revived]
    if rows:
        await webhook_replays.insert_replayed(raw, replay["id"], rows)
    await deliveries.wake(raw)


def _delivery(replay: asyncpg.Record, entry: asyncpg.Record, *, due: bool) -> NewDelivery:
    payload = in_order(json.loads(entry["payload"]))
    return NewDelivery(
        id=new_id(),
        endpoint_id=replay["endpoint_id"],
        agency_id=replay["agency_id"],
        event_id=entry["event_id"],
        event_type=entry["type"],
        subject_id=entry["subject_id"],
        sequence=entry["sequence"],
        body=json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
        due=due,
    )

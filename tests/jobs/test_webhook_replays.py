"""Entries of a feed sent to an endpoint once more: each once, under its own id and number, whatever is killed."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from actions import webhook_replays, webhooks
from actions.webhook_replays import WAITING_AT_ONCE, Wanted
from crypto.keys import Keyring
from db.queries.webhook_replays import find_replay, forget_replays
from db.transaction import open_system_transaction, open_transaction
from jobs.webhook_replays import work_once
from rules.errors import Conflict, Hidden
from tests.jobs.desk import LABOUR, UNION, Desk
from tests.jobs.test_deliveries import Post, activate, after_activation, challenged
from tests.jobs.test_kills import end_leases_of_the_dead, running_jobs, some_arrive
from tests.jobs.waiting import eventually
from tests.outbound.receivers import ON_LOOPBACK, Sent, answer, receiving


async def ask(post: Post, selection: str, **more: Any) -> UUID:
    async with open_transaction(post.desk.app, post.desk.callers[UNION]) as tx:
        asked = await webhook_replays.ask(tx, post.endpoint_id, Wanted(selection, **more))
    replay_id: UUID = asked["id"]
    return replay_id


async def shown(post: Post, replay_id: UUID) -> dict[str, Any]:
    async with open_transaction(post.desk.app, post.desk.callers[UNION]) as tx:
        row = await find_replay(tx, replay_id)
    assert row is not None
    return dict(row)


async def its_turn(post: Post) -> bool:
    """One step of a replay, as if its pause were over."""
    await post.desk.behind.execute("UPDATE webhook_replay SET next_at = now() WHERE next_at > now()")
    return await work_once(post.desk.jobs)


async def work_off(post: Post) -> None:
    """Queues and delivers until nothing is left to be done."""
    while await its_turn(post):
        while await post.deliver():
            pass


async def facts(desk: Desk, many: int) -> list[UUID]:
    recorded = [await desk.record(UNION, subject=uuid4()) for _ in range(many)]
    while await desk.number():
        pass
    return recorded


def again(post: Post) -> list[Sent]:
    return [sent for sent in post.receiver.requests if sent.headers["tongli-replay"] == "true"]


async def sequence_of(desk: Desk, fact: UUID) -> int:
    query = "SELECT sequence FROM feed_entry WHERE event_id = $1 AND agency_id = $2"
    return int(await desk.behind.fetchval(query, fact, desk.agency(UNION)))


async def test_a_range_is_sent_again_as_it_was_first(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        recorded = await facts(desk, 6)
        while await post.deliver():
            pass
        first, last = await sequence_of(desk, recorded[1]), await sequence_of(desk, recorded[4])
        replay = await ask(post, "sequences", sequence_from=first, sequence_before=last)
        assert (await shown(post, replay))["state"] == "waiting"
        await facts(desk, 1)
        await work_off(post)
        done = await shown(post, replay)
        sent = {one.headers["webhook-id"]: one for one in receiver.requests if one.headers["tongli-replay"] == "false"}
    assert (done["state"], done["matched"], done["queued"], done["succeeded"], done["failed"]) == (
        "finished",
        3,
        3,
        3,
        0,
    )
    assert [one.headers["webhook-id"] for one in again(post)] == [str(fact) for fact in recorded[1:4]]
    for one in again(post):
        before = sent[one.headers["webhook-id"]]
        assert one.body == before.body
        assert one.headers["tongli-sequence"] == before.headers["tongli-sequence"]


async def test_what_an_endpoint_never_had_is_sent_by_types(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        recorded = await facts(desk, 2)
        post = await activate(desk, receiver, "case.*")
        await ask(post, "sequences")
        await work_off(post)
        assert again(post) == [], "a range means what the endpoint takes"
        await ask(post, "types", types=["referral.requested"])
        await work_off(post)
        assert {one.headers["webhook-id"] for one in again(post)} >= {str(fact) for fact in recorded}
        assert {one.headers["tongli-event-type"] for one in again(post)} == {"referral.requested"}


async def test_a_test_of_one_endpoint_is_never_replayed_to_another(desk: Desk) -> None:
    async with receiving(challenged) as tested, receiving(challenged) as receiver:
        other, post = await activate(desk, tested), await activate(desk, receiver)
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            sent = [await webhooks.send_test(tx, one.endpoint_id) for one in (other, post)]
        await facts(desk, 1)
        await ask(post, "types", types=["*"])
        await ask(post, "events", event_ids=sent)
        await work_off(post)
        tests = [one for one in again(post) if one.headers["tongli-event-type"] == "endpoint.tested"]
    assert {one.headers["webhook-id"] for one in tests} == {str(sent[1])}
    assert len(tests) == 2, "once by its type and once by its id"


async def test_ids_are_sent_again_and_no_others_nor_those_of_other_agencies(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        recorded = await facts(desk, 3)
        foreign = await desk.record(LABOUR, subject=uuid4())
        while await desk.number():
            pass
        while await post.deliver():
            pass
        challenge = UUID(receiver.requests[0].headers["webhook-id"])
        replay = await ask(post, "events", event_ids=[recorded[2], recorded[0], foreign, challenge, uuid4()])
        await work_off(post)
        assert (await shown(post, replay))["matched"] == 2
    assert [one.headers["webhook-id"] for one in again(post)] == [str(recorded[0]), str(recorded[2])]


async def test_times_are_those_of_the_feed(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        early, late = await facts(desk, 2), await facts(desk, 2)
        moment: datetime = await desk.behind.fetchval("SELECT numbered_at FROM feed_entry WHERE event_id = $1", late[0])
        while await post.deliver():
            pass
        await ask(post, "times", time_from=moment, time_before=moment + timedelta(seconds=1))
        await work_off(post)
    assert {one.headers["webhook-id"] for one in again(post)} == {str(fact) for fact in late}
    assert early


async def test_what_failed_is_sent_again_and_is_dead_no_more(desk: Desk) -> None:
    async with receiving(after_activation(answer(500), answer(500), answer(204))) as receiver:
        post = await activate(desk, receiver)
        recorded = await facts(desk, 3)
        await desk.behind.execute("UPDATE delivery SET attempts = 16 WHERE event_id = ANY ($1)", recorded[:2])
        while await post.deliver_as_if_time_had_passed():
            pass
        assert [(await post.delivery(fact))["status"] for fact in recorded] == ["dead", "dead", "succeeded"]
        replay = await ask(post, "failed")
        await work_off(post)
        done = await shown(post, replay)
        assert (done["matched"], done["succeeded"], done["failed"]) == (2, 2, 0)
        assert {one.headers["webhook-id"] for one in again(post)} == {str(fact) for fact in recorded[:2]}
        assert [(await post.delivery(fact))["status"] for fact in recorded] == ["succeeded"] * 3
        assert await desk.behind.fetchval("SELECT count(*) FROM delivery WHERE event_id = ANY ($1)", recorded) == 3
        empty = await ask(post, "failed")
        await work_off(post)
        assert (await shown(post, empty))["matched"] == 0


async def test_what_has_left_the_feed_is_not_sent(desk: Desk) -> None:
    async with receiving(after_activation(answer(500), answer(500), answer(204))) as receiver:
        post = await activate(desk, receiver)
        recorded = await facts(desk, 2)
        await desk.behind.execute("UPDATE delivery SET attempts = 16 WHERE event_id = ANY ($1)", recorded)
        while await post.deliver_as_if_time_had_passed():
            pass
        replay = await ask(post, "failed")
        assert await its_turn(post)
        await desk.behind.execute("DELETE FROM feed_entry WHERE event_id = $1", recorded[0])
        await work_off(post)
        done = await shown(post, replay)
    assert (done["state"], done["matched"], done["queued"], done["succeeded"]) == ("finished", 2, 1, 1)
    assert [one.headers["webhook-id"] for one in again(post)] == [str(recorded[1])]


async def test_many_are_queued_a_part_at_a_time_and_new_events_do_not_wait_for_them(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        await _fill_feed(desk, WAITING_AT_ONCE + 100)
        replay = await ask(post, "types", types=["case.opened"])
        assert await its_turn(post)
        assert await its_turn(post)
        assert await its_turn(post)
        part = await shown(post, replay)
        assert (part["state"], part["matched"], part["queued"]) == ("running", WAITING_AT_ONCE + 100, WAITING_AT_ONCE)


async def test_a_replay_that_is_killed_anywhere_queues_each_once(desk: Desk) -> None:
    """Steps of two processes at a time, every third of them cut off before its commit."""
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        await _fill_feed(desk, 1_300)
        replay = await ask(post, "types", types=["case.opened"])

        while (await shown(post, replay))["state"] != "finished":
            await desk.behind.execute("UPDATE webhook_replay SET next_at = now() WHERE next_at > now()")
            with pytest.raises(RuntimeError):
                await _cut_off(desk)
            await asyncio.gather(work_once(desk.jobs), work_once(desk.jobs))
            await desk.behind.execute(
                "UPDATE delivery SET status = 'succeeded', finished_at = now() WHERE replay_id = $1", replay
            )
        done = await shown(post, replay)
        queued = await desk.behind.fetch("SELECT sequence FROM delivery WHERE replay_id = $1", replay)
        wanted = await desk.behind.fetch("SELECT sequence FROM feed_entry WHERE type = 'case.opened'")
    assert (done["matched"], done["queued"], done["succeeded"], done["failed"]) == (1_300, 1_300, 1_300, 0)
    assert Counter(row["sequence"] for row in queued) == Counter(row["sequence"] for row in wanted)


async def _cut_off(desk: Desk) -> None:
    async with open_system_transaction(desk.jobs) as raw:
        await webhook_replays.work(raw)
        raise RuntimeError("before the commit")


async def test_a_process_killed_again_and_again_replays_each_once(desk: Desk, keyring: Keyring) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        await _fill_feed(desk, 1_500)
        replay = await ask(post, "types", types=["case.opened"])
        for _ in range(3):
            async with running_jobs(desk, keyring):
                await some_arrive(receiver)
            await end_leases_of_the_dead(desk)

        async def finished() -> bool:
            return bool((await shown(post, replay))["state"] == "finished")

        async with running_jobs(desk, keyring):
            await eventually(finished, within_s=60)
        done = await shown(post, replay)
    assert (done["matched"], done["queued"], done["succeeded"], done["failed"]) == (1_500, 1_500, 1_500, 0)
    arrived = {int(sent.headers["tongli-sequence"]) for sent in again(post)}
    assert arrived == set(range(1_001, 2_501))
    assert len(again(post)) - len(arrived) <= 3 * 4, "twice at most what was under way"


async def _fill_feed(desk: Desk, many: int) -> None:
    """Entries the endpoint never had, as the sequencer would have written them long ago."""
    await desk.behind.execute(
        "INSERT INTO feed_entry (agency_id, sequence, event_id, type, subject_id, payload, numbered_at) "
        "SELECT $1, 1000 + n, gen_random_uuid(), 'case.opened', gen_random_uuid(),"
        '       \'{"type": "case.opened"}\', now() '
        "  FROM generate_series(1, $2) n",
        desk.agency(UNION),
        many,
    )
    await desk.behind.execute(
        "UPDATE feed_head SET sequence = 1000 + $2 WHERE agency_id = $1", desk.agency(UNION), many
    )


async def test_a_cancelled_replay_queues_no_more_and_a_disabled_endpoint_gets_it_later(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        await _fill_feed(desk, WAITING_AT_ONCE + 20)
        await _change(post, webhooks.Changes(disable=True))
        replay = await ask(post, "types", types=["case.opened"])
        assert await its_turn(post)
        assert await its_turn(post)
        assert await post.deliver() == 0
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            await webhook_replays.cancel(tx, replay)
        assert not await its_turn(post)
        with pytest.raises(Conflict):
            async with open_transaction(desk.app, desk.callers[UNION]) as tx:
                await webhook_replays.cancel(tx, replay)
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            await webhooks.enable(tx, post.endpoint_id)
        assert await post.deliver() == 4
        stopped = await shown(post, replay)
    assert (stopped["state"], stopped["queued"], stopped["succeeded"]) == ("cancelled", WAITING_AT_ONCE, 4)


async def test_a_replay_is_forgotten_after_its_deliveries_and_not_while_it_runs(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        await facts(desk, 1)
        done = await ask(post, "types", types=["referral.requested"])
        await work_off(post)
        running = await ask(post, "types", types=["referral.requested"])
    await desk.behind.execute("UPDATE webhook_replay SET finished_at = now() - interval '4 years' WHERE id = $1", done)
    of_it = "SELECT count(*) FROM delivery WHERE replay_id = $1"
    assert await desk.behind.fetchval(of_it, done) > 0
    long_ago = datetime.now(UTC) - timedelta(days=3 * 366)
    async with open_system_transaction(desk.jobs) as raw:
        assert await forget_replays(raw, long_ago, 10) == 0, "its deliveries are still there"
    await desk.behind.execute("DELETE FROM delivery_attempt")
    await desk.behind.execute("DELETE FROM delivery WHERE replay_id = $1", done)
    async with open_system_transaction(desk.jobs) as raw:
        assert await forget_replays(raw, long_ago, 10) == 1
    left = await desk.behind.fetch("SELECT id FROM webhook_replay")
    assert [row["id"] for row in left] == [running]


async def test_a_replay_ends_with_its_endpoint(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        replay = await ask(post, "types", types=["*"])
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            await webhooks.give_up(tx, post.endpoint_id, version=(await post.endpoint())["version"])
        assert await its_turn(post)
        assert (await shown(post, replay))["state"] == "cancelled"
        with pytest.raises(Conflict):
            await ask(post, "failed")


async def test_replays_of_a_subject_stay_in_order_and_new_events_do_not_wait_behind_them(desk: Desk) -> None:
    async with receiving(after_activation(answer(204))) as receiver:
        post = await activate(desk, receiver)
        old = [await post.record(), await post.record()]
        while await post.deliver():
            pass
        await ask(post, "events", event_ids=old)
        assert await its_turn(post)
        assert await its_turn(post)
        new = await post.record()
        assert await post.deliver() == 2, "the first of the old ones and the new one"
        assert {sent.headers["webhook-id"] for sent in receiver.requests[-2:]} == {str(old[0]), str(new)}


async def test_others_replays_are_hidden_and_five_at_a_time_are_enough(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        for _ in range(5):
            replay = await ask(post, "failed")
        with pytest.raises(Conflict):
            await ask(post, "failed")
        async with open_transaction(desk.app, desk.callers[LABOUR]) as tx:
            assert await find_replay(tx, replay) is None
            with pytest.raises(Hidden):
                await webhook_replays.ask(tx, post.endpoint_id, Wanted("failed"))


async def _change(post: Post, changes: webhooks.Changes) -> None:
    async with open_transaction(post.desk.app, post.desk.callers[UNION]) as tx:
        version = (await post.endpoint())["version"]
        await webhooks.change(tx, post.endpoint_id, changes, version=version, policy=ON_LOOPBACK)


async def test_a_body_keeps_the_order_of_its_members(desk: Desk) -> None:
    """jsonb does not; a receiver that compares bytes sees no difference."""
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        (fact,) = await facts(desk, 1)
        await post.deliver()
        await ask(post, "events", event_ids=[fact])
        await work_off(post)
        first, second = post.received(fact)
    assert first.body == second.body
    assert list(json.loads(second.body)) == [
        *("id", "type", "timestamp", "sequence", "subject", "actor_agency", "correlation_id", "data"),
    ]

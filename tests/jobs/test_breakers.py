"""An endpoint that fails is probed, told of, and given up at last; nothing that waits for it is lost or worn out."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from actions import webhooks
from db.queries.webhooks import find_endpoint
from db.transaction import open_transaction
from jobs.clocks import watch_endpoints
from jobs.deliveries import Courier
from outbound.http import GuardedClient
from tests.jobs.desk import LABOUR, UNION, Desk
from tests.jobs.test_deliveries import Post, activate, after_activation, approved, challenged, register
from tests.outbound.receivers import ON_LOOPBACK, answer, receiving

REFUSED = answer(500)


async def queue(post: Post, many: int) -> list[UUID]:
    """Facts about as many subjects, numbered."""
    facts = [await post.desk.record(UNION, subject=uuid4()) for _ in range(many)]
    await post.desk.number()
    return facts


async def shown(post: Post) -> dict[str, Any]:
    """The endpoint as its owner reads it."""
    async with open_transaction(post.desk.app, post.desk.callers[UNION]) as tx:
        row = await find_endpoint(tx, post.endpoint_id)
    assert row is not None
    return dict(row)


async def probe_is_due(post: Post) -> None:
    await post.desk.behind.execute("UPDATE webhook_endpoint SET next_probe_at = now() WHERE next_probe_at IS NOT NULL")


async def opened(post: Post, many: int) -> list[UUID]:
    """Facts that are queued, the first five of which have failed and opened the breaker."""
    facts = await queue(post, many)
    while await post.deliver():
        pass
    assert len(post.receiver.requests) == 1 + 5, "the challenge and five failures"
    return facts


async def attempts_of(post: Post, facts: list[UUID]) -> list[int]:
    return [(await post.delivery(fact))["attempts"] for fact in facts]


async def test_five_failures_in_a_row_open_the_breaker_and_the_rest_waits_unworn(desk: Desk) -> None:
    async with receiving(after_activation(REFUSED)) as receiver:
        post = await activate(desk, receiver)
        facts = await opened(post, 8)
        assert await post.deliver_as_if_time_had_passed() == 0, "retries wait as well"
        endpoint = await shown(post)
    assert (endpoint["breaker"], endpoint["consecutive_failures"]) == ("open", 5)
    assert timedelta(seconds=50) < endpoint["next_probe_at"] - datetime.now(UTC) <= timedelta(seconds=60)
    assert await attempts_of(post, facts) == [1, 1, 1, 1, 1, 0, 0, 0]


async def test_one_probe_goes_when_its_time_has_come_whoever_delivers(desk: Desk) -> None:
    async with receiving(after_activation(*[REFUSED] * 5, answer(500, after_s=0.3))) as receiver:
        post = await activate(desk, receiver)
        facts = await opened(post, 8)
        await probe_is_due(post)
        assert (await shown(post))["breaker"] == "open"
        other = Courier(desk.jobs, GuardedClient(ON_LOOPBACK, deadline_s=2), jitter=lambda: 0.0)
        assert await post.courier.claim() + await other.claim() == 1
        assert (await shown(post))["breaker"] == "probing"
        await asyncio.gather(*post.courier._under_way, *other._under_way)
        endpoint = await shown(post)
        assert await post.deliver() == 0
    assert (endpoint["breaker"], endpoint["consecutive_failures"]) == ("open", 6)
    assert timedelta(seconds=110) < endpoint["next_probe_at"] - datetime.now(UTC) <= timedelta(minutes=2)
    assert await attempts_of(post, facts) == [1, 1, 1, 1, 1, 1, 0, 0]


async def test_one_success_closes_the_breaker_and_what_waited_goes_in_order(desk: Desk) -> None:
    async with receiving(after_activation(*[REFUSED] * 5, answer(204))) as receiver:
        post = await activate(desk, receiver)
        facts = await opened(post, 9)
        await probe_is_due(post)
        assert await post.deliver() == 1
        endpoint = await shown(post)
        assert (endpoint["breaker"], endpoint["consecutive_failures"], endpoint["failing_since"]) == ("closed", 0, None)
        assert await post.deliver() == 3
        assert {sent.headers["webhook-id"] for sent in receiver.requests[6:]} == {str(fact) for fact in facts[5:]}
        assert receiver.requests[6].headers["webhook-id"] == str(facts[5]), "the probe is the first that waited"
        assert await post.deliver_as_if_time_had_passed() == 4
        assert await post.deliver_as_if_time_had_passed() == 1
    assert [(await post.delivery(fact))["status"] for fact in facts] == ["succeeded"] * 9


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_an_overloaded_receiver_slows_the_whole_endpoint(desk: Desk, status: int) -> None:
    async with receiving(after_activation(answer(status), answer(204))) as receiver:
        post = await activate(desk, receiver)
        await queue(post, 1)
        await post.deliver()
        await queue(post, 1)
        assert await post.deliver() == 0
        resting = (await post.endpoint())["not_before"] - datetime.now(UTC)
        assert timedelta() < resting <= timedelta(seconds=5)


async def test_a_success_in_between_starts_the_count_anew(desk: Desk) -> None:
    async with receiving(after_activation(*[REFUSED] * 4, answer(204), *[REFUSED] * 4, answer(204))) as receiver:
        post = await activate(desk, receiver)
        await queue(post, 10)
        while await post.deliver():
            pass
        assert len(receiver.requests) == 1 + 10
        assert (await shown(post))["breaker"] == "closed"


async def failing_for(post: Post, days: float) -> None:
    await post.desk.behind.execute(
        "UPDATE webhook_endpoint SET failing_since = now() - $2::interval WHERE id = $1",
        post.endpoint_id,
        timedelta(days=days),
    )


async def notices_in(desk: Desk, code: str) -> list[tuple[str, str]]:
    rows = await desk.behind.fetch(
        "SELECT type, payload::text FROM feed_entry WHERE agency_id = $1 AND type LIKE 'endpoint.%'"
        "   AND type <> 'endpoint.verification' ORDER BY sequence",
        desk.agency(code),
    )
    return [(row["type"], json.loads(row["payload"])["data"]["reason"]) for row in rows]


async def test_the_owner_is_told_on_days_one_and_five_and_the_endpoint_disabled_on_day_ten(desk: Desk) -> None:
    async with receiving(after_activation(REFUSED)) as receiver, receiving(challenged) as well:
        other = await activate(desk, well, "case.*")
        post = await activate(desk, receiver, "referral.*")
        await queue(post, 1)
        await post.deliver()
        for days, told in ((0.9, 0), (1.1, 1), (1.2, 0), (4.9, 0), (5.1, 1), (9, 0)):
            await failing_for(post, days)
            assert sum(await asyncio.gather(watch_endpoints(desk.jobs), watch_endpoints(desk.jobs))) == told, days
        await failing_for(post, 10)
        await probe_is_due(post)
        assert await post.deliver_as_if_time_had_passed() == 1
        while await desk.number():
            pass
        while await other.deliver():
            pass
        pushed = [json.loads(sent.body) for sent in well.requests[1:]]
        since = (await post.endpoint())["failing_since"]
    assert await notices_in(desk, UNION) == [("endpoint.failing", "failing")] * 2 + [("endpoint.disabled", "failing")]
    assert [event["type"] for event in pushed] == ["endpoint.failing", "endpoint.failing", "endpoint.disabled"]
    assert {event["subject"]["id"] for event in pushed} == {str(post.endpoint_id)}
    assert datetime.fromisoformat(pushed[-1]["data"]["since"]) == since
    assert pushed[-1]["data"]["to"] == "disabled"
    assert await notices_in(desk, LABOUR) == []


async def test_one_that_answered_again_is_told_of_anew(desk: Desk) -> None:
    async with receiving(after_activation(REFUSED, answer(204), REFUSED)) as receiver:
        post = await activate(desk, receiver, "referral.*")
        for _ in range(2):
            await queue(post, 1)
            await post.deliver()
            await failing_for(post, 2)
            assert await watch_endpoints(desk.jobs) == 1
            await post.deliver_as_if_time_had_passed()


async def test_an_endpoint_that_wants_no_order_gets_all_of_a_subject_at_once(desk: Desk) -> None:
    async with receiving(after_activation(answer(204))) as receiver:
        post = await activate(desk, receiver)
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            version = (await post.endpoint())["version"]
            changes = webhooks.Changes(ordering="none")
            await webhooks.change(tx, post.endpoint_id, changes, version=version, policy=ON_LOOPBACK)
        for _ in range(3):
            await post.record()
        assert await post.deliver() == 3


async def test_a_challenge_does_not_wait_for_what_gathered_about_the_endpoint(desk: Desk) -> None:
    async with receiving(challenged) as old, receiving(challenged) as new:
        post = await activate(desk, old)
        for changes in (webhooks.Changes(disable=True), webhooks.Changes(url=new.url)):
            async with open_transaction(desk.app, desk.callers[UNION]) as tx:
                version = (await post.endpoint())["version"]
                await webhooks.change(tx, post.endpoint_id, changes, version=version, policy=ON_LOOPBACK)
            await desk.number()
        await approved(desk, post.endpoint_id)
        await desk.number()
        assert await post.deliver() == 1
        assert (await post.endpoint())["status"] == "active"


async def test_endpoints_behind_one_host_and_port_share_sixteen_places_over_all_processes(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        for _ in range(4):
            await register(desk, receiver)
        await desk.number()
        while await post.deliver():
            pass
        receiver.answering = answer(204, after_s=0.2)
        await queue(post, 5)
        other = Courier(desk.jobs, GuardedClient(ON_LOOPBACK, deadline_s=2))
        assert sum([await post.courier.claim(), await other.claim()]) == 16, "of twenty for five endpoints"
        await asyncio.gather(*post.courier._under_way, *other._under_way)
        assert receiver.most_open <= 8, "four connections in each process"

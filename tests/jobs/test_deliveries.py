"""From a committed fact to a receiver that verifies it: at least once, in order, and never to whom has not agreed."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from standardwebhooks.webhooks import Webhook

from actions import webhooks
from crypto.ids import new_id
from crypto.webhooks import WebhookKeys, parse_public_text, verify
from db.queries.deliveries import Attempt, attempts_of, claim_due, finish_attempt
from db.transaction import open_system_transaction, open_transaction
from jobs.deliveries import Courier, kept_answer
from outbound.http import GuardedClient, Reply
from rules.retries import SCHEDULE
from rules.selections import Selection
from tests.jobs.desk import UNION, Desk
from tests.jobs.waiting import eventually
from tests.outbound.receivers import ON_LOOPBACK, Answering, Receiver, Sent, answer, in_turn, receiving


async def challenged(receiver: Receiver, sent: Sent, writer: asyncio.StreamWriter) -> None:
    """Answers a challenge as a careful receiver does, and 204 to everything else."""
    body = json.loads(sent.body)
    if body["type"] == "endpoint.verification":
        await answer(200, json.dumps({"challenge": body["data"]["challenge"]}).encode())(receiver, sent, writer)
    else:
        await answer(204)(receiver, sent, writer)


def after_activation(*answers: Answering) -> Answering:
    """Answers the challenge, then in turn."""
    return in_turn(challenged, *answers)


@dataclass(frozen=True, slots=True)
class Post:
    """An endpoint of the union at a receiver, and who delivers to it."""

    desk: Desk
    courier: Courier
    receiver: Receiver
    endpoint_id: UUID
    keys: WebhookKeys

    async def record(self) -> UUID:
        """A fact about the union's one subject, numbered."""
        fact = await self.desk.record(UNION)
        await self.desk.number()
        return fact

    async def deliver(self) -> int:
        return await self.courier.deliver_due()

    async def deliver_as_if_time_had_passed(self) -> int:
        await self.desk.behind.execute(
            "UPDATE delivery SET due_at = now() WHERE due_at > now() AND lease_token IS NULL"
        )
        return await self.courier.deliver_due()

    async def endpoint(self) -> asyncpg.Record:
        row = await self.desk.behind.fetchrow("SELECT * FROM webhook_endpoint WHERE id = $1", self.endpoint_id)
        assert row is not None
        return row

    async def delivery(self, fact: UUID) -> asyncpg.Record:
        row = await self.desk.behind.fetchrow("SELECT * FROM delivery WHERE event_id = $1", fact)
        assert row is not None
        return row

    def received(self, fact: UUID) -> list[Sent]:
        return [sent for sent in self.receiver.requests if sent.headers["webhook-id"] == str(fact)]


async def register(desk: Desk, receiver: Receiver, *types: str) -> Post:
    async with open_transaction(desk.app, desk.callers[UNION]) as tx:
        shown = await webhooks.register(tx, url=receiver.url, selection=Selection(types or ("*",)), policy=ON_LOOPBACK)
    assert shown.keys is not None
    courier = Courier(desk.jobs, GuardedClient(ON_LOOPBACK, deadline_s=2), jitter=lambda: 0.0)
    return Post(desk, courier, receiver, shown.endpoint["id"], shown.keys)


async def approved(desk: Desk, endpoint_id: UUID) -> None:
    """Lets the new URL of an endpoint stand, as if somebody else had proposed it."""
    proposed = "UPDATE webhook_endpoint SET proposed_by = gen_random_uuid() WHERE id = $1 RETURNING version"
    version = await desk.behind.fetchval(proposed, endpoint_id)
    async with open_transaction(desk.app, desk.callers[UNION]) as tx:
        await webhooks.approve_url(tx, endpoint_id, version=version)


async def activate(desk: Desk, receiver: Receiver, *types: str) -> Post:
    post = await register(desk, receiver, *types)
    await desk.number()
    await post.deliver()
    assert (await post.endpoint())["status"] == "active"
    return post


async def test_an_endpoint_is_activated_by_answering_a_signed_challenge_and_gets_nothing_before(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await register(desk, receiver)
        await post.record()
        assert (await post.endpoint())["status"] == "pending"
        await post.deliver()
        assert [json.loads(sent.body)["type"] for sent in receiver.requests] == ["endpoint.verification"]
        assert (await post.endpoint())["status"] == "active"
        fact = await post.record()
        await post.deliver()
        assert len(post.received(fact)) == 1
        assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    "wrong", [answer(200, b'{"challenge": "x"}'), answer(200), answer(200, b"[" * 9000), answer(204), answer(500)]
)
async def test_no_other_answer_activates(desk: Desk, wrong: Answering) -> None:
    async with receiving(wrong) as receiver:
        post = await register(desk, receiver)
        await desk.number()
        await post.deliver()
        endpoint = await post.endpoint()
    assert endpoint["status"] == "pending"
    assert len(receiver.requests) == 1


async def test_the_feed_has_the_same_event_without_the_challenge(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        await activate(desk, receiver)
        pushed = json.loads(receiver.requests[0].body)
    pulled = json.loads(
        await desk.behind.fetchval("SELECT payload FROM feed_entry WHERE type = 'endpoint.verification'")
    )
    challenge = pushed["data"].pop("challenge")
    assert pushed == pulled
    assert challenge not in json.dumps(pulled)


async def test_both_signatures_verify_and_another_librarys_verifier_agrees(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        fact = await post.record()
        await post.deliver()
        sent = post.received(fact)[0]
    signature = sent.headers["webhook-signature"]
    for secret, public in ((post.keys.secret, None), (None, parse_public_text(post.keys.public_text))):
        assert verify(
            message_id=sent.headers["webhook-id"],
            timestamp_text=sent.headers["webhook-timestamp"],
            signature_header=signature,
            body=sent.body,
            now=int(time.time()),
            secret=secret,
            public_key=public,
        )
    assert Webhook(base64.b64encode(post.keys.secret).decode()).verify(sent.body, sent.headers)
    assert json.loads(sent.body)["id"] == str(fact)
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["tongli-event-type"] == "referral.requested"
    assert sent.headers["tongli-sequence"] == str(json.loads(sent.body)["sequence"])
    assert (sent.headers["tongli-attempt"], sent.headers["tongli-replay"]) == ("1", "false")


async def test_a_failed_delivery_is_tried_again_under_the_same_id(desk: Desk) -> None:
    async with receiving(after_activation(answer(500), answer(302), answer(200))) as receiver:
        post = await activate(desk, receiver)
        fact = await post.record()
        for expected in (SCHEDULE[1], SCHEDULE[2]):
            before = datetime.now(UTC)
            assert await post.deliver_as_if_time_had_passed() == 1
            delivery = await post.delivery(fact)
            assert delivery["status"] == "pending"
            assert expected <= delivery["due_at"] - before < expected + timedelta(seconds=2)
            assert await post.deliver() == 0
        assert (await post.endpoint())["failing_since"] is not None
        assert await post.deliver_as_if_time_had_passed() == 1
    assert [sent.headers["tongli-attempt"] for sent in post.received(fact)] == ["1", "2", "3"]
    assert (await post.delivery(fact))["status"] == "succeeded"
    assert (await post.endpoint())["failing_since"] is None
    attempts = await desk.behind.fetch("SELECT * FROM delivery_attempt ORDER BY delivery_id, number")
    assert [(row["outcome"], row["status_code"]) for row in attempts[1:]] == [
        ("refused", 500),
        ("refused", 302),
        ("delivered", 200),
    ]


async def test_after_the_last_attempt_a_delivery_is_dead_and_visible(desk: Desk) -> None:
    async with receiving(after_activation(answer(500))) as receiver:
        post = await activate(desk, receiver)
        fact = await post.record()
        await desk.behind.execute("UPDATE delivery SET attempts = 16 WHERE event_id = $1", fact)
        await post.deliver()
        delivery = await post.delivery(fact)
    assert (delivery["status"], delivery["attempts"], delivery["due_at"]) == ("dead", 17, None)
    assert delivery["finished_at"] is not None


async def test_410_disables_and_what_gathers_follows_when_the_endpoint_is_enabled_again(desk: Desk) -> None:
    async with receiving(after_activation(answer(410), answer(200))) as receiver:
        post = await activate(desk, receiver)
        first = await post.record()
        await post.deliver()
        endpoint = await post.endpoint()
        assert (endpoint["status"], endpoint["status_reason"]) == ("disabled", "gone")
        second = await post.record()
        assert await post.deliver_as_if_time_had_passed() == 0
        assert (await post.delivery(first))["due_at"] is None
        types = [row["type"] for row in await desk.behind.fetch("SELECT type FROM feed_entry ORDER BY sequence")]
        assert "endpoint.disabled" in types
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            await webhooks.enable(tx, post.endpoint_id)
        while await post.deliver():
            pass
    assert len(post.received(first)) == 2
    assert len(post.received(second)) == 1
    assert (await post.delivery(second))["status"] == "succeeded"


async def test_ten_days_of_nothing_but_failures_disable(desk: Desk) -> None:
    async with receiving(after_activation(answer(500))) as receiver:
        post = await activate(desk, receiver)
        await post.record()
        await desk.behind.execute("UPDATE webhook_endpoint SET failing_since = now() - interval '10 days'")
        await post.deliver()
        endpoint = await post.endpoint()
    assert (endpoint["status"], endpoint["status_reason"]) == ("disabled", "failing")
    leaf = await desk.behind.fetchrow("SELECT * FROM audit_leaf WHERE principal_kind = 'system'")
    assert leaf is not None
    assert leaf["action"] == "webhook_endpoint.disable"
    assert json.loads(leaf["facts"]) == {"reason": "failing"}


async def test_a_receiver_that_asks_for_time_gets_it(desk: Desk) -> None:
    throttled = answer(503, headers="retry-after: 3600\r\n")
    async with receiving(after_activation(throttled, answer(200))) as receiver:
        post = await activate(desk, receiver)
        first = await post.record()
        before = datetime.now(UTC)
        await post.deliver()
        await post.record()
        assert await post.deliver() == 0, "the endpoint as a whole is left alone"
        due = (await post.delivery(first))["due_at"]
    assert timedelta(minutes=59) < due - before < timedelta(minutes=61)
    assert len(receiver.requests) == 2


async def test_first_deliveries_of_a_subject_are_in_order(desk: Desk) -> None:
    """The second waits for the first attempt of the first, not for its success."""
    async with receiving(after_activation(answer(500), answer(200))) as receiver:
        post = await activate(desk, receiver)
        first, second = await post.record(), await post.record()
        assert await post.deliver() == 1
        assert [len(post.received(fact)) for fact in (first, second)] == [1, 0]
        assert await post.deliver() == 1
        assert [len(post.received(fact)) for fact in (first, second)] == [1, 1]


async def test_at_most_four_go_to_one_endpoint_at_a_time_over_all_processes(desk: Desk) -> None:
    async with receiving(after_activation(answer(204, after_s=0.2))) as receiver:
        post = await activate(desk, receiver)
        for _ in range(9):
            await desk.record(UNION, subject=uuid4())
        await desk.number()
        other = Courier(desk.jobs, GuardedClient(ON_LOOPBACK, deadline_s=2))
        claimed = await asyncio.gather(post.courier.deliver_due(), other.deliver_due())
        assert sum(claimed) == 4
        assert receiver.most_open == 4


async def test_a_courier_that_dies_loses_nothing(desk: Desk) -> None:
    """It claims, commits and is never heard of again; the lease runs out and another sends under the same id."""
    async with receiving(after_activation(answer(204))) as receiver:
        post = await activate(desk, receiver)
        fact = await post.record()
        dying = Courier(desk.jobs, GuardedClient(ON_LOOPBACK), lease_for=timedelta(milliseconds=300))
        assert await dying.claim() == 1
        for task in dying._under_way:
            task.cancel()
        assert await post.deliver() == 0, "leased"
        await asyncio.sleep(0.35)
        assert await post.deliver() == 1
        assert len(post.received(fact)) == 1
    assert (await post.delivery(fact))["status"] == "succeeded"


async def test_an_outcome_under_a_lost_lease_is_not_recorded(desk: Desk) -> None:
    async with receiving(after_activation(answer(500, after_s=0.5), answer(204))) as receiver:
        post = await activate(desk, receiver)
        fact = await post.record()
        slow = Courier(desk.jobs, GuardedClient(ON_LOOPBACK), lease_for=timedelta(milliseconds=100))
        sending = asyncio.create_task(slow.deliver_due())
        await asyncio.sleep(0.3)
        assert await post.deliver() == 1
        await sending
        delivery = await post.delivery(fact)
    assert (delivery["status"], delivery["attempts"]) == ("succeeded", 1)
    assert (
        await desk.behind.fetchval("SELECT count(*) FROM delivery_attempt WHERE delivery_id = $1", delivery["id"]) == 1
    )
    assert {sent.headers["webhook-id"] for sent in receiver.requests[1:]} == {str(fact)}


async def test_stopping_ends_soon_and_gives_leases_back(desk: Desk) -> None:
    async with receiving(after_activation(answer(204, after_s=30))) as receiver:
        post = await activate(desk, receiver)
        fact = await post.record()
        stop = asyncio.Event()
        running = asyncio.create_task(Courier(desk.jobs, GuardedClient(ON_LOOPBACK)).run(stop))

        async def arrived() -> bool:
            return bool(post.received(fact))

        await eventually(arrived)
        stop.set()
        async with asyncio.timeout(4):
            await running
        delivery = await post.delivery(fact)
    assert delivery["lease_token"] is None
    assert delivery["due_at"] <= datetime.now(UTC)


async def test_only_types_asked_for_are_sent(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver, "case.*", "report.received")
        await post.record()
        assert await post.deliver() == 0
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            await webhooks.change(
                tx,
                post.endpoint_id,
                webhooks.Changes(types=["referral.*"]),
                version=(await post.endpoint())["version"],
                policy=ON_LOOPBACK,
            )
        fact = await post.record()
        assert await post.deliver() == 1
        assert len(post.received(fact)) == 1


async def test_a_new_secret_signs_beside_the_old_one(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            rotated = await webhooks.rotate_secret(tx, post.endpoint_id)
        fact = await post.record()
        await post.deliver()
        sent = post.received(fact)[0]
    assert rotated.keys is not None
    assert len(sent.headers["webhook-signature"].split(" ")) == 4
    for secret in (post.keys.secret, rotated.keys.secret):
        assert Webhook(base64.b64encode(secret).decode()).verify(sent.body, sent.headers)


async def test_a_new_url_gets_what_gathered_only_after_it_has_answered(desk: Desk) -> None:
    async with receiving(challenged) as old, receiving(challenged) as new:
        post = await activate(desk, old)
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            version = (await post.endpoint())["version"]
            changes = webhooks.Changes(url=new.url)
            await webhooks.change(tx, post.endpoint_id, changes, version=version, policy=ON_LOOPBACK)
        await approved(desk, post.endpoint_id)
        fact = await post.record()
        await post.deliver()
        assert [json.loads(sent.body)["type"] for sent in new.requests] == ["endpoint.verification"]
        await post.deliver()
        assert str(fact) in [sent.headers["webhook-id"] for sent in new.requests[1:]]
        assert len(old.requests) == 1


async def test_an_agency_that_is_suspended_gets_nothing_until_it_is_back(desk: Desk) -> None:
    async with receiving(challenged) as receiver:
        post = await activate(desk, receiver)
        await post.record()
        await desk.behind.execute("UPDATE agency SET status = 'suspended' WHERE id = $1", desk.agency(UNION))
        assert await post.deliver() == 0
        await desk.behind.execute("UPDATE agency SET status = 'active' WHERE id = $1", desk.agency(UNION))
        assert await post.deliver() == 1


@pytest.mark.parametrize(
    ("body", "public", "kept"),
    [
        (b"no such hook", True, "no such hook"),
        (b"no such hook", False, None),
        (b"", True, None),
        (b" \r\n", True, None),
        ("拒".encode() * 400, True, "拒" * 341),
        (b"a\x00b\x1b[31m\xff", True, "a b [31m"),
    ],
)
def test_the_beginning_of_an_answer_is_kept_of_the_open_internet_alone(
    body: bytes, public: bool, kept: str | None
) -> None:
    assert kept_answer(Reply(500, {}, body, public=public)) == kept


async def test_an_attempt_keeps_its_answer_and_one_in_a_listed_network_none(desk: Desk) -> None:
    async with receiving(after_activation(answer(500, b"what the network holds"))) as receiver:
        post = await activate(desk, receiver)
        await post.record()
        await post.deliver()
        assert await desk.behind.fetch("SELECT FROM delivery_attempt WHERE answer IS NOT NULL") == []
        await desk.behind.execute("UPDATE delivery SET due_at = now() WHERE status = 'pending'")
        async with open_system_transaction(desk.jobs) as raw:
            (row,) = await claim_due(raw, lease=new_id(), lease_for=timedelta(seconds=9), limit=1, per_endpoint=1)
            assert row["verified"]
            attempt = Attempt(datetime.now(UTC), 3, "refused", 500, "no such hook")
            assert await finish_attempt(raw, row["id"], row["lease_token"], attempt, status="dead")
        async with open_transaction(desk.app, desk.callers[UNION]) as tx:
            assert [one["answer"] for one in await attempts_of(tx, row["id"])] == [None, "no such hook"]

"""What an operator sees of feed and webhooks, and that it names nobody."""

from contextlib import suppress

import httpx

from bench.events_stage import Place, jobs_at
from bench.stage import free_port
from crypto.keys import Keyring
from jobs.metrics import measure, metrics_at
from tests.jobs.desk import UNION, Desk
from tests.jobs.test_deliveries import activate, after_activation
from tests.jobs.waiting import eventually
from tests.outbound.receivers import answer, receiving


async def shown(desk: Desk) -> dict[str, float]:
    """Name with labels → value, as /metrics has them."""
    await measure(desk.jobs)
    with metrics_at("127.0.0.1", 0) as port:
        async with httpx.AsyncClient(trust_env=False) as http:
            text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("tongli_")]
    return {name: float(value) for name, _, value in lines}


async def test_the_lag_of_the_feed_is_seen_until_everything_is_numbered(desk: Desk) -> None:
    await desk.number()
    assert (await shown(desk))["tongli_feed_unnumbered_events"] == 0
    await desk.record(UNION)
    behind = await shown(desk)
    assert behind["tongli_feed_unnumbered_events"] == 1
    assert behind["tongli_feed_oldest_unnumbered_seconds"] > 0
    await desk.number()
    after = await shown(desk)
    assert (after["tongli_feed_unnumbered_events"], after["tongli_feed_oldest_unnumbered_seconds"]) == (0, 0)


async def test_what_waits_what_was_tried_and_how_endpoints_stand_is_seen(desk: Desk) -> None:
    async with receiving(after_activation(answer(500), answer(204))) as receiver:
        post = await activate(desk, receiver)
        before = await shown(desk)
        assert before['tongli_webhook_endpoints{state="active"}'] == 1
        assert before["tongli_webhook_oldest_undelivered_seconds"] == 0
        await post.record()
        await post.deliver()
        failed = await shown(desk)
        assert failed["tongli_webhook_oldest_undelivered_seconds"] > 0
        assert failed['tongli_webhook_endpoints{state="active"}'] == 0
        assert failed['tongli_webhook_endpoints{state="failing"}'] == 1
        await post.deliver_as_if_time_had_passed()
        done = await shown(desk)
    assert _gained(before, failed, "refused") == 1
    assert _gained(failed, done, "delivered") == 1
    assert done["tongli_webhook_oldest_undelivered_seconds"] == 0
    assert not [name for name in done if str(post.endpoint_id) in name or str(desk.agency(UNION)) in name]


async def test_nobody_listening_is_counted_as_a_failure_of_its_own(desk: Desk) -> None:
    async with receiving(after_activation(answer(204))) as receiver:
        post = await activate(desk, receiver)
    before = await shown(desk)
    await post.record()
    await post.deliver()
    assert _gained(before, await shown(desk), "unreachable") == 1


def _gained(before: dict[str, float], after: dict[str, float], outcome: str) -> float:
    name = f'tongli_webhook_attempts_total{{outcome="{outcome}"}}'
    return after.get(name, 0) - before.get(name, 0)


async def test_the_jobs_serve_them_where_a_port_is_set(desk: Desk, keyring: Keyring) -> None:
    port = free_port()
    place, where = Place(desk.url, keyring), {"TONGLI_JOBS_METRICS_PORT": str(port)}

    async def served() -> str:
        async with httpx.AsyncClient(trust_env=False) as http:
            with suppress(httpx.ConnectError):
                return (await http.get(f"http://127.0.0.1:{port}/metrics")).text
        return ""

    async with jobs_at(place, where) as jobs:
        text = await eventually(served, within_s=30)
        assert "tongli_feed_unnumbered_events" in text
        async with jobs_at(place, where) as second:
            assert second.process is not None
            assert await second.process.wait() == 1, "the port is taken"
        await jobs.stop()

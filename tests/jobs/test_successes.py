"""Successes recorded together are each recorded as if they had been alone."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from actions.deliveries import Leased, Met
from db.queries.deliveries import Attempt, claim_due
from db.transaction import open_system_transaction
from jobs.successes import Successes
from tests.jobs.desk import UNION, Desk
from tests.jobs.test_deliveries import activate, challenged
from tests.outbound.receivers import receiving

FACTS = 4


async def claimed(desk: Desk) -> list[Leased]:
    """Deliveries of an active endpoint that somebody has claimed and not yet sent."""
    async with receiving(challenged) as receiver:
        await activate(desk, receiver)
    for _ in range(FACTS):
        await desk.record(UNION, subject=uuid4())
    await desk.number()
    async with open_system_transaction(desk.jobs) as raw:
        rows = await claim_due(raw, lease=uuid4(), lease_for=timedelta(minutes=1), limit=9, per_endpoint=FACTS)
    assert len(rows) == FACTS
    return [
        Leased(row["id"], row["lease_token"], row["endpoint_id"], row["event_type"], row["attempts"], row["failing"])
        for row in rows
    ]


def success(answer: str | None = None) -> Met:
    return Met(Attempt(datetime.now(UTC), 3, "delivered", 204, answer))


async def statuses(desk: Desk, leased: list[Leased]) -> list[tuple[str, int]]:
    """Status and recorded attempts of each."""
    ids: list[UUID] = [one.delivery_id for one in leased]
    rows = await desk.behind.fetch(
        "SELECT d.status, (SELECT count(*) FROM delivery_attempt a WHERE a.delivery_id = d.id) AS attempts"
        "  FROM unnest($1::uuid[]) WITH ORDINALITY asked (id, place) JOIN delivery d USING (id) ORDER BY place",
        ids,
    )
    return [(row["status"], row["attempts"]) for row in rows]


async def test_many_at_once_are_recorded_each_with_its_attempt(desk: Desk) -> None:
    leased = await claimed(desk)
    successes = Successes(desk.jobs)
    kept = await asyncio.gather(*(successes.record(one, success()) for one in leased))
    assert kept == [True] * FACTS
    assert await statuses(desk, leased) == [("succeeded", 1)] * FACTS


async def test_a_lost_lease_among_them_records_nothing_and_is_said(desk: Desk) -> None:
    leased = await claimed(desk)
    await desk.behind.execute("UPDATE delivery SET lease_token = $2 WHERE id = $1", leased[1].delivery_id, uuid4())
    successes = Successes(desk.jobs)
    kept = await asyncio.gather(*(successes.record(one, success()) for one in leased))
    assert kept == [True, False, True, True]
    assert (await statuses(desk, leased))[1] == ("pending", 0)


async def test_one_that_cannot_be_recorded_takes_no_other_along(desk: Desk) -> None:
    leased = await claimed(desk)
    successes = Successes(desk.jobs)
    unstorable = success("a NUL \x00 is no text")
    mets = [success(), success(), unstorable, success()]
    kept = await asyncio.gather(*map(successes.record, leased, mets), return_exceptions=True)
    assert isinstance(kept[2], Exception)
    assert [one for one in kept if one is True] == [True] * 3
    assert [status for status, _ in await statuses(desk, leased)] == ["succeeded", "succeeded", "pending", "succeeded"]


async def test_what_was_given_is_recorded_though_nobody_waits_for_it_any_more(desk: Desk) -> None:
    leased = await claimed(desk)
    successes = Successes(desk.jobs)
    waiting = [asyncio.create_task(successes.record(one, success())) for one in leased]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await successes.finish()
    assert await statuses(desk, leased) == [("succeeded", 1)] * FACTS

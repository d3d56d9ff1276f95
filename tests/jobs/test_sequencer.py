"""No committed fact is lost or told twice, whatever dies when; each agency's numbers have no gap."""

import asyncio
import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from actions.events import record_event
from db.queries.events import take_turn
from db.transaction import Tx, open_system_transaction, open_transaction
from jobs.sequencer import number_events, run_sequencer
from tests.jobs.desk import LABOUR, MEDICAL, UNION, Desk
from tests.jobs.waiting import eventually


async def test_a_fact_reaches_its_parties_and_nobody_else(desk: Desk) -> None:
    fact = await desk.record(UNION, others=[LABOUR])
    await desk.number()
    assert await desk.event_ids(UNION) == [fact]
    assert await desk.event_ids(LABOUR) == [fact]
    assert await desk.event_ids(MEDICAL) == []


async def test_a_fact_committed_late_with_a_lower_position_is_told(desk: Desk) -> None:
    """The late-commit probe: a reader polling `position > last` would never see the first one."""
    async with open_transaction(desk.app, desk.callers[UNION]) as slow:
        late = _record_now(slow, desk)
        await slow.write_gathered()
        early = await desk.record(UNION)
        await desk.number()
        assert await desk.event_ids(UNION) == [early]
        positions = await _positions(desk)
        assert set(positions) == {early}, "the late one is not committed yet"
    await desk.number()
    assert await desk.event_ids(UNION) == [early, late]
    assert (await _positions(desk))[late] < (await _positions(desk))[early]


async def test_two_sequencers_at_once_leave_no_gap_and_tell_nothing_twice(desk: Desk) -> None:
    stop = asyncio.Event()
    sequencers = [asyncio.create_task(run_sequencer(desk.jobs, stop)) for _ in range(2)]

    async def write(code: str) -> list[UUID]:
        return [await desk.record(code, others=[MEDICAL]) for _ in range(25)]

    recorded = await asyncio.gather(*(write(code) for code in (UNION, LABOUR, UNION, LABOUR)))

    async def all_told() -> bool:
        return len(await desk.sequences(MEDICAL)) == 100

    await eventually(all_told, within_s=10)
    stop.set()
    await asyncio.gather(*sequencers)
    for code, count in ((UNION, 50), (LABOUR, 50), (MEDICAL, 100)):
        assert await desk.sequences(code) == list(range(1, count + 1))
    assert sorted(await desk.event_ids(MEDICAL)) == sorted(fact for facts in recorded for fact in facts)


async def test_while_one_numbers_no_other_does_and_then_nothing_is_left_to_do(desk: Desk) -> None:
    fact = await desk.record(UNION)
    async with open_system_transaction(desk.jobs) as first:
        assert await take_turn(first)
        await number_events(first)
        async with open_system_transaction(desk.jobs) as second:
            assert not await take_turn(second)
    assert await desk.number() == 0
    assert await desk.event_ids(UNION) == [fact]


@pytest.mark.parametrize("table", ["feed_head", "webhook_endpoint", "event"])
async def test_a_sequencer_killed_between_its_steps_has_done_nothing(desk: Desk, table: str) -> None:
    """A lock makes it stand still before numbering, before the deliveries, or before marking; then its session dies."""
    before = await desk.record(UNION)
    await _add_endpoint(desk)
    await desk.number()
    fact = await desk.record(UNION)
    async with desk.behind.transaction():
        await desk.behind.execute(f'SELECT * FROM "{table}" FOR UPDATE')
        dying = asyncio.create_task(_number_until_it_dies(desk))
        await _kill_whoever_waits(desk)
        assert isinstance(await dying, asyncpg.PostgresError | asyncpg.InterfaceError)
    assert await desk.event_ids(UNION) == [before]
    await desk.number()
    assert await desk.event_ids(UNION) == [before, fact]
    assert await desk.sequences(UNION) == [1, 2]
    assert await desk.behind.fetchval("SELECT count(*) FROM delivery") == 2


async def test_a_pool_learns_that_it_happened_but_not_who_or_what(desk: Desk) -> None:
    await desk.record(UNION, others=[LABOUR], pool=[MEDICAL])
    await desk.number()
    own, whole, thin = [await _payload(desk, code) for code in (UNION, LABOUR, MEDICAL)]
    assert own["correlation_id"] == "test-request"
    assert whole["correlation_id"] is None
    assert whole["actor_agency"] == str(desk.agency(UNION))
    assert whole["data"] == {"from": "draft", "to": "requested", "changed": ["status"]}
    assert thin["actor_agency"] is None
    assert thin["correlation_id"] is None
    assert thin["data"]["changed"] == []
    assert thin["id"] == whole["id"]
    assert thin["subject"]["href"] == f"/v1/referrals/{desk.agency(UNION)}"
    assert str(whole["timestamp"]).endswith("Z")


async def test_a_fact_of_a_type_this_version_does_not_know_waits_and_stops_nobody(desk: Desk) -> None:
    await desk.behind.execute(
        "INSERT INTO event (id, type, subject_type, subject_id, subject_version, actor_agency_id, parties,"
        "                   correlation_id, data, occurred_at) "
        "SELECT first_id_at(now()), 'moon.landed', 'moon', $1, 1, $1, '{}', 'x', '{}', now()",
        desk.agency(UNION),
    )
    fact = await desk.record(UNION)
    await desk.number()
    assert await desk.event_ids(UNION) == [fact]
    waiting = await desk.behind.fetch("SELECT type FROM event WHERE numbered_at IS NULL")
    assert [row["type"] for row in waiting] == ["moon.landed"]


async def test_a_party_that_is_no_agency_stops_nobody(desk: Desk) -> None:
    fact = await desk.record(UNION)
    await desk.behind.execute(
        "UPDATE event SET parties = parties || jsonb_build_object(gen_random_uuid()::text, '[\"addressee\"]'::jsonb)"
        " WHERE id = $1",
        fact,
    )
    await desk.number()
    assert await desk.event_ids(UNION) == [fact]


def _record_now(tx: Tx, desk: Desk) -> UUID:
    return record_event(
        tx,
        "referral.requested",
        subject_type="referral",
        subject_id=desk.agency(UNION),
        version=1,
        case_id=None,
        parties={"sender": desk.agency(UNION)},
    )


async def _positions(desk: Desk) -> dict[UUID, int]:
    return {row["id"]: row["position"] for row in await desk.behind.fetch("SELECT id, position FROM event")}


async def _payload(desk: Desk, code: str) -> dict[str, Any]:
    text = await desk.behind.fetchval("SELECT payload FROM feed_entry WHERE agency_id = $1", desk.agency(code))
    payload: dict[str, Any] = json.loads(text)
    return payload


async def _add_endpoint(desk: Desk) -> None:
    await desk.behind.execute(
        "INSERT INTO webhook_endpoint (id, agency_id, url, types, status, keys, public_key, challenge, activated_at,"
        "                              created_at, version) "
        "VALUES (gen_random_uuid(), $1, 'https://a.example/', '{*}', 'active', '', '', '', now(), now(), 1)",
        desk.agency(UNION),
    )


async def _number_until_it_dies(desk: Desk) -> BaseException | None:
    try:
        async with open_system_transaction(desk.jobs) as raw:
            assert await take_turn(raw)
            await number_events(raw)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return error
    return None


async def _kill_whoever_waits(desk: Desk) -> None:
    """Ends the session of tongli_jobs that waits for a lock, seen from another session."""
    watcher = await asyncpg.connect(desk.url)

    async def killed() -> int:
        return int(
            await watcher.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                " WHERE usename = 'tongli_jobs' AND datname = current_database() AND wait_event_type = 'Lock'"
            )
        )

    try:
        await eventually(killed, within_s=1.9)  # before the lock's own timeout ends it
    finally:
        await watcher.close()

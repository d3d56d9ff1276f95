"""All jobs together: from commit to receiver without a hand, an end within seconds, another try after a failure."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest

from db.engine import Database, open_database
from db.listening import FEED, Listener
from jobs.housekeeping import tidy
from jobs.main import keep_running, run_jobs
from settings import Settings
from tests.jobs.desk import LABOUR, UNION, Desk
from tests.jobs.test_deliveries import challenged, register
from tests.jobs.waiting import eventually
from tests.outbound.receivers import receiving


async def test_an_event_reaches_a_receiver_within_a_second_or_so_of_its_commit(desk: Desk, settings: Settings) -> None:
    stop = asyncio.Event()
    async with receiving(challenged) as receiver:
        jobs = asyncio.create_task(run_jobs(desk.jobs, settings, stop))
        post = await register(desk, receiver)

        async def active() -> bool:
            return bool((await post.endpoint())["status"] == "active")

        await eventually(active)
        fact = await desk.record(UNION)

        async def arrived() -> bool:
            return bool(post.received(fact))

        await eventually(arrived, within_s=20)
        stop.set()
        async with asyncio.timeout(5):
            await jobs
    assert json.loads(post.received(fact)[0].body)["id"] == str(fact)


async def test_a_job_that_fails_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.main.FIRST_PAUSE_S", 0.01)
    stop, runs = asyncio.Event(), 0

    async def stumble(stopping: asyncio.Event) -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise RuntimeError("no matter what")
        stopping.set()

    async with asyncio.timeout(2):
        await keep_running("stumbling", stumble, stop)
    assert runs == 3


async def test_what_was_kept_long_enough_is_forgotten_and_nothing_else(desk: Desk) -> None:
    await desk.record(UNION, others=[LABOUR])
    await desk.record(UNION, others=[LABOUR])
    await desk.number()
    await desk.behind.execute("UPDATE feed_entry SET numbered_at = now() - interval '91 days' WHERE sequence = 1")
    agency, client = desk.agency(UNION), desk.callers[UNION].client_id
    for age in ("13 days", "15 days"):
        await desk.behind.execute(
            "INSERT INTO idempotency_record (agency_id, key_hash, fingerprint, created_at) "
            "VALUES ($1, $2, '', now() - $3::text::interval)",
            agency,
            age.encode(),
            age,
        )
    for age in ("1 minute", "1 hour"):
        await desk.behind.execute(
            "INSERT INTO client_assertion (client_id, token_id, expires_at) "
            "VALUES ($1, $2::text, now() - $2::text::interval)",
            client,
            age,
        )
    assert await tidy(desk.jobs) == 4
    assert await desk.sequences(UNION) == [2]
    assert await desk.sequences(LABOUR) == [2]
    kept = await desk.behind.fetch("SELECT key_hash FROM idempotency_record")
    assert [bytes(row["key_hash"]) for row in kept] == [b"13 days"]
    assert await desk.behind.fetchval("SELECT token_id FROM client_assertion") == "1 minute"


async def test_ends_of_sign_in_are_forgotten_later_than_they_could_matter(desk: Desk) -> None:
    """A used code or refresh token is known for as long as its device might live: a second use ends that."""
    await desk.behind.execute(_SIGN_INS, desk.agency(UNION))
    assert await tidy(desk.jobs) == 5
    kept = await desk.behind.fetch(
        "SELECT 'code' AS what, convert_from(code_hash, 'UTF8') AS age FROM sign_in_code "
        "UNION ALL SELECT 'token', convert_from(token_hash, 'UTF8') FROM refresh_token "
        "UNION ALL SELECT 'device', name FROM device "
        "UNION ALL SELECT 'try', convert_from(key_hash, 'UTF8') FROM sign_in_attempt"
    )
    assert {(row["what"], row["age"]) for row in kept} == {
        ("code", "7 days"),
        ("token", "7 days"),
        ("device", "7 days"),
        ("device", "9 days"),
        ("try", "10 minutes"),
    }


_SIGN_INS = """
WITH who AS (SELECT id, agency_id FROM staff WHERE agency_id = $1 LIMIT 1),
app AS (INSERT INTO app_client VALUES (gen_random_uuid(), 'tidy', '{}', '{}', 'active', now()) RETURNING id),
phone AS (
    INSERT INTO device (id, agency_id, staff_id, app_id, name, client, scopes, auth_time, second_factor, created_at,
                        seen_at, expires_at)
    SELECT gen_random_uuid(), agency_id, who.id, app.id, age, 'other', '{}', now(), false, now(), now(),
           now() - age::interval FROM who, app, unnest('{7 days,9 days,31 days}'::text[]) age RETURNING id, name),
token AS (
    INSERT INTO refresh_token (token_hash, agency_id, device_id, expires_at)
    SELECT convert_to(phone.name, 'UTF8'), agency_id, phone.id, now() - phone.name::interval FROM who, phone),
code AS (
    INSERT INTO sign_in_code (code_hash, agency_id, staff_id, app_id, redirect_uri, challenge, scopes, second_factor,
                              created_at)
    SELECT convert_to(age, 'UTF8'), agency_id, who.id, app.id, 'x', 'x', '{}', false, now() - age::interval
      FROM who, app, unnest('{7 days,9 days}'::text[]) age)
INSERT INTO sign_in_attempt
SELECT convert_to(age, 'UTF8'), now() - age::interval, 1 FROM unnest('{10 minutes,2 hours}'::text[]) age"""


async def test_partitions_are_made_ahead(desk: Desk) -> None:
    await tidy(desk.jobs)
    ahead = await desk.behind.fetchval(
        "SELECT to_regclass('event_' || to_char((now() AT TIME ZONE 'UTC') + interval '3 months', 'YYYYMM'))"
    )
    assert ahead is not None


@pytest.fixture
async def listener(desk: Desk) -> Listener:
    return Listener(desk.app, FEED, poll_s=0.2)


async def test_a_waiter_is_woken_by_its_own_topic_only(desk: Desk, listener: Listener) -> None:
    topic, other = str(uuid4()), str(uuid4())
    await listener.wait(topic, listener.mark(topic), timeout_s=0.05)

    async def connected() -> bool:
        return bool(
            await desk.behind.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tongli-listen' "
                "   AND datname = current_database() AND state = 'idle'"
            )
        )

    await eventually(connected)
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(listener.wait(topic, listener.mark(topic), timeout_s=60))
    await desk.behind.execute("SELECT pg_notify($1, $2)", FEED, other)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await desk.behind.execute("SELECT pg_notify($1, $2)", FEED, f"{other},{topic}")
    async with asyncio.timeout(20):
        await waiting
    await listener.close()


async def test_without_a_connection_a_waiter_looks_again_after_the_poll(tmp_path: Path, desk: Desk) -> None:
    nowhere = _pool_to_nowhere(tmp_path, desk.app)
    listener = Listener(nowhere, FEED, poll_s=0.1)
    async with asyncio.timeout(20):
        await listener.wait("topic", listener.mark("topic"), timeout_s=60)
    await listener.close()
    await nowhere.close()


async def test_a_listener_whose_session_dies_listens_again(desk: Desk, listener: Listener) -> None:
    topic = "t"
    await listener.wait(topic, listener.mark(topic), timeout_s=0.05)

    async def session() -> int:
        return int(await desk.behind.fetchval(_SESSION) or 0)

    first = await eventually(session)
    await desk.behind.execute("SELECT pg_terminate_backend($1)", first)

    async def another() -> bool:
        return await session() not in (0, first)

    await eventually(another)
    await listener.close()


_SESSION = """
SELECT pid FROM pg_stat_activity
 WHERE application_name = 'tongli-listen' AND datname = current_database() AND query LIKE 'LISTEN%'"""


def _pool_to_nowhere(folder: Path, like: Database) -> Database:
    return open_database(f"postgresql://nobody:x@/nothing?host={folder}", vault=like.vault)

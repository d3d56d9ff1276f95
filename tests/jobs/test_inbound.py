"""Receipts are done exactly once, in the order of their source, whoever dies meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from actions.inbound import Message, caller_for, keep_message
from actions.inbound_sources import SourceSaid, add_mapping, open_source
from crypto.keys import Keyring
from db.queries import inbound
from db.transaction import Tx, open_system_transaction, open_transaction
from jobs.housekeeping import tidy
from jobs.inbound import Intake
from rules.inbound import MAX_TRIES, SourceKind
from tests.actions.instances import superuser
from tests.api.inbound_partner import ONLY_REPORTS, intake_on, work
from tests.builders import report_body
from tests.jobs.desk import LABOUR, Desk
from tests.jobs.test_kills import running_jobs
from tests.jobs.waiting import eventually


@pytest.fixture
def intake(desk: Desk) -> Intake:
    return intake_on(desk.jobs, desk.app)


async def source_of(desk: Desk, mapping: Any = ONLY_REPORTS) -> UUID:
    async with open_transaction(desk.app, desk.callers[LABOUR]) as tx:
        opened = await open_source(tx, SourceSaid("partner", SourceKind.bearer, None, None), has_proxy=False)
        source_id: UUID = opened.source["id"]
        if mapping is not None:
            await add_mapping(tx, source_id, mapping)
    return source_id


async def send(desk: Desk, source_id: UUID, body: Any, message_id: str | None = None) -> UUID:
    """A message as it is once its sender has proved itself."""
    async with _as_source(desk, source_id) as tx:
        message = Message(source_id, message_id or uuid4().hex, json.dumps(body).encode())
        receipt, _ = await keep_message(tx, message)
    receipt_id: UUID = receipt["id"]
    return receipt_id


@asynccontextmanager
async def _as_source(desk: Desk, source_id: UUID) -> AsyncIterator[Tx]:
    agency = desk.agencies[LABOUR]
    caller = caller_for(source_id, client_id=agency.client_id, agency_id=agency.id, request_id="test-request")
    async with open_transaction(desk.app, caller) as tx:
        yield tx


async def states(desk: Desk, *receipts: UUID) -> list[str]:
    rows = await desk.behind.fetch("SELECT id, status FROM inbound_receipt")
    found = {row["id"]: row["status"] for row in rows}
    return [found[receipt] for receipt in receipts]


def reported() -> dict[str, Any]:
    return {"report": report_body()}


async def test_copies_of_one_message_that_come_together_have_one_receipt(desk: Desk, intake: Intake) -> None:
    source_id, body = await source_of(desk), reported()
    receipts = await asyncio.gather(*(send(desk, source_id, body, "the-same-message") for _ in range(8)))
    assert len(set(receipts)) == 1
    await work(intake)
    assert await desk.behind.fetchval("SELECT count(*) FROM report WHERE agency_id = $1", desk.agency(LABOUR)) == 1


async def test_several_processes_do_each_receipt_once(desk: Desk) -> None:
    sources = [await source_of(desk) for _ in range(4)]
    receipts = [await send(desk, source_id, reported()) for source_id in sources for _ in range(5)]
    await asyncio.gather(*(work(intake_on(desk.jobs, desk.app)) for _ in range(4)))
    while "received" in await states(desk, *receipts):
        await work(intake_on(desk.jobs, desk.app))
    assert set(await states(desk, *receipts)) == {"done"}
    assert await _effects(desk) == (20, 20)


async def _effects(desk: Desk) -> tuple[int, int]:
    """How many reports there are, and how many receipts made one, each another."""
    row = await desk.behind.fetchrow(
        "SELECT (SELECT count(*) FROM report WHERE agency_id = $1) AS reports, count(DISTINCT r.report_id) AS made "
        "  FROM inbound_receipt r JOIN report p ON p.id = r.report_id",
        desk.agency(LABOUR),
    )
    assert row is not None
    return row["reports"], row["made"]


async def test_messages_of_one_source_are_done_in_their_order(desk: Desk, intake: Intake) -> None:
    source_id, other = await source_of(desk), await source_of(desk)
    first, second = [await send(desk, source_id, reported()) for _ in range(2)]
    beside = await send(desk, other, reported())
    async with open_system_transaction(desk.jobs) as raw:
        claimed = await inbound.claim_receipts(raw, uuid4(), timedelta(minutes=1), 10)
    assert {row["id"] for row in claimed} == {first, beside}
    assert await intake.do_waiting() == 0, "the second waits for the first, whoever holds that"
    assert await states(desk, second) == ["received"]


async def test_a_lease_that_ran_out_is_taken_over_and_the_late_one_does_nothing(desk: Desk, intake: Intake) -> None:
    nothing = {"language": 1, "rules": [{"name": "none", "target": "nothing"}]}
    receipt_id = await send(desk, await source_of(desk, nothing), {"a": 1})
    async with open_system_transaction(desk.jobs) as raw:
        (late,) = await inbound.claim_receipts(raw, lease := uuid4(), timedelta(0), 1)
    await work(intake)
    assert await states(desk, receipt_id) == ["done"]
    await intake._settle(late, lease)
    marks = await desk.behind.fetchval("SELECT count(*) FROM audit_leaf WHERE action = 'inbound_receipt.done'")
    assert marks == 1


async def test_a_receipt_that_is_being_done_is_not_claimed_however_old_its_lease(desk: Desk, intake: Intake) -> None:
    source_id = await source_of(desk)
    receipt_id = await send(desk, source_id, reported())
    async with open_system_transaction(desk.jobs) as raw:
        await inbound.claim_receipts(raw, lease := uuid4(), timedelta(0), 1)
    async with _as_source(desk, source_id) as tx:
        assert await inbound.leased_receipt(tx, receipt_id, lease) is not None
        assert await intake.do_waiting() == 0


async def test_what_takes_processes_along_waits_for_people_in_the_end(desk: Desk, intake: Intake) -> None:
    receipt_id = await send(desk, await source_of(desk), reported())
    for _ in range(MAX_TRIES):
        async with open_system_transaction(desk.jobs) as raw:
            assert len(await inbound.claim_receipts(raw, uuid4(), timedelta(0), 1)) == 1
    await work(intake)
    row = await desk.behind.fetchrow("SELECT status, reason FROM inbound_receipt WHERE id = $1", receipt_id)
    assert row is not None
    assert (row["status"], row["reason"]) == ("quarantined", "internal")
    assert await _effects(desk) == (0, 0)


async def test_trouble_of_our_own_is_tried_again_later(desk: Desk, intake: Intake) -> None:
    receipt_id = await send(desk, await source_of(desk), reported())
    async with superuser(desk.url) as raw:
        await raw.execute("ALTER TABLE report RENAME TO report_away")
        await work(intake)
        row = await raw.fetchrow(
            "SELECT status, due_at > now() AS later FROM inbound_receipt WHERE id = $1", receipt_id
        )
        assert row is not None
        assert (row["status"], row["later"]) == ("received", True)
        await raw.execute("ALTER TABLE report_away RENAME TO report")
        await raw.execute("UPDATE inbound_receipt SET due_at = now()")
    await work(intake)
    assert await states(desk, receipt_id) == ["done"]


async def test_a_quarantine_lets_the_next_message_pass(desk: Desk, intake: Intake) -> None:
    source_id = await source_of(desk)
    bad, good = await send(desk, source_id, {"report": {}}), await send(desk, source_id, reported())
    await work(intake)
    assert await states(desk, bad, good) == ["quarantined", "done"]


async def test_the_jobs_see_no_content_and_no_credential(desk: Desk) -> None:
    await send(desk, await source_of(desk), reported())
    async with superuser(desk.url) as raw:
        seen = await raw.fetch(
            "SELECT table_name || '.' || column_name AS c FROM information_schema.column_privileges "
            " WHERE grantee = 'tongli_jobs' AND table_name LIKE 'inbound%' AND privilege_type = 'SELECT'"
        )
    columns = {row["c"] for row in seen}
    assert "inbound_receipt.status" in columns
    hidden = ("envelope", "body", "problems", "secret", "previous_secret", "digest", "previous_digest", "document")
    assert not {column for column in columns if column.partition(".")[2] in hidden}


async def test_ids_may_come_again_after_thirty_days_and_settled_receipts_go_after_ninety(
    desk: Desk, intake: Intake
) -> None:
    source_id = await source_of(desk)
    old = await send(desk, source_id, reported(), "a-message-of-old")
    await work(intake)
    waiting = await send(desk, await source_of(desk, mapping=None), reported())
    await work(intake)
    async with superuser(desk.url) as raw:
        await raw.execute("UPDATE inbound_receipt SET received_at = now() - interval '29 days'")
        await tidy(desk.jobs)
        assert await send(desk, source_id, reported() | {}, "another") != old
        await raw.execute("UPDATE inbound_receipt SET received_at = now() - interval '31 days' WHERE id = $1", old)
        await tidy(desk.jobs)
        assert await send(desk, source_id, reported(), "a-message-of-old") != old
        await raw.execute(
            "UPDATE inbound_receipt SET settled_at = now() - interval '91 days' WHERE settled_at IS NOT NULL;"
            "UPDATE inbound_receipt SET received_at = now() - interval '2 years'"
        )
        await tidy(desk.jobs)
        left = {row["id"] for row in await raw.fetch("SELECT id FROM inbound_receipt WHERE status <> 'received'")}
    assert left == {waiting}, "what waits for people is never dropped"


@pytest.mark.parametrize("stopped_at", ["report", "participant", "event"])
async def test_killed_between_any_two_writes_both_effect_and_receipt_are_done_or_neither(
    desk: Desk, keyring: Keyring, stopped_at: str
) -> None:
    """The process is held up before it writes one table, with all it wrote before, and killed there."""
    source_id = await source_of(desk)
    receipt_id = await send(desk, source_id, reported())
    async with desk.behind.transaction():
        await desk.behind.execute(f"LOCK TABLE {stopped_at} IN SHARE MODE")
        async with running_jobs(desk, keyring) as jobs:
            await eventually(lambda: _waits(desk, stopped_at), within_s=30)
            jobs.kill()
            await jobs.wait()
    await eventually(lambda: _nobody_acts(desk), within_s=30)
    assert await states(desk, receipt_id) == ["received"]
    assert await _effects(desk) == (0, 0)
    await desk.behind.execute("UPDATE inbound_receipt SET leased_until = now(), due_at = now()")

    async def done() -> bool:
        return await states(desk, receipt_id) == ["done"]

    async with running_jobs(desk, keyring):
        await eventually(done, within_s=30)
    assert await _effects(desk) == (1, 1)
    marks = await desk.behind.fetchval("SELECT count(*) FROM audit_leaf WHERE action = 'report.file'")
    assert marks == 1


async def _waits(desk: Desk, table: str) -> bool:
    """Whether somebody of the application waits for the table. On a connection of its own: within a transaction the
    list of activities stands still."""
    async with superuser(desk.url) as raw:
        return bool(
            await raw.fetchval(
                "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                " WHERE NOT l.granted AND l.relation = $1::text::regclass AND a.usename = 'tongli_app')",
                table,
            )
        )


async def _nobody_acts(desk: Desk) -> bool:
    """Whether what the killed process had begun is undone."""
    return not await desk.behind.fetchval(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'tongli_app' AND state <> 'idle')"
    )

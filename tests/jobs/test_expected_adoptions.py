"""Who does not say in time whether it adopts is named once, to itself and the coordinator; dates are counted again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.main import create_app
from jobs.clocks import look_once, recalculate_deadlines
from settings import Settings
from tests.builders import Api, report_body
from tests.jobs.desk import LABOUR, MEDICAL, UNION, Desk


@pytest.fixture
async def http(desk: Desk, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(settings, desk.app))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


@pytest.fixture
def union(desk: Desk, http: httpx.AsyncClient) -> Api:
    return Api(http, desk.agencies[UNION])


async def owed(desk: Desk, http: httpx.AsyncClient, union: Api) -> dict[str, Any]:
    """What the union owes of a report of the labour office."""
    filed = await Api(http, desk.agencies[LABOUR]).post("/v1/reports", report_body())
    assert filed.status_code == 201, filed.text
    answer = await union.get(f"/v1/expected-adoptions?case={filed.json()['case']['id']}")
    (row,) = answer.json()["data"]
    return {**row, "due": datetime.fromisoformat(row["due_at"])}


async def said(desk: Desk, row: dict[str, Any]) -> list[asyncpg.Record]:
    return await desk.behind.fetch(
        "SELECT * FROM event WHERE subject_id = $1 AND type = 'adoption.overdue'", UUID(row["id"])
    )


async def shown(union: Api, row: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = (await union.get(f"/v1/expected-adoptions/{row['id']}")).json()
    return body


async def test_what_is_late_is_said_once_and_never_before(desk: Desk, http: httpx.AsyncClient, union: Api) -> None:
    row = await owed(desk, http, union)
    await look_once(desk.at(row["due"] - timedelta(seconds=1)))
    assert await said(desk, row) == []
    await asyncio.gather(*(look_once(desk.at(row["due"])) for _ in range(4)))
    await look_once(desk.at(row["due"] + timedelta(days=30)))
    (event,) = await said(desk, row)
    assert event["occurred_at"] == row["due"]
    assert datetime.fromisoformat((await shown(union, row))["overdue_at"]) == row["due"]
    while await desk.number():
        pass
    assert event["id"] in await desk.event_ids(UNION)
    assert event["id"] not in await desk.event_ids(LABOUR)
    late = await union.post(f"/v1/expected-adoptions/{row['id']}/adoptions", {"decision": "adopted"})
    assert late.status_code == 201, "late is better than never"
    listed = (await union.get("/v1/expected-adoptions?overdue=true&status=adopted")).json()["data"]
    assert [one["id"] for one in listed] == [row["id"]]


async def test_the_late_office_and_the_coordinator_are_told_and_nobody_else(
    desk: Desk, http: httpx.AsyncClient, union: Api
) -> None:
    row = await owed(desk, http, union)
    medical = Api(http, desk.agencies[MEDICAL])
    said_to = {"matter": "MED-01", "to_agency": str(medical.id), "need": "medical"}
    referral = (await union.post(f"/v1/cases/{row['case_id']}/referrals", said_to)).json()
    accepted = await medical.post(f"/v1/referrals/{referral['id']}/accept", {}, if_match=1)
    assert accepted.status_code == 200, accepted.text
    (of_medical,) = (await medical.get("/v1/expected-adoptions")).json()["data"]
    await look_once(desk.at(datetime.fromisoformat(of_medical["due_at"])))
    (event,) = await said(desk, of_medical)
    while await desk.number():
        pass
    told = {code for code in (UNION, LABOUR, MEDICAL) if event["id"] in await desk.event_ids(code)}
    assert told == {UNION, MEDICAL}


async def test_what_was_said_in_time_is_never_late(desk: Desk, http: httpx.AsyncClient, union: Api) -> None:
    row = await owed(desk, http, union)
    answer = await union.post(f"/v1/reports/{row['report_id']}/adoptions", {"decision": "adopted"})
    assert answer.status_code == 201, answer.text
    await look_once(desk.at(row["due"] + timedelta(days=30)))
    assert await said(desk, row) == []


async def test_it_waits_while_somebody_works_on_the_case(desk: Desk, http: httpx.AsyncClient, union: Api) -> None:
    row = await owed(desk, http, union)
    async with desk.behind.transaction():
        lock = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 4))"
        await desk.behind.execute(lock, UUID(row["case_id"]))
        await look_once(desk.at(row["due"]))
        assert await said(desk, row) == []
    await look_once(desk.at(row["due"]))
    assert len(await said(desk, row)) == 1


async def test_a_date_beyond_the_confirmed_years_is_counted_again(
    desk: Desk, http: httpx.AsyncClient, union: Api
) -> None:
    row = await owed(desk, http, union)
    year = row["due"].year
    await desk.behind.execute(
        "UPDATE expected_adoption SET due_confirmed = false, due_at = due_at - interval '3 days' WHERE id = $1",
        UUID(row["id"]),
    )
    await desk.behind.execute(
        "INSERT INTO calendar_year (year, notice, confirmed_at) SELECT y, 'test notice', now() "
        "  FROM generate_series($1::int - 1, $1::int + 1) y "
        "ON CONFLICT (year) DO UPDATE SET notice = 'test notice', confirmed_at = now()",
        year,
    )
    assert await recalculate_deadlines(desk.jobs, year) == 1
    after = await shown(union, row)
    assert (datetime.fromisoformat(after["due_at"]), after["due_confirmed"]) == (row["due"], True)


async def test_only_what_is_due_is_read(desk: Desk) -> None:
    """The look at a clock that rings for nobody costs no scan of those that wait."""
    await desk.behind.execute("SET enable_seqscan = off")
    plan = await desk.behind.fetch(
        "EXPLAIN SELECT id FROM expected_adoption WHERE status = 'waiting' AND overdue_at IS NULL AND due_at <= now() "
        " ORDER BY due_at LIMIT 200"
    )
    assert "expected_adoption_due" in "\n".join(row[0] for row in plan)

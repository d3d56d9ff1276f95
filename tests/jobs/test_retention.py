"""Periods that are over are put before the coordinator, never acted on; records of the system past theirs go."""

import argparse
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.main import create_app
from cli.admin import _retention, add_arguments
from db.operator import open_operator_transaction
from jobs.clocks import look_once, recalculate_deadlines
from jobs.retention import ask_once, forget_once
from settings import Settings
from tests.builders import Api, report_body
from tests.jobs.desk import LABOUR, UNION, Desk

TEN_YEARS = timedelta(days=3660)
PROOF = {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"}


@pytest.fixture
async def union(desk: Desk, settings: Settings) -> AsyncIterator[Api]:
    """The coordinating union, over HTTP, on the test's own database."""
    transport = httpx.ASGITransport(create_app(settings, desk.app))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
        yield Api(http, desk.agencies[UNION])


async def _reported(union: Api) -> str:
    answer = await union.post("/v1/reports", report_body())
    assert answer.status_code == 201, answer.text
    case_id: str = answer.json()["case"]["id"]
    return case_id


async def _closed(union: Api) -> str:
    case_id = await _reported(union)
    for step in ("activate", "propose_closing", "close"):
        words = {"exit_reason": "lifted", "text": "已脱困"} if step == "close" else {}
        version = (await union.get(f"/v1/cases/{case_id}")).json()["version"]
        moved = await union.post(f"/v1/cases/{case_id}/{step}", words, if_match=version)
        assert moved.status_code == 200, moved.text
    return case_id


async def _asked(union: Api, case_id: str) -> dict[str, Any]:
    said = {"kind": "copy", "proof": PROOF}
    answer = await union.post(f"/v1/cases/{case_id}/person-requests", said, headers={"tongli-actor": "desk-7"})
    assert answer.status_code == 201, answer.text
    request: dict[str, Any] = answer.json()
    return request


async def test_the_coordinator_is_asked_once_and_nothing_is_erased(desk: Desk, union: Api) -> None:
    case_id, at_work = await _closed(union), await _reported(union)
    assert await ask_once(desk.at(datetime.now(UTC) + timedelta(days=3600))) == 0
    later = desk.at(datetime.now(UTC) + TEN_YEARS)
    assert await ask_once(later) == 1
    assert await ask_once(later) == 0
    tasks = (await union.get(f"/v1/cases/{case_id}/tasks")).json()["data"]
    assert [task["kind"] for task in tasks] == ["retention_due"]
    assert (await union.get(f"/v1/cases/{at_work}/tasks")).json()["data"] == []
    assert (await union.get(f"/v1/cases/{case_id}/file", purpose="assistance")).json()["people"]
    timeline = (await union.get(f"/v1/cases/{case_id}/timeline")).json()["data"]
    assert [entry["type"] for entry in timeline].count("retention.due") == 1


async def test_the_operator_lists_numbers_and_days_and_nobodys_name(desk: Desk, union: Api) -> None:
    case_id = await _closed(union)
    number = (await union.get(f"/v1/cases/{case_id}")).json()["number"]
    await desk.behind.execute(
        "UPDATE \"case\" SET closed_at = now() - interval '11 years' WHERE id = $1", UUID(case_id)
    )
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = parser.parse_args(["retention", "--dry-run"])
    async with open_operator_transaction(desk.url) as raw:
        listed = await _retention(raw, given)
    cases: Any = listed["cases"]
    (row,) = [row for row in cases if row["number"] == number]
    assert row["coordinator"] == UNION
    assert set(row) == {"number", "coordinator", "closed_at", "kept_until"}
    with pytest.raises(SystemExit):
        parser.parse_args(["retention"])


async def test_old_deliveries_and_proofs_of_what_was_erased_are_forgotten(desk: Desk, union: Api) -> None:
    case_id = await _closed(union)
    await _asked(union, case_id)
    await desk.behind.execute("UPDATE \"case\" SET erased_at = now() - interval '4 years' WHERE id = $1", UUID(case_id))
    await desk.behind.execute("UPDATE person_request SET status = 'refused' WHERE case_id = $1", UUID(case_id))
    await desk.behind.execute(_DELIVERY, desk.agency(LABOUR))
    assert await forget_once(desk.jobs) >= 2
    for sql in (
        "SELECT count(*) FROM delivery WHERE event_type = 'old.thing'",
        "SELECT count(*) FROM delivery_attempt",
        f"SELECT count(*) FROM person_request WHERE case_id = '{UUID(case_id)}'",
        f"SELECT count(*) FROM sharing_basis WHERE case_id = '{UUID(case_id)}'",
    ):
        assert await desk.behind.fetchval(sql) == 0, sql
    assert await desk.behind.fetchval("SELECT count(*) FROM delivery WHERE event_type = 'new.thing'") == 1


_DELIVERY = """
WITH e AS (INSERT INTO webhook_endpoint (id, agency_id, url, types, status, keys, public_key, challenge, created_at,
                                         version)
           VALUES (gen_random_uuid(), $1, 'https://a.example', '{}', 'active', '', '', '', now(), 1) RETURNING id),
d AS (INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status,
                            attempts, replay, created_at, finished_at)
      SELECT gen_random_uuid(), e.id, $1, e.id, k.type, e.id, 1, '{}', 'succeeded', 1, false, k.at, k.at
        FROM e, (VALUES ('old.thing', now() - interval '4 years'), ('new.thing', now())) AS k (type, at)
      RETURNING id, event_type)
INSERT INTO delivery_attempt (delivery_id, number, agency_id, started_at, duration_ms, outcome)
SELECT id, 1, $1, now(), 1, 'ok' FROM d WHERE event_type = 'old.thing'"""


# The clock of requests


async def test_a_request_nobody_answered_in_time_is_said_once(desk: Desk, union: Api) -> None:
    request = await _asked(union, await _reported(union))
    due = datetime.fromisoformat(request["due_by"])
    assert await look_once(desk.at(due - timedelta(seconds=1))) == 0
    assert await look_once(desk.at(due + timedelta(seconds=1))) == 1
    assert await look_once(desk.at(due + timedelta(days=1))) == 0
    shown = (await union.get("/v1/person-requests")).json()["data"]
    assert [row["overdue"] for row in shown if row["id"] == request["id"]] == [True]
    said = await desk.behind.fetch("SELECT parties::text FROM event WHERE type = 'person_request.overdue'")
    assert len(said) == 1


async def test_an_answered_request_does_not_run_out(desk: Desk, union: Api) -> None:
    request = await _asked(union, await _reported(union))
    taken = await union.post(f"/v1/person-requests/{request['id']}/withdraw", {}, if_match=1)
    assert taken.status_code == 200, taken.text
    assert await look_once(desk.at(datetime.fromisoformat(request["due_by"]) + timedelta(days=1))) == 0


async def test_a_request_is_counted_again_when_its_year_becomes_official(desk: Desk, union: Api) -> None:
    request = await _asked(union, await _reported(union))
    await desk.behind.execute(
        "UPDATE person_request SET due_confirmed = false, due_by = due_by + interval '3 days', "
        "next_due = next_due + interval '3 days' WHERE id = $1",
        UUID(request["id"]),
    )
    year = await desk.behind.fetchval("SELECT max(year) FROM calendar_year WHERE notice IS NOT NULL")
    assert await recalculate_deadlines(desk.jobs, year) == 1
    row = await desk.behind.fetchrow("SELECT due_by, next_due FROM person_request WHERE id = $1", UUID(request["id"]))
    assert row is not None
    assert row["due_by"] == row["next_due"] == datetime.fromisoformat(request["due_by"])

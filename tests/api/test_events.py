"""The feed over HTTP: pages, cursors, waiting, streams, and the end of a right."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy.pool import QueuePool

from api.feed import RECHECK_S
from db.engine import Database
from db.queries.events import take_turn
from db.transaction import open_system_transaction
from jobs.sequencer import number_events
from tests.builders import Agency, Api, report_body
from tests.conftest import OpenApi


@pytest.fixture(scope="module")
async def service(app: FastAPI) -> AsyncIterator[str]:
    """The application behind a real server: in-process transports hand over a stream only when it has ended."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(5):
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


@dataclass(frozen=True, slots=True)
class Office:
    """An agency's system and the sequencer, on the session's database."""

    api: Api
    jobs: Database

    async def report(self) -> str:
        """Files a report and numbers what it caused; returns the case."""
        answer = await self.api.post("/v1/reports", report_body())
        assert answer.status_code == 201, answer.text
        await self.number()
        case_id: str = answer.json()["case"]["id"]
        return case_id

    async def number(self) -> None:
        """Numbers everything that other tests left as well."""
        async with open_system_transaction(self.jobs) as raw:
            assert await take_turn(raw)
            while await number_events(raw):
                pass

    async def read(self, **params: str | int) -> dict[str, Any]:
        answer = await self.api.get("/v1/events", params=params)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def end_of_feed(self, **params: str | int) -> str:
        """The cursor behind everything there is."""
        await self.number()
        page = await self.read(limit=200, **params)
        while page["page"]["has_more"]:
            page = await self.read(limit=200, cursor=page["page"]["next"], **params)
        cursor: str = page["page"]["next"]
        return cursor


@pytest.fixture
async def office(labour: Api, jobs_database: Database) -> Office:
    return Office(labour, jobs_database)


async def test_a_reporter_reads_what_it_is_entitled_to_in_order_and_without_gaps(office: Office, medical: Api) -> None:
    start = await office.end_of_feed()
    case_id = await office.report()
    events = (await office.read(cursor=start))["data"]
    mine = [event for event in events if event["subject"]["id"] == case_id]
    assert {"case.opened", "participant.joined"} <= {event["type"] for event in mine}
    assert "report.received" in {event["type"] for event in events}
    numbers = [event["sequence"] for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    others = Office(medical, office.jobs)
    seen = await others.read(limit=200)
    assert case_id not in json.dumps(seen)


async def test_next_is_given_on_an_empty_page_too_and_goes_on_from_there(office: Office) -> None:
    cursor = await office.end_of_feed()
    empty = await office.read(cursor=cursor)
    assert empty["data"] == []
    assert empty["page"]["has_more"] is False
    case_id = await office.report()
    following = await office.read(cursor=empty["page"]["next"])
    assert case_id in json.dumps(following["data"])
    assert (await office.read(cursor=following["page"]["next"]))["data"] == []


async def test_pages_put_together_are_the_feed(office: Office) -> None:
    start = await office.end_of_feed()
    await office.report()
    whole = (await office.read(cursor=start, limit=200))["data"]
    cursor, parts = start, list[dict[str, Any]]()
    while len(parts) < len(whole):
        page = await office.read(cursor=cursor, limit=1)
        parts += page["data"]
        cursor = page["page"]["next"]
        assert page["page"]["has_more"] is (len(parts) < len(whole))
    assert parts == whole
    assert len(whole) >= 3


async def test_a_filtered_feed_skips_the_rest_and_still_moves_on(office: Office) -> None:
    start = await office.end_of_feed(types="report.*")
    await office.report()
    page = await office.read(cursor=start, types="report.*")
    assert {event["type"] for event in page["data"]} == {"report.received"}
    nothing = await office.read(types="endpoint.disabled", cursor=await office.end_of_feed(types="endpoint.disabled"))
    assert nothing["data"] == []
    again = await office.read(cursor=nothing["page"]["next"], types="endpoint.disabled")
    assert again["data"] == []


async def test_a_cursor_is_of_one_agency_and_one_filter(office: Office, medical: Api) -> None:
    cursor = await office.end_of_feed()
    for answer in (
        await medical.get("/v1/events", params={"cursor": cursor}),
        await office.api.get("/v1/events", params={"cursor": cursor, "types": "case.*"}),
        await office.api.get("/v1/events", params={"cursor": cursor[:-2] + "AA"}),
        await office.api.get("/v1/events", params={"cursor": "x"}),
    ):
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid-cursor"


async def _all_of(office: Office, **params: str) -> str:
    """Every event of a feed, as text."""
    await office.number()
    page = await office.read(limit=200, **params)
    text = json.dumps(page["data"])
    while page["page"]["has_more"]:
        page = await office.read(limit=200, cursor=page["page"]["next"], **params)
        text += json.dumps(page["data"])
    return text


async def test_a_choice_of_places_does_not_tell_where_a_hidden_case_is(
    office: Office, medical: Api, union: Api
) -> None:
    """An observer gets what happens in a case whatever places it chose; the coordinator only what it asked for."""
    case_id = await office.report()
    observer, far = "DEMO-340802-MEDICAL", {"divisions": "650000"}
    watching = await office.api.get("/v1/agencies", params={"limit": 200})
    (agency,) = [one["id"] for one in watching.json()["data"] if one["code"] == observer]
    invited = await union.post(f"/v1/cases/{case_id}/participants", {"agency": agency})
    assert invited.status_code == 201, invited.text
    assert case_id in await _all_of(Office(medical, office.jobs), **far)
    assert case_id in await _all_of(Office(union, office.jobs), divisions="340802")
    assert case_id not in await _all_of(Office(union, office.jobs), **far)


async def test_a_place_in_the_query_is_a_county_or_above(labour: Api) -> None:
    for divisions in ("340802001", "3408", "340802,"):
        assert (await labour.get("/v1/events", params={"divisions": divisions})).status_code == 422


async def test_another_client_of_the_same_agency_goes_on_with_the_cursor(office: Office, open_api: OpenApi) -> None:
    cursor = await office.end_of_feed()
    other = Office(await open_api("DEMO-340802-LABOUR"), office.jobs)
    assert (await other.read(cursor=cursor))["data"] == []


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"wait": 31}, 422),
        ({"wait": -1}, 422),
        ({"wait": "1.5"}, 422),
        ({"limit": 0}, 422),
        ({"limit": 201}, 422),
        ({"types": "moon.landed"}, 422),
        ({"types": "case"}, 422),
        ({"types": "case.*,"}, 422),
        ({"since": "x"}, 400),
    ],
)
async def test_bad_parameters_are_named(office: Office, params: dict[str, str | int], status: int) -> None:
    answer = await office.api.get("/v1/events", params=params)
    assert answer.status_code == status, answer.text


async def test_without_the_scope_there_is_no_feed(open_api: OpenApi) -> None:
    poor = await open_api("DEMO-340802-LABOUR", scopes=("cases:read",))
    for headers in ({}, {"accept": "text/event-stream"}):
        answer = await poor.get("/v1/events", headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "insufficient-scope"


async def test_nothing_new_is_304_with_the_tag_of_the_page_before(office: Office) -> None:
    cursor = await office.end_of_feed()
    first = await office.api.get("/v1/events", params={"cursor": cursor})
    tag = first.headers["etag"]
    known = await office.api.get("/v1/events", params={"cursor": cursor}, headers={"if-none-match": tag})
    assert (known.status_code, known.content) == (304, b"")
    await office.report()
    news = await office.api.get("/v1/events", params={"cursor": cursor}, headers={"if-none-match": tag})
    assert news.status_code == 200
    assert news.headers["etag"] != tag


async def test_waiting_ends_when_something_happens(office: Office) -> None:
    cursor = await office.end_of_feed()
    waiting = asyncio.create_task(office.read(cursor=cursor, wait=30))
    await asyncio.sleep(0.3)
    case_id = await office.report()
    async with asyncio.timeout(20):
        page = await waiting
    assert page["data"]
    assert case_id in json.dumps(page["data"]) or (await office.read(cursor=page["page"]["next"]))["data"]


async def test_waiting_for_nothing_ends_in_time_and_holds_no_connection(office: Office, database: Database) -> None:
    cursor = await office.end_of_feed()
    waiting = [asyncio.create_task(office.read(cursor=cursor, wait=1)) for _ in range(5)]
    await asyncio.sleep(0.5)
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() == 0
    assert [page["data"] for page in await asyncio.gather(*waiting)] == [[]] * 5


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    type: str
    data: dict[str, Any]


@asynccontextmanager
async def streaming(
    service: str, api: Api, *, token: str | None = None, **headers: str
) -> AsyncIterator[AsyncIterator[Event]]:
    """A stream of the feed over a real connection; the iterator ends when the server ends it."""
    given = {"authorization": f"Bearer {token or await api.token()}", "accept": "text/event-stream", **headers}
    async with (
        httpx.AsyncClient(base_url=service, timeout=30) as http,
        http.stream("GET", "/v1/events", headers=given) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[Event]:
    members: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            members[name] = value
        elif "data" in members:
            yield Event(members["id"], members["event"], json.loads(members["data"]))
            members = {}
        else:
            members = {}


async def test_a_stream_brings_events_as_they_happen_and_goes_on_where_it_was_left(
    office: Office, service: str
) -> None:
    left = await office.end_of_feed()
    async with asyncio.timeout(30), streaming(service, office.api, **{"last-event-id": left}) as events:
        first_case = await office.report()
        first = await anext(events)
        assert first.type == first.data["type"]
    async with asyncio.timeout(15), streaming(service, office.api, **{"last-event-id": first.id}) as events:
        second_case = await office.report()
        seen = [first]
        while seen[-1].data["subject"]["id"] != second_case:
            seen.append(await anext(events))
    numbers = [event.data["sequence"] for event in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert first_case in {event.data["subject"]["id"] for event in seen}


async def test_a_stream_may_begin_at_a_cursor_and_refuses_a_foreign_one(
    office: Office, service: str, medical: Api
) -> None:
    cursor = await office.end_of_feed()
    answer = await medical.get("/v1/events", headers={"accept": "text/event-stream", "last-event-id": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")


async def test_revoking_a_client_ends_its_stream_at_the_next_look_which_is_within_five_seconds(
    open_api: OpenApi, service: str, admin_url: str, jobs_database: Database
) -> None:
    office = Office(await open_api("DEMO-340802-LABOUR"), jobs_database)
    left = await office.end_of_feed()
    async with asyncio.timeout(30), streaming(service, office.api, **{"last-event-id": left}) as events:
        await asyncio.sleep(0.2)
        await _revoke(admin_url, office.api.agency)
        assert [event async for event in events] == []
    assert RECHECK_S < 5
    refused = await office.api.get("/v1/events")
    assert refused.status_code == 401


async def test_a_wait_of_a_revoked_client_is_refused(
    open_api: OpenApi, admin_url: str, jobs_database: Database
) -> None:
    office = Office(await open_api("DEMO-340802-LABOUR"), jobs_database)
    cursor = await office.end_of_feed()
    waiting = asyncio.create_task(office.api.get("/v1/events", params={"cursor": cursor, "wait": 20}))
    await asyncio.sleep(0.2)
    await _revoke(admin_url, office.api.agency)
    async with asyncio.timeout(6):
        assert (await waiting).status_code == 401


async def test_a_stream_ends_with_its_token(app: FastAPI, office: Office, service: str) -> None:
    minted = datetime.now(UTC) - timedelta(seconds=1)
    token = app.state.services.tokens.mint(
        principal_kind="client",
        principal_id=office.api.agency.client_id,
        client_id=office.api.agency.client_id,
        agency_id=office.api.agency.id,
        scopes=frozenset({"events:read"}),
        now=minted,
        lifetime_s=3,
    )
    left = await office.end_of_feed()
    async with asyncio.timeout(30), streaming(service, office.api, token=token, **{"last-event-id": left}) as events:
        assert [event async for event in events] == []
    assert datetime.now(UTC) >= minted.replace(microsecond=0) + timedelta(seconds=3)


async def _revoke(admin_url: str, agency: Agency) -> None:
    client_id: UUID = agency.client_id
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("UPDATE client SET status = 'revoked', revoked_at = now() WHERE id = $1", client_id)
    finally:
        await connection.close()

"""Webhook endpoints and deliveries over HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from db.engine import Database
from db.queries.events import take_turn
from db.transaction import open_system_transaction
from jobs.deliveries import Courier
from jobs.sequencer import number_events
from outbound.http import GuardedClient
from tests.builders import Api, fresh_key, report_body
from tests.conftest import OpenApi
from tests.jobs.test_deliveries import after_activation, challenged
from tests.outbound.receivers import ON_LOOPBACK, Receiver, receiving
from tests.outbound.receivers import answer as answering

ENDPOINTS = "/v1/webhook-endpoints"
NOWHERE = "https://receiver.example/hook"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(challenged) as opened:
        yield opened


@pytest.fixture
async def courier(jobs_database: Database) -> Courier:
    return Courier(jobs_database, GuardedClient(ON_LOOPBACK, deadline_s=2))


async def work(courier: Courier) -> None:
    """Numbers and delivers what there is."""
    async with open_system_transaction(courier.database) as raw:
        assert await take_turn(raw)
        while await number_events(raw):
            pass
    while await courier.deliver_due():
        pass


async def registered(api: Api, url: str = NOWHERE, **more: object) -> dict[str, Any]:
    answer = await api.post(ENDPOINTS, {"url": url, **more})
    assert answer.status_code == 201, answer.text
    endpoint: dict[str, Any] = answer.json()
    return endpoint


async def shown(api: Api, endpoint: dict[str, Any]) -> dict[str, Any]:
    answer = await api.get(f"{ENDPOINTS}/{endpoint['id']}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_registering_shows_the_secret_once(labour: Api) -> None:
    key = fresh_key()
    answer = await labour.post(ENDPOINTS, {"url": NOWHERE, "types": ["referral.*"]}, key=key)
    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{ENDPOINTS}/{created['id']}"
    assert answer.headers["etag"] == '"v1"'
    assert created["secret"].startswith("whsec_")
    assert created["public_key"].startswith("whpk_")
    assert (created["status"], created["types"]) == ("pending", ["referral.*"])
    assert "secret" not in await shown(labour, created)
    again = await labour.post(ENDPOINTS, {"url": NOWHERE, "types": ["referral.*"]}, key=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == created
    listed = await labour.get(ENDPOINTS)
    assert created["id"] in [row["id"] for row in listed.json()["data"]]
    assert created["secret"] not in listed.text


async def test_the_whole_life_of_an_endpoint(open_api: OpenApi, receiver: Receiver, courier: Courier) -> None:
    labour = await open_api("DEMO-340802-LABOUR")
    endpoint = await registered(labour, receiver.url, types=["report.received"])
    await work(courier)
    active = await shown(labour, endpoint)
    assert active["status"] == "active"
    assert active["activated_at"] is not None
    await labour.post("/v1/reports", report_body())
    await work(courier)
    deliveries = (await labour.get("/v1/deliveries", params={"endpoint_id": endpoint["id"]})).json()["data"]
    assert [row["event_type"] for row in deliveries] == ["report.received", "endpoint.verification"]
    assert {row["status"] for row in deliveries} == {"succeeded"}
    one = (await labour.get(f"/v1/deliveries/{deliveries[0]['id']}")).json()
    assert [(row["outcome"], row["status_code"], row["number"]) for row in one["attempts"]] == [("delivered", 204, 1)]

    again = await labour.post(f"/v1/deliveries/{one['id']}/redeliver")
    assert again.status_code == 202, again.text
    assert (again.json()["status"], again.json()["replay"]) == ("pending", True)
    await work(courier)
    first, second = receiver.requests[-2:]
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == one["event_id"]
    assert (first.headers["tongli-replay"], second.headers["tongli-replay"]) == ("false", "true")
    assert first.body == second.body
    log = (await labour.get(f"/v1/deliveries/{one['id']}")).json()["attempts"]
    assert [row["number"] for row in log] == [1, 2]

    deleted = await labour.delete(f"{ENDPOINTS}/{endpoint['id']}", if_match=active["version"])
    assert deleted.status_code == 204
    await labour.post("/v1/reports", report_body())
    count = len(receiver.requests)
    await work(courier)
    assert len(receiver.requests) == count
    assert endpoint["id"] not in (await labour.get(ENDPOINTS)).text
    gone = await shown(labour, endpoint)
    assert (gone["status"], gone["status_reason"]) == ("disabled", "deleted")
    refused = await labour.post(f"{ENDPOINTS}/{endpoint['id']}/enable")
    assert refused.status_code == 409
    assert (await labour.post(f"/v1/deliveries/{one['id']}/redeliver")).status_code == 409


async def test_a_disabled_endpoint_gathers_and_gets_it_when_enabled(
    open_api: OpenApi, receiver: Receiver, courier: Courier
) -> None:
    labour = await open_api("DEMO-340802-LABOUR")
    endpoint = await registered(labour, receiver.url, types=["report.received"])
    await work(courier)
    version = (await shown(labour, endpoint))["version"]
    path = f"{ENDPOINTS}/{endpoint['id']}"
    disabled = await labour.patch(path, {"status": "disabled"}, if_match=version)
    assert (disabled.status_code, disabled.json()["status_reason"]) == (200, "by-owner")
    await labour.post("/v1/reports", report_body())
    await work(courier)
    assert len(receiver.requests) == 1
    waiting = await labour.get("/v1/deliveries", params={"endpoint_id": endpoint["id"], "status": "pending"})
    assert [row["due_at"] for row in waiting.json()["data"]] == [None]
    enabled = await labour.post(f"{path}/enable")
    assert enabled.json()["status"] == "active"
    await work(courier)
    assert [json.loads(sent.body)["type"] for sent in receiver.requests] == ["endpoint.verification", "report.received"]


async def test_an_endpoint_says_how_it_is_doing(open_api: OpenApi, medical: Api, courier: Courier) -> None:
    civil = await open_api("DEMO-340802-CIVIL")
    async with receiving(after_activation(answering(204), answering(500))) as receiver:
        endpoint = await registered(civil, receiver.url, types=["endpoint.tested"])
        path = f"{ENDPOINTS}/{endpoint['id']}"
        await work(courier)
        for _ in range(2):
            assert (await civil.post(f"{path}/test")).status_code == 202
        await work(courier)
    said = (await civil.get(f"{path}/statistics")).json()
    assert said["outcomes"] == {"delivered": 2, "refused": 1}
    assert (said["attempts"], said["pending"], said["dead"]) == (3, 1, 0)
    assert said["oldest_pending_at"] is not None
    assert said["last_delivered_at"] is not None
    assert 0 <= said["p50_ms"] <= said["p95_ms"]
    assert (await medical.get(f"{path}/statistics")).status_code == 404
    assert (await civil.delete(path, if_match=(await shown(civil, endpoint))["version"])).status_code == 204


async def test_verifying_again_sends_a_new_challenge_and_a_new_secret_signs(
    open_api: OpenApi, receiver: Receiver, courier: Courier
) -> None:
    labour = await open_api("DEMO-340802-LABOUR")
    endpoint = await registered(labour, receiver.url, types=["report.received"])
    assert (await labour.post(f"{ENDPOINTS}/{endpoint['id']}/verify")).status_code == 200
    rotated = await labour.post(f"{ENDPOINTS}/{endpoint['id']}/rotate-secret")
    assert rotated.json()["secret"] != endpoint["secret"]
    assert rotated.json()["previous_secret_until"] is not None
    await work(courier)
    assert (await shown(labour, endpoint))["status"] == "active"
    assert len(receiver.requests) == 2, "both challenges went out, one of them void"
    assert (await labour.post(f"{ENDPOINTS}/{endpoint['id']}/verify")).status_code == 409


async def test_an_endpoint_and_the_feed_take_the_same_events_of_a_kind_of_case_and_a_place(
    union: Api, open_api: OpenApi, receiver: Receiver, courier: Courier
) -> None:
    """The union coordinates all of them, so it knows where each is."""
    labour = await open_api("DEMO-340802-LABOUR")
    asked = {"types": ["case.*"], "case_kinds": ["household"], "divisions": ["340800"]}
    endpoint = await registered(union, receiver.url, **asked)
    assert {name: endpoint[name] for name in asked} == asked
    await work(courier)
    filters = {"types": "case.*", "case_kinds": "household", "divisions": "340800"}
    start = await end_of_feed(union, **filters)
    mine = [(await labour.post("/v1/reports", report_body())).json()["case"]["id"] for _ in range(2)]
    employer = {"name": f"安纺织造{fresh_key()}"}
    group = report_body(person=None, household=None, employer=employer, needs=["wage"])
    assert (await labour.post("/v1/reports", group)).status_code == 201
    await work(courier)
    fed = (await union.get("/v1/events", params={"cursor": start, **filters})).json()["data"]
    pushed = [json.loads(sent.body) for sent in receiver.requests[1:]]
    assert pushed == fed
    assert {event["subject"]["id"] for event in fed} == set(mine)

    elsewhere = {"case_kinds": [], "divisions": ["340803", "350000"]}
    path = f"{ENDPOINTS}/{endpoint['id']}"
    version = (await shown(union, endpoint))["version"]
    changed = await union.patch(path, elsewhere, if_match=version)
    assert (changed.json()["divisions"], changed.json()["case_kinds"]) == (["340803", "350000"], [])
    await labour.post("/v1/reports", report_body())
    await work(courier)
    assert len(receiver.requests) == 1 + len(pushed)


async def end_of_feed(api: Api, **params: str) -> str:
    page = (await api.get("/v1/events", params={"limit": 200, **params})).json()["page"]
    while page["has_more"]:
        page = (await api.get("/v1/events", params={"limit": 200, "cursor": page["next"], **params})).json()["page"]
    cursor: str = page["next"]
    return cursor


async def test_changing_needs_the_version(open_api: OpenApi, receiver: Receiver, courier: Courier) -> None:
    labour = await open_api("DEMO-340802-LABOUR")
    endpoint = await registered(labour, receiver.url)
    await work(courier)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    version = (await shown(labour, endpoint))["version"]
    assert (await labour.patch(path, {"types": ["case.*"]})).status_code == 428
    stale = await labour.patch(path, {"types": ["case.*"]}, if_match=version - 1)
    assert (stale.status_code, stale.headers["etag"]) == (412, f'"v{version}"')
    typed = await labour.patch(path, {"types": ["case.*"]}, if_match=version)
    assert (typed.json()["types"], typed.json()["status"]) == (["case.*"], "active")
    same = await labour.get(path, headers={"if-none-match": typed.headers["etag"]})
    assert same.status_code == 304


async def test_a_url_that_never_took_anything_is_changed_at_once_and_proves_itself(labour: Api) -> None:
    endpoint = await registered(labour, "https://misspelt.example/")
    moved = await labour.patch(f"{ENDPOINTS}/{endpoint['id']}", {"url": NOWHERE}, if_match=endpoint["version"])
    assert (moved.json()["url"], moved.json()["status"], moved.json()["proposed_url"]) == (NOWHERE, "pending", None)
    assert (await labour.delete(f"{ENDPOINTS}/{endpoint['id']}", if_match=moved.json()["version"])).status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/url", "required"),
        ({"url": "https://10.0.0.1/"}, "/url", "url-address"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "/url", "url-address"),
        ({"url": "https://a.example\\@127.0.0.1/"}, "/url", "url"),
        ({"url": "https://user:pw@a.example/"}, "/url", "url-user"),
        ({"url": "ftp://a.example/"}, "/url", "url-scheme"),
        ({"url": "https://2130706433/"}, "/url", "url-host"),
        ({"url": NOWHERE, "types": []}, "/types", "too-few"),
        ({"url": NOWHERE, "types": ["moon.landed"]}, "/types/0", "unknown-event-type"),
        ({"url": NOWHERE, "types": ["case.*", "CASE"]}, "/types/1", "pattern"),
        ({"url": NOWHERE, "secret": "whsec_x"}, "/secret", "unknown-field"),
        ({"url": NOWHERE, "case_kinds": ["village"]}, "/case_kinds/0", "not-allowed"),
        ({"url": NOWHERE, "divisions": ["3408"]}, "/divisions/0", "pattern"),
        ({"url": NOWHERE, "divisions": ["340802001"]}, "/divisions/0", "division-below-county"),
    ],
)
async def test_a_bad_endpoint_is_refused_with_the_place_and_without_the_value(
    labour: Api, body: dict[str, object], pointer: str, code: str
) -> None:
    answer = await labour.post(ENDPOINTS, body)
    assert answer.status_code == 422, answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert "169.254" not in answer.text


@pytest.mark.parametrize("body", [{"url": None}, {"types": None}, {"status": None}, {"status": "active"}])
async def test_a_patch_removes_nothing(labour: Api, body: dict[str, object]) -> None:
    endpoint = await registered(labour)
    answer = await labour.patch(f"{ENDPOINTS}/{endpoint['id']}", body, if_match=1)
    assert answer.status_code == 422, answer.text


async def test_other_agencies_see_neither_endpoint_nor_delivery(
    labour: Api, medical: Api, receiver: Receiver, courier: Courier
) -> None:
    endpoint = await registered(labour, receiver.url)
    await work(courier)
    deliveries = await labour.get("/v1/deliveries", params={"endpoint_id": endpoint["id"]})
    delivery = deliveries.json()["data"][0]["id"]
    path = f"{ENDPOINTS}/{endpoint['id']}"
    for answer in (
        await medical.get(path),
        await medical.patch(path, {"types": ["*"]}, if_match=1),
        await medical.post(f"{path}/rotate-secret"),
        await medical.post(f"{path}/verify"),
        await medical.post(f"{path}/enable"),
        await medical.delete(path, if_match=1),
        await medical.get(f"/v1/deliveries/{delivery}"),
        await medical.post(f"/v1/deliveries/{delivery}/redeliver"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert endpoint["id"] not in (await medical.get(ENDPOINTS)).text
    listed = await medical.get("/v1/deliveries", params={"endpoint_id": endpoint["id"]})
    assert listed.json()["data"] == []


async def test_without_the_scope_nothing_is_to_be_had(open_api: OpenApi) -> None:
    poor = await open_api("DEMO-340802-LABOUR", scopes=("events:read",))
    for answer in (
        await poor.get(ENDPOINTS),
        await poor.post(ENDPOINTS, {"url": NOWHERE}),
        await poor.get("/v1/deliveries"),
    ):
        assert answer.status_code == 403


async def test_posts_need_a_key(labour: Api) -> None:
    assert (await labour.post(ENDPOINTS, {"url": NOWHERE}, key=None)).json()["code"] == "idempotency-missing"


async def test_the_log_is_read_in_pages(open_api: OpenApi, receiver: Receiver, courier: Courier) -> None:
    labour = await open_api("DEMO-340802-LABOUR")
    endpoint = await registered(labour, receiver.url)
    await work(courier)
    for _ in range(2):
        await labour.post("/v1/reports", report_body())
    await work(courier)
    params: dict[str, str | int] = {"endpoint_id": endpoint["id"], "limit": 200}
    whole = [row["id"] for row in (await labour.get("/v1/deliveries", params=params)).json()["data"]]
    parts: list[str] = []
    params["limit"] = 3
    while True:
        page = (await labour.get("/v1/deliveries", params=params)).json()
        parts += [row["id"] for row in page["data"]]
        if not page["page"]["has_more"]:
            break
        params["cursor"] = page["page"]["next"]
    assert parts == whole
    assert len(whole) > 3


async def test_the_order_is_chosen_and_changed(open_api: OpenApi) -> None:
    medical = await open_api("DEMO-340802-MEDICAL")
    endpoint = await registered(medical)
    assert (endpoint["ordering"], endpoint["breaker"], endpoint["consecutive_failures"]) == ("subject", "closed", 0)
    assert endpoint["next_probe_at"] is None
    assert (await registered(medical, ordering="none"))["ordering"] == "none"
    path = f"{ENDPOINTS}/{endpoint['id']}"
    changed = await medical.patch(path, {"ordering": "none"}, if_match=endpoint["version"])
    assert (changed.status_code, changed.json()["ordering"]) == (200, "none")
    refused = await medical.post(ENDPOINTS, {"url": NOWHERE, "ordering": "strict"})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/ordering"]


async def test_an_endpoint_that_fails_shows_its_breaker(
    open_api: OpenApi, receiver: Receiver, courier: Courier
) -> None:
    medical = await open_api("DEMO-340802-MEDICAL")
    endpoint = await registered(medical, receiver.url, types=["report.received"])
    await work(courier)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    well = (await medical.get(path)).headers["etag"]
    receiver.answering = answering(500)
    for _ in range(6):
        await medical.post("/v1/reports", report_body())
    await work(courier)
    failing = await medical.get(path, headers={"if-none-match": well})
    body = failing.json()
    assert (failing.status_code, body["breaker"], body["consecutive_failures"]) == (200, "open", 5)
    assert body["failing_since"] < body["next_probe_at"]


async def test_an_agency_keeps_at_most_ten_endpoints(open_api: OpenApi) -> None:
    crowded = await open_api("DEMO-340802-CIVIL")
    for _ in range(10):
        await registered(crowded)
    answer = await crowded.post(ENDPOINTS, {"url": NOWHERE})
    assert (answer.status_code, answer.json()["code"]) == (409, "state-conflict")

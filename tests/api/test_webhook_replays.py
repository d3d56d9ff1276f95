"""Replays of webhook endpoints over HTTP."""

from uuid import uuid4

import pytest

from jobs.deliveries import Courier
from jobs.webhook_replays import work_once
from tests.api.test_webhooks import ENDPOINTS, courier, receiver, registered, work
from tests.builders import Api, fresh_key, report_body
from tests.conftest import OpenApi
from tests.outbound.receivers import Receiver

__all__ = ["courier", "receiver"]
REPLAYS = "/v1/webhook-replays"


async def test_a_replay_is_asked_for_watched_and_ends(open_api: OpenApi, receiver: Receiver, courier: Courier) -> None:
    legal = await open_api("DEMO-340802-LEGAL")
    reported = await legal.post("/v1/reports", report_body())
    assert reported.status_code == 201, reported.text
    endpoint = await registered(legal, receiver.url, types=["report.received"])
    await work(courier)
    path, key = f"{ENDPOINTS}/{endpoint['id']}/replays", fresh_key()
    asked = await legal.post(path, {"types": ["report.received"]}, key=key)
    assert asked.status_code == 202, asked.text
    replay = asked.json()
    assert asked.headers["location"] == f"{REPLAYS}/{replay['id']}"
    assert (replay["state"], replay["matched"], replay["queued"]) == ("waiting", None, 0)
    repeated = await legal.post(path, {"types": ["report.received"]}, key=key)
    assert repeated.json()["id"] == replay["id"]
    while (await legal.get(f"{REPLAYS}/{replay['id']}")).json()["state"] != "finished":
        await work_once(courier.database)
        await work(courier)
    done = (await legal.get(f"{REPLAYS}/{replay['id']}")).json()
    assert done["matched"] == done["queued"] == done["succeeded"] > 0
    assert (done["failed"], done["cursor"]) == (0, done["until"])
    assert done["finished_at"] is not None
    assert receiver.requests[-1].headers["tongli-replay"] == "true"
    listed = (await legal.get(path)).json()["data"]
    assert [row["id"] for row in listed] == [replay["id"]]
    ended = await legal.post(f"{REPLAYS}/{replay['id']}/cancel")
    assert (ended.status_code, ended.json()["reason"]) == (409, "replay-ended")


async def test_a_replay_is_cancelled(open_api: OpenApi) -> None:
    legal = await open_api("DEMO-340802-LEGAL")
    path = f"{ENDPOINTS}/{(await registered(legal))['id']}/replays"
    replay = (await legal.post(path, {"failed": True})).json()
    cancelled = await legal.post(f"{REPLAYS}/{replay['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "", "one-selection"),
        ({"failed": True, "types": ["case.*"]}, "", "one-selection"),
        ({"failed": False}, "/failed", "not-allowed"),
        ({"sequence_from": 1, "time_from": "2026-03-01T00:00:00Z"}, "", "one-selection"),
        ({"sequence_from": 5, "sequence_before": 5}, "", "ends-before-it-begins"),
        ({"event_ids": []}, "/event_ids", "too-few"),
        ({"event_ids": [str(uuid4())], "types": ["*"]}, "", "one-selection"),
        ({"types": ["case.nothing"]}, "/types/0", "unknown-event-type"),
        ({"sequence_from": None, "failed": True}, "", "required"),
    ],
)
async def test_one_selection_and_no_other_is_taken(
    open_api: OpenApi, body: dict[str, object], pointer: str, code: str
) -> None:
    training = await open_api("DEMO-340802-EDUCATION")
    endpoints = (await training.get(ENDPOINTS)).json()["data"] or [await registered(training)]
    refused = await training.post(f"{ENDPOINTS}/{endpoints[0]['id']}/replays", body)
    assert refused.status_code == 422, refused.text
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [(pointer, code)]


async def test_others_see_no_replay_and_nothing_is_to_be_had_without_the_scope(open_api: OpenApi, medical: Api) -> None:
    legal = await open_api("DEMO-340802-LEGAL")
    path = f"{ENDPOINTS}/{(await registered(legal))['id']}/replays"
    replay = (await legal.post(path, {"failed": True})).json()
    nothing = await medical.get(f"{REPLAYS}/{uuid4()}")
    for answer in (
        await medical.get(f"{REPLAYS}/{replay['id']}"),
        await medical.post(f"{REPLAYS}/{replay['id']}/cancel"),
        await medical.get(path),
        await medical.post(path, {"failed": True}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, nothing.json()["code"])
    poor = await open_api("DEMO-340802-LEGAL", scopes=("events:read",))
    for answer in (await poor.get(path), await poor.post(path, {"failed": True})):
        assert answer.status_code == 403
    assert (await legal.post(path, {"failed": True}, key=None)).status_code == 400


async def test_deliveries_are_found_by_type_and_time(open_api: OpenApi, receiver: Receiver, courier: Courier) -> None:
    legal = await open_api("DEMO-340802-LEGAL")
    endpoint = await registered(legal, receiver.url, types=["report.received"])
    await work(courier)
    await legal.post("/v1/reports", report_body())
    await work(courier)

    async def found(**more: str) -> list[str]:
        answer = await legal.get("/v1/deliveries", params={"endpoint_id": endpoint["id"], **more})
        assert answer.status_code == 200, answer.text
        return [row["event_type"] for row in answer.json()["data"]]

    newest = (await legal.get("/v1/deliveries", params={"endpoint_id": endpoint["id"]})).json()["data"][0]
    assert await found() == ["report.received", "endpoint.verification"]
    assert await found(event_type="endpoint.verification") == ["endpoint.verification"]
    assert await found(created_from=newest["created_at"]) == ["report.received"]
    assert await found(created_before=newest["created_at"]) == ["endpoint.verification"]
    assert await found(status="dead", created_before=newest["created_at"]) == []

"""A new URL of an endpoint takes two: whoever proposes it, and a person who is somebody else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI

from db.engine import Database
from jobs.deliveries import Courier
from outbound.http import GuardedClient
from tests.actions.instances import superuser
from tests.api.people import Phone, enrolment_code, new_app, new_person
from tests.api.test_webhooks import ENDPOINTS, NOWHERE, registered, shown, work
from tests.builders import Api
from tests.conftest import OpenApi
from tests.jobs.test_deliveries import challenged
from tests.outbound.receivers import ON_LOOPBACK, Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(challenged) as opened:
        yield opened


@pytest.fixture
async def courier(jobs_database: Database) -> Courier:
    return Courier(jobs_database, GuardedClient(ON_LOOPBACK, deadline_s=2))


@pytest.fixture
async def civil(open_api: OpenApi) -> AsyncIterator[Api]:
    """An agency that keeps no endpoint but those of one test."""
    api = await open_api("DEMO-340802-CIVIL")
    await _give_up_all(api)
    yield api
    await _give_up_all(api)


async def _give_up_all(api: Api) -> None:
    for endpoint in (await api.get(ENDPOINTS)).json()["data"]:
        await api.delete(f"{ENDPOINTS}/{endpoint['id']}", if_match=endpoint["version"])


async def administrator(app: FastAPI, admin_url: str, civil: Api) -> Phone:
    """A person who keeps the agency's accounts and endpoints, signed in with a second factor."""
    person = await new_person(civil, "agency_admin")
    phone = Phone.of(app, "http://127.0.0.1:8000", await new_app(admin_url))
    await phone.enrol(await enrolment_code(civil, person), person.password)
    await phone.exchange(await phone.sign_in(person))
    return phone


async def proposed(api: Api, courier: Courier, receiver: Receiver, url: str) -> tuple[str, dict[str, Any], str]:
    """An active endpoint whose new URL was proposed: its path, it, and its tag."""
    endpoint = await registered(api, receiver.url, types=["endpoint.*"])
    await work(courier)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    answer = await api.patch(path, {"url": url}, if_match=(await shown(api, endpoint))["version"])
    assert answer.status_code == 200, answer.text
    return path, answer.json(), answer.headers["etag"]


async def test_a_new_url_waits_for_a_second_person_and_the_old_one_is_told(
    app: FastAPI, admin_url: str, civil: Api, receiver: Receiver, courier: Courier
) -> None:
    async with receiving(challenged) as new:
        path, endpoint, tag = await proposed(civil, courier, receiver, new.url)
        assert (endpoint["url"], endpoint["status"]) == (receiver.url, "active")
        assert endpoint["proposed_url"] == new.url
        await work(courier)
        assert not new.requests
        assert receiver.requests[-1].headers["tongli-event-type"] == "endpoint.url_proposed"

        machine = await civil.post(f"{path}/approve-url", if_match=tag)
        assert (machine.status_code, machine.json()["code"]) == (403, "insufficient-role")
        phone = await administrator(app, admin_url, civil)
        approved = await phone.post(f"{path}/approve-url", if_match=tag)
        assert approved.status_code == 200, approved.text
        async with superuser(admin_url) as raw:
            leaf = await raw.fetchrow(
                "SELECT action, principal_kind FROM audit_leaf WHERE request_id = $1", approved.headers["request-id"]
            )
        assert leaf is not None
        assert tuple(leaf) == ("webhook_endpoint.approve_url", "staff")
        now = approved.json()
        assert (now["url"], now["status"], now["proposed_url"]) == (new.url, "pending", None)
        count = len(receiver.requests)
        await work(courier)
        assert (await shown(civil, endpoint))["status"] == "active"
        assert len(receiver.requests) == count, "nothing goes to the old one any more"


async def test_nobody_approves_what_they_proposed_themselves(
    app: FastAPI, admin_url: str, civil: Api, receiver: Receiver, courier: Courier
) -> None:
    path, _, tag = await proposed(civil, courier, receiver, NOWHERE)
    phone = await administrator(app, admin_url, civil)
    rejected = await phone.post(f"{path}/reject-url", if_match=tag)
    assert rejected.json()["proposed_url"] is None
    token = phone.tokens["access_token"]
    own = await phone.http.patch(
        path,
        json={"url": NOWHERE},
        headers={
            "authorization": f"Bearer {token}",
            "if-match": rejected.headers["etag"],
            "content-type": "application/merge-patch+json",
        },
    )
    assert own.json()["proposed_url"] == NOWHERE, own.text
    refused = await phone.post(f"{path}/approve-url", if_match=own.headers["etag"])
    assert (refused.status_code, refused.json()["reason"]) == (409, "another-person-must-approve")


async def test_what_was_looked_at_is_what_is_approved_and_nothing_waits_for_ever(
    app: FastAPI, admin_url: str, civil: Api, receiver: Receiver, courier: Courier
) -> None:
    path, _, tag = await proposed(civil, courier, receiver, NOWHERE)
    other = await civil.patch(path, {"url": "https://other.example/"}, if_match=tag)
    phone = await administrator(app, admin_url, civil)
    stale = await phone.post(f"{path}/approve-url", if_match=tag)
    assert stale.status_code == 412
    gone = await civil.post(f"{path}/reject-url", if_match=other.headers["etag"])
    assert gone.status_code == 200
    nothing = await phone.post(f"{path}/approve-url", if_match=gone.headers["etag"])
    assert (nothing.status_code, nothing.json()["reason"]) == (409, "no-url-proposed")


async def test_a_test_event_goes_to_its_endpoint_alone(civil: Api, receiver: Receiver, courier: Courier) -> None:
    endpoint = await registered(civil, receiver.url, types=["report.received"])
    path = f"{ENDPOINTS}/{endpoint['id']}"
    early = await civil.post(f"{path}/test")
    assert (early.status_code, early.json()["reason"]) == (409, "endpoint-not-active")
    async with receiving(challenged) as another:
        await registered(civil, another.url)
        await work(courier)
        seen = len(another.requests)
        sent = await civil.post(f"{path}/test")
        assert sent.status_code == 202, sent.text
        await work(courier)
        assert receiver.requests[-1].headers["webhook-id"] == sent.json()["event_id"]
        assert receiver.requests[-1].headers["tongli-event-type"] == "endpoint.tested"
        assert len(another.requests) == seen


async def test_the_keys_that_sign_now_are_published_to_every_partner(civil: Api, medical: Api) -> None:
    endpoint = await registered(civil)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    rotated = (await civil.post(f"{path}/rotate-secret")).json()
    keys = (await medical.get(f"{path}/keys")).json()["keys"]
    assert [key["public_key"] for key in keys] == [rotated["public_key"], endpoint["public_key"]]
    assert [key["until"] for key in keys] == [None, rotated["previous_secret_until"]]
    assert (await civil.delete(path, if_match=rotated["version"])).status_code == 204
    assert (await medical.get(f"{path}/keys")).status_code == 404

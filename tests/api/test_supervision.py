"""A union supervisor sees the cases of the unions below, and touches none."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.actions.instances import superuser
from tests.actions.people import signed_in as new_sign_in
from tests.actions.story import refer, report
from tests.builders import Api, fresh_key
from tests.conftest import OpenApi


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in at an agency with these roles."""

    http: httpx.AsyncClient
    token: str

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=self._headers() | headers)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        given = self._headers() | {"idempotency-key": fresh_key()} | headers
        return await self.http.post(path, json=body, headers=given)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "tongli-purpose": "supervision"}


SignIn = Callable[..., Awaitable[Person]]


@pytest.fixture
def sign_in(http: httpx.AsyncClient, admin_url: str, app: FastAPI, open_api: OpenApi) -> SignIn:
    async def signed_in(code: str, *roles: str) -> Person:
        agency = (await open_api(code)).id
        async with superuser(admin_url) as raw:
            _, _, token = await new_sign_in(raw, app.state.services.tokens, agency, roles)
        return Person(http, token)

    return signed_in


async def test_the_union_above_sees_case_needs_participants_and_referrals(
    sign_in: SignIn, union: Api, labour: Api
) -> None:
    case_id = (await report(labour))["case"]["id"]
    await refer(union, case_id, labour)
    city = await sign_in("DEMO-340800-UNION", "union_supervisor")
    case = (await city.get(f"/v1/cases/{case_id}")).json()
    assert (case["roles"], case["division_code"]) == (["supervisor"], "340802")
    assert {need["need"] for need in case["needs"]} >= {"employment"}
    parts = (await city.get(f"/v1/cases/{case_id}/participants")).json()["data"]
    assert sorted(part["role"] for part in parts) == ["coordinator", "reporter"]
    told = [entry["type"] for entry in (await city.get(f"/v1/cases/{case_id}/timeline")).json()["data"]]
    assert told[0] == "case.opened"
    assert "referral.requested" in told
    (referral,) = (await city.get(f"/v1/cases/{case_id}/referrals")).json()["data"]
    read = await city.get(f"/v1/referrals/{referral['id']}")
    assert (read.status_code, read.json()["allowed_steps"], read.json()["people"]) == (200, [], None)


async def test_the_file_shows_a_supervisor_enough_to_judge_the_work_and_nothing_to_reach_the_person_by(
    sign_in: SignIn, labour: Api
) -> None:
    filed = await report(labour)
    city = await sign_in("DEMO-340800-UNION", "union_supervisor")
    file = (await city.get(f"/v1/cases/{filed['case']['id']}/file")).json()
    assert file["field_classes"] == ["basic", "economic", "family"]
    assert not {"phones", "address", "id_number", "health"} & set(file["people"][0])
    assert (await city.get(f"/v1/reports/{filed['id']}")).status_code in (403, 404)


async def test_a_supervisor_writes_nothing_even_with_a_coordinators_role_beside_it(
    sign_in: SignIn, union: Api, labour: Api
) -> None:
    case_id = (await report(labour))["case"]["id"]
    referral = await refer(union, case_id, labour)
    both = await sign_in("DEMO-340800-UNION", "union_supervisor", "union_coordinator")
    for path, body in (
        (f"/v1/cases/{case_id}/assess", {}),
        (f"/v1/cases/{case_id}/referrals", {"matter": "LAB-12"}),
        (f"/v1/referrals/{referral['id']}/cancel", {"reason": "need_gone", "text": "x"}),
    ):
        answer = await both.post(path, body, **{"if-match": '"v1"'})
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-role"), path


@pytest.mark.parametrize(
    ("code", "roles"),
    [
        ("DEMO-340800-UNION", ("union_coordinator",)),
        ("DEMO-990100-UNION", ("union_supervisor",)),
        ("DEMO-340800-LABOUR", ("union_supervisor", "agency_supervisor")),
    ],
)
async def test_nobody_else_above_or_beside_sees_it(
    sign_in: SignIn, labour: Api, code: str, roles: tuple[str, ...]
) -> None:
    case_id = (await report(labour))["case"]["id"]
    other = await sign_in(code, *roles)
    assert (await other.get(f"/v1/cases/{case_id}")).status_code == 404
    assert (await other.get(f"/v1/cases/{case_id}/file")).status_code in (403, 404)


async def test_the_list_of_a_union_below_is_for_its_supervisor(sign_in: SignIn, union: Api, labour: Api) -> None:
    case_id = (await report(labour))["case"]["id"]
    city = await sign_in("DEMO-340800-UNION", "union_supervisor")
    listed = (await city.get(f"/v1/cases?coordinator={union.id}")).json()["data"]
    assert case_id in {case["id"] for case in listed}
    assert {case["role"] for case in listed} == {"supervisor"}
    assert case_id not in {case["id"] for case in (await city.get("/v1/cases")).json()["data"]}
    beside = await sign_in("DEMO-990100-UNION", "union_supervisor")
    refused = await beside.get(f"/v1/cases?coordinator={union.id}")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-role")

"""Human accounts: what an agency's administrator may open, change and end."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from api.services import Services
from crypto.tokens import TokenAuthority
from tests.actions.instances import superuser
from tests.api.people import new_app
from tests.builders import Api, fresh_key

OpenApi = Callable[..., Awaitable[Api]]


def _person(**changes: Any) -> dict[str, Any]:
    return {"login": f"u{secrets.token_hex(5)}", "name": "孙立民", "roles": ["auditor"]} | changes


async def _opened(admin: Api, **changes: Any) -> dict[str, Any]:
    answer = await admin.post("/v1/staff", _person(**changes))
    assert answer.status_code == 201, answer.text
    person: dict[str, Any] = answer.json()
    return person


async def test_a_person_is_opened_and_read_by_the_own_agency(union: Api) -> None:
    body = _person(roles=["union_coordinator", "auditor", "auditor"])
    answer = await union.post("/v1/staff", body)
    assert answer.status_code == 201, answer.text
    person = answer.json()
    assert (person["login"], person["name"]) == (body["login"], body["name"])
    assert person["roles"] == ["union_coordinator", "auditor"]
    read = await union.get(answer.headers["location"])
    assert (read.json(), read.headers["etag"]) == (person, answer.headers["etag"])
    again = await union.get(answer.headers["location"], headers={"if-none-match": read.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("agency", "role", "code"),
    [
        ("DEMO-340802-UNION", "king", "unknown-role"),
        ("DEMO-340802-UNION", "platform_operator", "operator-only"),
        ("DEMO-340802-LABOUR", "union_coordinator", "union-only"),
        ("DEMO-340802-LABOUR", "union_supervisor", "union-only"),
        ("DEMO-340802-UNION", "agency_caseworker", "offices-only"),
    ],
)
async def test_a_role_that_may_not_be_given_is_refused(open_api: OpenApi, agency: str, role: str, code: str) -> None:
    admin = await open_api(agency)
    answer = await admin.post("/v1/staff", _person(roles=["auditor", role]))
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [("/roles/1", code)]
    person = await _opened(admin)
    changed = await admin.patch(f"/v1/staff/{person['id']}", {"roles": [role]}, if_match=1)
    assert (changed.status_code, changed.json()["errors"][0]["code"]) == (422, code)


@pytest.mark.parametrize(
    "body",
    [
        {"login": "x"},
        _person(roles=[]),
        _person(login="a b"),
        _person(name=""),
        _person(name="名" * 51),
        _person(password="x"),
        _person(roles="auditor"),
    ],
)
async def test_a_person_that_says_too_little_or_too_much_is_refused(union: Api, body: dict[str, Any]) -> None:
    assert (await union.post("/v1/staff", body)).status_code == 422


async def test_a_login_is_used_once_in_an_agency_and_free_in_another(union: Api, labour: Api) -> None:
    person = await _opened(union)
    taken = await union.post("/v1/staff", _person(login=person["login"]))
    assert (taken.status_code, taken.json()["existing"]) == (409, f"/v1/staff/{person['id']}")
    await union.post(f"/v1/staff/{person['id']}/revoke", if_match=1)
    assert (await union.post("/v1/staff", _person(login=person["login"]))).status_code == 409
    assert (await labour.post("/v1/staff", _person(login=person["login"]))).status_code == 201


async def test_the_same_key_opens_one_account(union: Api) -> None:
    body, key = _person(), fresh_key()
    first = await union.post("/v1/staff", body, key=key)
    again = await union.post("/v1/staff", body, key=key)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert (await union.post("/v1/staff", body, key=None)).json()["code"] == "idempotency-missing"


async def test_people_belong_to_their_agency(union: Api, labour: Api) -> None:
    person = await _opened(union)
    path = f"/v1/staff/{person['id']}"
    answers = [
        await labour.get(path),
        await labour.patch(path, {"name": "别人"}, if_match=1),
        await labour.post(f"{path}/revoke", if_match=1),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert all(person["name"] not in answer.text for answer in answers)
    ids = {row["id"] for row in (await labour.get("/v1/staff", params={"limit": 200})).json()["data"]}
    assert person["id"] not in ids


async def test_people_are_the_administrators_business(open_api: OpenApi, union: Api) -> None:
    person = await _opened(union)
    caseworker = await open_api("DEMO-340802-UNION", scopes=("cases:read",))
    path = f"/v1/staff/{person['id']}"
    answers = [
        await caseworker.get("/v1/staff"),
        await caseworker.get(path),
        await caseworker.post("/v1/staff", _person()),
        await caseworker.patch(path, {"name": "别人"}, if_match=1),
        await caseworker.post(f"{path}/revoke", if_match=1),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5


async def test_the_list_goes_from_new_to_old(open_api: OpenApi) -> None:
    admin = await open_api("DEMO-990101-FINANCE")
    made = [(await _opened(admin))["id"] for _ in range(3)]
    first = (await admin.get("/v1/staff", params={"limit": 2})).json()
    rest = (await admin.get("/v1/staff", params={"limit": 2, "cursor": first["page"]["next"]})).json()
    assert [row["id"] for row in first["data"]] + [rest["data"][0]["id"]] == made[::-1]


async def test_name_and_roles_are_changed_with_the_tag_in_force(union: Api) -> None:
    person = await _opened(union)
    path = f"/v1/staff/{person['id']}"
    assert (await union.patch(path, {"name": "孙丽敏"})).status_code == 428
    changed = await union.patch(path, {"name": "孙丽敏"}, if_match=1)
    assert (changed.json()["name"], changed.json()["roles"]) == ("孙丽敏", person["roles"])
    stale = await union.patch(path, {"roles": ["auditor"]}, if_match=1)
    assert (stale.status_code, stale.headers["etag"]) == (412, '"v2"')
    assert (await union.patch(path, {"roles": ["auditor"]}, if_match=2)).json()["roles"] == ["auditor"]
    assert (await union.patch(path, {"roles": []}, if_match=3)).status_code == 422
    assert (await union.patch(path, {"login": "other"}, if_match=3)).status_code == 422


async def test_a_revoked_person_is_shut_out_with_the_next_request(union: Api, app: Any, admin_url: str) -> None:
    person = await _opened(union)
    path = f"/v1/staff/{person['id']}"
    services: Services = app.state.services
    headers = {
        "authorization": f"Bearer {_token(services.tokens, union, person, device=await _device(admin_url, person))}"
    }
    assert (await union.http.get("/v1/matters/LAB-01", headers=headers)).status_code == 200
    revoked = await union.post(f"{path}/revoke", if_match=1)
    assert (revoked.status_code, revoked.json()["status"]) == (200, "revoked")
    assert revoked.json()["revoked_at"].endswith("Z")
    assert (await union.http.get("/v1/matters/LAB-01", headers=headers)).status_code == 401
    again = await union.post(f"{path}/revoke", if_match=2)
    assert (again.status_code, again.json()["current"]) == (409, "revoked")
    assert (await union.patch(path, {"name": "回来"}, if_match=2)).status_code == 409


async def _device(admin_url: str, person: dict[str, Any]) -> UUID:
    """One on which the person is signed in."""
    async with superuser(admin_url) as raw:
        device: UUID = await raw.fetchval(_DEVICE, UUID(person["id"]), await new_app(admin_url))
    return device


_DEVICE = """
INSERT INTO device (id, agency_id, staff_id, app_id, name, client, scopes, auth_time, second_factor, created_at,
                    seen_at, expires_at)
SELECT gen_random_uuid(), agency_id, id, $2, 'phone', 'other', '{}', now(), false, now(), now(), now() + interval '1 h'
  FROM staff WHERE id = $1 RETURNING id"""


def _token(tokens: TokenAuthority, union: Api, person: dict[str, Any], *, device: UUID) -> str:
    return tokens.mint(
        principal_kind="staff",
        principal_id=UUID(person["id"]),
        client_id=union.agency.client_id,
        agency_id=union.id,
        scopes=frozenset({"cases:read"}),
        now=datetime.now(UTC),
        session_id=device,
    )


async def test_marks_name_nobody(union: Api, admin_url: str) -> None:
    person = await _opened(union, name="欧阳静怡")
    await union.patch(f"/v1/staff/{person['id']}", {"name": "欧阳静仪"}, if_match=1)
    connection = await asyncpg.connect(admin_url)
    try:
        leaves = await connection.fetch(
            "SELECT action, facts::text FROM audit_leaf WHERE subject_id = $1 ORDER BY id", UUID(person["id"])
        )
    finally:
        await connection.close()
    assert [leaf["action"] for leaf in leaves] == ["staff.open", "staff.change"]
    assert all("欧阳" not in leaf["facts"] and "\\u6b27" not in leaf["facts"] for leaf in leaves)
    assert all(person["login"] not in leaf["facts"] for leaf in leaves)

"""Machine accounts: what an agency's administrator may open, change and end, and how soon that holds."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from crypto.public_keys import generate_client_key, thumbprint
from crypto.tokens import sign_client_assertion
from rules.scopes import AGENCY_SCOPES, BARRED_WITH_SECRET, SCOPES
from tests.builders import ASSERTION_TYPE, Api, fresh_key

OpenApi = Callable[..., Awaitable[Api]]


async def _opened(admin: Api, **body: Any) -> dict[str, Any]:
    answer = await admin.post("/v1/clients", {"name": "综合业务系统", "scopes": ["cases:read"]} | body)
    assert answer.status_code == 201, answer.text
    client: dict[str, Any] = answer.json()
    return client


def _acting_as(admin: Api, client: dict[str, Any], private: dict[str, str]) -> Api:
    agency = replace(admin.agency, client_id=UUID(client["id"]), private_jwk=private, scopes=tuple(client["scopes"]))
    return Api(admin.http, agency)


async def _sign_in(http: httpx.AsyncClient, client: dict[str, Any], private: dict[str, str]) -> httpx.Response:
    assertion = sign_client_assertion(
        private, client_id=client["id"], audience=str(http.base_url).rstrip("/"), now=datetime.now(UTC)
    )
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return await http.post("/oauth/token", data=form)


async def _sign_in_with_secret(http: httpx.AsyncClient, client: dict[str, Any], secret: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client["id"], "client_secret": secret}
    return await http.post("/oauth/token", data=form)


async def test_a_client_with_a_key_is_opened_and_works(union: Api) -> None:
    private, public = generate_client_key()
    client = await _opened(union, public_jwk=public, scopes=["cases:read", "events:read", "cases:read"])
    assert client["scopes"] == ["cases:read", "events:read"]
    assert client["client_secret"] is None
    (key,) = client["keys"]
    assert (key["kid"], key["thumbprint"], key["revoked_at"]) == (public["kid"], thumbprint(public), None)
    acting = _acting_as(union, client, private)
    assert (await acting.get("/v1/cases")).status_code == 200
    assert (await acting.get("/v1/clients")).status_code == 403


async def test_a_secret_is_shown_once_and_opens_the_door_for_a_year(union: Api, http: httpx.AsyncClient) -> None:
    client = await _opened(union, with_secret=True)
    assert client["client_secret"].startswith("tls_")
    life = datetime.fromisoformat(client["secret_expires_at"]) - datetime.now(UTC)
    assert timedelta(days=364) < life <= timedelta(days=365)
    read = await union.get(f"/v1/clients/{client['id']}")
    assert read.json() == {name: value for name, value in client.items() if name != "client_secret"}
    assert client["client_secret"] not in read.text
    assert (await _sign_in_with_secret(http, client, client["client_secret"])).status_code == 200
    assert (await _sign_in_with_secret(http, client, "tls_wrong")).status_code == 401


async def test_an_expired_secret_opens_nothing(union: Api, http: httpx.AsyncClient, admin_url: str) -> None:
    client = await _opened(union, with_secret=True)
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(
            "UPDATE client SET secret_expires_at = now() - interval '1 second' WHERE id = $1", UUID(client["id"])
        )
    finally:
        await connection.close()
    assert (await _sign_in_with_secret(http, client, client["client_secret"])).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"scopes": ["cases:read"]}, "/public_jwk", "key-or-secret-required"),
        ({"scopes": ["cases:burn"], "with_secret": True}, "/scopes/0", "unknown-scope"),
        ({"scopes": ["cases:read", "persons:reveal"], "with_secret": True}, "/scopes/1", "beyond-own-scopes"),
        ({"scopes": []}, "/scopes", "too-few"),
        ({"name": " ", "with_secret": True}, "/name", "pattern"),
        ({"with_secret": 1}, "/with_secret", "wrong-type"),
        ({"public_jwk": {"kty": "RSA"}}, "/public_jwk/kty", "not-supported"),
        ({"public_jwk": generate_client_key()[0]}, "/public_jwk/d", "private-key"),
        ({"agency_id": "00000000-0000-7000-8000-000000000000"}, "/agency_id", "unknown-field"),
    ],
)
async def test_what_a_client_may_not_be_is_refused_with_the_place(
    union: Api, body: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await union.post("/v1/clients", {"name": "系统", "scopes": ["cases:read"]} | body)
    assert answer.status_code == 422
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in answer.json()["errors"]}


@pytest.mark.parametrize("scope", sorted(BARRED_WITH_SECRET))
async def test_a_secret_and_a_sensitive_scope_never_meet(open_api: OpenApi, scope: str) -> None:
    admin = await open_api("DEMO-340802-UNION", scopes=tuple(SCOPES))
    answer = await admin.post("/v1/clients", {"name": "系统", "scopes": [scope], "with_secret": True})
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/scopes/0", "barred-with-secret")
    ]
    client = await _opened(admin, with_secret=True)
    widened = await admin.patch(f"/v1/clients/{client['id']}", {"scopes": [scope]}, if_match=1)
    assert widened.status_code == 422
    keyed = await _opened(admin, public_jwk=generate_client_key()[1], scopes=[scope])
    rotated = await admin.post(f"/v1/clients/{keyed['id']}/rotate-secret")
    assert (rotated.status_code, rotated.json()["reason"]) == (409, "client-has-no-secret")


async def test_the_same_key_opens_one_client_and_repeats_its_secret(union: Api) -> None:
    body, key = {"name": "系统", "scopes": ["cases:read"], "with_secret": True}, fresh_key()
    first = await union.post("/v1/clients", body, key=key)
    again = await union.post("/v1/clients", body, key=key)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_clients_belong_to_their_agency(union: Api, labour: Api, stranger: Api) -> None:
    client = await _opened(union, with_secret=True)
    path = f"/v1/clients/{client['id']}"
    for other in (labour, stranger):
        answers = [
            await other.get(path),
            await other.patch(path, {"name": "我的"}, if_match=1),
            await other.post(f"{path}/keys", {"public_jwk": generate_client_key()[1]}),
            await other.delete(f"{path}/keys/any", if_match=1),
            await other.post(f"{path}/rotate-secret"),
            await other.post(f"{path}/revoke", if_match=1),
        ]
        assert [answer.status_code for answer in answers] == [404] * 6
        ids = {row["id"] for row in (await other.get("/v1/clients", params={"limit": 200})).json()["data"]}
        assert client["id"] not in ids
    assert (await union.get(path)).json()["version"] == 1


async def test_clients_are_the_administrators_business(open_api: OpenApi, union: Api) -> None:
    client = await _opened(union, with_secret=True)
    caseworker = await open_api("DEMO-340802-UNION", scopes=("cases:read",))
    path = f"/v1/clients/{client['id']}"
    answers = [
        await caseworker.get("/v1/clients"),
        await caseworker.get(path),
        await caseworker.post("/v1/clients", {"name": "系统", "scopes": ["cases:read"], "with_secret": True}),
        await caseworker.patch(path, {"name": "我的"}, if_match=1),
        await caseworker.post(f"{path}/keys", {"public_jwk": generate_client_key()[1]}),
        await caseworker.delete(f"{path}/keys/any", if_match=1),
        await caseworker.post(f"{path}/rotate-secret"),
        await caseworker.post(f"{path}/revoke", if_match=1),
    ]
    assert [answer.status_code for answer in answers] == [403] * 8


async def test_the_list_goes_from_new_to_old(open_api: OpenApi) -> None:
    admin = await open_api("DEMO-990101-CIVIL")
    made = [(await _opened(admin, with_secret=True))["id"] for _ in range(3)]
    first = (await admin.get("/v1/clients", params={"limit": 2})).json()
    assert [row["id"] for row in first["data"]] == made[:0:-1]
    rest = (await admin.get("/v1/clients", params={"limit": 2, "cursor": first["page"]["next"]})).json()
    assert rest["data"][0]["id"] == made[0]
    assert "client_secret" not in rest["data"][0]


async def test_a_client_loses_a_scope_with_its_next_request(union: Api) -> None:
    private, public = generate_client_key()
    client = await _opened(union, public_jwk=public, scopes=["cases:read", "agency:admin"])
    acting = _acting_as(union, client, private)
    assert (await acting.get("/v1/staff")).status_code == 200
    changed = await union.patch(f"/v1/clients/{client['id']}", {"scopes": ["cases:read"]}, if_match=1)
    assert (changed.status_code, changed.json()["name"], changed.headers["etag"]) == (200, client["name"], '"v2"')
    assert (await acting.get("/v1/staff")).status_code == 403
    assert (await acting.get("/v1/cases")).status_code == 200


async def test_a_change_needs_the_tag_in_force(union: Api) -> None:
    client = await _opened(union, with_secret=True)
    path = f"/v1/clients/{client['id']}"
    assert (await union.patch(path, {"name": "新名"})).status_code == 428
    assert (await union.patch(path, {"name": "新名"}, if_match=1)).status_code == 200
    stale = await union.patch(path, {"name": "旧名"}, if_match=1)
    assert (stale.status_code, stale.headers["etag"]) == (412, '"v2"')
    read = await union.get(path, headers={"if-none-match": '"v2"'})
    assert read.status_code == 304


async def test_keys_overlap_while_they_are_changed(union: Api, http: httpx.AsyncClient) -> None:
    (old, old_public), (new, new_public) = generate_client_key(), generate_client_key()
    client = await _opened(union, public_jwk=old_public)
    added = await union.post(f"/v1/clients/{client['id']}/keys", {"public_jwk": new_public})
    assert added.status_code == 201, added.text
    assert [key["kid"] for key in added.json()["keys"]] == [old_public["kid"], new_public["kid"]]
    assert (await _sign_in(http, client, old)).status_code == 200
    assert (await _sign_in(http, client, new)).status_code == 200
    gone = await union.delete(f"/v1/clients/{client['id']}/keys/{old_public['kid']}", if_match=added.headers["etag"])
    assert gone.status_code == 204, gone.text
    assert (await _sign_in(http, client, old)).status_code == 401
    assert (await _sign_in(http, client, new)).status_code == 200
    again = await union.delete(f"/v1/clients/{client['id']}/keys/{old_public['kid']}", if_match=gone.headers["etag"])
    assert again.status_code == 404


async def test_a_kid_is_used_once_by_a_client_even_after_its_end(union: Api) -> None:
    public = generate_client_key()[1] | {"kid": "2026/01#1"}
    client = await _opened(union, public_jwk=public)
    path = f"/v1/clients/{client['id']}"
    taken = await union.post(f"{path}/keys", {"public_jwk": generate_client_key()[1] | {"kid": public["kid"]}})
    assert (taken.status_code, taken.json()["existing"]) == (409, path)
    other = await union.post(f"{path}/keys", {"public_jwk": generate_client_key()[1] | {"kid": "2026/02?"}})
    assert (await union.delete(other.headers["location"], if_match=1)).status_code == 412
    assert (await union.delete(other.headers["location"], if_match=2)).status_code == 204
    states = {key["kid"]: key["revoked_at"] for key in (await union.get(path)).json()["keys"]}
    assert states["2026/01#1"] is None
    assert states["2026/02?"] is not None
    assert (await union.post(f"{path}/keys", {"public_jwk": public | {"kid": "2026/02?"}})).status_code == 409


async def test_a_rotated_secret_is_void_at_once(union: Api, http: httpx.AsyncClient) -> None:
    client = await _opened(union, with_secret=True)
    key = fresh_key()
    rotated = await union.post(f"/v1/clients/{client['id']}/rotate-secret", key=key)
    assert rotated.status_code == 200, rotated.text
    secret = rotated.json()["client_secret"]
    assert secret != client["client_secret"]
    assert (await _sign_in_with_secret(http, client, client["client_secret"])).status_code == 401
    assert (await _sign_in_with_secret(http, client, secret)).status_code == 200
    repeated = await union.post(f"/v1/clients/{client['id']}/rotate-secret", key=key)
    assert repeated.json()["client_secret"] == secret


async def test_a_revoked_client_is_shut_out_with_its_next_request(union: Api, http: httpx.AsyncClient) -> None:
    private, public = generate_client_key()
    client = await _opened(union, public_jwk=public)
    path = f"/v1/clients/{client['id']}"
    acting = _acting_as(union, client, private)
    assert (await acting.get("/v1/cases")).status_code == 200
    assert (await union.post(f"{path}/revoke")).status_code == 428
    revoked = await union.post(f"{path}/revoke", if_match=1)
    assert (revoked.status_code, revoked.json()["status"]) == (200, "revoked")
    refused = await acting.get("/v1/cases")
    assert (refused.status_code, refused.json()["code"]) == (401, "not-authenticated")
    assert (await _sign_in(http, client, private)).status_code == 401
    again = await union.post(f"{path}/revoke", if_match=2)
    assert (again.status_code, again.json()["current"]) == (409, "revoked")
    assert (await union.patch(path, {"name": "回来"}, if_match=2)).status_code == 409
    assert (await union.post(f"{path}/keys", {"public_jwk": generate_client_key()[1]})).status_code == 409
    assert (await union.post(f"{path}/rotate-secret")).status_code == 409


async def test_an_administrator_may_end_its_own_client(open_api: OpenApi) -> None:
    admin = await open_api("DEMO-990101-CIVIL")
    ended = await admin.post(f"/v1/clients/{admin.agency.client_id}/revoke", if_match=1)
    assert ended.status_code == 200
    assert (await admin.get("/v1/clients")).status_code == 401


async def test_nobody_reaches_further_through_a_client_of_others(open_api: OpenApi) -> None:
    """With a key of one's own on a wider client one would have its scopes."""
    wide = await open_api("DEMO-340802-UNION", scopes=tuple(SCOPES))
    narrow = await open_api("DEMO-340802-UNION", scopes=AGENCY_SCOPES)
    client = await _opened(wide, public_jwk=generate_client_key()[1], scopes=["persons:reveal", "cases:read"])
    path = f"/v1/clients/{client['id']}"
    added = await narrow.post(f"{path}/keys", {"public_jwk": generate_client_key()[1]})
    assert (added.status_code, added.json()["code"]) == (403, "insufficient-scope")
    kept = await narrow.patch(path, {"scopes": ["persons:reveal", "events:read"]}, if_match=1)
    assert kept.status_code == 200, "what the client has already is nothing new"
    token = Api(narrow.http, narrow.agency, scopes=("agency:admin",))
    answer = await token.post("/v1/clients", {"name": "系统", "scopes": ["cases:read"], "with_secret": True})
    assert answer.status_code == 422, "a narrowed token opens no wider client"


async def test_every_change_leaves_a_mark_without_secrets(union: Api, admin_url: str) -> None:
    client = await _opened(union, public_jwk=generate_client_key()[1], with_secret=True)
    rotated = await union.post(f"/v1/clients/{client['id']}/rotate-secret")
    await union.post(f"/v1/clients/{client['id']}/revoke", if_match=2)
    connection = await asyncpg.connect(admin_url)
    try:
        leaves = await connection.fetch(
            "SELECT action, agency_id, principal_id, facts::text FROM audit_leaf WHERE subject_id = $1 ORDER BY id",
            UUID(client["id"]),
        )
    finally:
        await connection.close()
    assert [leaf["action"] for leaf in leaves] == ["client.open", "client.rotate_secret", "client.revoke"]
    assert {(leaf["agency_id"], leaf["principal_id"]) for leaf in leaves} == {(union.id, union.agency.client_id)}
    written = "".join(leaf["facts"] for leaf in leaves)
    assert client["client_secret"] not in written
    assert rotated.json()["client_secret"] not in written

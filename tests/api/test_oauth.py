"""Signing in: two ways and not both, nothing twice, nobody dead, and a token that others can verify."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from crypto.public_keys import generate_client_key
from crypto.tokens import sign_client_assertion
from db.directory import set_agency_status
from db.operator import open_operator_transaction
from rules.scopes import AGENCY_SCOPES, BARRED_WITH_SECRET
from tests.actions.instances import new_client, superuser
from tests.actions.story import Json
from tests.builders import ASSERTION_TYPE, Agency, Api
from tests.conftest import PUBLIC_URL


@pytest.fixture
async def client(admin_url: str) -> Agency:
    return await new_client(admin_url, "DEMO-340802-CIVIL")


def assertion(client: Agency, **changes: Any) -> str:
    given: dict[str, Any] = {
        "private": client.private_jwk,
        "client_id": str(client.client_id),
        "audience": PUBLIC_URL,
        "now": datetime.now(UTC),
    } | changes
    return sign_client_assertion(given.pop("private"), **given)


def _form(client_assertion: str, **more: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": client_assertion,
    } | more


async def _token(http: httpx.AsyncClient, form: dict[str, str], **options: Any) -> httpx.Response:
    return await http.post("/oauth/token", data=form, **options)


def _basic(client: Agency, secret: str | None = None) -> dict[str, str]:
    pair = f"{client.client_id}:{secret or client.client_secret}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _refused(answer: httpx.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()) == (status, {"error": error}), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) is (status == 401)


async def test_a_key_of_ones_own_signs_in(http: httpx.AsyncClient, client: Agency) -> None:
    answer = await _token(http, _form(assertion(client)))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert set(body["scope"].split()) == set(AGENCY_SCOPES)


@pytest.mark.parametrize("way", ["basic", "form"])
async def test_a_secret_signs_in_by_header_or_form(http: httpx.AsyncClient, client: Agency, way: str) -> None:
    grant = {"grant_type": "client_credentials"}
    if way == "basic":
        answer = await _token(http, grant, headers=_basic(client))
    else:
        secret = {"client_id": str(client.client_id), "client_secret": client.client_secret}
        answer = await _token(http, grant | secret)
    assert answer.status_code == 200, answer.text


async def test_the_token_opens_the_api_and_names_no_more_than_it_must(http: httpx.AsyncClient, client: Agency) -> None:
    token = (await _token(http, _form(assertion(client)))).json()["access_token"]
    answer = await http.get("/v1/cases", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    keys = KeySet.import_key_set((await http.get("/.well-known/jwks.json")).json())
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    assert decoded.header["typ"] == "at+jwt"
    claims = decoded.claims
    assert (claims["iss"], claims["aud"], claims["sub"]) == (PUBLIC_URL, PUBLIC_URL, str(client.client_id))
    assert claims["exp"] - claims["iat"] == 600


async def test_published_keys_hold_nothing_private(http: httpx.AsyncClient) -> None:
    (*keys,) = (await http.get("/.well-known/jwks.json")).json()["keys"]
    assert keys
    for key in keys:
        assert "d" not in key
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")


async def test_the_metadata_says_where_and_how(http: httpx.AsyncClient) -> None:
    said = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert (said["issuer"], said["token_endpoint"]) == (PUBLIC_URL, f"{PUBLIC_URL}/oauth/token")
    assert said["jwks_uri"] == f"{PUBLIC_URL}/.well-known/jwks.json"
    assert set(said["token_endpoint_auth_methods_supported"]) == {
        "none",
        "private_key_jwt",
        "client_secret_basic",
        "client_secret_post",
    }
    assert said["grant_types_supported"] == ["client_credentials", "authorization_code", "refresh_token"]
    assert (said["response_types_supported"], said["code_challenge_methods_supported"]) == (["code"], ["S256"])
    assert said["authorization_response_iss_parameter_supported"] is True
    for endpoint in ("authorization_endpoint", "revocation_endpoint"):
        assert said[endpoint].startswith(f"{PUBLIC_URL}/oauth/")


async def test_an_assertion_works_once(http: httpx.AsyncClient, client: Agency) -> None:
    form = _form(assertion(client))
    assert (await _token(http, form)).status_code == 200
    _refused(await _token(http, form), 401, "invalid_client")


async def test_sixteen_copies_of_an_assertion_sign_in_once(http: httpx.AsyncClient, client: Agency) -> None:
    import asyncio  # noqa: PLC0415  only this test races

    form = _form(assertion(client))
    answers = await asyncio.gather(*(_token(http, form) for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 15]


@pytest.mark.parametrize(
    "audience", [f"{PUBLIC_URL}/", f"{PUBLIC_URL}/oauth/token", "https://other.example", PUBLIC_URL.upper()]
)
async def test_an_assertion_for_somebody_else_is_refused(
    http: httpx.AsyncClient, client: Agency, audience: str
) -> None:
    _refused(await _token(http, _form(assertion(client, audience=audience))), 401, "invalid_client")


async def test_a_key_that_is_not_registered_is_refused(http: httpx.AsyncClient, client: Agency) -> None:
    stranger, _ = generate_client_key()
    for private in (stranger, {**stranger, "kid": client.private_jwk["kid"]}):
        _refused(await _token(http, _form(assertion(client, private=private))), 401, "invalid_client")


async def test_one_clients_key_does_not_sign_in_another(
    http: httpx.AsyncClient, client: Agency, admin_url: str
) -> None:
    other = await new_client(admin_url, "DEMO-340802-UNION")
    signed = assertion(client, client_id=str(other.client_id))
    _refused(await _token(http, _form(signed)), 401, "invalid_client")
    mismatch = _form(assertion(client), client_id=str(other.client_id))
    _refused(await _token(http, mismatch), 401, "invalid_client")


async def test_a_revoked_key_is_refused(http: httpx.AsyncClient, client: Agency, admin_url: str) -> None:
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE client_key SET revoked_at = now() WHERE client_id = $1", client.client_id)
    _refused(await _token(http, _form(assertion(client))), 401, "invalid_client")


@pytest.mark.parametrize("secret", ["wrong", "x" * 5_000, "tls_00000000_AAAA", "密码"])
async def test_a_wrong_secret_is_refused(http: httpx.AsyncClient, client: Agency, secret: str) -> None:
    grant = {"grant_type": "client_credentials"}
    _refused(await _token(http, grant, headers=_basic(client, secret)), 401, "invalid_client")


async def test_a_secret_that_has_run_out_is_refused(http: httpx.AsyncClient, client: Agency, admin_url: str) -> None:
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE client SET secret_expires_at = now() WHERE id = $1", client.client_id)
    answer = await _token(http, {"grant_type": "client_credentials"}, headers=_basic(client))
    _refused(answer, 401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        ({}, {}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, {}, 400, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, {}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, {}, 401, "invalid_client"),
        ({"grant_type": "refresh_token"}, {}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"authorization": "Basic %%%"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"authorization": "Basic bm8tdXVpZDp4"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"authorization": "Bearer abc"}, 401, "invalid_client"),
        (
            {"grant_type": "client_credentials", "client_assertion": "a.b.c"},
            {},
            400,
            "invalid_request",
        ),
        (
            {"grant_type": "client_credentials", "client_assertion": "abc", "client_assertion_type": ASSERTION_TYPE},
            {},
            401,
            "invalid_client",
        ),
    ],
)
async def test_what_is_not_a_sign_in_is_refused_in_oauths_own_words(
    http: httpx.AsyncClient, form: dict[str, str], headers: dict[str, str], status: int, error: str
) -> None:
    _refused(await _token(http, form, headers=headers), status, error)


async def test_two_ways_at_once_are_refused(http: httpx.AsyncClient, client: Agency) -> None:
    secret = {"client_id": str(client.client_id), "client_secret": client.client_secret}
    grant = {"grant_type": "client_credentials"}
    _refused(await _token(http, grant | secret, headers=_basic(client)), 400, "invalid_request")
    _refused(await _token(http, _form(assertion(client)) | secret), 400, "invalid_request")
    _refused(await _token(http, _form(assertion(client)), headers=_basic(client)), 400, "invalid_request")


async def test_a_parameter_given_twice_is_refused(http: httpx.AsyncClient) -> None:
    twice = b"grant_type=client_credentials&grant_type=client_credentials"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    _refused(await http.post("/oauth/token", content=twice, headers=kind), 400, "invalid_request")


async def test_what_a_secret_may_not_open_is_left_out_and_said(http: httpx.AsyncClient, admin_url: str) -> None:
    strong = await new_client(admin_url, "DEMO-340802-UNION", (*AGENCY_SCOPES, *BARRED_WITH_SECRET))
    grant = {"grant_type": "client_credentials"}
    by_secret = set((await _token(http, grant, headers=_basic(strong))).json()["scope"].split())
    by_key = set((await _token(http, _form(assertion(strong)))).json()["scope"].split())
    assert by_secret == set(AGENCY_SCOPES)
    assert by_key == {*AGENCY_SCOPES, *BARRED_WITH_SECRET}
    only_barred = await _token(http, grant | {"scope": "persons:reveal"}, headers=_basic(strong))
    _refused(only_barred, 400, "invalid_scope")


async def test_a_token_holds_what_was_asked_for_and_no_more(http: httpx.AsyncClient, client: Agency) -> None:
    answer = await _token(http, _form(assertion(client), scope="cases:read invented:scope"))
    assert answer.json()["scope"] == "cases:read"
    token = {"authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await http.get("/v1/cases", headers=token)).status_code == 200
    refused = await http.get("/v1/referrals", headers=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    assert 'scope="referrals:read"' in refused.headers["www-authenticate"]


async def test_revoking_a_client_ends_its_token_with_the_next_request(
    http: httpx.AsyncClient, client: Agency, admin_url: str
) -> None:
    api = Api(http, client)
    assert (await api.get("/v1/cases")).status_code == 200
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE client SET status = 'revoked' WHERE id = $1", client.client_id)
    _dead(await api.get("/v1/cases"))
    _refused(await _token(http, _form(assertion(client))), 401, "invalid_client")


def _dead(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.fixture
async def suspended(admin_url: str) -> AsyncIterator[Agency]:
    """An account of an office that is suspended when the test has signed in, and restored afterwards."""
    client = await new_client(admin_url, "DEMO-990101-EDUCATION")
    yield client
    await _set_status(admin_url, client.code, "active")


async def _set_status(admin_url: str, code: str, status: str) -> None:
    async with open_operator_transaction(admin_url) as raw:
        assert await set_agency_status(raw, code, status)


async def test_suspending_an_agency_ends_the_tokens_of_all_its_clients(
    http: httpx.AsyncClient, suspended: Agency, admin_url: str
) -> None:
    api = Api(http, suspended)
    assert (await api.get("/v1/cases")).status_code == 200
    await _set_status(admin_url, suspended.code, "suspended")
    _dead(await api.get("/v1/cases"))
    _refused(await _token(http, _form(assertion(suspended))), 401, "invalid_client")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer a.b.c", "Basic abc", "bearer null", "Token x"])
async def test_without_a_good_token_nothing_opens(http: httpx.AsyncClient, value: str) -> None:
    answer = await http.get("/v1/cases", headers={"authorization": value} if value else {})
    assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_every_route_of_the_api_asks_for_a_token(http: httpx.AsyncClient, app: Any) -> None:
    """A forgotten dependency would open a door; public are sign-in, keys, health, documents and problem pages."""
    checked = 0
    for path, methods in _routes(app):
        if not path.startswith("/v1/") or path.startswith("/v1/inbound/"):
            continue
        for method in methods:
            url = path.replace("{step}", "accept" if "referrals" in path else "assess")
            url = "/".join(str(UUID(int=7)) if part.startswith("{") else part for part in url.split("/"))
            answer = await http.request(method, url, json={} if method in ("POST", "PATCH", "PUT") else None)
            assert answer.status_code in (401, 415), (method, url, answer.text)
            if answer.status_code == 401:
                checked += 1
    assert checked >= 25


def _routes(app: Any) -> list[tuple[str, set[str]]]:
    from fastapi.routing import iter_route_contexts  # noqa: PLC0415  the framework's own list, flattened

    return [(r.path, set(r.methods or ())) for r in iter_route_contexts(app.routes) if r.path is not None]


def test_the_form_of_a_sign_in_is_what_rfc_7523_says(client: Agency) -> None:
    form: Json = dict(_form(assertion(client)))
    assert form["client_assertion"].count(".") == 2

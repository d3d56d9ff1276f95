"""The token endpoint: client credentials of agencies' systems (RFC 6749 §4.4) with private_key_jwt (RFC 7523) or a
secret; codes and refresh tokens of people (api/grants.py). No password grant.

Form bodies and RFC 6749's own error JSON; the scopes a client may not have are left out and `scope` says what it got.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import unquote_plus
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from api.deps import ServicesDep
from api.grants import GrantRefused, grant_to_person, sign_out
from api.services import Services
from api.strict_json import read_form
from api.tries import Count, count_of_client, settled, taken
from crypto.client_secrets import matches
from crypto.tokens import assertion_client_id, verify_client_assertion
from db.engine import Raw
from db.queries.clients import SignIn, client_for_sign_in, use_assertion
from db.transaction import open_system_transaction
from rules.errors import MalformedRequest, NotAuthenticated
from rules.scopes import BARRED_WITH_SECRET, SCOPES

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_SECONDS = 600

_UNCACHED = {"cache-control": "no-store", "pragma": "no-cache"}

router = APIRouter(tags=["oauth"])
_log = structlog.get_logger(component="oauth")


class TokenAnswer(BaseModel):
    """Of a person also the next refresh token, and the `nonce` of the sign-in where a code was exchanged."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str | None = None
    nonce: str | None = None


PERSON_GRANTS = ("authorization_code", "refresh_token")


class _Refused(Exception):  # noqa: N818  RFC 6749 words
    def __init__(self, error: str, status: int = 400, *, retry_after: int | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Credentials:
    client_id: UUID
    assertion: str | None
    secret: str | None


@router.post("/oauth/token", operation_id="issue_token", response_model=TokenAnswer)
async def issue_token(
    request: Request,
    services: ServicesDep,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Issue an access token (ES256, 10 minutes) to an agency's system, or to a person through an app.

    Systems: `grant_type=client_credentials` with `client_assertion` (private_key_jwt, preferred) or a client secret by
    HTTP Basic or in the form. A secret is barred from match, reveal and export scopes. People: `authorization_code`
    with its PKCE `code_verifier`, then `refresh_token`, which gives another each time. There is no password grant.
    """
    try:
        form = read_form(await request.body())
        if form.get("grant_type") in PERSON_GRANTS:
            answer: TokenAnswer = await _issue_to_person(services, request, form, authorization=authorization)
        else:
            answer = await _issue(services, request, form, authorization=authorization)
    except MalformedRequest:
        return _refusal(_Refused("invalid_request"))
    except GrantRefused as refused:
        return _refusal(_Refused(refused.error, 401 if refused.error == "invalid_client" else 400))
    except _Refused as refused:
        return _refusal(refused)
    return JSONResponse(answer.model_dump(exclude_none=True), headers=_UNCACHED)


@router.post("/oauth/revoke", operation_id="revoke_token", response_class=Response)
async def revoke_token(
    request: Request,
    services: ServicesDep,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Sign a device out: its refresh token ends, and its access tokens with the next request (RFC 7009).

    Answers 200 also for a token that is unknown or was revoked before.
    """
    try:
        form = read_form(await request.body())
        _require_public(form, authorization)
        await sign_out(services, request, form)
    except MalformedRequest:
        return _refusal(_Refused("invalid_request"))
    except GrantRefused as refused:
        return _refusal(_Refused(refused.error, 401 if refused.error == "invalid_client" else 400))
    except _Refused as refused:
        return _refusal(refused)
    return Response(status_code=200, headers=_UNCACHED)


def _refusal(refused: _Refused) -> Response:
    headers = dict(_UNCACHED)
    if refused.status == 401:
        headers["www-authenticate"] = 'Basic realm="tongli"'
    if refused.retry_after is not None:
        headers["retry-after"] = str(refused.retry_after)
    return JSONResponse({"error": refused.error}, status_code=refused.status, headers=headers)


async def _issue_to_person(
    services: Services, request: Request, form: dict[str, str], *, authorization: str | None
) -> TokenAnswer:
    _require_public(form, authorization)
    token, granted = await grant_to_person(services, request, form)
    return TokenAnswer(
        access_token=token,
        token_type="Bearer",  # noqa: S106  a kind, not a secret
        expires_in=TOKEN_SECONDS,
        scope=" ".join(sorted(granted.scopes)),
        refresh_token=granted.refresh_token,
        nonce=granted.nonce,
    )


def _require_public(form: dict[str, str], authorization: str | None) -> None:
    """An app is a public client: a secret or key shown beside it means that somebody mixed two things up."""
    if authorization is not None or "client_secret" in form or "client_assertion" in form:
        raise _Refused("invalid_client", 401)


async def _issue(
    services: Services, request: Request, form: dict[str, str], *, authorization: str | None
) -> TokenAnswer:
    if form.get("grant_type") != "client_credentials":
        raise _Refused("unsupported_grant_type" if "grant_type" in form else "invalid_request")
    credentials = _read_credentials(form, authorization)
    count = await _counted(services, request, credentials)
    now = datetime.now(UTC)
    async with open_system_transaction(services.database) as raw:
        client = await client_for_sign_in(raw, credentials.client_id)
        if client is None or not await _proves_itself(raw, services, client, credentials=credentials, now=now):
            _log.warning("sign-in refused", client=str(credentials.client_id))
            raise _Refused("invalid_client", 401)
    if count is not None:
        await settled(services, count)
    scopes = _granted(client, form.get("scope"), with_secret=credentials.assertion is None)
    token = services.tokens.mint(
        principal_kind="client",
        principal_id=credentials.client_id,
        client_id=credentials.client_id,
        agency_id=client.agency_id,
        scopes=scopes,
        now=now,
        lifetime_s=TOKEN_SECONDS,
    )
    return TokenAnswer(
        access_token=token,
        token_type="Bearer",  # noqa: S106  a kind, not a secret
        expires_in=TOKEN_SECONDS,
        scope=" ".join(sorted(scopes)),
    )


async def _counted(services: Services, request: Request, credentials: _Credentials) -> Count | None:
    """Secrets can be guessed, so tries count; signatures cannot, and cost no more than the look-up."""
    if credentials.secret is None:
        return None
    count = count_of_client(services, request, credentials.client_id)
    wait = await taken(services, count)
    if wait:
        _log.warning("sign-in throttled", client=str(credentials.client_id))
        raise _Refused("temporarily_unavailable", 429, retry_after=wait)
    return count


def _read_credentials(form: dict[str, str], authorization: str | None) -> _Credentials:
    """One way of proving oneself, not two (RFC 6749 §2.3)."""
    basic = _read_basic(authorization)
    assertion = form.get("client_assertion")
    ways = [basic is not None, assertion is not None, "client_secret" in form]
    if sum(ways) != 1:
        raise _Refused("invalid_request" if sum(ways) else "invalid_client", 400 if sum(ways) else 401)
    if assertion is not None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise _Refused("invalid_request")
        named = assertion_client_id(assertion)
        if named is None or form.get("client_id", named) != named:
            raise _Refused("invalid_client", 401)
        return _Credentials(_client_id(named), assertion, None)
    if basic is not None and form.get("client_id", basic[0]) != basic[0]:
        raise _Refused("invalid_request")
    name, secret = basic or (form.get("client_id", ""), form["client_secret"])
    return _Credentials(_client_id(name), None, secret)


def _read_basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _Refused("invalid_client", 401) from None
    return unquote_plus(name), unquote_plus(secret)


def _client_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _Refused("invalid_client", 401) from None


async def _proves_itself(
    raw: Raw, services: Services, client: SignIn, *, credentials: _Credentials, now: datetime
) -> bool:
    if credentials.assertion is None:
        secret_lives = client.secret_expires_at is None or client.secret_expires_at > now
        known = client.secret_hash is not None and secret_lives
        return known and matches(credentials.secret or "", client.secret_hash or b"")
    try:
        claims = verify_client_assertion(
            credentials.assertion,
            client_id=str(credentials.client_id),
            keys=client.keys,
            issuer=services.public_url,
            now=now,
        )
    except NotAuthenticated:
        return False
    return await use_assertion(raw, credentials.client_id, claims.token_id, claims.expires_at)


def _granted(client: SignIn, asked: str | None, *, with_secret: bool) -> frozenset[str]:
    allowed = frozenset(client.scopes) - (BARRED_WITH_SECRET if with_secret else frozenset())
    granted = allowed if asked is None else allowed.intersection(asked.split(" "))
    if not granted:
        raise _Refused("invalid_scope")
    return granted


@router.get("/.well-known/oauth-authorization-server", operation_id="read_server_metadata")
async def read_server_metadata(services: ServicesDep) -> dict[str, str | bool | list[str]]:
    """Where and how to sign in (RFC 8414)."""
    return {
        "issuer": services.public_url,
        "token_endpoint": f"{services.public_url}/oauth/token",
        "authorization_endpoint": f"{services.public_url}/oauth/authorize",
        "revocation_endpoint": f"{services.public_url}/oauth/revoke",
        "jwks_uri": f"{services.public_url}/.well-known/jwks.json",
        "scopes_supported": list(SCOPES),
        "grant_types_supported": ["client_credentials", *PERSON_GRANTS],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": ["zh-CN", "en"],
        "token_endpoint_auth_methods_supported": [
            *("none", "private_key_jwt", "client_secret_basic", "client_secret_post")
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "revocation_endpoint_auth_methods_supported": ["none"],
    }


@router.get("/.well-known/jwks.json", operation_id="list_token_keys")
async def list_token_keys(services: ServicesDep) -> dict[str, list[dict[str, str]]]:
    """Public keys that verify our access tokens (RFC 7517)."""
    return services.tokens.jwks()

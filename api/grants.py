"""Tokens for people at the token endpoint: a code with its PKCE verifier, or a refresh token (RFC 6749, 7636, 9700).

Apps are public clients: they name themselves and prove nothing, so whatever they show beside it is refused. What a code
or refresh token is worth is decided acting as its person, in one transaction that keeps also what a refusal ends.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog
from fastapi import Request

from actions.devices import Exchange, Granted, exchange_code, refresh, revoke_by_token
from api.services import Services
from crypto.grants import hash_grant
from db.queries.apps import App, find_app
from db.queries.devices import Holder, grant_holder
from db.transaction import Caller, open_system_transaction, open_transaction
from rules.errors import NotAuthenticated

TOKEN_SECONDS: Final = 600
_DEVICE_NAME: Final = re.compile(r"(?!.*[0-9]{7})[^\x00-\x1f\x7f<>]{1,64}")
# Coarse on purpose: enough to tell one's own devices apart, too little to recognise a person by.
_CLIENTS: Final = ("Android", "iPhone", "iPad", "HarmonyOS", "Windows", "Macintosh", "Linux")

_log = structlog.get_logger(component="oauth")


class GrantRefused(Exception):  # noqa: N818  RFC 6749 words
    """`error` of the token endpoint."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def desk_caller(request: Request, *, holder: Holder) -> Caller:
    """The person whose grant this is, acting for nothing but its own sign-in: no scopes, no device yet."""
    return person_at_desk(
        request, holder.staff_id, holder.agency_id, app_id=holder.app_id, second_factor=holder.second_factor
    )


def person_at_desk(
    request: Request, staff_id: UUID, agency_id: UUID, *, app_id: UUID, second_factor: bool = False
) -> Caller:
    return Caller(
        kind="staff",
        principal_id=staff_id,
        agency_id=agency_id,
        client_id=app_id,
        scopes=frozenset(),
        request_id=request.state.request_id,
        second_factor=second_factor,
    )


async def grant_to_person(services: Services, request: Request, form: Mapping[str, str]) -> tuple[str, Granted]:
    """An access token and what it was granted on. Raises GrantRefused."""
    app = await _app(services, form)
    request.state.client_id = str(app.id)
    if form["grant_type"] == "authorization_code":
        granted = await _by_code(services, request, app, form=form)
    else:
        granted = await _by_refresh_token(services, request, app, form=form)
    if granted is None:
        raise GrantRefused("invalid_grant")
    return granted


async def sign_out(services: Services, request: Request, form: Mapping[str, str]) -> None:
    """Ends the device of a refresh token; anything else named changes nothing (RFC 7009 section 2.2)."""
    app = await _app(services, form)
    if "token" not in form:
        raise GrantRefused("invalid_request")
    async with open_system_transaction(services.database) as raw:
        holder = await grant_holder(raw, hash_grant(form["token"]))
    if holder is None or holder.kind != "refresh":
        return
    try:
        async with open_transaction(services.database, desk_caller(request, holder=holder)) as tx:
            await revoke_by_token(tx, form["token"], app.id)
    except NotAuthenticated:  # its person is gone, and the device with it
        return


async def _app(services: Services, form: Mapping[str, str]) -> App:
    try:
        app_id = UUID(form.get("client_id", ""))
    except ValueError:
        raise GrantRefused("invalid_client") from None
    async with open_system_transaction(services.database) as raw:
        app = await find_app(raw, app_id)
    if app is None:
        raise GrantRefused("invalid_client")
    return app


async def _by_code(
    services: Services, request: Request, app: App, *, form: Mapping[str, str]
) -> tuple[str, Granted] | None:
    missing = {"code", "redirect_uri", "code_verifier"} - form.keys()
    name = form.get("device_name", "")
    if missing or (name and not _DEVICE_NAME.fullmatch(name)):
        raise GrantRefused("invalid_request")
    client = coarse_client(request.headers.get("user-agent", ""))
    given = Exchange(
        code=form["code"],
        app_id=app.id,
        redirect_uri=form["redirect_uri"],
        verifier=form["code_verifier"],
        device_name=name or client,
        client=client,
    )
    holder = await _holder(services, form["code"], "code", app)
    if holder is None:
        return None
    try:
        async with open_transaction(services.database, desk_caller(request, holder=holder)) as tx:
            granted = await exchange_code(tx, given)
    except NotAuthenticated:
        granted = None
    return _minted(services, holder, granted)


async def _by_refresh_token(
    services: Services, request: Request, app: App, *, form: Mapping[str, str]
) -> tuple[str, Granted] | None:
    if "refresh_token" not in form:
        raise GrantRefused("invalid_request")
    holder = await _holder(services, form["refresh_token"], "refresh", app)
    if holder is None:
        return None
    try:
        async with open_transaction(services.database, desk_caller(request, holder=holder)) as tx:
            granted = await refresh(tx, form["refresh_token"], app.id)
    except NotAuthenticated:
        granted = None
    return _minted(services, holder, granted)


async def _holder(services: Services, grant: str, kind: str, app: App) -> Holder | None:
    async with open_system_transaction(services.database) as raw:
        holder = await grant_holder(raw, hash_grant(grant))
    return holder if holder is not None and (holder.kind, holder.app_id) == (kind, app.id) else None


def _minted(services: Services, holder: Holder, granted: Granted | None) -> tuple[str, Granted] | None:
    if granted is None:
        _log.warning("grant refused", kind=holder.kind, staff=str(holder.staff_id), app=str(holder.app_id))
        return None
    token = services.tokens.mint(
        principal_kind="staff",
        principal_id=holder.staff_id,
        client_id=granted.app_id,
        agency_id=holder.agency_id,
        scopes=granted.scopes,
        now=datetime.now(UTC),
        lifetime_s=TOKEN_SECONDS,
        auth_time=granted.auth_time,
        session_id=granted.device_id,
        second_factor=granted.second_factor,
    )
    return token, granted


def coarse_client(user_agent: str) -> str:
    """The kind of machine, by the first known word; `other` for the rest."""
    return next((word for word in _CLIENTS if word in user_agent), "other")

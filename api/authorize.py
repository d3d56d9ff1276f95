"""Where people sign in: `/oauth/authorize` for apps, `/oauth/enrol` for whoever was invited to choose a password.

Each step of the form proves one thing and hands the rest on, sealed (api/authorization_requests.py). Nothing is hashed
or waited for inside a transaction. Wrong and unknown look alike and take alike.
"""

import base64
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from actions import credentials as verbs
from actions.devices import issue_code
from api.authorization_requests import (
    NoAnswer,
    RefusedToApp,
    Visit,
    answer_app,
    language_of,
    name_browser,
    named_browser,
    open_visit,
    read_visit,
)
from api.deps import ServicesDep
from api.grants import person_at_desk
from api.services import Services
from api.strict_json import read_form
from api.tries import Count, count_of_account, given_back, known_device, remember_device, settled, taken
from crypto.second_factors import matching_step, new_totp_secret, totp_text, totp_uri
from db.clock import real_time
from db.queries.apps import App, find_app
from db.queries.credentials import SigningIn, staff_for_sign_in
from db.queries.devices import NewCode
from db.transaction import Caller, Tx, open_system_transaction, open_transaction
from rules.errors import MalformedRequest, NotAuthenticated, TemporaryReducedCapacity
from rules.rights import needs_second_factor, scopes_of_roles
from web import sign_in as pages

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger(component="sign_in")


@dataclass(frozen=True, slots=True)
class _Desk:
    """One form that was sent."""

    services: Services
    request: Request
    visit: Visit
    browser: str
    form: Mapping[str, str]

    def shown(self, visit: Visit | None = None, *, fault: str | None = None, status: int = 200) -> pages.Shown:
        return (visit or self.visit).shown(self.services, self.browser, fault=fault, status=status)

    def shown_wait(self, seconds: int) -> pages.Shown:
        return replace(self.shown(fault="too-many", status=429), minutes=math.ceil(seconds / 60))

    def caller(self, *, second_factor: bool) -> Caller:
        visit = self.visit
        staff, agency = UUID(visit.staff), UUID(visit.agency)
        return person_at_desk(self.request, staff, agency, app_id=visit.app_id, second_factor=second_factor)


@router.get("/oauth/authorize")
async def ask(request: Request, services: ServicesDep) -> Response:
    """The page that asks who is there, on behalf of an app."""
    try:
        visit, app = await read_visit(services, request)
    except NoAnswer as fault:
        return _fault(request, fault.fault)
    except RefusedToApp as refused:
        return answer_app(services, refused.visit, error=refused.error)
    browser = named_browser(services, request)
    login, _, agency = request.query_params.get("login_hint", "").partition("@")
    page = pages.password_page(visit.shown(services, browser), app=app.name, agency=agency, login=login)
    name_browser(services, page, browser)
    return page


@router.post("/oauth/authorize")
async def answer(request: Request, services: ServicesDep) -> Response:
    """The next step of a sign-in."""
    try:
        form = read_form(await request.body())
        visit, browser = open_visit(services, request, form)
        return await _STEPS[visit.step](_Desk(services, request, visit, browser, form))
    except NoAnswer as fault:
        return _fault(request, fault.fault)
    except MalformedRequest:
        return _fault(request, "malformed")
    except NotAuthenticated:  # revoked or suspended between two steps
        return _fault(request, "expired")


async def _password(desk: _Desk) -> Response:
    """Agency, login and password. Six short transactions at most, none open while the password is hashed."""
    agency, login = desk.form.get("agency", "").strip(), desk.form.get("login", "").strip()
    app = await _app(desk)
    async with open_system_transaction(desk.services.database) as raw:
        person = await staff_for_sign_in(raw, agency, login)
    count = _count(desk, f"{agency}\n{login}", None if person is None else person.staff_id)
    wait = await taken(desk.services, count)
    if wait:
        _log.warning("sign-in throttled", staff=_id(person))
        return _with_wait(pages.password_page(desk.shown_wait(wait), app=app.name, agency=agency, login=login), wait)
    kept = None if person is None else person.password_hash
    try:
        good = await desk.services.passwords.matches(desk.form.get("password", ""), kept)
    except TemporaryReducedCapacity as busy:
        await given_back(desk.services, count)
        shown = desk.shown(fault="busy", status=503)
        return _with_wait(pages.password_page(shown, app=app.name, agency=agency, login=login), busy.retry_after)
    if person is None or not good:
        _log.warning("sign-in refused", staff=_id(person), app=desk.visit.app)
        shown = desk.shown(fault="wrong", status=403)
        return pages.password_page(shown, app=app.name, agency=agency, login=login)
    await settled(desk.services, count)
    return await _after_password(desk, person)


async def _after_password(desk: _Desk, person: SigningIn) -> Response:
    visit = replace(
        desk.visit,
        step="code",
        staff=str(person.staff_id),
        agency=str(person.agency_id),
        account=f"{desk.form['login'].strip()}@{desk.form['agency'].strip()}",
        version=person.version,
    )
    if person.second_factor:
        return pages.code_page(desk.shown(visit))
    if needs_second_factor(person.roles):
        visit = replace(visit, step="factor", secret=base64.b64encode(new_totp_secret()).decode())
        return _factor_page(visit, desk.shown(visit))
    return await _finished(replace(desk, visit=visit), _nothing_more)


async def _nothing_more(tx: Tx, desk: _Desk) -> bool:
    return await verbs.unchanged(tx, desk.visit.version)


async def _code(desk: _Desk) -> Response:
    count = _count(desk, f"second\n{desk.visit.staff}", UUID(desk.visit.staff))
    wait = await taken(desk.services, count)
    if wait:
        return _with_wait(pages.code_page(desk.shown_wait(wait)), wait)

    async def proved(tx: Tx, _: _Desk) -> bool:
        return await verbs.prove_second_factor(tx, desk.form.get("code", ""), version=desk.visit.version)

    done = await _finished(desk, proved, second_factor=True)
    if done.status_code == 303:
        await settled(desk.services, count)
    return done


async def _factor(desk: _Desk) -> Response:
    """The first code of a second factor puts it in force."""
    count = _count(desk, f"second\n{desk.visit.staff}", UUID(desk.visit.staff))
    wait = await taken(desk.services, count)
    if wait:
        return _with_wait(_factor_page(desk.visit, desk.shown_wait(wait)), wait)
    secret = base64.b64decode(desk.visit.secret)
    step = matching_step(secret, desk.form.get("code", ""), real_time(), after=0)
    if step is None:
        return _factor_page(desk.visit, desk.shown(fault="wrong-code", status=403))
    async with open_transaction(desk.services.database, desk.caller(second_factor=True)) as tx:
        if not await verbs.unchanged(tx, desk.visit.version):
            raise NoAnswer("expired")
        codes = await verbs.put_second_factor(tx, secret, step)
    await settled(desk.services, count)
    visit = replace(desk.visit, step="done", version=desk.visit.version + 1, second_factor=1, secret="")
    return pages.recovery_page(desk.shown(visit), codes=codes)


async def _done(desk: _Desk) -> Response:
    return await _finished(desk, _nothing_more, second_factor=bool(desk.visit.second_factor))


async def _finished(
    desk: _Desk, proof: Callable[[Tx, _Desk], Awaitable[bool]], *, second_factor: bool = False
) -> Response:
    """The code for the app, in the transaction of the last proof; the same step again where that fails."""
    app = await _app(desk)
    async with open_transaction(desk.services.database, desk.caller(second_factor=second_factor)) as tx:
        good = await proof(tx, desk)
        code = await issue_code(tx, _new_code(tx, desk.visit, app, second_factor=second_factor)) if good else None
    if code is None and desk.visit.step == "code" and second_factor:
        _log.warning("second factor refused", staff=desk.visit.staff, app=desk.visit.app)
        return pages.code_page(desk.shown(fault="wrong-code", status=403))
    if code is None:
        raise NoAnswer("expired")
    _log.info("signed in", staff=desk.visit.staff, app=desk.visit.app, second_factor=second_factor)
    redirect = answer_app(desk.services, desk.visit, code=code)
    remember_device(desk.services, desk.request, redirect, UUID(desk.visit.staff))
    # Another name for the browser: no form of before opens again, so nobody goes back a page and signs in as this one.
    name_browser(desk.services, redirect, secrets.token_urlsafe(16))
    return redirect


def _new_code(tx: Tx, visit: Visit, app: App, *, second_factor: bool) -> NewCode:
    allowed = app.scopes & scopes_of_roles(tx.rights.roles)
    return NewCode(
        app_id=app.id,
        redirect_uri=visit.uri,
        challenge=visit.challenge,
        nonce=visit.nonce or None,
        scopes=allowed.intersection(visit.scope.split()) if visit.scope else allowed,
        second_factor=second_factor,
    )


async def _app(desk: _Desk) -> App:
    """The app as it is now: it may have been struck off meanwhile."""
    async with open_system_transaction(desk.services.database) as raw:
        app = await find_app(raw, desk.visit.app_id)
    if app is None:
        raise NoAnswer("unknown-app")
    return app


def _count(desk: _Desk, account: str, staff_id: UUID | None) -> Count:
    device = None if staff_id is None else known_device(desk.services, desk.request, staff_id)
    return count_of_account(desk.services, desk.request, account, device=device)


def _factor_page(visit: Visit, shown: pages.Shown) -> Response:
    secret = base64.b64decode(visit.secret)
    return pages.factor_page(
        shown, uri=totp_uri(secret, account=visit.account, issuer="Tongli"), secret=totp_text(secret)
    )


def _fault(request: Request, fault: str) -> Response:
    return pages.fault_page(pages.Shown(language_of(request), "", fault=fault, status=400))


def _with_wait(page: Response, seconds: int) -> Response:
    page.headers["retry-after"] = str(seconds)
    return page


def _id(person: SigningIn | None) -> str | None:
    return None if person is None else str(person.staff_id)


_STEPS = {"password": _password, "code": _code, "factor": _factor, "done": _done}

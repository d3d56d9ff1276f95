"""`/oauth/enrol`: whoever was invited chooses a password here, with a code that works once.

The code is typed, never part of an address: addresses end up in logs and histories.
"""

import math
from dataclasses import replace
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from actions.credentials import enrol
from api.authorization_requests import browser_of, language_of, name_browser, named_browser
from api.deps import ServicesDep
from api.grants import person_at_desk
from api.services import Services
from api.strict_json import read_form
from api.tries import count_of_address, given_back, taken
from crypto.grants import hash_grant
from crypto.second_factors import paper_code_typed
from db.clock import real_time
from db.queries.credentials import Enrolling, enrolling_staff
from db.transaction import open_system_transaction, open_transaction
from rules.errors import InvalidCursor, MalformedRequest, NotAuthenticated, TemporaryReducedCapacity
from rules.passwords import password_fault
from rules.sign_in import TRY_WINDOW
from web import sign_in as pages

ACTION = "/oauth/enrol"
_NO_APP = UUID(int=0)

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger(component="sign_in")


@router.get(ACTION)
async def ask(request: Request, services: ServicesDep) -> Response:
    """The page that asks for the code and a password."""
    browser = named_browser(services, request)
    page = pages.enrolment_page(_shown(services, request, browser))
    name_browser(services, page, browser)
    return page


@router.post(ACTION)
async def answer(request: Request, services: ServicesDep) -> Response:
    """The password is set, or the page says what is wrong."""
    try:
        form = read_form(await request.body())
        browser = browser_of(services, request)
        services.vault.sign_in.open(form.get("form", ""), binding=f"enrol {browser}", now=real_time())
    except (MalformedRequest, InvalidCursor):
        return pages.fault_page(pages.Shown(language_of(request), "", fault="expired", status=400))
    assert browser is not None  # the form opened under its name
    fault, status, wait = await _enrolled(services, request, form)
    shown = replace(_shown(services, request, browser), fault=fault, status=status, minutes=math.ceil(wait / 60))
    if fault is None:
        return pages.enrolled_page(shown)
    page = pages.enrolment_page(shown, code=form.get("enrolment_code", ""))
    if wait:
        page.headers["retry-after"] = str(wait)
    return page


async def _enrolled(services: Services, request: Request, form: dict[str, str]) -> tuple[str | None, int, int]:
    """Fault, status, seconds to wait. Codes are long and random: only an address that tries many is held off."""
    count = count_of_address(services, request)
    wait = await taken(services, count)
    if wait:
        return "too-many", 429, wait
    code, password = paper_code_typed(form.get("enrolment_code", "")), form.get("password", "")
    async with open_system_transaction(services.database) as raw:
        person = await enrolling_staff(raw, hash_grant(code))
    if person is None:
        _log.warning("enrolment refused")
        return "bad-enrolment", 403, 0
    fault = _fault(person, password, form.get("again", ""))
    if fault is not None:
        return fault, 422, 0
    try:
        kept = await services.passwords.hash(password)
        caller = person_at_desk(request, person.staff_id, person.agency_id, app_id=_NO_APP)
        async with open_transaction(services.database, caller) as tx:
            done = await enrol(tx, code, kept)
    except TemporaryReducedCapacity as busy:
        await given_back(services, count)
        return "busy", 503, busy.retry_after
    except NotAuthenticated:
        done = False
    if not done:
        return "bad-enrolment", 403, 0
    await given_back(services, count)
    return None, 200, 0


def _fault(person: Enrolling, password: str, again: str) -> str | None:
    fault = password_fault(password, about=(person.login, person.agency_code))
    return fault or (None if password == again else "not-the-same")


def _shown(services: Services, request: Request, browser: str) -> pages.Shown:
    language = language_of(request)
    other = "en" if language == "zh-CN" else "zh-CN"
    sealed = services.vault.sign_in.seal({}, binding=f"enrol {browser}", expires_at=real_time() + TRY_WINDOW)
    action = f"{ACTION}?ui_locales={language}"
    return pages.Shown(language, action, form=sealed, other_language=f"{ACTION}?ui_locales={other}")

"""What an app asks when it sends a person here to sign in (RFC 6749 section 4.1.1, PKCE, RFC 9207), read and carried.

Between pages the request travels in the form itself, sealed and bound to the browser's own cookie: that is the CSRF
token as well, and no process has to remember anything.
"""

import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from api.problems import preferred_language
from api.services import Services
from api.tries import cookie_name, set_cookie
from crypto.grants import is_challenge
from db.queries.apps import App, find_app
from db.transaction import open_system_transaction
from rules.errors import InvalidCursor
from rules.redirects import form_target, is_registered
from web.sign_in import Language, Shown

ACTION: Final = "/oauth/authorize"
FORM_LIFE: Final = timedelta(minutes=10)
_FORM_SECONDS: Final = 3_600
_BROWSER = re.compile(r"[A-Za-z0-9_-]{22}")
_VISIBLE = re.compile(r"[\x20-\x7e]*")
_LONGEST: Final = {"state": 255, "nonce": 128, "scope": 400, "login_hint": 130}

Step = Literal["password", "code", "factor", "done"]


class NoAnswer(Exception):  # noqa: N818  said to the person, not to the app
    """The request cannot even be refused to the app; `fault` is a text of the pages."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class RefusedToApp(Exception):  # noqa: N818  RFC 6749 words
    """Refused in the app's own place."""

    def __init__(self, visit: "Visit", error: str) -> None:
        super().__init__(error)
        self.visit = visit
        self.error = error


@dataclass(frozen=True, slots=True)
class Visit:
    """One sign-in on its way: what the app asked, which step is next, and what has been proved so far."""

    app: str
    uri: str
    state: str
    challenge: str
    scope: str
    nonce: str
    language: Language
    step: Step = "password"
    staff: str = ""
    agency: str = ""
    account: str = ""
    version: int = 0
    second_factor: int = 0
    secret: str = field(default="", repr=False)

    @property
    def app_id(self) -> UUID:
        return UUID(self.app)

    def sealed(self, services: Services, browser: str) -> str:
        payload: dict[str, str | int | None] = dict(asdict(self))
        return services.vault.sign_in.seal(payload, binding=browser, expires_at=datetime.now(UTC) + FORM_LIFE)

    def shown(self, services: Services, browser: str, *, fault: str | None = None, status: int = 200) -> Shown:
        """What the page of this visit needs."""
        return Shown(
            language=self.language,
            action=ACTION,
            form=self.sealed(services, browser),
            target=form_target(self.uri),
            other_language=f"{ACTION}?{urlencode(self._asked_again())}",
            fault=fault,
            status=status,
        )

    def _asked_again(self) -> dict[str, str]:
        """The app's request, for the other language: from its beginning, so that nothing proved is in an address."""
        again = {
            "response_type": "code",
            "client_id": self.app,
            "redirect_uri": self.uri,
            "state": self.state,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "scope": self.scope,
            "nonce": self.nonce,
            "ui_locales": "en" if self.language == "zh-CN" else "zh-CN",
        }
        return {name: value for name, value in again.items() if value}


def language_of(request: Request) -> Language:
    """`ui_locales` goes before `Accept-Language`."""
    wished = request.query_params.get("ui_locales", "").replace(" ", ",")
    return preferred_language(wished or request.headers.get("accept-language"))


async def read_visit(services: Services, request: Request) -> tuple[Visit, App]:
    """The request of an app. Raises NoAnswer, RefusedToApp."""
    pairs = _pairs(request)
    asked = dict(pairs)
    app = await _registered_app(services, asked)
    visit = Visit(
        app=str(app.id),
        uri=asked["redirect_uri"],
        state=asked.get("state", ""),
        challenge=asked.get("code_challenge", ""),
        scope=asked.get("scope", ""),
        nonce=asked.get("nonce", ""),
        language=language_of(request),
    )
    error = _error(pairs, asked)
    if error is not None:
        raise RefusedToApp(replace(visit, state=visit.state if len(visit.state) <= _LONGEST["state"] else ""), error)
    return visit, app


def _pairs(request: Request) -> list[tuple[str, str]]:
    try:
        query = request.scope["query_string"].decode("ascii")
        return parse_qsl(query, keep_blank_values=True, max_num_fields=30, errors="strict")
    except ValueError:
        raise NoAnswer("malformed") from None


async def _registered_app(services: Services, asked: dict[str, str]) -> App:
    """An unknown app, or one that asks to be answered elsewhere, is told to the person only (RFC 6749 4.1.2.1)."""
    try:
        app_id = UUID(asked.get("client_id", ""))
    except ValueError:
        raise NoAnswer("unknown-app") from None
    async with open_system_transaction(services.database) as raw:
        app = await find_app(raw, app_id)
    if app is None or not is_registered(asked.get("redirect_uri", ""), app.redirect_uris):
        raise NoAnswer("unknown-app")
    return app


def _error(pairs: list[tuple[str, str]], asked: dict[str, str]) -> str | None:
    readable = all(_VISIBLE.fullmatch(asked.get(name, "")) for name in _LONGEST)
    short = all(len(asked.get(name, "")) <= most for name, most in _LONGEST.items())
    if len(asked) != len(pairs) or not readable or not short:
        return "invalid_request"
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    if {"request", "request_uri"} & asked.keys():
        return "request_not_supported"
    pkce = asked.get("code_challenge_method") == "S256" and is_challenge(asked.get("code_challenge", ""))
    age = asked.get("max_age", "0")
    if not pkce or not asked.get("state") or not (age.isascii() and age.isdigit()):
        return "invalid_request"
    # No browser session is kept, so everybody proves itself anew: max_age and prompt=login are always met.
    return "login_required" if "none" in asked.get("prompt", "").split() else None


def open_visit(services: Services, request: Request, form: dict[str, str]) -> tuple[Visit, str]:
    """The visit of a form that was sent, and the browser it belongs to. Raises NoAnswer: run out, foreign, forged."""
    browser = browser_of(services, request)
    if browser is None:
        raise NoAnswer("expired")
    try:
        payload = services.vault.sign_in.open(form.get("form", ""), binding=browser, now=datetime.now(UTC))
    except InvalidCursor:
        raise NoAnswer("expired") from None
    return Visit(**payload), browser  # type: ignore[arg-type]  # sealed by ourselves from a Visit


def browser_of(services: Services, request: Request) -> str | None:
    """The random name this browser was given, if it carries one."""
    given = request.cookies.get(cookie_name(services, "form"), "")
    return given if _BROWSER.fullmatch(given) else None


def named_browser(services: Services, request: Request) -> str:
    """Its name, or a new one to be set with `name_browser`."""
    return browser_of(services, request) or secrets.token_urlsafe(16)


def name_browser(services: Services, answer: Response, browser: str) -> None:
    set_cookie(services, answer, "form", browser, max_age=_FORM_SECONDS)


def answer_app(services: Services, visit: Visit, **answer: str) -> Response:
    """Back to the app, with our name beside the answer (RFC 9207)."""
    given = answer | ({"state": visit.state} if visit.state else {}) | {"iss": services.public_url}
    separator = "&" if "?" in visit.uri else "?"
    return RedirectResponse(f"{visit.uri}{separator}{urlencode(given)}", 303, {"Cache-Control": "no-store"})

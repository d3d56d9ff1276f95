"""Arrange: a person with an account, and the phone it signs in on, page by page as a browser would."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from crypto.strict import encode_base64url
from db.directory import add_app
from db.operator import open_operator_transaction
from rules.scopes import SCOPES
from tests.builders import Api

REDIRECT = "cn.example.tongli:/signed-in"
PASSWORD = "四只灰雁飞过西塘的清晨水面"
_HIDDEN = re.compile(r'name="form" value="([^"]*)"')
_SECRET = re.compile(r"secret=([A-Z2-7]+)")


async def new_app(admin_url: str, *redirect_uris: str, scopes: tuple[str, ...] = tuple(SCOPES)) -> UUID:
    """An app of its own, registered by the operator."""
    async with open_operator_transaction(admin_url) as raw:
        name = f"app-{secrets.token_hex(6)}"
        app_id = await add_app(raw, name, redirect_uris=redirect_uris or (REDIRECT,), scopes=scopes)
    assert app_id is not None
    return app_id


@dataclass(slots=True)
class Person:
    """Somebody with an account; the secret of a second factor once there is one."""

    id: UUID
    agency_code: str
    login: str
    password: str = field(default=PASSWORD, repr=False)
    secret: bytes | None = field(default=None, repr=False)
    recovery_codes: list[str] = field(default_factory=list, repr=False)

    def code(self, *, steps: int = 0) -> str:
        """A code of the second factor; `steps` of 30 seconds from now."""
        assert self.secret is not None
        return totp(self.secret, steps=steps)


def totp(secret: bytes, *, steps: int = 0) -> str:
    generator = TOTP(secret, 6, SHA1(), 30, enforce_key_length=False)
    return generator.generate(int(datetime.now(UTC).timestamp()) + 30 * steps).decode()


async def new_person(admin: Api, *roles: str) -> Person:
    """An account without a password yet, opened by an administrator of its agency; a caseworker's unless said."""
    casework = "union_coordinator" if admin.agency.kind == "union" else "agency_caseworker"
    login = f"u{secrets.token_hex(5)}"
    body = {"login": login, "name": "孙立民", "roles": list(roles or (casework,))}
    answer = await admin.post("/v1/staff", body)
    assert answer.status_code == 201, answer.text
    return Person(UUID(answer.json()["id"]), admin.agency.code, login)


async def enrolment_code(admin: Api, person: Person, *, reset: bool = False) -> str:
    answer = await admin.post(f"/v1/staff/{person.id}/enrolment", {"reset_second_factor": reset})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["enrolment_code"])


@dataclass(slots=True)
class Phone:
    """An app with a browser of its own: cookies, the PKCE verifier of the sign-in under way, tokens."""

    http: httpx.AsyncClient
    app_id: UUID
    redirect: str = REDIRECT
    verifier: str = field(default="", repr=False)
    tokens: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, app: Any, base_url: str, app_id: UUID, *, address: str = "127.0.0.1", **changes: Any) -> Self:
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        return cls(httpx.AsyncClient(transport=transport, base_url=base_url, timeout=30), app_id, **changes)

    def asked(self, **changes: str | None) -> dict[str, str]:
        """The parameters of a good request; None takes one away."""
        self.verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": str(self.app_id),
            "redirect_uri": self.redirect,
            "state": secrets.token_urlsafe(8),
            "code_challenge": encode_base64url(digest),
            "code_challenge_method": "S256",
            "ui_locales": "en",
        }
        return {name: value for name, value in (asked | changes).items() if value is not None}

    async def open_page(self, **changes: str | None) -> httpx.Response:
        return await self.http.get("/oauth/authorize", params=self.asked(**changes))

    async def send(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """The form of a page, filled in."""
        return await self.http.post("/oauth/authorize", data={"form": form_of(page), **fields})

    async def enrol(self, code: str, password: str, *, again: str | None = None) -> httpx.Response:
        page = await self.http.get("/oauth/enrol", params={"ui_locales": "en"})
        fields = {"enrolment_code": code, "password": password, "again": password if again is None else again}
        return await self.http.post("/oauth/enrol?ui_locales=en", data={"form": form_of(page), **fields})

    async def give_password(self, person: Person, **changes: str | None) -> httpx.Response:
        """What follows the password page."""
        page = await self.open_page(**changes)
        assert page.status_code == 200, page.text
        return await self.send(page, agency=person.agency_code, login=person.login, password=person.password)

    async def sign_in(self, person: Person, **changes: str | None) -> str:
        """All pages, second factor included (set up where it is asked for); the code that the app gets."""
        page = await self.give_password(person, **changes)
        if "otpauth://" in page.text:
            person.secret = secret_of(page)
            page = await self.send(page, code=person.code(steps=-1))
            person.recovery_codes = re.findall(r"<li>([A-Z0-9]{5}-[A-Z0-9]{5})</li>", page.text)
            page = await self.send(page)
        elif page.status_code == 200 and person.secret is not None:
            page = await self.send(page, code=person.code())
        assert page.status_code == 303, page.text
        return answered(page)["code"]

    async def exchange(self, code: str, /, **changes: str | None) -> httpx.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": str(self.app_id),
            "code": code,
            "redirect_uri": self.redirect,
            "code_verifier": self.verifier,
        }
        answer = await self.http.post("/oauth/token", data=_without_none(form | changes))
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    async def refresh(self, token: str | None = None, **changes: str | None) -> httpx.Response:
        form: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "client_id": str(self.app_id),
            "refresh_token": token or self.tokens["refresh_token"],
        }
        answer = await self.http.post("/oauth/token", data=_without_none(form | changes))
        if answer.status_code == 200 and token is None:
            self.tokens = answer.json()
        return answer

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path, headers=self._headers())

    async def post(self, path: str, json: object = None, *, if_match: str | None = None) -> httpx.Response:
        headers = self._headers() | {"idempotency-key": secrets.token_hex(16)}
        headers |= {} if if_match is None else {"if-match": if_match}
        body: dict[str, Any] = {} if json is None else {"json": json}
        return await self.http.post(path, headers=headers, **body)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens['access_token']}"}


def form_of(page: httpx.Response) -> str:
    found = _HIDDEN.search(page.text)
    assert found is not None, page.text
    return unescape(found[1])


def secret_of(page: httpx.Response) -> bytes:
    """The secret of a second factor, as an authenticator app reads it."""
    found = _SECRET.search(unescape(page.text))
    assert found is not None, page.text
    return base64.b32decode(found[1])


def answered(redirect: httpx.Response) -> dict[str, str]:
    """The parameters with which the app is called back."""
    return {name: values[0] for name, values in parse_qs(urlsplit(redirect.headers["location"]).query).items()}


def _without_none(form: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in form.items() if value is not None}

"""People sign in with a real browser: headless Chromium, scripts off, on a service that listens on loopback."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import pytest

from crypto.keys import Keyring
from crypto.vault import Vault
from settings import Settings
from tests.actions.instances import new_client
from tests.api.people import Person, Phone, enrolment_code, new_app, new_person, secret_of
from tests.builders import Api
from tests.web.browser import CHROMIUM, Browser, open_browser
from tests.web.serving import serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian package: chromium)")


@dataclass(slots=True)
class Callback:
    """The app on the same machine (RFC 8252 section 7.3): waits on a loopback port for the answer."""

    url: str = ""
    page: str = "back in the app"
    answers: asyncio.Queue[dict[str, str]] = field(default_factory=asyncio.Queue)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode()
        if not line:  # the browser opens connections that it may need
            return writer.close()
        query = urlsplit(line.split(" ")[1]).query
        if query:
            self.answers.put_nowait({name: values[0] for name, values in parse_qs(query).items()})
        body = f"<!doctype html><title>app</title><link rel=icon href='data:,'><p>{self.page}".encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def callback() -> AsyncIterator[Callback]:
    app = Callback()
    server = await asyncio.start_server(app.serve, "127.0.0.1", 0)
    app.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/done"
    yield app
    server.close()


@pytest.fixture(scope="module")
async def url(admin_url: str, keyring: Keyring, vault: Vault, settings: Settings) -> AsyncIterator[str]:
    """A service that listens."""
    async with serving(admin_url, keyring, vault, settings) as address:
        yield address


@pytest.fixture
async def admin(url: str, admin_url: str) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        yield Api(http, await new_client(admin_url, "DEMO-340802-UNION"))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


@pytest.fixture
async def phone(url: str, admin_url: str, callback: Callback) -> AsyncIterator[Phone]:
    """The app's side of a sign-in that happens in the browser."""
    app_id: UUID = await new_app(admin_url, "http://127.0.0.1/done")
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        yield Phone(http, app_id, redirect=callback.url)


async def choose_password(browser: Browser, url: str, code: str, person: Person, *, language: str) -> str:
    await browser.open(f"{url}/oauth/enrol?ui_locales={language}")
    await browser.type("#enrolment_code", code.lower())
    for field_name in ("#password", "#again"):
        await browser.type(field_name, person.password)
    await browser.press("button")
    return await browser.html()


async def give_password(browser: Browser, person: Person, password: str) -> str:
    await browser.type("#agency", person.agency_code)
    await browser.type("#login", person.login)
    await browser.type("#password", password)
    await browser.press("button")
    return await browser.html()


def secret_on(html: str) -> bytes:
    return secret_of(httpx.Response(200, text=html))


@pytest.mark.parametrize(
    ("language", "wrong", "heading"),
    [
        ("zh-CN", "单位代码、登录名或密码不正确", "设置第二步验证"),
        ("en", "Agency code, login and password do not fit together", "Set up the second step"),
    ],
)
async def test_from_the_enrolment_code_to_the_revoked_device(
    browser: Browser, url: str, phone: Phone, callback: Callback, admin: Api, language: str, wrong: str, heading: str
) -> None:
    person = await new_person(admin, "union_coordinator", "union_supervisor")
    html = await choose_password(browser, url, await enrolment_code(admin, person), person, language=language)
    assert f'lang="{language}"' in html
    assert browser.complaints == []

    await browser.open(f"{url}/oauth/authorize?{urlencode(phone.asked(ui_locales=language))}")
    await _keep_picture(browser, f"sign-in-{language}")
    assert wrong in await give_password(browser, person, "not the right one")
    assert [text for text in browser.complaints if "403" not in text] == [], "only the refusal itself"
    browser.complaints.clear()

    html = await give_password(browser, person, person.password)
    assert heading in html
    await _keep_picture(browser, f"second-step-{language}")
    person.secret = secret_on(html)
    await browser.type("#code", person.code(steps=-1))
    await browser.press("button")
    html = unescape(await browser.html())
    assert len(re.findall(r"<li>[A-Z0-9]{5}-[A-Z0-9]{5}</li>", html)) == 10
    await _keep_picture(browser, f"recovery-{language}")
    await browser.press("button")
    assert "back in the app" in await browser.html(), "the policy lets the answer reach the app"

    answer = await callback.answers.get()
    assert answer["iss"] == url
    assert (await phone.exchange(answer["code"], device_name="测试浏览器")).status_code == 200
    assert (await phone.get("/v1/cases")).status_code == 200
    assert (await phone.refresh()).status_code == 200
    (device,) = (await phone.get("/v1/me/devices")).json()["data"]
    assert (device["name"], device["second_factor"], device["current"]) == ("测试浏览器", True, True)
    assert (await phone.post(f"/v1/me/devices/{device['id']}/revoke")).status_code == 204
    assert (await phone.get("/v1/cases")).status_code == 401
    assert (await phone.refresh()).status_code == 400
    assert browser.complaints == []
    assert {urlsplit(asked).hostname for asked in browser.requested if not asked.startswith("data:")} == {"127.0.0.1"}


async def test_a_person_of_ours_signs_in_again_and_switches_the_language(
    browser: Browser, url: str, phone: Phone, callback: Callback, admin: Api
) -> None:
    person = await new_person(admin)
    await choose_password(browser, url, await enrolment_code(admin, person), person, language="en")
    await browser.open(f"{url}/oauth/authorize?{urlencode(phone.asked(ui_locales='en'))}")
    await browser.press("header a")
    assert "<h1>登录</h1>" in await browser.html()
    await give_password(browser, person, person.password)
    assert (await phone.exchange((await callback.answers.get())["code"])).status_code == 200
    await browser.open(f"{url}/oauth/authorize?{urlencode(phone.asked(ui_locales='en'))}")
    cookies = {cookie["name"]: cookie for cookie in await browser.cookies()}
    assert set(cookies) == {"tongli_form", "tongli_device"}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Strict" for cookie in cookies.values())
    assert browser.complaints == []


async def test_a_page_that_would_put_ours_into_a_frame_gets_nothing(
    browser: Browser, url: str, phone: Phone, callback: Callback
) -> None:
    framed = f"{url}/oauth/authorize?{urlencode(phone.asked())}"
    callback.page = f"<iframe src='{framed.replace('&', '&amp;')}'></iframe>"
    await browser.open(callback.url)
    assert framed in browser.requested
    assert any("frame-ancestors" in text for text in browser.complaints), browser.complaints


async def _keep_picture(browser: Browser, name: str) -> None:
    """For somebody who wants to look: where TONGLI_TEST_PICTURES names a folder."""
    folder = os.environ.get("TONGLI_TEST_PICTURES")
    if folder:
        Path(folder, f"{name}.png").write_bytes(await browser.picture())  # noqa: ASYNC240  a small file of a test

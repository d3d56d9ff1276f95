"""The page of an answer link over real HTTP, and in a real browser with its script and without."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from crypto.keys import Keyring
from crypto.vault import Vault
from settings import Settings
from tests.actions.instances import new_client
from tests.api.answering import asked, link_for, next_link, without_system
from tests.builders import Api
from tests.web.browser import CHROMIUM, Browser, open_browser
from tests.web.serving import serving

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian package: chromium)")


@pytest.fixture
async def http(admin_url: str, keyring: Keyring, vault: Vault, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(admin_url, keyring, vault, settings) as url,
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
async def union(http: httpx.AsyncClient, admin_url: str) -> Api:
    return Api(http, await new_client(admin_url, "DEMO-340802-UNION"))


@pytest.fixture
async def office(http: httpx.AsyncClient, admin_url: str) -> Api:
    found = Api(http, await new_client(admin_url, "DEMO-340802-EDUCATION"))
    await without_system(admin_url, found)
    return found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


async def test_a_form_as_browsers_send_it_is_answered_over_a_socket(
    http: httpx.AsyncClient, union: Api, office: Api
) -> None:
    referral = await asked(union, office, matter="EDU-02")
    url = (await link_for(union, referral))["url"]
    assert url.startswith(str(http.base_url).rstrip("/"))
    entry = await http.get(url)
    assert (entry.status_code, entry.request.url.raw_path) == (200, b"/answer"), "what stands behind the # is not sent"
    page = await http.post("/answer", data={"link": f" {url}\r\n"})
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    said = {"link": url, "step": "accept", "version": version[1], "clerk": "王守门"}
    accepted = await http.post("/answer", data=said, headers={"origin": "https://elsewhere.example"})
    following = next_link(accepted) or ""
    assert following.startswith(f"{url.partition('#')[0]}#tla_")
    version = re.search(r'name="version" value="(\d+)"', (await http.post("/answer", data={"link": following})).text)
    assert version is not None
    done = {"link": following, "step": "complete", "version": version[1], "clerk": "王守门"}
    words = {"outcome": "partly_met", "text": "第一行\r\n第二行"}
    assert (await http.post("/answer", data=done | words)).status_code == 200
    told = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert (told["status"], told["steps"][-1]["text"]) == ("completed", "第一行\n第二行")


async def _until(browser: Browser, text: str) -> None:
    """Waits for a page that says so: the script sends its form before the first page has loaded."""
    for _ in range(600):
        if text in await browser.html():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await browser.html())


@in_a_browser
async def test_a_link_that_is_opened_shows_the_referral_and_leaves_the_address_bar(
    browser: Browser, union: Api, office: Api
) -> None:
    referral = await asked(union, office)
    await browser.command("Emulation.setScriptExecutionDisabled", value=False)
    await browser.open((await link_for(union, referral))["url"])
    await _until(browser, "转办事项")
    history = await browser.command("Page.getNavigationHistory")
    assert not any("tla_" in entry["url"] for entry in history["entries"])
    assert not any("tla_" in asked_for for asked_for in browser.requested)
    await browser.type("#accept-clerk", "王守门")
    await browser.press('form:has(input[value="accept"]) button')
    await _until(browser, "已答复")
    assert browser.complaints == []
    assert await browser.cookies() == []
    assert (await union.get(f"/v1/referrals/{referral['id']}")).json()["status"] == "accepted"


@in_a_browser
async def test_without_script_the_link_is_pasted(browser: Browser, union: Api, office: Api) -> None:
    referral = await asked(union, office)
    url = (await link_for(union, referral))["url"]
    await browser.open(url.partition("#")[0])
    await browser.type("#link", url)
    await browser.press("button")
    await _until(browser, "转办事项")
    await browser.type("#return-clerk", "王守门")
    await browser.type("#return-text", "请写明")
    await browser.command("DOM.focus", nodeId=await _node(browser, "#return-reason"))
    for _ in range(2):  # the second reason: the request is unclear
        for kind in ("keyDown", "keyUp"):
            await browser.command(
                "Input.dispatchKeyEvent", type=kind, key="ArrowDown", code="ArrowDown", windowsVirtualKeyCode=40
            )
    await browser.press('form:has(input[value="return"]) button')
    await _until(browser, "已答复")
    assert browser.complaints == []
    told = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert (told["status"], told["steps"][-1]["reason"]) == ("returned", "unclear_request")


async def _node(browser: Browser, selector: str) -> int:
    root = (await browser.command("DOM.getDocument"))["root"]["nodeId"]
    return int((await browser.command("DOM.querySelector", nodeId=root, selector=selector))["nodeId"])

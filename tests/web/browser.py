"""A real browser, driven over its own protocol: headless Chromium as Debian ships it, one page.

Only what a person does: open an address, type, press a button, read. Through the DOM and input domains, never by
evaluating script in the page, so that a page can be used with scripts switched off.
"""

import asyncio
import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--remote-debugging-port=0", "--window-size=420,900"),
)
WAIT_S = 30


@dataclass(slots=True)
class Browser:
    """One page of one browser with an empty profile. `complaints`: what a developer would see in red or yellow."""

    _socket: ClientConnection
    _session: str = ""
    _ids: "itertools.count[int]" = field(default_factory=itertools.count)
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _loads: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    async def open(self, url: str) -> None:
        """Opens an address and waits until it is loaded."""
        self._loads = asyncio.Queue()
        await self.command("Page.navigate", url=url)
        await self._loaded()

    async def type(self, selector: str, text: str) -> None:
        """Replaces what a field holds, as somebody at the keyboard would."""
        node = await self._node(selector)
        await self.command("DOM.focus", nodeId=node)
        await self.command("Input.dispatchKeyEvent", type="keyDown", commands=["selectAll"])
        await self.command("Input.insertText", text=text)

    async def press(self, selector: str) -> None:
        """Clicks in the middle of it and waits for the page that follows."""
        self._loads = asyncio.Queue()
        node = await self._node(selector)
        await self.command("DOM.scrollIntoViewIfNeeded", nodeId=node)
        quad = (await self.command("DOM.getBoxModel", nodeId=node))["model"]["content"]
        place = {"x": (quad[0] + quad[4]) / 2, "y": (quad[1] + quad[5]) / 2}
        for kind in ("mousePressed", "mouseReleased"):
            await self.command("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)
        await self._loaded()

    async def html(self) -> str:
        root = (await self.command("DOM.getDocument"))["root"]["nodeId"]
        return str((await self.command("DOM.getOuterHTML", nodeId=root))["outerHTML"])

    async def picture(self) -> bytes:
        """The page as it looks, PNG."""
        return base64.b64decode((await self.command("Page.captureScreenshot"))["data"])

    async def cookies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.command("Network.getCookies"))["cookies"]
        return found

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol. Fails the test where the browser refuses it."""
        number = next(self._ids)
        awaited = self._answers[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        await self._socket.send(json.dumps(message))
        async with asyncio.timeout(WAIT_S):
            answer = await awaited
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    async def start(self) -> None:
        target = (await self.command("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.command("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "DOM", "Log", "Runtime", "Network"):
            await self.command(f"{domain}.enable")
        await self.command("Emulation.setScriptExecutionDisabled", value=True)

    async def listen(self) -> None:
        """Hands answers to whoever waits and keeps what the page complains about."""
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
                continue
            self._note(message["method"], message["params"])

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loads.put_nowait(None)
        elif event == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])
        elif event == "Network.loadingFailed":
            self.complaints.append(f"network: {told['errorText']} {told.get('blockedReason', '')}".strip())
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{told['entry']['source']}: {told['entry']['text']}")
        elif event in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(told)[:300])

    async def _loaded(self) -> None:
        async with asyncio.timeout(WAIT_S):
            await self._loads.get()

    async def _node(self, selector: str) -> int:
        root = (await self.command("DOM.getDocument"))["root"]["nodeId"]
        node = int((await self.command("DOM.querySelector", nodeId=root, selector=selector))["nodeId"])
        assert node, f"nothing on the page is {selector}:\n{await self.html()}"
        return node


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A browser that knows nobody; it and its profile are gone afterwards."""
    assert CHROMIUM is not None
    profile = Path(tempfile.mkdtemp(prefix="tongli-chromium-"))
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *FLAGS,
        f"--user-data-dir={profile}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with connect(await _address(profile, process), max_size=None, proxy=None) as socket:
            browser = Browser(socket)
            listening = asyncio.create_task(browser.listen())
            await browser.start()
            yield browser
            listening.cancel()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)


async def _address(profile: Path, process: asyncio.subprocess.Process) -> str:
    """Where the browser listens: it writes port and path into its profile once it does."""
    file = profile / "DevToolsActivePort"
    async with asyncio.timeout(WAIT_S):
        while not file.exists() or file.read_text().count("\n") < 1:
            assert process.returncode is None, "Chromium did not start"
            await asyncio.sleep(0.05)
    port, path = file.read_text().splitlines()[:2]
    return f"ws://127.0.0.1:{port}{path}"

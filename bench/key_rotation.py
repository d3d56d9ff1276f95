"""Rotates every kind of key of a running installation while clients write and read, and says what they noticed.

`./tongli serve` (API, jobs, embedded database) and a second API on the same database, both under load: reports about
new people, the same people reported by somebody else (must be linked), the same record filed twice (must be refused),
a request repeated under its key (must be replayed), old files and reports read (must open), and the token of the first
moment (must hold until it ends).
"""

import asyncio
import json
import os
import random
import re
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from bench.operations import report
from bench.stage import free_port
from crypto.keys import KeySet, read_keyring, render_keyring
from db import names
from db.bootstrap import role_url
from db.embedded_running import running_target

ROOT = Path(__file__).resolve().parent.parent
WRITER, READER = "DEMO-340802-LABOUR", "DEMO-340802-UNION"
WORKERS: Final = 3
TOKEN_FOR_S: Final = 1.0
CHECKED: Final = 25
OVER: Final = timedelta(minutes=11)
"""How much older the marks of the keyring are made, so that nobody has to wait until old tokens end."""


@dataclass(slots=True)
class Load:
    """Clients at work. A failure is any answer but the one that is right."""

    servers: list[str]
    accounts: dict[str, dict[str, Any]]
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    filed: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    first_token: str | None = None
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def work(self, http: httpx.AsyncClient) -> None:
        """One client, until it is cancelled."""
        for number in range(10**9):
            await self._round(http, number)

    async def _round(self, http: httpx.AsyncClient, number: int) -> None:
        body: dict[str, Any] = report(number)
        body["person"]["address"]["division_code"] = "340802"
        key = secrets.token_hex(16)
        filed = await self._ask(http, WRITER, "POST", "/v1/reports", 201, body=body, key=key)
        if filed is None:
            return
        self.filed.append((filed["id"], filed["case"]["id"], body))
        again = await self._ask(http, WRITER, "POST", "/v1/reports", 201, body=body, key=key)
        self._expect(again == filed, "a repeat was answered otherwise")
        await self._ask(http, WRITER, "POST", "/v1/reports", 409, body=body)
        await self._say_again(http, body)
        await self._read(http, *random.choice(self.filed))
        if self.first_token is not None:
            await self._ask(http, WRITER, "GET", "/v1/cases", 200, token=self.first_token)

    async def _say_again(self, http: httpx.AsyncClient, body: dict[str, Any]) -> None:
        """The same record is refused; the same person from somebody else is linked."""
        await self._ask(http, WRITER, "POST", "/v1/reports", 409, body=body)
        source = {"system": "bench", "record_id": secrets.token_hex(12)}
        other = await self._ask(http, READER, "POST", "/v1/reports", 201, body={**body, "source": source})
        self._expect(other is not None and other["linkage"]["decision"] == "linked", "a known person was not linked")

    async def _read(self, http: httpx.AsyncClient, report_id: str, case_id: str, body: dict[str, Any]) -> None:
        file = await self._ask(http, READER, "GET", f"/v1/cases/{case_id}/file", 200)
        self._expect(body["person"]["name"] in json.dumps(file, ensure_ascii=False), "a file without its name")
        await self._ask(http, WRITER, "GET", f"/v1/reports/{report_id}", 200)

    async def check_all(self, http: httpx.AsyncClient) -> None:
        """Reads what was filed first, under the old keys, and says it again."""
        for filed in self.filed[:CHECKED]:
            await self._read(http, *filed)
            await self._say_again(http, filed[2])

    async def token(self, http: httpx.AsyncClient, code: str) -> str:
        """A token of a second ago at most, so that every key signs some."""
        token, since = self._tokens.get(code, ("", 0.0))
        if time.monotonic() - since > TOKEN_FOR_S:
            account = self.accounts[code]
            answer = await http.post(
                f"{self._server()}/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(account["client_id"], account["client_secret"]),
            )
            self.requests += 1
            self._expect(answer.status_code == 200, f"sign-in: {answer.status_code}")
            token = answer.json()["access_token"]
            self._tokens[code] = token, time.monotonic()
        return token

    async def _ask(
        self,
        http: httpx.AsyncClient,
        code: str,
        method: str,
        path: str,
        expect: int,
        *,
        body: object = None,
        key: str | None = None,
        token: str | None = None,
    ) -> Any:
        headers = {
            "authorization": f"Bearer {token or await self.token(http, code)}",
            "tongli-purpose": "assistance",
            "idempotency-key": key or secrets.token_hex(16),
        }
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["content-type"] = "application/json"
        answer = await http.request(method, f"{self._server()}{path}", headers=headers, content=content)
        self.requests += 1
        self._expect(answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.status_code == expect else None

    def _server(self) -> str:
        return random.choice(self.servers)

    def _expect(self, good: bool, otherwise: str) -> None:
        if not good:
            self.failures.append(otherwise)


@dataclass(frozen=True, slots=True)
class Installation:
    """A running one: where it lives, and its two APIs."""

    folder: Path
    servers: list[str]
    accounts: dict[str, dict[str, Any]]

    @property
    def keyring(self) -> Path:
        return self.folder / "keys" / "keyring.json"

    def command(self, *words: str) -> str:
        """What a `./tongli keys` command prints. Raises where it fails."""
        ended = subprocess.run(self._words(*words), env=_environment(), capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"keys {' '.join(words)}: {ended.stderr}")
        return ended.stdout.strip()

    def kill_soon(self, *words: str, after_s: float) -> int:
        """Starts a command and kills it with -9; its exit code."""
        with subprocess.Popen(self._words(*words), env=_environment(), stderr=subprocess.DEVNULL) as child:
            time.sleep(after_s)
            child.kill()
        return child.returncode

    def _words(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "cli", "keys", "--data-dir", str(self.folder), *words]

    def age(self, by: timedelta) -> None:
        """Makes the marks of the keyring older, as if so much time had passed. Keys stay as they are."""
        keyring = read_keyring(self.keyring)

        def older(key: Any) -> Any:
            return key if key.replaced is None else replace(key, replaced=key.replaced - by)

        def aged(keys: KeySet) -> KeySet:
            return KeySet(keys.current, {key_id: older(key) for key_id, key in keys.keys.items()})

        tokens = tuple(older(key) for key in keyring.tokens)
        changed = replace(keyring, field=aged(keyring.field), blind=aged(keyring.blind), tokens=tokens)
        draft = self.keyring.with_suffix(".aged")
        draft.touch(0o600)
        draft.write_text(render_keyring(changed))
        draft.replace(self.keyring)


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """`./tongli serve` in `folder`, and a second API on its database."""
    words = ["serve", "--port", "0", "--data-dir", str(folder)]
    with _process(words, {}) as (serve, said):
        url = _ready(serve, said)
        accounts = {row["agency_code"]: row for row in json.loads((folder / "demo" / "credentials.json").read_text())}
        with _second_api(folder, url) as other:
            yield Installation(folder, [url, other], accounts)


@contextmanager
def _second_api(folder: Path, url: str) -> Iterator[str]:
    target = running_target(folder, "tongli")
    assert target is not None
    path = folder / "keys" / "keyring.json"
    port = free_port()
    own = {
        "TONGLI_APP_DATABASE_URL": role_url(target.url(), names.APP, read_keyring(path)),
        "TONGLI_KEYS_FILE": str(path),
        "TONGLI_PORT": str(port),
        "TONGLI_PUBLIC_URL": url,
    }
    with _process(["api"], own):
        other = f"http://127.0.0.1:{port}"
        _until(lambda: _answers(other), "the second API did not start")
        yield other


@contextmanager
def _process(words: list[str], own: dict[str, str]) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    log = Path(os.environ.get("TMPDIR", "/tmp")) / f"tongli-rotation-{secrets.token_hex(4)}.log"
    with log.open("w") as errors:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli", *words],
            env=_environment() | own,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield child, log
    finally:
        child.terminate()
        child.wait(60)
        if child.stdout is not None:
            child.stdout.close()
        log.unlink()


def _environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TONGLI_")}
    limits = {"TONGLI_RATE_LIMIT_PER_MINUTE": "1000000", "TONGLI_RATE_LIMIT_BURST": "100000"}
    limits |= {"TONGLI_REPORT_LIMIT_PER_MINUTE": "1000000", "TONGLI_REPORT_LIMIT_BURST": "100000"}
    return {**plain, **limits, "PYTHONPATH": str(ROOT), "TONGLI_LOG_LEVEL": "ERROR"}


def _ready(serve: "subprocess.Popen[str]", log: Path) -> str:
    assert serve.stdout is not None
    for line in serve.stdout:
        found = re.search(r"ready at (http://\S+)", line)
        if found:
            return found[1]
    raise RuntimeError(f"it did not start: {log.read_text()[-500:]}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _until(condition: Callable[[], bool], otherwise: str, *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(otherwise)
        time.sleep(0.1)


@asynccontextmanager
async def _under_load(load: Load) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        clients = [asyncio.create_task(load.work(http)) for _ in range(WORKERS)]
        try:
            yield http
        finally:
            for client in clients:
                client.cancel()
            ends = await asyncio.gather(*clients, return_exceptions=True)
            load.failures += [repr(end) for end in ends if not isinstance(end, asyncio.CancelledError)]


async def rotate(place: Installation, *, calm_s: float = 2.0) -> dict[str, Any]:
    """Rotates all three kinds under load, a walk killed on the way; what was noticed, what is left of the old."""
    load = Load(place.servers, place.accounts)
    old = read_keyring(place.keyring)
    async with _under_load(load) as http:
        load.first_token = await load.token(http, WRITER)
        await asyncio.sleep(calm_s)
        before = load.requests
        new = {kind: await _do(place, "add", kind) for kind in ("field", "blind", "token")}
        await _known_everywhere(http, place, new["token"])
        for key_id in new.values():
            await _do(place, "promote", key_id, "--now")
        await asyncio.sleep(calm_s)
        killed = await asyncio.to_thread(place.kill_soon, "rewrap", "--batch", "1", after_s=1.2)
        walked = [await _do(place, walk, "--batch", "50") for walk in ("rewrap", "reindex")]
        tokens_held = not load.failures
        load.first_token = None
        await asyncio.sleep(calm_s)
        place.age(OVER)
        for key_id in (old.field.current, old.blind.current, old.tokens[0].key_id):
            await _do(place, "retire", key_id)
        await asyncio.sleep(calm_s)
    during = load.requests - before
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        await load.check_all(http)
    return {
        "requests": during,
        "failed": len(load.failures),
        "failures": load.failures[:5],
        "old_tokens_held": tokens_held,
        "killed": killed,
        "walked": walked,
        "shown": await _do(place, "show"),
        "old": [old.field.current, old.blind.current, old.tokens[0].key_id],
        "new": list(new.values()),
    }


async def _do(place: Installation, *words: str) -> str:
    return await asyncio.to_thread(place.command, *words)


async def _known_everywhere(http: httpx.AsyncClient, place: Installation, token_key: str) -> None:
    """An operator waits 20 s; the published keys tell sooner. The jobs look as often as the APIs do."""
    for server in place.servers:
        for _ in range(200):
            published = (await http.get(f"{server}/.well-known/jwks.json")).json()["keys"]
            if token_key in {key["kid"] for key in published}:
                break
            await asyncio.sleep(0.1)
        else:
            raise RuntimeError("a process did not read the keyring again")
    await asyncio.sleep(1.5)

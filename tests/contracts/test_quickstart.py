"""The quickstart for integrators works as printed: the text holds the very files that run here."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
import uvicorn

from crypto.webhooks import generate_webhook_keys, sign
from db import names
from jobs.sequencer import run_sequencer
from tests.contracts.conftest import OpenProvince

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "integrators"
TEXTS = ("quickstart.md", "quickstart.zh-CN.md")
LABOUR = "DEMO-340802-LABOUR"


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", (FOLDER / text).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_holds_the_files_that_run(text: str) -> None:
    assert "\n".join(_blocks(text, "sh")) == (FOLDER / "quickstart.sh").read_text(encoding="utf-8")
    files = [(FOLDER / name).read_text(encoding="utf-8") for name in ("sign_in.py", "webhook.py")]
    assert _blocks(text, "python") == files


@dataclass(frozen=True, slots=True)
class Instance:
    """A running instance, and the file with its credentials."""

    url: str
    credentials: str


@pytest.fixture(scope="module")
async def instance(open_province: OpenProvince, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """An instance that listens on loopback and numbers its events."""
    from api.main import create_app  # noqa: PLC0415  tests of pure rules should not wait for the whole API

    province = await open_province("quickstart")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = create_app(province.settings.model_copy(update={"public_url": url}), province.database())
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        jobs, stop = province.database(names.JOBS), asyncio.Event()
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        numbering = asyncio.create_task(run_sequencer(jobs, stop))
        file = tmp_path_factory.mktemp("quickstart") / "credentials.json"
        file.write_text(json.dumps([_entry(agency, url) for agency in province.agencies.values()]), encoding="utf-8")
        yield Instance(url, str(file))
        server.should_exit = True
        stop.set()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(serving, numbering)
        await jobs.close()


def _entry(agency: Any, url: str) -> dict[str, object]:
    return {
        "agency_id": str(agency.id),
        "agency_code": agency.code,
        "client_id": str(agency.client_id),
        "client_secret": agency.client_secret,
        "private_jwk": dict(agency.private_jwk),
        "kid": agency.private_jwk["kid"],
        "issuer": url,
        "token_endpoint": f"{url}/oauth/token",
    }


async def _run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run, command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="the commands are written for curl, which is not here")
async def test_the_commands_run_from_report_to_feed(instance: Instance) -> None:
    where = {"API": instance.url, "CREDENTIALS": instance.credentials, "no_proxy": "127.0.0.1"}
    done = await _run("sh", str(FOLDER / "quickstart.sh"), **where)
    assert done.returncode == 0, done.stdout + done.stderr
    *_, status, name, event_type = done.stdout.splitlines()
    assert (status, name) == ("accepted", "周桂兰")
    assert event_type.startswith("referral.")


async def test_the_key_signs_in(instance: Instance) -> None:
    done = await _run(sys.executable, str(FOLDER / "sign_in.py"), instance.credentials, LABOUR, NO_PROXY="127.0.0.1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(".") == 2


def _received(
    body: bytes, *, signed: bytes | None = None, sent_at: float | None = None
) -> tuple[int, bytes, list[bytes]]:
    receive = run_path(str(FOLDER / "webhook.py"))["receive"]
    keys, at = generate_webhook_keys(), int(sent_at or time.time())
    signature = sign(message_id="e-1", timestamp=at, body=signed or body, keys=[generate_webhook_keys(), keys])
    headers = {"webhook-id": "e-1", "webhook-timestamp": str(at), "webhook-signature": signature}
    stored: list[bytes] = []
    status, said = receive(headers, body, keys.secret_text, lambda _, event: stored.append(event))
    return status, said, stored


EVENT = json.dumps({"type": "referral.accepted", "subject": {"href": "/v1/referrals/1"}}).encode()


def test_a_genuine_webhook_is_taken_and_the_challenge_answered() -> None:
    assert _received(EVENT) == (204, b"", [EVENT])
    challenge = json.dumps({"type": "endpoint.verification", "data": {"challenge": "c-1"}}).encode()
    status, body, stored = _received(challenge)
    assert (status, json.loads(body), stored) == (200, {"challenge": "c-1"}, [])


def test_a_forged_or_old_webhook_is_refused() -> None:
    assert _received(EVENT, signed=EVENT + b" ") == (401, b"", [])
    assert _received(EVENT, sent_at=time.time() - 301) == (401, b"", [])


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")
def test_the_receiver_in_another_language_takes_and_refuses_the_same() -> None:
    keys, now = generate_webhook_keys(), int(time.time())
    challenge = json.dumps({"type": "endpoint.verification", "data": {"challenge": "c-1"}}).encode()
    asked = []
    for body, signed, at, by in (
        (EVENT, EVENT, now, keys),
        (challenge, challenge, now, keys),
        (EVENT, EVENT + b" ", now, keys),
        (EVENT, EVENT, now - 301, keys),
        (EVENT, EVENT, now, generate_webhook_keys()),
    ):
        signature = sign(message_id="e-1", timestamp=at, body=signed, keys=[generate_webhook_keys(), by])
        headers = {"webhook-id": "e-1", "webhook-timestamp": str(at), "webhook-signature": signature}
        asked.append([headers, body.decode()])
    asked += [[{}, "{}"], [{"webhook-timestamp": str(now), "webhook-signature": "v1a,é v1a, x"}, "{}"]]
    script = (
        f"import {{ receive }} from {json.dumps(str(FOLDER / 'webhook.mjs'))};"
        f"for (const [h, b] of {json.dumps(asked)}) console.log(JSON.stringify("
        f"receive(h, Buffer.from(b), {json.dumps(keys.public_text)}, () => {{}})));"
    )
    done = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [[204, ""], [200, '{"challenge":"c-1"}'], *[[401, ""]] * 5]


@pytest.mark.parametrize("headers", [{}, {"webhook-timestamp": "soon"}, {"webhook-signature": "v1,é , v1"}])
def test_headers_that_are_none_of_ours_are_refused_without_an_error(headers: dict[str, str]) -> None:
    is_genuine = run_path(str(FOLDER / "webhook.py"))["is_genuine"]
    present = {"webhook-id": "e-1", "webhook-timestamp": str(int(time.time()))}
    assert is_genuine(present | headers, EVENT, generate_webhook_keys().secret_text) is False

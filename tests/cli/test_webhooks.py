"""`./tongli webhooks`: a receiver for whoever builds one, and a judge of what was kept."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.webhooks import Keys, Listener
from crypto.ids import new_id
from crypto.webhooks import WebhookKeys, generate_webhook_keys
from outbound.http import GuardedClient, Reply
from outbound.webhooks import Push, headers_of, send
from tests.outbound.receivers import ON_LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
OURS, OTHERS = generate_webhook_keys(), generate_webhook_keys()
BOTH = Keys(OURS.secret, OURS.public_key)


def push(event_type: str = "referral.accepted", **data: str) -> Push:
    body = json.dumps({"type": event_type, "data": data}).encode()
    return Push(str(new_id()), event_type, 7, 1, replay=False, body=body)


@contextmanager
def listening(keys: Keys, *, fail_rate: float = 0.0) -> Iterator[tuple[str, list[str]]]:
    said: list[str] = []
    listener = Listener(0, keys, fail_rate=fail_rate, say=said.append)
    thread = threading.Thread(target=listener.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield listener.url, said
    finally:
        listener.server.shutdown()
        listener.server.server_close()


async def deliver(url: str, what: Push, keys: WebhookKeys = OURS) -> Reply:
    async with GuardedClient(ON_LOOPBACK) as client:
        return await send(client, url, what, keys=[keys], now=datetime.now(UTC))


@pytest.mark.parametrize("keys", [BOTH, Keys(secret=OURS.secret), Keys(public_key=OURS.public_key)])
async def test_what_the_service_sends_is_verified_and_printed(keys: Keys) -> None:
    sent = push()
    with listening(keys) as (url, said):
        assert (await deliver(url, sent)).status == 204
    line, _, event = said[0].partition("\n")
    assert line.startswith("✓ 204  referral.accepted  sequence 7  attempt 1")
    assert sent.message_id in line
    assert json.loads(event)["type"] == "referral.accepted"


async def test_a_challenge_is_answered_even_by_one_that_refuses_all_events() -> None:
    with listening(BOTH, fail_rate=1.0) as (url, said):
        answer = await deliver(url, push("endpoint.verification", challenge="c-1"))
        assert (answer.status, json.loads(answer.body)) == (200, {"challenge": "c-1"})
        assert (await deliver(url, push())).status == 500
    assert [line[0] for line in said] == ["✓", "↻"]


async def test_what_others_signed_is_refused() -> None:
    with listening(BOTH) as (url, said):
        assert (await deliver(url, push(), OTHERS)).status == 401
    assert said == ["✗ 401  no signature fits: another key, or not the bytes that were sent"]


async def test_without_keys_nothing_counts_as_verified() -> None:
    with listening(Keys()) as (url, said):
        assert (await deliver(url, push(), OTHERS)).status == 204
    assert said[0].startswith("? 204")


async def test_the_command_listens_on_loopback_and_says_where() -> None:
    words = [sys.executable, "-m", "cli", "webhooks", "listen", "--port", "0", "--secret", OURS.secret_text]
    child = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    try:
        url = (await child.stdout.readline()).decode().split()[-1]
        assert url.startswith("http://127.0.0.1:")
        assert (await deliver(url, push())).status == 204
        assert (await child.stdout.readline()).decode().startswith("✓ 204")
    finally:
        child.terminate()
        await child.wait()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with `headers` and `body` of a genuine request, and both as one `message`."""
    return keep(tmp_path, datetime.now(UTC))


def keep(folder: Path, at: datetime) -> Path:
    sent = push()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers_of(sent, [OURS], at).items())
    (folder / "headers").write_text(f"POST /hook HTTP/1.1\r\n{lines}", newline="")
    (folder / "body").write_bytes(sent.body)
    (folder / "message").write_bytes(f"{lines}\r\n".encode() + sent.body)
    return folder


def judge(folder: Path, *options: str, body: str = "body") -> int:
    files = ["--headers", str(folder / "headers"), "--body", str(folder / body)]
    return main(["webhooks", "verify", *files, *options])


def test_a_kept_request_is_genuine_by_either_key(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(kept, "--secret", OURS.secret_text) == 0
    assert judge(kept, "--public-key", OURS.public_text) == 0
    assert main(["webhooks", "verify", "--body", str(kept / "message"), "--secret", OURS.secret_text]) == 0
    assert capsys.readouterr().out == "genuine\n" * 3


def test_another_key_another_byte_and_a_missing_header_are_told(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(kept, "--secret", OTHERS.secret_text, "--public-key", OTHERS.public_text) == 1
    (kept / "edited").write_bytes((kept / "body").read_bytes() + b"\n")
    assert judge(kept, "--secret", OURS.secret_text, body="edited") == 1
    (kept / "headers").write_text("webhook-id: a\n")
    assert judge(kept, "--secret", OURS.secret_text) == 1
    another, edited, missing = capsys.readouterr().out.splitlines()
    assert "another key" in another
    assert "byte for byte" in edited
    assert "webhook-timestamp, webhook-signature" in missing


def test_an_old_one_is_genuine_only_where_any_age_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = keep(tmp_path, datetime.fromtimestamp(time.time() - 3_600, UTC))
    assert judge(old, "--secret", OURS.secret_text) == 1
    assert "old, 300 s at most" in capsys.readouterr().out
    assert judge(old, "--secret", OURS.secret_text, "--any-age") == 0


def test_what_cannot_be_read_is_told_apart(tmp_path: Path, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(tmp_path / "nowhere", "--secret", OURS.secret_text) == 2
    assert main(["webhooks", "verify", "--body", str(kept / "body"), "--secret", OURS.secret_text]) == 2
    assert judge(kept) == 2
    assert capsys.readouterr().out == ""

"""`./tongli webhooks listen | verify`: for whoever builds a receiver. Needs no database, no server and no settings.

`listen` is a receiver on loopback that checks signatures, answers challenges and prints what comes; it can refuse a
share of the events, so that retries can be seen. `verify` says of one kept request whether it is genuine, and why not.
Exit codes of `verify`: 0 genuine, 1 not, 2 what cannot be read.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from crypto.webhooks import parse_public_text, parse_secret_text, verify
from rules.envelopes import VERIFICATION

GENUINE, NOT_GENUINE, UNREADABLE = 0, 1, 2
MAX_BODY_BYTES: Final = 64 * 1024
TOLERANCE_S: Final = 300
_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True)
class Keys:
    """What a receiver knows: the shared secret, the public key, or both. One that verifies is enough."""

    secret: bytes | None = None
    public_key: bytes | None = None

    def __bool__(self) -> bool:
        return self.secret is not None or self.public_key is not None


def fault_of(
    headers: Mapping[str, str], body: bytes, keys: Keys, *, now: int, tolerance_s: int | None = TOLERANCE_S
) -> str | None:
    """Why a request is not genuine, None where it is. Header names in small letters, `now` in seconds of real time;
    a `tolerance_s` of None takes any age, for what was kept."""
    missing = [name for name in _HEADERS if not headers.get(name)]
    if missing:
        return f"these headers are missing: {', '.join(missing)}"
    sent_at = headers["webhook-timestamp"]
    if not (sent_at.isascii() and sent_at.isdecimal()):
        return "webhook-timestamp is no number of seconds"
    age = now - int(sent_at)
    if tolerance_s is not None and abs(age) > tolerance_s:
        return f"webhook-timestamp is {abs(age)} s {'old' if age > 0 else 'ahead'}, {tolerance_s} s at most"

    def holds(content: bytes) -> bool:
        return verify(
            message_id=headers["webhook-id"],
            timestamp_text=sent_at,
            signature_header=headers["webhook-signature"],
            body=content,
            now=int(sent_at),
            secret=keys.secret,
            public_key=keys.public_key,
        )

    if holds(body):
        return None
    if body.endswith(b"\n") and holds(body.rstrip(b"\r\n")):
        return "no signature fits; without the line end behind the body one does: keep the body byte for byte"
    return "no signature fits: another key, or not the bytes that were sent"


class Listener:
    """A receiver on loopback; `port` 0 takes a free one. Without keys it takes everything and says so."""

    def __init__(
        self,
        port: int,
        keys: Keys,
        *,
        fail_rate: float = 0.0,
        say: Callable[[str], None] = print,
    ) -> None:
        self._keys, self._fail_rate, self._say = keys, fail_rate, say
        self._chance = random.Random()  # noqa: S311  draws failures, keeps no secret
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to one request, which is printed."""
        fault = fault_of(headers, body, self._keys, now=int(time.time())) if self._keys else None
        if fault is not None:
            self._say(f"✗ 401  {fault}")
            return 401, b""
        try:
            event = json.loads(body)
            challenge = event["data"]["challenge"] if event["type"] == VERIFICATION else None
        except (ValueError, KeyError, TypeError, RecursionError):
            self._say("✗ 400  genuine, but no event")
            return 400, b""
        if challenge is None and self._chance.random() < self._fail_rate:
            status, answer = 500, b""
        else:
            status = 204 if challenge is None else 200
            answer = b"" if challenge is None else json.dumps({"challenge": challenge}).encode()
        self._say(self._line(status, headers, event))
        return status, answer

    def _line(self, status: int, headers: Mapping[str, str], event: Mapping[str, Any]) -> str:
        """One line about the delivery, and the event under it."""
        mark = ("✓" if self._keys else "?") if status < 300 else "↻"
        told = [f"{name} {headers.get(f'tongli-{name}', '-')}" for name in ("sequence", "attempt", "replay")]
        line = f"{mark} {status}  {event['type']}  {'  '.join(told)}  {headers.get('webhook-id', '-')}"
        return f"{line}\n{json.dumps(event, ensure_ascii=False, indent=2)}"


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
                self.close_connection = True
                self._answer(413 if length.isdecimal() else 411, b"")
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._answer(*listener.take(headers, self.rfile.read(int(length))))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if status != 204:
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_parts: object) -> None:
            """The listener prints what came."""

    return Handler


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two commands, each with the keys of the receiver."""
    commands = parser.add_subparsers(dest="webhooks", required=True, metavar="WHAT")
    listen = commands.add_parser("listen", help="receive on loopback, verify, answer challenges, print")
    listen.add_argument("--port", type=int, default=8090, help="on 127.0.0.1 (8090); 0 takes a free one")
    listen.add_argument("--fail-rate", type=_share, default=0.0, help="share of events to refuse with 500 (0)")
    kept = commands.add_parser("verify", help="say whether a kept request is genuine, and why not")
    kept.add_argument("--headers", type=Path, help="file of its headers, a line each; else they stand before the body")
    kept.add_argument("--body", type=Path, help="file of its body, byte for byte; else standard input")
    kept.add_argument("--any-age", action="store_true", help="take a timestamp of any age")
    for command in (listen, kept):
        command.add_argument("--secret", type=_key(parse_secret_text), help="whsec_… of the endpoint, for v1")
        command.add_argument("--public-key", type=_key(parse_public_text), help="whpk_… of the endpoint, for v1a")


def run(arguments: argparse.Namespace) -> int:
    """Listens until interrupted, or judges one request."""
    keys = Keys(arguments.secret, arguments.public_key)
    if arguments.webhooks == "listen":
        return _listen(Listener(arguments.port, keys, fail_rate=arguments.fail_rate, say=_print), keys)
    if not keys:
        print("give --secret, --public-key, or both", file=sys.stderr)
        return UNREADABLE
    return _verify(arguments, keys)


def _listen(listener: Listener, keys: Keys) -> int:
    _print(f"listening on {listener.url}")
    if not keys:
        _print("without --secret or --public-key nothing is verified: register the endpoint, then start again with one")
    try:
        listener.server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        listener.server.server_close()
    return 0


def _verify(arguments: argparse.Namespace, keys: Keys) -> int:
    try:
        headers, body = _kept(arguments.headers, arguments.body)
    except (OSError, ValueError) as fault:
        print(f"cannot be read: {fault}", file=sys.stderr)
        return UNREADABLE
    tolerance = None if arguments.any_age else TOLERANCE_S
    fault_found = fault_of(headers, body, keys, now=int(time.time()), tolerance_s=tolerance)
    print("genuine" if fault_found is None else f"not genuine: {fault_found}")
    return GENUINE if fault_found is None else NOT_GENUINE


def _kept(headers: Path | None, body: Path | None) -> tuple[dict[str, str], bytes]:
    """Headers and body from their files, or as one message: headers, an empty line, the body. Raises OSError,
    ValueError."""
    content = sys.stdin.buffer.read() if body is None else body.read_bytes()
    if headers is not None:
        return _read_headers(headers.read_bytes()), content
    ends = [(at, len(line_end)) for line_end in (b"\r\n\r\n", b"\n\n") if (at := content.find(line_end)) >= 0]
    if not ends:
        raise ValueError("no empty line between headers and body; give --headers FILE")
    at, length = min(ends)
    return _read_headers(content[:at]), content[at + length :]


def _read_headers(content: bytes) -> dict[str, str]:
    """Names in small letters; lines without a colon, such as a request line, are passed over."""
    lines = (line.partition(":") for line in content.decode("latin-1").splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("a share is between 0 and 1")
    return share


def _key(parse: Callable[[str], bytes]) -> Callable[[str], bytes]:
    def parsed(text: str) -> bytes:
        try:
            return parse(text)
        except ValueError as fault:
            raise argparse.ArgumentTypeError(str(fault)) from None

    return parsed


def _print(text: str) -> None:
    print(text, flush=True)

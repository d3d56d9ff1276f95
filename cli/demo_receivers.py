"""Webhook receivers of the demo's agencies: real sockets on loopback, every signature checked both ways."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from crypto.webhooks import parse_public_text, parse_secret_text, verify


@dataclass(slots=True)
class Receiver:
    """One agency's receiver. `received` holds verified envelopes by event id; `refused` counts what did not verify."""

    name: str
    server: ThreadingHTTPServer = field(init=False)
    received: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: int = 0
    keys: tuple[bytes, bytes] | None = None

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                status, answer = receiver.take(dict(self.headers.items()), body)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_parts: object) -> None:
                """The demo tells its own story."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/tongli"

    def trust(self, secret: str, public_key: str) -> None:
        """From now on only what these keys verify is taken."""
        self.keys = (parse_secret_text(secret), parse_public_text(public_key))

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Verifies and keeps one delivery; answers a challenge with itself."""
        if not self._verified({name.lower(): value for name, value in headers.items()}, body):
            self.refused += 1
            return 401, b"{}"
        envelope = json.loads(body)
        if envelope["type"] == "endpoint.verification":
            return 200, json.dumps({"challenge": envelope["data"]["challenge"]}).encode()
        self.received[envelope["id"]] = envelope
        return 200, b"{}"

    def _verified(self, headers: dict[str, str], body: bytes) -> bool:
        """Both signatures must hold: the shared secret's and the public key's."""
        for _ in range(50):  # the first challenge may come before registration has told us the keys
            if self.keys is not None:
                break
            time.sleep(0.1)
        if self.keys is None:
            return False

        def holds(*, secret: bytes | None, public_key: bytes | None) -> bool:
            return verify(
                message_id=headers.get("webhook-id", ""),
                timestamp_text=headers.get("webhook-timestamp", ""),
                signature_header=headers.get("webhook-signature", ""),
                body=body,
                now=int(time.time()),
                secret=secret,
                public_key=public_key,
            )

        secret, public = self.keys
        return holds(secret=secret, public_key=None) and holds(secret=None, public_key=public)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

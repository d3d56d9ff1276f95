"""Receive a webhook: check the signature on the raw body, answer the challenge. Python alone, nothing to install."""

import base64
import hmac
import json
import time
from collections.abc import Callable


def is_genuine(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """`secret` is the `whsec_…` you were shown when you registered the endpoint; header names in small letters."""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdecimal() or abs(time.time() - int(sent_at)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    right = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    given = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(right, one) for one in given)


def receive(
    headers: dict[str, str], body: bytes, secret: str, store: Callable[[str, bytes], object]
) -> tuple[int, bytes]:
    """Status and body of your answer. `store` keeps the event under its id, since it may come more than once."""
    if not is_genuine(headers, body, secret):
        return 401, b""
    event = json.loads(body)
    if event["type"] == "endpoint.verification":
        return 200, json.dumps({"challenge": event["data"]["challenge"]}).encode()
    store(headers["webhook-id"], body)  # answer at once, work on it later
    return 204, b""

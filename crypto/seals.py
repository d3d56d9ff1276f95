"""Sealed cursors: what a list hands out to be given back, unreadable and useless to anybody else.

AES-256-GCM under a key of its own per purpose; the binding (caller, filter, sort) is authenticated, not stored.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.keys import Keyring
from crypto.strict import decode_base64url, encode_base64url, read_json_object
from rules.errors import InvalidCursor

MAX_CHARS = 2048
_VERSION = b"\x01"
_NONCE_BYTES = 12


class Sealer:
    """Seals small payloads for one purpose; another purpose's text does not open."""

    def __init__(self, keyring: Keyring, purpose: str, *, max_chars: int = MAX_CHARS) -> None:
        self._cipher = AESGCM(keyring.derive(f"seal {purpose}"))
        self._max_chars = max_chars

    def seal(self, payload: Mapping[str, str | int | None], *, binding: str, expires_at: datetime) -> str:
        """Urlsafe text, at most 2048 characters unless made otherwise. Raises ValueError for a longer payload."""
        content = json.dumps({"until": int(expires_at.timestamp()), "payload": dict(payload)}, separators=(",", ":"))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, content.encode(), _VERSION + binding.encode())
        text = encode_base64url(_VERSION + nonce + sealed)
        if len(text) > self._max_chars:
            raise ValueError(f"sealed payload is longer than {self._max_chars} characters")
        return text

    def open(self, text: str, *, binding: str, now: datetime) -> dict[str, str | int | None]:
        """The payload. Raises InvalidCursor for changed, expired, foreign or overlong text, without saying which."""
        if len(text) > self._max_chars:
            raise InvalidCursor
        try:
            members = self._decrypt(text, binding)
        except (ValueError, InvalidTag):
            raise InvalidCursor from None
        until, payload = members.get("until"), members.get("payload")
        if not isinstance(until, int) or not isinstance(payload, dict) or until <= now.timestamp():
            raise InvalidCursor
        return payload

    def _decrypt(self, text: str, binding: str) -> dict[str, object]:
        blob = decode_base64url(text)
        if blob[:1] != _VERSION:
            raise ValueError("unknown version")
        nonce, sealed = blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
        return read_json_object(self._cipher.decrypt(nonce, sealed, _VERSION + binding.encode()).decode())

"""Signatures of webhooks by Standard Webhooks 1.0: `v1` (HMAC-SHA256) and `v1a` (Ed25519) over `id.timestamp.body`.

`verify` reads what strangers send, so it answers False to everything that is not a good signature and never raises.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public prefix of a secret
PUBLIC_PREFIX = "whpk_"
MAX_SIGNATURES = 8
MAX_LIVE_KEYS = MAX_SIGNATURES // 2  # each key signs twice, and a receiver tries eight

_MIN_SECRET_BYTES, _MAX_SECRET_BYTES = 24, 64  # the standard's bounds
_MAX_HEADER_CHARS = 2048
# No full stop: with one, `a.1` + `2` and `a` + `1.2` would be the same signed bytes.
_MESSAGE_ID = re.compile(r"[!-\-/-~]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
# Points of order 1, 2, 4 and 8 with the sign bit cleared: under such a "key" anybody can sign, and OpenSSL accepts it.
_SMALL_ORDER_POINTS = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """The keys of one endpoint: a shared secret for `v1` and an Ed25519 private key for `v1a`, 32 bytes each."""

    secret: bytes = field(repr=False)
    ed25519_private: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != 32 or len(self.ed25519_private) != 32:
            raise ValueError("webhook keys are 32 bytes each")

    @property
    def secret_text(self) -> str:
        """`whsec_…`, shown to the receiver once."""
        return SECRET_PREFIX + _encode(self.secret)

    @property
    def public_key(self) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.ed25519_private).public_key().public_bytes_raw()

    @property
    def public_text(self) -> str:
        """`whpk_…`, which anybody may see."""
        return PUBLIC_PREFIX + _encode(self.public_key)


def generate_webhook_keys() -> WebhookKeys:
    """New random keys for one endpoint."""
    return WebhookKeys(secrets.token_bytes(32), secrets.token_bytes(32))


def parse_secret_text(text: str) -> bytes:
    """The secret behind `whsec_…`, 24 to 64 bytes. Raises ValueError."""
    secret = _decode_prefixed(text, SECRET_PREFIX)
    if not _MIN_SECRET_BYTES <= len(secret) <= _MAX_SECRET_BYTES:
        raise ValueError(f"a webhook secret has {_MIN_SECRET_BYTES} to {_MAX_SECRET_BYTES} bytes")
    return secret


def parse_public_text(text: str) -> bytes:
    """The Ed25519 public key behind `whpk_…`. Raises ValueError, also for keys under which anybody can sign."""
    key = _decode_prefixed(text, PUBLIC_PREFIX)
    if not _is_safe_public_key(key):
        raise ValueError("not a usable Ed25519 public key")
    return key


def sign(*, message_id: str, timestamp: int, body: bytes, keys: Sequence[WebhookKeys]) -> str:
    """The `webhook-signature` header: v1 and v1a of every live key, newest first. `timestamp` in seconds of real time.

    Raises ValueError for no key, more than four, or an id with a full stop.
    """
    if not 1 <= len(keys) <= MAX_LIVE_KEYS:
        raise ValueError(f"sign with 1 to {MAX_LIVE_KEYS} keys")
    if not _MESSAGE_ID.fullmatch(message_id) or timestamp < 0:
        raise ValueError("message id must be visible ASCII without a full stop, timestamp not negative")
    content = _signed_content(message_id, str(timestamp), body)
    return " ".join(signature for key in keys for signature in _sign_twice(content, key))


def verify(
    *,
    message_id: str,
    timestamp_text: str,
    signature_header: str,
    body: bytes,
    now: int,
    secret: bytes | None,
    public_key: bytes | None,
    tolerance: int = 300,
) -> bool:
    """Whether one of the first eight signatures is good and the timestamp within `tolerance` seconds of `now`.

    Never raises on what was sent. A secret under 24 bytes or an unsafe public key verifies nothing.
    """
    if len(signature_header) > _MAX_HEADER_CHARS or not _MESSAGE_ID.fullmatch(message_id):
        return False
    if not _TIMESTAMP.fullmatch(timestamp_text) or abs(now - int(timestamp_text)) > tolerance:
        return False
    content = _signed_content(message_id, timestamp_text, body)
    checks = _Checks(content, secret, public_key)
    verdicts = [checks.accept(text) for text in signature_header.split(" ")[:MAX_SIGNATURES]]
    return any(verdicts)  # of a list: all are tried, so the time does not tell which one was good


class _Checks:
    """One message against a secret, a public key, or both."""

    def __init__(self, content: bytes, secret: bytes | None, public_key: bytes | None) -> None:
        usable = secret is not None and len(secret) >= _MIN_SECRET_BYTES
        self._expected = hmac.digest(secret, content, "sha256") if secret is not None and usable else None
        safe = public_key is not None and _is_safe_public_key(public_key)
        self._public = Ed25519PublicKey.from_public_bytes(public_key) if public_key is not None and safe else None
        self._content = content

    def accept(self, text: str) -> bool:
        version, _, encoded = text.partition(",")
        try:
            signature = base64.b64decode(encoded, validate=True)
        except ValueError:
            return False
        if version == "v1" and self._expected is not None:
            return hmac.compare_digest(self._expected, signature)
        return version == "v1a" and self._public is not None and _is_signed(self._public, signature, self._content)


def _is_signed(public: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        public.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _is_safe_public_key(key: bytes) -> bool:
    return len(key) == 32 and key[:31] + bytes([key[31] & 0x7F]) not in _SMALL_ORDER_POINTS


def _sign_twice(content: bytes, key: WebhookKeys) -> tuple[str, str]:
    shared = hmac.digest(key.secret, content, "sha256")
    own = Ed25519PrivateKey.from_private_bytes(key.ed25519_private).sign(content)
    return f"v1,{_encode(shared)}", f"v1a,{_encode(own)}"


def _signed_content(message_id: str, timestamp_text: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp_text}.".encode("ascii") + body


def _decode_prefixed(text: str, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise ValueError(f"must start with {prefix}")
    encoded = text.removeprefix(prefix)
    try:
        # Some senders leave the padding out.
        return base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4), validate=True)
    except ValueError:
        raise ValueError(f"{prefix} must be followed by base64") from None


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

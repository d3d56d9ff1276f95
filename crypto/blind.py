"""Blind index: finds an identity number without storing it.

Resident identity numbers are few enough (about 10^11) to try them all against a plain hash in seconds, so the hash is
keyed and the key stays outside the database. HMAC is RFC 2104; SM3 is GB/T 32905-2016.
"""

import hmac
import re

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from crypto.keys import Keyring, SymmetricKey

_KIND = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


class BlindIndex:
    """Keyed hashes for exact matching, one space per kind. Values must come in normal form: the caller's task."""

    def __init__(self, keyring: Keyring) -> None:
        current = keyring.blind.current_key
        others = [key for key_id, key in keyring.blind.keys.items() if key_id != current.key_id]
        self._keys = [current, *others]
        self._fingerprint_key = keyring.derive("fingerprint")

    @property
    def key_id(self) -> str:
        """The key `index` hashes with: kept beside the index, which cannot tell itself."""
        return self._keys[0].key_id

    def index(self, kind: str, value: str) -> bytes:
        """32 bytes to store beside the sealed value, made with the current key."""
        return _keyed_hash(self._keys[0], _message(kind, value))

    def indexes(self, kind: str, value: str) -> list[bytes]:
        """What to look for while a rotation is under way: one per live key, the current key's first."""
        message = _message(kind, value)
        return [_keyed_hash(key, message) for key in self._keys]

    def fingerprint(self, data: bytes) -> bytes:
        """32 bytes that tell whether two bodies are equal, and nothing to somebody who has only the database."""
        return hmac.digest(self._fingerprint_key, data, "sha256")


def _message(kind: str, value: str) -> bytes:
    if not _KIND.fullmatch(kind):
        raise ValueError("kind of a blind index must be a short lower-case name")
    return kind.encode() + b"\0" + value.encode()


def _keyed_hash(key: SymmetricKey, message: bytes) -> bytes:
    if key.algorithm == "HSM3":
        context = HMAC(key.secret, SM3())
        context.update(message)
        return context.finalize()
    return hmac.digest(key.secret, message, "sha256")

"""Sealed fields: identity numbers, phones and secrets as they lie in the database.

    version (1) | algorithm (1) | key id length (1) | key id | nonce (12) | ciphertext and tag (16)

The header and the context (table, column and row, for instance `person.id_number:<uuid>`) are authenticated, so a value
moved to another row, column, key or algorithm does not open. Nonces are random: rotate a key before 2^32 seals.
GCM as in NIST SP 800-38D; SM4 is GB/T 32907-2016, SM4-GCM RFC 8998.
"""

import secrets
from collections.abc import Mapping
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from crypto.keys import Keyring, SymmetricKey

VERSION = 1
ALGORITHM_IDS: Mapping[str, int] = {"A256GCM": 1, "SM4GCM": 2}
NONCE_BYTES = 12
TAG_BYTES = 16


class SealBroken(Exception):  # noqa: N818 - named like the errors of rules/errors.py
    """A sealed value does not open: changed, moved, cut or sealed with a key that is gone. Never expected."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"sealed value does not open: {reason}")
        self.reason = reason


class FieldCipher:
    """Seals with the current field key, opens with any. Safe to share between threads."""

    def __init__(self, keyring: Keyring) -> None:
        keys = keyring.field.keys
        self._ciphers = {key_id: _cipher_of(key) for key_id, key in keys.items()}
        self._headers = {key_id: _header_of(key) for key_id, key in keys.items()}
        self._current = keyring.field.current

    def seal(self, text: str, context: str) -> bytes:
        """`text` sealed for one place. Raises ValueError for an empty context or text with lone surrogates."""
        return self.seal_bytes(text.encode("utf-8"), context)

    def open(self, sealed: bytes, context: str) -> str:
        """The text sealed for `context`. Raises SealBroken."""
        try:
            return self.open_bytes(sealed, context).decode("utf-8")
        except UnicodeDecodeError:
            raise SealBroken("not text") from None

    def seal_bytes(self, data: bytes, context: str) -> bytes:
        """`data` sealed for one place. Raises ValueError for an empty context."""
        header, nonce = self._headers[self._current], secrets.token_bytes(NONCE_BYTES)
        return header + nonce + self._ciphers[self._current].encrypt(nonce, data, _bound(header, context))

    def open_bytes(self, sealed: bytes, context: str) -> bytes:
        """The bytes sealed for `context`. Raises SealBroken."""
        header, cipher = self._read_header(sealed)
        body = len(header) + NONCE_BYTES
        if len(sealed) < body + TAG_BYTES:
            raise SealBroken("too short")
        try:
            return cipher.decrypt(sealed[len(header) : body], sealed[body:], _bound(header, context))
        except InvalidTag:
            raise SealBroken("changed, or sealed for another place") from None

    def _read_header(self, sealed: bytes) -> tuple[bytes, "_Aead"]:
        if len(sealed) < 3 or sealed[0] != VERSION:
            raise SealBroken("not a sealed value of a known version")
        header = sealed[: 3 + sealed[2]]
        key_id = header[3:].decode("ascii", "replace")
        if self._headers.get(key_id) != header:
            raise SealBroken("no key for it")
        return header, self._ciphers[key_id]


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes: ...


class _Sm4Gcm:
    """SM4-GCM with the interface of the library's AESGCM, which it has only for AES."""

    def __init__(self, key: bytes) -> None:
        self._key = SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        context = Cipher(self._key, GCM(nonce)).encryptor()
        context.authenticate_additional_data(associated_data)
        return context.update(data) + context.finalize() + context.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes, /) -> bytes:
        context = Cipher(self._key, GCM(nonce, data[-TAG_BYTES:])).decryptor()
        context.authenticate_additional_data(associated_data)
        return context.update(data[:-TAG_BYTES]) + context.finalize()


def _cipher_of(key: SymmetricKey) -> _Aead:
    return _Sm4Gcm(key.secret) if key.algorithm == "SM4GCM" else AESGCM(key.secret)


def _header_of(key: SymmetricKey) -> bytes:
    key_id = key.key_id.encode("ascii")
    return bytes([VERSION, ALGORITHM_IDS[key.algorithm], len(key_id)]) + key_id


def _bound(header: bytes, context: str) -> bytes:
    """What is authenticated beside the value. The header tells its own length, so the two cannot be shifted."""
    if not context:
        raise ValueError("a sealed value needs a context")
    return header + context.encode("utf-8")

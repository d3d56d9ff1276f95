"""Sealed fields: names, numbers, texts and secrets as they lie in the database, each under a data key of its own.

    version 2 (1) | algorithm (1) | wrapping algorithm (1) | key id length (1) | key id
        | wrapped data key: nonce (12), data key (32, or 16 for SM4), tag (16) | ciphertext and tag (16)

Envelope encryption: the data key is random, seals this one value, and lies beside it wrapped by a field key of the
keyring, which never touches the database. A rotation wraps the data key anew and leaves the value as it is, so it needs
to know neither what the value says nor where it belongs; deleting the value deletes its key. The wrapping authenticates
the header; the value authenticates version, algorithm and context (table, column and row, for instance
`person.id_number:<uuid>`), so a value moved to another row or column does not open. A data key seals once, so the
value's own nonce is zero; those of the wrapping are random: rotate a field key before 2^32 seals.

Version 1, sealed by the field key itself, still opens and is not written any more:

    version 1 (1) | algorithm (1) | key id length (1) | key id | nonce (12) | ciphertext and tag (16)

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

from crypto.keyring_text import SECRET_BYTES
from crypto.keys import Keyring, SymmetricKey

VERSION = 2
FIRST_VERSION = 1
ALGORITHM_IDS: Mapping[str, int] = {"A256GCM": 1, "SM4GCM": 2}
NONCE_BYTES = 12
TAG_BYTES = 16

_ALGORITHMS: Mapping[int, str] = {number: algorithm for algorithm, number in ALGORITHM_IDS.items()}
_ONLY_NONCE = bytes(NONCE_BYTES)


class SealBroken(Exception):  # noqa: N818 - named like the errors of rules/errors.py
    """A sealed value does not open: changed, moved, cut or sealed with a key that is gone. Never expected."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"sealed value does not open: {reason}")
        self.reason = reason


class FieldCipher:
    """Seals under the current field key, opens under any. Safe to share between threads."""

    def __init__(self, keyring: Keyring) -> None:
        keys = keyring.field.keys
        self._keys = dict(keys)
        self._ciphers = {key_id: _cipher_of(key.algorithm, key.secret) for key_id, key in keys.items()}
        self._current = keyring.field.current
        self._header = _header_of(keys[self._current].algorithm, keys[self._current])

    @property
    def key_id(self) -> str:
        """The field key that wraps the data keys of new values."""
        return self._current

    @property
    def form(self) -> str:
        """What `sealed_form` of the database says of a value this cipher seals: version and content algorithm."""
        return f"{VERSION}.{ALGORITHM_IDS[self._keys[self._current].algorithm]}"

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
        """`data` sealed for one place. Raises ValueError for an empty context. 3 us, 49 bytes more than version 1."""
        key = self._keys[self._current]
        data_key = secrets.token_bytes(SECRET_BYTES[key.algorithm])
        bound = _bound(self._header[:2], context)
        sealed = _cipher_of(key.algorithm, data_key).encrypt(_ONLY_NONCE, data, bound)
        return self._header + self._wrap(data_key, self._header) + sealed

    def open_bytes(self, sealed: bytes, context: str) -> bytes:
        """The bytes sealed for `context`. Raises SealBroken."""
        if sealed[:1] == bytes([FIRST_VERSION]):
            return self._open_first(sealed, context)
        header, data_key, body = self._unwrap(sealed)
        if len(body) < TAG_BYTES:
            raise SealBroken("too short")
        try:
            return _cipher_of(_ALGORITHMS[header[1]], data_key).decrypt(_ONLY_NONCE, body, _bound(header[:2], context))
        except InvalidTag:
            raise SealBroken("changed, or sealed for another place") from None

    def rewrap(self, sealed: bytes) -> bytes:
        """The same value, its data key wrapped by the current field key. Reads no content and needs no context.

        Raises SealBroken, also for a value of version 1, which has no data key: `reseal` it.
        """
        header, data_key, body = self._unwrap(sealed)
        renewed = _header_of(_ALGORITHMS[header[1]], self._keys[self._current])
        return renewed + self._wrap(data_key, renewed) + body

    def reseal(self, sealed: bytes, context: str) -> bytes:
        """The same value under a new data key, as it would be sealed today. Raises SealBroken."""
        return self.seal_bytes(self.open_bytes(sealed, context), context)

    def _wrap(self, data_key: bytes, header: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._ciphers[self._current].encrypt(nonce, data_key, header)

    def _unwrap(self, sealed: bytes) -> tuple[bytes, bytes, bytes]:
        """Header, data key, and the value sealed with it."""
        header = self._read_header(sealed)
        start = len(header) + NONCE_BYTES
        end = start + SECRET_BYTES[_ALGORITHMS[header[1]]] + TAG_BYTES
        if len(sealed) < end:
            raise SealBroken("too short")
        cipher = self._ciphers[_key_id_in(header, 4)]
        try:
            data_key = cipher.decrypt(sealed[len(header) : start], sealed[start:end], header)
        except InvalidTag:
            raise SealBroken("its data key was changed, or wrapped by another key of that id") from None
        return header, data_key, sealed[end:]

    def _read_header(self, sealed: bytes) -> bytes:
        if len(sealed) < 4 or sealed[0] != VERSION or sealed[1] not in _ALGORITHMS:
            raise SealBroken("not a sealed value of a known version")
        header = sealed[: 4 + sealed[3]]
        key = self._keys.get(_key_id_in(header, 4))
        if key is None or header != _header_of(_ALGORITHMS[sealed[1]], key):
            raise SealBroken("no key for it")
        return header

    def _open_first(self, sealed: bytes, context: str) -> bytes:
        header = sealed[: 3 + sealed[2]] if len(sealed) > 2 else b""
        key = self._keys.get(_key_id_in(header, 3))
        if key is None or header != _first_header_of(key):
            raise SealBroken("no key for it")
        body = len(header) + NONCE_BYTES
        if len(sealed) < body + TAG_BYTES:
            raise SealBroken("too short")
        try:
            return self._ciphers[key.key_id].decrypt(sealed[len(header) : body], sealed[body:], _bound(header, context))
        except InvalidTag:
            raise SealBroken("changed, or sealed for another place") from None


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


def _cipher_of(algorithm: str, secret: bytes) -> _Aead:
    return _Sm4Gcm(secret) if algorithm == "SM4GCM" else AESGCM(secret)


def _header_of(algorithm: str, key: SymmetricKey) -> bytes:
    """How a value of version 2 begins whose content has `algorithm` and whose data key is wrapped by `key`."""
    key_id = key.key_id.encode("ascii")
    return bytes([VERSION, ALGORITHM_IDS[algorithm], ALGORITHM_IDS[key.algorithm], len(key_id)]) + key_id


def _first_header_of(key: SymmetricKey) -> bytes:
    key_id = key.key_id.encode("ascii")
    return bytes([FIRST_VERSION, ALGORITHM_IDS[key.algorithm], len(key_id)]) + key_id


def _key_id_in(header: bytes, offset: int) -> str:
    return header[offset:].decode("ascii", "replace")


def _bound(header: bytes, context: str) -> bytes:
    """What is authenticated beside the value. The header tells its own length, so the two cannot be shifted."""
    if not context:
        raise ValueError("a sealed value needs a context")
    return header + context.encode("utf-8")

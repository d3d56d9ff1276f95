"""Reads the text of a keyring and refuses keys that no random generator made.

A service that starts with `changeme` as its key looks healthy and protects nothing; so a faulty keyring stops it.
Messages name the key by its place or id and never repeat a secret.
"""

import itertools
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from crypto.strict import decode_base64url, read_json_object

SECRET_BYTES = {"A256GCM": 32, "SM4GCM": 16, "HS256": 32, "HSM3": 32, "ES256": 32}
FIELD_ALGORITHMS = frozenset({"A256GCM", "SM4GCM"})
BLIND_ALGORITHMS = frozenset({"HS256", "HSM3"})
TOKEN_ALGORITHMS = frozenset({"ES256"})

_MAX_KEYS = 32
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_PLACEHOLDERS = ("changeme", "change-me", "change_me", "password", "placeholder", "insecure", "example")
_MIN_DISTINCT_BYTES = 6  # 16 random bytes have fewer distinct values once in more than 10^16 keys
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_T = TypeVar("_T")


class KeyringError(ValueError):
    """The keyring cannot be used; the message says which key is at fault and why."""


@dataclass(frozen=True, slots=True)
class RawKey:
    key_id: str
    algorithm: str
    secret: bytes = field(repr=False)
    made: datetime | None = None
    replaced: datetime | None = None


@dataclass(frozen=True, slots=True)
class RawKeySet:
    current: str
    keys: tuple[RawKey, ...]


@dataclass(frozen=True, slots=True)
class RawKeyring:
    """What the text says, checked; `crypto.keys` gives it its types."""

    root: bytes = field(repr=False)
    field: RawKeySet
    blind: RawKeySet
    tokens: tuple[RawKey, ...]


def read_keyring_text(text: str) -> RawKeyring:
    """The keys in `text`. Raises KeyringError for malformed, short, repeated, patterned or placeholder keys."""
    try:
        members = read_json_object(text)
    except ValueError as error:
        raise KeyringError(f"keyring is {error}") from None
    _require_members(members, {"version", "root", "field", "blind", "tokens"}, "keyring")
    if members["version"] != 1 or isinstance(members["version"], bool):
        raise KeyringError("keyring: version must be 1")
    keyring = RawKeyring(
        root=_read_secret(members["root"], 32, "root"),
        field=_read_set(members["field"], FIELD_ALGORITHMS, "field"),
        blind=_read_set(members["blind"], BLIND_ALGORITHMS, "blind"),
        tokens=_read_keys(members["tokens"], TOKEN_ALGORITHMS, "tokens"),
    )
    _refuse_shared_secrets(keyring)
    return keyring


def _read_set(value: object, algorithms: frozenset[str], place: str) -> RawKeySet:
    members = _expect(value, dict, place, "an object")
    _require_members(members, {"current", "keys"}, place)
    current = _expect(members["current"], str, f"{place}.current", "text")
    keys = _read_keys(members["keys"], algorithms, f"{place}.keys")
    if current not in {key.key_id for key in keys}:
        raise KeyringError(f"{place}.current names no key of the set")
    return RawKeySet(current, keys)


def _read_keys(value: object, algorithms: frozenset[str], place: str) -> tuple[RawKey, ...]:
    items = _expect(value, list, place, "a list")
    if not 1 <= len(items) <= _MAX_KEYS:
        raise KeyringError(f"{place} must hold 1 to {_MAX_KEYS} keys")
    keys = tuple(_read_key(item, algorithms, f"{place}[{position}]") for position, item in enumerate(items))
    if len({key.key_id for key in keys}) != len(keys):
        raise KeyringError(f"{place}: two keys have the same id")
    return keys


def _read_key(value: object, algorithms: frozenset[str], place: str) -> RawKey:
    members = _expect(value, dict, place, "an object")
    _require_members(members, {"id", "algorithm", "secret"}, place, optional={"made", "replaced"})
    key_id = _expect(members["id"], str, f"{place}.id", "text")
    if not _KEY_ID.fullmatch(key_id):
        raise KeyringError(f"{place}.id must be 1 to 32 of A-Z a-z 0-9 . _ -")
    algorithm = _expect(members["algorithm"], str, f"{place}.algorithm", "text")
    if algorithm not in algorithms:
        raise KeyringError(f"{place}.algorithm must be one of {', '.join(sorted(algorithms))}")
    secret = _read_secret(members["secret"], SECRET_BYTES[algorithm], f"{place} ({key_id})")
    if algorithm == "ES256" and not 0 < int.from_bytes(secret, "big") < _P256_ORDER:
        raise KeyringError(f"{place} ({key_id}): not a P-256 private key")
    made, replaced = (_read_moment(members.get(name), f"{place}.{name}") for name in ("made", "replaced"))
    return RawKey(key_id, algorithm, secret, made, replaced)


def _read_moment(value: object, place: str) -> datetime | None:
    if value is None:
        return None
    text = _expect(value, str, place, "text")
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # no such day or hour: said below
    raise KeyringError(f"{place} must be a UTC moment such as 2026-11-24T08:00:00Z")


def _read_secret(value: object, length: int, place: str) -> bytes:
    text = _expect(value, str, place, "text")
    if _holds_placeholder(text):
        raise KeyringError(f"{place}: placeholder instead of a key")
    try:
        secret = decode_base64url(text)
    except ValueError:
        raise KeyringError(f"{place}: secret is not base64url without padding") from None
    if len(secret) != length:
        raise KeyringError(f"{place}: secret must be {length} bytes, has {len(secret)}")
    if fault := _pattern_of(secret):
        raise KeyringError(f"{place}: {fault}; generate keys, do not invent them")
    return secret


def _pattern_of(secret: bytes) -> str | None:
    """Why `secret` cannot come from a random generator, or None."""
    if len(set(secret)) < _MIN_DISTINCT_BYTES:
        return "repeated bytes"
    if any(secret == (secret[:period] * len(secret))[: len(secret)] for period in range(1, len(secret) // 2 + 1)):
        return "repeated pattern"
    if len({(after - before) % 256 for before, after in itertools.pairwise(secret)}) == 1:
        return "counting bytes"
    # One 32-byte random key in 10^13 is all printable; for 16 bytes it would be one in 10^7, too many to refuse.
    if len(secret) >= 32 and all(0x20 <= byte < 0x7F for byte in secret):
        return "readable text"
    if _holds_placeholder(secret.decode("latin-1")):
        return "placeholder text"
    return None


def _holds_placeholder(text: str) -> bool:
    return any(word in text.lower() for word in _PLACEHOLDERS)


def _refuse_shared_secrets(keyring: RawKeyring) -> None:
    keys = (*keyring.field.keys, *keyring.blind.keys, *keyring.tokens)
    if len({keyring.root, *(key.secret for key in keys)}) != len(keys) + 1:
        raise KeyringError("keyring: the same secret is used twice; every key needs its own")


def _require_members(
    members: dict[str, object], names: set[str], place: str, *, optional: frozenset[str] | set[str] = frozenset()
) -> None:
    if missing := sorted(names - members.keys()):
        raise KeyringError(f"{place}: {', '.join(missing)} missing")
    if members.keys() - names - optional:
        raise KeyringError(f"{place}: only {', '.join(sorted(names | optional))} may stand here")


def _expect(value: object, kind: type[_T], place: str, description: str) -> _T:
    if not isinstance(value, kind):
        raise KeyringError(f"{place} must be {description}")
    return value

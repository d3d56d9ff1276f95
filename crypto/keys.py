"""The keyring: every long-lived secret of a deployment in one JSON text of mode 0600.

    {"version": 1, "root": "<32 bytes>",
     "field": {"current": "f-1", "keys": [{"id": "f-1", "algorithm": "A256GCM", "secret": "<32 bytes>"}]},
     "blind": {"current": "b-1", "keys": [{"id": "b-1", "algorithm": "HS256", "secret": "<32 bytes>"}]},
     "tokens": [{"id": "t-1", "algorithm": "ES256", "secret": "<32 bytes, P-256 scalar>"}]}

Secrets are base64url without padding. Algorithms stand next to their keys, so that SM4GCM (16 bytes) and HSM3 (32)
can replace the defaults key by key. Rotation adds keys and moves `current` (for tokens: the first place); old keys stay
until nothing sealed, indexed or signed with them is left. A key may carry when it was `made` and when another
`replaced` it as the current one (UTC, whole seconds): `./tongli keys` goes by them.
"""

import contextlib
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.keyring_text import SECRET_BYTES, KeyringError, RawKey, RawKeySet, read_keyring_text
from crypto.strict import encode_base64url

__all__ = [
    "KeySet",
    "Keyring",
    "KeyringError",
    "SymmetricKey",
    "TokenKey",
    "create_keyring",
    "generate_keyring",
    "new_key",
    "new_token_key",
    "parse_keyring",
    "read_keyring",
    "render_keyring",
    "replace_keyring",
    "whole_second",
]

_MAX_FILE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class SymmetricKey:
    """One key of a set; `algorithm` is A256GCM or SM4GCM (fields), HS256 or HSM3 (blind index)."""

    key_id: str
    algorithm: str
    secret: bytes = field(repr=False)
    made: datetime | None = None
    replaced: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A signing key for ES256: `scalar` is the 32-byte private number of a P-256 key."""

    key_id: str
    scalar: bytes = field(repr=False)
    made: datetime | None = None
    replaced: datetime | None = None

    algorithm = "ES256"


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by id; `current` names the one for new work, the others still open or match old work."""

    current: str
    keys: Mapping[str, SymmetricKey]

    @property
    def current_key(self) -> SymmetricKey:
        return self.keys[self.current]


@dataclass(frozen=True, slots=True)
class Keyring:
    """All secrets. `tokens[0]` signs, every one of `tokens` verifies."""

    root: bytes = field(repr=False)
    field: KeySet
    blind: KeySet
    tokens: tuple[TokenKey, ...]

    def derive(self, purpose: str, length: int = 32) -> bytes:
        """A key for one purpose: HKDF-SHA256 (RFC 5869) of the root. The same in every process; cost about 10 us."""
        if not purpose:
            raise ValueError("a derived key needs a purpose")
        return HKDF(algorithm=SHA256(), length=length, salt=b"tongli", info=purpose.encode()).derive(self.root)

    def role_password(self, role: str) -> str:
        """The password of a database role, so that no second secret has to be stored: 43 urlsafe characters."""
        return encode_base64url(self.derive(f"database role {role}"))


def generate_keyring() -> Keyring:
    """A new keyring with one key of each kind and the default algorithms."""
    now = whole_second(datetime.now(UTC))
    return Keyring(
        root=secrets.token_bytes(32),
        field=_set_of(new_key("f", "A256GCM", now)),
        blind=_set_of(new_key("b", "HS256", now)),
        tokens=(new_token_key(now),),
    )


def new_key(prefix: str, algorithm: str, now: datetime) -> SymmetricKey:
    """A random key for fields or the blind index."""
    return SymmetricKey(_new_id(prefix), algorithm, secrets.token_bytes(SECRET_BYTES[algorithm]), made=now)


def new_token_key(now: datetime) -> TokenKey:
    """A random signing key."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return TokenKey(_new_id("t"), number.to_bytes(32, "big"), made=now)


def whole_second(moment: datetime) -> datetime:
    """As a keyring keeps moments."""
    return moment.astimezone(UTC).replace(microsecond=0)


def parse_keyring(text: str) -> Keyring:
    """The keyring written in `text`. Raises KeyringError naming the key at fault, never repeating a secret."""
    raw = read_keyring_text(text)
    return Keyring(
        root=raw.root,
        field=_as_set(raw.field),
        blind=_as_set(raw.blind),
        tokens=tuple(TokenKey(key.key_id, key.secret, key.made, key.replaced) for key in raw.tokens),
    )


def render_keyring(keyring: Keyring) -> str:
    """The JSON text that `parse_keyring` reads back."""
    tokens = [_as_member(key, key.scalar) for key in keyring.tokens]
    members = {
        "version": 1,
        "root": encode_base64url(keyring.root),
        "field": _as_members(keyring.field),
        "blind": _as_members(keyring.blind),
        "tokens": tokens,
    }
    return json.dumps(members, indent=2) + "\n"


def read_keyring(path: Path) -> Keyring:
    """The keyring in a file. Raises KeyringError if others than the owner may read it, OSError if it cannot be read."""
    with path.open("rb") as file:
        # The opened file is judged, not the name, which could be exchanged between a check and the reading.
        _refuse_open_file(os.fstat(file.fileno()))
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise KeyringError(f"keyring file is larger than {_MAX_FILE_BYTES} bytes")
    try:
        return parse_keyring(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise KeyringError("keyring file is not UTF-8") from None


def create_keyring(path: Path) -> Keyring:
    """Make a keyring file, or read the one that is there: processes that start together end up with the same keys.

    The text is complete and on disk before the name appears, so no reader sees half a file. Needs a file system with
    hard links. Raises KeyringError for a faulty existing file, which is never overwritten.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_private(draft, render_keyring(generate_keyring()).encode())
        with contextlib.suppress(FileExistsError):  # another process was first: its keys count
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(path.parent)
    return read_keyring(path)


def replace_keyring(path: Path, keyring: Keyring, *, seen: Keyring) -> Path:
    """Put `keyring` in the place of the file that held `seen`; returns the copy that was kept of it, mode 0600.

    A reader finds the old text or the new one, whole. Owner and group stay: root may edit what a service account reads.
    Raises KeyringError where somebody else changed the file meanwhile.
    """
    path = path.resolve()
    with _held_alone(path.parent):
        if read_keyring(path) != seen:
            raise KeyringError("the keyring was changed meanwhile; look at it and try again")
        owner, content = path.stat(), path.read_bytes()
        kept = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}")
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            _write_private(kept, content, owner)
            _write_private(draft, render_keyring(keyring).encode(), owner)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_directory(path.parent)
    return kept


@contextlib.contextmanager
def _held_alone(folder: Path) -> Iterator[None]:
    """One editor at a time. Closing the descriptor lets go, also when the process is killed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_private(path: Path, content: bytes, owner: os.stat_result | None = None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # a strange umask must not lock the owner out either
        if owner is not None and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_open_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyringError("keyring is not a regular file")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyringError(f"keyring file has mode {mode:04o}: allow its owner only (chmod 600)")


def _set_of(key: SymmetricKey) -> KeySet:
    return KeySet(key.key_id, MappingProxyType({key.key_id: key}))


def _new_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(4)}"


def _as_set(raw: RawKeySet) -> KeySet:
    return KeySet(raw.current, MappingProxyType({key.key_id: _as_key(key) for key in raw.keys}))


def _as_key(raw: RawKey) -> SymmetricKey:
    return SymmetricKey(raw.key_id, raw.algorithm, raw.secret, raw.made, raw.replaced)


def _as_members(keys: KeySet) -> dict[str, object]:
    return {"current": keys.current, "keys": [_as_member(key, key.secret) for key in keys.keys.values()]}


def _as_member(key: SymmetricKey | TokenKey, secret: bytes) -> dict[str, str]:
    moments = {"made": key.made, "replaced": key.replaced}
    said = {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in moments.items() if moment is not None}
    return {"id": key.key_id, "algorithm": key.algorithm, "secret": encode_base64url(secret), **said}

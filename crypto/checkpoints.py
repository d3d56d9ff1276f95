"""Signatures on checkpoints: the log's own (C2SP signed-note, Ed25519) and its witnesses' (C2SP cosignature/v1).

The log's key is derived from the root of the keyring, by generation: no second secret, the same in every process, and a
new generation is a new key. Key ids are those of signed-note: they name the algorithm (1: Ed25519, 4: cosignature/v1),
so that others can stand beside them.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.keys import Keyring
from rules.notes import Checkpoint, Note, NoteError, Signature, is_key_name, read_base64

ED25519: Final = 1
COSIGNATURE: Final = 4
_PUBLIC_BYTES: Final = 32
_TIME_BYTES: Final = 8


class BadSignature(ValueError):  # noqa: N818  what was found, not an accident
    """A signature of a known key that does not verify, or none of a known key."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by name and kind; `text` is what signed-note tools call a vkey: `name+id+base64(kind, key)`."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def read(cls, text: str) -> Self:
        """The key written in `text`. Raises NoteError for a malformed one, or of a kind unknown here."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        blob = read_base64(encoded)
        if len(blob) != 1 + _PUBLIC_BYTES or blob[0] not in (ED25519, COSIGNATURE) or not is_key_name(name):
            raise NoteError("not a key of signed notes: name+id+base64 of kind 1 or 4 is needed")
        key = cls(name, blob[0], blob[1:])
        if key.key_id.hex() != key_id:
            raise NoteError("the key's id is not that of its name and public part")
        return key

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def made(self, signature: Signature) -> bool:
        """Whether a signature line says that it is of this key."""
        return (signature.name, signature.key_id) == (self.name, self.key_id)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private Ed25519 key with its name, of the log (`ED25519`) or a witness (`COSIGNATURE`)."""

    name: str
    kind: int
    private: bytes = field(repr=False)

    @classmethod
    def of_log(cls, keyring: Keyring, origin: str, generation: int) -> Self:
        """The log's key of one generation."""
        return cls(origin, ED25519, keyring.derive(f"audit log signing key {generation}"))

    @property
    def verifier(self) -> VerifierKey:
        public = Ed25519PrivateKey.from_private_bytes(self.private).public_key()
        return VerifierKey(self.name, self.kind, public.public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """The log's signature of a note's text."""
        made = Ed25519PrivateKey.from_private_bytes(self.private).sign(text.encode())
        return Signature(self.name, self.verifier.key_id, made)

    def cosign(self, text: str, at: int) -> Signature:
        """A witness's cosignature of a checkpoint's text at a time in seconds since 1970."""
        made = Ed25519PrivateKey.from_private_bytes(self.private).sign(_cosigned(text, at))
        return Signature(self.name, self.verifier.key_id, at.to_bytes(_TIME_BYTES, "big") + made)


def sign_checkpoint(checkpoint: Checkpoint, keys: Sequence[SigningKey]) -> Note:
    """The checkpoint as a note, signed by every key in turn. About 50 us a key."""
    return Note(checkpoint.text, tuple(key.sign(checkpoint.text) for key in keys))


def check_note(note: Note, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """The keys among `keys` that signed the note. Raises BadSignature where one did not, or none is there."""
    signers = []
    for key in keys:
        for signature in note.signatures:
            if key.made(signature):
                _check(key, note.text, signature)
                signers.append(key)
    if not signers:
        raise BadSignature("no signature of a known key")
    return signers


def cosigned_at(key: VerifierKey, text: str, signature: Signature) -> int:
    """When a witness cosigned, in seconds since 1970. Raises BadSignature."""
    if key.kind != COSIGNATURE or not key.made(signature):
        raise BadSignature("not a cosignature of this witness")
    return _check(key, text, signature)


def _check(key: VerifierKey, text: str, signature: Signature) -> int:
    """Verifies one signature; its time, 0 where it has none."""
    made, at, message = signature.signature, 0, text.encode()
    if key.kind == COSIGNATURE:
        at, made = int.from_bytes(made[:_TIME_BYTES], "big"), made[_TIME_BYTES:]
        message = _cosigned(text, at)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(made, message)
    except InvalidSignature:
        raise BadSignature(f"the signature of {key.name} does not verify") from None
    return at


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()

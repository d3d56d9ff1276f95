"""audit log (审计日志): signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint) as texts. Pure.

A checkpoint of a tree with another hash than SHA-256 says so in an extension line: it is no tlog-tiles log.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final, NamedTuple

from rules.merkle import HASH_BYTES, Head

MAX_NOTE_CHARS: Final = 65_536
MAX_SIGNATURES: Final = 64
_DASH: Final = "\u2014 "
_EXTENSION: Final = "hash "
_NOT_CONFORMANT: Final = "; not tlog-tiles conformant"


class NoteError(ValueError):
    """The text is no signed note, or no checkpoint; the message says what is wrong with its form."""


class Signature(NamedTuple):
    """One signature line: whose key by name and id, and what it signed with."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode('ascii')}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a line feed, and the signatures below it."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def written(self) -> str:
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of its tree at one size."""

    origin: str
    head: Head
    hash_name: str = "sha256"

    @property
    def text(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.head.root).decode("ascii")
        extension = "" if self.hash_name == "sha256" else f"{_EXTENSION}{self.hash_name}{_NOT_CONFORMANT}\n"
        return f"{self.origin}\n{self.head.size}\n{root}\n{extension}"


def read_note(written: str) -> Note:
    """The note in a text. Raises NoteError."""
    if len(written) > MAX_NOTE_CHARS or any(ord(character) < 0x20 and character != "\n" for character in written):
        raise NoteError("too long, or with control characters")
    text, blank, lines = written.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise NoteError("no signatures below an empty line")
    signatures = tuple(read_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MAX_SIGNATURES:
        raise NoteError("too many signatures")
    return Note(f"{text}\n", signatures)


def read_signature(line: str) -> Signature:
    """A signature line, with or without its line feed. Raises NoteError."""
    parts = line.removesuffix("\n").removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2 or not is_key_name(parts[0]):
        raise NoteError("not a signature line")
    blob = read_base64(parts[1])
    if len(blob) < 5:
        raise NoteError("not a signature line")
    return Signature(parts[0], blob[:4], blob[4:])


def is_key_name(name: str) -> bool:
    """Whether `name` may name a key: not empty, no spaces of any kind, no plus."""
    return bool(name) and "+" not in name and not any(character.isspace() for character in name) and name.isprintable()


def read_base64(text: str) -> bytes:
    """Standard base64 in its one spelling. Raises NoteError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise NoteError("not base64")
    return data


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text states. Raises NoteError, also for extension lines that are not ours."""
    lines = text.split("\n")
    if len(lines) not in (4, 5) or lines[-1] or not is_key_name(lines[0]):
        raise NoteError("not a checkpoint of an audit log")
    root = read_base64(lines[2])
    if not lines[1].isascii() or not lines[1].isdigit() or str(int(lines[1])) != lines[1] or len(root) != HASH_BYTES:
        raise NoteError("not a checkpoint of an audit log")
    hash_name = "sha256"
    if len(lines) == 5:
        if not lines[3].startswith(_EXTENSION) or not lines[3].endswith(_NOT_CONFORMANT):
            raise NoteError("not a checkpoint of an audit log")
        hash_name = lines[3].removeprefix(_EXTENSION).removesuffix(_NOT_CONFORMANT)
    stated = Checkpoint(lines[0], Head(int(lines[1]), root), hash_name)
    if stated.text != text:
        raise NoteError("not a checkpoint of an audit log")
    return stated

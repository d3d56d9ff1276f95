"""audit_leaf (审计): how a leaf becomes a commitment, and a commitment an entry of the Merkle log. Pure.

A commitment is the hash of 0x00, the salt (16 bytes) and the leaf's canonical JSON: keys sorted, no blanks, UTF-8. It
reveals nothing to who has no salt, and stays what it is when salt and facts are erased. An entry of the log is the
algorithm's name in ASCII, 0x00, and the commitment: it names its hash itself.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from rules.merkle import Digest

HASHES: Final = ("sha256", "sm3")
ALGORITHMS: Final[Mapping[str, str]] = {name: f"{name}-salted-json-1" for name in HASHES}
"""Hash → name of the commitment made with it, as it stands in each leaf and each entry."""

ERASURE: Final = "audit.erase"
"""The action of the leaf that vouches for erased ones: its facts name their commitments."""

SALT_BYTES: Final = 16

SEALED_WITHIN_S: Final = 30
"""How long a committed leaf waits for its index and a checkpoint over it, at most."""

LEAF_MEMBERS: Final = (
    *("id", "at", "agency_id", "principal_kind", "principal_id", "actor", "action", "subject_type", "subject_id"),
    *("case_id", "field_classes", "purpose", "request_id", "facts"),
)
"""What is committed to: who, for which agency, whose data, which field classes, purpose, case, request, and codes."""


def commitment(leaf: Mapping[str, object], salt: bytes, digest: Digest) -> bytes:
    """32 bytes that reveal nothing without the salt."""
    text = json.dumps(leaf, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return digest(b"\x00" + salt + text.encode())


def hash_of(algorithm: str) -> str:
    """The hash a commitment's algorithm is made with. Raises ValueError for an unknown one."""
    for name, known in ALGORITHMS.items():
        if known == algorithm:
            return name
    raise ValueError("unknown algorithm of a commitment")


def entry_of(algorithm: str, committed: bytes) -> bytes:
    """The bytes the Merkle log hashes for one leaf."""
    return algorithm.encode("ascii") + b"\x00" + committed


def read_entry(entry: bytes) -> tuple[str, bytes]:
    """Algorithm and commitment of an entry. Raises ValueError for bytes that are none."""
    name, separator, committed = entry.partition(b"\x00")
    if not separator or len(committed) != 32 or not name.isascii():
        raise ValueError("not an entry of an audit log")
    return name.decode("ascii"), committed


def stored_leaf(row: Mapping[str, Any]) -> dict[str, object]:
    """The leaf as it was committed to, from its row; `facts` as JSON text or decoded."""
    facts = row["facts"]
    return {name: _plain(row[name]) for name in LEAF_MEMBERS if name != "facts"} | {
        "facts": json.loads(facts) if isinstance(facts, str) else dict(facts)
    }


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return list(value) if isinstance(value, list) else value

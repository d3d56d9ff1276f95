"""audit log (审计日志): the export, as it is written, and as who trusts nothing but a checkpoint verifies it. Pure.

JSON lines. The first says which log it is: `{"tongli_audit_export": 1, "origin", "hash", "size", "checkpoint", "keys",
"witnesses", "strays"}`. Each further one is an entry, in order: `{"index", "algorithm", "commitment"}`. The commitment
is recomputed from the leaf as it lies in the table, so that a leaf that was changed shows. An erased leaf says
`"state": "erased"`, one that is gone `"missing"`, one that is not what was sealed `"differs"`. A leaf that vouches for
erasures stands open: `"leaf"` and `"salt"` (hexadecimal). An agency's own leaves, as `GET /v1/audit/leaves` answers
them, can be held against the same entries.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rules.audit import ERASURE, commitment, entry_of, hash_of
from rules.merkle import Digest, Head, Spine, leaf_hash

FORMAT: Final = 1


class BadExport(ValueError):  # noqa: N818  what was found, not an accident
    """The text is no export; nothing can be said about the log."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was signed: a stable code, and the index where one is known."""

    code: str
    index: int | None = None


@dataclass(slots=True)
class Verdict:
    """What a verification found. `entries` were hashed, `opened` compared with their content, `erased` vouched for."""

    size: int
    entries: int = 0
    opened: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of an export."""

    origin: str
    hash_name: str
    size: int
    checkpoint: str | None
    keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    strays: int = 0

    @property
    def line(self) -> str:
        members = {
            "tongli_audit_export": FORMAT,
            "origin": self.origin,
            "hash": self.hash_name,
            "size": self.size,
            "checkpoint": self.checkpoint,
            "keys": list(self.keys),
            "witnesses": list(self.witnesses),
            "strays": self.strays,
        }
        return json.dumps(members, ensure_ascii=False)


def read_header(line: str) -> Header:
    """Raises BadExport."""
    members = _object(line)
    if members.get("tongli_audit_export") != FORMAT:
        raise BadExport("not an export of an audit log")
    try:
        return Header(
            origin=str(members["origin"]),
            hash_name=str(members["hash"]),
            size=int(members["size"]),
            checkpoint=members["checkpoint"],
            keys=tuple(members["keys"]),
            witnesses=tuple(members["witnesses"]),
            strays=int(members["strays"]),
        )
    except (KeyError, TypeError, ValueError):
        raise BadExport("the first line is not that of an export") from None


@dataclass(frozen=True, slots=True)
class Against:
    """What an export is held against: the kept checkpoint's tree, the export's own, and own leaves (JSON lines)."""

    held: Head
    now: Head | None = None
    leaves: tuple[str, ...] = ()


def verify_export(lines: Iterable[str], header: Header, against: Against, digests: Mapping[str, Digest]) -> Verdict:
    """Recomputes the tree over the entries and compares it with both checkpoints; opens what stands open.

    `lines` are those behind the header. Raises BadExport for lines that are no entries. About 6 us an entry.
    """
    held = against.held
    audit = _Verification(digests, digests[header.hash_name], Verdict(held.size))
    for line in against.leaves:
        audit.expect(_object(line))
    audit.compare(held)
    for number, line in enumerate(lines):
        audit.take(number, _object(line))
        audit.compare(held)
    return audit.end(header, against)


class _Verification:
    """One pass over an export; what it needs of what it has passed."""

    def __init__(self, digests: Mapping[str, Digest], tree: Digest, verdict: Verdict) -> None:
        self._digests, self._tree, self.verdict = digests, tree, verdict
        self._spine = Spine(tree)
        self._erased: dict[str, int] = {}
        self._vouched: set[str] = set()
        self._expected: dict[int, str] = {}

    def expect(self, leaf: Mapping[str, Any]) -> None:
        """Takes a leaf of one's own, which must open, and whose commitment must stand at its index."""
        index = leaf.get("index")
        if not isinstance(index, int):  # not sealed yet
            return
        self._expected[index] = str(leaf.get("commitment"))
        if leaf.get("leaf") is not None:
            self._open(index, leaf, self._expected[index])

    def take(self, number: int, entry: Mapping[str, Any]) -> None:
        try:
            index, algorithm, made = int(entry["index"]), str(entry["algorithm"]), bytes.fromhex(entry["commitment"])
        except (KeyError, TypeError, ValueError):
            raise BadExport(f"line {number + 2} is not an entry") from None
        if index != number:
            self._find("order", number)
        self._spine.append(leaf_hash(self._tree, entry_of(algorithm, made)))
        self.verdict.entries += 1
        if self._expected.pop(number, made.hex()) != made.hex():
            self._find("own", number)
        self._look_at(number, entry, made.hex())

    def _look_at(self, number: int, entry: Mapping[str, Any], made: str) -> None:
        state = entry.get("state", "whole")
        if state == "erased":
            self._erased[made] = number
        elif state != "whole":
            self._find("missing" if state == "missing" else "differs", number)
        elif "leaf" in entry:
            self._open(number, entry, made)

    def _open(self, number: int, entry: Mapping[str, Any], made: str) -> None:
        leaf = entry["leaf"]
        try:
            digest = self._digests[hash_of(str(entry["algorithm"]))]
            fits = commitment(leaf, bytes.fromhex(entry["salt"]), digest).hex() == made
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            self._find("content", number)
            return
        self.verdict.opened += 1
        if leaf.get("action") == ERASURE:
            self._vouched.update(leaf.get("facts", {}).get("commitments", ()))

    def compare(self, held: Head) -> None:
        """Compares the root once the tree has the size of the held checkpoint."""
        if self._spine.size == held.size and self._spine.root() != held.root:
            self._find("root", None)

    def end(self, header: Header, against: Against) -> Verdict:
        size, now = self._spine.size, against.now
        if size < against.held.size:
            self._find("shorter", size)
        if size != header.size or (now is not None and now != Head(size, self._spine.root())):
            self._find("checkpoint", size)
        for index in self._expected:
            self._find("own", index)
        if header.strays:
            self._find("stray", None)
        for made, index in self._erased.items():
            if made in self._vouched:
                self.verdict.erased += 1
            else:
                self._find("erasure", index)
        return self.verdict

    def _find(self, code: str, index: int | None) -> None:
        self.verdict.findings.append(Finding(code, index))


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        raise BadExport("a line is not JSON") from None
    if not isinstance(value, dict):
        raise BadExport("a line is not a JSON object")
    return value

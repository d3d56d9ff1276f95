"""Witness the audit log of a Tongli: check that it only grew, cosign it, keep what you cosigned. Needs `cryptography`.

`Witness(name, private, state).look(get, post)` is one turn; run it when your feed brings `audit.checkpoint`. `get` and
`post` do an authorised request and return its text; `state` is a file that must survive restarts.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Get = Callable[[str], str]
Post = Callable[[str, dict[str, str]], str]


class LogChanged(Exception):  # noqa: N818
    """The log is not what it was: keep what you have, tell everybody."""


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def only_grew(old: tuple[int, bytes], new: tuple[int, bytes], proof: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2: sizes and roots, and the consistency proof between them."""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size in (0, new_size):
        return not proof and (old_size == 0 or old_root == new_root)
    if old_size > new_size:
        return False
    steps = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node(step, before), node(step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node(after, step)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def signed_text(note: str, vkey: str) -> str:
    """The text of a signed note, once the key has verified it. Raises LogChanged."""
    name, _, rest = vkey.partition("+")
    public = base64.b64decode(rest.partition("+")[2])[1:]
    text, _, lines = note.rpartition("\n\n")
    for line in lines.splitlines():
        _, signer, encoded = line.split(" ")
        blob = base64.b64decode(encoded)
        if (signer, blob[:4].hex()) == (name, rest.partition("+")[0]):
            Ed25519PublicKey.from_public_bytes(public).verify(blob[4:], f"{text}\n".encode())
            return f"{text}\n"
    raise LogChanged("no signature of the key you know")


def export(get: Get, get_bytes: Callable[[str], bytes], file: Path) -> int:
    """Writes an export of your own from the log's bundles, for `./tongli verify-audit`; returns how many entries."""
    known, checkpoint = json.loads(get("/v1/audit/log")), get("/v1/audit/checkpoint")
    size = int(checkpoint.split("\n")[1])
    head = {"tongli_audit_export": 1, "origin": known["origin"], "hash": known["hash"], "size": size, "strays": 0}
    head |= {"checkpoint": checkpoint, "keys": [key["key"] for key in known["keys"]], "witnesses": []}
    with file.open("w", encoding="utf-8") as lines:
        lines.write(json.dumps(head) + "\n")
        for first in range(0, size, 256):
            path = "/".join([*(f"x{part:03d}" for part in thousands(first // 256)[:-1]), f"{first // 256 % 1000:03d}"])
            width = min(256, size - first)
            bundle = get_bytes(f"/v1/audit/tile/entries/{path}" + ("" if width == 256 else f".p/{width}"))
            for index in range(first, first + width):
                length = int.from_bytes(bundle[:2], "big")
                name, _, commitment = bundle[2 : 2 + length].partition(b"\0")
                entry = {"index": index, "algorithm": name.decode(), "commitment": commitment.hex()}
                lines.write(json.dumps(entry) + "\n")
                bundle = bundle[2 + length :]
    return size


def thousands(number: int) -> list[int]:
    """1234067 is 1, 234, 67."""
    return [number] if number < 1000 else [*thousands(number // 1000), number % 1000]


class Witness:
    """`name` is yours alone, such as `labour.example/witness`; `private` are the 32 bytes of your Ed25519 key."""

    def __init__(self, name: str, private: bytes, state: Path) -> None:
        self._key, self._name, self._state = Ed25519PrivateKey.from_private_bytes(private), name, state

    @property
    def vkey(self) -> str:
        """What you register: `POST /v1/audit/witnesses {"key": vkey}`."""
        blob = b"\x04" + self._key.public_key().public_bytes_raw()
        key_id = hashlib.sha256(self._name.encode() + b"\n" + blob).digest()[:4]
        return f"{self._name}+{key_id.hex()}+{base64.b64encode(blob).decode()}"

    def look(self, get: Get, post: Post) -> str:
        """Checks the latest checkpoint against the last one, cosigns it, returns its note. Raises LogChanged."""
        kept: dict[str, Any] = json.loads(self._state.read_text()) if self._state.exists() else {}
        if not kept:  # the first time you take the log's key at its word: compare it by telephone
            kept = {"vkey": json.loads(get("/v1/audit/log"))["keys"][-1]["key"], "size": 0, "root": ""}
        note = get("/v1/audit/checkpoint")
        text = signed_text(note, kept["vkey"])
        size, root = int(text.split("\n")[1]), text.split("\n")[2]
        if size < kept["size"]:
            raise LogChanged(f"the log had {kept['size']} entries and now has {size}")
        proof = json.loads(get(f"/v1/audit/proofs/consistency?from={kept['size']}&to={size}"))["hashes"]
        old = kept["size"], base64.b64decode(kept["root"])
        if not only_grew(old, (size, base64.b64decode(root)), [base64.b64decode(step) for step in proof]):
            raise LogChanged(f"the first {kept['size']} entries are not what they were")
        # Kept before it is cosigned: a witness that forgets what it signed may sign a fork.
        self._state.write_text(json.dumps({"vkey": kept["vkey"], "size": size, "root": root, "note": note}))
        if (size, root) != (kept["size"], kept["root"]):
            post(f"/v1/audit/checkpoints/{size}/cosignatures", {"cosignature": self.cosignature(text)})
        return note

    def cosignature(self, text: str) -> str:
        """A signature line of C2SP cosignature/v1."""
        now = int(time.time())
        signature = self._key.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        key_id = bytes.fromhex(self.vkey.split("+")[1])
        blob = base64.b64encode(key_id + now.to_bytes(8, "big") + signature).decode()
        return f"\u2014 {self._name} {blob}\n"

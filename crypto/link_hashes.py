"""Keyed hashes of what the linker looks for: blocking keys and values whose rarity counts.

Eight bytes of a keyed BLAKE2b (RFC 7693): a table of them tells nobody without the key a name or a number. Two values
share a hash once in 2^64 pairs; a candidate found so is compared like any other. The key is derived from the keyring's
root and does not rotate.
"""

import hashlib
from collections.abc import Iterable

from crypto.keys import Keyring

_BYTES = 8


class LinkHasher:
    """Hashes under one key. Safe to share between threads. 1 us a hash."""

    def __init__(self, keyring: Keyring) -> None:
        self._key = keyring.derive("linkage")

    def hash(self, text: str) -> int:
        """A signed number of 64 bits, as PostgreSQL's bigint holds it."""
        digest = hashlib.blake2b(text.encode(), digest_size=_BYTES, key=self._key).digest()
        return int.from_bytes(digest, "big", signed=True)

    def hashes(self, texts: Iterable[str]) -> list[int]:
        """The distinct hashes, in the order of the texts."""
        return list(dict.fromkeys(self.hash(text) for text in texts))

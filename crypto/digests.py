"""The hashes an audit log can be made with, by the name it carries: SHA-256 (FIPS 180-4), SM3 (GB/T 32905-2016).

SM3 comes from `cryptography`, which always has it; Python's own OpenSSL may have been built without.
"""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.hashes import SM3, Hash

from rules.audit import ALGORITHMS, SALT_BYTES, commitment
from rules.merkle import Digest


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    context = Hash(SM3())
    context.update(data)
    return context.finalize()


DIGESTS: Final[Mapping[str, Digest]] = {"sha256": sha256, "sm3": sm3}


def committed(leaf: Mapping[str, object], hash_name: str) -> dict[str, object]:
    """The leaf with a fresh salt, its algorithm and its commitment, both in hexadecimal, ready to be written."""
    salt = secrets.token_bytes(SALT_BYTES)
    made = commitment(leaf, salt, DIGESTS[hash_name])
    return {**leaf, "salt": salt.hex(), "algorithm": ALGORITHMS[hash_name], "commitment": made.hex()}

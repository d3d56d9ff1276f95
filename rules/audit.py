"""audit_leaf (审计): how a leaf becomes a commitment that a Merkle log can seal and an outsider can check. Pure."""

import hashlib
import json
from collections.abc import Mapping

ALGORITHM = "sha256-salted-json-1"
"""SHA-256 over 0x00, the salt, and the leaf's canonical JSON; named in each leaf, so that SM3 can stand beside it."""


def commitment(leaf: Mapping[str, object], salt: bytes) -> bytes:
    """32 bytes that reveal nothing without the salt. RFC 6962 §2.1 prefixes leaves with 0x00."""
    text = json.dumps(leaf, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(b"\x00" + salt + text.encode()).digest()

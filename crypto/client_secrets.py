"""Client secrets of legacy clients: 256 random bits, so plain SHA-256 is stored, no slow password hash."""

import hashlib
import hmac
import secrets

PREFIX = "tls_"  # lets secret scanners recognise a leaked one


def new_secret() -> str:
    """A secret to show once: `tls_` and 43 characters of base64url (32 random bytes)."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """What is stored: SHA-256, 32 bytes. Total over all text, as it is fed with whatever a caller sends."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def matches(secret: str, digest: bytes) -> bool:
    """Whether `secret` is the one behind `digest`, in time that does not depend on where they differ."""
    return hmac.compare_digest(hash_secret(secret), digest)

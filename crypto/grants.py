"""Authorization codes and refresh tokens: 256 random bits, told apart by their first letters, kept as SHA-256."""

import hashlib
import hmac
import re
import secrets

from crypto.strict import encode_base64url

# The beginnings let secret scanners, and the redaction of logs.py, recognise one that leaked.
CODE_PREFIX = "tlc_"
REFRESH_PREFIX = "tlr_"
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_code() -> str:
    return CODE_PREFIX + secrets.token_urlsafe(32)


def new_refresh_token() -> str:
    return REFRESH_PREFIX + secrets.token_urlsafe(32)


def hash_grant(text: str) -> bytes:
    """What is stored, 32 bytes. Total over all text, as it is fed with whatever a caller sends."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_challenge(text: str) -> bool:
    """Whether this can be an S256 challenge: SHA-256 in base64url."""
    return _CHALLENGE.fullmatch(text) is not None


def answers_challenge(verifier: str, challenge: str) -> bool:
    """PKCE, S256 only (RFC 7636 section 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = encode_base64url(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(made, challenge)

"""Tokens made by hand and signed with `cryptography` alone, so that any header and any claims can be signed."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from crypto.keys import generate_keyring
from crypto.strict import encode_base64url
from crypto.tokens import TokenAuthority

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER = "https://tongli.example"
KEYRING = generate_keyring()
KEY_ID = KEYRING.tokens[0].key_id
SCALAR = KEYRING.tokens[0].scalar
AUTHORITY = TokenAuthority(KEYRING, ISSUER)
PRINCIPAL = UUID("01a0c000-0000-7000-8000-000000000001")
CLIENT = UUID("01a0c000-0000-7000-8000-000000000002")
AGENCY = UUID("01a0c000-0000-7000-8000-000000000003")
ABSENT = object()

ACCESS_HEADER: Mapping[str, object] = {"alg": "ES256", "typ": "at+jwt", "kid": KEY_ID}


def access_claims(*, at: int = AT, **changes: object) -> dict[str, object]:
    """Good claims of an access token issued at `at`, with changes; ABSENT takes a claim away."""
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": str(PRINCIPAL),
        "client_id": str(CLIENT),
        "agency": str(AGENCY),
        "kind": "client",
        "scope": "cases:read referrals:write",
        "jti": "a-token-id-of-its-own",
        "iat": at,
        "nbf": at,
        "exp": at + 600,
        "auth_time": at,
    }
    return without_absent({**claims, **changes})


def access_header(**changes: object) -> dict[str, object]:
    return without_absent({**ACCESS_HEADER, **changes})


def without_absent(members: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def segment(content: object) -> str:
    """base64url of bytes or text as they are, of anything else as JSON."""
    if not isinstance(content, (str, bytes)):
        content = json.dumps(content, separators=(",", ":"))
    return encode_base64url(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


def signed(header: object, claims: object, scalar: bytes = SCALAR) -> str:
    """A token with a good ES256 signature over whatever header and claims say."""
    return sign_input(f"{segment(header)}.{segment(claims)}", scalar)


def sign_input(signing_input: str, scalar: bytes = SCALAR) -> str:
    key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    numbers = decode_dss_signature(key.sign(signing_input.encode(), ec.ECDSA(SHA256())))
    return f"{signing_input}.{encode_base64url(b''.join(number.to_bytes(32, 'big') for number in numbers))}"


def signed_hs256(header: object, claims: object, secret: bytes) -> str:
    """A token signed with HMAC, as in every algorithm confusion."""
    signing_input = f"{segment(header)}.{segment(claims)}"
    return f"{signing_input}.{encode_base64url(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"

"""Client keys as JSON Web Keys (RFC 7517): P-256 only, so that every key has one algorithm, ES256."""

import hashlib
import json
import re
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from crypto.strict import decode_base64url, encode_base64url
from rules.errors import FieldError, ValidationFailed

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COORDINATE_BYTES = 32
_FIXED_MEMBERS = {"kty": "EC", "crv": "P-256"}
_OPTIONAL_MEMBERS = {"alg": "ES256", "use": "sig"}
_KEY_ID = re.compile(r"[\x21-\x7e]{1,64}")


def generate_client_key() -> tuple[dict[str, str], dict[str, str]]:
    """A new key pair (private, public) whose `kid` is its thumbprint."""
    scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(_COORDINATE_BYTES, "big")
    private = private_jwk(scalar, key_id="")
    private["kid"] = thumbprint(private)
    return private, public_jwk_of(private)


def private_jwk(scalar: bytes, *, key_id: str) -> dict[str, str]:
    """The JWK of a P-256 private number (32 bytes)."""
    key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    point = key.public_key().public_numbers()
    members = {"x": _encode_coordinate(point.x), "y": _encode_coordinate(point.y), "d": encode_base64url(scalar)}
    return {**_FIXED_MEMBERS, **members, "kid": key_id, **_OPTIONAL_MEMBERS}


def public_jwk_of(private: Mapping[str, str]) -> dict[str, str]:
    """The half that may be shown."""
    return {name: value for name, value in private.items() if name not in PRIVATE_MEMBERS}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 thumbprint, 43 characters: what two operators compare aloud when a key is registered."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return encode_base64url(
        hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    )


def validate_public_jwk(jwk: Mapping[str, object]) -> dict[str, str]:
    """The key in our form, without foreign members. Raises ValidationFailed with every fault, pointers from the key on.

    A private member is refused rather than dropped: its sender must learn that the key has leaked.
    """
    faults = [*_private_faults(jwk), *_member_faults(jwk), *_coordinate_faults(jwk)]
    if faults:
        raise ValidationFailed(*faults)
    own = {name: str(jwk[name]) for name in ("kty", "crv", "x", "y", "kid")}
    if not _on_curve(own["x"], own["y"]):
        raise ValidationFailed(FieldError("/x", "not-on-curve"))
    return {**own, **_OPTIONAL_MEMBERS}


def _private_faults(jwk: Mapping[str, object]) -> list[FieldError]:
    return [FieldError(f"/{name}", "private-key") for name in sorted(PRIVATE_MEMBERS & jwk.keys())]


def _member_faults(jwk: Mapping[str, object]) -> list[FieldError]:
    fixed = [name for name, value in _FIXED_MEMBERS.items() if jwk.get(name) != value]
    optional = [name for name, value in _OPTIONAL_MEMBERS.items() if jwk.get(name, value) != value]
    faults = [FieldError(f"/{name}", "not-supported") for name in fixed + optional]
    key_id = jwk.get("kid")
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        faults.append(FieldError("/kid", "invalid-format", {"shortest": 1, "longest": 64}))
    return faults


def _coordinate_faults(jwk: Mapping[str, object]) -> list[FieldError]:
    return [FieldError(f"/{name}", "invalid-format") for name in ("x", "y") if not _is_coordinate(jwk.get(name))]


def _is_coordinate(value: object) -> bool:
    try:
        return isinstance(value, str) and len(decode_base64url(value)) == _COORDINATE_BYTES
    except ValueError:
        return False


def _on_curve(x: str, y: str) -> bool:
    point_x, point_y = (int.from_bytes(decode_base64url(text), "big") for text in (x, y))
    try:
        ec.EllipticCurvePublicNumbers(point_x, point_y, ec.SECP256R1()).public_key()
    except ValueError:
        return False
    return True


def _encode_coordinate(number: int) -> str:
    return encode_base64url(number.to_bytes(_COORDINATE_BYTES, "big"))

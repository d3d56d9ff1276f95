"""Reads a signed token (JWS compact form, RFC 7515 section 7.1) more strictly than python-jose does, before it does.

Everything here happens before the signature is known to be good: size, form, header rules, duplicate members. Claims
are typed by the readers below. All refusals are NotAuthenticated with a short `reason`, never with the token.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from crypto.strict import decode_base64url, read_json_object
from rules.errors import NotAuthenticated

ALGORITHM = "ES256"
MAX_TOKEN_CHARS = 4096
SIGNATURE_BYTES = 64
# Headers that name a key or change what is signed or how it is read; the key comes from our own table, always.
FORBIDDEN_HEADERS = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "cty", "enc"})
_LATEST = 253_402_300_799  # the last second of the year 9999, which is as far as datetime goes
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class CompactToken:
    """A well-formed token whose signature nobody has checked yet."""

    key_id: str
    type: str | None
    claims: Mapping[str, object]
    signing_input: bytes
    signature: bytes


def read_compact(token: str) -> CompactToken:
    """Take `token` apart. Raises NotAuthenticated for any deviation in form, header or JSON."""
    if len(token) > MAX_TOKEN_CHARS:
        raise NotAuthenticated(reason="too-long")
    segments = token.split(".")
    if len(segments) != 3:
        raise NotAuthenticated(reason="malformed")
    try:
        signature = decode_base64url(segments[2])
        header, claims = (_read_segment(segment) for segment in segments[:2])
    except ValueError:
        raise NotAuthenticated(reason="malformed") from None
    if len(signature) != SIGNATURE_BYTES:
        raise NotAuthenticated(reason="signature")
    key_id, token_type = _read_header(header)
    return CompactToken(key_id, token_type, claims, f"{segments[0]}.{segments[1]}".encode("ascii"), signature)


def text_claim(claims: Mapping[str, object], name: str, *, shortest: int = 1, longest: int = 256) -> str:
    """A claim of visible ASCII. Raises NotAuthenticated: NUL, spaces and surrogates never reach the database."""
    value = claims.get(name)
    if not isinstance(value, str) or not shortest <= len(value) <= longest or not _VISIBLE.fullmatch(value):
        raise NotAuthenticated(reason=name)
    return value


def uuid_claim(claims: Mapping[str, object], name: str) -> UUID:
    """A claim that is a UUID in its canonical spelling. Raises NotAuthenticated."""
    text = text_claim(claims, name, longest=36)
    try:
        value = UUID(text)
    except ValueError:
        raise NotAuthenticated(reason=name) from None
    if str(value) != text:
        raise NotAuthenticated(reason=name)
    return value


def seconds_claim(claims: Mapping[str, object], name: str) -> int:
    """A claim in whole seconds since 1970. Raises NotAuthenticated for text, floats, booleans and years after 9999."""
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LATEST:
        raise NotAuthenticated(reason=name)
    return value


def _read_segment(segment: str) -> dict[str, object]:
    return read_json_object(decode_base64url(segment).decode("utf-8"))


def _read_header(header: Mapping[str, object]) -> tuple[str, str | None]:
    if header.get("alg") != ALGORITHM:
        raise NotAuthenticated(reason="algorithm")
    if not FORBIDDEN_HEADERS.isdisjoint(header):
        raise NotAuthenticated(reason="header")
    if "typ" not in header:
        return text_claim(header, "kid", longest=64), None
    return text_claim(header, "kid", longest=64), text_claim(header, "typ", longest=64)

"""Readers that accept one spelling only: base64url without padding, and JSON objects without duplicate keys or floats.

Lenient readers are how two parties come to see different things in the same signed bytes. Errors never carry the text,
because it may be a key: json.JSONDecodeError keeps the whole document as an attribute.
"""

import base64
import json
from collections.abc import Sequence
from typing import NoReturn


def encode_base64url(data: bytes) -> str:
    """RFC 4648 section 5 without padding, as JOSE asks (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """The bytes behind `text`. Raises ValueError for padding, foreign characters or stray trailing bits."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise ValueError("not base64url") from None
    if encode_base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def read_json_object(text: str) -> dict[str, object]:
    """One JSON object. Raises ValueError for anything else, duplicate keys at any depth, NaN, Infinity or a float."""
    try:
        value: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_refuse)
    except (ValueError, RecursionError):
        raise ValueError("not a strict JSON object") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - callers catch one error for all bad spellings
    return value


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _refuse(_text: str) -> NoReturn:
    raise ValueError("number that is not an integer")

"""Where a sign-in may be answered: exactly what was registered (RFC 9700 section 2.1), but for a loopback's port (RFC
8252 section 7.3).
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 255
LOOPBACK: Final = frozenset({"127.0.0.1", "[::1]"})

_VISIBLE = re.compile(r"[!#-;=?-\[\]_a-z~]+")  # visible ASCII without quotes, <, >, \, ^, ` and braces
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")  # com.example.app: reversed domain, section 7.1
_HOST = re.compile(r"[a-z0-9.-]+(?::[0-9]{1,5})?")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?(/[^#]*)")


def may_be_registered(uri: str) -> bool:
    """https anywhere, http on a loopback address without port, or a private scheme named like a reversed domain."""
    if len(uri) > LONGEST or not _VISIBLE.fullmatch(uri) or "#" in uri:
        return False
    scheme, colon, rest = uri.partition(":")
    if not colon:
        return False
    if scheme == "https":
        return rest.startswith("//") and _HOST.fullmatch(urlsplit(uri).netloc) is not None
    if scheme == "http":
        found = _LOOPBACK.fullmatch(uri)
        return found is not None and found[2] is None
    return _PRIVATE_SCHEME.fullmatch(scheme) is not None and rest.startswith("/")


def is_registered(uri: str, registered: Iterable[str]) -> bool:
    """Whether `uri` is one of those registered, character by character; a loopback's may carry any port."""
    if len(uri) > LONGEST or not _VISIBLE.fullmatch(uri):
        return False
    known = frozenset(registered)
    if uri in known:
        return True
    found = _LOOPBACK.fullmatch(uri)
    return found is not None and found[2] is not None and f"http://{found[1]}{found[3]}" in known


def form_target(uri: str) -> str:
    """What a page's `form-action` must name so that the browser follows the answer there: origin, or private scheme."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"

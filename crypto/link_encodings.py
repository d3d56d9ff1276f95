"""Keys under which an agency encodes what it may not disclose, one for each agency and year.

Derived from the keyring's root by the agency's id and the year: nothing is stored, every year brings a new key, and
what was encoded under an old one can be compared for as long as the root stays. The union's platform holds them as
linkage unit; an agency fetches its own. HMAC-SHA-256 is RFC 2104.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from uuid import UUID

from crypto.keys import Keyring
from rules.linkage.clk import Keyed

_KEY_ID = re.compile(r"enc-([0-9]{4})-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class EncodingKey:
    """32 bytes; `key_id` tells the year, and by its end one key from another."""

    key_id: str
    year: int
    secret: bytes = field(repr=False)


class EncodingKeys:
    """The keys of all agencies. Safe to share between threads. 15 us a key."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def key(self, agency_id: UUID, year: int) -> EncodingKey:
        secret = self._keyring.derive(f"linkage encoding {agency_id} {year:04d}")
        return EncodingKey(f"enc-{year:04d}-{hashlib.sha256(secret).hexdigest()[:8]}", year, secret)

    def keyed(self, agency_id: UUID, year: int) -> Keyed:
        """The keyed hash of an agency in a year."""
        return keyed_by(self.key(agency_id, year).secret)


def keyed_by(secret: bytes) -> Keyed:
    """HMAC-SHA-256 under a key. 1.5 us a call."""

    def keyed(message: bytes) -> bytes:
        return hmac.digest(secret, message, "sha256")

    return keyed


def year_of(key_id: str) -> int | None:
    """The year that the name of a key tells; None for what is no such name."""
    found = _KEY_ID.fullmatch(key_id)
    return int(found.group(1)) if found else None

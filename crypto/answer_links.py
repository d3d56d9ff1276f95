"""Tokens of answer links: signed, so that a forged one is refused without asking a database; kept as SHA-256.

    tla_ + base64url(version 1 | id of the link 16 | seconds of expiry 8 | random 16 | HMAC-SHA256 16 bytes)

Whoever reads the database learns hashes; whoever guesses must guess a signature of 128 bits.
"""

import hmac
import secrets
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from crypto.keys import Keyring
from crypto.strict import decode_base64url, encode_base64url
from rules.errors import Hidden

# The beginning lets secret scanners, and the redaction of logs.py, recognise one that leaked.
LINK_PREFIX: Final = "tla_"
_VERSION: Final = b"\x01"
_RANDOM_BYTES: Final = 16
_SIGNATURE_BYTES: Final = 16
_SIGNED_BYTES: Final = len(_VERSION) + 16 + 8 + _RANDOM_BYTES
TOKEN_CHARS: Final = 80  # the prefix and 57 bytes in base64url


class LinkTokens:
    """Makes and reads the tokens of one deployment, under keys derived from its root."""

    def __init__(self, keyring: Keyring) -> None:
        self._signing = keyring.derive("answer link")
        self._following = keyring.derive("answer link that follows")

    def make(self, link_id: UUID, expires_at: datetime) -> str:
        """A token of 80 characters that nobody else can make."""
        return self._token(link_id, expires_at, secrets.token_bytes(_RANDOM_BYTES))

    def following(self, token: str, link_id: UUID, expires_at: datetime) -> str:
        """The token of the link that an answer with `token` yields: the same each time, and useless to know ahead.

        Nothing has to be kept for whoever presses twice; without our key it cannot be worked out from `token`.
        """
        random = hmac.digest(self._following, token.encode() + link_id.bytes, "sha256")[:_RANDOM_BYTES]
        return self._token(link_id, expires_at, random)

    def read(self, text: str, now: datetime) -> UUID:
        """The link's id. Raises Hidden for what was not made here, was changed, or has run out, without saying which.

        Total over all text, as it is fed with whatever a stranger sends. No database.
        """
        if len(text) != TOKEN_CHARS or not text.startswith(LINK_PREFIX):
            raise Hidden
        try:
            blob = decode_base64url(text.removeprefix(LINK_PREFIX))
        except ValueError:
            raise Hidden from None
        signed, signature = blob[:_SIGNED_BYTES], blob[_SIGNED_BYTES:]
        good = hmac.compare_digest(self._signature(signed), signature)
        if not good or int.from_bytes(signed[17:25], "big") <= now.timestamp():
            raise Hidden
        return UUID(bytes=signed[1:17])

    def _token(self, link_id: UUID, expires_at: datetime, random: bytes) -> str:
        until = int(expires_at.astimezone(UTC).timestamp()).to_bytes(8, "big")
        signed = _VERSION + link_id.bytes + until + random
        return LINK_PREFIX + encode_base64url(signed + self._signature(signed))

    def _signature(self, signed: bytes) -> bytes:
        return hmac.digest(self._signing, signed, "sha256")[:_SIGNATURE_BYTES]

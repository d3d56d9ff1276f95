"""Everything a request needs to seal, open and look up values, built once from the keyring."""

from dataclasses import dataclass
from typing import Self

from crypto.blind import BlindIndex
from crypto.fields import FieldCipher
from crypto.keys import Keyring
from crypto.seals import Sealer


@dataclass(frozen=True, slots=True)
class Vault:
    keyring: Keyring
    cipher: FieldCipher
    blind: BlindIndex
    cursors: Sealer
    feed_cursors: Sealer
    sign_in: Sealer

    @classmethod
    def of(cls, keyring: Keyring) -> Self:
        return cls(
            keyring=keyring,
            cipher=FieldCipher(keyring),
            blind=BlindIndex(keyring),
            cursors=Sealer(keyring, "list-cursor"),
            feed_cursors=Sealer(keyring, "feed-cursor"),
            sign_in=Sealer(keyring, "sign-in", max_chars=8192),  # in forms, not in addresses
        )

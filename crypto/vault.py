"""Everything a request needs to seal, open and look up values, built once from the keyring and again when it changes.

A process holds one vault for its whole life. `adopt` puts another keyring into it: whoever seals, opens or looks up the
next moment uses the new one, and nothing has to be restarted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from crypto.answer_links import LinkTokens
from crypto.blind import BlindIndex
from crypto.fields import FieldCipher
from crypto.keyring_text import KeyringError
from crypto.keys import Keyring
from crypto.link_encodings import EncodingKeys
from crypto.link_hashes import LinkHasher
from crypto.seals import Sealer


class Vault:
    """The keyring in force and what was built from it. Safe to share between threads: one reference is exchanged."""

    __slots__ = ("_followers", "_held")

    def __init__(self, keyring: Keyring) -> None:
        self._held = _Held.of(keyring)
        self._followers: list[Callable[[Keyring], None]] = []

    @classmethod
    def of(cls, keyring: Keyring) -> Self:
        return cls(keyring)

    @property
    def keyring(self) -> Keyring:
        return self._held.keyring

    @property
    def cipher(self) -> FieldCipher:
        return self._held.cipher

    @property
    def blind(self) -> BlindIndex:
        """Take it once where an index and the id of its key belong together."""
        return self._held.blind

    @property
    def links(self) -> LinkHasher:
        return self._held.links

    @property
    def encodings(self) -> EncodingKeys:
        return self._held.encodings

    @property
    def cursors(self) -> Sealer:
        return self._held.cursors

    @property
    def feed_cursors(self) -> Sealer:
        return self._held.feed_cursors

    @property
    def sign_in(self) -> Sealer:
        return self._held.sign_in

    @property
    def answer_links(self) -> LinkTokens:
        return self._held.answer_links

    def follow(self, adopt: Callable[[Keyring], None]) -> None:
        """Call `adopt` with the keyring in force, and with every one that is adopted, in the thread that adopts it."""
        self._followers.append(adopt)
        adopt(self._held.keyring)

    def adopt(self, keyring: Keyring) -> None:
        """Use `keyring` from now on. Raises KeyringError for another root: passwords and cursors hang on it."""
        if keyring.root != self._held.keyring.root:
            raise KeyringError("the root was changed, which takes effect at a restart only")
        self._held = _Held.of(keyring)
        for follow in self._followers:
            follow(keyring)


@dataclass(frozen=True, slots=True)
class _Held:
    keyring: Keyring
    cipher: FieldCipher
    blind: BlindIndex
    links: LinkHasher
    encodings: EncodingKeys
    cursors: Sealer
    feed_cursors: Sealer
    sign_in: Sealer
    answer_links: LinkTokens

    @classmethod
    def of(cls, keyring: Keyring) -> Self:
        return cls(
            keyring=keyring,
            cipher=FieldCipher(keyring),
            blind=BlindIndex(keyring),
            links=LinkHasher(keyring),
            encodings=EncodingKeys(keyring),
            cursors=Sealer(keyring, "list-cursor"),
            feed_cursors=Sealer(keyring, "feed-cursor"),
            sign_in=Sealer(keyring, "sign-in", max_chars=8192),  # in forms, not in addresses
            answer_links=LinkTokens(keyring),
        )

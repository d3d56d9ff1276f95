"""A person as 1024 bits that tell how alike two persons are, to whoever has the key, and nothing else. Pure.

A cryptographic long-term key: one Bloom filter over the features of all fields (Schnell, Bachteler and Reiher 2009,
doi:10.1186/1472-6947-9-41). Each feature is salted with its field and hashed with a key; `keyed` is that hash,
HMAC-SHA-256 under the encoding agency's key of the year. A feature's positions are separate pieces of one digest and
no double hashing: from patterns of double hashing features can be read back (Niedermeyer et al. 2014,
doi:10.29012/jpc.v6i2.640).
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from rules.linkage.features import Features

Keyed: TypeAlias = Callable[[bytes], bytes]
"""A keyed hash of 32 bytes or more."""

BITS: Final = 1024
BYTES: Final = BITS // 8
FEWEST_BITS: Final = 64
MOST_BITS: Final = 640
"""What a person can set at least and at most: a short name with two more fields, every field with ten phones."""
ALIKE: Final = 0.6
"""Dice coefficient from which on two are worth a look. Relatives and namesakes of one place reach it, so nothing links
by it. Best F1 over all pairs of 20 000 generated reports: .964 (docs/decisions/0028)."""

_PIECE: Final = 2
"""Bytes of a digest that make one position: 16 pieces in SHA-256, of which the lowest ten bits count."""

_NAME_CHARACTER, _NAME_PAIR, _SYLLABLE = 10, 6, 8
_YEAR, _MONTH, _DAY = 14, 10, 10
_DIGITS_OF_PHONE, _DIGITS_OF_NUMBER = 3, 3
_DIVISION, _PREFECTURE = 10, 6
_EDGE: Final = "_"


def number_of(number: str, keyed: Keyed) -> str:
    """The keyed hash of an identity number of 18 characters, X in upper case: 64 hexadecimal digits. 2 us."""
    return keyed(number.encode())[:32].hex()


def clk_of(features: Features, keyed: Keyed) -> bytes:
    """128 bytes. What is not known sets no bits. 90 us."""
    bits = 0
    for feature, times in _features(features):
        digest = keyed(feature.encode())
        for at in range(0, times * _PIECE, _PIECE):
            bits |= 1 << (int.from_bytes(digest[at : at + _PIECE], "big") % BITS)
    return bits.to_bytes(BYTES, "big")


def hides_enough(it: Features) -> bool:
    """Whether a CLK mixes a name with two more of birth, phone, number and place: one of a single field is read like
    an open book by how often its patterns occur (https://github.com/data61/clkhash/issues/49)."""
    beside = (it.birth, it.phones, len(it.id_number) == 18, it.division)
    return bool(it.name) and sum(map(bool, beside)) >= 2


def bits_set(clk: bytes) -> int:
    return int.from_bytes(clk, "big").bit_count()


def dice(a: bytes, b: bytes) -> float:
    """How alike two are that were made with one key: 0 nothing in common, 1 the same. 1 us."""
    x, y = int.from_bytes(a, "big"), int.from_bytes(b, "big")
    both = x.bit_count() + y.bit_count()
    return 2 * (x & y).bit_count() / both if both else 0.0


def _features(it: Features) -> Iterator[tuple[str, int]]:
    """Each feature with its field, and how many positions it sets."""
    yield from _of_name(it)
    yield from _of_birth(it)
    for phone in it.phones:
        yield from _trigrams("phone", phone[-11:], _DIGITS_OF_PHONE)
    if len(it.id_number) == 18:
        yield from _trigrams("number", it.id_number, _DIGITS_OF_NUMBER)
    if it.county:
        yield f"division|{it.county[:6]}", _DIVISION
    if it.division:
        yield f"prefecture|{it.division[:4]}", _PREFECTURE


def _of_name(it: Features) -> Iterator[tuple[str, int]]:
    yield from ((f"name|{character}", _NAME_CHARACTER) for character in it.name)
    framed = f"{_EDGE}{it.name}{_EDGE}" if it.name else ""
    yield from ((f"pair|{framed[at : at + 2]}", _NAME_PAIR) for at in range(len(framed) - 1))
    yield from ((f"syllable|{syllable}", _SYLLABLE) for syllable in it.folded)


def _of_birth(it: Features) -> Iterator[tuple[str, int]]:
    parts = zip(("year", "month", "day"), it.birth.split("-"), (_YEAR, _MONTH, _DAY), strict=False)
    yield from ((f"{name}|{part}", times) for name, part, times in parts if part)


def _trigrams(field: str, digits: str, times: int) -> Iterator[tuple[str, int]]:
    """With their place: a digit that is wrong changes three of them and no other."""
    yield from ((f"{field}|{at}|{digits[at : at + 3]}", times) for at in range(len(digits) - 2))

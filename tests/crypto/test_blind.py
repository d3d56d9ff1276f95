"""Blind index: equal values meet, everything else stays apart."""

import hashlib
import hmac
from dataclasses import replace
from types import MappingProxyType

import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash

from crypto.blind import BlindIndex
from crypto.keys import Keyring, KeySet, SymmetricKey, generate_keyring

OLD = SymmetricKey("b-old", "HS256", bytes.fromhex("8f1d2c3b4a5968778695a4b3c2d1e0f00112233445566778899aabbccddeeff1"))
NEW = SymmetricKey("b-new", "HSM3", OLD.secret[::-1])
NUMBER = "34080219740315122X"
BASE = generate_keyring()


def keyring_of(*keys: SymmetricKey) -> Keyring:
    return replace(BASE, blind=KeySet(keys[0].key_id, MappingProxyType({key.key_id: key for key in keys})))


def sm3(data: bytes) -> bytes:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """RFC 2104 written out, as a second opinion on the library's HMAC."""
    padded = key.ljust(64, b"\0")
    inner = sm3(bytes(byte ^ 0x36 for byte in padded) + data)
    return sm3(bytes(byte ^ 0x5C for byte in padded) + inner)


@pytest.mark.parametrize("key", [OLD, NEW], ids=["HS256", "HSM3"])
def test_equal_values_of_one_kind_have_one_index(key: SymmetricKey) -> None:
    index = BlindIndex(keyring_of(key))
    assert index.index("id_number", NUMBER) == BlindIndex(keyring_of(key)).index("id_number", NUMBER)
    assert len(index.index("id_number", NUMBER)) == 32
    others = {index.index("phone", NUMBER), index.index("id_number", NUMBER.lower()), index.index("id_number", "")}
    assert len(others | {index.index("id_number", NUMBER)}) == 4


def test_kind_and_value_cannot_be_shifted_against_each_other() -> None:
    index = BlindIndex(keyring_of(OLD))
    assert index.index("phone", "1") != index.index("phone1", "")
    assert index.index("a", "b") != index.index("ab", "")


@pytest.mark.parametrize("kind", ["", "Phone", "a b", "a\0b", "身份", "1x", "k" * 65])
def test_a_kind_is_a_short_lower_case_name(kind: str) -> None:
    with pytest.raises(ValueError, match="kind"):
        BlindIndex(keyring_of(OLD)).index(kind, NUMBER)


def test_hs256_is_hmac_of_kind_nul_value() -> None:
    expected = hmac.new(OLD.secret, b"id_number\0" + NUMBER.encode(), hashlib.sha256).digest()
    assert BlindIndex(keyring_of(OLD)).index("id_number", NUMBER) == expected


def test_hsm3_is_hmac_with_sm3() -> None:
    assert BlindIndex(keyring_of(NEW)).index("id_number", NUMBER) == hmac_sm3(
        NEW.secret, b"id_number\0" + NUMBER.encode()
    )


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
    ids=["example 1", "example 2"],
)
def test_sm3_is_the_hash_of_gb_t_32905_2016_appendix_a(message: bytes, digest: str) -> None:
    assert sm3(message).hex() == digest


def test_during_a_rotation_old_and_new_indexes_are_looked_for() -> None:
    rotating = BlindIndex(keyring_of(NEW, OLD))
    old, new = (BlindIndex(keyring_of(key)).index("id_number", NUMBER) for key in (OLD, NEW))
    assert rotating.index("id_number", NUMBER) == new
    assert rotating.indexes("id_number", NUMBER) == [new, old]


def test_without_the_key_the_index_says_nothing() -> None:
    assert BlindIndex(keyring_of(OLD)).index("id_number", NUMBER) != hashlib.sha256(NUMBER.encode()).digest()
    assert BlindIndex(generate_keyring()).index("id_number", NUMBER) != BlindIndex(BASE).index("id_number", NUMBER)


def test_fingerprints_survive_a_rotation_of_the_blind_key_and_differ_by_deployment() -> None:
    body = b'{"id_number":"' + NUMBER.encode() + b'"}'
    assert BlindIndex(keyring_of(OLD)).fingerprint(body) == BlindIndex(keyring_of(NEW)).fingerprint(body)
    assert BlindIndex(generate_keyring()).fingerprint(body) != BlindIndex(BASE).fingerprint(body)
    assert BlindIndex(BASE).fingerprint(body) != BlindIndex(BASE).fingerprint(body + b" ")
    assert len(BlindIndex(BASE).fingerprint(b"")) == 32

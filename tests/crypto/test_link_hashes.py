"""Keyed hashes of what the linker looks for."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import Keyring, generate_keyring
from crypto.link_hashes import LinkHasher
from tests.db.test_keys import rotated


def test_a_hash_is_a_signed_number_of_64_bits_that_the_text_and_the_key_decide(keyring: Keyring) -> None:
    hasher, other = LinkHasher(keyring), LinkHasher(generate_keyring())
    assert hasher.hash("id|1") == LinkHasher(keyring).hash("id|1")
    assert hasher.hash("id|1") != hasher.hash("id|2")
    assert hasher.hash("id|1") != other.hash("id|1")


@given(text=st.text())
def test_it_fits_a_bigint_and_is_not_the_hash_anybody_can_make(keyring: Keyring, text: str) -> None:
    made = LinkHasher(keyring).hash(text)
    assert -(2**63) <= made < 2**63
    plain = hashlib.blake2b(text.encode(), digest_size=8).digest()
    assert made != int.from_bytes(plain, "big", signed=True)


def test_it_is_blake2b_as_others_have_it(keyring: Keyring) -> None:
    expected = hashlib.blake2b("周秀兰".encode(), digest_size=8, key=keyring.derive("linkage")).digest()
    assert LinkHasher(keyring).hash("周秀兰").to_bytes(8, "big", signed=True) == expected


def test_what_is_said_twice_is_hashed_once_in_the_order_it_was_said(keyring: Keyring) -> None:
    hasher = LinkHasher(keyring)
    assert hasher.hashes(["b", "a", "b"]) == [hasher.hash("b"), hasher.hash("a")]
    assert hasher.hashes([]) == []


def test_keys_that_rotate_do_not_lose_what_was_hashed(keyring: Keyring) -> None:
    changed, _ = rotated(keyring, "blind", "HS256")
    assert LinkHasher(changed).hash("id|1") == LinkHasher(keyring).hash("id|1")

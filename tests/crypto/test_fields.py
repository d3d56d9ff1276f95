"""Sealed fields: what opens, what does not, and that the ciphers are the published ones."""

import os
from dataclasses import replace
from types import MappingProxyType

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given
from hypothesis import strategies as st

from crypto.fields import FieldCipher, SealBroken, _Sm4Gcm
from crypto.keys import Keyring, KeySet, SymmetricKey, generate_keyring

AES = SymmetricKey(
    "f-2026", "A256GCM", bytes.fromhex("8f1d2c3b4a5968778695a4b3c2d1e0f00112233445566778899aabbccddeeff1")
)
NATIONAL = SymmetricKey("f-sm4", "SM4GCM", bytes.fromhex("0123456789abcdeffedcba9876543210"))
CONTEXT = "person.id_number:01a0c000-0000-7000-8000-000000000001"
TEXT = "34080219740315122X"


def keyring_of(*keys: SymmetricKey) -> Keyring:
    named = MappingProxyType({key.key_id: key for key in keys})
    return replace(generate_keyring(), field=KeySet(keys[0].key_id, named))


CIPHERS = {key.algorithm: FieldCipher(keyring_of(key)) for key in (AES, NATIONAL)}
cipher_names = pytest.mark.parametrize("algorithm", CIPHERS)


@cipher_names
def test_a_sealed_text_opens_where_it_was_sealed(algorithm: str) -> None:
    cipher = CIPHERS[algorithm]
    for text in ("", TEXT, "周桂兰", "𠮷𠀋·阿依古丽", "x" * 10_000, "a\0b"):
        assert cipher.open(cipher.seal(text, CONTEXT), CONTEXT) == text


@given(data=st.binary(max_size=200), context=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_any_bytes_open_again(data: bytes, context: str) -> None:
    for cipher in CIPHERS.values():
        assert cipher.open_bytes(cipher.seal_bytes(data, context), context) == data


@cipher_names
def test_a_seal_shows_nothing_and_is_never_the_same(algorithm: str) -> None:
    cipher = CIPHERS[algorithm]
    seals = {cipher.seal(TEXT, CONTEXT) for _ in range(100)}
    assert len(seals) == 100
    assert not any(TEXT.encode() in sealed for sealed in seals)


@pytest.mark.parametrize(("key", "number"), [(AES, 1), (NATIONAL, 2)], ids=["A256GCM", "SM4GCM"])
def test_the_layout_is_as_documented(key: SymmetricKey, number: int) -> None:
    sealed = CIPHERS[key.algorithm].seal(TEXT, CONTEXT)
    header = bytes([2, number, number, len(key.key_id)]) + key.key_id.encode()
    assert sealed.startswith(header)
    assert len(sealed) == len(header) + 12 + len(key.secret) + 16 + len(TEXT) + 16


def test_a_reader_with_only_the_documentation_can_open_it() -> None:
    sealed = CIPHERS["A256GCM"].seal(TEXT, CONTEXT)
    header = 4 + sealed[3]
    wrapped, body = sealed[header + 12 : header + 60], sealed[header + 60 :]
    data_key = AESGCM(AES.secret).decrypt(sealed[header : header + 12], wrapped, sealed[:header])
    assert AESGCM(data_key).decrypt(bytes(12), body, sealed[:2] + CONTEXT.encode()).decode() == TEXT


def sealed_as_version_1(key: SymmetricKey, text: str, context: str) -> bytes:
    """As values were sealed before data keys, by the format's description alone."""
    header = bytes([1, {"A256GCM": 1, "SM4GCM": 2}[key.algorithm], len(key.key_id)]) + key.key_id.encode()
    cipher = AESGCM(key.secret) if key.algorithm == "A256GCM" else _Sm4Gcm(key.secret)
    nonce = os.urandom(12)
    return header + nonce + cipher.encrypt(nonce, text.encode(), header + context.encode())


@pytest.mark.parametrize("key", [AES, NATIONAL], ids=["A256GCM", "SM4GCM"])
def test_a_value_of_version_1_opens_in_its_place_and_is_resealed_but_never_rewrapped(key: SymmetricKey) -> None:
    cipher, old = CIPHERS[key.algorithm], sealed_as_version_1(key, TEXT, CONTEXT)
    assert cipher.open(old, CONTEXT) == TEXT
    with pytest.raises(SealBroken):
        cipher.open(old, "elsewhere")
    with pytest.raises(SealBroken):
        cipher.rewrap(old)
    renewed = cipher.reseal(old, CONTEXT)
    assert renewed[0] == 2
    assert cipher.open(renewed, CONTEXT) == TEXT
    for length in range(len(old)):
        with pytest.raises(SealBroken):
            cipher.open(old[:length], CONTEXT)


@pytest.mark.parametrize(("old", "new"), [(AES, NATIONAL), (NATIONAL, AES)], ids=["to SM4", "to AES"])
def test_rewrapping_leaves_the_value_and_needs_the_old_key_no_more(old: SymmetricKey, new: SymmetricKey) -> None:
    sealed = CIPHERS[old.algorithm].seal(TEXT, CONTEXT)
    rewrapped = FieldCipher(keyring_of(new, old)).rewrap(sealed)
    assert rewrapped[-len(TEXT) - 16 :] == sealed[-len(TEXT) - 16 :]
    alone = FieldCipher(keyring_of(new))
    assert alone.open(rewrapped, CONTEXT) == TEXT
    with pytest.raises(SealBroken):
        alone.open(rewrapped, "elsewhere")
    with pytest.raises(SealBroken):
        alone.open(sealed, CONTEXT)


def test_resealing_makes_a_new_data_key_in_todays_algorithm() -> None:
    sealed = CIPHERS["A256GCM"].seal(TEXT, CONTEXT)
    renewed = FieldCipher(keyring_of(NATIONAL, AES)).reseal(sealed, CONTEXT)
    assert renewed[1:3] == bytes([2, 2])
    assert CIPHERS["SM4GCM"].open(renewed, CONTEXT) == TEXT


def test_the_wrapped_key_of_one_value_does_not_open_another() -> None:
    cipher = CIPHERS["A256GCM"]
    one, other = cipher.seal(TEXT, CONTEXT), cipher.seal(TEXT, CONTEXT)
    body = 4 + one[3] + 60
    with pytest.raises(SealBroken):
        cipher.open(one[:body] + other[body:], CONTEXT)


@cipher_names
def test_a_change_of_any_bit_is_noticed(algorithm: str) -> None:
    cipher = CIPHERS[algorithm]
    sealed = cipher.seal(TEXT, CONTEXT)
    for position in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[position] ^= 1 << bit
            with pytest.raises(SealBroken):
                cipher.open(bytes(changed), CONTEXT)


@cipher_names
def test_a_seal_cut_or_lengthened_is_noticed(algorithm: str) -> None:
    cipher = CIPHERS[algorithm]
    sealed = cipher.seal(TEXT, CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            cipher.open(sealed[:length], CONTEXT)
    with pytest.raises(SealBroken):
        cipher.open(sealed + b"\0", CONTEXT)


@cipher_names
@pytest.mark.parametrize("other", ["person.id_number:another-row", "person.phone:" + CONTEXT[-36:], CONTEXT + " ", "x"])
def test_a_seal_moved_to_another_place_does_not_open(algorithm: str, other: str) -> None:
    with pytest.raises(SealBroken):
        CIPHERS[algorithm].open(CIPHERS[algorithm].seal(TEXT, CONTEXT), other)


def test_the_border_between_key_id_and_context_cannot_be_shifted() -> None:
    short, long = replace(AES, key_id="f"), replace(AES, key_id="fa")
    cipher = FieldCipher(keyring_of(short, long))
    sealed = cipher.seal(TEXT, "abc")
    moved = bytes([2, 1, 1, 2]) + b"fa" + sealed[5:]
    with pytest.raises(SealBroken):
        cipher.open(moved, "bc")


def test_old_seals_open_after_a_rotation_to_another_algorithm_until_the_key_is_gone() -> None:
    old = CIPHERS["A256GCM"].seal(TEXT, CONTEXT)
    rotated = FieldCipher(keyring_of(NATIONAL, AES))
    assert rotated.open(old, CONTEXT) == TEXT
    assert rotated.seal(TEXT, CONTEXT)[1] == 2
    with pytest.raises(SealBroken, match="no key"):
        CIPHERS["SM4GCM"].open(old, CONTEXT)


def test_a_key_id_with_another_algorithm_does_not_open() -> None:
    same_id = FieldCipher(keyring_of(replace(NATIONAL, key_id=AES.key_id)))
    with pytest.raises(SealBroken, match="no key"):
        same_id.open(CIPHERS["A256GCM"].seal(TEXT, CONTEXT), CONTEXT)


def test_another_key_under_the_same_id_does_not_open() -> None:
    impostor = FieldCipher(keyring_of(replace(AES, secret=AES.secret[::-1])))
    with pytest.raises(SealBroken):
        impostor.open(CIPHERS["A256GCM"].seal(TEXT, CONTEXT), CONTEXT)


def test_a_seal_needs_a_context() -> None:
    with pytest.raises(ValueError, match="context"):
        CIPHERS["A256GCM"].seal(TEXT, "")


def test_sealed_bytes_that_are_not_text_are_said_to_be_so() -> None:
    cipher = CIPHERS["A256GCM"]
    with pytest.raises(SealBroken, match="not text"):
        cipher.open(cipher.seal_bytes(b"\xff", CONTEXT), CONTEXT)


def test_the_error_tells_nothing_of_value_and_context() -> None:
    with pytest.raises(SealBroken) as broken:
        CIPHERS["A256GCM"].open(CIPHERS["A256GCM"].seal(TEXT, CONTEXT), "elsewhere")
    assert TEXT not in str(broken.value)
    assert "elsewhere" not in str(broken.value)


def test_sm4_is_the_cipher_of_gb_t_32907_2016_appendix_a() -> None:
    encryptor = Cipher(SM4(NATIONAL.secret), ECB()).encryptor()  # one block: the standard's example
    assert encryptor.update(NATIONAL.secret).hex() == "681edf34d206965e86b3e94f536e4246"


def test_our_sm4_gcm_is_that_of_rfc_8998_appendix_a_1() -> None:
    plain = b"".join(bytes([value]) * 8 for value in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    nonce = bytes.fromhex("00001234567800000000abcd")
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    expected = (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15"
        "a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec"
    )
    sealed = _Sm4Gcm(NATIONAL.secret).encrypt(nonce, plain, associated)
    assert sealed.hex() == expected
    assert _Sm4Gcm(NATIONAL.secret).decrypt(nonce, sealed, associated) == plain

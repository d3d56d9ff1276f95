"""Encoding keys: one for each agency and year, the same in every process, and told apart by name."""

import hashlib
import hmac
from dataclasses import replace
from uuid import UUID

from crypto.keys import generate_keyring
from crypto.link_encodings import EncodingKeys, keyed_by, year_of
from crypto.vault import Vault

COURT, BUREAU = UUID(int=1), UUID(int=2)
KEYRING = generate_keyring()
KEYS = EncodingKeys(KEYRING)


def test_every_agency_and_every_year_has_a_key_of_its_own() -> None:
    keys = [KEYS.key(agency, year) for agency in (COURT, BUREAU) for year in (2026, 2027)]
    assert len({key.secret for key in keys}) == len({key.key_id for key in keys}) == 4
    assert {len(key.secret) for key in keys} == {32}


def test_a_key_is_the_same_wherever_the_root_is_the_same_and_another_elsewhere() -> None:
    assert EncodingKeys(replace(KEYRING)).key(COURT, 2026) == KEYS.key(COURT, 2026)
    assert EncodingKeys(generate_keyring()).key(COURT, 2026) != KEYS.key(COURT, 2026)


def test_new_field_keys_leave_it_as_it_is() -> None:
    vault = Vault.of(KEYRING)
    vault.adopt(replace(KEYRING, field=generate_keyring().field))
    assert vault.encodings.key(COURT, 2026) == KEYS.key(COURT, 2026)


def test_its_name_tells_the_year_and_nothing_else() -> None:
    key = KEYS.key(COURT, 2026)
    assert year_of(key.key_id) == 2026
    assert [year_of(text) for text in ("", "enc-2026", "enc-2026-0123456g", "enc-2026-01234567x", "b-1")] == [None] * 5
    assert key.secret.hex() not in repr(key)
    assert key.secret.hex()[:8] not in key.key_id


def test_the_hash_is_hmac_sha_256() -> None:
    key = KEYS.key(COURT, 2026)
    expected = hmac.new(key.secret, b"34080219740315122X", hashlib.sha256).digest()
    assert KEYS.keyed(COURT, 2026)(b"34080219740315122X") == keyed_by(key.secret)(b"34080219740315122X") == expected

"""What a rotation does to a keyring: add, promote, retire, in this order and not too early."""

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crypto.fields import FieldCipher
from crypto.keys import (
    KeyringError,
    create_keyring,
    generate_keyring,
    parse_keyring,
    read_keyring,
    render_keyring,
    replace_keyring,
)
from crypto.rotation import (
    KNOWN_AFTER,
    SETTLED_AFTER,
    TOKENS_END_AFTER,
    Kind,
    add_key,
    facts_of,
    find_key,
    mark_replaced,
    promote_key,
    retire_key,
    wait_before_promoting,
    wait_before_retiring,
)
from crypto.vault import Vault

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
KEYRING = generate_keyring()
KINDS: tuple[tuple[Kind, str], ...] = (("field", "SM4GCM"), ("blind", "HSM3"), ("token", "ES256"))
kinds = pytest.mark.parametrize(("kind", "algorithm"), KINDS)


def current_of(keyring: object, kind: Kind) -> str:
    assert isinstance(keyring, type(KEYRING))
    return next(facts.key_id for facts in facts_of(keyring) if facts.kind == kind and facts.current)


@kinds
def test_a_key_is_added_unused_promoted_and_the_old_one_retired(kind: Kind, algorithm: str) -> None:
    old = current_of(KEYRING, kind)
    added, key_id = add_key(KEYRING, kind, algorithm, NOW)
    assert current_of(added, kind) == old
    promoted = promote_key(added, key_id, NOW + timedelta(minutes=1))
    assert current_of(promoted, kind) == key_id
    assert find_key(promoted, old).replaced == NOW + timedelta(minutes=1)
    assert find_key(promoted, key_id).algorithm == algorithm
    assert parse_keyring(render_keyring(promoted)) == promoted
    retired = retire_key(promoted, old)
    assert {facts.key_id for facts in facts_of(promoted)} - {facts.key_id for facts in facts_of(retired)} == {old}


@kinds
def test_the_current_key_is_neither_retired_nor_promoted_again(kind: Kind, algorithm: str) -> None:
    with pytest.raises(KeyringError, match="promote another"):
        retire_key(KEYRING, current_of(KEYRING, kind))
    with pytest.raises(KeyringError, match="already"):
        promote_key(KEYRING, current_of(KEYRING, kind), NOW)


@kinds
def test_a_promotion_can_be_taken_back(kind: Kind, algorithm: str) -> None:
    old = current_of(KEYRING, kind)
    added, key_id = add_key(KEYRING, kind, algorithm, NOW)
    back = promote_key(promote_key(added, key_id, NOW), old, NOW + timedelta(minutes=1))
    assert current_of(back, kind) == old
    assert find_key(back, old).replaced is None
    assert find_key(back, key_id).replaced == NOW + timedelta(minutes=1)


def test_a_wrong_algorithm_and_an_unknown_id_are_refused() -> None:
    with pytest.raises(KeyringError, match="A256GCM, SM4GCM"):
        add_key(KEYRING, "field", "HS256", NOW)
    with pytest.raises(KeyringError, match="keys show"):
        promote_key(KEYRING, "f-nobody", NOW)


def test_one_id_in_two_sets_is_not_guessed() -> None:
    twin = replace(KEYRING, tokens=(replace(KEYRING.tokens[0], key_id=KEYRING.field.current),))
    with pytest.raises(KeyringError, match="different kinds"):
        find_key(twin, KEYRING.field.current)


def test_a_new_key_waits_until_every_process_has_read_it() -> None:
    added, key_id = add_key(KEYRING, "field", "A256GCM", NOW)
    assert wait_before_promoting(find_key(added, key_id), NOW) == KNOWN_AFTER
    assert wait_before_promoting(find_key(added, key_id), NOW + KNOWN_AFTER) == timedelta(0)


@pytest.mark.parametrize(("kind", "period"), [("field", SETTLED_AFTER), ("token", TOKENS_END_AFTER)])
def test_an_old_key_waits_until_nothing_of_it_can_come(kind: Kind, period: timedelta) -> None:
    old = current_of(KEYRING, kind)
    added, key_id = add_key(KEYRING, kind, "ES256" if kind == "token" else "A256GCM", NOW)
    promoted = promote_key(added, key_id, NOW)
    just_before = NOW + period - timedelta(seconds=1)
    assert wait_before_retiring(find_key(promoted, old), just_before) == timedelta(seconds=1)
    assert wait_before_retiring(find_key(promoted, old), NOW + period) == timedelta(0)


def test_tokens_end_after_ten_minutes_and_the_leeway() -> None:
    assert timedelta(minutes=10, seconds=30) == TOKENS_END_AFTER


def test_a_key_nobody_promoted_waits_for_nothing_and_one_edited_in_by_hand_is_not_trusted() -> None:
    added, key_id = add_key(KEYRING, "token", "ES256", NOW)
    assert wait_before_retiring(find_key(added, key_id), NOW) == timedelta(0)
    by_hand = replace(added, tokens=(added.tokens[0], replace(added.tokens[1], made=None)))
    assert wait_before_retiring(find_key(by_hand, key_id), NOW) is None
    marked = mark_replaced(by_hand, key_id, NOW)
    assert wait_before_retiring(find_key(marked, key_id), NOW) == TOKENS_END_AFTER


@pytest.mark.parametrize("moment", ["2026-11-24", "2026-11-24T08:00:00+08:00", "2026-13-24T08:00:00Z", "", "now"])
def test_a_moment_of_another_form_is_refused(moment: str) -> None:
    text = render_keyring(KEYRING).replace('"made": "', f'"replaced": "{moment}", "made": "', 1)
    with pytest.raises(KeyringError, match="UTC moment"):
        parse_keyring(text)


def test_an_edit_replaces_the_file_and_keeps_a_private_copy(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    seen = create_keyring(path)
    before, node = path.read_text(), path.stat().st_ino
    changed, _ = add_key(seen, "blind", "HS256", NOW)
    kept = replace_keyring(path, changed, seen=seen)
    assert read_keyring(path) == changed
    assert path.stat().st_ino != node, "written aside and renamed: no reader meets half a text"
    assert kept.read_text() == before
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert sorted(tmp_path.iterdir()) == sorted([path, kept])


def test_an_edit_of_what_somebody_else_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    seen = create_keyring(path)
    theirs, _ = add_key(seen, "blind", "HS256", NOW)
    replace_keyring(path, theirs, seen=seen)
    ours, _ = add_key(seen, "field", "A256GCM", NOW)
    with pytest.raises(KeyringError, match="meanwhile"):
        replace_keyring(path, ours, seen=seen)
    assert read_keyring(path) == theirs


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_stays_with_the_account_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    seen = create_keyring(path)
    os.chown(path, 65534, 65534)
    kept = replace_keyring(path, add_key(seen, "field", "A256GCM", NOW)[0], seen=seen)
    assert {(file.stat().st_uid, file.stat().st_gid) for file in (path, kept)} == {(65534, 65534)}


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "there" / "keyring.json", tmp_path / "here.json"
    seen = create_keyring(path)
    link.symlink_to(path)
    changed, _ = add_key(seen, "field", "A256GCM", NOW)
    replace_keyring(link, changed, seen=seen)
    assert link.is_symlink()
    assert read_keyring(path) == changed


def test_a_vault_that_adopts_a_keyring_uses_it_and_tells_who_follows() -> None:
    vault = Vault.of(KEYRING)
    told: list[str] = []
    vault.follow(lambda keyring: told.append(keyring.field.current))
    sealed = vault.cipher.seal("周桂兰", "a.b:c")
    added, key_id = add_key(KEYRING, "field", "SM4GCM", NOW)
    vault.adopt(promote_key(added, key_id, NOW))
    assert vault.cipher.open(sealed, "a.b:c") == "周桂兰"
    assert vault.cipher.key_id == key_id
    assert FieldCipher(vault.keyring).open(vault.cipher.seal("x", "y"), "y") == "x"
    assert told == [KEYRING.field.current, key_id]


def test_a_vault_does_not_adopt_another_root() -> None:
    vault = Vault.of(KEYRING)
    with pytest.raises(KeyringError, match="restart"):
        vault.adopt(generate_keyring())
    assert vault.keyring is KEYRING

"""`./tongli keys` at the keyboard: what each step does to the keyring, what it refuses, and what it never shows."""

import asyncio
import json
import os
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.keys_watch import KeyringWatch
from crypto.fields import FieldCipher
from crypto.keys import Keyring, create_keyring, parse_keyring, read_keyring, render_keyring
from crypto.rotation import add_key, promote_key
from crypto.vault import Vault
from tests.actions.instances import superuser
from tests.cli.test_admin import ROOT, Installation

NOW = datetime.now(UTC)
ROWS = 3_000


@pytest.fixture
def place(tmp_path: Path, fresh_database: str, keyring: Keyring) -> Installation:
    """An installation whose keyring lies in a file, on a database of its own."""
    path = tmp_path / "keyring.json"
    path.touch(0o600)
    path.write_text(render_keyring(keyring))
    environment = {"TONGLI_DATABASE_URL": fresh_database, "TONGLI_KEYS_FILE": str(path)}
    return Installation(environment, fresh_database, fresh_database)


def refused(place: Installation, *words: str) -> str:
    """A command that must fail; its message."""
    code, out, err = place.run("keys", *words)
    assert code in (1, 2), out
    assert "Traceback" not in err
    return err


def file_of(place: Installation) -> Path:
    return Path(place.environment["TONGLI_KEYS_FILE"])


def keys(place: Installation, *words: str) -> str:
    """A command that must succeed; what it printed."""
    code, out, err = place.run("keys", *words)
    assert code == 0, err
    return out.strip()


def age(place: Installation, by: timedelta) -> None:
    """As if so much time had passed since the last step."""
    path, members = file_of(place), json.loads(file_of(place).read_text())
    for key in [*members["field"]["keys"], *members["blind"]["keys"], *members["tokens"]]:
        for name in {"made", "replaced"} & key.keys():
            moment = datetime.fromisoformat(key[name]) - by
            key[name] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    path.write_text(json.dumps(members))


def secrets_of(keyring: Keyring) -> list[str]:
    members = json.loads(render_keyring(keyring))
    sets = [*members["field"]["keys"], *members["blind"]["keys"], *members["tokens"]]
    return [members["root"], *(key["secret"] for key in sets)]


async def seal_something(place: Installation, keyring: Keyring) -> None:
    """One value under the current field key, one report under the current blind key."""
    async with superuser(place.superuser_url) as raw:
        await raw.execute(
            "INSERT INTO idempotency_record (agency_id, key_hash, fingerprint, status, answer, created_at) "
            "SELECT id, '\\x01', '\\x01', 200, $1, now() FROM agency LIMIT 1",
            FieldCipher(keyring).seal("{}", "idempotency_record.answer"),
        )


async def test_a_field_key_goes_through_all_its_steps(place: Installation, keyring: Keyring) -> None:
    old = keyring.field.current
    await seal_something(place, keyring)
    new = keys(place, "add", "field", "--algorithm", "SM4GCM")
    assert read_keyring(file_of(place)).field.current == old
    assert "not used yet" in keys(place, "show")
    age(place, timedelta(seconds=20))
    keys(place, "promote", new)
    assert read_keyring(file_of(place)).field.current == new
    assert "too early" in refused(place, "retire", old)
    age(place, timedelta(minutes=1))
    assert "1 values still stand under" in refused(place, "retire", old)
    assert keys(place, "rewrap") == "1 rows changed, 0 left as they are"
    assert keys(place, "rewrap") == "0 rows changed, 0 left as they are"
    keys(place, "retire", old)
    assert set(read_keyring(file_of(place)).field.keys) == {new}
    shown = keys(place, "show")
    assert old not in shown
    assert f"field  {new}" in shown
    assert "1 values" in shown


async def test_a_walk_that_was_killed_is_run_again_and_does_the_rest(place: Installation, keyring: Keyring) -> None:
    cipher = FieldCipher(keyring)
    sealed = [cipher.seal("{}", "idempotency_record.answer") for _ in range(ROWS)]
    new = keys(place, "promote", keys(place, "add", "field"), "--now") or read_keyring(file_of(place)).field.current
    under_new = "SELECT count(*) FROM idempotency_record WHERE sealed_as(answer) LIKE '%/' || $1"
    async with superuser(place.superuser_url) as raw:
        await raw.execute(
            "INSERT INTO idempotency_record (agency_id, key_hash, fingerprint, status, answer, created_at) "
            "SELECT (SELECT id FROM agency LIMIT 1), sha256(s), '\\x01', 200, s, now() FROM unnest($1::bytea[]) s",
            sealed,
        )
        walk = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "cli", "keys", "rewrap", "--batch", "1"),
            env={**os.environ, **place.environment, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(3_000):
            if await raw.fetchval(under_new, new) > ROWS // 20:
                break
            await asyncio.sleep(0.01)
        walk.kill()
        await walk.wait()
        assert 0 < await raw.fetchval(under_new, new) < ROWS
        keys(place, "rewrap")
        assert await raw.fetchval(under_new, new) == ROWS
        answers = await raw.fetch("SELECT answer FROM idempotency_record")
    now = FieldCipher(read_keyring(file_of(place)))
    assert {now.open(row["answer"], "idempotency_record.answer") for row in answers} == {"{}"}


async def test_a_restored_value_of_a_key_that_is_gone_is_said(place: Installation, keyring: Keyring) -> None:
    other, key_id = add_key(keyring, "field", "A256GCM", NOW)
    await seal_something(place, promote_key(other, key_id, NOW))
    assert f"1 stand under {key_id}, which this keyring does not have" in keys(place, "show")


async def test_a_blind_key_is_kept_until_every_row_says_another(place: Installation, keyring: Keyring) -> None:
    old = keyring.blind.current
    new = keys(place, "add", "blind")
    keys(place, "promote", new, "--now")
    age(place, timedelta(minutes=1))
    async with superuser(place.superuser_url) as raw:
        await raw.execute(_REPORT, b"\\x01")
        assert "do not say under which key" in refused(place, "retire", old)
        await raw.execute("UPDATE report SET source_key = $1", old)
        assert "1 values still stand under" in refused(place, "retire", old)
        code, out, err = place.run("keys", "reindex")
        assert (code, out) == (1, "0 rows changed, 1 left as they are\n"), "its body does not open"
        assert "report " in err
        await raw.execute("UPDATE report SET source_key = $1", new)
    keys(place, "retire", old)
    assert set(read_keyring(file_of(place)).blind.keys) == {new}


_REPORT = """
WITH a AS (SELECT id FROM agency LIMIT 1), opened AS (
    INSERT INTO "case" (id, number, kind, status, coordinator_agency_id, division_code, cause_primary, causes_secondary,
                        urgency, opened_at, updated_at, version)
    SELECT gen_random_uuid(), 'x', 'employer', 'reported', a.id, '340802', '1', '{}', 'normal', now(), now(), 1 FROM a
    RETURNING id)
INSERT INTO report (id, agency_id, case_id, source_system, source_record, aware_at, reported_at, reported_by, channel,
                    urgency, body, body_sha256, leaf_id)
SELECT gen_random_uuid(), a.id, opened.id, 's', $1, now(), now(), a.id, 'system', 'normal', '\\x02', '\\x02',
       gen_random_uuid() FROM a, opened"""


def test_a_token_key_is_kept_until_its_last_token_has_ended(place: Installation, keyring: Keyring) -> None:
    old = keyring.tokens[0].key_id
    new = keys(place, "add", "token")
    age(place, timedelta(minutes=1))
    keys(place, "promote", new)
    age(place, timedelta(minutes=10, seconds=28))
    assert "too early" in refused(place, "retire", old)
    age(place, timedelta(seconds=3))
    keys(place, "retire", old)
    assert [key.key_id for key in read_keyring(file_of(place)).tokens] == [new]


def test_a_stolen_token_key_goes_at_once_and_only_a_token_key_does(place: Installation, keyring: Keyring) -> None:
    for kind in ("token", "field"):
        keys(place, "promote", keys(place, "add", kind), "--now")
    keys(place, "retire", keyring.tokens[0].key_id, "--stolen")
    assert keyring.tokens[0].key_id not in [key.key_id for key in read_keyring(file_of(place)).tokens]
    assert "--stolen is for token keys" in refused(place, "retire", keyring.field.current, "--stolen")


def test_a_key_that_was_edited_in_by_hand_is_marked_before_it_may_go(place: Installation, keyring: Keyring) -> None:
    added, key_id = add_key(keyring, "token", "ES256", NOW)
    by_hand = replace(added, tokens=(added.tokens[0], replace(added.tokens[1], made=None)))
    file_of(place).write_text(render_keyring(by_hand))
    assert "it does now" in refused(place, "retire", key_id)
    assert "too early" in refused(place, "retire", key_id)
    age(place, timedelta(minutes=11))
    keys(place, "retire", key_id)


def test_promoting_waits_until_every_process_has_read_the_key(
    place: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("cli.keys.time.sleep", waited.append)
    keys(place, "promote", keys(place, "add", "field"))
    assert 15 < waited[0] <= 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "signing"], "invalid choice"),
        (["add", "field", "--algorithm", "HS256"], "A256GCM, SM4GCM"),
        (["promote", "f-nobody"], "no key of that id"),
        (["retire", "f-nobody"], "no key of that id"),
        (["rewrap", "--batch", "0"], "1 to 5000"),
    ],
)
def test_a_wrong_word_is_named_and_nothing_is_changed(place: Installation, words: list[str], said: str) -> None:
    before = file_of(place).read_text()
    assert said in refused(place, *words)
    assert file_of(place).read_text() == before


def test_the_current_key_is_not_retired(place: Installation, keyring: Keyring) -> None:
    assert "promote another" in refused(place, "retire", keyring.field.current)


def test_each_edit_keeps_the_text_before_and_no_secret_is_shown(place: Installation, keyring: Keyring) -> None:
    before = file_of(place).read_text()
    said = [*place.run("keys", "add", "field")[1:], *place.run("keys", "show")[1:]]
    now = read_keyring(file_of(place))
    assert not [secret for secret in {*secrets_of(keyring), *secrets_of(now)} for text in said if secret in text]
    (kept,) = (file for file in file_of(place).parent.iterdir() if file != file_of(place))
    assert kept.read_text() == before
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


# A keyring that comes from the environment


@pytest.fixture
def given(place: Installation, keyring: Keyring) -> Installation:
    environment = {"TONGLI_DATABASE_URL": place.admin_url, "TONGLI_KEYS": render_keyring(keyring)}
    return replace(place, environment=environment)


def test_the_new_text_goes_to_a_private_file_and_never_over_another(given: Installation, tmp_path: Path) -> None:
    out = tmp_path / "new.json"
    key_id = keys(given, "add", "blind", "--out", str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert key_id in read_keyring(out).blind.keys
    assert "is there already" in refused(given, "add", "blind", "--out", str(out))


def test_without_out_nothing_is_made_and_print_shows_the_text(given: Installation, keyring: Keyring) -> None:
    assert "--out" in refused(given, "add", "field")
    text = keys(given, "add", "field", "--print")
    body, _, key_id = text.rpartition("\n")
    assert key_id in parse_keyring(body).field.keys
    assert parse_keyring(body).root == keyring.root


def test_without_a_keyring_none_is_made(place: Installation, tmp_path: Path) -> None:
    bare = replace(place, environment={"TONGLI_DATABASE_URL": place.admin_url})
    assert "no keyring here" in refused(bare, "--data-dir", str(tmp_path / "empty"), "show")
    assert not (tmp_path / "empty").exists()


# A process that follows the file


@pytest.fixture
def watched(tmp_path: Path) -> tuple[Path, Vault, KeyringWatch]:
    path = tmp_path / "keyring.json"
    vault = Vault.of(create_keyring(path))
    return path, vault, KeyringWatch(path, vault)


def written(path: Path, keyring: Keyring) -> None:
    draft = path.with_suffix(".draft")
    draft.touch(0o600)
    draft.write_text(render_keyring(keyring))
    draft.replace(path)


def test_a_changed_file_is_read_once(watched: tuple[Path, Vault, KeyringWatch]) -> None:
    path, vault, watch = watched
    assert not watch.look()
    added, key_id = add_key(vault.keyring, "field", "A256GCM", NOW)
    written(path, promote_key(added, key_id, NOW))
    assert watch.look()
    assert vault.cipher.key_id == key_id
    assert not watch.look()


@pytest.mark.parametrize("fault", ["gone", "half", "open to others", "another root"])
def test_a_file_that_cannot_be_used_leaves_the_keys_in_force_and_a_good_one_is_taken_afterwards(
    watched: tuple[Path, Vault, KeyringWatch], fault: str
) -> None:
    path, vault, watch = watched
    before = vault.keyring
    added, key_id = add_key(before, "field", "A256GCM", NOW)
    match fault:
        case "gone":
            path.unlink()
        case "half":
            path.write_text(render_keyring(before)[:100])
        case "open to others":
            written(path, added)
            path.chmod(0o644)
        case "another root":
            written(path, replace(added, root=os.urandom(32)))
    assert not watch.look()
    assert vault.keyring is before
    written(path, added)
    assert watch.look()
    assert key_id in vault.keyring.field.keys

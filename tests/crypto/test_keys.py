"""The keyring: what is refused, how it is stored, and what is derived from it."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.keys import (
    Keyring,
    KeyringError,
    create_keyring,
    generate_keyring,
    parse_keyring,
    read_keyring,
    render_keyring,
)
from crypto.strict import encode_base64url

KEYRING = generate_keyring()
CHECKOUT = Path(__file__).parents[2]


def members() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render_keyring(KEYRING))
    return parsed


def with_secret(secret: bytes | str, part: str = "field", algorithm: str | None = None) -> str:
    changed = members()
    key = changed["tokens"][0] if part == "tokens" else changed[part]["keys"][0]
    key["secret"] = secret if isinstance(secret, str) else encode_base64url(secret)
    key["algorithm"] = algorithm or key["algorithm"]
    return json.dumps(changed)


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    copy = members()
    change(copy)
    return json.dumps(copy)


def test_a_keyring_survives_being_written_and_read() -> None:
    assert parse_keyring(render_keyring(KEYRING)) == KEYRING


def test_every_keyring_is_its_own() -> None:
    one, other = generate_keyring(), generate_keyring()
    assert one.root != other.root
    assert one.field.current_key.secret != other.field.current_key.secret
    assert one.tokens[0].scalar != other.tokens[0].scalar


def test_many_generated_keyrings_all_pass_the_checks() -> None:
    for _ in range(200):
        parse_keyring(render_keyring(generate_keyring()))


def test_national_algorithms_take_their_own_key_lengths() -> None:
    text = with_secret(os.urandom(16), "field", "SM4GCM")
    assert parse_keyring(text).field.current_key.algorithm == "SM4GCM"
    text = with_secret(os.urandom(32), "blind", "HSM3")
    assert parse_keyring(text).blind.current_key.algorithm == "HSM3"


WEAK: dict[str, tuple[str, str]] = {
    "empty": ("32 bytes, has 0", with_secret(b"")),
    "one byte": ("32 bytes, has 1", with_secret(b"k")),
    "31 bytes": ("32 bytes, has 31", with_secret(os.urandom(31))),
    "33 bytes": ("32 bytes, has 33", with_secret(os.urandom(33))),
    "SM4 with an AES key": ("16 bytes, has 32", with_secret(os.urandom(32), "field", "SM4GCM")),
    "all zero": ("repeated bytes", with_secret(bytes(32))),
    "one byte repeated": ("repeated bytes", with_secret(b"\xaa" * 32)),
    "SM4 key of zeros": ("repeated bytes", with_secret(bytes(16), "field", "SM4GCM")),
    "three bytes alternating": ("repeated bytes", with_secret(b"\x01\x80\xff" * 10 + b"\x01\x80")),
    "eight bytes repeated": ("repeated pattern", with_secret(bytes.fromhex("0123456789abcdef") * 4)),
    "counting up": ("counting bytes", with_secret(bytes(range(32)))),
    "counting down by three": ("counting bytes", with_secret(bytes((250 - 3 * n) % 256 for n in range(32)))),
    "a pass phrase": ("readable text", with_secret(b"correct horse battery staple 123")),
    "hex text taken for bytes": ("readable text", with_secret(os.urandom(16).hex().encode())),
    "placeholder inside": ("placeholder", with_secret(os.urandom(12) + b"ChangeMe" + os.urandom(12))),
    "placeholder word": ("placeholder", with_secret("changeme")),
    "placeholder filled up": ("placeholder", with_secret("your-password-here-your-password-here-your-")),
    "not base64url": ("not base64url", with_secret("+" * 43)),
    "padded": ("not base64url", with_secret(encode_base64url(os.urandom(32)) + "=")),
    "token key zero": ("repeated bytes", with_secret(bytes(32), "tokens")),
    "token key beyond the order": ("not a P-256", with_secret(b"\xff" * 20 + os.urandom(12), "tokens")),
    "root repeated": ("root: repeated", changed(lambda it: it.update(root=encode_base64url(b"r" * 32)))),
    "root short": ("root: secret must be 32", changed(lambda it: it.update(root="AAAA"))),
    "the same secret twice": (
        "used twice",
        changed(lambda it: it["blind"]["keys"][0].update(secret=it["field"]["keys"][0]["secret"])),
    ),
    "root used again": ("used twice", changed(lambda it: it["field"]["keys"][0].update(secret=it["root"]))),
}

MALFORMED: dict[str, tuple[str, str]] = {
    "empty text": ("not a strict JSON object", ""),
    "a list": ("not a JSON object", "[]"),
    "cut off": ("not a strict JSON object", render_keyring(KEYRING)[:-20]),
    "a member twice": ("not a strict JSON object", render_keyring(KEYRING).replace("{", '{"root": "x",', 1)),
    "nested beyond reading": ("not a strict JSON object", '{"a":' * 20_000),
    "no root": ("root missing", changed(lambda it: it.pop("root"))),
    "no tokens": ("tokens missing", changed(lambda it: it.pop("tokens"))),
    "unknown member": ("only", changed(lambda it: it.update(extra=1))),
    "version 2": ("version must be 1", changed(lambda it: it.update(version=2))),
    "version true": ("version must be 1", changed(lambda it: it.update(version=True))),
    "root a number": ("root must be text", changed(lambda it: it.update(root=1))),
    "field a list": ("field must be an object", changed(lambda it: it.update(field=[]))),
    "keys an object": ("must be a list", changed(lambda it: it["field"].update(keys={}))),
    "no keys": ("1 to 32 keys", changed(lambda it: it["field"].update(keys=[]))),
    "33 keys": ("1 to 32 keys", changed(lambda it: it["field"].update(keys=it["field"]["keys"] * 33))),
    "no token key": ("1 to 32 keys", changed(lambda it: it.update(tokens=[]))),
    "a key that is text": ("must be an object", changed(lambda it: it["field"].update(keys=["x"]))),
    "current names nothing": ("names no key", changed(lambda it: it["field"].update(current="gone"))),
    "two keys of one id": ("same id", changed(lambda it: it["field"]["keys"].append(it["field"]["keys"][0]))),
    "id with a space": ("A-Z a-z", changed(lambda it: it["tokens"][0].update(id="a b"))),
    "id too long": ("A-Z a-z", changed(lambda it: it["tokens"][0].update(id="i" * 33))),
    "unknown algorithm": ("must be one of A256GCM, SM4GCM", with_secret(os.urandom(32), "field", "A128CBC")),
    "field algorithm for tokens": ("must be one of ES256", with_secret(os.urandom(32), "tokens", "A256GCM")),
    "HMAC for tokens": ("must be one of ES256", with_secret(os.urandom(32), "tokens", "HS256")),
}


@pytest.mark.parametrize("name", [*WEAK, *MALFORMED])
def test_a_faulty_keyring_is_refused_with_a_clear_message(name: str) -> None:
    message, text = {**WEAK, **MALFORMED}[name]
    with pytest.raises(KeyringError, match=message):
        parse_keyring(text)


@pytest.mark.parametrize("name", [*WEAK, *MALFORMED])
def test_no_message_and_no_traceback_repeats_a_secret(name: str) -> None:
    text = {**WEAK, **MALFORMED}[name][1]
    with pytest.raises(KeyringError) as refusal:
        parse_keyring(text)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    for secret in (members()["root"], members()["field"]["keys"][0]["secret"]):
        assert secret not in str(refusal.value)


def test_a_keyring_does_not_print_its_secrets() -> None:
    shown = repr(KEYRING)
    for secret in (KEYRING.root, KEYRING.field.current_key.secret, KEYRING.tokens[0].scalar):
        assert repr(secret) not in shown


def test_derived_keys_follow_rfc_5869_and_differ_by_purpose() -> None:
    own = HKDF(algorithm=SHA256(), length=32, salt=b"tongli", info=b"cursor").derive(KEYRING.root)
    assert KEYRING.derive("cursor") == own != KEYRING.derive("cursors")
    assert len(KEYRING.derive("cursor", 16)) == 16
    with pytest.raises(ValueError, match="purpose"):
        KEYRING.derive("")


def test_role_passwords_are_stable_urlsafe_and_different() -> None:
    again = parse_keyring(render_keyring(KEYRING))
    assert KEYRING.role_password("tongli_app") == again.role_password("tongli_app")
    assert KEYRING.role_password("tongli_app") != KEYRING.role_password("tongli_jobs")
    assert len(KEYRING.role_password("tongli_app")) == 43
    assert KEYRING.role_password("tongli_app").replace("-", "").replace("_", "").isalnum()


def test_a_created_file_is_for_its_owner_only_and_leaves_no_drafts(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.json"
    previous = os.umask(0)
    try:
        keyring = create_keyring(path)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["keys.json"]
    assert read_keyring(path) == keyring


@pytest.mark.parametrize("umask", [0, 0o027, 0o777])
def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    previous = os.umask(umask)
    try:
        create_keyring(tmp_path / "keys.json")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_an_existing_file_is_read_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = create_keyring(path)
    assert create_keyring(path) == first


def test_a_faulty_existing_file_is_reported_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("{}")
    path.chmod(0o600)
    with pytest.raises(KeyringError, match="missing"):
        create_keyring(path)
    assert path.read_text() == "{}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o601, 0o777])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    create_keyring(path)
    path.chmod(mode)
    with pytest.raises(KeyringError, match=f"{mode:04o}"):
        read_keyring(path)


def test_a_read_only_file_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keyring = create_keyring(path)
    path.chmod(0o400)
    assert read_keyring(path) == keyring


def test_a_link_to_an_open_file_is_refused(tmp_path: Path) -> None:
    target, link = tmp_path / "open.json", tmp_path / "keys.json"
    target.write_text(render_keyring(KEYRING))
    target.chmod(0o644)
    link.symlink_to(target)
    with pytest.raises(KeyringError, match="0644"):
        read_keyring(link)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b" " * 70_000, "larger than"), (b"\xff\xfe", "UTF-8"), (b"", "JSON")],
    ids=["big", "binary", "empty"],
)
def test_a_file_that_holds_no_keyring_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyringError, match=message):
        read_keyring(path)


def test_a_missing_file_is_an_operating_system_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_keyring(tmp_path / "keys.json")


def test_a_device_is_no_keyring() -> None:
    with pytest.raises(KeyringError, match="regular file"):
        read_keyring(Path("/dev/null"))


def test_threads_that_create_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with ThreadPoolExecutor(16) as pool:
        keyrings = list(pool.map(lambda _: create_keyring(path), range(64)))
    assert all(keyring == keyrings[0] for keyring in keyrings)
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


def test_processes_that_create_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    program = "import sys; from pathlib import Path; from crypto.keys import create_keyring, render_keyring\n"
    program += "print(render_keyring(create_keyring(Path(sys.argv[1]))), end='')"
    command = [sys.executable, "-c", program, str(path)]
    racers = [subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = {racer.communicate(timeout=30)[0] for racer in racers}
    assert answers == {path.read_text()}
    assert all(racer.returncode == 0 for racer in racers)


def test_a_keyring_is_frozen() -> None:
    with pytest.raises(AttributeError):
        KEYRING.root = b""  # type: ignore[misc] # the point of the test
    with pytest.raises(TypeError):
        KEYRING.field.keys["x"] = KEYRING.field.current_key  # type: ignore[index] # the point of the test
    assert isinstance(KEYRING, Keyring)

"""Sealed cursors: good for one caller, one list and one day."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.keys import generate_keyring
from crypto.seals import MAX_CHARS, Sealer
from crypto.strict import decode_base64url, encode_base64url
from rules.errors import InvalidCursor

KEYRING = generate_keyring()
SEALER = Sealer(KEYRING, "cursor")
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=24)
BINDING = '["client-1","agency-1","/v1/cases",{"status":"open"}]'
PAYLOAD: dict[str, str | int | None] = {
    "after": "01a0c000",
    "updated_at": 1_772_000_000,
    "name": "周桂兰",
    "none": None,
}
TEXT = SEALER.seal(PAYLOAD, binding=BINDING, expires_at=UNTIL)


def open_cursor(text: str, binding: str = BINDING, now: datetime = NOW) -> dict[str, str | int | None]:
    return SEALER.open(text, binding=binding, now=now)


def test_a_cursor_comes_back_as_it_went_out() -> None:
    assert open_cursor(TEXT) == PAYLOAD
    assert open_cursor(SEALER.seal({}, binding="", expires_at=UNTIL), binding="") == {}


def test_a_cursor_is_urlsafe_shows_nothing_and_is_never_the_same() -> None:
    assert decode_base64url(TEXT)
    assert b"01a0c000" not in decode_base64url(TEXT)
    assert SEALER.seal(PAYLOAD, binding=BINDING, expires_at=UNTIL) != TEXT


def test_another_process_with_the_same_keyring_opens_it() -> None:
    assert Sealer(KEYRING, "cursor").open(TEXT, binding=BINDING, now=NOW) == PAYLOAD


@pytest.mark.parametrize("binding", ["", BINDING + " ", BINDING.replace("client-1", "client-2"), "\ud800"])
def test_a_cursor_of_another_caller_or_list_is_invalid(binding: str) -> None:
    with pytest.raises(InvalidCursor):
        open_cursor(TEXT, binding=binding)


def test_a_cursor_of_another_purpose_or_deployment_is_invalid() -> None:
    for stranger in (Sealer(KEYRING, "feed"), Sealer(generate_keyring(), "cursor")):
        with pytest.raises(InvalidCursor):
            stranger.open(TEXT, binding=BINDING, now=NOW)


def test_a_cursor_ends_at_its_time() -> None:
    assert open_cursor(TEXT, now=UNTIL - timedelta(seconds=1)) == PAYLOAD
    with pytest.raises(InvalidCursor):
        open_cursor(TEXT, now=UNTIL)


def test_a_change_of_any_byte_is_noticed() -> None:
    blob = decode_base64url(TEXT)
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(InvalidCursor):
            open_cursor(encode_base64url(bytes(changed)))
        with pytest.raises(InvalidCursor):
            open_cursor(encode_base64url(blob[:position]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "AQ",
        "%00",
        TEXT + "=",
        TEXT + "A" * MAX_CHARS,
        " " + TEXT,
        TEXT + "\n",
        "中文",
        "\ud800",
        "null",
        "-" * 2048,
    ],
)
def test_whatever_else_comes_is_invalid_and_never_crashes(text: str) -> None:
    with pytest.raises(InvalidCursor):
        open_cursor(text)


def forged(content: bytes) -> str:
    """A cursor with a good tag around any content, as only we could make it."""
    nonce = secrets.token_bytes(12)
    cipher = AESGCM(KEYRING.derive("seal cursor"))
    return encode_base64url(b"\x01" + nonce + cipher.encrypt(nonce, content, b"\x01" + BINDING.encode()))


@pytest.mark.parametrize("content", [b"[]", b"1", b'{"until":99999999999}', b'{"until":"9","payload":{}}', b"\xff"])
def test_a_sealed_text_of_another_form_is_invalid(content: bytes) -> None:
    with pytest.raises(InvalidCursor):
        open_cursor(forged(content))


def test_an_overlong_text_is_invalid_even_with_a_good_tag() -> None:
    assert open_cursor(forged(b'{"until":99999999999,"payload":{}}')) == {}
    with pytest.raises(InvalidCursor):
        open_cursor(forged(b'{"until":99999999999,"payload":{}}' + b" " * MAX_CHARS))


def test_a_payload_too_long_for_a_link_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="2048"):
        SEALER.seal({"x": "x" * 1600}, binding=BINDING, expires_at=UNTIL)

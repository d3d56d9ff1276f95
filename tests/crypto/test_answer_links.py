"""Tokens of answer links: nobody else can make, change or prolong one; the next one follows from the last."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.answer_links import LINK_PREFIX, TOKEN_CHARS, LinkTokens
from crypto.keys import generate_keyring
from crypto.strict import decode_base64url, encode_base64url
from logs import redact
from rules.errors import Hidden

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = NOW + timedelta(days=14)
TOKENS = LinkTokens(generate_keyring())


def test_a_token_says_which_link_it_is_until_it_runs_out() -> None:
    link_id = uuid4()
    token = TOKENS.make(link_id, SOON)
    assert len(token) == TOKEN_CHARS
    assert TOKENS.read(token, NOW) == link_id
    assert TOKENS.read(token, SOON - timedelta(seconds=1)) == link_id
    with pytest.raises(Hidden):
        TOKENS.read(token, SOON)


def test_two_tokens_of_one_link_share_no_secret() -> None:
    link_id = uuid4()
    one, two = (decode_base64url(TOKENS.make(link_id, SOON).removeprefix(LINK_PREFIX)) for _ in range(2))
    assert one[25:41] != two[25:41]
    assert len(one[25:41]) * 8 >= 128


@pytest.mark.parametrize("byte", range(57))
def test_no_byte_of_a_token_can_be_changed(byte: int) -> None:
    blob = bytearray(decode_base64url(TOKENS.make(uuid4(), SOON).removeprefix(LINK_PREFIX)))
    blob[byte] ^= 1
    with pytest.raises(Hidden):
        TOKENS.read(LINK_PREFIX + encode_base64url(bytes(blob)), NOW)


def test_a_token_of_another_deployment_is_none() -> None:
    with pytest.raises(Hidden):
        TOKENS.read(LinkTokens(generate_keyring()).make(uuid4(), SOON), NOW)


@given(st.text(max_size=120))
def test_reading_is_total(text: str) -> None:
    with pytest.raises(Hidden):
        TOKENS.read(text, NOW)


def test_the_next_token_follows_from_the_last_and_from_our_key() -> None:
    first, other, link_id = TOKENS.make(uuid4(), SOON), TOKENS.make(uuid4(), SOON), uuid4()
    following = TOKENS.following(first, link_id, SOON)
    assert following == TOKENS.following(first, link_id, SOON)
    assert TOKENS.read(following, NOW) == link_id
    assert following != TOKENS.following(other, link_id, SOON)
    assert following != LinkTokens(generate_keyring()).following(first, link_id, SOON)


def test_a_token_in_a_log_line_is_blanked() -> None:
    token = TOKENS.make(uuid4(), SOON)
    assert token not in redact(f"POST /answer link={token} 200")
    assert token[10:70] not in redact(f"https://tongli.example/answer#{token}")

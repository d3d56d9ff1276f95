"""Tokens nobody honest would send. Each is refused for the reason that the table names, so no check hides another."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from rules.errors import NotAuthenticated, TokenExpired
from tests.crypto.forge import (
    ACCESS_HEADER,
    AT,
    AUTHORITY,
    CLIENT,
    ISSUER,
    NOW,
    SCALAR,
    access_claims,
    access_header,
    signed,
    signed_hs256,
)
from tests.crypto.hostile import good_token, hostile_assertions, hostile_tokens

GOOD = good_token()
CORPUS = hostile_tokens()


def test_the_token_that_the_table_changes_is_itself_good() -> None:
    assert AUTHORITY.verify(GOOD, NOW).client_id == CLIENT


def test_the_table_is_long_enough() -> None:
    assert len(CORPUS) >= 120
    assert len({token for _, token in [*CORPUS.values(), *hostile_assertions().values()]}) >= 200


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_token_is_refused_for_its_own_reason(name: str) -> None:
    reason, token = CORPUS[name]
    with pytest.raises(NotAuthenticated) as refusal:
        AUTHORITY.verify(token, NOW)
    assert (refusal.value.code, refusal.value.facts) == ("not-authenticated", {"reason": reason})


@pytest.mark.parametrize("name", ["our private number as secret", "empty secret", "kid as secret"])
def test_hmac_is_refused_whatever_the_secret(name: str) -> None:
    secret = {"our private number as secret": SCALAR, "empty secret": b"", "kid as secret": b"t-1"}[name]
    with pytest.raises(NotAuthenticated):
        AUTHORITY.verify(signed_hs256(access_header(alg="HS256"), access_claims(), secret), NOW)


def test_every_single_changed_character_is_noticed() -> None:
    for position in range(0, len(GOOD), 7):
        changed = "B" if GOOD[position] == "A" else "A"
        with pytest.raises(NotAuthenticated):
            AUTHORITY.verify(GOOD[:position] + changed + GOOD[position + 1 :], NOW)


def test_random_bytes_are_refused_and_never_crash() -> None:
    for length in range(120):
        with pytest.raises(NotAuthenticated):
            AUTHORITY.verify(secrets.token_bytes(length).decode("latin-1"), NOW)


def test_a_refused_token_is_not_remembered_as_good() -> None:
    token = signed(ACCESS_HEADER, access_claims(aud=[ISSUER]))
    for _ in range(2):
        with pytest.raises(NotAuthenticated):
            AUTHORITY.verify(token, NOW)


@pytest.mark.parametrize(
    ("seconds_after_exp", "accepted"), [(-1, True), (0, True), (29, True), (30, False), (9999, False)]
)
def test_expiry_has_thirty_seconds_of_leeway(seconds_after_exp: int, accepted: bool) -> None:
    moment = NOW + timedelta(seconds=600 + seconds_after_exp)
    if accepted:
        assert AUTHORITY.verify(GOOD, moment).expires_at == datetime.fromtimestamp(AT + 600, UTC)
        return
    with pytest.raises(TokenExpired):
        AUTHORITY.verify(GOOD, moment)


@pytest.mark.parametrize(("seconds_before", "accepted"), [(30, True), (31, False)])
def test_a_token_from_a_clock_slightly_ahead_is_good(seconds_before: int, accepted: bool) -> None:
    moment = NOW - timedelta(seconds=seconds_before)
    if accepted:
        assert AUTHORITY.verify(GOOD, moment).issued_at == NOW
        return
    with pytest.raises(NotAuthenticated):
        AUTHORITY.verify(GOOD, moment)

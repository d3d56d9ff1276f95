"""Codes of the second factor against RFC 6238, and what is typed from paper; passwords; PKCE."""

from datetime import UTC, datetime

import pytest

from crypto.grants import answers_challenge, is_challenge, new_code, new_refresh_token
from crypto.passwords import NOBODYS, hash_password, matches
from crypto.second_factors import matching_step, new_paper_code, new_totp_secret, paper_code_typed, totp_text, totp_uri

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert matching_step(RFC_SECRET, code, now, after=0) == seconds // 30
    assert matching_step(RFC_SECRET, f"{code[:3]} {code[3:]}", now, after=0) == seconds // 30
    assert matching_step(RFC_SECRET, code, now, after=seconds // 30) is None, "used once"


@pytest.mark.parametrize(("drift", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_of_the_step_before_or_behind_is_taken(drift: int, good: bool) -> None:
    now = datetime.fromtimestamp(1_111_111_110 + drift, UTC)
    assert (matching_step(RFC_SECRET, "050471", now, after=0) is not None) is good


@pytest.mark.parametrize("code", ["", "12345", "1234567", "０５０４７１", "05047a", "-50471", "0x0471"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(RFC_SECRET, code, datetime.fromtimestamp(1_111_111_111, UTC), after=0) is None


def test_an_authenticator_app_gets_the_whole_secret() -> None:
    secret = new_totp_secret()
    assert len(secret) == 20
    assert f"secret={totp_text(secret)}" in totp_uri(secret, account="zhao@340802-UNION", issuer="Tongli")


def test_a_code_from_paper_is_read_however_it_is_typed() -> None:
    code = new_paper_code(4)
    assert len(code) == 23
    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "):
        assert paper_code_typed(typed) == code


def test_a_password_matches_itself_and_nothing_else() -> None:
    kept = hash_password("correct staple battery")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert matches("correct staple battery", kept)
    assert not matches("correct staple battery ", kept)
    assert not matches("x", "$argon2id$broken")


def test_nobody_signs_in_where_there_is_no_account() -> None:
    assert NOBODYS.rsplit("$", 2)[0] == hash_password("x").rsplit("$", 2)[0], "it costs as much"
    assert not matches("", NOBODYS)
    assert not matches("x", NOBODYS)


def test_the_same_characters_of_another_keyboard_are_the_same_password() -> None:
    assert matches("Ｃｏｒｒｅｃｔ staple", hash_password("Correct staple"))


def test_the_verifier_is_that_of_rfc_7636() -> None:
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert is_challenge(challenge)
    assert answers_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge)
    assert not answers_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge)
    assert not answers_challenge(challenge, challenge), "plain"
    assert not answers_challenge("short", challenge)


def test_codes_and_refresh_tokens_are_told_apart_by_whoever_finds_one() -> None:
    assert (new_code()[:4], new_refresh_token()[:4]) == ("tlc_", "tlr_")
    assert len({new_refresh_token() for _ in range(100)}) == 100

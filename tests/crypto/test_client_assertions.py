"""Client assertions (RFC 7523): how an agency's system proves who it is when it asks for a token."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt as other_jwt
from joserfc.jwk import ECKey

from crypto.tokens import (
    assertion_client_id,
    public_jwk_of,
    sign_client_assertion,
    verify_client_assertion,
)
from rules.errors import NotAuthenticated, TokenExpired
from tests.crypto.forge import (
    ABSENT,
    AT,
    AUTHORITY,
    ISSUER,
    NOW,
)
from tests.crypto.hostile import (
    CLIENT_ID,
    OTHER_PUBLIC,
    PRIVATE,
    PUBLIC,
    assertion,
    claims,
    header,
    hostile_assertions,
)

KEYS = [OTHER_PUBLIC, PUBLIC]


def verify(assertion: str, now: datetime = NOW) -> str:
    claims = verify_client_assertion(assertion, client_id=CLIENT_ID, keys=KEYS, issuer=ISSUER, now=now)
    return claims.token_id


def test_an_assertion_names_its_client_before_and_proves_it_after_the_check() -> None:
    text = sign_client_assertion(PRIVATE, client_id=CLIENT_ID, audience=ISSUER, now=NOW)
    assert assertion_client_id(text) == CLIENT_ID
    proven = verify_client_assertion(text, client_id=CLIENT_ID, keys=KEYS, issuer=ISSUER, now=NOW)
    assert (proven.key_id, proven.issued_at, proven.expires_at) == (PUBLIC["kid"], NOW, NOW + timedelta(seconds=60))
    assert len(proven.token_id) >= 8


GOOD: dict[str, str] = {
    "as it is": assertion(),
    "typ JWT": assertion(head=header(typ="JWT")),
    "no typ": assertion(head=header(typ=ABSENT)),
    "foreign claims beside": assertion(name="社保系统", nested={"a": [1]}),
    "a thumbprint in the header": assertion(head=header(x5t="abc")),
    "120 seconds": assertion(exp=AT + 120),
    "clock of the client 30 seconds ahead": assertion(iat=AT + 30, nbf=AT + 30, exp=AT + 150),
    "expired within the leeway": assertion(iat=AT - 80, exp=AT - 29),
    "jti of 8": assertion(jti="12345678"),
    "jti of 128": assertion(jti="j" * 128),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_honest_clients_send_is_accepted(name: str) -> None:
    assert verify(GOOD[name])


HOSTILE = hostile_assertions()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_assertion_is_refused_for_its_own_reason(name: str) -> None:
    reason, text = HOSTILE[name]
    with pytest.raises(NotAuthenticated) as refusal:
        verify(text)
    assert refusal.value.facts == {"reason": reason}


def test_no_assertion_reaches_further_than_its_lifetime_and_the_leeway() -> None:
    farthest = [NOW + timedelta(seconds=seconds) for seconds in (120, 150)]
    for iat, exp in ((AT, AT + 120), (AT + 30, AT + 150)):
        text = assertion(iat=iat, exp=exp)
        proven = verify_client_assertion(text, client_id=CLIENT_ID, keys=KEYS, issuer=ISSUER, now=NOW)
        assert proven.expires_at in farthest
    for iat, exp in ((AT, AT + 121), (AT + 30, AT + 151), (AT + 31, AT + 150)):
        with pytest.raises(NotAuthenticated):
            verify(assertion(iat=iat, exp=exp))


def test_an_expired_assertion_is_not_called_an_expired_token() -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        verify(HOSTILE["expired"][1])
    assert not isinstance(refusal.value, TokenExpired)


def test_an_assertion_is_no_access_token() -> None:
    with pytest.raises(NotAuthenticated):
        AUTHORITY.verify(assertion(), NOW)


def test_two_keys_of_the_same_id_are_no_key() -> None:
    twins = [PUBLIC, {**OTHER_PUBLIC, "kid": PUBLIC["kid"]}]
    with pytest.raises(NotAuthenticated):
        verify_client_assertion(assertion(), client_id=CLIENT_ID, keys=twins, issuer=ISSUER, now=NOW)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: {**key, "kty": "oct", "k": "AAAA"},
        lambda key: {**key, "y": key["x"]},
        lambda key: {name: value for name, value in key.items() if name != "y"},
    ],
    ids=["symmetric", "off the curve", "without y"],
)
def test_a_faulty_registered_key_verifies_nothing(spoil: Callable[[dict[str, str]], dict[str, str]]) -> None:
    with pytest.raises(NotAuthenticated):
        verify_client_assertion(assertion(), client_id=CLIENT_ID, keys=[spoil(PUBLIC)], issuer=ISSUER, now=NOW)


def test_no_keys_verify_nothing() -> None:
    with pytest.raises(NotAuthenticated):
        verify_client_assertion(assertion(), client_id=CLIENT_ID, keys=[], issuer=ISSUER, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b.c",
        "." * 4000,
        "x" * 5000,
        "\ud800",
        assertion(sub=ABSENT),
        assertion(sub=1),
        assertion(sub="s" * 65),
    ],
    ids=["empty", "letter", "three letters", "dots", "long", "surrogate", "no sub", "number", "long sub"],
)
def test_an_unreadable_assertion_names_nobody(text: str) -> None:
    assert assertion_client_id(text) is None


def test_random_bytes_name_nobody_and_never_crash() -> None:
    assert {assertion_client_id(secrets.token_bytes(length).decode("latin-1")) for length in range(100)} == {None}


def test_a_second_library_and_ours_accept_each_other() -> None:
    theirs = other_jwt.encode(
        {"alg": "ES256", "kid": PRIVATE["kid"]}, claims(), ECKey.import_key(dict(PRIVATE)), algorithms=["ES256"]
    )
    assert verify(theirs) == "assertion-1"
    ours = sign_client_assertion(PRIVATE, client_id=CLIENT_ID, audience=ISSUER, now=datetime.now(UTC))
    seen = other_jwt.decode(ours, ECKey.import_key(dict(public_jwk_of(PRIVATE))), algorithms=["ES256"])
    assert seen.claims["aud"] == ISSUER

"""Client assertions (RFC 7523): how an agency's system proves who it is when it asks for a token."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt as other_jwt
from joserfc.jwk import ECKey

from crypto.strict import decode_base64url
from crypto.tokens import (
    assertion_client_id,
    generate_client_key,
    public_jwk_of,
    sign_client_assertion,
    verify_client_assertion,
)
from rules.errors import NotAuthenticated, TokenExpired
from tests.crypto.forge import (
    ABSENT,
    ACCESS_HEADER,
    AT,
    AUTHORITY,
    ISSUER,
    NOW,
    access_claims,
    signed,
    signed_hs256,
    without_absent,
)

CLIENT_ID = "01a0c000-0000-7000-8000-0000000000cc"
PRIVATE, PUBLIC = generate_client_key()
OTHER_PRIVATE, OTHER_PUBLIC = generate_client_key()
KEYS = [OTHER_PUBLIC, PUBLIC]


def verify(assertion: str, now: datetime = NOW) -> str:
    claims = verify_client_assertion(assertion, client_id=CLIENT_ID, keys=KEYS, issuer=ISSUER, now=now)
    return claims.token_id


def header(**changes: object) -> dict[str, object]:
    return without_absent({"alg": "ES256", "typ": "client-authentication+jwt", "kid": PRIVATE["kid"], **changes})


def claims(**changes: object) -> dict[str, object]:
    own = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ISSUER, "jti": "assertion-1", "iat": AT, "exp": AT + 60}
    return without_absent({**own, **changes})


def assertion(*, key: dict[str, str] = PRIVATE, head: dict[str, object] | None = None, **changes: object) -> str:
    return signed(head or header(), claims(**changes), decode_base64url(key["d"]))


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


HOSTILE: dict[str, tuple[str, str]] = {
    "empty": ("malformed", ""),
    "too long": ("too-long", assertion(filler="f" * 4096)),
    "access token of ours as assertion": ("type", signed(ACCESS_HEADER, access_claims())),
    "typ of an access token": ("type", assertion(head=header(typ="at+jwt"))),
    "unknown crit": ("header", assertion(head=header(crit=["urn:x"]))),
    "key from a URL": ("header", assertion(head=header(jku="https://evil.example"))),
    "own key enclosed": ("header", assertion(key=OTHER_PRIVATE, head=header(jwk=OTHER_PUBLIC))),
    "alg none": ("algorithm", assertion(head=header(alg="none"))),
    "HS256 under the public key": ("signature", signed_hs256(header(alg="HS256"), claims(), PUBLIC["x"].encode())),
    "no kid": ("kid", assertion(head=header(kid=ABSENT))),
    "kid of nobody": ("unknown-key", assertion(head=header(kid="gone"))),
    "signed by the other key": ("signature", assertion(key=OTHER_PRIVATE)),
    "other iss": ("subject", assertion(iss="01a0c000-0000-7000-8000-0000000000dd")),
    "other sub": ("subject", assertion(sub="01a0c000-0000-7000-8000-0000000000dd")),
    "other client altogether": ("subject", assertion(iss="x", sub="x")),
    "no iss": ("subject", assertion(iss=ABSENT)),
    "no sub": ("subject", assertion(sub=ABSENT)),
    "no aud": ("audience", assertion(aud=ABSENT)),
    "aud a list of us": ("audience", assertion(aud=[ISSUER])),
    "aud the token endpoint": ("audience", assertion(aud=f"{ISSUER}/oauth/token")),
    "aud another server": ("audience", assertion(aud="https://other.example")),
    "no exp": ("exp", assertion(exp=ABSENT)),
    "exp as text": ("exp", assertion(exp=str(AT + 60))),
    "exp true": ("exp", assertion(exp=True)),
    "no iat": ("iat", assertion(iat=ABSENT)),
    "121 seconds": ("lifetime", assertion(exp=AT + 121)),
    "a year": ("lifetime", assertion(exp=AT + 31_536_000)),
    "iat in the future to reach further": ("not-yet-valid", assertion(iat=AT + 31, exp=AT + 60)),
    "expired": ("expired", assertion(iat=AT - 90, exp=AT - 30)),
    "exp before iat": ("lifetime", assertion(exp=AT - 1)),
    "nbf ahead": ("not-yet-valid", assertion(nbf=AT + 31)),
    "nbf as text": ("nbf", assertion(nbf="0")),
    "no jti": ("jti", assertion(jti=ABSENT)),
    "jti of 7": ("jti", assertion(jti="1234567")),
    "jti of 129": ("jti", assertion(jti="j" * 129)),
    "jti a number": ("jti", assertion(jti=123456789)),
    "jti with NUL": ("jti", assertion(jti="12345678\0")),
    "jti not ASCII": ("jti", assertion(jti="一二三四五六七八")),
    "claims twice": ("malformed", signed(header(), '{"iss": "a", "iss": "b"}', decode_base64url(PRIVATE["d"]))),
}


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

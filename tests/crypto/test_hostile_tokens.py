"""Tokens nobody honest would send. Each is refused for the reason that the table names, so no check hides another."""

import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from crypto.compact import MAX_TOKEN_CHARS
from rules.errors import NotAuthenticated, TokenExpired
from tests.crypto.forge import (
    ABSENT,
    ACCESS_HEADER,
    AT,
    AUTHORITY,
    CLIENT,
    ISSUER,
    NOW,
    SCALAR,
    access_claims,
    access_header,
    segment,
    sign_input,
    signed,
    signed_hs256,
    without_absent,
)

GOOD = signed(ACCESS_HEADER, access_claims())
HEADER, CLAIMS, SIGNATURE = GOOD.split(".")
CLAIMS_TEXT = json.dumps(access_claims())
STRANGER = secrets.token_bytes(32)
EMPTY_SIGNATURE = segment(bytes(64))


def claims_with(**changes: object) -> str:
    return signed(ACCESS_HEADER, without_absent({**access_claims(), **changes}))


def header_with(**changes: object) -> str:
    return signed(access_header(**changes), access_claims())


def member_appended(member: str) -> str:
    """Claims written by hand, with one more member that json.dumps would not write."""
    return signed(ACCESS_HEADER, CLAIMS_TEXT[:-1] + f", {member}}}")


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


MALFORMED: dict[str, str] = {
    "empty": "",
    "one segment": HEADER,
    "two segments": f"{HEADER}.{CLAIMS}",
    "dots only": "..",
    "four segments": f"{GOOD}.{SIGNATURE}",
    "five segments, like JWE": f"{HEADER}.{SIGNATURE}.{SIGNATURE}.{CLAIMS}.{SIGNATURE}",
    "JSON serialisation instead of compact": json.dumps(
        {"payload": CLAIMS, "protected": HEADER, "signature": SIGNATURE}
    ),
    "leading space": f" {GOOD}",
    "trailing newline": f"{GOOD}\n",
    "scheme left in front": f"Bearer {GOOD}",
    "NUL in the middle": f"{HEADER}\0.{CLAIMS}.{SIGNATURE}",
    "full-width full stop": f"{HEADER}．{CLAIMS}.{SIGNATURE}",
    "lone surrogate": f"{HEADER}.{CLAIMS}.\ud800",
    "header padded": f"{HEADER}=.{CLAIMS}.{SIGNATURE}",
    "signature padded": f"{GOOD}==",
    "standard base64 alphabet": sign_input(f"{segment(ACCESS_HEADER)}.{segment(CLAIMS_TEXT + '   ')}+/"),
    "white space inside a segment": sign_input(f"{HEADER}.{CLAIMS[:20]} {CLAIMS[20:]}"),
    "foreign characters a lenient decoder skips": sign_input(f"{HEADER}.{CLAIMS[:20]}!{CLAIMS[20:]}"),
    "stray trailing bits in the signature": f"{HEADER}.{CLAIMS}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}",
    "header is a list": signed([ACCESS_HEADER], access_claims()),
    "header is a text": signed('"ES256"', access_claims()),
    "header is null": signed("null", access_claims()),
    "header is empty": signed("", access_claims()),
    "header not JSON": signed("{alg:ES256}", access_claims()),
    "header in UTF-16": signed(json.dumps(ACCESS_HEADER).encode("utf-16"), access_claims()),
    "header with a byte order mark": signed("\ufeff" + json.dumps(ACCESS_HEADER), access_claims()),
    "header not UTF-8": signed(b'{"alg":"ES256","kid":"\xff"}', access_claims()),
    "header with alg twice": signed(json.dumps(ACCESS_HEADER)[:-1] + ', "alg": "none"}', access_claims()),
    "header with kid twice": signed('{"kid": "other", ' + json.dumps(ACCESS_HEADER)[1:], access_claims()),
    "claims a list": signed(ACCESS_HEADER, [access_claims()]),
    "claims a number": signed(ACCESS_HEADER, "1"),
    "claims empty": signed(ACCESS_HEADER, ""),
    "claims not UTF-8": signed(ACCESS_HEADER, CLAIMS_TEXT.encode()[:-1] + b', "x": "\xc3\x28"}'),
    "claims in UTF-16": signed(ACCESS_HEADER, CLAIMS_TEXT.encode("utf-16")),
    "claims raw surrogate bytes": signed(ACCESS_HEADER, CLAIMS_TEXT[:-1] + ', "x": "\ud800"}'),
    "claims with text behind them": signed(ACCESS_HEADER, CLAIMS_TEXT + "{}"),
    "claims with a control character": signed(ACCESS_HEADER, CLAIMS_TEXT.replace("client", "cli\nent")),
    "sub twice, last wins": member_appended(f'"sub": "{CLIENT}"'),
    "exp twice, last wins": member_appended(f'"exp": {AT + 590}'),
    "scope twice by escape": member_appended('"scop\\u0065": "system:admin"'),
    "duplicate deep inside": member_appended('"extra": {"a": 1, "a": 2}'),
    "exp NaN": signed(ACCESS_HEADER, CLAIMS_TEXT.replace(str(AT + 600), "NaN")),
    "exp Infinity": signed(ACCESS_HEADER, CLAIMS_TEXT.replace(str(AT + 600), "Infinity")),
    "exp 1e308": signed(ACCESS_HEADER, CLAIMS_TEXT.replace(str(AT + 600), "1e308")),
    "exp 1e999": signed(ACCESS_HEADER, CLAIMS_TEXT.replace(str(AT + 600), "1e999")),
    "exp as a float": claims_with(exp=AT + 600.0),
    "iat as a float": claims_with(iat=float(AT)),
    "nested 1200 deep": signed(ACCESS_HEADER, f'{{"a": {nested(1200)}}}'),
}

OTHER_FORM: dict[str, tuple[str, str]] = {
    "4097 characters": ("too-long", signed(ACCESS_HEADER, access_claims(x="x" * MAX_TOKEN_CHARS))),
    "a megabyte": ("too-long", "a" * 1_000_000),
    "a million dots": ("too-long", "." * 1_000_000),
    "no signature": ("signature", f"{HEADER}.{CLAIMS}."),
    "signature one byte short": ("signature", f"{HEADER}.{CLAIMS}.{segment(bytes(63))}"),
    "signature one byte long": ("signature", f"{HEADER}.{CLAIMS}.{segment(bytes(65))}"),
    "signature in DER form": ("signature", f"{HEADER}.{CLAIMS}.{segment(bytes(71))}"),
    "signature all zero (psychic signature)": ("signature", f"{HEADER}.{CLAIMS}.{EMPTY_SIGNATURE}"),
    "signature r = s = order": (
        "signature",
        f"{HEADER}.{CLAIMS}."
        + segment(bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2),
    ),
    "signature of another token": (
        "signature",
        f"{HEADER}.{CLAIMS}.{claims_with(jti='another-token').rpartition('.')[2]}",
    ),
    "claims exchanged under the signature": (
        "signature",
        f"{HEADER}.{segment(access_claims(scope='system:admin'))}.{SIGNATURE}",
    ),
    "header exchanged under the signature": (
        "signature",
        f"{segment(access_header(extra='1'))}.{CLAIMS}.{SIGNATURE}",
    ),
    "signed by a stranger under our kid": ("signature", signed(ACCESS_HEADER, access_claims(), STRANGER)),
}

HEADERS: dict[str, tuple[str, str]] = {
    "alg none": ("algorithm", header_with(alg="none")),
    "alg none, no signature": ("signature", f"{segment(access_header(alg='none'))}.{CLAIMS}."),
    "alg None": ("algorithm", header_with(alg="None")),
    "alg absent": ("algorithm", header_with(alg=ABSENT)),
    "alg null": ("algorithm", header_with(alg=None)),
    "alg a list": ("algorithm", header_with(alg=["ES256"])),
    "alg in lower case": ("algorithm", header_with(alg="es256")),
    "alg with a space": ("algorithm", header_with(alg="ES256 ")),
    "alg ES384": ("algorithm", header_with(alg="ES384")),
    "alg RS256": ("algorithm", header_with(alg="RS256")),
    "alg EdDSA": ("algorithm", header_with(alg="EdDSA")),
    "alg HS256": ("algorithm", header_with(alg="HS256")),
    "crit unknown": ("header", header_with(crit=["urn:x"], **{"urn:x": 1})),
    "crit empty": ("header", header_with(crit=[])),
    "crit null": ("header", header_with(crit=None)),
    "crit naming exp": ("header", header_with(crit=["exp"], exp=AT + 600)),
    "b64 false": ("header", header_with(b64=False)),
    "compressed": ("header", header_with(zip="DEF")),
    "encrypted": ("header", header_with(enc="A256GCM")),
    "nested token": ("header", header_with(cty="JWT")),
    "jku": ("header", header_with(jku="https://evil.example/jwks")),
    "x5u": ("header", header_with(x5u="https://evil.example/cert")),
    "x5c": ("header", header_with(x5c=["MIIB"])),
    "own key in jwk": ("header", signed(access_header(jwk={"kty": "EC"}), access_claims(), STRANGER)),
    "kid absent": ("kid", header_with(kid=ABSENT)),
    "kid null": ("kid", header_with(kid=None)),
    "kid a number": ("kid", header_with(kid=1)),
    "kid empty": ("kid", header_with(kid="")),
    "kid a list": ("kid", header_with(kid=["t-1"])),
    "kid 65 characters": ("kid", header_with(kid="k" * 65)),
    "kid with NUL": ("kid", header_with(kid="t\0")),
    "kid a path": ("unknown-key", header_with(kid="../../../dev/null")),
    "kid an injection": ("unknown-key", header_with(kid="x'UNION/**/SELECT'key")),
    "kid of nobody": ("unknown-key", header_with(kid="t-00000000")),
    "typ absent": ("type", header_with(typ=ABSENT)),
    "typ null": ("typ", header_with(typ=None)),
    "typ JWT": ("type", header_with(typ="JWT")),
    "typ at+JWT": ("type", header_with(typ="at+JWT")),
    "typ refresh token": ("type", header_with(typ="rt+jwt")),
    "typ client assertion": ("type", header_with(typ="client-authentication+jwt")),
    "typ logout token": ("type", header_with(typ="logout+jwt")),
}

CLAIM_FAULTS: dict[str, tuple[str, str]] = {
    "iss absent": ("issuer", claims_with(iss=ABSENT)),
    "iss of another": ("issuer", claims_with(iss="https://evil.example")),
    "iss with a slash more": ("issuer", claims_with(iss=ISSUER + "/")),
    "iss in capitals": ("issuer", claims_with(iss=ISSUER.upper())),
    "iss a list": ("issuer", claims_with(iss=[ISSUER])),
    "aud absent": ("audience", claims_with(aud=ABSENT)),
    "aud null": ("audience", claims_with(aud=None)),
    "aud of another": ("audience", claims_with(aud="https://other.example")),
    "aud a list of us": ("audience", claims_with(aud=[ISSUER])),
    "aud a list with us": ("audience", claims_with(aud=["https://other.example", ISSUER])),
    "aud empty list": ("audience", claims_with(aud=[])),
    "aud an object": ("audience", claims_with(aud={ISSUER: 1})),
    "exp absent": ("exp", claims_with(exp=ABSENT)),
    "exp null": ("exp", claims_with(exp=None)),
    "exp as text": ("exp", claims_with(exp=str(AT + 600))),
    "exp true": ("exp", claims_with(exp=True)),
    "exp a list": ("exp", claims_with(exp=[AT + 600])),
    "exp negative": ("exp", claims_with(exp=-1)),
    "exp after the year 9999": ("exp", claims_with(exp=253_402_300_800)),
    "exp of 1500 digits": ("exp", claims_with(exp=10**1500)),
    "exp of a century": ("lifetime", claims_with(exp=AT + 3_000_000_000)),
    "exp one second over the lifetime": ("lifetime", claims_with(exp=AT + 601)),
    "exp equal to iat": ("lifetime", claims_with(exp=AT)),
    "exp before iat": ("lifetime", claims_with(exp=AT - 10)),
    "iat absent": ("iat", claims_with(iat=ABSENT)),
    "iat as text": ("iat", claims_with(iat=str(AT))),
    "iat false": ("iat", claims_with(iat=False)),
    "iat a year ahead": (
        "not-yet-valid",
        signed(ACCESS_HEADER, access_claims(at=AT + 31_536_000)),
    ),
    "iat 31 seconds ahead": ("not-yet-valid", signed(ACCESS_HEADER, access_claims(at=AT + 31))),
    "nbf absent": ("nbf", claims_with(nbf=ABSENT)),
    "nbf as text": ("nbf", claims_with(nbf=str(AT))),
    "nbf ahead": ("nbf", claims_with(nbf=AT + 300)),
    "sub absent": ("sub", claims_with(sub=ABSENT)),
    "sub a number": ("sub", claims_with(sub=1)),
    "sub not a UUID": ("sub", claims_with(sub="admin")),
    "sub empty": ("sub", claims_with(sub="")),
    "sub in braces": ("sub", claims_with(sub="{01a0c000-0000-7000-8000-00000000000}")),
    "sub without hyphens": ("sub", claims_with(sub="01a0c0000000700080000000000000aa")),
    "sub in capitals": ("sub", claims_with(sub="01A0C000-0000-7000-8000-00000000000A")),
    "sub with full-width digits": ("sub", claims_with(sub="０1a0c000-0000-7000-8000-000000000001")),
    "sub lone surrogate": ("sub", claims_with(sub="\ud800")),
    "client_id absent": ("client_id", claims_with(client_id=ABSENT)),
    "client_id a URL": ("client_id", claims_with(client_id="https://evil.example")),
    "agency absent": ("agency", claims_with(agency=ABSENT)),
    "agency null": ("agency", claims_with(agency=None)),
    "agency with an injection": ("agency", claims_with(agency="' OR 1=1 --")),
    "kind absent": ("kind", claims_with(kind=ABSENT)),
    "kind unknown": ("kind", claims_with(kind="system")),
    "kind in capitals": ("kind", claims_with(kind="Client")),
    "scope absent": ("scope", claims_with(scope=ABSENT)),
    "scope a list": ("scope", claims_with(scope=["system:admin"])),
    "scope with a newline": ("scope", claims_with(scope="cases:read\nsystem:admin")),
    "scope with two spaces": ("scope", claims_with(scope="cases:read  system:admin")),
    "scope with a quote": ("scope", claims_with(scope='cases:read"')),
    "jti absent": ("jti", claims_with(jti=ABSENT)),
    "jti short": ("jti", claims_with(jti="1234567")),
    "jti a number": ("jti", claims_with(jti=12345678)),
    "jti with NUL": ("jti", claims_with(jti="a-token-id\0")),
    "jti long": ("jti", claims_with(jti="j" * 129)),
    "auth_time absent": ("auth_time", claims_with(auth_time=ABSENT)),
    "auth_time as text": ("auth_time", claims_with(auth_time="now")),
    "auth_time after the issue, to pass a step-up": ("auth_time", claims_with(auth_time=AT + 300)),
}

CORPUS = {
    **{name: ("malformed", token) for name, token in MALFORMED.items()},
    **OTHER_FORM,
    **HEADERS,
    **CLAIM_FAULTS,
}


def test_the_token_that_the_table_changes_is_itself_good() -> None:
    assert AUTHORITY.verify(GOOD, NOW).client_id == CLIENT


def test_the_table_is_long_enough() -> None:
    assert len(CORPUS) >= 120


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
    token = claims_with(aud=[ISSUER])
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

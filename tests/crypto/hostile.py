"""Tokens and assertions nobody honest would send, each with the reason for which it is refused.

One corpus for the tests of the verifier and for `bench/trust_tokens.py`, which sends it to a running service: made for
a moment, so that nothing is refused merely for its age.
"""

import json
import secrets
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto.compact import MAX_TOKEN_CHARS
from crypto.strict import decode_base64url
from crypto.tokens import generate_client_key
from tests.crypto.forge import (
    ABSENT,
    ACCESS_HEADER,
    AT,
    CLIENT,
    ISSUER,
    KEY_ID,
    SCALAR,
    access_claims,
    access_header,
    segment,
    sign_input,
    signed,
    signed_hs256,
    without_absent,
)

Corpus: TypeAlias = dict[str, tuple[str, str]]

CLIENT_ID = "01a0c000-0000-7000-8000-0000000000cc"
PRIVATE, PUBLIC = generate_client_key()
OTHER_PRIVATE, OTHER_PUBLIC = generate_client_key()
DEVICE = "01a0c000-0000-7000-8000-0000000000dd"


def good_token(at: int = AT) -> str:
    """The token that the corpus changes; itself good."""
    return signed(ACCESS_HEADER, access_claims(at=at))


def hostile_tokens(at: int = AT, *, slack_s: int = 0) -> Corpus:
    """Access tokens for the moment `at`: reason and token, by what is wrong with them.

    What lies only just in the future lies `slack_s` further, for whoever sends it a while after `at`.
    """

    def claims_at(**changes: object) -> dict[str, object]:
        return access_claims(**{"at": at, **changes})  # type: ignore[arg-type]  # `at` is the whole number it was

    good = signed(ACCESS_HEADER, claims_at())
    head, claims, signature = good.split(".")
    claims_text = json.dumps(claims_at())
    stranger = secrets.token_bytes(32)
    empty_signature = segment(bytes(64))

    def claims_with(**changes: object) -> str:
        return signed(ACCESS_HEADER, without_absent({**claims_at(), **changes}))

    def header_with(**changes: object) -> str:
        return signed(access_header(**changes), claims_at())

    def member_appended(member: str) -> str:
        """Claims written by hand, with one more member that json.dumps would not write."""
        return signed(ACCESS_HEADER, claims_text[:-1] + f", {member}}}")

    def nested(depth: int) -> str:
        return "[" * depth + "]" * depth

    malformed: dict[str, str] = {
        "empty": "",
        "one segment": head,
        "two segments": f"{head}.{claims}",
        "dots only": "..",
        "four segments": f"{good}.{signature}",
        "five segments, like JWE": f"{head}.{signature}.{signature}.{claims}.{signature}",
        "JSON serialisation instead of compact": json.dumps(
            {"payload": claims, "protected": head, "signature": signature}
        ),
        "leading space": f" {good}",
        "trailing newline": f"{good}\n",
        "scheme left in front": f"Bearer {good}",
        "NUL in the middle": f"{head}\0.{claims}.{signature}",
        "full-width full stop": f"{head}．{claims}.{signature}",
        "lone surrogate": f"{head}.{claims}.\ud800",
        "header padded": f"{head}=.{claims}.{signature}",
        "signature padded": f"{good}==",
        "standard base64 alphabet": sign_input(f"{segment(ACCESS_HEADER)}.{segment(claims_text + '   ')}+/"),
        "white space inside a segment": sign_input(f"{head}.{claims[:20]} {claims[20:]}"),
        "foreign characters a lenient decoder skips": sign_input(f"{head}.{claims[:20]}!{claims[20:]}"),
        "stray trailing bits in the signature": f"{head}.{claims}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
        "header is a list": signed([ACCESS_HEADER], claims_at()),
        "header is a text": signed('"ES256"', claims_at()),
        "header is null": signed("null", claims_at()),
        "header is empty": signed("", claims_at()),
        "header not JSON": signed("{alg:ES256}", claims_at()),
        "header in UTF-16": signed(json.dumps(ACCESS_HEADER).encode("utf-16"), claims_at()),
        "header with a byte order mark": signed("\ufeff" + json.dumps(ACCESS_HEADER), claims_at()),
        "header not UTF-8": signed(b'{"alg":"ES256","kid":"\xff"}', claims_at()),
        "header with alg twice": signed(json.dumps(ACCESS_HEADER)[:-1] + ', "alg": "none"}', claims_at()),
        "header with kid twice": signed('{"kid": "other", ' + json.dumps(ACCESS_HEADER)[1:], claims_at()),
        "claims a list": signed(ACCESS_HEADER, [claims_at()]),
        "claims a number": signed(ACCESS_HEADER, "1"),
        "claims empty": signed(ACCESS_HEADER, ""),
        "claims not UTF-8": signed(ACCESS_HEADER, claims_text.encode()[:-1] + b', "x": "\xc3\x28"}'),
        "claims in UTF-16": signed(ACCESS_HEADER, claims_text.encode("utf-16")),
        "claims raw surrogate bytes": signed(ACCESS_HEADER, claims_text[:-1] + ', "x": "\ud800"}'),
        "claims with text behind them": signed(ACCESS_HEADER, claims_text + "{}"),
        "claims with a control character": signed(ACCESS_HEADER, claims_text.replace("client", "cli\nent")),
        "sub twice, last wins": member_appended(f'"sub": "{CLIENT}"'),
        "exp twice, last wins": member_appended(f'"exp": {at + 590}'),
        "scope twice by escape": member_appended('"scop\\u0065": "system:admin"'),
        "duplicate deep inside": member_appended('"extra": {"a": 1, "a": 2}'),
        "exp NaN": signed(ACCESS_HEADER, claims_text.replace(str(at + 600), "NaN")),
        "exp Infinity": signed(ACCESS_HEADER, claims_text.replace(str(at + 600), "Infinity")),
        "exp 1e308": signed(ACCESS_HEADER, claims_text.replace(str(at + 600), "1e308")),
        "exp 1e999": signed(ACCESS_HEADER, claims_text.replace(str(at + 600), "1e999")),
        "exp as a float": claims_with(exp=at + 600.0),
        "iat as a float": claims_with(iat=float(at)),
        "nested 1200 deep": signed(ACCESS_HEADER, f'{{"a": {nested(1200)}}}'),
    }

    other_form: Corpus = {
        "4097 characters": ("too-long", signed(ACCESS_HEADER, claims_at(x="x" * MAX_TOKEN_CHARS))),
        "a megabyte": ("too-long", "a" * 1_000_000),
        "a million dots": ("too-long", "." * 1_000_000),
        "no signature": ("signature", f"{head}.{claims}."),
        "signature one byte short": ("signature", f"{head}.{claims}.{segment(bytes(63))}"),
        "signature one byte long": ("signature", f"{head}.{claims}.{segment(bytes(65))}"),
        "signature in DER form": ("signature", f"{head}.{claims}.{segment(bytes(71))}"),
        "signature all zero (psychic signature)": ("signature", f"{head}.{claims}.{empty_signature}"),
        "signature r = s = order": (
            "signature",
            f"{head}.{claims}."
            + segment(bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2),
        ),
        "signature of another token": (
            "signature",
            f"{head}.{claims}.{claims_with(jti='another-token').rpartition('.')[2]}",
        ),
        "claims exchanged under the signature": (
            "signature",
            f"{head}.{segment(claims_at(scope='system:admin'))}.{signature}",
        ),
        "header exchanged under the signature": (
            "signature",
            f"{segment(access_header(extra='1'))}.{claims}.{signature}",
        ),
        "signed by a stranger under our kid": ("signature", signed(ACCESS_HEADER, claims_at(), stranger)),
    }

    headers: Corpus = {
        "alg none": ("algorithm", header_with(alg="none")),
        "alg none, no signature": ("signature", f"{segment(access_header(alg='none'))}.{claims}."),
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
        "crit naming exp": ("header", header_with(crit=["exp"], exp=at + 600)),
        "b64 false": ("header", header_with(b64=False)),
        "compressed": ("header", header_with(zip="DEF")),
        "encrypted": ("header", header_with(enc="A256GCM")),
        "nested token": ("header", header_with(cty="JWT")),
        "jku": ("header", header_with(jku="https://evil.example/jwks")),
        "x5u": ("header", header_with(x5u="https://evil.example/cert")),
        "x5c": ("header", header_with(x5c=["MIIB"])),
        "own key in jwk": ("header", signed(access_header(jwk={"kty": "EC"}), claims_at(), stranger)),
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

    claim_faults: Corpus = {
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
        "exp as text": ("exp", claims_with(exp=str(at + 600))),
        "exp true": ("exp", claims_with(exp=True)),
        "exp a list": ("exp", claims_with(exp=[at + 600])),
        "exp negative": ("exp", claims_with(exp=-1)),
        "exp after the year 9999": ("exp", claims_with(exp=253_402_300_800)),
        "exp of 1500 digits": ("exp", claims_with(exp=10**1500)),
        "exp of a century": ("lifetime", claims_with(exp=at + 3_000_000_000)),
        "exp one second over the lifetime": ("lifetime", claims_with(exp=at + 601)),
        "exp equal to iat": ("lifetime", claims_with(exp=at)),
        "exp before iat": ("lifetime", claims_with(exp=at - 10)),
        "iat absent": ("iat", claims_with(iat=ABSENT)),
        "iat as text": ("iat", claims_with(iat=str(at))),
        "iat false": ("iat", claims_with(iat=False)),
        "iat a year ahead": (
            "not-yet-valid",
            signed(ACCESS_HEADER, claims_at(at=at + 31_536_000)),
        ),
        "iat 31 seconds ahead": ("not-yet-valid", signed(ACCESS_HEADER, claims_at(at=at + 31 + slack_s))),
        "nbf absent": ("nbf", claims_with(nbf=ABSENT)),
        "nbf as text": ("nbf", claims_with(nbf=str(at))),
        "nbf ahead": ("nbf", claims_with(nbf=at + 300)),
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
        "auth_time after the issue, to pass a step-up": ("auth_time", claims_with(auth_time=at + 300)),
    }

    return {
        **{name: ("malformed", token) for name, token in malformed.items()},
        **other_form,
        **headers,
        **claim_faults,
        **_confused(claims_at()),
        **_about_people(claims_at()),
    }


def _confused(claims: dict[str, object]) -> Corpus:
    """HMAC under whatever of our public key an attacker can get (CVE-2022-29217, CVE-2024-33663 and their like)."""
    public = ec.derive_private_key(int.from_bytes(SCALAR, "big"), ec.SECP256R1()).public_key()
    numbers = public.public_numbers()
    x, y = (segment(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    keys = {
        "the DER public key": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "the PEM public key": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "the PEM public key without its last newline": public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).rstrip(),
        "the public point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        "the compressed point": public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        "the JWK as JSON": json.dumps(jwk).encode(),
        "the JWK as canonical JSON": json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode(),
        "the JWK's x": x.encode(),
        "the kid": KEY_ID.encode(),
        "the issuer": ISSUER.encode(),
        "nothing": b"",
    }
    under = {
        f"HS256 under {name}": ("signature", signed_hs256(access_header(alg="HS256"), claims, key))
        for name, key in keys.items()
    }
    # 32 bytes of HMAC where ES256 has 64: the form is refused before the algorithm is read.
    padded = {
        f"ES256 claimed over HMAC of {name}": ("signature", signed_hs256(ACCESS_HEADER, claims, key))
        for name, key in keys.items()
    }
    return under | padded


def _about_people(claims: dict[str, object]) -> Corpus:
    """Tokens that claim a person, a device or a second factor."""
    person: dict[str, object] = {**claims, "kind": "staff", "sid": DEVICE, "amr": ["pwd", "mfa"]}

    def of_person(**changes: object) -> str:
        return signed(ACCESS_HEADER, without_absent({**person, **changes}))

    return {
        "person without a device": ("sid", of_person(sid=ABSENT)),
        "person with a device of null": ("sid", of_person(sid=None)),
        "person with a device that is no UUID": ("sid", of_person(sid="phone")),
        "person with a device in capitals": ("sid", of_person(sid=DEVICE.upper())),
        "person with two devices": ("sid", of_person(sid=[DEVICE, DEVICE])),
        "person without methods": ("amr", of_person(amr=ABSENT)),
        "person with a method as text": ("amr", of_person(amr="pwd mfa")),
        "person with methods in another order": ("amr", of_person(amr=["mfa", "pwd"])),
        "person with a second factor alone": ("amr", of_person(amr=["mfa"])),
        "person with no methods": ("amr", of_person(amr=[])),
        "person with an invented method": ("amr", of_person(amr=["pwd", "mfa", "hwk"])),
        "client with a device": ("sid", signed(ACCESS_HEADER, {**claims, "sid": DEVICE})),
        "client with a second factor": ("amr", signed(ACCESS_HEADER, {**claims, "amr": ["pwd", "mfa"]})),
    }


def header(**changes: object) -> dict[str, object]:
    return without_absent({"alg": "ES256", "typ": "client-authentication+jwt", "kid": PRIVATE["kid"], **changes})


def claims(at: int = AT, **changes: object) -> dict[str, object]:
    own = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ISSUER, "jti": "assertion-1", "iat": at, "exp": at + 60}
    return without_absent({**own, **changes})


def assertion(
    at: int = AT, *, key: dict[str, str] = PRIVATE, head: dict[str, object] | None = None, **changes: object
) -> str:
    return signed(head or header(), claims(at, **changes), decode_base64url(key["d"]))


def hostile_assertions(at: int = AT, *, slack_s: int = 0) -> Corpus:
    """Client assertions for the moment `at`: reason and assertion, by what is wrong with them. `slack_s` as above."""
    return {
        "empty": ("malformed", ""),
        "too long": ("too-long", assertion(at, filler="f" * 4096)),
        "access token of ours as assertion": ("type", signed(ACCESS_HEADER, access_claims(at=at))),
        "typ of an access token": ("type", assertion(at, head=header(typ="at+jwt"))),
        "unknown crit": ("header", assertion(at, head=header(crit=["urn:x"]))),
        "key from a URL": ("header", assertion(at, head=header(jku="https://evil.example"))),
        "own key enclosed": ("header", assertion(at, key=OTHER_PRIVATE, head=header(jwk=OTHER_PUBLIC))),
        "alg none": ("algorithm", assertion(at, head=header(alg="none"))),
        "HS256 under the public key": (
            "signature",
            signed_hs256(header(alg="HS256"), claims(at), PUBLIC["x"].encode()),
        ),
        "no kid": ("kid", assertion(at, head=header(kid=ABSENT))),
        "kid of nobody": ("unknown-key", assertion(at, head=header(kid="gone"))),
        "signed by the other key": ("signature", assertion(at, key=OTHER_PRIVATE)),
        "other iss": ("subject", assertion(at, iss="01a0c000-0000-7000-8000-0000000000dd")),
        "other sub": ("subject", assertion(at, sub="01a0c000-0000-7000-8000-0000000000dd")),
        "other client altogether": ("subject", assertion(at, iss="x", sub="x")),
        "no iss": ("subject", assertion(at, iss=ABSENT)),
        "no sub": ("subject", assertion(at, sub=ABSENT)),
        "no aud": ("audience", assertion(at, aud=ABSENT)),
        "aud a list of us": ("audience", assertion(at, aud=[ISSUER])),
        "aud the token endpoint": ("audience", assertion(at, aud=f"{ISSUER}/oauth/token")),
        "aud another server": ("audience", assertion(at, aud="https://other.example")),
        "no exp": ("exp", assertion(at, exp=ABSENT)),
        "exp as text": ("exp", assertion(at, exp=str(at + 60))),
        "exp true": ("exp", assertion(at, exp=True)),
        "no iat": ("iat", assertion(at, iat=ABSENT)),
        "121 seconds": ("lifetime", assertion(at, exp=at + 121)),
        "a year": ("lifetime", assertion(at, exp=at + 31_536_000)),
        "iat in the future to reach further": (
            "not-yet-valid",
            assertion(at, iat=at + 31 + slack_s, exp=at + 60 + slack_s),
        ),
        "expired": ("expired", assertion(at, iat=at - 90, exp=at - 30)),
        "exp before iat": ("lifetime", assertion(at, exp=at - 1)),
        "nbf ahead": ("not-yet-valid", assertion(at, nbf=at + 31 + slack_s)),
        "nbf as text": ("nbf", assertion(at, nbf="0")),
        "no jti": ("jti", assertion(at, jti=ABSENT)),
        "jti of 7": ("jti", assertion(at, jti="1234567")),
        "jti of 129": ("jti", assertion(at, jti="j" * 129)),
        "jti a number": ("jti", assertion(at, jti=123456789)),
        "jti with NUL": ("jti", assertion(at, jti="12345678\0")),
        "jti not ASCII": ("jti", assertion(at, jti="一二三四五六七八")),
        "claims twice": ("malformed", signed(header(), '{"iss": "a", "iss": "b"}', decode_base64url(PRIVATE["d"]))),
    }

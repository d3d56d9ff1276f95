"""What python-jose 3.5.0 accepts by itself, and what it does not: the reason for crypto/compact.py, kept as tests.

Each row is tried twice: on the library as its documentation says to use it, and on our verifier. Should a later release
close a gap, the row fails and says so.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose import jwt
from jose.exceptions import JOSEError

from crypto.keys import KeyringError, parse_keyring, render_keyring
from rules.errors import NotAuthenticated
from tests.crypto.forge import (
    ABSENT,
    ACCESS_HEADER,
    AUTHORITY,
    ISSUER,
    KEY_ID,
    KEYRING,
    SCALAR,
    access_claims,
    access_header,
    signed,
    signed_hs256,
    without_absent,
)

PUBLIC = ec.derive_private_key(int.from_bytes(SCALAR, "big"), ec.SECP256R1()).public_key()
PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
RSA_PUBLIC = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
RSA_DER = RSA_PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
HMAC_HEADER = {"alg": "HS256", "typ": "at+jwt", "kid": KEY_ID}


@dataclass(frozen=True)
class Attack:
    name: str
    token: str
    library_accepts: bool
    key: bytes = PEM
    algorithms: Sequence[str] | None = ("ES256",)


def claims(at: int, **changes: object) -> dict[str, object]:
    return without_absent({**access_claims(at=at), **changes})


def es256(at: int, header: Mapping[str, object] = ACCESS_HEADER, **changes: object) -> str:
    return signed(header, claims(at, **changes))


def hs256(at: int, secret: bytes) -> str:
    return signed_hs256(HMAC_HEADER, claims(at), secret)


def rewritten(at: int, old: str, new: str) -> str:
    text = json.dumps(claims(at))
    assert old in text
    return signed(ACCESS_HEADER, text.replace(old, new))


def attacks(at: int) -> dict[str, Attack]:
    """By name, with tokens issued at `at`."""
    rows = [
        Attack("HS256 under the DER public key, no list", hs256(at, DER), True, DER, None),
        Attack("HS256 under the RSA DER public key, no list", hs256(at, RSA_DER), True, RSA_DER, None),
        Attack("HS256 under the DER public key, list of RS256", hs256(at, RSA_DER), False, RSA_DER, ["RS256"]),
        Attack("HS256 under the PEM public key, no list", hs256(at, PEM), False, PEM, None),
        Attack("HS256 under the PEM public key, list of HS256", hs256(at, PEM), False, PEM, ["HS256"]),
        Attack("alg none", es256(at, access_header(alg="none")), False, PEM, None),
        Attack("empty HMAC secret", hs256(at, b""), True, b"", ["HS256"]),
        Attack("HMAC secret of four bytes", hs256(at, b"1234"), True, b"1234", ["HS256"]),
        Attack("no aud although one is asked for", es256(at, aud=ABSENT), True),
        Attack("aud a list with strangers", es256(at, aud=["https://evil.example", ISSUER]), True),
        Attack("no iss although one is asked for", es256(at, iss=ABSENT), False),
        Attack("wrong iss", es256(at, iss="https://evil.example"), False),
        Attack("no exp", es256(at, exp=ABSENT), True),
        Attack("unknown crit", es256(at, access_header(crit=["urn:must-understand"])), True),
        Attack("typ of a refresh token", es256(at, access_header(typ="rt+jwt")), True),
        Attack("no typ", es256(at, access_header(typ=ABSENT)), True),
        Attack("iat a year ahead", es256(at, iat=at + 31_536_000), True),
        Attack("exp a century ahead", es256(at, exp=at + 3_153_600_000), True),
        Attack("exp as text", es256(at, exp=str(at + 600)), True),
        Attack("exp 1e308", rewritten(at, f'"exp": {at + 600}', '"exp": 1e308'), True),
        Attack("exp NaN", rewritten(at, f'"exp": {at + 600}', '"exp": NaN'), False),
        Attack("claims twice, last wins", rewritten(at, '"kind": "client"', '"kind": "client", "kind": "staff"'), True),
        Attack("sub a number", es256(at, sub=1), False),
        Attack(
            "key in the header is ignored but let through", es256(at, access_header(jwk={"kty": "oct", "k": ""})), True
        ),
    ]
    return {attack.name: attack for attack in rows}


def real_now() -> datetime:
    """When a row is tried: the library reads the clock itself, and a long session outlives the tokens of its start."""
    return datetime.now(UTC)


def tried(name: str) -> tuple[Attack, datetime]:
    """The attack with a token issued now, and that now."""
    now = real_now()
    return attacks(int(now.timestamp()))[name], now


ACCEPTED = {attack.name: attack.library_accepts for attack in attacks(0).values()}


@pytest.mark.parametrize("name", ACCEPTED)
def test_our_verifier_refuses(name: str) -> None:
    attack, now = tried(name)
    with pytest.raises(NotAuthenticated):
        AUTHORITY.verify(attack.token, now)


@pytest.mark.parametrize("name", [name for name, accepted in ACCEPTED.items() if accepted])
def test_python_jose_alone_accepts(name: str) -> None:
    attack, _ = tried(name)
    jwt.decode(attack.token, attack.key, algorithms=attack.algorithms, audience=ISSUER, issuer=ISSUER)


@pytest.mark.parametrize("name", [name for name, accepted in ACCEPTED.items() if not accepted])
def test_python_jose_alone_refuses_too(name: str) -> None:
    attack, _ = tried(name)
    with pytest.raises(JOSEError):
        jwt.decode(attack.token, attack.key, algorithms=attack.algorithms, audience=ISSUER, issuer=ISSUER)


def test_the_unchanged_token_is_good_for_both() -> None:
    now = real_now()
    token = es256(int(now.timestamp()))
    assert jwt.decode(token, PEM, algorithms=["ES256"], audience=ISSUER, issuer=ISSUER)["kind"] == "client"
    assert AUTHORITY.verify(token, now).principal_kind == "client"


@pytest.mark.parametrize("secret", ["", "MTIzNA"], ids=["empty", "four bytes"])
def test_a_weak_key_that_python_jose_signs_with_never_enters_the_keyring(secret: str) -> None:
    assert jwt.encode({"sub": "x"}, secret, algorithm="HS256")
    members = json.loads(render_keyring(KEYRING))
    members["tokens"][0]["secret"] = secret
    with pytest.raises(KeyringError, match="32 bytes"):
        parse_keyring(json.dumps(members))


def test_python_jose_runs_on_cryptography() -> None:
    assert "jose.backends.cryptography_backend" in sys.modules

"""Client keys: what may be registered."""

import json

import pytest
from joserfc.jwk import ECKey

from crypto.public_keys import thumbprint
from crypto.tokens import generate_client_key, public_jwk_of, validate_public_jwk
from rules.errors import ValidationFailed

PRIVATE, PUBLIC = generate_client_key()


def test_a_generated_key_is_named_by_its_thumbprint_and_hides_its_private_half() -> None:
    assert "d" in PRIVATE
    assert public_jwk_of(PRIVATE) == PUBLIC
    assert "d" not in PUBLIC
    assert PUBLIC["kid"] == thumbprint(PUBLIC) == ECKey.import_key(dict(PUBLIC)).thumbprint()


def test_a_good_key_is_kept_in_our_form_without_foreign_members() -> None:
    exported_by_a_browser = {**PUBLIC, "ext": True, "key_ops": ["verify"]}
    assert validate_public_jwk(exported_by_a_browser) == PUBLIC
    assert validate_public_jwk({name: PUBLIC[name] for name in ("kty", "crv", "x", "y", "kid")}) == PUBLIC


FAULTS: dict[str, tuple[dict[str, object], str, str]] = {
    "private half enclosed": ({"d": PRIVATE["d"]}, "/d", "private-key"),
    "symmetric key enclosed": ({"k": "AAAA"}, "/k", "private-key"),
    "RSA": ({"kty": "RSA"}, "/kty", "not-supported"),
    "symmetric": ({"kty": "oct"}, "/kty", "not-supported"),
    "P-384": ({"crv": "P-384"}, "/crv", "not-supported"),
    "secp256k1": ({"crv": "secp256k1"}, "/crv", "not-supported"),
    "curve a list": ({"crv": ["P-256"]}, "/crv", "not-supported"),
    "other algorithm": ({"alg": "HS256"}, "/alg", "not-supported"),
    "for encryption": ({"use": "enc"}, "/use", "not-supported"),
    "kid empty": ({"kid": ""}, "/kid", "invalid-format"),
    "kid of 65": ({"kid": "k" * 65}, "/kid", "invalid-format"),
    "kid with NUL": ({"kid": "k\0"}, "/kid", "invalid-format"),
    "kid a number": ({"kid": 1}, "/kid", "invalid-format"),
    "x short": ({"x": "AAAA"}, "/x", "invalid-format"),
    "x padded": ({"x": PUBLIC["x"] + "="}, "/x", "invalid-format"),
    "x a number": ({"x": 1}, "/x", "invalid-format"),
    "y null": ({"y": None}, "/y", "invalid-format"),
    "off the curve": ({"y": PUBLIC["x"]}, "/x", "not-on-curve"),
    "point at infinity": ({"x": "A" * 43, "y": "A" * 43}, "/x", "not-on-curve"),
    "coordinate beyond the field": ({"x": "_" * 42 + "8"}, "/x", "not-on-curve"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_key_is_refused_with_place_and_code(name: str) -> None:
    change, pointer, code = FAULTS[name]
    with pytest.raises(ValidationFailed) as refusal:
        validate_public_jwk({**PUBLIC, **change})
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [(pointer, code)]


def test_all_faults_are_told_at_once_and_no_value_is_repeated() -> None:
    with pytest.raises(ValidationFailed) as refusal:
        validate_public_jwk({"d": PRIVATE["d"]})
    told = json.dumps([(error.pointer, error.code, error.facts) for error in refusal.value.errors])
    assert {error.pointer for error in refusal.value.errors} == {"/d", "/kty", "/crv", "/kid", "/x", "/y"}
    assert PRIVATE["d"] not in told

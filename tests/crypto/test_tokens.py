"""Access tokens as an honest caller meets them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from joserfc import jwt as other_jwt
from joserfc.jwk import ECKey, KeySet

from crypto.compact import read_compact
from crypto.keys import generate_keyring, new_token_key
from crypto.public_keys import private_jwk
from crypto.tokens import REMEMBERED_TOKENS, TokenAuthority
from rules.errors import NotAuthenticated, TokenExpired
from tests.crypto.forge import (
    ACCESS_HEADER,
    AGENCY,
    AUTHORITY,
    CLIENT,
    ISSUER,
    KEY_ID,
    KEYRING,
    NOW,
    PRINCIPAL,
    SCALAR,
    access_claims,
    signed,
)

SCOPES = frozenset({"cases:read", "referrals:write"})
DEVICE = UUID("01a0c000-0000-7000-8000-0000000000dd")


def mint(
    authority: TokenAuthority = AUTHORITY,
    scopes: frozenset[str] = SCOPES,
    lifetime_s: int = 600,
    *,
    second_factor: bool = False,
) -> str:
    return authority.mint(
        principal_kind="staff",
        principal_id=PRINCIPAL,
        client_id=CLIENT,
        agency_id=AGENCY,
        scopes=scopes,
        now=NOW,
        lifetime_s=lifetime_s,
        session_id=DEVICE,
        second_factor=second_factor,
    )


def test_a_minted_token_says_who_calls_for_which_agency_and_until_when() -> None:
    claims = AUTHORITY.verify(mint(), NOW)
    assert (claims.principal_kind, claims.principal_id) == ("staff", PRINCIPAL)
    assert (claims.client_id, claims.agency_id, claims.scopes) == (CLIENT, AGENCY, SCOPES)
    assert (claims.issued_at, claims.expires_at, claims.auth_time) == (NOW, NOW + timedelta(minutes=10), NOW)


@pytest.mark.parametrize("second_factor", [False, True])
def test_a_persons_token_names_its_device_and_whether_there_was_a_second_factor(second_factor: bool) -> None:
    claims = AUTHORITY.verify(mint(second_factor=second_factor), NOW)
    assert (claims.session_id, claims.second_factor) == (DEVICE, second_factor)


@pytest.mark.parametrize(("kind", "device"), [("staff", None), ("client", DEVICE)])
def test_a_person_without_a_device_and_a_client_with_one_are_not_minted(kind: str, device: UUID | None) -> None:
    with pytest.raises(ValueError, match="device"):
        AUTHORITY.mint(
            principal_kind=kind,
            principal_id=PRINCIPAL,
            client_id=CLIENT,
            agency_id=AGENCY,
            scopes=SCOPES,
            now=NOW,
            session_id=device,
        )


def test_every_token_has_an_id_of_its_own() -> None:
    assert AUTHORITY.verify(mint(), NOW).token_id != AUTHORITY.verify(mint(), NOW).token_id


def test_a_token_without_scopes_is_possible() -> None:
    assert AUTHORITY.verify(mint(scopes=frozenset()), NOW).scopes == frozenset()


@pytest.mark.parametrize(("offset_s", "expected_s"), [(-300, -300), (0, 0), (5, 0)])
def test_the_time_of_sign_in_is_kept_but_never_later_than_the_issue(offset_s: int, expected_s: int) -> None:
    token = AUTHORITY.mint(
        principal_kind="staff",
        principal_id=PRINCIPAL,
        client_id=CLIENT,
        agency_id=AGENCY,
        scopes=SCOPES,
        now=NOW,
        auth_time=NOW + timedelta(seconds=offset_s),
        session_id=DEVICE,
    )
    assert AUTHORITY.verify(token, NOW).auth_time == NOW + timedelta(seconds=expected_s)


@pytest.mark.parametrize("scope", ["", "two words", 'quo"te', "back\\slash", "line\n", "中文"])
def test_a_scope_that_could_smuggle_another_is_not_minted(scope: str) -> None:
    with pytest.raises(ValueError, match="scope"):
        mint(scopes=frozenset({scope}))


def test_a_principal_of_an_unknown_kind_is_not_minted() -> None:
    with pytest.raises(ValueError, match="principal_kind"):
        AUTHORITY.mint(
            principal_kind="system",
            principal_id=PRINCIPAL,
            client_id=CLIENT,
            agency_id=AGENCY,
            scopes=SCOPES,
            now=NOW,
        )


@pytest.mark.parametrize("lifetime_s", [0, -1, 601])
def test_a_lifetime_outside_the_cap_is_not_minted(lifetime_s: int) -> None:
    with pytest.raises(ValueError, match="lifetime_s"):
        mint(lifetime_s=lifetime_s)


def test_a_token_of_another_deployment_is_refused() -> None:
    with pytest.raises(NotAuthenticated):
        TokenAuthority(KEYRING, "https://elsewhere.example").verify(mint(), NOW)
    with pytest.raises(NotAuthenticated):
        TokenAuthority(generate_keyring(), ISSUER).verify(mint(), NOW)


def test_tokens_of_the_old_key_are_good_until_it_leaves_the_keyring() -> None:
    old_token = mint()
    new_key = generate_keyring().tokens[0]
    both = TokenAuthority(replace(KEYRING, tokens=(new_key, *KEYRING.tokens)), ISSUER)
    assert both.verify(old_token, NOW).principal_id == PRINCIPAL
    after = TokenAuthority(replace(KEYRING, tokens=(new_key,)), ISSUER)
    assert after.verify(mint(both), NOW).principal_id == PRINCIPAL
    with pytest.raises(NotAuthenticated):
        after.verify(old_token, NOW)


def test_the_published_keys_are_public() -> None:
    (key,) = AUTHORITY.jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (key["alg"], key["crv"], key["kid"]) == ("ES256", "P-256", KEYRING.tokens[0].key_id)


def test_a_second_library_accepts_our_token_with_our_published_keys() -> None:
    keys = KeySet.import_key_set({"keys": [dict(key) for key in AUTHORITY.jwks()["keys"]]})
    token = other_jwt.decode(mint(), keys, algorithms=["ES256"])
    assert token.header == dict(ACCESS_HEADER)
    assert token.claims["aud"] == token.claims["iss"] == ISSUER
    assert UUID(str(token.claims["sub"])) == PRINCIPAL


def test_we_accept_a_token_that_a_second_library_signed_with_our_key() -> None:
    key = ECKey.import_key({**private_jwk(SCALAR, key_id=KEY_ID)})
    token = other_jwt.encode(dict(ACCESS_HEADER), access_claims(), key, algorithms=["ES256"])
    assert AUTHORITY.verify(token, NOW).principal_id == PRINCIPAL


def test_a_remembered_token_still_expires() -> None:
    authority, token = TokenAuthority(KEYRING, ISSUER), mint()
    assert authority.verify(token, NOW) is authority.verify(token, NOW + timedelta(seconds=599))
    with pytest.raises(TokenExpired):
        authority.verify(token, NOW + timedelta(seconds=630))
    with pytest.raises(TokenExpired):
        authority.verify(token, NOW + timedelta(seconds=630))


def test_an_expired_token_is_dropped_from_memory() -> None:
    authority, token = TokenAuthority(KEYRING, ISSUER), mint()
    authority.verify(token, NOW)
    assert len(authority._held.remembered) == 1
    authority.verify(token, NOW + timedelta(seconds=600))
    assert len(authority._held.remembered) == 0


def test_memory_of_tokens_is_bounded_and_holds_no_tokens() -> None:
    authority = TokenAuthority(KEYRING, ISSUER)
    remembered = authority._held.remembered
    claims = authority.verify(mint(), NOW)
    for number in range(REMEMBERED_TOKENS + 10):
        remembered.keep(number.to_bytes(32, "big"), claims)
    assert len(remembered) == REMEMBERED_TOKENS
    assert remembered.find((9).to_bytes(32, "big"), NOW) is None
    assert remembered.find((10).to_bytes(32, "big"), NOW) is claims
    assert all(len(digest) == 32 for digest in remembered._claims)


def test_a_token_verified_once_does_not_vouch_for_its_neighbour() -> None:
    authority = TokenAuthority(KEYRING, ISSUER)
    token = signed(ACCESS_HEADER, access_claims())
    authority.verify(token, NOW)
    with pytest.raises(NotAuthenticated):
        authority.verify(token + "A", NOW)


def test_adopting_a_keyring_with_one_more_key_keeps_old_tokens_and_signs_with_the_first() -> None:
    authority = TokenAuthority(KEYRING, ISSUER)
    old = mint(authority)
    added = new_token_key(NOW)
    authority.adopt(replace(KEYRING, tokens=(added, *KEYRING.tokens)))
    new = mint(authority)
    assert read_compact(new).key_id == added.key_id
    assert authority.verify(old, NOW).principal_id == authority.verify(new, NOW).principal_id
    assert {key["kid"] for key in authority.jwks()["keys"]} == {added.key_id, KEYRING.tokens[0].key_id}


def test_a_token_verified_before_is_void_with_the_key_that_signed_it() -> None:
    authority = TokenAuthority(KEYRING, ISSUER)
    old = mint(authority)
    authority.verify(old, NOW)
    authority.adopt(replace(KEYRING, tokens=(new_token_key(NOW),)))
    with pytest.raises(NotAuthenticated):
        authority.verify(old, NOW)

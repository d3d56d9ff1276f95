"""Access tokens (RFC 9068) and client assertions (RFC 7523), ES256 only. The one module that imports python-jose.

python-jose 3.5.0 by itself accepts tokens without `aud` or `exp`, unknown `crit`, any `typ`, `exp` as text, duplicate
claims, and HS256 under a public key. So it only signs and verifies bytes here; form and claims are checked by our own
code, before and after (crypto/compact.py), against keys of our own table. tests/crypto keeps the attacks.
"""

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Self
from uuid import UUID

from jose import jwk, jws
from jose.backends.base import Key

from crypto.compact import ALGORITHM, CompactToken, read_compact, seconds_claim, text_claim, uuid_claim
from crypto.keys import Keyring
from crypto.public_keys import generate_client_key, private_jwk, public_jwk_of, validate_public_jwk
from rules.errors import NotAuthenticated, TokenExpired, ValidationFailed

__all__ = [
    "LEEWAY_S",
    "AccessClaims",
    "AssertionClaims",
    "TokenAuthority",
    "assertion_client_id",
    "generate_client_key",
    "public_jwk_of",
    "sign_client_assertion",
    "validate_public_jwk",
    "verify_client_assertion",
]

LEEWAY_S: Final = 30  # clocks of agencies drift; measured in seconds
MAX_TOKEN_LIFETIME_S: Final = 600
MAX_ASSERTION_LIFETIME_S: Final = 120
REMEMBERED_TOKENS: Final = 4096
ACCESS_TYPE: Final = "at+jwt"
ASSERTION_TYPE: Final = "client-authentication+jwt"
PRINCIPAL_KINDS: Final = frozenset({"client", "staff"})

_WITH_PASSWORD: Final = ("pwd",)  # RFC 8176
_WITH_BOTH: Final = ("pwd", "mfa")

_SCOPES = re.compile(r"(?:[!#-\[\]-~]+(?: [!#-\[\]-~]+)*)?")  # RFC 6749 section 3.3
_SCOPE = re.compile(r"[!#-\[\]-~]+")


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Who calls, as the token says. Whether the principal is still alive is the database's to say.

    A person's token names its device (`sid`, here `session_id`) and how it proved itself (`amr`); a client's neither.
    """

    principal_id: UUID
    principal_kind: str
    client_id: UUID
    agency_id: UUID
    scopes: frozenset[str]
    token_id: str
    issued_at: datetime
    expires_at: datetime
    auth_time: datetime
    session_id: UUID | None = None
    second_factor: bool | None = None


@dataclass(frozen=True, slots=True)
class AssertionClaims:
    """A good assertion. `token_id` may be used once: remember it until `expires_at` plus LEEWAY_S."""

    token_id: str
    issued_at: datetime
    expires_at: datetime
    key_id: str


class TokenAuthority:
    """Mints and verifies our own access tokens. Safe to share between threads."""

    def __init__(self, keyring: Keyring, issuer: str) -> None:
        self._issuer = issuer
        self.adopt(keyring)

    def adopt(self, keyring: Keyring) -> None:
        """Sign and verify with the token keys of `keyring` from now on; what a removed key signed is void at once."""
        self._held = _Held.of(keyring)

    def mint(
        self,
        *,
        principal_kind: str,
        principal_id: UUID,
        client_id: UUID,
        agency_id: UUID,
        scopes: frozenset[str],
        now: datetime,
        lifetime_s: int = MAX_TOKEN_LIFETIME_S,
        auth_time: datetime | None = None,
        session_id: UUID | None = None,
        second_factor: bool = False,
    ) -> str:
        """A signed access token. Raises ValueError for what `verify` would refuse. Cost about 0.05 ms."""
        _require_mintable(principal_kind, scopes, lifetime_s)
        if (session_id is None) is (principal_kind == "staff"):
            raise ValueError("a person's token names its device, a client's does not")
        issued = int(now.timestamp())
        claims: dict[str, str | int | list[str]] = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": str(principal_id),
            "client_id": str(client_id),
            "agency": str(agency_id),
            "kind": principal_kind,
            "scope": " ".join(sorted(scopes)),
            "jti": secrets.token_urlsafe(16),
            "iat": issued,
            "nbf": issued,
            "exp": issued + lifetime_s,
            # Another host's clock may be ahead; a sign-in after the issue would be refused.
            "auth_time": issued if auth_time is None else min(issued, int(auth_time.timestamp())),
        }
        if session_id is not None:
            claims |= {"sid": str(session_id), "amr": list(_WITH_BOTH if second_factor else _WITH_PASSWORD)}
        held = self._held
        header = {"typ": ACCESS_TYPE, "kid": held.signing_key_id}
        return jws.sign(claims, held.signing_key, headers=header, algorithm=ALGORITHM)

    def verify(self, token: str, now: datetime) -> AccessClaims:
        """The claims of a good token. Raises TokenExpired or NotAuthenticated. Cost 0.1 ms, 3 us when seen before."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        held = self._held
        known = held.remembered.find(digest, now)
        claims = known or self._read(token, held)
        _check_times(claims.issued_at, claims.expires_at, now)
        if known is None and claims.expires_at > now:
            held.remembered.keep(digest, claims)
        return claims

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys (RFC 7517), for whoever wants to check our tokens."""
        return {"keys": [public_jwk_of(private) for private in self._held.private.values()]}

    def _read(self, token: str, held: "_Held") -> AccessClaims:
        compact = read_compact(token)
        if compact.type != ACCESS_TYPE:
            raise NotAuthenticated(reason="type")
        _require_signature(compact, held.verifying_keys.get(compact.key_id))
        return _read_access_claims(compact.claims, self._issuer)


@dataclass(frozen=True, slots=True)
class _Held:
    """The token keys in force, with the tokens verified under them: exchanged together, so none outlives its key."""

    private: Mapping[str, Mapping[str, str]]
    signing_key_id: str
    signing_key: Key
    verifying_keys: Mapping[str, Key]
    remembered: "_RememberedTokens"

    @classmethod
    def of(cls, keyring: Keyring) -> Self:
        private = {key.key_id: private_jwk(key.scalar, key_id=key.key_id) for key in keyring.tokens}
        current = keyring.tokens[0].key_id
        return cls(
            private=private,
            signing_key_id=current,
            signing_key=jwk.construct(dict(private[current]), ALGORITHM),
            verifying_keys={key_id: _verifying_key(own["x"], own["y"]) for key_id, own in private.items()},
            remembered=_RememberedTokens(REMEMBERED_TOKENS),
        )


class _RememberedTokens:
    """Verified tokens by their hash, least recently used out first: most requests repeat a token of minutes ago.

    Holds hashes, so a memory dump of it lets nobody in. Revocation is not its business: the database is asked anyway.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._claims: OrderedDict[bytes, AccessClaims] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, digest: bytes, now: datetime) -> AccessClaims | None:
        """The claims, unless the token has expired: within the leeway it is verified again each time."""
        with self._lock:
            claims = self._claims.get(digest)
            if claims is not None and claims.expires_at <= now:
                del self._claims[digest]
                return None
            if claims is not None:
                self._claims.move_to_end(digest)
            return claims

    def keep(self, digest: bytes, claims: AccessClaims) -> None:
        with self._lock:
            self._claims[digest] = claims
            if len(self._claims) > self._capacity:
                self._claims.popitem(last=False)

    def __len__(self) -> int:
        return len(self._claims)


def assertion_client_id(assertion: str) -> str | None:
    """Whose assertion this claims to be, so that the keys can be looked up. Proves nothing; None if unreadable."""
    try:
        return text_claim(read_compact(assertion).claims, "sub", longest=64)
    except NotAuthenticated:
        return None


def verify_client_assertion(
    assertion: str, *, client_id: str, keys: Sequence[Mapping[str, str]], issuer: str, now: datetime
) -> AssertionClaims:
    """Check a private_key_jwt assertion of `client_id` against its registered public keys. Raises NotAuthenticated.

    `issuer` is our own identifier, the only audience accepted. Single use is the caller's part, by `token_id`.
    Lifetime and the bound on `iat` together keep `exp` within 150 s of `now`: no longer need an id be remembered.
    """
    compact = read_compact(assertion)
    if compact.type not in (None, "JWT", ASSERTION_TYPE):
        raise NotAuthenticated(reason="type")
    _require_signature(compact, _registered_key(keys, compact.key_id))
    claims = compact.claims
    if not claims.get("iss") == claims.get("sub") == client_id:
        raise NotAuthenticated(reason="subject")
    if claims.get("aud") != issuer:
        raise NotAuthenticated(reason="audience")
    issued_at, expires_at = _read_period(claims, MAX_ASSERTION_LIFETIME_S)
    try:
        _check_times(issued_at, expires_at, now)
    except TokenExpired:
        raise NotAuthenticated(reason="expired") from None
    if "nbf" in claims and seconds_claim(claims, "nbf") > now.timestamp() + LEEWAY_S:
        raise NotAuthenticated(reason="not-yet-valid")
    token_id = text_claim(claims, "jti", shortest=8, longest=128)
    return AssertionClaims(token_id, issued_at, expires_at, compact.key_id)


def sign_client_assertion(
    private: Mapping[str, str], *, client_id: str, audience: str, now: datetime, lifetime_s: int = 60
) -> str:
    """The assertion a client sends for itself; `private` is its JWK with `kid`. For the demo, tests and clients."""
    issued = int(now.timestamp())
    claims: dict[str, str | int] = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": issued,
        "exp": issued + lifetime_s,
    }
    header = {"typ": ASSERTION_TYPE, "kid": private["kid"]}
    return jws.sign(claims, dict(private), headers=header, algorithm=ALGORITHM)


@lru_cache(maxsize=1024)
def _verifying_key(x: str, y: str) -> Key:
    """A public key ready for use; building one costs as much as a verification."""
    return jwk.construct({"kty": "EC", "crv": "P-256", "x": x, "y": y}, ALGORITHM)


def _registered_key(keys: Sequence[Mapping[str, str]], key_id: str) -> Key | None:
    """The one key of that id. None also when two share it: guessing between keys is how confusion starts."""
    found = [key for key in keys if key.get("kid") == key_id]
    if len(found) != 1:
        return None
    try:
        own = validate_public_jwk(found[0])
    except ValidationFailed:
        return None
    return _verifying_key(own["x"], own["y"])


def _require_signature(compact: CompactToken, key: Key | None) -> None:
    if key is None:
        raise NotAuthenticated(reason="unknown-key")
    if not key.verify(compact.signing_input, compact.signature):
        raise NotAuthenticated(reason="signature")


def _read_access_claims(claims: Mapping[str, object], issuer: str) -> AccessClaims:
    if claims.get("iss") != issuer:
        raise NotAuthenticated(reason="issuer")
    if claims.get("aud") != issuer:  # exactly one text: a list, even of one, is refused
        raise NotAuthenticated(reason="audience")
    kind = text_claim(claims, "kind")
    if kind not in PRINCIPAL_KINDS:
        raise NotAuthenticated(reason="kind")
    issued_at, expires_at = _read_period(claims, MAX_TOKEN_LIFETIME_S)
    if seconds_claim(claims, "nbf") != issued_at.timestamp():  # we mint them equal, so one check of time does for both
        raise NotAuthenticated(reason="nbf")
    session_id, second_factor = _read_session(claims, kind)
    return AccessClaims(
        principal_id=uuid_claim(claims, "sub"),
        principal_kind=kind,
        client_id=uuid_claim(claims, "client_id"),
        agency_id=uuid_claim(claims, "agency"),
        scopes=_read_scopes(claims),
        token_id=text_claim(claims, "jti", shortest=8, longest=128),
        issued_at=issued_at,
        expires_at=expires_at,
        auth_time=_moment(_read_auth_time(claims, issued_at)),
        session_id=session_id,
        second_factor=second_factor,
    )


def _read_session(claims: Mapping[str, object], kind: str) -> tuple[UUID | None, bool | None]:
    """A person's device and whether there was a second factor. A client that claims either is none of ours."""
    if kind != "staff":
        for name in ("sid", "amr"):
            if name in claims:
                raise NotAuthenticated(reason=name)
        return None, None
    session_id, methods = uuid_claim(claims, "sid"), claims.get("amr")
    if methods not in (list(_WITH_PASSWORD), list(_WITH_BOTH)):
        raise NotAuthenticated(reason="amr")
    return session_id, methods == list(_WITH_BOTH)


def _read_scopes(claims: Mapping[str, object]) -> frozenset[str]:
    text = claims.get("scope")
    if not isinstance(text, str) or not _SCOPES.fullmatch(text):
        raise NotAuthenticated(reason="scope")
    return frozenset(text.split())


def _read_auth_time(claims: Mapping[str, object], issued_at: datetime) -> int:
    """A sign-in after the issue would pass as fresh for step-up, so it is refused."""
    seconds = seconds_claim(claims, "auth_time")
    if seconds > issued_at.timestamp():
        raise NotAuthenticated(reason="auth_time")
    return seconds


def _read_period(claims: Mapping[str, object], longest_s: int) -> tuple[datetime, datetime]:
    issued, expires = seconds_claim(claims, "iat"), seconds_claim(claims, "exp")
    if not 0 < expires - issued <= longest_s:
        raise NotAuthenticated(reason="lifetime")
    return _moment(issued), _moment(expires)


def _check_times(issued_at: datetime, expires_at: datetime, now: datetime) -> None:
    leeway = timedelta(seconds=LEEWAY_S)
    if issued_at > now + leeway:
        raise NotAuthenticated(reason="not-yet-valid")
    if expires_at <= now - leeway:
        raise TokenExpired(reason="expired")


def _require_mintable(principal_kind: str, scopes: frozenset[str], lifetime_s: int) -> None:
    if principal_kind not in PRINCIPAL_KINDS:
        raise ValueError(f"principal_kind must be one of {sorted(PRINCIPAL_KINDS)}")
    if not 0 < lifetime_s <= MAX_TOKEN_LIFETIME_S:
        raise ValueError(f"lifetime_s must be 1 to {MAX_TOKEN_LIFETIME_S}")
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("a scope must be a token of RFC 6749")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

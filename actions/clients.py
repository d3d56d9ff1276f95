"""Opens, changes and revokes the machine accounts of the acting agency.

No account reaches further than the one that made it: scopes are bounded by the caller's own, and so is whoever gives a
client another key or secret. Accounts are dated by the real clock, as tokens are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg

from actions.agencies import version_tag
from actions.audit import leave_mark
from crypto.client_secrets import hash_secret, new_secret
from crypto.ids import new_id
from crypto.public_keys import thumbprint, validate_public_jwk
from db.clock import real_time
from db.queries import accounts
from db.transaction import Tx
from rules.errors import (
    Conflict,
    DuplicateRecord,
    FieldError,
    Hidden,
    InsufficientScope,
    InvalidTransition,
    PreconditionFailed,
    ValidationFailed,
)
from rules.rights import Role
from rules.scopes import BARRED_WITH_SECRET, SCOPES, grantable

SECRET_LIFE = timedelta(days=365)
_KEY_AT = "/public_jwk"


@dataclass(frozen=True, slots=True)
class OpenedClient:
    """A client, and its secret where it got a new one: nobody can read it again."""

    client: asyncpg.Record
    secret: str | None = field(default=None, repr=False)


def check_scopes(scopes: Sequence[str], *, held: frozenset[str], with_secret: bool) -> None:
    """Raises ValidationFailed for every scope that is unknown, beyond `held`, or barred for a client with a secret."""
    errors = []
    for position, scope in enumerate(scopes):
        at = f"/scopes/{position}"
        if scope not in SCOPES:
            errors.append(FieldError(at, "unknown-scope"))
        elif scope not in held:
            errors.append(FieldError(at, "beyond-own-scopes"))
        elif with_secret and scope in BARRED_WITH_SECRET:
            errors.append(FieldError(at, "barred-with-secret"))
    if errors:
        raise ValidationFailed(*errors)


async def seen_client(tx: Tx, client_id: UUID) -> asyncpg.Record:
    """The client with its keys. Raises Hidden. One statement."""
    client = await accounts.find_client(tx, client_id)
    if client is None:
        raise Hidden
    return client


async def open_client(
    tx: Tx, *, name: str, scopes: Sequence[str], public_jwk: Mapping[str, object] | None, with_secret: bool
) -> OpenedClient:
    """Opens a client that signs in with a key, a secret, or either. Two or three statements.

    Raises ValidationFailed.
    """
    if public_jwk is None and not with_secret:
        raise ValidationFailed(FieldError(_KEY_AT, "key-or-secret-required"))
    check_scopes(scopes, held=_grantable(tx), with_secret=with_secret)
    jwk = None if public_jwk is None else _checked(public_jwk)
    client_id, now = new_id(), real_time()
    text = new_secret() if with_secret else None
    await accounts.insert_client(tx, client_id, name=name, scopes=scopes, secret=_kept(text), now=now)
    if jwk is not None:
        await accounts.insert_key(tx, client_id, jwk, now)
    _mark(tx, "open", client_id, scopes=list(scopes), with_secret=with_secret, thumbprint=jwk and thumbprint(jwk))
    return OpenedClient(await seen_client(tx, client_id), text)


async def change_client(
    tx: Tx, client_id: UUID, *, version: int, name: str | None, scopes: Sequence[str] | None
) -> asyncpg.Record:
    """Changes name or scopes; None leaves them. Three statements. Tokens already out follow with the next request.

    Raises Hidden, PreconditionFailed, InvalidTransition, ValidationFailed (for scopes the client does not have yet).
    """
    before = await _locked(tx, client_id, version)
    if scopes is not None:
        held = _grantable(tx).union(before["scopes"])
        check_scopes(scopes, held=held, with_secret=before["has_secret"])
    await accounts.update_client(tx, client_id, name=name, scopes=scopes)
    changed = [field for field, value in (("name", name), ("scopes", scopes)) if value is not None]
    _mark(tx, "change", client_id, changed=changed, scopes=list(scopes or before["scopes"]))
    return await seen_client(tx, client_id)


async def add_key(tx: Tx, client_id: UUID, public_jwk: Mapping[str, object]) -> asyncpg.Record:
    """Gives a client one more public key; those before it keep working. Four statements.

    Raises Hidden, InsufficientScope, InvalidTransition, ValidationFailed, DuplicateRecord.
    """
    before = await _locked(tx, client_id)
    _reaches_no_further(tx, before)
    jwk = _checked(public_jwk)
    if not await accounts.insert_key(tx, client_id, jwk, real_time()):
        raise DuplicateRecord(f"/v1/clients/{client_id}")
    await accounts.update_client(tx, client_id, name=None, scopes=None)
    _mark(tx, "add_key", client_id, thumbprint=thumbprint(jwk))
    return await seen_client(tx, client_id)


async def revoke_key(tx: Tx, client_id: UUID, kid: str, *, version: int) -> int:
    """Ends a key: nothing it signs is taken from now on. Returns the client's version. Three statements.

    Tokens it fetched live on for at most ten minutes; to end those as well, revoke the client. Raises Hidden,
    PreconditionFailed, InvalidTransition.
    """
    before = await _locked(tx, client_id, version)
    if not await accounts.revoke_key(tx, client_id, kid, real_time()):
        raise Hidden
    await accounts.update_client(tx, client_id, name=None, scopes=None)
    _mark(tx, "revoke_key", client_id, kid=kid)
    return int(before["version"]) + 1


async def rotate_secret(tx: Tx, client_id: UUID) -> OpenedClient:
    """Replaces the secret of a client that has one; the old one is void at once. Three statements.

    Raises Hidden, InsufficientScope, InvalidTransition, Conflict (a client of keys alone is not made weaker).
    """
    before = await _locked(tx, client_id)
    _reaches_no_further(tx, before)
    if not before["has_secret"]:
        raise Conflict(reason="client-has-no-secret")
    text = new_secret()
    await accounts.update_secret(tx, client_id, _kept_of(text))
    _mark(tx, "rotate_secret", client_id)
    return OpenedClient(await seen_client(tx, client_id), text)


async def revoke_client(tx: Tx, client_id: UUID, *, version: int) -> asyncpg.Record:
    """Ends a client for good, its tokens included: the next request of one is refused. Three statements.

    Raises Hidden, PreconditionFailed, InvalidTransition. An agency may revoke its last one; the operator opens another.
    """
    await _locked(tx, client_id, version)
    await accounts.revoke_client(tx, client_id, real_time())
    _mark(tx, "revoke", client_id)
    return await seen_client(tx, client_id)


async def _locked(tx: Tx, client_id: UUID, version: int | None = None) -> asyncpg.Record:
    client = await accounts.lock_client(tx, client_id)
    if client is None:
        raise Hidden
    if version is not None and client["version"] != version:
        raise PreconditionFailed(version_tag(client["version"]))
    if client["status"] != "active":
        raise InvalidTransition(current=client["status"], allowed=())
    return client


def _grantable(tx: Tx) -> frozenset[str]:
    return grantable(tx.rights.scopes, administers=Role.agency_admin in tx.rights.roles)


def _reaches_no_further(tx: Tx, client: asyncpg.Record) -> None:
    """Whoever could add a key to a wider client would have its scopes."""
    for scope in sorted(frozenset(client["scopes"]) - _grantable(tx)):
        raise InsufficientScope(scope)


def _checked(public_jwk: Mapping[str, object]) -> dict[str, str]:
    try:
        return validate_public_jwk(public_jwk)
    except ValidationFailed as failed:
        faults = [FieldError(_KEY_AT + error.pointer, error.code, error.facts) for error in failed.errors]
        raise ValidationFailed(*faults) from None


def _kept(secret: str | None) -> accounts.Secret | None:
    return None if secret is None else _kept_of(secret)


def _kept_of(secret: str) -> accounts.Secret:
    return accounts.Secret(hash_secret(secret), real_time() + SECRET_LIFE)


def _mark(tx: Tx, verb: str, client_id: UUID, **facts: object) -> None:
    leave_mark(tx, f"client.{verb}", subject_type="client", subject_id=client_id, facts=facts)

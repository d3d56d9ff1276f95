"""Inbound sources and their mappings: what the agency that is written to does with them.

What a source sends is done as one of the agency's own machine accounts. No source reaches further than whoever makes
it, gives it a credential, or says what its bodies become.
"""

import secrets
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from crypto.client_secrets import hash_secret
from crypto.ids import new_id
from crypto.webhooks import generate_webhook_keys, parse_secret_text
from db.queries import inbound_sources
from db.transaction import Tx
from rules.errors import Conflict, FieldError, Hidden, InsufficientScope, PreconditionFailed, ValidationFailed
from rules.inbound import OVERLAP, SourceKind
from rules.inbound_conversions import Json
from rules.inbound_mapping import read_mapping
from rules.rights import Role
from rules.scopes import grantable

MAX_SOURCES = 200
TOKEN_PREFIX = "tli_"  # noqa: S105  the public prefix of a token
_SUBJECT = "inbound_source"


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A source, and its credential where it has just been made: it is shown once."""

    source: asyncpg.Record
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SourceSaid:
    """A source as its agency says it. `certificate_sha256`: of a certificate that a trusted proxy vouches for."""

    name: str
    kind: SourceKind
    client_id: UUID | None
    certificate_sha256: bytes | None


@dataclass(frozen=True, slots=True)
class _Credential:
    """What is kept of a credential, and what is shown of it."""

    secret: bytes | None = None
    digest: bytes | None = None
    shown: str | None = field(default=None, repr=False)


async def open_source(tx: Tx, said: SourceSaid, *, has_proxy: bool) -> OpenedSource:
    """A new source; it takes nothing before it has a mapping. Five statements.

    Raises ValidationFailed, InsufficientScope, Conflict where there are too many or, for `mtls`, no proxy is trusted.
    """
    if said.kind is SourceKind.mtls and not has_proxy:
        raise Conflict(reason="no-trusted-proxy")
    await _require_room(tx)
    client_id = await _client_for(tx, said.client_id)
    source_id = new_id()
    made = _new_credential(tx, source_id, said.kind, said.certificate_sha256)
    row = {"id": source_id, "client_id": client_id, "name": said.name, "kind": said.kind.value}
    await inbound_sources.insert_source(tx, row | {"secret": made.secret, "digest": made.digest})
    return await _changed(tx, source_id, "open", secret=made.shown, kind=said.kind.value, client=str(client_id))


async def seen_source(tx: Tx, source_id: UUID) -> asyncpg.Record:
    """The source. Raises Hidden. One statement."""
    source = await inbound_sources.find_source(tx, source_id)
    if source is None:
        raise Hidden
    return source


async def change_source(
    tx: Tx, source_id: UUID, *, version: int, name: str | None, client_id: UUID | None, status: str | None
) -> asyncpg.Record:
    """Changes name, account or status; None leaves a thing. What is disabled takes nothing; what came is still done. Up
    to six statements. Raises Hidden, PreconditionFailed, ValidationFailed, InsufficientScope, Conflict."""
    source = await _held(tx, source_id, version)
    if status == "active" != source["status"]:
        await _require_room(tx)
    if client_id is not None:
        client_id = await _client_for(tx, client_id)
    await inbound_sources.update_source(tx, source_id, name=name, client_id=client_id, status=status)
    given = {"name": name, "client": client_id, "status": status}
    changed = [member for member, value in given.items() if value is not None]
    return (await _changed(tx, source_id, "change", changed=changed, status=status)).source


async def rotate_credential(tx: Tx, source_id: UUID, certificate_sha256: bytes | None) -> OpenedSource:
    """A new secret, token or certificate; the one before is taken for a day. Five statements.

    Raises Hidden, ValidationFailed, InsufficientScope.
    """
    source = await _held(tx, source_id)
    made = _new_credential(tx, source_id, SourceKind(source["kind"]), certificate_sha256)
    await inbound_sources.replace_credential(tx, source_id, secret=made.secret, digest=made.digest, overlap=OVERLAP)
    return await _changed(tx, source_id, "rotate_secret", secret=made.shown)


async def add_mapping(tx: Tx, source_id: UUID, document: Json) -> asyncpg.Record:
    """One more version of what the source's bodies become, in use from now on. Six statements.

    Raises Hidden, ValidationFailed, InsufficientScope.
    """
    await _held(tx, source_id)
    read_mapping(document, at="/document")
    version = await inbound_sources.insert_mapping(tx, source_id, document)
    await inbound_sources.use_mapping(tx, source_id, version)
    await _changed(tx, source_id, "map", mapping=version)
    return await seen_mapping(tx, source_id, version)


async def use_mapping(tx: Tx, source_id: UUID, version: int) -> asyncpg.Record:
    """An earlier version holds again. Five statements. Raises Hidden, InsufficientScope."""
    await _held(tx, source_id)
    found = await seen_mapping(tx, source_id, version)
    await inbound_sources.use_mapping(tx, source_id, version)
    await _changed(tx, source_id, "map", mapping=version)
    return found


async def seen_mapping(tx: Tx, source_id: UUID, version: int) -> asyncpg.Record:
    """One version. Raises Hidden. One statement."""
    found = await inbound_sources.find_mapping(tx, source_id, version)
    if found is None:
        raise Hidden
    return found


async def _require_room(tx: Tx) -> None:
    """Raises Conflict where the agency has as many active sources as it may."""
    if await inbound_sources.count_active(tx) >= MAX_SOURCES:
        raise Conflict(reason="too-many-sources")


def _new_credential(tx: Tx, source_id: UUID, kind: SourceKind, certificate_sha256: bytes | None) -> _Credential:
    if (kind is SourceKind.mtls) != (certificate_sha256 is not None):
        code = "required" if certificate_sha256 is None else "not-with-this-kind"
        raise ValidationFailed(FieldError("/certificate_sha256", code))
    if kind is SourceKind.mtls:
        return _Credential(digest=certificate_sha256)
    if kind is SourceKind.bearer:
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        return _Credential(digest=hash_secret(token), shown=token)
    text = generate_webhook_keys().secret_text
    sealed = tx.vault.cipher.seal_bytes(parse_secret_text(text), secret_context(source_id))
    return _Credential(secret=sealed, shown=text)


def secret_context(source_id: UUID) -> str:
    """What the secret of a source is sealed for."""
    return f"inbound_source.secret:{source_id}"


async def _client_for(tx: Tx, client_id: UUID | None) -> UUID:
    """The account a source acts as; without one said, the machine that asks. Raises ValidationFailed,
    InsufficientScope."""
    chosen = client_id or (tx.caller.principal_id if tx.caller.kind == "client" else None)
    if chosen is None:
        raise ValidationFailed(FieldError("/client_id", "required"))
    if not await inbound_sources.is_own_client(tx, chosen):
        raise ValidationFailed(FieldError("/client_id", "unknown-client"))
    await _reach_no_further(tx, chosen)
    return chosen


async def _reach_no_further(tx: Tx, client_id: UUID) -> None:
    """Whoever decides what is done as an account must be able to do that itself. Raises InsufficientScope."""
    held = grantable(tx.rights.scopes, administers=Role.agency_admin in tx.rights.roles)
    beyond = await inbound_sources.scopes_of_client(tx, client_id) - held
    if beyond:
        raise InsufficientScope(" ".join(sorted(beyond)))


async def _held(tx: Tx, source_id: UUID, version: int | None = None) -> asyncpg.Record:
    """The source, locked. Raises Hidden, PreconditionFailed for another version, InsufficientScope."""
    source = await inbound_sources.lock_source(tx, source_id)
    if source is None:
        raise Hidden
    if version is not None and source["version"] != version:
        raise PreconditionFailed(f'"v{source["version"]}"')
    await _reach_no_further(tx, source["client_id"])
    return source


async def _changed(tx: Tx, source_id: UUID, verb: str, *, secret: str | None = None, **facts: object) -> OpenedSource:
    """The source as it now stands, and the mark. One statement."""
    leave_mark(tx, f"inbound_source.{verb}", subject_type=_SUBJECT, subject_id=source_id, facts=facts)
    return OpenedSource(await seen_source(tx, source_id), secret)

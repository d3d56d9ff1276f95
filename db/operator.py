"""The operator's door: what no agency may do, so that there can be a first agency, and a first client that signs in.

One transaction, four hats. The directory and reference tables belong to `tongli_owner`; clients, keys, staff and audit
leaves lie behind row security that knows no operator at all, so they are written as `tongli_app` acting for one agency.
Sealed values and indexes of everybody's rows are renewed as `tongli_keys`, which sees and changes nothing else; what
another linkage model would say is asked as `tongli_rescore`. No hat needs a superuser: the administrator's login is a
member of these roles.
"""

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from crypto.digests import committed
from crypto.ids import new_id
from db import names
from db.engine import Raw, driver_connection, open_engine
from db.transaction import commit_with

OPERATOR = UUID(int=0)
"""Stands for the person at the operator's keyboard: the machine's own log knows who that was."""


@asynccontextmanager
async def open_operator_transaction(admin_url: str) -> AsyncIterator[Raw]:
    """A transaction as tongli_owner, over a connection of its own. `admin_url`: the login that prepared the roles."""
    engine = open_engine(admin_url)
    try:
        async with engine.connect() as connection:
            raw = await driver_connection(connection)
            async with raw.transaction():
                await act_as_owner(raw)
                yield raw
    finally:
        await engine.dispose()


@dataclass(frozen=True, slots=True)
class KeyWork:
    """One connection for a walk of many small transactions."""

    _raw: Raw

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Raw]:
        """A transaction as tongli_keys."""
        async with self._raw.transaction():
            await self._raw.execute(f"SET LOCAL ROLE {names.KEYS}")
            yield self._raw


@asynccontextmanager
async def open_key_work(admin_url: str) -> AsyncIterator[KeyWork]:
    """The door of `./tongli keys`. `admin_url`: the login that prepared the roles."""
    engine = open_engine(admin_url)
    try:
        async with engine.connect() as connection:
            yield KeyWork(await driver_connection(connection))
    finally:
        await engine.dispose()


@dataclass(frozen=True, slots=True)
class RescoreWork:
    """One connection for a walk of many small transactions."""

    _raw: Raw

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[Raw]:
        """A transaction as tongli_rescore."""
        async with self._raw.transaction():
            await self._raw.execute(f"SET LOCAL ROLE {names.RESCORE}")
            yield self._raw

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Raw]:
        """The same, seeing everything as it stands now and changing nothing."""
        async with self._raw.transaction(isolation="repeatable_read", readonly=True):
            await self._raw.execute(f"SET LOCAL ROLE {names.RESCORE}")
            yield self._raw


@asynccontextmanager
async def open_rescore_work(admin_url: str) -> AsyncIterator[RescoreWork]:
    """The door of `./tongli linkage rescore` and `rebuild`. `admin_url`: the login that prepared the roles."""
    engine = open_engine(admin_url)
    try:
        async with engine.connect() as connection:
            raw = await driver_connection(connection)
            async with raw.transaction():
                await raw.execute(f"SET LOCAL ROLE {names.APP}")
                commit_with(await raw.fetchval("SELECT hash FROM audit_log") or "sha256")
            yield RescoreWork(raw)
    finally:
        await engine.dispose()


async def act_as_owner(raw: Raw) -> None:
    """From here on the directory and reference tables may be written, and no agency's rows are seen."""
    await raw.execute(f"SET LOCAL ROLE {names.OWNER}")


async def act_for(raw: Raw, agency_id: UUID) -> None:
    """From here on row security shows this agency's rows, and no others."""
    await raw.execute(f"SET LOCAL ROLE {names.APP}")
    await raw.execute("SELECT set_config('tongli.agency', $1, true)", str(agency_id))


async def leave_operator_mark(
    raw: Raw, agency_id: UUID, action: str, *, subject: tuple[str, UUID], facts: Mapping[str, object]
) -> None:
    """The audit leaf of an operator's write, kept with the agency it touches, in the same transaction."""
    leaf: dict[str, object] = {
        "id": str(new_id()),
        "at": datetime.now(UTC).isoformat(),
        "agency_id": str(agency_id),
        "principal_kind": "operator",
        "principal_id": str(OPERATOR),
        "actor": None,
        "action": action,
        "subject_type": subject[0],
        "subject_id": str(subject[1]),
        "case_id": None,
        "field_classes": [],
        "purpose": None,
        "request_id": f"admin-{secrets.token_hex(8)}",
        "facts": dict(facts),
    }
    await act_for(raw, agency_id)
    hash_name = await raw.fetchval("SELECT hash FROM audit_log") or "sha256"
    await raw.execute(_ADD_LEAF, json.dumps(committed(leaf, hash_name)))


async def revision_of(admin_url: str) -> str | None:
    """The migration the database stands at; None where it has no tables yet. Expects the roles. Four statements."""
    async with open_operator_transaction(admin_url) as raw:
        if await raw.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        revision: str | None = await raw.fetchval("SELECT version_num FROM alembic_version")
        return revision


_ADD_LEAF = """
INSERT INTO audit_leaf (id, at, agency_id, principal_kind, principal_id, action, subject_type, subject_id,
                        field_classes, request_id, facts, salt, algorithm, commitment)
SELECT id, at, agency_id, principal_kind, principal_id, action, subject_type, subject_id, '{}', request_id, facts,
       decode(salt, 'hex'), algorithm, decode(commitment, 'hex')
  FROM jsonb_to_record($1::jsonb) AS t (id uuid, at timestamptz, agency_id uuid, principal_kind text,
       principal_id uuid, action text, subject_type text, subject_id uuid, request_id text, facts jsonb, salt text,
       algorithm text, commitment text)"""

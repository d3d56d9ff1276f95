"""Accounts of the acting agency: its clients with their keys, its staff. Row security shows no other agency's.

A secret's hash goes in and never comes out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from db.transaction import Tx

_NEWEST = UUID(int=2**128 - 1)

_CLIENT = """
SELECT c.id, c.name, c.scopes, c.status, c.secret_hash IS NOT NULL AS has_secret, c.secret_expires_at, c.created_at,
       c.revoked_at, c.version,
       (SELECT coalesce(json_agg(json_build_object('kid', k.kid, 'jwk', k.jwk, 'created_at', k.created_at,
                                                   'revoked_at', k.revoked_at) ORDER BY k.created_at, k.kid), '[]')
          FROM client_key k WHERE k.client_id = c.id)::text AS keys
  FROM client c WHERE c.agency_id = $1"""

_INSERT_CLIENT = """
INSERT INTO client (id, agency_id, name, scopes, status, secret_hash, secret_expires_at, created_at, version)
VALUES ($1, $2, $3, $4, 'active', $5, $6, $7, 1)"""

_INSERT_KEY = """
INSERT INTO client_key (client_id, kid, agency_id, jwk, created_at) VALUES ($1, $2, $3, $4::jsonb, $5)
    ON CONFLICT (client_id, kid) DO NOTHING RETURNING kid"""

_STAFF = "SELECT id, login, name, roles, status, created_at, revoked_at, version FROM staff WHERE agency_id = $1"

_INSERT_STAFF = """
INSERT INTO staff (id, agency_id, login, name, roles, status, created_at, version)
VALUES ($1, $2, $3, $4, $5, 'active', $6, 1)
    ON CONFLICT (agency_id, login) DO NOTHING RETURNING id"""


@dataclass(frozen=True, slots=True)
class Secret:
    """What is kept of a client secret."""

    hash: bytes = field(repr=False)
    expires_at: datetime


async def list_clients(tx: Tx, *, after: UUID | None, limit: int) -> list[asyncpg.Record]:
    """The agency's clients, newest first, from behind `after` on. One statement, as every function here."""
    return await tx.rows(f"{_CLIENT} AND c.id < $2 ORDER BY c.id DESC LIMIT $3", tx.agency_id, after or _NEWEST, limit)


async def find_client(tx: Tx, client_id: UUID) -> asyncpg.Record | None:
    """A client with its keys (JSON text), or None where it is not the agency's."""
    return await tx.row(f"{_CLIENT} AND c.id = $2", tx.agency_id, client_id)


async def lock_client(tx: Tx, client_id: UUID) -> asyncpg.Record | None:
    """The client's state, locked: two changes of one client take turns."""
    return await tx.row(
        "SELECT id, scopes, status, version, secret_hash IS NOT NULL AS has_secret FROM client "
        "WHERE agency_id = $1 AND id = $2 FOR UPDATE",
        tx.agency_id,
        client_id,
    )


async def insert_client(
    tx: Tx, client_id: UUID, *, name: str, scopes: Sequence[str], secret: Secret | None, now: datetime
) -> None:
    await tx.run(
        _INSERT_CLIENT,
        client_id,
        tx.agency_id,
        name,
        list(scopes),
        secret and secret.hash,
        secret and secret.expires_at,
        now,
    )


async def insert_key(tx: Tx, client_id: UUID, jwk: Mapping[str, str], now: datetime) -> bool:
    """False where the client has, or once had, a key of that id."""
    kid = await tx.value(_INSERT_KEY, client_id, jwk["kid"], tx.agency_id, json.dumps(dict(jwk)), now)
    return kid is not None


async def revoke_key(tx: Tx, client_id: UUID, kid: str, now: datetime) -> bool:
    """False where the client has no live key of that id."""
    tag = await tx.run(
        "UPDATE client_key SET revoked_at = $4 WHERE agency_id = $1 AND client_id = $2 AND kid = $3 "
        "AND revoked_at IS NULL",
        tx.agency_id,
        client_id,
        kid,
        now,
    )
    return tag == "UPDATE 1"


async def update_client(tx: Tx, client_id: UUID, *, name: str | None, scopes: Sequence[str] | None) -> None:
    """Changes what is given of a client that is locked, and counts its version on."""
    await tx.run(
        "UPDATE client SET name = coalesce($3, name), scopes = coalesce($4, scopes), version = version + 1 "
        "WHERE agency_id = $1 AND id = $2",
        tx.agency_id,
        client_id,
        name,
        None if scopes is None else list(scopes),
    )


async def update_secret(tx: Tx, client_id: UUID, secret: Secret) -> None:
    """The secret before it no longer signs in."""
    await tx.run(
        "UPDATE client SET secret_hash = $3, secret_expires_at = $4, version = version + 1 "
        "WHERE agency_id = $1 AND id = $2",
        tx.agency_id,
        client_id,
        secret.hash,
        secret.expires_at,
    )


async def revoke_client(tx: Tx, client_id: UUID, now: datetime) -> None:
    await tx.run(
        "UPDATE client SET status = 'revoked', revoked_at = $3, version = version + 1 WHERE agency_id = $1 AND id = $2",
        tx.agency_id,
        client_id,
        now,
    )


async def list_staff(tx: Tx, *, after: UUID | None, limit: int) -> list[asyncpg.Record]:
    """The agency's staff, newest first, from behind `after` on."""
    return await tx.rows(f"{_STAFF} AND id < $2 ORDER BY id DESC LIMIT $3", tx.agency_id, after or _NEWEST, limit)


async def find_staff(tx: Tx, staff_id: UUID) -> asyncpg.Record | None:
    """A staff member, or None where it is not the agency's."""
    return await tx.row(f"{_STAFF} AND id = $2", tx.agency_id, staff_id)


async def lock_staff(tx: Tx, staff_id: UUID) -> asyncpg.Record | None:
    """A staff member's state, locked."""
    return await tx.row(
        "SELECT id, roles, status, version FROM staff WHERE agency_id = $1 AND id = $2 FOR UPDATE",
        tx.agency_id,
        staff_id,
    )


async def staff_id_of_login(tx: Tx, login: str) -> UUID | None:
    return await tx.value(  # type: ignore[no-any-return]  # uuid column
        "SELECT id FROM staff WHERE agency_id = $1 AND login = $2", tx.agency_id, login
    )


async def insert_staff(tx: Tx, staff_id: UUID, *, login: str, name: str, roles: Sequence[str], now: datetime) -> bool:
    """False where the agency has, or once had, somebody of that login."""
    return await tx.value(_INSERT_STAFF, staff_id, tx.agency_id, login, name, list(roles), now) is not None


async def update_staff(tx: Tx, staff_id: UUID, *, name: str | None, roles: Sequence[str] | None) -> None:
    """Changes what is given of a staff member that is locked, and counts the version on."""
    await tx.run(
        "UPDATE staff SET name = coalesce($3, name), roles = coalesce($4, roles), version = version + 1 "
        "WHERE agency_id = $1 AND id = $2",
        tx.agency_id,
        staff_id,
        name,
        None if roles is None else list(roles),
    )


async def revoke_staff(tx: Tx, staff_id: UUID, now: datetime) -> None:
    await tx.run(
        "UPDATE staff SET status = 'revoked', revoked_at = $3, version = version + 1 WHERE agency_id = $1 AND id = $2",
        tx.agency_id,
        staff_id,
        now,
    )

"""Devices of people, and the codes and refresh tokens behind them. Hashes go in and are compared, never shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose code or refresh token it is."""

    kind: Literal["code", "refresh"]
    agency_id: UUID
    staff_id: UUID
    app_id: UUID
    second_factor: bool


@dataclass(frozen=True, slots=True)
class NewCode:
    """What a code stands for until it is exchanged."""

    app_id: UUID
    redirect_uri: str
    challenge: str
    nonce: str | None
    scopes: frozenset[str]
    second_factor: bool


@dataclass(frozen=True, slots=True)
class NewDevice:
    """One sign-in. `client` is what kind of machine it said it is, coarsely."""

    id: UUID
    app_id: UUID
    name: str
    client: str
    scopes: Sequence[str]
    auth_time: datetime
    second_factor: bool
    expires_at: datetime


async def grant_holder(raw: Raw, grant_hash: bytes) -> Holder | None:
    """Whose it is, good or not; None for what was never given out. One statement, outside row security."""
    row = await raw.fetchrow("SELECT * FROM grant_holder($1)", grant_hash)
    if row is None:
        return None
    return Holder(row["kind"], row["agency_id"], row["staff_id"], row["app_id"], row["second_factor"])


async def insert_code(tx: Tx, code_hash: bytes, code: NewCode, now: datetime) -> None:
    """One statement, as every function below."""
    await tx.run(
        "INSERT INTO sign_in_code (code_hash, agency_id, staff_id, app_id, redirect_uri, challenge, nonce, scopes, "
        "second_factor, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        code_hash,
        tx.agency_id,
        tx.caller.principal_id,
        code.app_id,
        code.redirect_uri,
        code.challenge,
        code.nonce,
        sorted(code.scopes),
        code.second_factor,
        now,
    )


async def lock_code(tx: Tx, code_hash: bytes) -> asyncpg.Record | None:
    return await tx.row(
        "SELECT * FROM sign_in_code WHERE agency_id = $1 AND staff_id = $2 AND code_hash = $3 FOR UPDATE",
        tx.agency_id,
        tx.caller.principal_id,
        code_hash,
    )


async def use_code(tx: Tx, code_hash: bytes, device_id: UUID | None, now: datetime) -> None:
    """`device_id`: what became of it; None where it was spoilt by a wrong proof."""
    await tx.run(
        "UPDATE sign_in_code SET used_at = $3, device_id = $4 WHERE agency_id = $1 AND code_hash = $2",
        tx.agency_id,
        code_hash,
        now,
        device_id,
    )


async def insert_device(tx: Tx, device: NewDevice, now: datetime) -> None:
    await tx.run(
        "INSERT INTO device (id, agency_id, staff_id, app_id, name, client, scopes, auth_time, second_factor, "
        "created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)",
        device.id,
        tx.agency_id,
        tx.caller.principal_id,
        device.app_id,
        device.name,
        device.client,
        list(device.scopes),
        device.auth_time,
        device.second_factor,
        now,
        device.expires_at,
    )


async def lock_device_of_token(tx: Tx, token_hash: bytes) -> asyncpg.Record | None:
    """The device a token belongs to, locked, so that two uses of one chain take turns."""
    return await tx.row(_LOCK_DEVICE, tx.agency_id, tx.caller.principal_id, token_hash)


async def read_refresh_token(tx: Tx, token_hash: bytes) -> asyncpg.Record | None:
    """The token as it is now: to be read again once the device is locked."""
    return await tx.row(
        "SELECT r.*, n.used_at IS NOT NULL AS successor_used FROM refresh_token r "
        "LEFT JOIN refresh_token n ON n.token_hash = r.successor_hash WHERE r.agency_id = $1 AND r.token_hash = $2",
        tx.agency_id,
        token_hash,
    )


async def insert_refresh_token(tx: Tx, token_hash: bytes, device_id: UUID, expires_at: datetime) -> None:
    await tx.run(
        "INSERT INTO refresh_token (token_hash, agency_id, device_id, expires_at) VALUES ($1, $2, $3, $4)",
        token_hash,
        tx.agency_id,
        device_id,
        expires_at,
    )


async def use_refresh_token(
    tx: Tx, token_hash: bytes, *, successor_hash: bytes, successor: bytes, now: datetime
) -> None:
    """Marks it used and keeps its successor sealed; what its predecessor kept for a lost answer is forgotten."""
    await tx.run(_SPEND_LINK, tx.agency_id, token_hash, now, successor_hash, successor)


async def touch_device(tx: Tx, device_id: UUID, now: datetime) -> None:
    await tx.run("UPDATE device SET seen_at = $3 WHERE agency_id = $1 AND id = $2", tx.agency_id, device_id, now)


async def list_devices(tx: Tx, staff_id: UUID, now: datetime) -> list[asyncpg.Record]:
    """The live devices of a person, the one seen last first; at most 200."""
    return await tx.rows(
        "SELECT d.id, d.name, d.client, p.name AS app, d.second_factor, d.created_at, d.seen_at, d.expires_at "
        "FROM device d JOIN app_client p ON p.id = d.app_id "
        "WHERE d.agency_id = $1 AND d.staff_id = $2 AND d.revoked_at IS NULL AND d.expires_at > $3 "
        "ORDER BY d.seen_at DESC, d.id DESC LIMIT 200",
        tx.agency_id,
        staff_id,
        now,
    )


async def revoke_devices(
    tx: Tx, staff_id: UUID, reason: str, now: datetime, *, only: UUID | None = None, but: UUID | None = None
) -> list[UUID]:
    """Ends live devices of a person: one, all, or all but one. Their ids."""
    rows: list[Any] = await tx.rows(
        "UPDATE device SET revoked_at = $4, revoked_for = $3 WHERE agency_id = $1 AND staff_id = $2 "
        "AND revoked_at IS NULL AND ($5::uuid IS NULL OR id = $5) AND ($6::uuid IS NULL OR id <> $6) RETURNING id",
        tx.agency_id,
        staff_id,
        reason,
        now,
        only,
        but,
    )
    return [row["id"] for row in rows]


_LOCK_DEVICE = """
SELECT d.id AS device_id, d.app_id, d.scopes, d.auth_time, d.second_factor, d.expires_at, d.revoked_at
  FROM device d
 WHERE d.agency_id = $1 AND d.staff_id = $2
   AND d.id = (SELECT r.device_id FROM refresh_token r WHERE r.token_hash = $3)
   FOR UPDATE OF d"""

_SPEND_LINK = """
UPDATE refresh_token
   SET used_at = CASE WHEN token_hash = $2 THEN $3 ELSE used_at END,
       successor = CASE WHEN token_hash = $2 THEN $5 ELSE NULL::bytea END,
       successor_hash = CASE WHEN token_hash = $2 THEN $4 ELSE successor_hash END
 WHERE agency_id = $1 AND (token_hash = $2 OR successor_hash = $2)"""

"""Inbound sources and their mappings, as their agency keeps them and as a sender is judged by."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_SOURCE = """SELECT id, agency_id, client_id, name, kind, status, secret, digest, previous_until, mapping_version,
    created_at, updated_at, version FROM inbound_source"""


async def source_to_judge(raw: Raw, source_id: UUID) -> asyncpg.Record | None:
    """Whose an active source is and what it proves itself with; None where there is none. One statement."""
    return await raw.fetchrow("SELECT * FROM inbound_source_for($1)", source_id)


async def insert_source(tx: Tx, row: Mapping[str, Any]) -> None:
    """An active source of the acting agency. One statement."""
    await tx.run(
        "INSERT INTO inbound_source (id, agency_id, client_id, name, kind, status, secret, digest, created_at,"
        "                            updated_at, version) "
        "VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, now(), now(), 1)",
        row["id"],
        tx.agency_id,
        row["client_id"],
        row["name"],
        row["kind"],
        row["secret"],
        row["digest"],
    )


async def count_active(tx: Tx) -> int:
    return int(
        await tx.value("SELECT count(*) FROM inbound_source WHERE agency_id = $1 AND status = 'active'", tx.agency_id)
    )


async def is_own_client(tx: Tx, client_id: UUID) -> bool:
    """Whether that is a live machine account of the acting agency. One statement."""
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM client WHERE id = $1 AND agency_id = $2 AND status = 'active')",
            client_id,
            tx.agency_id,
        )
    )


async def scopes_of_client(tx: Tx, client_id: UUID) -> frozenset[str]:
    """The scopes of a machine account of the acting agency. One statement."""
    held = await tx.value("SELECT scopes FROM client WHERE id = $1 AND agency_id = $2", client_id, tx.agency_id)
    return frozenset(held or ())


async def find_source(tx: Tx, source_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_SOURCE} WHERE id = $1 AND agency_id = $2", source_id, tx.agency_id)


async def lock_source(tx: Tx, source_id: UUID) -> asyncpg.Record | None:
    """The source, held until the transaction ends."""
    return await tx.row(f"{_SOURCE} WHERE id = $1 AND agency_id = $2 FOR NO KEY UPDATE", source_id, tx.agency_id)


async def list_sources(tx: Tx, *, after: UUID, limit: int) -> list[asyncpg.Record]:
    """The agency's sources, oldest first, from behind `after` on. One statement."""
    return await tx.rows(f"{_SOURCE} WHERE agency_id = $1 AND id > $2 ORDER BY id LIMIT $3", tx.agency_id, after, limit)


async def update_source(
    tx: Tx, source_id: UUID, *, name: str | None = None, client_id: UUID | None = None, status: str | None = None
) -> None:
    """Changes what is given and counts the version up. One statement."""
    await tx.run(
        "UPDATE inbound_source SET name = coalesce($2, name), client_id = coalesce($3, client_id),"
        "       status = coalesce($4, status), updated_at = now(), version = version + 1 WHERE id = $1",
        source_id,
        name,
        client_id,
        status,
    )


async def replace_credential(
    tx: Tx, source_id: UUID, *, secret: bytes | None, digest: bytes | None, overlap: timedelta
) -> None:
    """A new secret or digest; the one before is taken for the overlap. One statement."""
    await tx.run(
        "UPDATE inbound_source SET previous_secret = secret, previous_digest = digest, previous_until = now() + $4,"
        "       secret = $2, digest = $3, updated_at = now(), version = version + 1 WHERE id = $1",
        source_id,
        secret,
        digest,
        overlap,
    )


async def insert_mapping(tx: Tx, source_id: UUID, document: object) -> int:
    """One more version of a locked source's mapping; its number. One statement."""
    return int(
        await tx.value(
            "INSERT INTO inbound_mapping (source_id, version, agency_id, document, created_at) "
            "SELECT $1, 1 + coalesce(max(version), 0), $2, $3::jsonb, now() FROM inbound_mapping WHERE source_id = $1 "
            "RETURNING version",
            source_id,
            tx.agency_id,
            json.dumps(document, ensure_ascii=False),
        )
    )


async def find_mapping(tx: Tx, source_id: UUID, version: int) -> asyncpg.Record | None:
    return await tx.row(
        "SELECT source_id, version, document, created_at FROM inbound_mapping "
        " WHERE source_id = $1 AND version = $2 AND agency_id = $3",
        source_id,
        version,
        tx.agency_id,
    )


async def list_mappings(tx: Tx, source_id: UUID, *, before: int, limit: int) -> list[asyncpg.Record]:
    """Versions of a source's mapping, newest first, without their documents. One statement."""
    return await tx.rows(
        "SELECT version, created_at FROM inbound_mapping WHERE source_id = $1 AND version < $2 AND agency_id = $3 "
        " ORDER BY version DESC LIMIT $4",
        source_id,
        before,
        tx.agency_id,
        limit,
    )


async def use_mapping(tx: Tx, source_id: UUID, version: int) -> None:
    """What comes from now on becomes what this version says. One statement."""
    await tx.run(
        "UPDATE inbound_source SET mapping_version = $2, updated_at = now(), version = version + 1 WHERE id = $1",
        source_id,
        version,
    )

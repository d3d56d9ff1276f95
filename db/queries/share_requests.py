"""The catalogue of what agencies share, and requests for it, as their sides may see them. One statement each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx
from rules.deadlines import Due


async def insert(tx: Tx, table: str, row: Mapping[str, Any]) -> None:
    """Writes a new row of `catalogue_item` or `share_request` for the acting agency."""
    whole = {"agency_id": tx.agency_id, "created_at": tx.now, "updated_at": tx.now, "version": 1, **row}
    holes = ", ".join(f"${position}" for position in range(1, len(whole) + 1))
    await tx.run(f"INSERT INTO {table} ({', '.join(whole)}) VALUES ({holes})", *whole.values())  # noqa: S608  columns


async def update(tx: Tx, table: str, row_id: UUID, changes: Mapping[str, Any]) -> None:
    """Applies changed columns to a locked row and counts its version up."""
    sets = "".join(f"{name} = ${position}, " for position, name in enumerate(changes, start=3))
    sql = f"UPDATE {table} SET {sets}updated_at = $2, version = version + 1 WHERE id = $1"  # noqa: S608  columns
    await tx.run(sql, row_id, tx.now, *changes.values())


_ITEM = """SELECT i.id, json_build_object('id', a.id, 'name', a.name) AS provider, i.name, i.items, i.format,
    i.update_frequency, i.share_type, i.mode, i.conditions, i.legal_citation, i.classification, i.approved_by,
    rfc3339(i.retired_at) AS retired_at, rfc3339(i.created_at) AS created_at, rfc3339(i.updated_at) AS updated_at,
    i.version FROM catalogue_item i JOIN agency a ON a.id = i.agency_id"""
_FIND_ITEM = """SELECT i.*, a.kind AS provider_kind FROM catalogue_item i JOIN agency a ON a.id = i.agency_id
 WHERE i.id = $1"""
_LOCK_ITEM = f"{_FIND_ITEM} FOR NO KEY UPDATE OF i"
_SHOW_ITEM = f"SELECT to_json(r)::text FROM ({_ITEM} WHERE i.id = $1) r"  # noqa: S608  constants
_LIST_ITEMS = f"""SELECT coalesce(json_agg(r), '[]')::text FROM ({_ITEM}
 WHERE (i.updated_at, i.id) < ($1, $2) AND ($4::uuid IS NULL OR i.agency_id = $4)
   AND ($5::text IS NULL OR i.share_type = $5) AND ($6 OR i.retired_at IS NULL)
 ORDER BY i.updated_at DESC, i.id DESC LIMIT $3) r"""  # noqa: S608  constants


async def find_item(tx: Tx, item_id: UUID, *, lock: bool = False) -> asyncpg.Record | None:
    """The entry with the kind of its agency; locked, where asked for, None for whoever does not keep it."""
    return await tx.row(_LOCK_ITEM if lock else _FIND_ITEM, item_id)


async def show_item(tx: Tx, item_id: UUID) -> str | None:
    """JSON of an entry."""
    found: str | None = await tx.value(_SHOW_ITEM, item_id)
    return found


async def list_items(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, provider: UUID | None, share_type: str | None, retired: bool
) -> str:
    """JSON array of the catalogue, newest change first."""
    return str(await tx.value(_LIST_ITEMS, *after, limit, provider, share_type, retired))


_REQUEST = """SELECT q.id, q.catalogue_item_id AS item_id, q.item ->> 'name' AS item_name, q.item_version, q.item,
    q.share_type,
    json_build_object('id', a.id, 'name', a.name) AS asker, json_build_object('id', p.id, 'name', p.name) AS provider,
    q.basis_kind, q.basis_reference, q.consents, q.persons, q.scene, q.scope, q.mode, q.until, q.approved_by, q.status,
    q.supplemented, q.extended, q.missing, q.refusal, q.dispute, q.steps, q.delivered, q.sha256, q.wrong, q.certificate,
    rfc3339(q.due_at) AS due_at, q.due_confirmed,
    q.paused_at IS NOT NULL AS paused, q.overdue_at IS NOT NULL AS overdue,
    rfc3339(q.created_at) AS created_at, rfc3339(q.updated_at) AS updated_at, q.version
    FROM share_request q JOIN catalogue_item i ON i.id = q.catalogue_item_id JOIN agency a ON a.id = q.agency_id
    JOIN agency p ON p.id = q.provider_agency_id"""
_FIND = "SELECT * FROM share_request WHERE id = $1"
_LOCK = f"{_FIND} FOR NO KEY UPDATE"
_SHOW = f"SELECT to_json(r)::text FROM ({_REQUEST} WHERE q.id = $1) r"  # noqa: S608  constants
_LIST = f"""SELECT coalesce(json_agg(r), '[]')::text FROM ({_REQUEST}
 WHERE ((q.agency_id = $1 AND $5 <> 'in') OR (q.provider_agency_id = $1 AND $5 <> 'out'))
   AND (q.updated_at, q.id) < ($2, $3) AND ($6::text IS NULL OR q.status = $6)
 ORDER BY q.updated_at DESC, q.id DESC LIMIT $4) r"""  # noqa: S608  constants


async def find_request(tx: Tx, request_id: UUID, *, lock: bool = False) -> asyncpg.Record | None:
    """The request, or None where the acting agency is neither side."""
    return await tx.row(_LOCK if lock else _FIND, request_id)


async def show_request(tx: Tx, request_id: UUID) -> str:
    """JSON of a seen request."""
    return str(await tx.value(_SHOW, request_id))


async def list_requests(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, box: str | None, status: str | None
) -> str:
    """JSON array of the requests from and to the acting agency, newest change first."""
    return str(await tx.value(_LIST, tx.agency_id, *after, limit, box or "", status))


async def expire(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Marks requests whose present clock has passed, each clock once; those."""
    return await raw.fetch(
        "WITH due AS (SELECT id FROM share_request WHERE due_at <= $1 AND paused_at IS NULL AND overdue_at IS NULL"
        "              ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED) "
        "UPDATE share_request q SET overdue_at = $1, updated_at = $1, version = version + 1 FROM due "
        " WHERE q.id = due.id "
        "RETURNING q.id, q.agency_id, q.provider_agency_id, q.status, q.version",
        now,
        limit,
    )


async def provisional_requests(raw: Raw, after: UUID, limit: int) -> list[asyncpg.Record]:
    """(id, no case) of requests of which something is due by a date beyond the confirmed calendar, by id."""
    return await raw.fetch(
        "SELECT id, NULL::uuid AS case_id FROM share_request WHERE due_at IS NOT NULL AND NOT due_confirmed AND id > $1"
        " ORDER BY id LIMIT $2",
        after,
        limit,
    )


async def lock_provisional(raw: Raw, request_id: UUID) -> asyncpg.Record | None:
    """The request if its clock is provisional and nobody works on it."""
    return await raw.fetchrow(
        "SELECT id, agency_id, provider_agency_id, counted_from, counted_days, due_at FROM share_request "
        " WHERE id = $1 AND due_at IS NOT NULL AND NOT due_confirmed FOR NO KEY UPDATE SKIP LOCKED",
        request_id,
    )


async def set_due(raw: Raw, request_id: UUID, due: Due, *, now: datetime) -> int:
    """Moves the clock of a locked row; its new version."""
    return int(
        await raw.fetchval(
            "UPDATE share_request SET due_at = $2, due_confirmed = $3, updated_at = $4, version = version + 1 "
            " WHERE id = $1 RETURNING version",
            request_id,
            due.at,
            due.confirmed,
            now,
        )
    )

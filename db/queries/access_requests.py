"""Requests for access to the other side of a possible match, as the two sides may see them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.transaction import Tx

_FIND = """SELECT q.*, a.name AS asker_name, h.name AS holder_name, m.status AS match_status,
       CASE WHEN m.coordinator_agency_id = $2 THEN m.case_id ELSE m.other_case_id END AS case_id
  FROM access_request q JOIN match_candidate m ON m.id = q.candidate_id
  JOIN agency a ON a.id = q.asking_agency_id JOIN agency h ON h.id = q.holder_agency_id
 WHERE q.id = $1"""


async def find_request(tx: Tx, request_id: UUID) -> asyncpg.Record | None:
    """The request with the case of the acting agency's own side, or None where it is no party. One statement, as
    everything here."""
    return await tx.row(_FIND, request_id, tx.agency_id)


async def lock_request(tx: Tx, request_id: UUID) -> asyncpg.Record | None:
    """The request as it stands once its row is locked, which only the holder's may be."""
    return await tx.row(f"{_FIND} FOR NO KEY UPDATE OF q", request_id, tx.agency_id)


async def has_live_grant(tx: Tx, candidate_id: UUID, now: datetime) -> bool:
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM access_request WHERE candidate_id = $1 AND asking_agency_id = $2 "
            "AND status = 'granted' AND expires_at > $3)",
            candidate_id,
            tx.agency_id,
            now,
        )
    )


async def insert_request(tx: Tx, row: Mapping[str, Any]) -> None:
    """Raises asyncpg.UniqueViolationError while one of the same asker waits."""
    names = list(row)
    holes = ", ".join(f"${position}" for position in range(1, len(names) + 1))
    await tx.run(f"INSERT INTO access_request ({', '.join(names)}) VALUES ({holes})", *row.values())  # noqa: S608  columns


async def update_request(tx: Tx, request_id: UUID, changes: Mapping[str, Any]) -> None:
    """Applies changed columns to a locked row and counts its version up."""
    sets = ", ".join(f"{name} = ${position}" for position, name in enumerate(changes, start=3))
    await tx.run(
        f"UPDATE access_request SET {sets}, updated_at = $2, version = version + 1 WHERE id = $1",  # noqa: S608  columns
        request_id,
        tx.now,
        *changes.values(),
    )


_LIST = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT q.id, q.candidate_id AS match_id, q.status_now AS status, q.purpose,
           json_build_object('id', a.id, 'name', a.name) AS asked_by,
           json_build_object('id', h.id, 'name', h.name) AS holder, q.field_classes,
           rfc3339(q.expires_at) AS expires_at, rfc3339(q.created_at) AS created_at,
           rfc3339(q.updated_at) AS updated_at, q.version
      FROM (SELECT *, CASE WHEN status = 'granted' AND expires_at <= now() THEN 'expired' ELSE status END AS status_now
              FROM access_request) q
      JOIN agency a ON a.id = q.asking_agency_id JOIN agency h ON h.id = q.holder_agency_id
     WHERE ((q.asking_agency_id = $1 AND $5 <> 'holder') OR (q.holder_agency_id = $1 AND $5 <> 'asker'))
       AND (q.updated_at, q.id) < ($2, $3) AND ($6::text IS NULL OR q.status_now = $6)
     ORDER BY q.updated_at DESC, q.id DESC LIMIT $4) r"""


async def list_requests(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, role: str | None, status: str | None
) -> str:
    """JSON array of the requests the acting agency asked or holds, newest change first."""
    return str(await tx.value(_LIST, tx.agency_id, after[0], after[1], limit, role or "", status))

"""Links of cases, as the acting agency may see them: each with its parts in the link and in both cases."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.transaction import Tx

# Beside row security, the same decision once more: $1 acts, $2 are the unions below it.
_MINE = """
    SELECT l.*, a.name AS agency_name, a.kind AS agency_kind, u.name AS undone_agency_name,
           c.name AS coordinator_name, o.name AS other_coordinator_name, x.roles, y.roles AS other_roles,
           ARRAY(SELECT 'owner' WHERE CASE WHEN l.kind = 'own_number' THEN l.agency_id = $1
                                           ELSE $1 IN (l.coordinator_agency_id, l.other_coordinator_agency_id) END
                  UNION ALL
                 SELECT 'reader' WHERE (l.kind = 'own_number' AND l.coordinator_agency_id = $1)
                        OR (l.other_case_id IS NOT NULL
                            AND x.roles - 'observer' <> '[]' AND y.roles - 'observer' <> '[]')
                  UNION ALL
                 SELECT 'supervisor' WHERE l.kind <> 'own_number'
                        AND (l.coordinator_agency_id = ANY ($2::uuid[])
                             OR l.other_coordinator_agency_id = ANY ($2::uuid[]))) AS parts
      FROM case_link l
      JOIN agency c ON c.id = l.coordinator_agency_id
      LEFT JOIN agency o ON o.id = l.other_coordinator_agency_id
      LEFT JOIN agency a ON a.id = l.agency_id
      LEFT JOIN agency u ON u.id = l.undone_agency_id
     CROSS JOIN LATERAL (SELECT coalesce(jsonb_agg(p.role), '[]') AS roles FROM participant p
                          WHERE p.case_id = l.case_id AND p.agency_id = $1 AND p.until IS NULL) x
     CROSS JOIN LATERAL (SELECT coalesce(jsonb_agg(p.role), '[]') AS roles FROM participant p
                          WHERE p.case_id = l.other_case_id AND p.agency_id = $1 AND p.until IS NULL) y"""
_FIND = f"SELECT * FROM ({_MINE} WHERE l.id = $3) mine WHERE parts <> '{{}}'"  # noqa: S608  fixed text
_LIST = f"""
SELECT * FROM ({_MINE} WHERE (l.case_id = $3 OR l.other_case_id = $3) AND l.erased_at IS NULL
                         AND (l.said_at, l.id) < ($4, $5)) mine
 WHERE parts <> '{{}}' ORDER BY said_at DESC, id DESC LIMIT $6"""  # noqa: S608  as above


async def find_link(tx: Tx, link_id: UUID) -> asyncpg.Record | None:
    """The link with its parts, or None where hidden. One statement."""
    return await tx.row(_FIND, tx.agency_id, list(tx.rights.below), link_id)


async def list_links(tx: Tx, case_id: UUID, *, after: tuple[datetime, UUID], limit: int) -> list[asyncpg.Record]:
    """Links of a case, newest first, undone ones too. One statement."""
    return await tx.rows(_LIST, tx.agency_id, list(tx.rights.below), case_id, after[0], after[1], limit)


async def lock_number(tx: Tx, hashes: Sequence[bytes]) -> None:
    """Takes a number, under each live key, for this transaction. One statement."""
    await tx.run(
        "SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT hashtextextended(encode(h, 'hex'), 6) AS k "
        "FROM unnest($1::bytea[]) h ORDER BY k) ordered",
        list(hashes),
    )


async def standing_number(tx: Tx, *, system: str | None, case_id: UUID | None, hashes: Sequence[bytes]) -> UUID | None:
    """The standing link with this number: the acting agency's own in `system`, or one elsewhere of a case. One
    statement."""
    found: UUID | None = await tx.value(
        "SELECT id FROM case_link WHERE number_index = ANY ($1::bytea[]) AND undone_at IS NULL AND erased_at IS NULL "
        "AND CASE WHEN $2::text IS NULL THEN kind = 'elsewhere' AND case_id = $3 "
        "         ELSE kind = 'own_number' AND agency_id = $4 AND system = $2 END",
        list(hashes),
        system,
        case_id,
        tx.agency_id,
    )
    return found


async def standing_pair(tx: Tx, kind: str, cases: Collection[UUID]) -> UUID | None:
    """The standing link of two cases. One statement."""
    found: UUID | None = await tx.value(
        "SELECT id FROM case_link WHERE case_id = $1 AND other_case_id = $2 AND kind = $3 AND undone_at IS NULL "
        "AND erased_at IS NULL",
        min(cases),
        max(cases),
        kind,
    )
    return found


async def insert_link(tx: Tx, row: Mapping[str, Any]) -> None:
    names = list(row)
    holes = ", ".join(f"${position}" for position in range(1, len(names) + 1))
    await tx.run(f"INSERT INTO case_link ({', '.join(names)}) VALUES ({holes})", *row.values())  # noqa: S608  columns


async def undo_link(tx: Tx, link_id: UUID, *, version: int, reason: bytes) -> bool:
    """False where it has not that version or does not stand any more. One statement."""
    return bool(
        await tx.value(
            "UPDATE case_link SET undone_at = $3, undone_by = $4, undone_agency_id = $5, undo_reason = $6, "
            "version = version + 1 WHERE id = $1 AND version = $2 AND undone_at IS NULL RETURNING true",
            link_id,
            version,
            tx.now,
            tx.caller.principal_id,
            tx.agency_id,
            reason,
        )
    )


async def search_own_number(tx: Tx, hashes: Sequence[bytes], limit: int = 50) -> list[asyncpg.Record]:
    """Cases the acting agency still takes part in and gave this number, in any system of its own. One statement."""
    return await tx.rows(
        "SELECT DISTINCT l.case_id FROM case_link l JOIN participant p ON p.case_id = l.case_id "
        "WHERE l.kind = 'own_number' AND l.agency_id = $1 AND l.number_index = ANY ($2::bytea[]) "
        "  AND l.undone_at IS NULL AND l.erased_at IS NULL AND p.agency_id = $1 AND p.until IS NULL "
        "ORDER BY l.case_id DESC LIMIT $3",
        tx.agency_id,
        list(hashes),
        limit,
    )

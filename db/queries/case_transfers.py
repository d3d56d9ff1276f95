"""Transfers of the coordinator's role, as the two unions may see them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from db.transaction import Tx


class NewTransfer(NamedTuple):
    """A transfer that the acting agency asks for; `said` is sealed."""

    id: UUID
    case_id: UUID
    kind: str
    giver: UUID
    taker: UUID
    reason: str
    basis_kind: str
    said: bytes
    new_place: str | None


_FIND = """SELECT t.*, t.handover::text AS handed_over, g.name AS giver_name, k.name AS taker_name
  FROM case_transfer t JOIN agency g ON g.id = t.from_agency_id JOIN agency k ON k.id = t.to_agency_id
 WHERE t.id = $1"""


async def find_transfer(tx: Tx, transfer_id: UUID) -> asyncpg.Record | None:
    """The transfer, or None where the acting agency is neither side. One statement, as everything here."""
    return await tx.row(_FIND, transfer_id)


async def lock_transfer(tx: Tx, transfer_id: UUID) -> asyncpg.Record | None:
    """The transfer as it stands once its row is locked; its case is locked before."""
    return await tx.row(f"{_FIND} FOR NO KEY UPDATE OF t", transfer_id)


async def is_active_union(tx: Tx, agency_id: UUID) -> bool:
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM agency WHERE id = $1 AND kind = 'union' AND status = 'active')", agency_id
        )
    )


async def insert_transfer(tx: Tx, row: NewTransfer) -> None:
    """With what the taker may know of the case now. Raises asyncpg.UniqueViolationError while another waits."""
    await tx.run(
        "INSERT INTO case_transfer (id, case_id, kind, status, from_agency_id, to_agency_id, asking_agency_id, reason,"
        "                           basis_kind, said, place, new_place, case_kind, needs, open_referrals, created_at,"
        "                           updated_at, version) "
        "SELECT $1, c.id, $3, 'requested', $4, $5, $10, $6, $7, $8, c.division_code, $9, c.kind,"
        "       ARRAY(SELECT n.need FROM case_need n WHERE n.case_id = c.id ORDER BY n.need),"
        "       (SELECT count(*) FROM referral r WHERE r.case_id = c.id"
        "           AND r.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold')), $11, $11, 1 "
        '  FROM "case" c WHERE c.id = $2',
        *row,
        tx.agency_id,
        tx.now,
    )


async def move_role(tx: Tx, transfer_id: UUID, participant_id: UUID) -> dict[str, Any] | None:
    """Moves the coordinator's role; the case's version and what stood open, None where nothing can be moved."""
    handed = await tx.value("SELECT transfer_case($1, $2, $3)::text", transfer_id, participant_id, tx.now)
    found: dict[str, Any] | None = None if handed is None else json.loads(handed)
    return found


async def decide_transfer(
    tx: Tx,
    transfer_id: UUID,
    status: str,
    *,
    refusal: str | None = None,
    answer: bytes | None = None,
    handover: Mapping[str, Any] | None = None,
) -> None:
    """Writes to a locked row how it ended, counts its version up."""
    await tx.run(
        "UPDATE case_transfer SET status = $2, refusal = $3, answer = $4, handover = $5::jsonb, decided_at = $6,"
        "       updated_at = $6, version = version + 1 WHERE id = $1",
        transfer_id,
        status,
        refusal,
        answer,
        None if handover is None else json.dumps(handover),
        tx.now,
    )


_LIST = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT t.id, t.case_id, t.kind, t.status, t.reason, t.basis_kind,
           json_build_object('id', g.id, 'name', g.name) AS giver,
           json_build_object('id', k.id, 'name', k.name) AS taker, t.place, t.new_place, t.case_kind, t.needs,
           t.open_referrals, t.refusal, rfc3339(t.created_at) AS created_at, rfc3339(t.updated_at) AS updated_at,
           rfc3339(t.decided_at) AS decided_at, t.version
      FROM case_transfer t JOIN agency g ON g.id = t.from_agency_id JOIN agency k ON k.id = t.to_agency_id
     WHERE ((t.from_agency_id = $1 AND $5 <> 'taker') OR (t.to_agency_id = $1 AND $5 <> 'giver'))
       AND (t.updated_at, t.id) < ($2, $3) AND ($6::text IS NULL OR t.status = $6)
     ORDER BY t.updated_at DESC, t.id DESC LIMIT $4) r"""


async def list_transfers(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, part: str | None, status: str | None
) -> str:
    """JSON array of the transfers from or to the acting agency, newest change first."""
    return str(await tx.value(_LIST, tx.agency_id, after[0], after[1], limit, part or "", status))

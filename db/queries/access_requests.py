"""Requests for access to the other side of a possible match, as the two sides may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from db.transaction import Tx


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request of the acting agency; `said` is sealed."""

    id: UUID
    candidate_id: UUID
    holder: UUID
    purpose: str
    basis_kind: str
    said: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """What the holder decided: granted with classes and end, refused with a code and sealed words, or revoked."""

    status: str
    field_classes: Sequence[str] | None = None
    expires_at: datetime | None = None
    refusal: str | None = None
    answer: bytes | None = None


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


async def insert_request(tx: Tx, row: NewRequest) -> None:
    """Raises asyncpg.UniqueViolationError while one of the same asker waits."""
    await tx.run(
        "INSERT INTO access_request (id, candidate_id, asking_agency_id, holder_agency_id, principal_id, purpose,"
        "                            basis_kind, said, status, field_classes, created_at, updated_at, version) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', '{}', $9, $9, 1)",
        row.id,
        row.candidate_id,
        tx.agency_id,
        row.holder,
        tx.caller.principal_id,
        row.purpose,
        row.basis_kind,
        row.said,
        tx.now,
    )


async def decide_request(tx: Tx, request_id: UUID, decision: Decision) -> None:
    """Writes to a locked row what the holder decided, counts its version up. Classes and end of a grant stay."""
    await tx.run(
        "UPDATE access_request SET status = $2, field_classes = coalesce($3, field_classes),"
        "       expires_at = coalesce($4, expires_at), refusal = $5, answer = $6, decided_by = $7, decided_at = $8,"
        "       updated_at = $8, version = version + 1 WHERE id = $1",
        request_id,
        decision.status,
        None if decision.field_classes is None else list(decision.field_classes),
        decision.expires_at,
        decision.refusal,
        decision.answer,
        tx.caller.principal_id,
        tx.now,
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

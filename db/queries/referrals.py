"""Referrals as their parties may see them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.transaction import Tx

_COLUMNS = """r.id, r.case_id, r.person_id, r.matter_code, m.title_zh, m.title_en, r.need, r.sender_agency_id,
    s.name AS sender_name, r.coordinator_agency_id, r.to_agency_id, t.name AS to_name, r.pooled, r.joint, r.status,
    r.urgency, r.place, r.age_band, r.note, r.part_of, r.reopens, r.requested_at, r.received_at, r.accepted_at,
    r.started_at, r.ended_at, r.clock_stopped_at, r.acknowledge_by, r.accept_by, r.resolve_by, r.due_confirmed,
    r.next_due, r.overdue, r.rung, r.return_count, r.extended, r.assigned_by, r.outcome, r.created_at, r.updated_at,
    r.version, r.erased_at,
    r.to_agency_id IS NULL AND EXISTS (SELECT FROM referral_pool o
        WHERE o.referral_id = r.id AND o.agency_id = acting_agency()) AS offered"""
_FROM = """referral r JOIN matter m ON m.code = r.matter_code JOIN agency s ON s.id = r.sender_agency_id
    LEFT JOIN agency t ON t.id = r.to_agency_id"""

_FIND = f"SELECT {_COLUMNS} FROM {_FROM} WHERE r.id = $1"  # noqa: S608  column names only
_LOCK = _FIND + " FOR UPDATE OF r"


async def find_referral(tx: Tx, referral_id: UUID) -> asyncpg.Record | None:
    """The referral, or None where the acting agency is no party of it. One statement."""
    return await tx.row(_FIND, referral_id)


async def lock_referral(tx: Tx, referral_id: UUID) -> asyncpg.Record | None:
    """The referral as it stands once its case and its row are locked; None where hidden. Two statements.

    The case goes first, as everywhere: people, cases, referrals.
    """
    seen = await tx.value(
        "SELECT true FROM referral r, LATERAL pg_advisory_xact_lock(hashtextextended(r.case_id::text, 4)) "
        "WHERE r.id = $1",
        referral_id,
    )
    return None if seen is None else await tx.row(_LOCK, referral_id)


async def was_offered(tx: Tx, referral_id: UUID) -> bool:
    """Whether the acting agency had been offered a pooled referral that it no longer sees."""
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM referral_pool WHERE referral_id = $1 AND agency_id = $2)",
            referral_id,
            tx.agency_id,
        )
    )


async def open_duplicate(
    tx: Tx, *, person_id: UUID, matter_code: str, part_of: UUID | None, except_id: UUID | None
) -> UUID | None:
    """An open referral of the same person and matter that the acting agency sees; siblings and parent excepted."""
    found: UUID | None = await tx.value(
        "SELECT id FROM referral WHERE person_id = $1 AND matter_code = $2 "
        "AND status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold') AND NOT joint "
        "AND ($3::uuid IS NULL OR part_of IS DISTINCT FROM $3) AND id IS DISTINCT FROM $4 "
        "AND $5 IN (sender_agency_id, to_agency_id, coordinator_agency_id) ORDER BY id LIMIT 1",
        person_id,
        matter_code,
        part_of,
        except_id,
        tx.agency_id,
    )
    return found


async def main_person_of(tx: Tx, case_id: UUID) -> UUID | None:
    """The main member of a household case; None for an employer's case."""
    found: UUID | None = await tx.value(
        "SELECT person_id FROM household_member WHERE case_id = $1 ORDER BY role, joined_at LIMIT 1", case_id
    )
    return found


async def take_up_assignment(tx: Tx, case_id: UUID, matter_code: str, to_agency: UUID) -> UUID | None:
    """Ends the acting coordinator's task to refer a matter to the office that a conference named, if there is one: the
    agenda item behind it."""
    found: UUID | None = await tx.value(
        "UPDATE case_task t SET status = 'done', done_at = $4 FROM referral r "
        " WHERE t.case_id = $1 AND t.kind = 'assigned' AND t.status = 'open' AND t.lead_agency_id = $2"
        "   AND r.id = t.referral_id AND r.matter_code = $3 RETURNING t.agenda_item_id",
        case_id,
        to_agency,
        matter_code,
        tx.now,
    )
    return found


async def insert_referral(tx: Tx, row: Mapping[str, Any], pool: Sequence[UUID]) -> None:
    """The referral and, for an open pool, the offices it is offered to. One statement, two with a pool."""
    names = list(row)
    holes = ", ".join(f"${position}" for position in range(1, len(names) + 1))
    await tx.run(f"INSERT INTO referral ({', '.join(names)}) VALUES ({holes})", *row.values())  # noqa: S608  columns
    if pool:
        await offer(tx, row["id"], pool)


async def offer(tx: Tx, referral_id: UUID, pool: Sequence[UUID]) -> None:
    """Offers a pooled referral to these offices. One statement."""
    await tx.run(
        "INSERT INTO referral_pool (referral_id, agency_id, sender_agency_id) "
        "SELECT $1, a, $2 FROM unnest($3::uuid[]) a",
        referral_id,
        tx.agency_id,
        list(pool),
    )


async def update_referral(tx: Tx, referral_id: UUID, changes: Mapping[str, Any]) -> int:
    """Applies changed columns to a locked row and counts its version up. One statement."""
    sets = ", ".join(f"{name} = ${position}" for position, name in enumerate(changes, start=3))
    sql = f"UPDATE referral SET {sets}, updated_at = $2, version = version + 1 WHERE id = $1 RETURNING version"  # noqa: S608
    version = await tx.value(sql, referral_id, tx.now, *changes.values())
    assert version is not None, "a locked row that may be read may be updated by its party"
    return int(version)


async def insert_step(tx: Tx, step: Mapping[str, Any]) -> None:
    await tx.run(
        "INSERT INTO referral_step (id, referral_id, agency_id, step, from_status, to_status, reason, body, deadlines,"
        "                           taken_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10)",
        step["id"],
        step["referral_id"],
        tx.agency_id,
        step["step"],
        step["from_status"],
        step["to_status"],
        step["reason"],
        step["body"],
        json.dumps(step["deadlines"]),
        tx.now,
    )


async def steps_of(tx: Tx, referral_id: UUID) -> list[asyncpg.Record]:
    """Every step taken, oldest first."""
    return await tx.rows(
        "SELECT p.id, p.step, p.from_status, p.to_status, p.reason, p.body, p.deadlines, p.taken_at, p.agency_id,"
        "       a.name AS agency_name FROM referral_step p JOIN agency a ON a.id = p.agency_id "
        "WHERE p.referral_id = $1 ORDER BY p.taken_at, p.id",
        referral_id,
    )


@dataclass(frozen=True, slots=True)
class Noted:
    """What a referral's new state did to its case: its version, and whether the receiver has no work left in it."""

    case_version: int
    receiver_left: bool


async def note_on_case(tx: Tx, referral_id: UUID, *, task_id: UUID, task_kind: str | None) -> Noted:
    """Carries the referral's state into its case. One statement."""
    row = await tx.row(
        "SELECT case_version, receiver_left FROM note_referral($1, $2, $3, $4)", referral_id, task_id, task_kind, tx.now
    )
    assert row is not None
    return Noted(row["case_version"], row["receiver_left"])


async def hidden_duplicate_exists(tx: Tx, referral_id: UUID) -> bool:
    return bool(await tx.value("SELECT hidden_duplicate_exists($1)", referral_id))


async def children_of(tx: Tx, parent_id: UUID) -> list[tuple[str, str | None]]:
    """(status, outcome) of the referrals under a joint one, for a party of one of them. One statement."""
    rows = await tx.rows("SELECT status, outcome FROM children_of_joint($1)", parent_id)
    return [(row["status"], row["outcome"]) for row in rows]


async def complete_joint(tx: Tx, parent_id: UUID, outcome: str) -> asyncpg.Record | None:
    """Completes a joint referral whose children have ended; its new version and coordinator, None where it had. One
    statement."""
    return await tx.row("SELECT * FROM complete_joint($1, $2, $3)", parent_id, outcome, tx.now)


_ROW = """SELECT r.id, r.case_id, r.matter_code AS matter, r.need, r.status, r.urgency, r.place, r.age_band, r.pooled,
       r.joint, r.sender_agency_id, s.name AS sender_name, r.to_agency_id, t.name AS to_agency_name,
       r.coordinator_agency_id, r.accepted_at IS NOT NULL AS accepted, rfc3339(r.acknowledge_by) AS acknowledge_by,
       rfc3339(r.accept_by) AS accept_by, rfc3339(r.resolve_by) AS resolve_by, r.due_confirmed,
       rfc3339(r.next_due) AS next_due, r.overdue, r.part_of, r.outcome, rfc3339(r.updated_at) AS updated_at, r.version
  FROM referral r JOIN agency s ON s.id = r.sender_agency_id LEFT JOIN agency t ON t.id = r.to_agency_id"""

_BOX = f"""
SELECT coalesce(json_agg(b), '[]')::text FROM ({_ROW}
    WHERE r.id IN (SELECT id FROM ({{candidates}}) c ORDER BY updated_at DESC, id DESC LIMIT $4)
    ORDER BY r.updated_at DESC, r.id DESC) b"""  # noqa: S608  constants
_FILTER = """(o.updated_at, o.id) < ($2, $3) AND ($5::text IS NULL OR o.status = $5)
    AND ($6::timestamptz IS NULL OR o.next_due < $6)"""
_OUT = _BOX.format(
    candidates=f"SELECT o.id, o.updated_at FROM referral o WHERE o.sender_agency_id = $1 AND {_FILTER} "  # noqa: S608
    "ORDER BY o.updated_at DESC, o.id DESC LIMIT $4"
)
_IN = _BOX.format(
    candidates=f"(SELECT o.id, o.updated_at FROM referral o WHERE o.to_agency_id = $1 AND o.status <> 'draft' "  # noqa: S608
    f"AND {_FILTER} ORDER BY o.updated_at DESC, o.id DESC LIMIT $4) UNION ALL "
    "(SELECT o.id, o.updated_at FROM referral_pool p JOIN referral o ON o.id = p.referral_id "
    f"WHERE p.agency_id = $1 AND o.to_agency_id IS NULL AND o.status = 'requested' AND {_FILTER} "
    "ORDER BY o.updated_at DESC, o.id DESC LIMIT $4)"
)


async def list_box(
    tx: Tx,
    box: str,
    *,
    after: tuple[datetime, UUID],
    limit: int,
    status: str | None,
    due_before: datetime | None,
) -> str:
    """JSON array of the agency's inbox (addressed or offered to it) or outbox, newest change first. One statement."""
    sql = _IN if box == "in" else _OUT
    return str(await tx.value(sql, tx.agency_id, after[0], after[1], limit, status, due_before))


_SEEN = """(r.sender_agency_id = $2 OR (r.status <> 'draft' AND (r.to_agency_id = $2 OR r.coordinator_agency_id = $2
    OR r.coordinator_agency_id = ANY ($3::uuid[]))))"""
_OF_CASE = f"""SELECT coalesce(json_agg(b), '[]')::text
    FROM ({_ROW} WHERE r.case_id = $1 AND {_SEEN} ORDER BY r.created_at, r.id) b"""  # noqa: S608  constants


async def referrals_of_case(tx: Tx, case_id: UUID) -> str:
    """JSON array of the case's referrals the acting agency sees: all for the coordinator and the unions above it, else
    those it is a party of."""
    return str(await tx.value(_OF_CASE, case_id, tx.agency_id, list(tx.rights.below)))


async def open_of_cases(tx: Tx, case_ids: Sequence[UUID], *, number: str | None, matter: str | None) -> list[UUID]:
    """Referrals under way of these cases, or of the case with that number, that the acting agency sent, was sent or is
    offered; of one matter where one is named. At most two. One statement."""
    rows = await tx.rows(
        "SELECT r.id FROM referral r "
        ' WHERE r.case_id IN (SELECT unnest($1::uuid[]) UNION SELECT c.id FROM "case" c WHERE c.number = $2) '
        "   AND ($3::text IS NULL OR r.matter_code = $3) AND r.status <> 'draft' AND r.ended_at IS NULL "
        "   AND ($4 IN (r.sender_agency_id, r.to_agency_id) OR (r.to_agency_id IS NULL AND EXISTS ("
        "        SELECT FROM referral_pool o WHERE o.referral_id = r.id AND o.agency_id = $4))) "
        " ORDER BY r.id LIMIT 2",
        list(case_ids),
        number,
        matter,
        tx.agency_id,
    )
    return [row["id"] for row in rows]


async def pool_of(tx: Tx, referral_id: UUID) -> list[UUID]:
    """Every office a pooled referral was offered to; crosses the wall so that all of them learn it is taken."""
    rows = await tx.rows("SELECT agency_id FROM offices_offered($1) AS agency_id", referral_id)
    return [row["agency_id"] for row in rows]

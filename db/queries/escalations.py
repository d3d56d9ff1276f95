"""Escalations: written by the clock, read by whom they concern."""

from datetime import datetime
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx
from rules.escalation import Alarm


async def superior_of(raw: Raw, agency_id: UUID) -> UUID:
    """The active agency of the same kind above this one; itself where there is none."""
    found = await raw.fetchval(
        "SELECT coalesce(p.id, a.id) FROM agency a LEFT JOIN agency p ON p.id = a.parent_id AND p.kind = a.kind"
        "   AND p.status = 'active' WHERE a.id = $1",
        agency_id,
    )
    assert isinstance(found, UUID)
    return found


async def insert(
    raw: Raw, escalation_id: UUID, referral: asyncpg.Record, alarm: Alarm, *, told: UUID, now: datetime
) -> None:
    """What the told agency needs to act: matter, place, office and date."""
    await raw.execute(
        "INSERT INTO escalation (id, referral_id, agency_id, clock, level, office_agency_id, coordinator_agency_id,"
        "                        matter_code, need, place, urgency, due_at, raised_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        escalation_id,
        referral["id"],
        told,
        alarm.clock,
        alarm.kind,
        referral["to_agency_id"],
        referral["coordinator_agency_id"],
        referral["matter_code"],
        referral["need"],
        referral["place"],
        referral["urgency"],
        alarm.due,
        now,
    )


_ROW = """SELECT e.id, e.referral_id, e.clock, e.level, json_build_object('id', t.id, 'name', t.name) AS told,
    CASE WHEN o.id IS NOT NULL THEN json_build_object('id', o.id, 'name', o.name) END AS office,
    json_build_object('id', c.id, 'name', c.name) AS coordinator,
    json_build_object('code', m.code, 'title_zh', m.title_zh, 'title_en', m.title_en) AS matter, e.need, e.place,
    e.urgency, rfc3339(e.due_at) AS due_at, rfc3339(e.raised_at) AS raised_at, rfc3339(e.ended_at) AS ended_at
    FROM escalation e JOIN agency t ON t.id = e.agency_id JOIN agency c ON c.id = e.coordinator_agency_id
    JOIN matter m ON m.code = e.matter_code LEFT JOIN agency o ON o.id = e.office_agency_id"""
_LIST = f"""
SELECT coalesce(json_agg(r), '[]')::text FROM ({_ROW}
 WHERE (e.agency_id = $1 OR (NOT $7 AND (e.coordinator_agency_id = $1 OR e.office_agency_id = $1)))
   AND (e.raised_at, e.id) < ($2, $3) AND ($5::text IS NULL OR e.level = $5)
   AND ($6::boolean IS NULL OR (e.ended_at IS NULL) = $6)
 ORDER BY e.raised_at DESC, e.id DESC LIMIT $4) r"""  # noqa: S608  constants


async def list_escalations(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, level: str | None, unmet: bool | None, told: bool
) -> str:
    """JSON array of what the acting agency was told (with `told` only that), or coordinates, or is late with; newest
    first."""
    return str(await tx.value(_LIST, tx.agency_id, after[0], after[1], limit, level, unmet, told))

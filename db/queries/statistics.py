"""Counts over what the acting agency may see: row security decides whose they are."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.transaction import Tx


class Among(NamedTuple):
    """Which referrals are counted: requested from the one instant on, before the other; None does not matter."""

    requested_from: datetime
    requested_before: datetime
    office: UUID | None = None
    matter: str | None = None


class AmongExpected(NamedTuple):
    """Which expected adoptions are counted: arisen from the one instant on, before the other; None does not matter."""

    arisen_from: datetime
    arisen_before: datetime
    agency: UUID | None = None
    kind: str | None = None


_PUSH_BACKS = """
WITH counted AS (
    SELECT r.id, r.to_agency_id, r.matter_code, r.status, cardinality(r.overdue) > 0 AS late,
           r.accepted_at IS NOT NULL AS accepted
      FROM referral r
     WHERE r.requested_at >= $1 AND r.requested_at < $2 AND r.to_agency_id IS NOT NULL AND r.status <> 'draft'
       AND ($3::uuid IS NULL OR r.to_agency_id = $3) AND ($4::text IS NULL OR r.matter_code = $4)),
steps AS (
    SELECT s.referral_id, bool_or(s.step = 'return') AS returned, bool_or(s.step = 'reject') AS rejected,
           bool_or(s.reason IN ('not_competent', 'outside_division')) AS not_mine,
           bool_or(s.step = 'dispute') AS disputed
      FROM referral_step s WHERE s.referral_id IN (SELECT id FROM counted) AND s.step IN ('return', 'reject', 'dispute')
     GROUP BY s.referral_id)
SELECT coalesce(json_agg(row), '[]')::text FROM (
    SELECT json_build_object('id', a.id, 'name', a.name) AS office,
           json_build_object('code', m.code, 'title_zh', m.title_zh, 'title_en', m.title_en) AS matter,
           count(*) AS referred, count(*) FILTER (WHERE c.accepted) AS accepted,
           count(*) FILTER (WHERE s.returned) AS returned, count(*) FILTER (WHERE s.rejected) AS rejected,
           count(*) FILTER (WHERE s.not_mine) AS not_mine, count(*) FILTER (WHERE s.disputed) AS disputed,
           count(*) FILTER (WHERE c.status = 'expired') AS expired, count(*) FILTER (WHERE c.late) AS late,
           count(*) FILTER (WHERE c.status = 'completed') AS completed
      FROM counted c LEFT JOIN steps s ON s.referral_id = c.id
      JOIN agency a ON a.id = c.to_agency_id JOIN matter m ON m.code = c.matter_code
     GROUP BY a.id, m.code
     ORDER BY not_mine DESC, returned DESC, referred DESC, a.id, m.code LIMIT $5) row"""


_ADOPTIONS = """
WITH counted AS (
    SELECT e.agency_id, coalesce(r.kind, 'report') AS kind, e.status, e.overdue_at
      FROM expected_adoption e LEFT JOIN result r ON r.id = e.result_id
     WHERE e.arisen_at >= $1 AND e.arisen_at < $2 AND ($3::uuid IS NULL OR e.agency_id = $3)
       AND ($4::text IS NULL OR coalesce(r.kind, 'report') = $4) AND e.status NOT IN ('withdrawn', 'left'))
SELECT coalesce(json_agg(row), '[]')::text FROM (
    SELECT json_build_object('id', a.id, 'name', a.name) AS agency, c.kind, count(*) AS expected,
           count(*) FILTER (WHERE c.status = 'adopted') AS adopted,
           count(*) FILTER (WHERE c.status = 'partly') AS partly,
           count(*) FILTER (WHERE c.status = 'not_adopted') AS not_adopted,
           count(*) FILTER (WHERE c.status = 'waiting') AS waiting,
           count(*) FILTER (WHERE c.overdue_at IS NOT NULL) AS overdue,
           round(1000.0 * count(*) FILTER (WHERE c.status IN ('adopted', 'partly'))
                 / nullif(count(*) FILTER (WHERE c.status <> 'waiting'), 0))::integer AS rate_permille
      FROM counted c JOIN agency a ON a.id = c.agency_id
     GROUP BY a.id, c.kind ORDER BY overdue DESC, waiting DESC, expected DESC, a.id, c.kind LIMIT $5) row"""


async def adoptions(tx: Tx, among: AmongExpected, *, limit: int) -> str:
    """JSON array by agency and kind, who was late most often first. One statement over what arose in the period."""
    return str(await tx.value(_ADOPTIONS, *among, limit))


async def push_backs(tx: Tx, among: Among, *, limit: int) -> str:
    """JSON array by office and matter, who said 'not mine' most often first. One statement over the referrals of the
    period."""
    return str(await tx.value(_PUSH_BACKS, *among, limit))

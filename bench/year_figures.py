"""What a simulated year comes to: counts, shares in time, and one number over every fact in its order."""

from typing import Any, Final

from bench.year_judge import Raw

_ONE: Final = {
    "cases": 'SELECT count(*) FROM "case"',
    "referrals": "SELECT count(*) FROM referral",
    "agencies": "SELECT count(*) FROM agency WHERE code LIKE 'BENCH-%'",
    "steps": "SELECT count(*) FROM referral_step",
    "commits_judged": "SELECT last_value FROM judge.looks",
}
_MANY: Final = {
    "ended": "SELECT status, count(*) FROM referral GROUP BY 1 ORDER BY 1",
    "pushed_back": """SELECT step || ' ' || reason, count(*) FROM referral_step WHERE step IN ('return', 'reject')
                       GROUP BY 1 ORDER BY 1""",
    "on_time": """
        SELECT clock, round(avg((clock <> ALL (overdue))::int), 4)::float FROM referral r, LATERAL (VALUES
            ('acknowledge', acknowledge_by), ('accept', accept_by), ('resolve', resolve_by)) each (clock, due)
         WHERE due < (SELECT max(updated_at) FROM referral) GROUP BY 1 ORDER BY 1""",
    "late": "SELECT clock, count(*) FROM referral, LATERAL unnest(overdue) clock GROUP BY 1 ORDER BY 1",
    "escalated": "SELECT clock || ' ' || level, count(*) FROM escalation GROUP BY 1 ORDER BY 1",
    "reminded": """SELECT facts ->> 'clock', count(*) FROM audit_leaf WHERE action = 'referral.reminded'
                    GROUP BY 1 ORDER BY 1""",
    "transfers": "SELECT status, count(*) FROM case_transfer GROUP BY 1 ORDER BY 1",
}
_FACTS: Final = """
WITH said AS (
    SELECT concat_ws('|', 'case', l.label, c.status, a.code, c.division_code, c.opened_at) AS line
      FROM "case" c JOIN judge.label l USING (id) JOIN agency a ON a.id = c.coordinator_agency_id
    UNION ALL
    SELECT concat_ws('|', 'need', l.label, n.need, n.status, a.code, n.updated_at)
      FROM case_need n JOIN judge.label l ON l.id = n.case_id JOIN agency a ON a.id = n.agency_id
    UNION ALL
    SELECT concat_ws('|', 'transfer', l.label, t.kind, t.status, a.code, t.created_at, t.decided_at)
      FROM case_transfer t JOIN judge.label l ON l.id = t.case_id JOIN agency a ON a.id = t.to_agency_id
    UNION ALL
    SELECT concat_ws('|', 'referral', l.label, r.matter_code, r.status, r.urgency, r.outcome, r.requested_at,
                     r.acknowledge_by, r.accept_by, r.resolve_by, r.overdue, r.rung, r.version)
      FROM referral r JOIN judge.label l USING (id)
    UNION ALL
    SELECT concat_ws('|', 'step', l.label, s.taken_at, s.step, s.to_status, s.reason, s.deadlines, a.code)
      FROM referral_step s JOIN judge.label l ON l.id = s.referral_id JOIN agency a ON a.id = s.agency_id
    UNION ALL
    SELECT concat_ws('|', 'escalation', l.label, e.clock, e.level, a.code, e.due_at, e.raised_at, e.ended_at)
      FROM escalation e JOIN judge.label l ON l.id = e.referral_id JOIN agency a ON a.id = e.agency_id
    UNION ALL
    SELECT concat_ws('|', 'event', l.label, e.type, e.subject_version, e.occurred_at, e.data)
      FROM event e JOIN judge.label l ON l.id = e.subject_id WHERE e.subject_type = 'referral')
SELECT encode(sha256(convert_to(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), 'UTF8')), 'hex') FROM said"""
"""Every fact in its order, without ids and without times of the machine."""


async def read(raw: Raw) -> dict[str, Any]:
    """The figures that two runs with one seed share."""
    figures: dict[str, Any] = {name: await raw.fetchval(sql) for name, sql in _ONE.items()}
    for name, sql in _MANY.items():
        figures[name] = {row[0]: row[1] for row in await raw.fetch(sql)}
    return figures


async def digest(raw: Raw) -> str:
    """The same for two runs exactly when every fact of them is."""
    await raw.execute("SET timezone TO 'UTC'")
    return str(await raw.fetchval(_FACTS, timeout=300))

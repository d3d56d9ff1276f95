"""Employers that were there before revision 0014 have a number and names after it."""

import asyncio

from db.migration import downgrade, upgrade
from tests.actions.instances import superuser

_BEFORE = """
WITH a AS (SELECT id FROM agency WHERE kind = 'union' LIMIT 1),
e AS (INSERT INTO employer (id, name, credit_code, created_at)
      VALUES (gen_random_uuid(), '安纺（织造）有限责任公司', '91340800ma0000007a', '2026-01-01'),
             (gen_random_uuid(), '安纺织造', '91340800MA0000007A', '2026-01-02'),
             (gen_random_uuid(), '安塑厂', NULL, '2026-01-03') RETURNING id)
INSERT INTO "case" (id, number, kind, status, coordinator_agency_id, division_code, employer_id, causes_secondary,
                    urgency, opened_at, updated_at, version)
SELECT gen_random_uuid(), e.id::text, 'employer', 'reported', a.id, '340802001', e.id, '{}', 'normal', now(), now(), 1
  FROM a, e"""


async def test_what_was_there_is_found_by_number_or_by_name_and_county(fresh_database: str) -> None:
    await asyncio.to_thread(downgrade, fresh_database, "0013")
    async with superuser(fresh_database) as raw:
        await raw.execute(_BEFORE)
    await asyncio.to_thread(upgrade, fresh_database)
    async with superuser(fresh_database) as raw:
        rows = await raw.fetch(
            "SELECT e.organisation, n.key, n.division FROM employer e JOIN employer_name n ON n.employer_id = e.id "
            " ORDER BY e.created_at"
        )
    assert [tuple(row) for row in rows] == [
        ("MA0000007", "安纺织造有限公司", "340802"),
        (None, "安纺织造", "340802"),
        (None, "安塑厂", "340802"),
    ]

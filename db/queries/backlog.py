"""How far behind numbering and delivering are, over all agencies: figures for an operator that name nobody."""

import asyncpg

from db.engine import Raw

_BACKLOG = """
SELECT f.count AS unnumbered, f.age_s AS unnumbered_age_s, d.age_s AS undelivered_age_s
  FROM (SELECT count(*), coalesce(extract(epoch FROM now() - min(recorded_at)), 0)::float8 AS age_s
          FROM event WHERE numbered_at IS NULL) f,
       (SELECT coalesce(extract(epoch FROM now() - min(due.created_at)), 0)::float8 AS age_s
          FROM webhook_endpoint e CROSS JOIN LATERAL (
               SELECT d.created_at FROM delivery d WHERE d.endpoint_id = e.id AND d.status = 'pending'
                ORDER BY d.id LIMIT 1) due
         WHERE e.status = 'active') d"""


async def backlog(raw: Raw) -> asyncpg.Record:
    """`unnumbered` facts and seconds since the oldest was recorded; seconds since the oldest delivery that an active
    endpoint waits for was made. One statement, by indexes: the queues' lengths do not matter much."""
    row = await raw.fetchrow(_BACKLOG)
    assert row is not None
    return row


async def endpoints_by_state(raw: Raw) -> dict[str, int]:
    """How many endpoints are pending, active, failing or disabled; deleted ones are not counted. One statement."""
    rows = await raw.fetch(
        "SELECT CASE WHEN status = 'active' AND failing_since IS NOT NULL THEN 'failing' ELSE status END AS state,"
        "       count(*) FROM webhook_endpoint WHERE status_reason IS DISTINCT FROM 'deleted' GROUP BY 1"
    )
    return {row["state"]: row["count"] for row in rows}

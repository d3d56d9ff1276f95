"""Facts of a case in the order they happened."""

from uuid import UUID

import asyncpg

from db.transaction import Tx


async def events_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """Every event of a case the acting agency sees, and of the cases that went into it, with its part in each; which of
    them it may know is a rule."""
    return await tx.rows(
        "SELECT e.id, e.type, e.occurred_at, e.subject_type, e.subject_id, e.actor_agency_id, a.name AS actor_name,"
        "       e.data, e.parties -> $2::text AS part "
        "  FROM event e JOIN agency a ON a.id = e.actor_agency_id"
        " WHERE e.case_id = $1 OR e.case_id IN (SELECT cases_merged_into($1)) ORDER BY e.position",
        case_id,
        str(tx.agency_id),
    )


async def links_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """Links of the case's records, for its coordinator: to a reporter they would tell of a hidden record."""
    return await tx.rows(
        "SELECT l.*, (SELECT w.decided_at FROM link w WHERE w.withdraws = l.id LIMIT 1) AS withdrawn_at "
        "  FROM link l JOIN person_record r ON r.id = l.record_id "
        'JOIN "case" c ON c.id = r.case_id AND c.coordinator_agency_id = $2 '
        "WHERE r.case_id = $1 ORDER BY l.decided_at, l.id",
        case_id,
        tx.agency_id,
    )

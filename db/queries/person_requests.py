"""Requests of persons, as their parties and the jobs may see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_COLUMNS = """q.id, q.case_id, q.person_id, q.agency_id, q.decider_agency_id, q.coordinator_agency_id, q.kind, q.status,
    q.asked_by, q.document, q.named_agency_id, q.recipients, q.in_error, q.said, q.answer, q.received_at, q.due_by,
    q.due_confirmed, q.next_due, q.overdue, q.prolonged, q.reason, q.possible_from, q.decided_at, q.updated_at,
    q.version, f.name AS filer_name, d.name AS decider_name"""
_FROM = """person_request q JOIN agency f ON f.id = q.agency_id JOIN agency d ON d.id = q.decider_agency_id"""
_FIND = f"SELECT {_COLUMNS} FROM {_FROM} WHERE q.id = $1"  # noqa: S608  column names only


async def find_request(tx: Tx, request_id: UUID) -> asyncpg.Record | None:
    """The request, or None where the acting agency is no party of it. One statement."""
    return await tx.row(_FIND, request_id)


async def lock_request(tx: Tx, request_id: UUID) -> asyncpg.Record | None:
    """The request as it stands once its case and its row are locked; None where hidden. Two statements."""
    seen = await tx.value(
        "SELECT true FROM person_request q, LATERAL pg_advisory_xact_lock(hashtextextended(q.case_id::text, 4)) "
        "WHERE q.id = $1",
        request_id,
    )
    return None if seen is None else await tx.row(f"{_FIND} FOR UPDATE OF q", request_id)


async def insert_request(tx: Tx, row: Mapping[str, Any]) -> None:
    names = list(row)
    holes = ", ".join(f"${position}" for position in range(1, len(names) + 1))
    await tx.run(f"INSERT INTO person_request ({', '.join(names)}) VALUES ({holes})", *row.values())  # noqa: S608  columns


async def update_request(tx: Tx, request_id: UUID, changes: Mapping[str, Any]) -> None:
    """Applies changed columns to a locked row and counts its version up. One statement."""
    sets = ", ".join(f"{name} = ${position}" for position, name in enumerate(changes, start=3))
    await tx.run(
        f"UPDATE person_request SET {sets}, updated_at = $2, version = version + 1 WHERE id = $1",  # noqa: S608  columns
        request_id,
        tx.now,
        *changes.values(),
    )


async def others_open(tx: Tx, case_id: UUID, request_id: UUID) -> bool:
    """Whether other requests in the case wait for an answer; the coordinator sees all of them. One statement."""
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM person_request "
            "WHERE case_id = $1 AND id <> $2 AND status IN ('received', 'in_review'))",
            case_id,
            request_id,
        )
    )


async def person_of_case(tx: Tx, case_id: UUID, person_id: UUID | None) -> UUID | None:
    """The person a request is about: the named one, or the main member; None where the household has none."""
    found: UUID | None = await tx.value("SELECT person_of_case($1, $2)", case_id, person_id)
    return found


async def has_record(tx: Tx, case_id: UUID, person_id: UUID, agency_id: UUID) -> bool:
    """Whether that agency reported the person in this case, as far as the acting agency sees."""
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM person_record WHERE case_id = $1 AND person_id = $2 AND agency_id = $3)",
            case_id,
            person_id,
            agency_id,
        )
    )


_LIST = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT q.id, q.case_id, q.kind, q.status, q.asked_by, q.agency_id, f.name AS filer_name, q.decider_agency_id,
           d.name AS decider_name, rfc3339(q.received_at) AS received_at, rfc3339(q.due_by) AS due_by, q.due_confirmed,
           q.overdue, rfc3339(q.updated_at) AS updated_at, q.version
      FROM person_request q JOIN agency f ON f.id = q.agency_id JOIN agency d ON d.id = q.decider_agency_id
     WHERE $1 IN (q.agency_id, q.decider_agency_id, q.coordinator_agency_id) AND (q.updated_at, q.id) < ($2, $3)
       AND ($5::text IS NULL OR q.status = $5) AND ($6::uuid IS NULL OR q.case_id = $6)
     ORDER BY q.updated_at DESC, q.id DESC LIMIT $4) r"""


async def list_requests(
    tx: Tx, *, after: tuple[datetime, UUID], limit: int, status: str | None, case_id: UUID | None
) -> str:
    """JSON array of the requests an agency filed, decides or coordinates, newest change first. One statement."""
    return str(await tx.value(_LIST, tx.agency_id, after[0], after[1], limit, status, case_id))


# Corrections


async def own_record_of(tx: Tx, case_id: UUID, person_id: UUID) -> asyncpg.Record | None:
    """What the acting agency reported of the person, last, before any correction. One statement."""
    return await tx.row(
        "SELECT id, report_id, case_id, agency_id, person_id, contact, details FROM person_record "
        "WHERE case_id = $1 AND person_id = $2 AND agency_id = $3 AND corrects IS NULL "
        "ORDER BY created_at DESC LIMIT 1",
        case_id,
        person_id,
        tx.agency_id,
    )


async def insert_correction(tx: Tx, row: Mapping[str, Any]) -> None:
    """A record that holds what a correction says and nothing else. One statement."""
    names = list(row)
    holes = ", ".join(f"${position}" for position in range(1, len(names) + 1))
    await tx.run(f"INSERT INTO person_record ({', '.join(names)}) VALUES ({holes})", *row.values())  # noqa: S608  columns


async def carry_birth_date(tx: Tx, record_id: UUID) -> None:
    await tx.run("SELECT carry_birth_date($1)", record_id)


# Objections


async def withdraw_bases(
    tx: Tx, case_id: UUID, *, recipients: Sequence[UUID], kinds: Sequence[str], withdrawn_by: str
) -> list[UUID]:
    """Withdraws bases in force; the recipient of each. One statement."""
    rows = await tx.rows(
        "UPDATE sharing_basis SET withdrawn_at = $4, withdrawn_by = $5 "
        "WHERE case_id = $1 AND kind = ANY ($3) AND withdrawn_at IS NULL AND (valid_until IS NULL OR valid_until > $4) "
        "AND (cardinality($2::uuid[]) = 0 OR recipient_agency_id = ANY ($2)) RETURNING recipient_agency_id",
        case_id,
        list(recipients),
        list(kinds),
        tx.now,
        withdrawn_by,
    )
    return [row["recipient_agency_id"] for row in rows]


async def kinds_in_force(tx: Tx, case_id: UUID, recipients: Sequence[UUID]) -> list[str]:
    """The kinds of basis on which these agencies, or all, may still learn of the case. One statement."""
    rows = await tx.rows(
        "SELECT DISTINCT kind FROM sharing_basis WHERE case_id = $1 AND (valid_until IS NULL OR valid_until > $3) "
        "AND withdrawn_at IS NULL AND (cardinality($2::uuid[]) = 0 OR recipient_agency_id = ANY ($2)) ORDER BY kind",
        case_id,
        list(recipients),
        tx.now,
    )
    return [row["kind"] for row in rows]


# Clocks, as the jobs see them


async def overdue_requests(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """(id, case) of requests whose time ran out by `now`, the earliest first."""
    return await raw.fetch(
        "SELECT id, case_id FROM person_request WHERE next_due <= $1 ORDER BY next_due LIMIT $2", now, limit
    )


async def provisional_requests(raw: Raw, after: UUID, limit: int) -> list[asyncpg.Record]:
    """(id, case) of open requests whose time was counted beyond the confirmed calendar, by id."""
    return await raw.fetch(
        "SELECT id, case_id FROM person_request WHERE NOT due_confirmed AND id > $1 "
        "AND status IN ('received', 'in_review') ORDER BY id LIMIT $2",
        after,
        limit,
    )


async def lock_for_clock(raw: Raw, request_id: UUID, case_id: UUID) -> asyncpg.Record | None:
    """The request under the lock of its case; None while somebody works on it: the next round finds it again."""
    if not await raw.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1::uuid::text, 4))", case_id):
        return None
    return await raw.fetchrow(
        "SELECT id, case_id, agency_id, decider_agency_id, coordinator_agency_id, kind, status, received_at, due_by, "
        "       due_confirmed, next_due, overdue, prolonged, version FROM person_request WHERE id = $1 "
        "FOR UPDATE SKIP LOCKED",
        request_id,
    )


async def set_clock(raw: Raw, request_id: UUID, changes: Mapping[str, object], now: datetime) -> int:
    """Applies changed clock columns to a locked row; its new version. One statement."""
    sets = ", ".join(f"{name} = ${position}" for position, name in enumerate(changes, start=3))
    return int(
        await raw.fetchval(
            f"UPDATE person_request SET {sets}, updated_at = $2, version = version + 1 WHERE id = $1 RETURNING version",  # noqa: S608  columns of ours
            request_id,
            now,
            *changes.values(),
        )
    )

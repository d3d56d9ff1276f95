"""Possible matches, as the coordinators of their cases and the jobs may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx

_FIND = """SELECT m.*, c.name AS coordinator_name, h.name AS holder_name, d.name AS decider_name
  FROM match_candidate m JOIN agency c ON c.id = m.coordinator_agency_id JOIN agency h ON h.id = m.holder_agency_id
  LEFT JOIN agency d ON d.id = m.decided_by_agency
 WHERE m.id = $1"""


@dataclass(frozen=True, slots=True)
class MatchFilter:
    """Which matches a queue shows; None where it does not matter. `source_system` and `agency_id` are of the later
    report, as far as the acting agency coordinates its case: of another's they would tell who reported there."""

    status: str | None = None
    overdue: bool | None = None
    case_id: UUID | None = None
    source_system: str | None = None
    agency_id: UUID | None = None


async def find_candidate(tx: Tx, candidate_id: UUID) -> asyncpg.Record | None:
    """The candidate, or None where the acting agency coordinates neither side. One statement, as everything here."""
    return await tx.row(_FIND, candidate_id)


async def lock_candidate(tx: Tx, candidate_id: UUID) -> asyncpg.Record | None:
    """The candidate as it stands once its row is locked."""
    return await tx.row(f"{_FIND} FOR NO KEY UPDATE OF m", candidate_id)


async def opened(tx: Tx, candidates: Sequence[UUID]) -> list[asyncpg.Record]:
    """Whose the cases are of candidates that a report of the acting agency has just opened."""
    return await tx.rows("SELECT * FROM opened_matches($1)", list(candidates))


# Decided ones stand behind all open ones: a thousand years later, so that one cursor leads through both.
_LIST = """
SELECT coalesce(json_agg(r), '[]')::text FROM (
    SELECT m.id, m.band, m.status, rfc3339(m.due_at) AS due_at, rfc3339(m.created_at) AS created_at,
           m.status = 'open' AND m.due_at <= $2 AS overdue,
           CASE WHEN m.coordinator_agency_id = $1 THEN m.case_id ELSE m.other_case_id END AS case_id,
           CASE WHEN m.coordinator_agency_id = m.holder_agency_id THEN m.other_case_id END AS other_case_id,
           json_build_object('id', a.id, 'name', a.name) AS holder,
           m.coordinator_agency_id = m.holder_agency_id AS comparable, m.version,
           rfc3339(m.position) AS position
      FROM (SELECT *, CASE WHEN status = 'open' THEN due_at ELSE due_at + interval '1000 years' END AS position
              FROM match_candidate) m
      JOIN agency a ON a.id = CASE WHEN m.coordinator_agency_id = $1 THEN m.holder_agency_id
                                   ELSE m.coordinator_agency_id END
     WHERE (m.holder_agency_id = $1 OR (m.coordinator_agency_id = $1 AND NOT m.silent))
       AND (m.position, m.id) > ($3, $4)
       AND ($6::text IS NULL OR m.status = $6)
       AND ($7::boolean IS NULL OR $7 = (m.status = 'open' AND m.due_at <= $2))
       AND ($8::uuid IS NULL OR (m.case_id = $8 AND m.coordinator_agency_id = $1)
                             OR (m.other_case_id = $8 AND m.holder_agency_id = $1))
       AND (($9::text IS NULL AND $10::uuid IS NULL) OR (m.coordinator_agency_id = $1 AND EXISTS (
            SELECT FROM person_record r JOIN report p ON p.id = r.report_id
             WHERE r.id = m.record_id AND ($9::text IS NULL OR p.source_system = $9)
               AND ($10::uuid IS NULL OR p.agency_id = $10))))
     ORDER BY m.position, m.id LIMIT $5) r"""


async def list_candidates(tx: Tx, wanted: MatchFilter, *, after: tuple[datetime, UUID], limit: int) -> str:
    """JSON array of the queue of the acting union, open ones first, by due date. `position` is the sort key."""
    return str(
        await tx.value(
            _LIST,
            tx.agency_id,
            tx.now,
            after[0],
            after[1],
            limit,
            wanted.status,
            wanted.overdue,
            wanted.case_id,
            wanted.source_system,
            wanted.agency_id,
        )
    )


async def records_of(tx: Tx, candidate_id: UUID) -> list[asyncpg.Record]:
    """The records of either side that the acting agency may see, corrections first; `later` says of which side, and
    `household_size` how many live in its case."""
    return await tx.rows(
        "SELECT coalesce(r.corrects, r.id) = m.record_id AS later, 'member' AS role, 'other' AS relation, r.id,"
        "       r.person_id, r.name, r.id_type, r.id_number, r.contact, r.details, r.sex, r.birth_date,"
        "       r.division_code, r.employment_status, e.name AS employer_name,"
        "       (SELECT count(*) FROM household_member h WHERE h.case_id = CASE"
        "         WHEN coalesce(r.corrects, r.id) = m.record_id THEN m.case_id ELSE m.other_case_id END"
        "       ) AS household_size "
        "  FROM match_candidate m"
        "  JOIN person_record r ON r.id IN (m.record_id, m.other_record_id)"
        "                       OR r.corrects IN (m.record_id, m.other_record_id)"
        "  LEFT JOIN employer e ON e.id = r.employer_id "
        " WHERE m.id = $1 ORDER BY (r.corrects IS NULL), r.created_at DESC",
        candidate_id,
    )


async def shown_by_grant(tx: Tx, candidate_id: UUID) -> list[asyncpg.Record]:
    """The record of the other side with its corrections, and the grant that opens it to the acting agency."""
    return await tx.rows(
        "SELECT *, 'member' AS role, 'other' AS relation FROM shown_by_grant($1)",
        candidate_id,
    )


_DECIDE = """UPDATE match_candidate
   SET status = 'not_duplicate', reason = $2, until = $3, decided_by_agency = $4, decided_by = $5, decided_at = $6,
       version = version + 1"""


async def mark_not_duplicate(
    tx: Tx, candidates: Sequence[UUID], *, reason: str, until: datetime | None
) -> list[asyncpg.Record]:
    """Decides open candidates, whose rows are locked; as they stand then."""
    return await tx.rows(
        f"{_DECIDE} WHERE id = ANY ($1) AND status = 'open' RETURNING *",
        list(candidates),
        reason,
        until,
        tx.agency_id,
        tx.caller.principal_id,
        tx.now,
    )


async def lock_open_of_source(
    tx: Tx, *, source_system: str, agency_id: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Open candidates of later reports from one source system, both sides of which the acting union coordinates."""
    return await tx.rows(
        "SELECT m.id FROM match_candidate m"
        "  JOIN person_record r ON r.id = m.record_id JOIN report p ON p.id = r.report_id "
        " WHERE m.holder_agency_id = $1 AND m.coordinator_agency_id = $1 AND m.status = 'open'"
        "   AND p.source_system = $2 AND ($3::uuid IS NULL OR p.agency_id = $3) "
        " ORDER BY m.due_at, m.id LIMIT $4 FOR NO KEY UPDATE OF m SKIP LOCKED",
        tx.agency_id,
        source_system,
        agency_id,
        limit,
    )


async def assert_different(
    tx: Tx, candidates: Sequence[UUID], links: Sequence[UUID], *, reason: str, decided_by: str
) -> None:
    """Says of the two records of each candidate that they are of two people, of the record the acting agency
    coordinates; `links` are the assertions' ids."""
    await tx.run(
        "INSERT INTO link (id, kind, record_id, person_id, evidence, decided_by, decided_at, other_record_id, verdict,"
        "                  source, reason)"
        "SELECT g.link, 'same_person', r.id, r.person_id, '[]', $4, $5,"
        "       CASE WHEN r.id = m.record_id THEN m.other_record_id ELSE m.record_id END, 'different', 'person', $6"
        "  FROM unnest($1::uuid[], $2::uuid[]) AS g (candidate, link)"
        "  JOIN match_candidate m ON m.id = g.candidate"
        "  JOIN person_record r ON r.id = CASE WHEN m.coordinator_agency_id = $3 THEN m.record_id"
        "                                      ELSE m.other_record_id END",
        list(candidates),
        list(links),
        tx.agency_id,
        decided_by,
        tx.now,
        reason,
    )


async def undo_not_duplicate(tx: Tx, candidate_id: UUID, link_id: UUID, *, decided_by: str, due_at: datetime) -> None:
    """Opens a decided candidate again and withdraws what was said of its records, under `link_id`."""
    await tx.run("SELECT undo_not_duplicate($1, $2, $3, $4, $5)", candidate_id, link_id, decided_by, tx.now, due_at)


# As the jobs see them


async def lapsed(raw: Raw, now: datetime, limit: int) -> list[UUID]:
    """Decisions that were to hold until a day that has come."""
    return [row["id"] for row in await raw.fetch("SELECT id FROM lapsed_matches($1, $2)", now, limit)]


async def lapse(
    raw: Raw, candidate_id: UUID, link_id: UUID, *, now: datetime, due_at: datetime
) -> asyncpg.Record | None:
    """Opens one again, as it stands then; None where somebody has it at hand."""
    return await raw.fetchrow("SELECT * FROM lapse_match($1, $2, $3, $4)", candidate_id, link_id, now, due_at)


async def probing_suspects(raw: Raw, since: datetime, now: datetime, most: int) -> list[asyncpg.Record]:
    """Agencies that filed more than `most` identities for one person within a day and nobody was told of; from now on
    they are told."""
    return await raw.fetch(
        "SELECT case_id, agency_id, guardian, top_union, contents FROM probing_suspects($1, $2, $3)", since, now, most
    )

"""Persons that are joined and parted, and their cases with them. PostgreSQL works out what follows from a link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from crypto.ids import new_id
from db.transaction import Tx


@dataclass(frozen=True, slots=True)
class MainCase:
    """The active case whose main member a person is. `before_work`: nothing was done in it yet but reporting."""

    case_id: UUID
    coordinator: UUID
    before_work: bool


@dataclass(frozen=True, slots=True)
class Stray:
    """Reports that a withdrawn link had brought into a case, and whose main person is known there from nothing else."""

    case_id: UUID
    person_id: UUID
    report_ids: list[UUID]
    division_code: str | None
    birth_date: date | None


async def main_cases(tx: Tx, persons: Sequence[UUID]) -> dict[UUID, MainCase]:
    """By person; a person may be nobody's main member. One statement."""
    rows = await tx.rows("SELECT * FROM main_cases_of($1::uuid[])", list(persons))
    return {
        row["person_id"]: MainCase(row["case_id"], row["coordinator_agency_id"], row["before_work"]) for row in rows
    }


async def lock_links(tx: Tx, records: Sequence[UUID]) -> None:
    """Lets whoever reports a person of these records wait. Before any other lock. One statement."""
    await tx.run("SELECT lock_links_of($1::uuid[])", list(records))


async def records_of_persons(tx: Tx, records: Sequence[UUID]) -> list[asyncpg.Record]:
    """All records of the persons of these: (record_id, person_id, case_id, features sealed or None). One statement."""
    return await tx.rows("SELECT * FROM records_of_persons($1::uuid[])", list(records))


async def persons_by_links(tx: Tx, records: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """Whose each record is as the links stand, of these and all they are one with. One statement."""
    rows = await tx.rows("SELECT * FROM persons_by_links($1::uuid[])", list(records))
    return {row["record_id"]: row["person_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two cases that became one or are two again. `version` is that of the other, which went or stands for itself."""

    kept: UUID
    other: UUID
    version: int


async def follow_link(tx: Tx, link_id: UUID) -> list[Pair]:
    """Makes persons, households and cases follow an asserted link. One statement.

    PostgreSQL refuses cases that the acting agency may not join.
    """
    rows = await tx.rows("SELECT kept, merged, version FROM follow_link($1, $2)", link_id, tx.now)
    return [Pair(*row) for row in rows]


async def follow_withdrawal(tx: Tx, link_id: UUID) -> list[Pair]:
    """The same after a link was withdrawn. The side that nobody founded gets a person of its own. One statement."""
    rows = await tx.rows(
        "SELECT kept, parted, version FROM follow_withdrawal($1, $2, $3, $4)", link_id, new_id(), new_id(), tx.now
    )
    return [Pair(*row) for row in rows]


async def stray_reports(tx: Tx, record_id: UUID) -> list[Stray]:
    """Reports with the person of this record that do not belong into its case any more. One statement."""
    rows = await tx.rows("SELECT * FROM stray_reports($1)", record_id)
    return [Stray(**dict(row)) for row in rows]


async def rehouse(tx: Tx, stray: Stray, case_id: UUID) -> Pair:
    """Moves stray reports, with all that hangs on them, into the case of their main person. One statement."""
    rows = await tx.rows(
        "SELECT rehouse_reports($1, $2, $3::uuid[], $4) AS version", stray.case_id, case_id, stray.report_ids, tx.now
    )
    return Pair(stray.case_id, case_id, rows[0]["version"])


async def merged_into(tx: Tx, case_id: UUID) -> UUID | None:
    """Where the facts of a merged case stand, for whoever took part in it. One statement."""
    found: UUID | None = await tx.value("SELECT merged_into($1)", case_id)
    return found


async def cases_merged_into(tx: Tx, case_id: UUID) -> list[UUID]:
    """Cases that went into this one, however far back. One statement."""
    return [row["id"] for row in await tx.rows("SELECT cases_merged_into($1) AS id", case_id)]


async def count_values(tx: Tx, *, more: Sequence[int] = (), fewer: Sequence[int] = ()) -> None:
    """Counts values in one person more, or one fewer. The last lock of all. One statement."""
    await tx.run(
        "SELECT count_values($1::bigint[], $2::integer[])", [*more, *fewer], [1] * len(more) + [-1] * len(fewer)
    )


async def close_candidates(tx: Tx, records: Sequence[UUID]) -> list[UUID]:
    """Settles the open possible matches between records that are one person now. One statement."""
    return [row["id"] for row in await tx.rows("SELECT close_candidates($1::uuid[], $2) AS id", list(records), tx.now)]


async def find_link(tx: Tx, link_id: UUID) -> asyncpg.Record | None:
    """An assertion as the acting agency may see it, whether it was withdrawn, and the cases of its records. One
    statement."""
    return await tx.row(
        "SELECT l.*, EXISTS (SELECT FROM link w WHERE w.withdraws = l.id) AS withdrawn, r.case_id,"
        "       c.coordinator_agency_id AS coordinator "
        '  FROM link l JOIN person_record r ON r.id = l.record_id JOIN "case" c ON c.id = r.case_id WHERE l.id = $1',
        link_id,
    )


@dataclass(frozen=True, slots=True)
class Assertion:
    """What is said of a record: `same` as another record or, without one, the founder of a person; or `different`."""

    id: UUID
    record_id: UUID
    person_id: UUID
    other_record_id: UUID | None
    verdict: str
    source: str
    decided_by: str
    reason: str | None = None
    withdraws: UUID | None = None
    weight: float | None = None
    terms: str | None = None
    evidence: str = "[]"
    model_version: str | None = None


async def assert_link(tx: Tx, said: Assertion) -> None:
    """Appends an assertion; nothing is ever changed. One statement."""
    await tx.run(
        "INSERT INTO link (id, kind, record_id, person_id, other_record_id, verdict, source, decided_by, decided_at,"
        "                  reason, withdraws, weight, terms, evidence, model_version) "
        "VALUES ($1, 'same_person', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13::jsonb, $14)",
        said.id,
        said.record_id,
        said.person_id,
        said.other_record_id,
        said.verdict,
        said.source,
        said.decided_by,
        tx.now,
        said.reason,
        said.withdraws,
        said.weight,
        said.terms,
        said.evidence,
        said.model_version,
    )


# Possible matches, as far as deciding them joins persons


async def first_word(tx: Tx, candidate_id: UUID) -> None:
    """One of two coordinators confirmed: the other is asked, and told where it was not yet. One statement."""
    await tx.run(
        "UPDATE match_candidate SET confirmed_by_agency = $2, silent = false, version = version + 1 WHERE id = $1",
        candidate_id,
        tx.agency_id,
    )


async def decide_candidate(tx: Tx, candidate_id: UUID, status: str) -> None:
    """What people decided of a possible match. One statement."""
    await tx.run(
        "UPDATE match_candidate SET status = $2, decided_by_agency = $3, decided_by = $4, decided_at = $5,"
        "       version = version + 1 WHERE id = $1 AND status <> $2",
        candidate_id,
        status,
        tx.agency_id,
        tx.caller.principal_id,
        tx.now,
    )


async def confirmed_candidate(tx: Tx, record_id: UUID, other_record_id: UUID) -> UUID | None:
    """The confirmed match of these two records. One statement."""
    found: UUID | None = await tx.value(
        "SELECT id FROM match_candidate WHERE record_id = $1 AND other_record_id = $2 AND status = 'confirmed'",
        record_id,
        other_record_id,
    )
    return found


async def standing_link(tx: Tx, record_id: UUID, other_record_id: UUID) -> UUID | None:
    """What people said, and nobody withdrew, of these two records being one person. One statement."""
    found: UUID | None = await tx.value(
        "SELECT l.id FROM link l WHERE l.record_id = $1 AND l.other_record_id = $2 AND l.verdict = 'same' "
        "   AND l.source = 'person' AND NOT EXISTS (SELECT FROM link w WHERE w.withdraws = l.id)",
        record_id,
        other_record_id,
    )
    return found

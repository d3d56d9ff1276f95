"""People as reported, and the persons behind them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from db.transaction import Tx


@dataclass(frozen=True, slots=True)
class LookUp:
    """Keyed hashes of one person's identifiers."""

    id_indexes: list[bytes]
    name_births: list[bytes]
    phones: list[bytes]


async def lock_persons(tx: Tx, person_ids: Sequence[UUID]) -> None:
    """Lets one transaction at a time decide which active case these persons belong to. One statement."""
    await tx.run(
        "SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT hashtextextended(p::text, 5) AS k "
        "FROM unnest($1::uuid[]) p ORDER BY k) ordered",
        list(person_ids),
    )


async def add_persons(tx: Tx, person_ids: Sequence[UUID]) -> None:
    """Creates persons. One statement."""
    await tx.run("SELECT new_person(p, $2) FROM unnest($1::uuid[]) p", list(person_ids), tx.now)


@dataclass(frozen=True, slots=True)
class HouseholdRow:
    """One person of a report on the way into the case's household."""

    link_id: UUID
    record_id: UUID
    person_id: UUID
    role: str
    relation: str
    evidence: list[dict[str, str]]
    other_record_id: UUID | None
    weight: float | None
    terms: list[dict[str, object]] | None
    model_version: str


async def link_household(tx: Tx, case_id: UUID, rows: Sequence[HouseholdRow], *, decided_by: str) -> None:
    """Writes the links record → person and puts the people into the case's household. One statement."""
    await tx.run(
        "WITH given AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS g (link_id uuid, record_id uuid, person_id uuid,"
        "      role text, relation text, evidence jsonb, other_record_id uuid, weight float8, terms jsonb,"
        "      model_version text)),"
        " links AS (INSERT INTO link (id, kind, record_id, person_id, evidence, decided_by, decided_at,"
        "                             other_record_id, weight, terms, model_version)"
        "      SELECT link_id, 'same_person', record_id, person_id, evidence, $3, $4, other_record_id, weight, terms,"
        "             model_version FROM given)"
        " SELECT add_household_member($2, person_id, record_id, role, relation, $4) FROM given ORDER BY person_id",
        json.dumps(
            [
                {
                    "link_id": str(row.link_id),
                    "record_id": str(row.record_id),
                    "person_id": str(row.person_id),
                    "role": row.role,
                    "relation": row.relation,
                    "evidence": row.evidence,
                    "other_record_id": row.other_record_id and str(row.other_record_id),
                    "weight": row.weight,
                    "terms": row.terms,
                    "model_version": row.model_version,
                }
                for row in rows
            ]
        ),
        case_id,
        decided_by,
        tx.now,
    )


async def main_members_of(tx: Tx, case_id: UUID) -> list[UUID]:
    """The case's main member, as far as the acting agency may see it."""
    rows = await tx.rows("SELECT person_id FROM household_member WHERE case_id = $1 AND role = 'main'", case_id)
    return [row["person_id"] for row in rows]


async def household_of(tx: Tx, case_id: UUID, records_of: Sequence[UUID] | None = None) -> list[asyncpg.Record]:
    """Records of the case's people that the acting agency may see, by person, main member first, oldest record first.

    With `records_of` only what those agencies reported.
    """
    return await tx.rows(
        "SELECT m.role, m.relation, r.id, r.report_id, r.agency_id, r.person_id, r.name, r.id_type, r.id_number,"
        "       r.contact, r.sex, r.birth_date, r.division_code, r.employment_status, r.details, r.created_at,"
        "       e.name AS employer_name, e.credit_code AS employer_credit_code "
        "  FROM household_member m JOIN person_record r ON r.case_id = m.case_id AND r.person_id = m.person_id "
        "  LEFT JOIN employer e ON e.id = r.employer_id "
        " WHERE m.case_id = $1 AND ($2::uuid[] IS NULL OR r.agency_id = ANY ($2)) "
        " ORDER BY m.role, m.joined_at, r.person_id, (r.corrects IS NULL), "
        "          CASE WHEN r.corrects IS NOT NULL THEN r.created_at END DESC, r.created_at, r.id LIMIT 2000",
        case_id,
        None if records_of is None else list(records_of),
    )


async def search_records(
    tx: Tx, *, id_indexes: list[bytes], name_births: list[bytes], limit: int = 50
) -> list[asyncpg.Record]:
    """Cases in which a person with these identifiers stands, which the acting agency coordinates or reported itself.

    To anybody else a hit would confirm an identity it was not shown. One statement.
    """
    return await tx.rows(
        'SELECT DISTINCT r.case_id FROM person_record r JOIN "case" c ON c.id = r.case_id '
        "WHERE (r.id_index = ANY ($1) OR r.name_birth_index = ANY ($2)) "
        "  AND (r.agency_id = $3 OR c.coordinator_agency_id = $3) ORDER BY r.case_id DESC LIMIT $4",
        id_indexes,
        name_births,
        tx.agency_id,
        limit,
    )

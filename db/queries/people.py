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


async def lock_identifiers(tx: Tx, look_ups: Sequence[LookUp]) -> None:
    """Lets one transaction at a time link people with these identifiers. One statement.

    All of them in one order: two reports of the same people, told in another order, cannot wait for each other.
    """
    keys = {key for look_up in look_ups for key in (*look_up.id_indexes, *look_up.name_births)}
    await tx.run(
        "SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT hashtextextended(encode(i, 'hex'), 1) AS k "
        "FROM unnest($1::bytea[]) i ORDER BY k) ordered",
        list(keys),
    )


async def lock_persons(tx: Tx, person_ids: Sequence[UUID]) -> None:
    """Lets one transaction at a time decide which active case these persons belong to. One statement."""
    await tx.run(
        "SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT hashtextextended(p::text, 5) AS k "
        "FROM unnest($1::uuid[]) p ORDER BY k) ordered",
        list(person_ids),
    )


async def find_persons(tx: Tx, look_ups: Sequence[LookUp]) -> list[tuple[UUID | None, str]]:
    """For each look-up: the person it belongs to and what matched, or (None, "new"). One statement, under locks."""
    rows = await tx.rows(
        "SELECT f.person_id, f.matched_on FROM jsonb_to_recordset($1::jsonb) "
        "AS l (position integer, ids jsonb, name_births jsonb, phones jsonb) "
        "LEFT JOIN LATERAL find_person("
        "    ARRAY(SELECT decode(i, 'hex') FROM jsonb_array_elements_text(l.ids) i), "
        "    ARRAY(SELECT decode(i, 'hex') FROM jsonb_array_elements_text(l.name_births) i), "
        "    ARRAY(SELECT decode(i, 'hex') FROM jsonb_array_elements_text(l.phones) i)) f ON true "
        "ORDER BY l.position",
        json.dumps(
            [
                {
                    "position": position,
                    "ids": [index.hex() for index in look_up.id_indexes],
                    "name_births": [index.hex() for index in look_up.name_births],
                    "phones": [index.hex() for index in look_up.phones],
                }
                for position, look_up in enumerate(look_ups)
            ]
        ),
    )
    return [(row["person_id"], row["matched_on"] or "new") for row in rows]


async def add_persons(tx: Tx, person_ids: Sequence[UUID]) -> None:
    """Creates persons. One statement."""
    await tx.run("SELECT new_person(p, $2) FROM unnest($1::uuid[]) p", list(person_ids), tx.now)


async def employers_for(tx: Tx, employers: Sequence[tuple[UUID, str, str | None]]) -> list[UUID]:
    """For each (new id, name, credit code): the id of that employer, created when new. One statement."""
    rows = await tx.rows(
        "SELECT employer_for(e.id, e.name, e.code, $4) AS id "
        "FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS e (id, name, code, position) "
        "ORDER BY coalesce(e.code, e.name)",
        [employer[0] for employer in employers],
        [employer[1] for employer in employers],
        [employer[2] for employer in employers],
        tx.now,
    )
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class HouseholdRow:
    """One person of a report on the way into the case's household."""

    link_id: UUID
    record_id: UUID
    person_id: UUID
    role: str
    relation: str
    evidence: list[dict[str, str]]


async def link_household(tx: Tx, case_id: UUID, rows: Sequence[HouseholdRow], *, decided_by: str) -> None:
    """Writes the links record → person and puts the people into the case's household. One statement."""
    await tx.run(
        "WITH given AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS g (link_id uuid, record_id uuid, person_id uuid,"
        "      role text, relation text, evidence jsonb)),"
        " links AS (INSERT INTO link (id, kind, record_id, person_id, evidence, decided_by, decided_at)"
        "      SELECT link_id, 'same_person', record_id, person_id, evidence, $3, $4 FROM given)"
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


async def find_employer(tx: Tx, employer_id: UUID) -> asyncpg.Record | None:
    return await tx.row("SELECT id, name, credit_code FROM employer WHERE id = $1", employer_id)


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

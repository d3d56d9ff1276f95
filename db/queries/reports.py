"""Reports as filed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from db.transaction import Tx


async def lock_source(tx: Tx, system: str, hashes: list[bytes]) -> UUID | None:
    """Takes the sender's record id for this transaction; returns the report it already made, if any.

    `hashes` has one for each live key, locked in one order. Two statements: one alone would look with the eyes it had
    before it waited.
    """
    await tx.run(
        "SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT "
        "    hashtextextended(concat_ws(chr(10), $1::uuid, $2::text, encode(h, 'hex')), 3) AS k "
        "FROM unnest($3::bytea[]) h ORDER BY k) ordered",
        tx.agency_id,
        system,
        hashes,
    )
    found: UUID | None = await tx.value(
        "SELECT id FROM report WHERE agency_id = $1 AND source_system = $2 AND source_record = ANY ($3::bytea[])",
        tx.agency_id,
        system,
        hashes,
    )
    return found


_INSERT = """
WITH filed AS (
    INSERT INTO report (id, agency_id, case_id, source_system, source_record, aware_at, reported_at,
                        reported_by, channel, urgency, body, body_sha256, leaf_id, source_key, needs,
                        by_household)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15, $16, $17))
INSERT INTO person_record (id, report_id, case_id, agency_id, person_id, name, id_type, id_number, id_index,
                           name_birth_index, phone_indexes, contact, sex, birth_date, division_code, employment_status,
                           employer_id, details, created_at, index_key, relation, main)
SELECT id, $1, $3, $2, person_id, decode(name, 'hex'), id_type, decode(id_number, 'hex'), decode(id_index, 'hex'),
       decode(name_birth_index, 'hex'), ARRAY(SELECT decode(p, 'hex') FROM jsonb_array_elements_text(phone_indexes) p),
       decode(contact, 'hex'), sex, birth_date, division_code, employment_status, employer_id,
       decode(details, 'hex'), $7, index_key, relation, main
  FROM jsonb_to_recordset($14::jsonb) AS r (id uuid, person_id uuid, name text, id_type text, id_number text,
       id_index text, name_birth_index text, phone_indexes jsonb, contact text, sex text, birth_date date,
       division_code text, employment_status text, employer_id uuid, details text, index_key text,
       relation text, main boolean)"""


async def insert_report(
    tx: Tx, report: Mapping[str, Any], records: Sequence[Mapping[str, object]], *, case_id: UUID
) -> None:
    """The report and its person records. One statement; sealed values of records travel as hexadecimal."""
    await tx.run(
        _INSERT,
        report["id"],
        tx.agency_id,
        case_id,
        report["source_system"],
        report["source_record"],
        report["aware_at"],
        tx.now,
        tx.caller.principal_id,
        report["channel"],
        report["urgency"],
        report["body"],
        report["body_sha256"],
        report["leaf_id"],
        json.dumps(records),
        report["source_key"],
        report["needs"],
        report["by_household"],
    )


async def find_report(tx: Tx, report_id: UUID) -> asyncpg.Record | None:
    """The report with the acting agency's parts in it. One statement."""
    return await tx.row(
        "SELECT r.*, ARRAY(SELECT 'owner' WHERE r.agency_id = $2 UNION ALL SELECT 'coordinator' FROM \"case\" c "
        "                   WHERE c.id = r.case_id AND c.coordinator_agency_id = $2) AS parts "
        "  FROM report r WHERE r.id = $1",
        report_id,
        tx.agency_id,
    )


async def find_by_source(tx: Tx, system: str, hashes: list[bytes]) -> asyncpg.Record | None:
    """The acting agency's report of its own record; `hashes` has one for each live key. One statement."""
    return await tx.row(
        "SELECT id, case_id FROM report WHERE agency_id = $1 AND source_system = $2 "
        "   AND source_record = ANY ($3::bytea[])",
        tx.agency_id,
        system,
        hashes,
    )


async def reports_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    return await tx.rows("SELECT * FROM report WHERE case_id = $1 ORDER BY reported_at, id", case_id)

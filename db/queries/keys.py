"""Walks what is sealed or indexed with keys, in batches: counts it, takes it under locks, puts it back.

Every function runs in a transaction of role tongli_keys. Taking locks rows of one batch and leaves out those that
somebody else holds, so a walk waits for nobody and nobody waits for it longer than one batch; the next pass meets what
was left out. Whoever wrote meanwhile has won: what is locked here is what was committed last.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

import db.models  # noqa: F401  registers every table
from db.engine import Raw

_HEADER = 40
"""Bytes of a sealed value that hold its header: reading no more spares fetching long texts."""
_LEAST = {"UUID": UUID(int=0), "BYTEA": b"", "BIGINT": 0}
"""Before every key of a walk."""


Row = Mapping[str, Any] | asyncpg.Record


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed columns: its primary key, and for each column what its values are bound to."""

    name: str
    key: Mapping[str, str]
    contexts: Mapping[str, tuple[str, str | None]]

    @property
    def start(self) -> tuple[object, ...]:
        return tuple(_LEAST[kind] for kind in self.key.values())

    def position(self, row: Row) -> tuple[object, ...]:
        return tuple(row[name] for name in self.key)

    def context(self, column: str, row: Row) -> str:
        """What a value is bound to, as the code that sealed it wrote."""
        prefix, bound = self.contexts[column]
        return prefix if bound is None else f"{prefix}:{row[bound]}"

    @property
    def fetched(self) -> tuple[str, ...]:
        """The columns a walk reads: key, values, and what they are bound to."""
        bound = (row for _, row in self.contexts.values() if row is not None)
        return tuple(dict.fromkeys((*self.key, *bound, *self.contexts)))


@cache
def sealed_tables() -> tuple[SealedTable, ...]:
    """Every table with a column that its model calls `sealed()`, by name."""
    tables = (_sealed_table(table) for table in SQLModel.metadata.tables.values())
    return tuple(sorted((table for table in tables if table.contexts), key=lambda table: table.name))


def _sealed_table(table: Table) -> SealedTable:
    contexts = {}
    for column in table.columns:
        if "sealed" in column.info:
            prefix, row = column.info["sealed"]
            contexts[column.name] = (prefix or f"{table.name}.{column.name}", row)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialects untyped
    key = {column.name: column.type.compile(dialect) for column in table.primary_key} if contexts else {}
    return SealedTable(table.name, key, contexts)


async def count_sealed(raw: Raw, table: SealedTable) -> list[asyncpg.Record]:
    """(sealed_as, values) of a table; null where a value has no readable header. One statement, reads every row."""
    heads = " UNION ALL ".join(
        f'SELECT substr("{column}", 1, {_HEADER}) AS head FROM "{table.name}" WHERE length("{column}") > 0'  # noqa: S608  names of the models
        for column in table.contexts
    )
    return await raw.fetch(
        f"SELECT sealed_as(head) AS sealed_as, count(*) AS values FROM ({heads}) h GROUP BY 1"  # noqa: S608  names of the models
    )


async def take_sealed(
    raw: Raw, table: SealedTable, after: Sequence[object], *, wanted: Sequence[str], limit: int
) -> list[asyncpg.Record]:
    """The next rows after a key that hold a value sealed otherwise than `wanted`, locked. One statement."""
    key = ", ".join(f'"{name}"' for name in table.key)
    places = ", ".join(f"${number}" for number in range(3, 3 + len(table.key)))
    odd = _odd(table)
    columns = ", ".join(f'"{name}"' for name in table.fetched)
    return await raw.fetch(
        f'SELECT {columns} FROM "{table.name}" WHERE ({key}) > ({places}) AND ({odd}) '  # noqa: S608  names of the models
        f"ORDER BY {key} LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
        list(wanted),
        limit,
        *after,
    )


async def count_sealed_left(raw: Raw, table: SealedTable, wanted: Sequence[str]) -> int:
    """Rows that hold a value sealed otherwise, locked or not. One statement."""
    left: int = await raw.fetchval(
        f'SELECT count(*) FROM "{table.name}" WHERE {_odd(table)}',  # noqa: S608  names of the models
        list(wanted),
    )
    return left


def _odd(table: SealedTable) -> str:
    return " OR ".join(f'sealed_as(substr("{column}", 1, {_HEADER})) <> ALL ($1::text[])' for column in table.contexts)


async def put_sealed(raw: Raw, table: SealedTable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Puts the sealed columns of rows that were taken. One statement."""
    names = (*table.key, *table.contexts)
    kinds = [*table.key.values(), *("BYTEA" for _ in table.contexts)]
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, start=1))
    same = " AND ".join(f't."{name}" = n.k{number}' for number, name in enumerate(table.key))
    sets = ", ".join(f'"{column}" = n.v{number}' for number, column in enumerate(table.contexts))
    given = ", ".join((*(f"k{n}" for n in range(len(table.key))), *(f"v{n}" for n in range(len(table.contexts)))))
    await raw.execute(
        f'UPDATE "{table.name}" t SET {sets} FROM unnest({arrays}) AS n ({given}) WHERE {same}',  # noqa: S608  names of the models
        *([row[name] for row in rows] for name in names),
    )


async def count_indexed(raw: Raw) -> list[asyncpg.Record]:
    """(table, key, rows) of blind indexes; a null key was never written down. One statement, reads every row."""
    return await raw.fetch(
        "SELECT 'person_record' AS table, index_key AS key_id, count(*) AS rows FROM person_record "
        "WHERE id_index IS NOT NULL OR name_birth_index IS NOT NULL OR phone_indexes <> '{}' GROUP BY 2 "
        "UNION ALL SELECT 'report', source_key, count(*) FROM report WHERE source_record IS NOT NULL GROUP BY 2 "
        "UNION ALL SELECT 'case_link', index_key, count(*) FROM case_link WHERE number_index IS NOT NULL GROUP BY 2"
    )


async def count_records_left(raw: Raw, key_id: str) -> int:
    left: int = await raw.fetchval("SELECT count(*) FROM person_record WHERE index_key IS DISTINCT FROM $1", key_id)
    return left


async def count_reports_left(raw: Raw, key_id: str) -> int:
    left: int = await raw.fetchval(
        "SELECT count(*) FROM report WHERE source_key IS DISTINCT FROM $1 AND body IS NOT NULL", key_id
    )
    return left


async def count_case_links_left(raw: Raw, key_id: str) -> int:
    left: int = await raw.fetchval(
        "SELECT count(*) FROM case_link WHERE index_key IS DISTINCT FROM $1 AND number IS NOT NULL", key_id
    )
    return left


async def take_records(raw: Raw, after: UUID, *, key_id: str, limit: int) -> list[asyncpg.Record]:
    """The next person records that are indexed with another key, locked. One statement."""
    return await raw.fetch(
        "SELECT id, id_type, name, id_number, birth_date, contact, details, id_index, name_birth_index, phone_indexes "
        "FROM person_record WHERE id > $1 AND index_key IS DISTINCT FROM $2 "
        "ORDER BY id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED",
        after,
        key_id,
        limit,
    )


async def put_record_indexes(raw: Raw, rows: Sequence[Mapping[str, object]], key_id: str) -> None:
    """Puts the indexes of records that were taken; hashes in hexadecimal. One statement."""
    await raw.execute(
        "UPDATE person_record r SET id_index = decode(n.id_index, 'hex'), index_key = $2, "
        "    name_birth_index = decode(n.name_birth_index, 'hex'), "
        "    phone_indexes = ARRAY(SELECT decode(p, 'hex') FROM jsonb_array_elements_text(n.phone_indexes) p) "
        "FROM jsonb_to_recordset($1::jsonb) AS n (id uuid, id_index text, name_birth_index text, phone_indexes jsonb) "
        "WHERE r.id = n.id",
        json.dumps(rows),
        key_id,
    )


async def take_reports(raw: Raw, after: UUID, *, key_id: str, limit: int) -> list[asyncpg.Record]:
    """The next reports whose sender's record id is hashed with another key, locked. One statement."""
    return await raw.fetch(
        "SELECT id, source_record, body FROM report WHERE id > $1 AND source_key IS DISTINCT FROM $2 "
        "AND body IS NOT NULL "
        "ORDER BY id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED",
        after,
        key_id,
        limit,
    )


async def put_source_records(raw: Raw, rows: Sequence[tuple[UUID, bytes]], key_id: str) -> None:
    """Puts the hashes of reports that were taken. One statement."""
    await raw.execute(
        "UPDATE report r SET source_record = n.hash, source_key = $3 "
        "FROM unnest($1::uuid[], $2::bytea[]) AS n (id, hash) WHERE r.id = n.id",
        [report_id for report_id, _ in rows],
        [hashed for _, hashed in rows],
        key_id,
    )


async def take_case_links(raw: Raw, after: UUID, *, key_id: str, limit: int) -> list[asyncpg.Record]:
    """The next links with a number that is indexed with another key, locked. One statement."""
    return await raw.fetch(
        "SELECT id, kind, agency_id, case_id, number, number_index FROM case_link "
        "WHERE id > $1 AND index_key IS DISTINCT FROM $2 AND number IS NOT NULL "
        "ORDER BY id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED",
        after,
        key_id,
        limit,
    )


async def put_case_numbers(raw: Raw, rows: Sequence[tuple[UUID, bytes]], key_id: str) -> None:
    """Puts the indexes of links that were taken. One statement."""
    await raw.execute(
        "UPDATE case_link l SET number_index = n.number_index, index_key = $3 "
        "FROM unnest($1::uuid[], $2::bytea[]) AS n (id, number_index) WHERE l.id = n.id",
        [row[0] for row in rows],
        [row[1] for row in rows],
        key_id,
    )

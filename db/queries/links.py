"""What the linker knows of records, and what it leaves for people to decide.

Keys and values are signed 64-bit keyed hashes, features are sealed: nothing here tells what they were made of.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from db.transaction import Tx

Terms = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """What one record of the acting agency is compared by. `features` are sealed for `link_feature:<record_id>`."""

    record_id: UUID
    features: bytes
    model_version: str
    keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A record of the acting agency that may be the person of another record; `weight` in bits, terms without
    values."""

    id: UUID
    record_id: UUID
    other_record_id: UUID
    weight: float
    terms: Terms
    guards: Sequence[str]
    model_version: str
    due_at: datetime


async def candidates(tx: Tx, keys: Sequence[tuple[int, int]], *, cap: int, growth: int) -> list[asyncpg.Record]:
    """Records that share a key with somebody of `keys` (position in the report, key), and all records of their persons,
    `growth` of a person at most: (position, number, record_id, person_id, agency_kind, features, at), in no order.

    Locks each key until the transaction ends, so that a second report of the same people waits here, and then sees
    them; a savepoint that is undone lets go of them. A key of more than `cap` records finds nothing. One statement; a
    lock each of the server's lock table (64 a connection by default).
    """
    return await tx.rows(
        "SELECT * FROM link_candidates($1::jsonb, $2, $3)",
        json.dumps([[position, str(key)] for position, key in keys]),
        cap,
        growth,
    )


async def counts(tx: Tx, values: Sequence[int]) -> tuple[dict[int, int], int]:
    """In how many persons each value occurs, without those nobody has, and how many records there were so far (never
    fewer than there are). One statement."""
    rows = await tx.rows(
        "SELECT r.records, c.value, c.people FROM linked_records() AS r (records) "
        "LEFT JOIN link_counts($1::bigint[]) c ON true",
        list(values),
    )
    return {row["value"]: row["people"] for row in rows if row["value"] is not None}, rows[0]["records"]


async def keep(tx: Tx, records: Sequence[FeatureRow], values: Sequence[int], found: Sequence[CandidateRow]) -> None:
    """Keeps what the linker made of records that stand already, counts one person more for each of `values`, opens
    what people should look at. One statement, after every other lock: values are counted under locks of their own.

    PostgreSQL refuses records that are not the acting agency's.
    """
    await tx.run(
        "SELECT keep_links($1::jsonb, $2::bigint[], $3::jsonb)",
        json.dumps([_feature(row) for row in records]),
        list(values),
        json.dumps([_candidate(row, tx.now) for row in found]),
    )


def _feature(row: FeatureRow) -> dict[str, object]:
    return {
        "record_id": str(row.record_id),
        "features": row.features.hex(),
        "model_version": row.model_version,
        "keys": [str(key) for key in row.keys],
    }


def _candidate(row: CandidateRow, now: datetime) -> dict[str, object]:
    return {
        "id": str(row.id),
        "record_id": str(row.record_id),
        "other_record_id": str(row.other_record_id),
        "weight": row.weight,
        "terms": list(row.terms),
        "guards": list(row.guards),
        "model_version": row.model_version,
        "due_at": row.due_at.isoformat(),
        "created_at": now.isoformat(),
    }


async def differences(tx: Tx, persons: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """Pairs of these persons, the lower id first, of whom somebody said that they are two. One statement."""
    rows = await tx.rows("SELECT one, other FROM link_differences($1::uuid[])", list(persons))
    return {(row["one"], row["other"]) for row in rows}


async def lock_case(tx: Tx, case_id: UUID) -> None:
    """Before an erasure: lets whoever reports somebody of this case wait. One statement."""
    await tx.run("SELECT lock_links_of_case($1)", case_id)


async def features_of_case(tx: Tx, case_id: UUID) -> list[asyncpg.Record]:
    """What each record of a case is compared by, for its coordinator: (record_id, person_id, features). One
    statement."""
    return await tx.rows("SELECT record_id, person_id, features FROM features_of_case($1)", case_id)


async def change_features(tx: Tx, case_id: UUID, features: Mapping[UUID, bytes]) -> None:
    """Puts others, by record, in the place of features of a case. For its coordinator. One statement."""
    rows = [{"record_id": str(record_id), "features": sealed.hex()} for record_id, sealed in features.items()]
    await tx.run("SELECT change_features($1, $2::jsonb)", case_id, json.dumps(rows))

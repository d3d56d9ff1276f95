"""The audit log: what waits to be sealed, tiles and checkpoints, witnesses, and leaves as their readers get them."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.transaction import Tx
from rules.merkle import Head, TileAt

_ONE_AT_A_TIME: Final = 7_461_020
_EXPORT_BATCH: Final = 5_000


async def take_turn(raw: Raw) -> bool:
    """Whether this transaction is the one that seals now."""
    return bool(await raw.fetchval("SELECT pg_try_advisory_xact_lock($1)", _ONE_AT_A_TIME))


async def find_log(raw: Raw) -> asyncpg.Record | None:
    """Origin and hash of this database's log; None before its birth."""
    return await raw.fetchrow("SELECT origin, hash, born_at FROM audit_log")


async def begin_log(raw: Raw, origin: str, hash_name: str) -> None:
    """Begins the log unless it has begun. One statement."""
    await raw.execute(
        "INSERT INTO audit_log (id, origin, hash, born_at) VALUES (1, $1, $2, now()) ON CONFLICT DO NOTHING",
        origin,
        hash_name,
    )


async def list_key(raw: Raw, key: str, since_size: int) -> None:
    """Lists a public key the log signs with from now on, once. One statement."""
    await raw.execute(
        "INSERT INTO audit_key (key, since_size, listed_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING",
        key,
        since_size,
    )


async def latest_head(raw: Raw) -> Head | None:
    """The tree of the latest checkpoint; None before the first."""
    row = await raw.fetchrow("SELECT size, root FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
    return None if row is None else Head(row["size"], row["root"])


async def take_pending(raw: Raw, limit: int) -> list[asyncpg.Record]:
    """Takes up to `limit` waiting leaves, oldest position first, for good once the transaction commits."""
    rows = await raw.fetch(
        "DELETE FROM audit_pending WHERE position IN (SELECT position FROM audit_pending ORDER BY position LIMIT $1) "
        "RETURNING position, leaf_id, algorithm, commitment, news",
        limit,
    )
    return sorted(rows, key=lambda row: row["position"])


async def insert_entries(raw: Raw, first: int, rows: Sequence[asyncpg.Record]) -> None:
    """Gives leaves the indexes from `first` on. One statement."""
    await raw.execute(
        "INSERT INTO audit_entry (index, leaf_id, algorithm, commitment) "
        "SELECT $1 + g.n - 1, g.id, g.algorithm, g.commitment "
        "  FROM unnest($2::uuid[], $3::text[], $4::bytea[]) WITH ORDINALITY AS g (id, algorithm, commitment, n)",
        first,
        [row["leaf_id"] for row in rows],
        [row["algorithm"] for row in rows],
        [row["commitment"] for row in rows],
    )


async def load_tiles(raw: Raw, places: Collection[TileAt]) -> dict[TileAt, bytes]:
    """The tiles at these places, as far as they are there. One statement; none for no places."""
    return await _tiles(raw.fetch, places) if places else {}


async def tiles_for(tx: Tx, places: Collection[TileAt]) -> dict[TileAt, bytes]:
    """As `load_tiles`, for a caller."""
    return await _tiles(tx.rows, places) if places else {}


async def _tiles(fetch: Any, places: Collection[TileAt]) -> dict[TileAt, bytes]:
    rows = await fetch(
        "SELECT t.level, t.index, t.hashes FROM unnest($1::integer[], $2::bigint[]) AS g (level, index) "
        "  JOIN audit_tile t ON t.level = g.level AND t.index = g.index",
        [place.level for place in places],
        [place.number for place in places],
    )
    return {TileAt(row["level"], row["index"]): row["hashes"] for row in rows}


async def save_tiles(raw: Raw, tiles: Mapping[TileAt, bytes]) -> None:
    """Writes tiles whole. One statement."""
    await raw.execute(
        "INSERT INTO audit_tile (level, index, hashes) SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[]) "
        "ON CONFLICT (level, index) DO UPDATE SET hashes = EXCLUDED.hashes",
        [place.level for place in tiles],
        [place.number for place in tiles],
        list(tiles.values()),
    )


async def insert_checkpoint(raw: Raw, checkpoint_id: UUID, head: Head, note: str) -> None:
    await raw.execute(
        "INSERT INTO audit_checkpoint (size, id, root, note, signed_at) VALUES ($1, $2, $3, $4, now())",
        head.size,
        checkpoint_id,
        head.root,
        note,
    )


async def agencies_of_witnesses(raw: Raw) -> list[UUID]:
    """Who is told of checkpoints: agencies with a witness that is not revoked."""
    rows = await raw.fetch("SELECT DISTINCT agency_id FROM audit_witness WHERE revoked_at IS NULL ORDER BY agency_id")
    return [row["agency_id"] for row in rows]


# Reading, for callers


async def the_log(tx: Tx) -> asyncpg.Record | None:
    """Origin, hash, size and the latest checkpoint's note, with its cosignatures; None before there is one."""
    return await tx.row(f"{_CHECKPOINT} ORDER BY c.size DESC LIMIT 1")


async def find_checkpoint(tx: Tx, size: int) -> asyncpg.Record | None:
    """The same for the checkpoint of one size."""
    return await tx.row(f"{_CHECKPOINT} WHERE c.size = $1", size)


_CHECKPOINT: Final = """
SELECT g.origin, g.hash, c.size, c.id, c.root, c.note, c.signed_at,
       coalesce((SELECT string_agg(s.line, '' ORDER BY s.received_at, s.witness_id)
                   FROM audit_cosignature s WHERE s.size = c.size), '') AS cosignatures
  FROM audit_checkpoint c CROSS JOIN audit_log g"""


async def keys_of_log(tx: Tx) -> list[asyncpg.Record]:
    return await tx.rows("SELECT key, since_size, listed_at FROM audit_key ORDER BY since_size, listed_at")


async def entries_between(tx: Tx, first: int, count: int) -> list[asyncpg.Record]:
    """Algorithm and commitment of up to `count` entries from `first` on."""
    return await tx.rows(
        "SELECT algorithm, commitment FROM audit_entry WHERE index >= $1 AND index < $2 ORDER BY index",
        first,
        first + count,
    )


async def find_leaf(tx: Tx, leaf_id: UUID) -> asyncpg.Record | None:
    """A leaf the acting agency may see, with its index where it is sealed. One statement."""
    return await tx.row(_ONE_LEAF, leaf_id, tx.agency_id)


async def list_leaves(
    tx: Tx, *, before: UUID, limit: int, action: str | None, case_id: UUID | None, since: datetime | None
) -> list[asyncpg.Record]:
    """Leaves before one id, newest first: the agency's own, or all of one case that the wall shows it."""
    wanted, whose = (_OWN_LEAVES, tx.agency_id) if case_id is None else (_LEAVES_OF_CASE, case_id)
    return await tx.rows(wanted, whose, before, action, since, limit, tx.agency_id)


_COORDINATES: Final = """ EXISTS (SELECT FROM "case" c WHERE c.id = l.case_id AND c.coordinator_agency_id = w.me)
   AND (l.subject_type <> 'referral' OR EXISTS (
        SELECT FROM referral r WHERE r.id = l.subject_id AND (r.status <> 'draft' OR r.sender_agency_id = w.me)))"""
_FIELDS: Final = """ l.id, l.at, l.agency_id, l.principal_kind, l.principal_id, l.actor, l.action, l.subject_type,
       l.subject_id, l.case_id, l.field_classes, l.purpose, l.request_id, l.facts::text AS facts, l.salt, l.algorithm,
       l.commitment, l.erased_at, e.index"""
_FROM: Final = " FROM audit_leaf l LEFT JOIN audit_entry e ON e.leaf_id = l.id"
_ONE_LEAF: Final = f"""
SELECT ARRAY(SELECT 'owner' WHERE l.agency_id = w.me UNION ALL SELECT 'coordinator' WHERE {_COORDINATES}) AS parts,
       {_FIELDS} {_FROM}, LATERAL (SELECT $2::uuid AS me) w WHERE l.id = $1"""
_FURTHER: Final = """AND l.id < $2 AND ($3::text IS NULL OR l.action = $3)
   AND ($4::timestamptz IS NULL OR l.at >= $4) ORDER BY l.id DESC LIMIT $5"""
_OWN_LEAVES: Final = f"SELECT {_FIELDS} {_FROM} WHERE l.agency_id = $1 AND l.agency_id = $6 {_FURTHER}"
_LEAVES_OF_CASE: Final = f"""
SELECT {_FIELDS} {_FROM}, LATERAL (SELECT $6::uuid AS me) w
 WHERE l.case_id = $1 AND (l.agency_id = w.me OR ({_COORDINATES})) {_FURTHER}"""
"""Two texts, each led by its index: with OR in one, an agency of few leaves would read everybody's."""


async def accesses_of(tx: Tx, case_id: UUID, *, after: tuple[datetime, UUID], limit: int) -> list[asyncpg.Record]:
    """Who did or read what in a case, newest first: agencies, never staff. One statement."""
    return await tx.rows(
        "SELECT l.id, l.at, l.agency_id, a.name AS agency_name, a.kind AS agency_kind, l.principal_kind, l.action,"
        "       l.field_classes, l.purpose FROM audit_leaf l JOIN agency a ON a.id = l.agency_id "
        "WHERE l.case_id = $1 AND (l.at, l.id) < ($2, $3) ORDER BY l.at DESC, l.id DESC LIMIT $4",
        case_id,
        after[0],
        after[1],
        limit,
    )


async def leaves_about(tx: Tx, case_id: UUID, subject_id: UUID | None, limit: int) -> list[UUID]:
    """Leaves of a case that can be erased, of one subject or all, oldest first, as far as the caller may see them."""
    rows = await tx.rows(
        "SELECT id FROM audit_leaf WHERE case_id = $1 AND ($2::uuid IS NULL OR subject_id = $2) "
        "AND action <> 'audit.erase' ORDER BY id LIMIT $3",
        case_id,
        subject_id,
        limit,
    )
    return [row["id"] for row in rows]


async def erase_leaves(tx: Tx, leaf_ids: Sequence[UUID]) -> list[bytes]:
    """Takes salt, facts, subject and case from leaves; the commitments of those that had them."""
    return [row["commitment"] for row in await tx.rows("SELECT erase_leaves($1) AS commitment", list(leaf_ids))]


# Witnesses


async def insert_witness(tx: Tx, witness_id: UUID, name: str, key: str) -> bool:
    """False where the name is taken. One statement."""
    tag = await tx.run(
        "INSERT INTO audit_witness (id, agency_id, name, key, created_at, version) VALUES ($1, $2, $3, $4, now(), 1) "
        "ON CONFLICT (name) DO NOTHING",
        witness_id,
        tx.agency_id,
        name,
        key,
    )
    return tag.endswith("1")


_WITNESS: Final = """
SELECT w.id, w.agency_id, a.name AS agency_name, w.name, w.key, w.created_at, w.revoked_at, w.version
  FROM audit_witness w JOIN agency a ON a.id = w.agency_id"""


async def witnesses(tx: Tx) -> list[asyncpg.Record]:
    """All there ever were: whoever checks an old cosignature needs the key."""
    return await tx.rows(f"{_WITNESS} ORDER BY w.id")


async def find_witness(tx: Tx, witness_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_WITNESS} WHERE w.id = $1", witness_id)


async def lock_own_witness(tx: Tx, witness_id: UUID) -> asyncpg.Record | None:
    return await tx.row(f"{_WITNESS} WHERE w.id = $1 AND w.agency_id = $2 FOR UPDATE OF w", witness_id, tx.agency_id)


async def own_live_witnesses(tx: Tx) -> list[asyncpg.Record]:
    """The acting agency's witnesses that are not revoked."""
    return await tx.rows(f"{_WITNESS} WHERE w.agency_id = $1 AND w.revoked_at IS NULL ORDER BY w.id", tx.agency_id)


async def revoke_witness(tx: Tx, witness_id: UUID) -> None:
    await tx.run("UPDATE audit_witness SET revoked_at = now(), version = version + 1 WHERE id = $1", witness_id)


async def insert_cosignature(tx: Tx, size: int, witness_id: UUID, *, line: str, cosigned_at: datetime) -> bool:
    """False where this witness has cosigned this checkpoint. One statement."""
    tag = await tx.run(
        "INSERT INTO audit_cosignature (size, witness_id, agency_id, line, cosigned_at, received_at) "
        "VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT DO NOTHING",
        size,
        witness_id,
        tx.agency_id,
        line,
        cosigned_at,
    )
    return tag.endswith("1")


# The operator's export


async def stored_leaves(raw: Raw, *, batch: int = _EXPORT_BATCH) -> AsyncIterator[asyncpg.Record]:
    """Every entry of the log in order, beside its leaf as it lies in the table. A statement for each batch."""
    following = 0
    while rows := await raw.fetch("SELECT * FROM stored_leaves($1, $2)", following, batch):
        for row in rows:
            yield row
        following = rows[-1]["index"] + 1


async def export_head(raw: Raw) -> asyncpg.Record | None:
    """Origin, hash, latest checkpoint with cosignatures, and the keys listed, by role of the owner."""
    return await raw.fetchrow(
        "SELECT g.origin, g.hash, c.size, c.note, stray_leaves() AS strays,"
        "       ARRAY(SELECT key FROM audit_key ORDER BY since_size) AS keys,"
        "       ARRAY(SELECT key FROM audit_witness ORDER BY id) AS witnesses,"
        "       coalesce((SELECT string_agg(line, '' ORDER BY received_at) FROM audit_cosignature s"
        "                  WHERE s.size = c.size), '') AS cosignatures "
        "  FROM audit_log g LEFT JOIN audit_checkpoint c ON c.size = (SELECT max(size) FROM audit_checkpoint)"
    )

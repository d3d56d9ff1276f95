"""Seals committed leaves into the Merkle log and signs a checkpoint over them, at most half a minute later.

Leaves wait in a queue that a trigger fills, so nothing is asked by position or time: what commits late is found late,
never lost. One transaction takes a batch from the queue, gives it indexes, writes the tiles it changes and the signed
checkpoint: killed anywhere, the log stands where it stood. Witnesses are told of a checkpoint, unless all that is new
in it are their own cosignatures: the log would otherwise grow of being watched.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

import asyncpg

from actions.system import announce_checkpoint
from crypto.checkpoints import SigningKey, sign_checkpoint
from crypto.digests import DIGESTS
from crypto.ids import new_id
from crypto.keys import Keyring
from db.engine import Database, Raw, UnfitDatabase, refuse_another_hash
from db.queries import audit
from db.transaction import open_system_transaction
from rules.audit import SEALED_WITHIN_S, entry_of
from rules.merkle import Digest, Head, Tiles, edge_of, fold, grown, leaf_hash, root_nodes, tiles_of
from rules.notes import Checkpoint

EVERY_S: Final = SEALED_WITHIN_S - 5.0
"""Between two looks: with the witness's own half minute, what is done now is cosigned within 60 s."""
BATCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Log:
    """What this installation's log is to be: fixed at its birth but for the key."""

    origin: str
    hash_name: str
    keyring: Keyring
    generation: int = 1

    @classmethod
    def of(cls, keyring: Keyring, public_url: str, hash_name: str, generation: int = 1) -> Self:
        """The log served under `public_url`."""
        return cls(origin_of(public_url, hash_name), hash_name, keyring, generation)

    def keys(self, origin: str) -> list[SigningKey]:
        """The key in force, and beside it the one before, so that whoever knows only that one learns of the change."""
        generations = range(self.generation, max(0, self.generation - 2), -1)
        return [SigningKey.of_log(self.keyring, origin, generation) for generation in generations]


def origin_of(public_url: str, hash_name: str) -> str:
    """The log's name: the prefix under which it is served, without the scheme. Another hash is another name."""
    parts = urlsplit(public_url)
    suffix = "" if hash_name == "sha256" else f"/{hash_name}"
    return f"{parts.netloc}{parts.path}/v1/audit{suffix}"


async def run_sealer(database: Database, log: Log, stop: asyncio.Event, *, every_s: float = EVERY_S) -> None:
    """Seals at the start and then regularly until told to stop. Any number of processes may: one at a time does."""
    while not stop.is_set():
        while await seal(database, log) == BATCH:
            pass
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await stop.wait()


async def seal(database: Database, log: Log, limit: int = BATCH) -> int | None:
    """Seals up to `limit` leaves in one transaction; how many, None where another process has the turn.

    Six statements where nothing is new, about twelve otherwise. Begins the log where there is none, with a checkpoint
    of size 0. Raises UnfitDatabase where the log was born with another hash.
    """
    async with open_system_transaction(database) as raw:
        if not await audit.take_turn(raw):
            return None
        origin = await _origin(raw, log)
        before = await audit.latest_head(raw)
        rows = await audit.take_pending(raw, limit)
        if before is not None and not rows:
            return 0
        head = await _append(raw, log, before, rows)
        keys = log.keys(origin)
        await audit.list_key(raw, keys[0].verifier.text, head.size)
        note = sign_checkpoint(Checkpoint(origin, head, log.hash_name), keys)
        checkpoint_id = new_id()
        await audit.insert_checkpoint(raw, checkpoint_id, head, note.written)
        if any(row["news"] for row in rows):
            await announce_checkpoint(raw, checkpoint_id, await audit.agencies_of_witnesses(raw), head.size)
        return len(rows)


async def _origin(raw: Raw, log: Log) -> str:
    """The log's origin as it was at its birth, which a new public address does not change."""
    await audit.begin_log(raw, log.origin, log.hash_name)
    born = await audit.find_log(raw)
    assert born is not None
    refuse_another_hash(born["hash"], log.hash_name)
    return str(born["origin"])


async def _append(raw: Raw, log: Log, before: Head | None, rows: Sequence[asyncpg.Record]) -> Head:
    """Writes entries and tiles; the tree as it then is. Raises UnfitDatabase where the tiles are not those signed."""
    digest = DIGESTS[log.hash_name]
    size = 0 if before is None else before.size
    leaves = [leaf_hash(digest, entry_of(row["algorithm"], row["commitment"])) for row in rows]
    nodes = root_nodes(size + len(rows))
    tiles = await audit.load_tiles(raw, {*edge_of(size), *tiles_of([*nodes, *root_nodes(size)])})
    if before is not None and not _stands(digest, tiles, before):
        raise UnfitDatabase(
            "the audit log's tiles are not those of its latest checkpoint: nothing more is signed "
            "(审计日志被改动，停止签署)"
        )
    changed = grown(digest, tiles, size, leaves)
    if rows:
        await audit.insert_entries(raw, size, rows)
        await audit.save_tiles(raw, changed)
    return Head(size + len(rows), fold(digest, {**tiles, **changed}, nodes))


def _stands(digest: Digest, tiles: Tiles, head: Head) -> bool:
    """Whether the tiles say what was signed. A log that signs over a change it could have seen vouches for it."""
    try:
        return fold(digest, tiles, root_nodes(head.size)) == head.root
    except KeyError:
        return False

"""Tampering as database superuser: how many of the changes to a sealed log does a verifier find that holds nothing but
a checkpoint?

`python -m bench.trust_tamper [--leaves 100000] [--trials 500] [--json]`. Each trial changes the log in a transaction
that is undone: alters, deletes, inserts, reorders or truncates what the held checkpoint covers, in the table of leaves,
in that of entries, or in both with tiles and checkpoint made to fit. Then the export is written and verified.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.stage import MEASURED, prepare, stage
from cli.audit_export import export_lines
from cli.verify_audit import Texts, verify
from crypto.checkpoints import BadSignature, SigningKey, sign_checkpoint
from crypto.digests import DIGESTS, committed
from crypto.ids import new_id
from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Raw, open_database
from jobs.sealer import Log, seal
from rules.audit import entry_of
from rules.merkle import Head, grown, leaf_hash
from rules.merkle import Spine as Tree
from rules.notes import Checkpoint

ORIGIN: Final = "http://127.0.0.1:8000"
HELP: Final = "how many tamperings with the audit log a verifier with an old checkpoint finds"

Tampering = Callable[["Tamperer"], Awaitable[None]]


@dataclass(slots=True)
class Tamperer:
    """A superuser inside a transaction, who may even hold the log's signing key; `size` leaves are covered."""

    raw: Raw
    size: int
    chance: random.Random
    key: SigningKey

    def any_index(self) -> int:
        return self.chance.randrange(self.size)

    async def leaf_at(self, index: int) -> UUID:
        leaf: UUID = await self.raw.fetchval("SELECT leaf_id FROM audit_entry WHERE index = $1", index)
        return leaf

    async def make_fit(self) -> None:
        """Tiles and checkpoint recomputed over the entries as they now stand, signed with the log's own key."""
        rows = await self.raw.fetch("SELECT algorithm, commitment FROM audit_entry ORDER BY index")
        digest, tree = DIGESTS["sha256"], Tree(DIGESTS["sha256"])
        leaves = [leaf_hash(digest, entry_of(row["algorithm"], row["commitment"])) for row in rows]
        for leaf in leaves:
            tree.append(leaf)
        await self.raw.execute("DELETE FROM audit_tile")
        await self.raw.executemany(
            "INSERT INTO audit_tile VALUES ($1, $2, $3)",
            [(at.level, at.number, hashes) for at, hashes in grown(digest, {}, 0, leaves).items()],
        )
        head = Head(len(rows), tree.root())
        note = sign_checkpoint(Checkpoint(self.key.name, head), [self.key]).written
        await self.raw.execute("DELETE FROM audit_checkpoint")
        await self.raw.execute(
            "INSERT INTO audit_checkpoint VALUES ($1, $2, $3, $4, now())", head.size, new_id(), head.root, note
        )


_FIELDS: Final = (
    "action = action || 'x'",
    "agency_id = gen_random_uuid()",
    "principal_id = gen_random_uuid()",
    "subject_id = gen_random_uuid()",
    "case_id = gen_random_uuid()",
    "purpose = 'another'",
    "at = at + interval '1 microsecond'",
    "field_classes = '{}'",
    "facts = '{\"forged\": 1}'",
    "request_id = 'another'",
    "salt = gen_random_uuid()::text::bytea",
    "salt = NULL, facts = '{}', erased_at = now()",
)


async def alter_a_leaf(by: Tamperer) -> None:
    """One member of a leaf, or its salt, or as if it had been erased."""
    change = by.chance.choice(_FIELDS)
    await by.raw.execute(f"UPDATE audit_leaf SET {change} WHERE id = $1", await by.leaf_at(by.any_index()))


async def alter_and_recommit(by: Tamperer) -> None:
    """A leaf rewritten with a commitment that fits it, in both tables, tiles and checkpoint made to fit."""
    leaf = await by.leaf_at(by.any_index())
    row = await by.raw.fetchrow("SELECT agency_id FROM audit_leaf WHERE id = $1", leaf)
    assert row is not None
    made = forged(leaf, row["agency_id"])
    await by.raw.execute(_REWRITE, leaf, json.dumps(made))
    await by.raw.execute(
        "UPDATE audit_entry SET commitment = decode($2, 'hex') WHERE leaf_id = $1", leaf, made["commitment"]
    )
    await by.make_fit()


async def alter_an_entry(by: Tamperer) -> None:
    await by.raw.execute("UPDATE audit_entry SET commitment = sha256(commitment) WHERE index = $1", by.any_index())


async def delete_a_leaf(by: Tamperer) -> None:
    await by.raw.execute("DELETE FROM audit_leaf WHERE id = $1", await by.leaf_at(by.any_index()))


async def delete_an_entry(by: Tamperer) -> None:
    """The entry, with or without its leaf; the gap stays."""
    index = by.any_index()
    if by.chance.random() < 0.5:
        await delete_leaf_of(by, index)
    await by.raw.execute("DELETE FROM audit_entry WHERE index = $1", index)


async def delete_and_close_the_gap(by: Tamperer) -> None:
    """Leaf and entry gone, the later ones moved up, everything made to fit."""
    index = by.any_index()
    await delete_leaf_of(by, index)
    await by.raw.execute("DELETE FROM audit_entry WHERE index = $1", index)
    await _shift(by.raw, index, -1)
    await by.make_fit()


async def delete_leaf_of(by: Tamperer, index: int) -> None:
    await by.raw.execute("DELETE FROM audit_leaf WHERE id = $1", await by.leaf_at(index))


async def insert_a_leaf(by: Tamperer) -> None:
    """A leaf written past the trigger: it looks as if it had always been there."""
    await by.raw.execute("SET LOCAL session_replication_role = replica")
    await insert_leaf(by)


async def insert_and_make_room(by: Tamperer) -> None:
    """A leaf with an entry among the covered ones, the later ones moved down, everything made to fit."""
    await by.raw.execute("SET LOCAL session_replication_role = replica")
    made = await insert_leaf(by)
    index = by.any_index()
    await _shift(by.raw, index - 1, 1)
    await by.raw.execute(
        "INSERT INTO audit_entry VALUES ($1, $2, $3, decode($4, 'hex'))",
        index,
        UUID(str(made["id"])),
        made["algorithm"],
        made["commitment"],
    )
    await by.make_fit()


async def insert_leaf(by: Tamperer) -> dict[str, Any]:
    agency = await by.raw.fetchval("SELECT agency_id FROM audit_leaf LIMIT 1")
    made = forged(new_id(), agency)
    await by.raw.execute(_INSERT, json.dumps([made]))
    return made


async def reorder(by: Tamperer) -> None:
    """Two entries change places; half of the time everything is made to fit."""
    one, other = by.chance.sample(range(by.size), 2)
    await by.raw.execute("UPDATE audit_entry SET index = -1 - index WHERE index = ANY ($1)", [one, other])
    await by.raw.execute(
        "UPDATE audit_entry SET index = CASE index WHEN -1 - $1::bigint THEN $2::bigint ELSE $1 END WHERE index < 0",
        one,
        other,
    )
    if by.chance.random() < 0.5:
        await by.make_fit()


async def truncate(by: Tamperer) -> None:
    """The last leaves and entries gone, tiles and checkpoint made to fit the shorter log."""
    left = by.size - 1 - by.chance.randrange(min(by.size - 1, 1_000))
    if by.chance.random() < 0.5:
        await by.raw.execute(
            "DELETE FROM audit_leaf WHERE id IN (SELECT leaf_id FROM audit_entry WHERE index >= $1)", left
        )
    await by.raw.execute("DELETE FROM audit_entry WHERE index >= $1", left)
    await by.make_fit()


async def _shift(raw: Raw, after: int, by: int) -> None:
    """Two steps, since a primary key is checked row by row."""
    await raw.execute("UPDATE audit_entry SET index = -1 - index WHERE index > $1", after)
    await raw.execute("UPDATE audit_entry SET index = -1 - index + $1 WHERE index < 0", by)


TAMPERINGS: Final[Sequence[Tampering]] = (
    alter_a_leaf,
    alter_and_recommit,
    alter_an_entry,
    delete_a_leaf,
    delete_an_entry,
    delete_and_close_the_gap,
    insert_a_leaf,
    insert_and_make_room,
    reorder,
    truncate,
)

_COLUMNS: Final = """id, at, agency_id, principal_kind, principal_id, actor, action, subject_type, subject_id, case_id,
    field_classes, purpose, request_id, facts, salt, algorithm, commitment"""
_RECORDS: Final = """jsonb_to_recordset($1::jsonb) AS t (id uuid, at timestamptz, agency_id uuid, principal_kind text,
    principal_id uuid, actor text, action text, subject_type text, subject_id uuid, case_id uuid, field_classes jsonb,
    purpose text, request_id text, facts jsonb, salt text, algorithm text, commitment text)"""
_INSERT: Final = f"""INSERT INTO audit_leaf ({_COLUMNS})
    SELECT id, at, agency_id, principal_kind, principal_id, actor, action, subject_type, subject_id, case_id,
           ARRAY(SELECT jsonb_array_elements_text(field_classes)), purpose, request_id, facts, decode(salt, 'hex'),
           algorithm, decode(commitment, 'hex') FROM {_RECORDS}"""
_REWRITE: Final = """UPDATE audit_leaf l SET at = t.at, principal_kind = t.principal_kind, actor = NULL,
    principal_id = t.principal_id, action = t.action, subject_type = t.subject_type, subject_id = t.subject_id,
    case_id = NULL, field_classes = '{basic}', purpose = t.purpose, request_id = t.request_id, facts = t.facts,
    salt = decode(t.salt, 'hex'), commitment = decode(t.commitment, 'hex')
  FROM jsonb_to_record($2::jsonb) AS t (at timestamptz, principal_kind text, principal_id uuid, action text,
    subject_type text, subject_id uuid, purpose text, request_id text, facts jsonb, salt text, commitment text)
 WHERE l.id = $1"""


def forged(leaf_id: UUID, agency_id: UUID) -> dict[str, Any]:
    """A leaf with a commitment of its own, as the service would have written it."""
    leaf: dict[str, object] = {
        "id": str(leaf_id),
        "at": datetime.now(UTC).isoformat(),
        "agency_id": str(agency_id),
        "principal_kind": "client",
        "principal_id": str(new_id()),
        "actor": None,
        "action": "case.read_file",
        "subject_type": "case",
        "subject_id": str(new_id()),
        "case_id": None,
        "field_classes": ["basic"],
        "purpose": "work",
        "request_id": "bench",
        "facts": {"n": 1},
    }
    return committed(leaf, "sha256")


async def add_leaves(raw: Raw, count: int) -> None:
    """Leaves of one agency, through the table and its trigger."""
    agency = new_id()
    for start in range(0, count, 2_000):
        rows = [forged(new_id(), agency) for _ in range(min(2_000, count - start))]
        await raw.execute(_INSERT, json.dumps(rows))


async def is_detected(raw: Raw, held: str) -> bool:
    """Whether a verifier with nothing but the held checkpoint finds something in what is exported now."""
    lines = [line async for line in export_lines(raw)]
    try:
        return not verify(Texts(held, iter(lines))).verdict.sound
    except BadSignature:
        return True


async def run_trials(raw: Raw, keyring: Keyring, trials: int, *, seed: int = 1) -> dict[str, Any]:
    """Each kind of tampering in turn, each in a transaction that is undone; what was found of each.

    The untouched log must verify before and after, or the figures would mean nothing.
    """
    row = await raw.fetchrow("SELECT size, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
    assert row is not None
    held: str = row["note"]
    assert not await is_detected(raw, held), "the untouched log does not verify"
    chance, found, tried = random.Random(seed), Counter[str](), Counter[str]()
    key = SigningKey.of_log(keyring, held.split("\n", maxsplit=1)[0], 1)
    for number in range(trials):
        tampering = TAMPERINGS[number % len(TAMPERINGS)]
        async with _undone(raw):
            await tampering(Tamperer(raw, row["size"], chance, key))
            found[tampering.__name__] += await is_detected(raw, held)
        tried[tampering.__name__] += 1
    assert not await is_detected(raw, held), "a trial was not undone"
    return {
        "leaves": row["size"],
        "trials": trials,
        "detected": found.total(),
        "by_kind": {name: f"{found[name]} of {tried[name]}" for name in sorted(tried)},
    }


@contextlib.asynccontextmanager
async def _undone(raw: Raw) -> AsyncIterator[None]:
    transaction = raw.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def measure(leaves: int = 100_000, trials: int = 500) -> dict[str, Any]:
    """The figures, on a PostgreSQL of its own."""
    with stage() as built:
        await prepare(built, MEASURED)
        raw = await asyncpg.connect(built.admin_url(MEASURED))
        jobs = open_database(
            role_url(built.admin_url(MEASURED), names.JOBS, built.keyring), vault=Vault.of(built.keyring), pool_size=1
        )
        try:
            await add_leaves(raw, leaves)
            started = time.process_time()
            while await seal(jobs, Log.of(built.keyring, ORIGIN, "sha256")):
                pass
            sealing = time.process_time() - started
            return await run_trials(raw, built.keyring, trials) | {
                "sealing_us_a_leaf": round(sealing / leaves * 1e6, 1)
            }
        finally:
            await raw.close()
            await jobs.close()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leaves", type=int, default=100_000)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="print JSON alone")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 1 where something went undetected."""
    figures = asyncio.run(measure(arguments.leaves, arguments.trials))
    if arguments.json:
        print(json.dumps(figures))
    else:
        print(f"detected {figures['detected']} of {figures['trials']} among {figures['leaves']} leaves")
        for name, told in figures["by_kind"].items():
            print(f"  {name.replace('_', ' '):28} {told}")
        print(f"  sealing: {figures['sealing_us_a_leaf']} us of CPU a leaf")
    return 0 if figures["detected"] == figures["trials"] else 1


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=HELP)
    add_arguments(_parser)
    sys.exit(run(_parser.parse_args()))

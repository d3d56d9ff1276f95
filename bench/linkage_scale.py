"""Reports that come when the linker already knows a million: what looking for candidates and scoring them takes, and
the whole intake beside it.
"""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.linkage_agencies import Directory, Raw
from bench.linkage_background import COLUMNS, VALUES, Share, Unseen, load
from bench.linkage_feed import COMPARING, Cpu, Fed, feed, in_milliseconds
from bench.linkage_laws import opened
from bench.linkage_quality import outcome_of
from bench.stage import Stage
from crypto.keys import render_keyring
from db.linkage_model import committed_model

WARMING: Final = 4
"""A quarter as many reports as are measured is filed before them: neither caches nor plans are cold in a service that
runs."""
SEEDS: Final = (11, 12)
"""A process for each; worlds apart from the files that are scored."""
BARS: Final = {"mean_ms": 2.0, "p95_ms": 5.0, "p99_ms": 10.0}
"""Candidates and scores of one report."""


async def measure(built: Stage, name: str, directory: Directory, *, records: int, probes: int) -> dict[str, Any]:
    """Loads the background into the database and files reports against it, one at a time over one connection. Loading a
    million takes some minutes on two cores, and 4 GB of memory."""
    began = time.perf_counter()
    unseen = await _background(built, name, directory, records=records, unseen=probes + probes // WARMING)
    loaded = time.perf_counter() - began
    async with opened(built, name) as (database, raw):
        warming, measured = unseen[:-probes], unseen[-probes:]
        await feed(database, directory, [it.row for it in warming], Fed())
        fed, cpu = Fed(), Cpu(built.postmaster)
        await feed(database, directory, [it.row for it in measured], fed)
        figures = {
            "records": records,
            "keys": await raw.fetchval("SELECT reltuples::bigint FROM pg_class WHERE relname = 'link_key'"),
            "heavy_keys": await raw.fetchval("SELECT count(*) FROM link_key_heavy"),
            "load_seconds": loaded,
            "probes": len(fed.reports),
            "cpu": cpu.milliseconds(len(fed.reports)),
            "refused": dict(fed.refused),
            **_found(measured, (await outcome_of(raw, fed.reports)).persons),
            "time": {part: in_milliseconds(seconds) for part, seconds in fed.seconds.items()},
        }
    reached = figures["time"][COMPARING]
    figures["bars"] = {
        part: {"reached": reached[part], "bar": f"<= {bar}", "holds": reached[part] <= bar}
        for part, bar in BARS.items()
    }
    return figures


def _found(probes: Sequence[Unseen], persons: dict[str, UUID]) -> dict[str, int]:
    """What became of the reports about persons of the background, and of the others."""
    known = {it.row["report_id"]: it.person_id for it in probes if it.person_id}
    right = sum(persons[row] == person for row, person in known.items() if row in persons)
    return {"of_known_persons": len(known), "of_known_persons_linked_rightly": right}


async def _background(built: Stage, name: str, directory: Directory, *, records: int, unseen: int) -> list[Unseen]:
    """The background, complete; and the reports that come after it, oldest first."""
    raw = await asyncpg.connect(built.admin_url(name))
    try:
        await raw.execute(f"CREATE UNLOGGED TABLE {VALUES} (value bigint, people integer)")
        async with _without_indexes(raw):
            after = await _load(_shares(built, name, directory, records=records, unseen=unseen))
            _say("loaded, now its indexes")
        await _settle(raw, records)
    finally:
        await raw.close()
    return sorted(after, key=lambda it: str(it.row["reported_at"]))


def _shares(built: Stage, name: str, directory: Directory, *, records: int, unseen: int) -> list[Share]:
    sizes, rest = _parts(records), _parts(unseen)
    return [
        Share(
            admin_url=built.admin_url(name),
            app_url=built.app_url(name),
            keyring=render_keyring(built.keyring),
            directory=directory,
            seed=seed,
            reports=sizes[index],
            unseen=rest[index],
            first=sum(sizes[:index]) + 1,
        )
        for index, seed in enumerate(SEEDS)
    ]


def _parts(count: int) -> list[int]:
    return [count // len(SEEDS) + (index < count % len(SEEDS)) for index in range(len(SEEDS))]


async def _load(shares: Sequence[Share]) -> list[Unseen]:
    """A process for each share. However this ends, they end: a pool that is left kills them."""
    with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
        working = pool.map_async(load, shares)
        while True:  # a thread that waits could not be interrupted
            await asyncio.sleep(0.2)
            if working.ready():
                return [unseen for part in working.get() for unseen in part]


@asynccontextmanager
async def _without_indexes(raw: Raw) -> AsyncIterator[None]:
    """Rows by COPY into tables without indexes, which are made again at the end: sorted, they cost a tenth."""
    indexes = await raw.fetch(
        "SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS text FROM pg_index i"
        " WHERE i.indrelid = ANY (SELECT quote_ident(t)::regclass FROM unnest($1::text[]) t)"
        "   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        list(COLUMNS),
    )
    for index in indexes:
        await raw.execute(f"DROP INDEX {index['name']}")
    await raw.execute("ALTER TABLE link_key DROP CONSTRAINT link_key_pkey")
    yield
    await raw.execute("SET maintenance_work_mem = '512MB'")
    for index in indexes:
        await raw.execute(index["text"])
    await raw.execute("ALTER TABLE link_key ADD CONSTRAINT link_key_pkey PRIMARY KEY (key, number)")


async def _settle(raw: Raw, records: int) -> None:
    """What the intake would have noted on the way: how many records there are, which keys say nothing, which value how
    many persons have. Then as autovacuum leaves tables."""
    await raw.execute("SELECT setval(pg_get_serial_sequence('link_feature', 'number'), $1)", records)
    await raw.execute(
        "INSERT INTO link_key_heavy (key) SELECT key FROM link_key GROUP BY key HAVING count(*) > $1",
        committed_model().block_cap,
    )
    await raw.execute(f"INSERT INTO link_value SELECT value, sum(people) FROM {VALUES} GROUP BY value")
    await raw.execute(f"DROP TABLE {VALUES}")
    await raw.execute("VACUUM (ANALYZE)")
    await raw.execute("CHECKPOINT")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

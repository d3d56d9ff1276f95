"""The walks of `./tongli keys`: batch after batch, pass after pass, until nothing is left but what cannot be changed.

Safe while everything runs, any number of times and after kill -9: a batch is one transaction, and what it finished is
not met again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Final
from uuid import UUID

from actions.keys import Batch, reindex_case_links, reindex_people, reindex_reports, reseal_batch, wanted_seals
from cli.entrances import say
from crypto.fields import FieldCipher
from crypto.vault import Vault
from db.engine import Raw
from db.operator import KeyWork, open_key_work
from db.queries.keys import (
    SealedTable,
    count_case_links_left,
    count_records_left,
    count_reports_left,
    count_sealed_left,
    sealed_tables,
)

PASSES: Final = 20
PAUSE_S: Final = 0.5
SAY_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Walk:
    """One table's: where it starts, its next batch after a key, and how many rows are left to do."""

    table: str
    start: tuple[object, ...]
    step: Callable[[Raw, Sequence[object]], Awaitable[Batch]]
    left: Callable[[Raw], Awaitable[int]]


@dataclass(slots=True)
class Walked:
    """What was done. `busy`: rows that others still held after the last pass."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    busy: int = 0


async def reseal(admin_url: str, cipher: FieldCipher, *, fresh: bool, limit: int) -> Walked:
    """Every sealed value under the current field key; `fresh`: under new data keys."""
    return await _walk(admin_url, (_resealing(cipher, table, fresh=fresh, limit=limit) for table in sealed_tables()))


async def reindex(admin_url: str, vault: Vault, *, limit: int) -> Walked:
    """Every blind index under the current blind key."""
    return await _walk(admin_url, _reindexing(vault, limit))


def _resealing(cipher: FieldCipher, table: SealedTable, *, fresh: bool, limit: int) -> Walk:
    async def step(raw: Raw, after: Sequence[object]) -> Batch:
        return await reseal_batch(raw, cipher, table, after, fresh=fresh, limit=limit)

    left = partial(count_sealed_left, table=table, wanted=wanted_seals(cipher, fresh=fresh))
    return Walk(table.name, table.start, step, left)


def _reindexing(vault: Vault, limit: int) -> Iterator[Walk]:
    start, key_id = (UUID(int=0),), vault.blind.key_id
    people = partial(reindex_people, vault=vault, limit=limit)
    yield Walk("person_record", start, people, partial(count_records_left, key_id=key_id))
    reports = partial(reindex_reports, vault=vault, limit=limit)
    yield Walk("report", start, reports, partial(count_reports_left, key_id=key_id))
    case_links = partial(reindex_case_links, vault=vault, limit=limit)
    yield Walk("case_link", start, case_links, partial(count_case_links_left, key_id=key_id))


async def _walk(admin_url: str, walks: Iterable[Walk]) -> Walked:
    total = Walked()
    async with open_key_work(admin_url) as work:
        for walk in walks:
            await _through(work, walk, total)
    return total


async def _through(work: KeyWork, walk: Walk, total: Walked) -> None:
    """Passes over one table until only rows are left that cannot be changed, or that others hold for good."""
    for number in range(PASSES):
        failed = await _pass(work, walk, total)
        async with work.batch() as raw:
            busy = await walk.left(raw) - len(failed)
        if busy <= 0:
            break
        if number == PASSES - 1:
            say(f"{walk.table}: {busy} rows are held by others; run the command again")
            total.busy += busy
        else:
            await asyncio.sleep(PAUSE_S)
    total.failed += failed


async def _pass(work: KeyWork, walk: Walk, total: Walked) -> list[str]:
    """Once from the first row to the last; the rows that could not be changed."""
    failed: list[str] = []
    after: tuple[object, ...] | None = walk.start
    said, before = monotonic(), total.done
    while after is not None:
        async with work.batch() as raw:
            batch = await walk.step(raw, after)
        total.done += batch.done
        failed += batch.failed
        after = batch.last
        if monotonic() - said > SAY_EVERY_S:
            say(f"{walk.table}: {total.done - before} rows so far")
            said = monotonic()
    if total.done > before:
        say(f"{walk.table}: {total.done - before} rows changed")
    return failed

"""What the linker promises whatever the data: each law is tried on a database of its own or on the one just filled."""

import asyncio
import json
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from actions.merges import undo
from bench.linkage_agencies import Directory, Raw
from bench.linkage_feed import Fed, feed, file_row
from bench.linkage_quality import Truth, outcome_of, quality
from bench.linkage_rows import Row, text_of
from bench.stage import Stage
from db.engine import Database, open_database
from db.transaction import Caller, open_transaction
from rules.errors import Conflict, Hidden
from rules.linkage.assertions import Said, persons_of
from rules.rights import OPERATIONS

TEMPLATE: Final = "directory"
"""The database with the agencies and nothing else, of which every other is a copy."""

EXACT: Final = 1e-9
"""How far a sum of terms may lie from its weight."""
SHUFFLE: Final = 5_000
"""Reports that are filed a second time in another order."""
SHUFFLE_BAR: Final = 0.002
AT_ONCE: Final = 8
STRANGERS: Final = 20
"""Persons of whom so many agencies report at once."""
SEED: Final = 7
UNLINKED: Final = 200
"""Links that are undone and linked again."""


@dataclass(frozen=True, slots=True)
class Ground:
    """On what the laws are tried: `raw` sees everything of the database in which all reports were filed in order, and
    `f1` is what the first `SHUFFLE` of them reached."""

    built: Stage
    directory: Directory
    rows: Sequence[Row]
    truth: Truth
    raw: Raw
    f1: float
    filled: Database


Law: TypeAlias = Callable[[Ground], Awaitable[dict[str, Any]]]


async def tried(ground: Ground) -> dict[str, dict[str, Any]]:
    """Every law with its figures, and whether it `holds`."""
    return {name: await law(ground) for name, law in LAWS.items()}


async def terms_sum_to_the_weight(ground: Ground) -> dict[str, Any]:
    """How far the terms of each explanation that was kept are from its weight, links and open questions alike."""
    rows = await ground.raw.fetch(
        "SELECT weight, terms::text AS terms FROM link WHERE terms IS NOT NULL"
        " UNION ALL SELECT weight, terms::text FROM match_candidate"
    )
    off = [abs(math.fsum(term["weight"] for term in json.loads(row["terms"])) - row["weight"]) for row in rows]
    furthest = max(off, default=0.0)
    return {"explanations": len(off), "largest_difference": furthest, "holds": furthest <= EXACT}


async def order_within_a_day(ground: Ground) -> dict[str, Any]:
    """How far F1 moves when the reports of each day come in another order."""
    rows, fed = ground.rows[:SHUFFLE], Fed()
    async with copy_of_the_directory(ground.built, "shuffled") as (database, raw):
        await feed(database, ground.directory, shuffled(rows), fed)
        moved = quality(ground.truth, await outcome_of(raw, fed.reports))["automatic"]["f1"]
    holds = abs(ground.f1 - moved) < SHUFFLE_BAR and not fed.refused
    return {"reports": len(rows), "f1": ground.f1, "f1_shuffled": moved, "holds": holds}


def shuffled(rows: Sequence[Row]) -> list[Row]:
    """The same reports, those of each day in another order; the same one for the same reports."""
    source = random.Random(SEED)
    mixed: list[Row] = []
    for _, day in groupby(rows, key=lambda row: str(row["reported_at"])[:10]):
        mixed += sorted(day, key=lambda _: source.random())
    return mixed


async def one_person_of_reports_at_once(ground: Ground) -> dict[str, Any]:
    """Into how many persons eight agencies make a new one whom all of them report in the same moment."""
    made = []
    async with copy_of_the_directory(ground.built, "raced") as (database, raw):
        for number, row in enumerate(_strangers(ground)):
            filed = await _at_once(database, ground.directory, {**row, "report_id": f"{number}"})
            made.append(await _persons_of(raw, filed))
    split = sum(persons != 1 for persons in made)
    return {"persons": len(made), "at_once": AT_ONCE, "made_more_than_one": split, "holds": bool(made) and not split}


def _strangers(ground: Ground) -> list[Row]:
    """One report of each of some people, who can be told by a number or a phone and have a whole birthday."""
    whose = {row["report_id"]: row["person_id"] for row in ground.truth}
    told = {
        whose[row["report_id"]]: row
        for row in reversed(ground.rows)
        if len(text_of(row, "birth_date") or "") == 10 and (text_of(row, "id_number") or text_of(row, "phone"))
    }
    return list(told.values())[:STRANGERS]


async def _at_once(database: Database, directory: Directory, row: Row) -> list[UUID]:
    """The reports of `AT_ONCE` different agencies, as one person is known to each."""
    agencies = directory.everybody[:AT_ONCE]
    rows = [{**row, "report_id": f"{row['report_id']}-{index}"} for index in range(AT_ONCE)]
    together = (file_row(database, agencies[index % len(agencies)], row) for index, row in enumerate(rows))
    return list(await asyncio.gather(*together))


async def _persons_of(raw: Raw, reports: Sequence[UUID]) -> int:
    """How many persons are behind the main records of these reports."""
    return int(
        await raw.fetchval(
            "SELECT count(DISTINCT person_id) FROM (SELECT DISTINCT ON (report_id) person_id FROM person_record"
            " WHERE report_id = ANY ($1) ORDER BY report_id, id) main",
            reports,
        )
    )


@asynccontextmanager
async def copy_of_the_directory(built: Stage, name: str) -> AsyncIterator[tuple[Database, Raw]]:
    """A database with the agencies and nothing else: as the API opens it, and as a superuser sees it."""
    await built.copy(TEMPLATE, name)
    async with opened(built, name) as both:
        yield both


@asynccontextmanager
async def opened(built: Stage, name: str) -> AsyncIterator[tuple[Database, Raw]]:
    """A database as the API opens it, and as a superuser sees it."""
    database = open_database(built.app_url(name), vault=built.vault)
    raw = await asyncpg.connect(built.admin_url(name))
    try:
        yield database, raw
    finally:
        await raw.close()
        await database.close()


async def replay_gives_the_same_persons(ground: Ground) -> dict[str, Any]:
    """In how many records the person differs from what all assertions, replayed from the first, make of it."""
    replayed = persons_of(Said(*row) for row in await ground.raw.fetch(_ASSERTED))
    persons = await _person_of_each(ground.raw)
    differ = sum(replayed.get(record) != person for record, person in persons.items())
    return {"records": len(persons), "differ": differ, "holds": bool(persons) and not differ}


async def unlinked_and_linked_again(ground: Ground) -> dict[str, Any]:
    """How many records belong to another person after links were undone, and linked again, one after the other. Those
    of two unions need both, and are left undone."""
    agencies = {agency.id: agency for agency in ground.directory.everybody}
    unlinked = parted = again = differ = 0
    for link in await ground.raw.fetch(_LINKED, UNLINKED):
        before = await _person_of_each(ground.raw, link["record_id"])
        caller = agencies[link["coordinator"]].caller
        if not await _undone(ground, caller, link["id"]):
            continue
        unlinked += 1
        parted += await _person_of_each(ground.raw, link["record_id"]) != before
        difference = await ground.raw.fetchval("SELECT id FROM link WHERE withdraws = $1", link["id"])
        if await _undone(ground, caller, difference):
            again += 1
            now = await _person_of_each(ground.raw)
            differ += any(now[record] != person for record, person in before.items())
    return {"unlinked": unlinked, "parted": parted, "again": again, "differ": differ, "holds": again > 0 == differ}


async def _undone(ground: Ground, caller: Caller, link_id: UUID) -> bool:
    """Whether the coordinator could undo it: what went to another union with the one before is that one's."""
    try:
        async with open_transaction(ground.filled, caller, operation=OPERATIONS["undo_link"]) as tx:
            await undo(tx, link_id, "different_persons")
    except (Conflict, Hidden):
        return False
    return True


async def _person_of_each(raw: Raw, related_to: UUID | None = None) -> dict[UUID, UUID]:
    """The person of every record, or of those that stand in one case with a record."""
    rows = await raw.fetch(
        "SELECT id, person_id FROM person_record WHERE corrects IS NULL AND ($1::uuid IS NULL OR person_id IN ("
        " SELECT person_id FROM person_record WHERE case_id = (SELECT case_id FROM person_record WHERE id = $1)))",
        related_to,
    )
    return {row["id"]: row["person_id"] for row in rows}


_ASSERTED: Final = (
    "SELECT id, record_id, person_id, other_record_id, verdict, withdraws FROM link ORDER BY decided_at, id"
)
_LINKED: Final = """
SELECT l.id, l.record_id, c.coordinator_agency_id AS coordinator
  FROM link l JOIN person_record r ON r.id = l.record_id JOIN "case" c ON c.id = r.case_id
 WHERE l.verdict = 'same' AND l.source = 'model' AND l.other_record_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM link w WHERE w.withdraws = l.id)
 ORDER BY md5(l.id::text) LIMIT $1"""


LAWS: Final[Mapping[str, Law]] = {
    "terms_sum_to_the_weight": terms_sum_to_the_weight,
    "order_within_a_day": order_within_a_day,
    "one_person_of_reports_at_once": one_person_of_reports_at_once,
    "replay_gives_the_same_persons": replay_gives_the_same_persons,
    "unlinked_and_linked_again": unlinked_and_linked_again,
}
"""Tried in this order after the reports were filed. A law may leave the filled database other than it found it only
where it comes last."""

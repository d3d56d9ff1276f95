"""What `./tongli keys show` says: the keys without their secrets, and how much in the database stands under each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from crypto.keys import Keyring
from crypto.rotation import KeyFacts, facts_of
from db.operator import open_key_work
from db.queries.keys import count_indexed, count_sealed, sealed_tables

_HEADINGS = ("kind", "id", "algorithm", "made", "state", "in use by")


@dataclass(frozen=True, slots=True)
class Counts:
    """Values sealed under each field key, rows indexed under each blind key; `unnamed` rows do not say under which.

    `first_version` counts sealed values that have no data key of their own yet.
    """

    sealed: Counter[str] = field(default_factory=Counter)
    indexed: Counter[str] = field(default_factory=Counter)
    unnamed: int = 0
    first_version: int = 0
    unreadable: int = 0

    def under(self, facts: KeyFacts) -> int:
        return {"field": self.sealed, "blind": self.indexed, "token": Counter[str]()}[facts.kind][facts.key_id]


async def counted(admin_url: str) -> Counts:
    """Reads the header of every sealed value and every index's key. One statement a table."""
    sealed: Counter[str] = Counter()
    indexed: Counter[str | None] = Counter()
    first_version = unreadable = 0
    async with open_key_work(admin_url) as work, work.batch() as raw:
        for table in sealed_tables():
            for row in await count_sealed(raw, table):
                form, _, key_id = (row["sealed_as"] or "").partition("/")
                sealed[key_id] += row["values"]
                first_version += row["values"] if form.startswith("1.") else 0
                unreadable += 0 if form else row["values"]
        for row in await count_indexed(raw):
            indexed[row["key_id"]] += row["rows"]
    unnamed = indexed.pop(None, 0)
    named = Counter({key: rows for key, rows in indexed.items() if key is not None})
    return Counts(sealed, named, unnamed, first_version, unreadable)


def shown(keyring: Keyring, counts: Counts | None, *, now: datetime) -> str:
    """A table for a person to read; ages in whole days, hours or minutes."""
    rows = [_HEADINGS, *(_row(facts, counts, now) for facts in facts_of(keyring))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *(_remarks(keyring, counts) if counts else ())])


def _row(facts: KeyFacts, counts: Counts | None, now: datetime) -> tuple[str, ...]:
    return (facts.kind, facts.key_id, facts.algorithm, _age(facts.made, now), _state(facts, now), _use(facts, counts))


def _state(facts: KeyFacts, now: datetime) -> str:
    if facts.current:
        return "current"
    return "not used yet" if facts.replaced is None and facts.made else f"replaced {_age(facts.replaced, now)}"


def _use(facts: KeyFacts, counts: Counts | None) -> str:
    if counts is None or facts.kind == "token":
        return "-"
    return f"{counts.under(facts)} {'values' if facts.kind == 'field' else 'rows'}"


def _age(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "at an unknown time"
    minutes = int((now - moment).total_seconds()) // 60
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} days ago"
    return f"{minutes // 60} h ago" if minutes >= 120 else f"{minutes} min ago"


def _remarks(keyring: Keyring, counts: Counts) -> Iterator[str]:
    if counts.first_version:
        yield f"{counts.first_version} values have no data key of their own yet: ./tongli keys rewrap gives them one"
    if counts.unnamed:
        yield f"{counts.unnamed} rows do not say under which blind key: ./tongli keys reindex finds out"
    if counts.unreadable:
        yield f"{counts.unreadable} values have no header that could be read"
    known = {facts.key_id for facts in facts_of(keyring)}
    for key_id, values in sorted((counts.sealed + counts.indexed).items()):
        if key_id and key_id not in known:
            yield f"{values} stand under {key_id}, which this keyring does not have: put it back from an older copy"

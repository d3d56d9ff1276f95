"""The agencies of a file of reports: a union for every county under those of prefecture and province, and one labour,
one finance and one judicial agency; each with a client that may report.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from bench.linkage_rows import Row
from crypto.ids import new_id
from db.transaction import Caller
from rules.scopes import AGENCY_SCOPES

if TYPE_CHECKING:
    Raw = asyncpg.Connection[asyncpg.Record]
else:  # generic for type checkers only
    Raw = asyncpg.Connection

OFFICES = ("labour", "finance", "judicial")


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency and its client."""

    kind: str
    level: str
    division: str
    parent: UUID | None
    id: UUID = field(default_factory=new_id)
    client: UUID = field(default_factory=new_id)

    @property
    def caller(self) -> Caller:
        return Caller("client", self.client, self.id, self.client, frozenset(AGENCY_SCOPES), request_id="bench")


@dataclass(frozen=True, slots=True)
class Directory:
    """Who reports what: `unions` by division, `offices` by kind."""

    unions: dict[str, Agency]
    offices: dict[str, Agency]
    top: Agency

    @property
    def everybody(self) -> list[Agency]:
        return [*self.unions.values(), *self.offices.values()]

    def reporter(self, row: Row) -> Agency:
        """The office the row names, or the union of its place."""
        return self.offices.get(row.get("agency") or "") or self.union_of(row)

    def union_of(self, row: Row) -> Agency:
        """The union of the row's place; where it says none, the one at the top."""
        return self.unions.get((row.get("division_code") or "")[:6], self.top)


def directory_of(divisions: Iterable[str]) -> Directory:
    """The agencies for reports from these divisions, as often as they occur: the offices sit where most come from."""
    counted = Counter(code[:6] for code in divisions)
    main = (counted.most_common(1)[0][0] if counted else "990000")[:2] + "0000"
    unions: dict[str, Agency] = {}
    for code in (main, *sorted(counted)):
        _add_union(unions, code)
    offices = {kind: Agency(kind, "province", main, None) for kind in OFFICES}
    return Directory(unions, offices, unions[main])


def _add_union(unions: dict[str, Agency], code: str) -> Agency:
    """The union of a division, with those above it."""
    if code not in unions:
        level = "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"
        above = {"city": code[:2] + "0000", "county": code[:4] + "00"}.get(level)
        parent = _add_union(unions, above) if above else None
        unions[code] = Agency("union", level, code, parent.id if parent else None)
    return unions[code]


async def add_agencies(raw: Raw, directory: Directory) -> None:
    """Writes the agencies, those above first, and their clients."""
    now = datetime.now(UTC)
    ordered = sorted(directory.everybody, key=lambda it: ("province", "city", "county").index(it.level))
    await raw.executemany(
        "INSERT INTO agency (id, code, name, name_en, kind, level, parent_id, department, division_code, windows,"
        " status, created_at, version) VALUES ($1, $2, $2, $2, $3, $4, $5, false, $6, '[]', 'active', $7, 1)",
        [(it.id, f"BENCH-{it.division}-{it.kind}", it.kind, it.level, it.parent, it.division, now) for it in ordered],
    )
    await raw.executemany(
        "INSERT INTO client (id, agency_id, name, scopes, status, created_at, version)"
        " VALUES ($1, $2, 'bench', $3, 'active', $4, 1)",
        [(it.client, it.id, list(AGENCY_SCOPES), now) for it in ordered],
    )

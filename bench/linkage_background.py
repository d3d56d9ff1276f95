"""Records the linker already knows, by the million: read, hashed and sealed by the functions of an intake, written by
COPY.

Each process invents a world of its own and loads the reports of it, as the intake would have left them had every link
been right: persons, cases with coordinator and reporter, reports, records, links, features, keys and counts of values.
Left out: members of the household, employers, needs, events and leaves, which no look-up reads.
"""

import asyncio
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.linkage_agencies import Agency, Directory, Raw
from bench.linkage_people import generate
from bench.linkage_rows import SEXES, Row, day_of, text_of, written_of
from crypto.ids import new_id_at
from crypto.keys import parse_keyring
from crypto.vault import Vault
from db.engine import open_database
from db.linkage_model import committed_model
from db.queries import divisions
from db.transaction import open_transaction
from rules.case_numbers import make_case_number
from rules.linkage.addresses import Gazetteer
from rules.linkage.features import encode
from rules.linkage.households import household_keys
from rules.linkage.keys import blocking_keys
from rules.linkage.membership import member_key
from rules.linkage.reading import read_features
from rules.linkage.scoring import rare_values

VALUES: Final = "bench_value"
"""Where each process leaves how many of its persons have a value: (value, people)."""

_BATCH: Final = 5_000
_EVERY: Final = 100_000
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "person": ("id", "created_at"),
    "case": (
        *("id", "number", "kind", "status", "coordinator_agency_id", "division_code", "main_birth_date"),
        *("causes_secondary", "urgency", "opened_at", "updated_at", "version"),
    ),
    "participant": (
        *("id", "case_id", "agency_id", "role", "since", "listed", "coordinator_agency_id", "case_status"),
        "case_updated_at",
    ),
    "report": (
        *("id", "agency_id", "case_id", "source_system", "source_record", "source_key", "aware_at", "reported_at"),
        *("reported_by", "channel", "urgency", "body", "body_sha256", "leaf_id"),
    ),
    "person_record": (
        *("id", "report_id", "case_id", "agency_id", "person_id", "name", "id_type", "id_number", "id_index"),
        *("name_birth_index", "phone_indexes", "index_key", "contact", "sex", "birth_date", "division_code"),
        *("details", "created_at"),
    ),
    "household_member": ("case_id", "person_id", "record_id", "role", "relation", "active", "joined_at"),
    "link": ("id", "kind", "record_id", "person_id", "evidence", "decided_by", "decided_at", "model_version"),
    "link_feature": (*("number", "record_id", "person_id", "agency_id", "at", "features", "keys", "model_version"),),
    "link_key": ("key", "number"),
}
"""What is written, and in which order."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does: `reports` of the world of `seed` are loaded, numbered from `first`; the `unseen` after
    them are not."""

    admin_url: str
    app_url: str
    keyring: str
    directory: Directory
    seed: int
    reports: int
    unseen: int
    first: int


@dataclass(frozen=True, slots=True)
class Unseen:
    """A report that was not loaded; `person_id` is its person where the background knows that one."""

    row: Row
    person_id: UUID | None


@dataclass(slots=True)
class _Known:
    """A person of the background: its case, and the hashes of the values that were counted for it."""

    id: UUID
    case_id: UUID
    coordinator: Agency
    values: set[int] = field(default_factory=set)


def load(share: Share) -> list[Unseen]:
    """Loads one share; answers the reports that came after it. 0.6 ms a report, and memory for the whole world."""
    return asyncio.run(_load(share))


async def _load(share: Share) -> list[Unseen]:
    vault = Vault.of(parse_keyring(share.keyring))
    writer = Writer(vault, share.directory, await _places(share, vault), share.first)
    raw = await asyncpg.connect(share.admin_url)
    unseen = []
    try:
        await raw.execute("SET session_replication_role = replica")  # no trigger, no foreign key: the rows are right
        made = generate(share.reports + share.unseen, share.seed)
        for index, (row, truth) in enumerate(made):
            named = {**row, "report_id": f"S{share.seed}-{row['report_id']}"}
            if index < share.reports:
                writer.add(named, truth["person_id"])
            else:
                unseen.append(Unseen(named, writer.person_id(truth["person_id"])))
            if index % _BATCH == _BATCH - 1:
                await _copy(raw, writer.taken())
            if index % _EVERY == _EVERY - 1:
                print(f"{index + 1} of {share.reports} reports of world {share.seed} loaded", file=sys.stderr)
        await _copy(raw, writer.taken())
        await raw.copy_records_to_table(VALUES, records=list(writer.values.items()), columns=("value", "people"))
    finally:
        await raw.close()
    return unseen


async def _places(share: Share, vault: Vault) -> Gazetteer:
    database = open_database(share.app_url, vault=vault, pool_size=1)
    try:
        async with open_transaction(database, share.directory.top.caller, read_only=True) as tx:
            return await divisions.places(tx)
    finally:
        await database.close()


async def _copy(raw: Raw, tables: Mapping[str, Iterable[tuple[Any, ...]]]) -> None:
    for table, columns in COLUMNS.items():
        await raw.copy_records_to_table(table, records=tables.get(table, ()), columns=columns)


class Writer:
    """Turns reports and whose they are into rows of the tables."""

    def __init__(self, vault: Vault, directory: Directory, places: Gazetteer, first: int) -> None:
        self.values: Counter[int] = Counter()
        self._vault, self._directory, self._places = vault, directory, places
        self._number = first
        self._known: dict[str, _Known] = {}
        self._tables: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._version = committed_model().version

    def person_id(self, person: str) -> UUID | None:
        known = self._known.get(person)
        return known.id if known else None

    def taken(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """The rows since the last time."""
        tables, self._tables = self._tables, defaultdict(list)
        return tables

    def add(self, row: Row, person: str) -> None:
        at = datetime.fromisoformat(row["reported_at"]).replace(tzinfo=UTC)
        agency = self._directory.reporter(row)
        known = self._known.get(person)
        record_id, report_id = new_id_at(at), new_id_at(at)
        if known is None:
            known = self._known[person] = self._person(row, agency, at, record_id)
        self._report(row, known, agency, at, ids=(report_id, record_id))
        self._tables["link"].append(
            (new_id_at(at), "same_person", record_id, known.id, "[]", "bench", at, self._version)
        )
        self._features(row, known, agency, at, record_id)
        self._number += 1

    def _person(self, row: Row, reporter: Agency, at: datetime, record_id: UUID) -> _Known:
        """A new person with a case, which the union of the place coordinates."""
        union = self._directory.union_of(row)
        known = _Known(new_id_at(at), new_id_at(at), union)
        put = self._tables
        put["person"].append((known.id, at))
        number = make_case_number(union.division, at.year, _serial(self._number))
        born = day_of(text_of(row, "birth_date") or "")
        put["case"].append(
            (known.case_id, number, "household", "reported", union.id, union.division, born, [], "normal", at, at, 1)
        )
        for role, agency in (("coordinator", union), ("reporter", reporter)):
            listed = role == "coordinator" or agency.id != union.id
            put["participant"].append(
                (new_id_at(at), known.case_id, agency.id, role, at, listed, union.id, "reported", at)
            )
        put["household_member"].append((known.case_id, known.id, record_id, "main", "self", True, at))
        return known

    def _report(self, row: Row, known: _Known, agency: Agency, at: datetime, *, ids: tuple[UUID, UUID]) -> None:
        report_id, record_id = ids
        blind, cipher = self._vault.blind, self._vault.cipher
        body = cipher.seal_bytes(json.dumps(row, ensure_ascii=False).encode(), f"report.body:{report_id}")
        source = (blind.index("source_record", row["report_id"]), blind.key_id)
        head = (report_id, agency.id, known.case_id, "linkage-bench", *source, at, at)
        self._tables["report"].append((*head, agency.client, "system", "normal", body, bytes(32), new_id_at(at)))
        self._tables["person_record"].append(
            (record_id, report_id, known.case_id, agency.id, known.id, *_said(self._vault, row, record_id), at)
        )

    def _features(self, row: Row, known: _Known, agency: Agency, at: datetime, record_id: UUID) -> None:
        """As the intake keeps them: features sealed, keys hashed, each rare value counted once for a person."""
        hasher = self._vault.links
        it = read_features(written_of(row), self._places)
        keys = hasher.hashes((*blocking_keys(it), *household_keys(it, [it])[0], member_key(str(known.case_id), it)))
        sealed = self._vault.cipher.seal_bytes(encode(it), f"link_feature:{record_id}")
        self._tables["link_feature"].append(
            (self._number, record_id, known.id, agency.id, at, sealed, keys, self._version)
        )
        self._tables["link_key"] += ((key, self._number) for key in keys)
        new = {hasher.hash(value) for value in rare_values(it)} - known.values
        known.values |= new
        self.values.update(new)


def _said(vault: Vault, row: Row, record_id: UUID) -> tuple[Any, ...]:
    """What a person record holds of the person, from name to details; what is a secret sealed, and its blind index."""
    blind, context = vault.blind, f"person_record:{record_id}"
    number, phone, name = (text_of(row, it) for it in ("id_number", "phone", "name"))
    born = day_of(text_of(row, "birth_date") or "")
    contact = json.dumps({"phones": [phone], "address": row["address"]}, ensure_ascii=False)
    return (
        vault.cipher.seal(name or "", context),
        "unverified",
        vault.cipher.seal(number, context) if number else None,
        blind.index("id_number", number) if number else None,
        blind.index("name_birth", f"{name}|{born}") if name and born else None,
        [blind.index("phone", phone)] if phone else [],
        blind.key_id,
        vault.cipher.seal(contact, context),
        SEXES.get(row.get("sex") or "", "unknown"),
        born,
        text_of(row, "division_code"),
        vault.cipher.seal("{}", context),
    )


def _serial(number: int) -> str:
    """Seven characters for a number, each number another."""
    return "".join(_digits(number))


def _digits(number: int) -> Iterator[str]:
    for place in range(6, -1, -1):
        yield _CROCKFORD[number >> 5 * place & 31]

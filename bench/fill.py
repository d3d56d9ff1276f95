"""Fills a database with cases of many agencies, straight through COPY: a provincial caseload to measure on.

Every row is as the API would have written it: sealed names and numbers that open, blind indexes that match,
participants with their copies. Deterministic for a seed but for ids and ciphertext.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from crypto.ids import new_id, new_id_at
from crypto.vault import Vault
from rules.case_numbers import make_case_number
from rules.identity_numbers import check_character

UNIONS = 100
OFFICES = 100
DIVISION = "990101"
MATTER = "LAB-09"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(slots=True)
class Filled:
    """What the driver needs to know: agencies and what each can see."""

    unions: list[UUID]
    offices: list[UUID]
    cases: dict[UUID, list[UUID]]
    waiting: dict[UUID, list[UUID]]
    count: int = 0


async def add_agencies(raw: "asyncpg.Connection[asyncpg.Record]") -> Filled:
    """Unions that coordinate and labour offices that receive, in the demo county."""
    now = datetime.now(UTC)
    unions: list[UUID] = []
    offices: list[UUID] = []
    rows = []
    for kind, count, ids in (("union", UNIONS, unions), ("labour", OFFICES, offices)):
        for number in range(count):
            agency_id = new_id()
            ids.append(agency_id)
            rows.append(
                (
                    agency_id,
                    f"BENCH-{kind}-{number}",
                    f"压测{kind}{number}",
                    f"bench {kind} {number}",
                    kind,
                    DIVISION,
                    now,
                )
            )
    await raw.executemany(
        "INSERT INTO agency (id, code, name, name_en, kind, level, parent_id, department, division_code, windows,"
        " status, created_at, version) VALUES ($1, $2, $3, $4, $5, 'county', NULL, false, $6, '[]', 'active', $7, 1)",
        rows,
    )
    return Filled(unions, offices, {union: [] for union in unions}, {office: [] for office in offices})


async def add_cases(
    raw: "asyncpg.Connection[asyncpg.Record]", vault: Vault, filled: Filled, count: int, *, batch: int = 5_000
) -> None:
    """Adds `count` cases, each with a main member, two needs and one referral that waits for an office."""
    source = random.Random(filled.count)
    for start in range(0, count, batch):
        tables: dict[str, list[dict[str, Any]]] = {}
        for offset in range(min(batch, count - start)):
            for table, row in _case_rows(vault, filled, filled.count + offset, source):
                tables.setdefault(table, []).append(row)
        filled.count += min(batch, count - start)
        for table, rows in tables.items():
            columns = list(rows[0])
            await raw.copy_records_to_table(
                table, records=[tuple(row[name] for name in columns) for row in rows], columns=columns
            )


def _case_rows(
    vault: Vault, filled: Filled, number: int, source: random.Random
) -> Iterator[tuple[str, dict[str, Any]]]:
    union = filled.unions[number % UNIONS]
    office = filled.offices[source.randrange(OFFICES)]
    opened = _START + timedelta(seconds=number * 20)
    ids = {name: new_id_at(opened) for name in ("case", "person", "record", "report", "referral")}
    filled.cases[union].append(ids["case"])
    filled.waiting[office].append(ids["referral"])
    birth = date(1950, 1, 1) + timedelta(days=source.randrange(18_000))
    yield "person", {"id": ids["person"], "created_at": opened}
    yield "case", _case(ids, union, opened, birth, source)
    for role, agency in (("coordinator", union), ("reporter", filled.unions[(number + 1) % UNIONS])):
        yield "participant", _participant(ids, agency, role, union, opened)
    yield "report", _report(vault, ids, union, number, opened)
    yield "person_record", _record(vault, ids, union, birth, number, opened)
    yield (
        "household_member",
        {
            "case_id": ids["case"],
            "person_id": ids["person"],
            "record_id": ids["record"],
            "role": "main",
            "relation": "self",
            "active": True,
            "joined_at": opened,
        },
    )
    for need in ("employment", "living"):
        yield "case_need", _need(ids, union, need, opened)
    yield "referral", _referral(ids, union, office, opened)


def _case(ids: dict[str, UUID], union: UUID, opened: datetime, birth: date, source: random.Random) -> dict[str, Any]:
    serial = "".join(source.choices(_CROCKFORD, k=7))
    return {
        "id": ids["case"],
        "number": make_case_number(DIVISION, 2026, serial) + f"-{ids['case'].hex[-6:]}",
        "kind": "household",
        "status": "reported",
        "coordinator_agency_id": union,
        "division_code": DIVISION,
        "employer_id": None,
        "main_birth_date": birth,
        "cause_primary": "3",
        "causes_secondary": ["9"],
        "difficulty_class": None,
        "urgency": "normal",
        "opened_at": opened,
        "updated_at": opened,
        "closed_at": None,
        "exit_reason": None,
        "exit_text": None,
        "version": 1,
    }


def _participant(ids: dict[str, UUID], agency: UUID, role: str, union: UUID, opened: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "case_id": ids["case"],
        "agency_id": agency,
        "role": role,
        "since": opened,
        "until": None,
        "listed": True,
        "coordinator_agency_id": union,
        "case_status": "reported",
        "case_updated_at": opened,
    }


def _report(vault: Vault, ids: dict[str, UUID], union: UUID, number: int, opened: datetime) -> dict[str, Any]:
    return {
        "id": ids["report"],
        "agency_id": union,
        "case_id": ids["case"],
        "source_system": "bench",
        "source_record": vault.blind.index("source_record", str(number)),
        "aware_at": opened,
        "reported_at": opened,
        "reported_by": union,
        "channel": "system",
        "urgency": "normal",
        "body": vault.cipher.seal_bytes(b"{}", f"report.body:{ids['report']}"),
        "body_sha256": bytes(32),
        "leaf_id": new_id(),
    }


def _record(
    vault: Vault, ids: dict[str, UUID], union: UUID, birth: date, number: int, opened: datetime
) -> dict[str, Any]:
    context = f"person_record:{ids['record']}"
    first17 = f"990000{birth:%Y%m%d}{number % 1000:03d}"
    identity = first17 + check_character(first17)
    name = f"压测{number}"

    def sealed(text: str) -> bytes:
        return vault.cipher.seal(text, context)

    return {
        "id": ids["record"],
        "report_id": ids["report"],
        "case_id": ids["case"],
        "agency_id": union,
        "person_id": ids["person"],
        "name": sealed(name),
        "id_type": "resident_id",
        "id_number": sealed(identity),
        "id_index": vault.blind.index("id_number", f"{identity}-{number}"),
        "name_birth_index": vault.blind.index("name_birth", f"{name}|{birth}"),
        "phone_indexes": [vault.blind.index("phone", f"+86139{number:08d}")],
        "contact": sealed('{"phones": ["+8613900000001"], "address": "纺织路1号"}'),
        "sex": "female",
        "birth_date": birth,
        "division_code": DIVISION,
        "employment_status": "laid_off",
        "employer_id": None,
        "details": sealed('{"health": null, "as_received": {}, "monthly_income_fen": 120000}'),
        "created_at": opened,
    }


def _need(ids: dict[str, UUID], union: UUID, need: str, opened: datetime) -> dict[str, Any]:
    return {
        "case_id": ids["case"],
        "need": need,
        "status": "open",
        "agency_id": union,
        "referral_id": None,
        "updated_at": opened,
    }


def _referral(ids: dict[str, UUID], union: UUID, office: UUID, opened: datetime) -> dict[str, Any]:
    due = opened + timedelta(days=7)
    empty = ("part_of", "reopens", "note", "received_at", "accepted_at", "started_at", "ended_at", "clock_stopped_at")
    return {
        "id": ids["referral"],
        "case_id": ids["case"],
        "person_id": ids["person"],
        "matter_code": MATTER,
        "need": "employment",
        "sender_agency_id": union,
        "coordinator_agency_id": union,
        "to_agency_id": office,
        "pooled": False,
        "joint": False,
        "status": "requested",
        "urgency": "normal",
        "place": DIVISION,
        "age_band": "46_60",
        **dict.fromkeys(empty),
        "requested_at": opened,
        "acknowledge_by": due,
        "accept_by": due,
        "resolve_by": due,
        "due_confirmed": True,
        "next_due": due,
        "overdue": [],
        "return_count": 0,
        "extended": False,
        "outcome": None,
        "created_at": opened,
        "updated_at": opened,
        "version": 1,
    }

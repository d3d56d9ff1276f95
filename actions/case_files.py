"""Opens what a case holds for somebody entitled to it: a sensitive read, so every one leaves an audit mark."""

import itertools
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.cases import seen_case
from actions.results import RESULT_CONTEXT, seen_result
from db.queries import employers, people, reports
from db.transaction import Tx
from rules.ages import is_child
from rules.deadlines import shanghai_day
from rules.disclosure import PersonOpened, classes_of_file, classes_of_roles, may_read_result_text, project_person
from rules.errors import PurposeRequired
from rules.field_classes import ALL_CLASSES
from rules.people import fold
from rules.purposes import classes_for

RECORD_CONTEXT = "person_record"


@dataclass(frozen=True, slots=True)
class OpenedFile:
    case: asyncpg.Record
    field_classes: frozenset[str]
    people: list[dict[str, object]]
    reports: list[asyncpg.Record]
    employer: asyncpg.Record | None


async def read_case_file(tx: Tx, case_id: UUID) -> OpenedFile:
    """The file as its coordinator, or a supervising union, may see it. Three statements and the mark.

    Raises Hidden, InsufficientRole.
    """
    case = await seen_case(tx, case_id)
    classes = classes_of_file(case["roles"], roles=tx.rights.roles, purpose=tx.purpose)
    shown, _ = await open_people(
        tx, case_id, classes, action="case.read_file", subject=("case", case_id), children=True
    )
    employer = await employers.find_employer(tx, case["employer_id"]) if case["employer_id"] else None
    filed = await reports.reports_of_case(tx, case_id)
    return OpenedFile(case, classes, shown, filed, employer)


async def open_people(
    tx: Tx,
    case_id: UUID,
    classes: Iterable[str],
    *,
    action: str,
    subject: tuple[str, UUID],
    children: bool,
    records_of: Collection[UUID] | None = None,
) -> tuple[list[dict[str, object]], int]:
    """The people of a case in the given field classes, main member first; only the main one without class `family`.

    With `records_of`, as those agencies reported them. Without `children` those under 14 are left out and counted. One
    statement and the audit mark.
    """
    granted = frozenset(classes)
    found = await people_of(tx, case_id, family="family" in granted, records_of=records_of)
    seen = found if children else [person for person in found if not is_child(person.birth_date, shanghai_day(tx.now))]
    leave_mark(tx, action, subject_type=subject[0], subject_id=subject[1], case_id=case_id, field_classes=granted)
    return [project_person(person, granted) for person in seen], len(found) - len(seen)


async def people_of(
    tx: Tx, case_id: UUID, *, family: bool, records_of: Collection[UUID] | None = None
) -> list[PersonOpened]:
    """The people of a case, opened; only the main one without `family`. What was said first stands, gaps are filled
    from later records. One statement, no mark: whoever hands any of it on leaves one."""
    rows = await people.household_of(tx, case_id, None if records_of is None else sorted(records_of))
    seen = [row for row in rows if row["role"] == "main" or family]
    return [
        fold([opened_record(tx, row) for row in records])
        for _, records in itertools.groupby(seen, key=lambda row: row["person_id"])
    ]


def opened_record(tx: Tx, row: asyncpg.Record) -> PersonOpened:
    """A person as one record describes it. No mark: whoever hands any of it on leaves one."""
    context = f"{RECORD_CONTEXT}:{row['id']}"

    def opened(sealed: bytes) -> str:
        return tx.vault.cipher.open(sealed, context)

    contact = json.loads(opened(row["contact"]))
    details = json.loads(opened(row["details"]))
    return PersonOpened(
        role=row["role"],
        relation=row["relation"],
        name=opened(row["name"]),
        id_type=row["id_type"],
        id_number=opened(row["id_number"]) if row["id_number"] else None,
        phones=tuple(contact["phones"]),
        address=contact["address"],
        division_code=row["division_code"],
        sex=row["sex"],
        birth_date=row["birth_date"],
        employment_status=row["employment_status"],
        employer_name=row["employer_name"],
        health=details.get("health"),
        monthly_income_fen=details.get("monthly_income_fen"),
        medical_note=details.get("medical_note"),
        legal_note=details.get("legal_note"),
        mood_note=details.get("mood_note"),
        bank_account=details.get("bank_account"),
        id=row["person_id"],
    )


def open_results(tx: Tx, rows: Sequence[asyncpg.Record]) -> list[tuple[asyncpg.Record, str | None]]:
    """Results with their text where the acting agency may read it; a text of a compartment only where a purpose was
    named, and with an audit mark."""
    return [
        (row, _open_text(tx, row) if _may_read(tx, row) and not _asks_purpose(tx, row) and _reaches(tx, row) else None)
        for row in rows
    ]


async def read_result(tx: Tx, result_id: UUID) -> tuple[asyncpg.Record, str | None]:
    """One result with its text. Raises Hidden, PurposeRequired where its text belongs to a compartment."""
    row = await seen_result(tx, result_id)
    if not _may_read(tx, row):
        return row, None
    if _asks_purpose(tx, row):
        raise PurposeRequired
    return row, _open_text(tx, row) if _reaches(tx, row) else None


def _may_read(tx: Tx, row: asyncpg.Record) -> bool:
    own = row["agency_id"] == tx.agency_id
    return row["text"] is not None and may_read_result_text(row["sensitive"], own=own, roles=row["roles"])


def _asks_purpose(tx: Tx, row: asyncpg.Record) -> bool:
    return row["sensitive"] is not None and tx.purpose is None


def _reaches(tx: Tx, row: asyncpg.Record) -> bool:
    """Whether role and purpose reach a text's compartment; its decider's purpose reaches its own words."""
    if row["sensitive"] is None:
        return True
    purpose = ALL_CLASSES if row["agency_id"] == tx.agency_id else classes_for(tx.purpose)
    return row["sensitive"] in purpose & classes_of_roles(tx.rights.roles)


def _open_text(tx: Tx, row: asyncpg.Record) -> str:
    if row["sensitive"] is not None:
        leave_mark(
            tx,
            "result.read",
            subject_type="result",
            subject_id=row["id"],
            case_id=row["case_id"],
            field_classes=(row["sensitive"],),
        )
    return tx.vault.cipher.open(row["text"], f"{RESULT_CONTEXT}:{row['id']}")

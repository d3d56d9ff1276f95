"""Files a report: what was said is kept whole, the people are linked, a case is opened or joined, one union
coordinates.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from actions import cases, linkage
from actions.audit import leave_mark
from actions.events import record_event
from actions.expected_adoptions import expect
from actions.households import NO_HOUSEHOLD, HouseholdFound, ask_of_household, lock_household
from actions.linkage import LinkedPerson
from actions.merges import join_known
from actions.results import seen_report
from actions.sharing import check_bases, keep_bases
from crypto.blind import BlindIndex
from crypto.ids import new_id
from db.queries import agencies, divisions, merges, people, reports
from db.queries import cases as case_queries
from db.queries import employers as employer_queries
from db.queries.expected_adoptions import Sent
from db.transaction import Tx
from rules.disclosure import classes_of_report
from rules.errors import Conflict, DuplicateRecord, FieldError
from rules.field_classes import project_report
from rules.linkage.employer_names import seek_employer
from rules.reports import EmployerSaid, PersonFound, ReportSaid, check_report

BODY_CONTEXT = "report.body"
RECORD_CONTEXT = "person_record"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender learns: never more of linkage than linked or new, since a score would betray a hidden record."""

    report_id: UUID
    case: asyncpg.Record
    opened: bool
    linked: bool
    leaf_id: UUID
    body_sha256: bytes
    warnings: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    """The case a report goes to. `by_household`: none of its people was known, they are the household of that case."""

    case_id: UUID
    opened: bool = False
    by_household: bool = False
    household: HouseholdFound = NO_HOUSEHOLD
    strange: tuple[FieldError, ...] = ()


async def file_report(tx: Tx, said: ReportSaid, body: bytes, *, allow_demo: bool) -> Receipt:
    """Files one report; `body` is what was sent, as canonical JSON. About a dozen statements.

    Raises ValidationFailed, and DuplicateRecord where this sender already filed this record.
    """
    found = check_report(said, now=tx.now, allow_demo=allow_demo)
    await _refuse_second_filing(tx, said)
    warnings = await _check_reference(tx, said)
    linked = await linkage.link_people(tx, said, found)
    employers = await _employer_ids(tx, said)
    placed = await _case_for(tx, said, linked, employers)
    case_id, opened = placed.case_id, placed.opened
    if not opened:
        linked = await linkage.place_members(tx, case_id, linked)
    await linkage.add_persons(tx, linked)
    filed_id = said.id or new_id()
    leaf_id = _mark(tx, said, filed_id, case_id)
    record_ids = await _keep(tx, said, body, linked, employers=employers, ids=(filed_id, leaf_id), placed=placed)
    records = list(zip(record_ids, linked, strict=True))
    if linked:
        await linkage.join_household(tx, case_id, records, opened=opened)
    case = await cases.join_as_reporter(tx, case_id, said.needs, opened=opened)
    await ask_of_household(tx, case_id, placed.household)
    await keep_bases(tx, said.bases, case=case, report_id=filed_id)
    if linked:
        await linkage.keep_features(tx, case_id, records, await join_known(tx, records))
    if any(person.joined for person in linked):
        case = await _case_now(tx, case)
    if case["coordinator_agency_id"] != tx.agency_id:
        await expect(tx, Sent(report=filed_id))
    record_event(tx, "report.received", subject_type="report", subject_id=filed_id, version=1, case_id=case["id"])
    return Receipt(
        report_id=filed_id,
        case=case,
        opened=opened,
        linked=not opened or any(person.known for person in linked[:1]),
        leaf_id=leaf_id,
        body_sha256=hashlib.sha256(body).digest(),
        warnings=(*warnings, *placed.strange),
    )


async def _refuse_second_filing(tx: Tx, said: ReportSaid) -> None:
    """Under every live key: a rotation must not let one record be filed twice."""
    hashes = tx.vault.blind.indexes("source_record", said.source_record_id)
    existing = await reports.lock_source(tx, said.source_system, hashes)
    if existing is not None:
        raise DuplicateRecord(f"/v1/reports/{existing}")


async def _check_reference(tx: Tx, said: ReportSaid) -> list[FieldError]:
    """Unknown recipients are refused, an unknown division is only warned about: codes live longer than tables."""
    await check_bases(tx, said.bases, at="/sharing_basis")
    if said.place is None or await agencies.known_division(tx, said.place):
        return []
    return [FieldError("/person/address/division_code", "unknown-division")]


async def _employer_ids(tx: Tx, said: ReportSaid) -> dict[EmployerSaid, UUID]:
    """Where a person lives says nothing of where its employer stands: all count as reported from the report's place."""
    named = list(
        dict.fromkeys(
            employer for employer in (said.employer, *(p.employer for p in said.people)) if employer is not None
        )
    )
    if not named:
        return {}
    division, places = said.place or tx.rights.division_code, await divisions.places(tx)
    sought = [(new_id(), new_id(), seek_employer(employer.name, employer.uscc, division, places)) for employer in named]
    return dict(zip(named, await employer_queries.employers_for(tx, sought), strict=True))


async def _case_for(
    tx: Tx, said: ReportSaid, linked: Sequence[LinkedPerson], employers: dict[EmployerSaid, UUID]
) -> _Placed:
    """The active case these people belong to, or the one whose household they are, or a new one. Locks the case."""
    employer_id = employers.get(said.employer) if said.employer else None
    case_id = await _active_case(tx, linked, None if linked else said.employer, employer_id)
    if case_id is not None:
        return _Placed(case_id)
    household = await lock_household(tx, linked)
    if household.case_id is not None:
        return _Placed(household.case_id, by_household=True)
    main = linked[0].found if linked else None
    opening = cases.Opening(
        kind="household" if linked else "employer",
        division_code=said.place or tx.rights.division_code,
        employer_id=None if linked else employer_id,
        birth_date=main.birth_date if main else None,
        cause_primary=said.cause_primary,
        causes_secondary=said.causes_secondary,
        urgency=said.urgency,
    )
    new_case_id, of_place = await cases.open_case(tx, opening)
    strange = () if of_place else (FieldError("/person/address/division_code", "no-union-of-the-place"),)
    return _Placed(new_case_id, opened=True, household=household, strange=strange)


async def _active_case(
    tx: Tx, linked: Sequence[LinkedPerson], employer: EmployerSaid | None, employer_id: UUID | None
) -> UUID | None:
    """The active case of these people, or of the employer alone, locked; it may close while we wait, so look again."""
    known = [person.person_id for person in linked if person.known]
    joined = [match.person for person in linked for match in person.joined]
    if known:
        await people.lock_persons(tx, sorted({*known, *joined}))
    going = [case.case_id for case in (await merges.main_cases(tx, joined)).values()] if joined else []

    async def find() -> UUID | None:
        if employer is not None and employer_id is not None:
            return await case_queries.active_case_of_employer(
                tx, employer_id, tx.rights.division_code, by_number=employer.uscc is not None
            )
        return await case_queries.active_case_of(tx, known) if known else None

    while (case_id := await find()) is not None:
        for one in sorted({case_id, *going}):
            await case_queries.lock_case(tx, one)
        if await find() == case_id:
            return case_id
    return None


async def _case_now(tx: Tx, case: asyncpg.Record) -> asyncpg.Record:
    """The case after persons were joined: it may have gone into an earlier one."""
    return await cases.seen_case(tx, await merges.merged_into(tx, case["id"]) or case["id"])


def _mark(tx: Tx, said: ReportSaid, report_id: UUID, case_id: UUID) -> UUID:
    classes = {"basic", "identity", "contact"} if said.people else {"basic"}
    if said.household:
        classes.add("family")
    return leave_mark(
        tx, "report.file", subject_type="report", subject_id=report_id, case_id=case_id, field_classes=classes
    )


async def _keep(
    tx: Tx,
    said: ReportSaid,
    body: bytes,
    linked: Sequence[LinkedPerson],
    *,
    employers: dict[EmployerSaid, UUID],
    ids: tuple[UUID, UUID],
    placed: _Placed,
) -> list[UUID]:
    """Writes the report and its person records; returns the records' ids. Raises Conflict where its own id is taken."""
    record_ids = [new_id() for _ in linked]
    try:
        await _insert(tx, said, body, linked, employers=employers, ids=ids, placed=placed, record_ids=record_ids)
    except asyncpg.UniqueViolationError:
        raise Conflict(reason="id-taken") from None
    return record_ids


async def _insert(
    tx: Tx,
    said: ReportSaid,
    body: bytes,
    linked: Sequence[LinkedPerson],
    *,
    employers: dict[EmployerSaid, UUID],
    ids: tuple[UUID, UUID],
    placed: _Placed,
    record_ids: Sequence[UUID],
) -> None:
    report_id, leaf_id = ids
    blind = tx.vault.blind  # taken once: an index and the name of its key belong together
    await reports.insert_report(
        tx,
        {
            "id": report_id,
            "source_system": said.source_system,
            "source_record": blind.index("source_record", said.source_record_id),
            "source_key": blind.key_id,
            "aware_at": said.aware_at,
            "channel": said.channel,
            "urgency": said.urgency,
            "body": tx.vault.cipher.seal_bytes(body, f"{BODY_CONTEXT}:{report_id}"),
            "body_sha256": hashlib.sha256(body).digest(),
            "leaf_id": leaf_id,
            "needs": list(said.needs),
            "by_household": placed.by_household,
        },
        [
            {**_record(tx, record_id, person, employers), "main": position == 0}
            for position, (record_id, person) in enumerate(zip(record_ids, linked, strict=True))
        ],
        case_id=placed.case_id,
    )


def _record(tx: Tx, record_id: UUID, person: LinkedPerson, employers: dict[EmployerSaid, UUID]) -> dict[str, object]:
    found, said, ids = person.found, person.found.said, person.found.identifiers
    blind = tx.vault.blind

    def sealed(text: str) -> str:
        return tx.vault.cipher.seal(text, f"{RECORD_CONTEXT}:{record_id}").hex()

    return {
        "id": str(record_id),
        "person_id": str(person.person_id),
        "name": sealed(found.name),
        "id_type": said.id_type,
        "id_number": sealed(found.id_number) if found.id_number else None,
        "id_index": _index(blind, "id_number", ids.id_number),
        "name_birth_index": _index(blind, "name_birth", ids.name_and_birth),
        "phone_indexes": [_index(blind, "phone", phone) for phone in ids.phones],
        "index_key": blind.key_id,
        "contact": sealed(_contact(found)),
        "sex": found.sex,
        "birth_date": found.birth_date.isoformat() if found.birth_date else None,
        "division_code": said.address.division_code if said.address else None,
        "employment_status": said.employment_status,
        "relation": said.relation,
        "employer_id": str(employers[said.employer]) if said.employer else None,
        "details": sealed(json.dumps({"health": said.health, "as_received": said.as_received, **said.details})),
    }


def _index(blind: BlindIndex, kind: str, value: str | None) -> str | None:
    """The keyed hash under the current key, in hexadecimal; look-ups try every live key."""
    return None if value is None else blind.index(kind, value).hex()


def _contact(found: PersonFound) -> str:
    address = found.said.address
    return json.dumps({"phones": found.phones, "address": address.detail if address else None}, ensure_ascii=False)


async def read_report(tx: Tx, report_id: UUID) -> tuple[asyncpg.Record, dict[str, object]]:
    """The report and what was said, as far as the caller may see it. Leaves a mark. Raises Hidden."""
    report = await seen_report(tx, report_id)
    body = tx.vault.cipher.open_bytes(report["body"], f"{BODY_CONTEXT}:{report_id}")
    classes = classes_of_report(report["parts"], roles=tx.rights.roles, purpose=tx.purpose)
    leave_mark(
        tx,
        "report.read",
        subject_type="report",
        subject_id=report_id,
        case_id=report["case_id"],
        field_classes=classes,
    )
    return report, project_report(json.loads(body), classes)

"""Cases: lists, the summary, the file, the steps of a case, who takes part."""

import json
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions import cases as verbs
from actions.access import require_supervision
from actions.case_files import read_case_file
from actions.case_links import search_own_number
from actions.linkage import hashed
from api.conditional import not_modified
from api.deps import ServicesDep, Writing, reads, reads_with_mark, spends, writes
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.params import Instant, Uuid
from api.schemas.cases import (
    AgencyName,
    CaseFile,
    CaseHits,
    CaseRow,
    CaseSearchIn,
    CaseStatus,
    CaseStep,
    CaseStepIn,
    CaseSummary,
    CauseShown,
    EmployerShown,
    InvitationIn,
    Links,
    LinkShown,
    NeedShown,
    Participants,
    ParticipantShown,
    PersonShown,
    ReportOfCase,
    Tasks,
    TaskShown,
    Timeline,
    TimelineEntry,
)
from api.schemas.reports import utc, utc_or_none
from api.strict_json import StrictRouter
from db.queries import cases, people, timeline
from db.transaction import Tx
from rules.disclosure import may_see_needs
from rules.errors import FieldError, ValidationFailed
from rules.events import standing, view_of
from rules.limits import SEARCH
from rules.reports import Identifiers, eighteen
from rules.texts import name_key

router = StrictRouter("/v1/cases", tags=["cases"])

_EVER = datetime(1900, 1, 1, tzinfo=UTC)


def summary(case: asyncpg.Record) -> CaseSummary:
    """A case as the acting agency may know it from its roles."""
    observes_only = set(case["roles"]) == {"observer"}
    return CaseSummary(
        id=case["id"],
        number=case["number"],
        kind=case["kind"],
        status=case["status"],
        coordinator=AgencyName(id=case["coordinator_agency_id"], name=case["coordinator_name"]),
        division_code=None if observes_only else case["division_code"],
        urgency=None if observes_only else case["urgency"],
        needs=[
            NeedShown(
                need=need["need"],
                status=need["status"],
                agency=AgencyName(id=need["agency_id"], name=need["agency_name"]),
            )
            for need in (case["needs"] if may_see_needs(case["roles"]) else ())
        ],
        roles=list(case["roles"]),
        opened_at=utc(case["opened_at"]),
        updated_at=utc(case["updated_at"]),
        closed_at=utc_or_none(case["closed_at"]),
        version=case["version"],
    )


@router.get("", operation_id="list_cases", response_model=Page[CaseRow])
async def list_cases(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    status: CaseStatus | None = None,
    updated_from: Instant | None = None,
    coordinator: Uuid | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the cases the caller's agency takes part in, newest change first; with `coordinator`, for a union
    supervisor, those of a union below. No total: counting would cost more than the list."""
    require_supervision(tx, coordinator)
    position = Position.of(tx, "cases", status=status, updated_from=updated_from, coordinator=coordinator)
    after = open_cursor(services, position, cursor)
    body = await cases.list_cases(
        tx,
        status=status,
        updated_from=updated_from or _EVER,
        after=after,
        limit=limit + 1,
        coordinator=coordinator,
    )
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("updated_at", "id"))


@router.post("/search", operation_id="search_cases")
async def search_cases(
    search: CaseSearchIn, _spent: Annotated[None, spends(SEARCH)], tx: Annotated[Tx, reads_with_mark()]
) -> CaseHits:
    """Find cases the caller already sees by identity number, by name and birth date, or by its own case number. A POST:
    personal data never stands in an address."""
    rows = await _search(tx, search)
    verbs.mark_search(tx)
    found = [await verbs.seen_case(tx, row["case_id"]) for row in rows]
    return CaseHits(data=[summary(case) for case in found])


async def _search(tx: Tx, search: CaseSearchIn) -> list[asyncpg.Record]:
    if search.agency_case_number is None:
        look_up = hashed(tx, _identifiers(search))
        return await people.search_records(tx, id_indexes=look_up.id_indexes, name_births=look_up.name_births)
    if search.id_number is not None or search.name is not None or search.birth_date is not None:
        raise ValidationFailed(FieldError("/agency_case_number", "own-number-alone"))
    return await search_own_number(tx, search.agency_case_number)


def _identifiers(search: CaseSearchIn) -> Identifiers:
    if search.id_number is None and (search.name is None or search.birth_date is None):
        raise ValidationFailed(FieldError("/id_number", "id-number-or-name-and-birth-date-required"))
    number = None
    if search.id_number is not None:
        number = eighteen(search.id_number)
    named = search.name is not None and search.birth_date is not None
    name_and_birth = f"{name_key(search.name or '')}|{search.birth_date}" if named else None
    return Identifiers(number, name_and_birth, ())


@router.get("/{case_id}", operation_id="read_case", response_model=CaseSummary)
async def get_case(case_id: Uuid, request: Request, tx: Annotated[Tx, reads()]) -> Response:
    """Read a case's summary: no sensitive class, so no purpose is needed and no audit mark is left."""
    case = await verbs.seen_case(tx, case_id)
    return not_modified(request, summary(case), version=case["version"], projection="-".join(sorted(case["roles"])))


@router.get("/{case_id}/file", operation_id="read_case_file")
async def get_case_file(case_id: Uuid, tx: Annotated[Tx, reads_with_mark()]) -> CaseFile:
    """Read the whole file as its coordinator. Needs `Tongli-Purpose`; leaves an audit mark."""
    file = await read_case_file(tx, case_id)
    return CaseFile(
        case=summary(file.case),
        field_classes=sorted(file.field_classes),
        causes=CauseShown(primary=file.case["cause_primary"], secondary=file.case["causes_secondary"]),
        difficulty_class=file.case["difficulty_class"],
        people=[PersonShown.model_validate(person) for person in file.people],
        employer=EmployerShown(name=file.employer["name"], uscc=file.employer["credit_code"])
        if file.employer
        else None,
        reports=[
            ReportOfCase(
                id=report["id"],
                agency_id=report["agency_id"],
                reported_at=utc(report["reported_at"]),
                channel=report["channel"],
            )
            for report in file.reports
        ],
    )


def _employer(row: asyncpg.Record | None) -> EmployerShown | None:
    return None if row is None else EmployerShown(name=row["name"], uscc=row["credit_code"])


@router.get("/{case_id}/timeline", operation_id="read_timeline")
async def get_timeline(case_id: Uuid, tx: Annotated[Tx, reads()]) -> Timeline:
    """Read what happened in a case, in order, as far as the caller may know it."""
    case = await verbs.seen_case(tx, case_id)
    rows = await timeline.events_of_case(tx, case_id)
    entries = (_entry(row, standing(case["roles"])) for row in rows)
    return Timeline(data=[entry for entry in entries if entry is not None])


def _entry(row: asyncpg.Record, roles: list[str]) -> TimelineEntry | None:
    part = row["part"] or []
    view = view_of(row["type"], [*roles, *part])
    if view is None:
        return None
    data = row["data"]
    full = view == "full"
    return TimelineEntry(
        event_id=row["id"],
        type=row["type"],
        at=utc(row["occurred_at"]),
        subject_type=row["subject_type"],
        subject_id=row["subject_id"],
        actor_agency=AgencyName(id=row["actor_agency_id"], name=row["actor_name"]) if full else None,
        from_status=data.get("from"),
        to_status=data.get("to"),
        changed=data["changed"] if full else [],
    )


@router.get("/{case_id}/participants", operation_id="list_participants")
async def get_participants(case_id: Uuid, tx: Annotated[Tx, reads()]) -> Participants:
    """List the agencies that take part: all of them for the coordinator, else the caller's own parts."""
    await verbs.seen_case(tx, case_id)
    return await _participants(tx, case_id)


async def _participants(tx: Tx, case_id: UUID) -> Participants:
    return Participants(
        data=[
            ParticipantShown(
                agency=AgencyName(id=row["agency_id"], name=row["name"]),
                kind=row["kind"],
                role=row["role"],
                since=utc(row["since"]),
                until=utc_or_none(row["until"]),
            )
            for row in await cases.participants_of(tx, case_id)
        ]
    )


@router.post("/{case_id}/participants", operation_id="invite_participant", status_code=201, response_model=Participants)
async def post_participant(case_id: Uuid, invitation: InvitationIn, writing: Annotated[Writing, writes()]) -> Response:
    """Let an agency observe the case: number, status, shared results. For the coordinator."""
    await verbs.invite(writing.tx, case_id, invitation.agency)
    shown = await _participants(writing.tx, case_id)
    return await writing.answer(shown, status=201, location=f"/v1/cases/{case_id}/participants")


@router.delete("/{case_id}/participants/{agency_id}", operation_id="end_participation", status_code=204)
async def delete_participant(
    case_id: Uuid, agency_id: Uuid, writing: Annotated[Writing, writes(key_required=False)]
) -> Response:
    """End an observer's part; it keeps nothing of the case but the events it already has."""
    await verbs.end_observation(writing.tx, case_id, agency_id, version=writing.expected_version())
    return await writing.answer(None, status=204)


@router.get("/{case_id}/links", operation_id="list_links")
async def get_links(case_id: Uuid, tx: Annotated[Tx, reads()]) -> Links:
    """List how records of this case were linked to persons, with the evidence by field name."""
    await verbs.seen_case(tx, case_id)
    return Links(
        data=[
            LinkShown(
                id=row["id"],
                kind=row["kind"],
                record_id=row["record_id"],
                other_record_id=row["other_record_id"],
                person_id=row["person_id"],
                verdict=row["verdict"],
                source=row["source"],
                reason=row["reason"],
                evidence=row["evidence"],
                decided_by=row["decided_by"],
                decided_at=utc(row["decided_at"]),
                undone_at=utc_or_none(row["withdrawn_at"]),
            )
            for row in await timeline.links_of_case(tx, case_id)
        ]
    )


@router.get("/{case_id}/tasks", operation_id="list_case_tasks")
async def get_tasks(case_id: Uuid, tx: Annotated[Tx, reads()]) -> Tasks:
    """List what the coordinator has to decide: needs that came back, possible duplicates and households, disputes,
    what a conference assigned, links that a later linkage model doubts."""
    await verbs.seen_case(tx, case_id)
    return Tasks(
        data=[
            TaskShown.model_validate(dict(row) | {"created_at": utc(row["created_at"]), "lead": _lead(row)})
            for row in await cases.open_tasks(tx, case_id)
        ]
    )


def _lead(task: asyncpg.Record) -> AgencyName | None:
    return AgencyName(id=task["lead_id"], name=task["lead_name"]) if task["lead_id"] else None


@router.post("/{case_id}/{step}", operation_id="take_case_step", response_model=CaseSummary)
async def post_step(
    case_id: Uuid, step: CaseStep, words: CaseStepIn, writing: Annotated[Writing, writes()]
) -> Response:
    """Move the case: assess, activate, propose_closing, close (exit reason and text), reopen (返困).

    Needs `If-Match`.
    """
    said = verbs.CaseStepWords(
        words.difficulty_class.value if words.difficulty_class else None, words.exit_reason, words.text
    )
    case = await verbs.take_case_step(writing.tx, case_id, step.value, said, version=writing.expected_version())
    return await writing.answer(summary(case), version=case["version"])

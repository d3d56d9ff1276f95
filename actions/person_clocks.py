"""What the clock does to requests of persons: says that their time has run out, counts it again."""

from datetime import datetime
from uuid import UUID

import asyncpg

from actions.system import SystemFact, record_for_system
from db.engine import Raw
from db.queries import person_requests
from rules.calendar import WorkCalendar
from rules.person_requests import OPEN_STATUSES, due_of


async def fire_request_clock(raw: Raw, request_id: UUID, case_id: UUID, now: datetime) -> bool:
    """Says once that a request was not answered in time. Four statements. False where nothing is due, or somebody is
    just working on it."""
    request = await person_requests.lock_for_clock(raw, request_id, case_id)
    if request is None or request["next_due"] is None or request["next_due"] > now:
        return False
    version = await person_requests.set_clock(raw, request_id, {"overdue": True, "next_due": None}, now)
    await record_for_system(raw, _fact(request, version), now)
    return True


async def count_request_again(
    raw: Raw, request_id: UUID, case_id: UUID, *, now: datetime, calendar: WorkCalendar
) -> bool:
    """Counts an open request's time again under a calendar that has become official. Three statements. False where
    nothing changed."""
    request = await person_requests.lock_for_clock(raw, request_id, case_id)
    if request is None or request["due_confirmed"] or request["status"] not in OPEN_STATUSES:
        return False
    due = due_of(request["kind"], request["received_at"], calendar, prolonged=request["prolonged"])
    if (due.at, due.confirmed) == (request["due_by"], False):
        return False
    changes = {"due_by": due.at, "due_confirmed": due.confirmed, "next_due": None if request["overdue"] else due.at}
    await person_requests.set_clock(raw, request_id, changes, now)
    return True


def _fact(request: asyncpg.Record, version: int) -> SystemFact:
    return SystemFact(
        type="person_request.overdue",
        action="person_request.overdue",
        subject_type="person_request",
        subject_id=request["id"],
        version=version,
        agency_id=request["coordinator_agency_id"],
        case_id=request["case_id"],
        parties={"other": sorted({request["agency_id"], request["decider_agency_id"]})},
        changed=("overdue",),
    )

"""Asks the coordinators of cases whose period of retention is over what becomes of them. Never erases by itself."""

from datetime import datetime, timedelta

import asyncpg

from actions.system import SystemFact, record_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import erasures
from rules.deadlines import end_of_day
from rules.retention import latest_close_to_erase

_DAY = timedelta(days=1)


def closed_before(now: datetime) -> datetime:
    """Cases closed before this instant may be erased at `now`."""
    return end_of_day(latest_close_to_erase(now) - _DAY)


async def ask_coordinator(raw: Raw, case: asyncpg.Record, now: datetime) -> bool:
    """Opens a task for the coordinator and tells it. Two statements. False where it was asked before."""
    if not await erasures.open_retention_task(
        raw, new_id(), case["case_id"], closed_before=closed_before(now), now=now
    ):
        return False
    fact = SystemFact(
        type="retention.due",
        action="case.retention_due",
        subject_type="case",
        subject_id=case["case_id"],
        version=case["version"],
        agency_id=case["coordinator_agency_id"],
        case_id=case["case_id"],
    )
    await record_for_system(raw, fact, now)
    return True

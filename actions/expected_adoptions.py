"""Expects of each agency that something was sent to that it says whether it adopts it, and says who is late."""

from datetime import datetime
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.system import SystemFact, record_all_for_system
from db.engine import Raw
from db.queries import expected_adoptions
from db.queries.calendar import calendar_of
from db.queries.expected_adoptions import Sent
from db.transaction import Tx
from rules.calendar import WorkCalendar
from rules.deadlines import Period, due_at
from rules.errors import Hidden
from rules.results import ADOPT_WITHIN
from rules.rights import Subject


async def expect(tx: Tx, sent: Sent, within: Period | None = None) -> None:
    """Lets it be expected from now on, `within` the matter's own period or ours. One statement."""
    period = within or ADOPT_WITHIN
    await expected_adoptions.expect(tx, sent, period, due_at(tx.now, period, await calendar_of(tx)))


async def seen_expected(tx: Tx, expected_id: UUID) -> asyncpg.Record:
    """The expected adoption. Raises Hidden. One statement."""
    expected = await expected_adoptions.find(tx, expected_id)
    if expected is None:
        raise Hidden
    require_part(tx, Subject.expected_adoption, expected["parts"])
    return expected


async def fire_overdue(raw: Raw, now: datetime, limit: int) -> int:
    """Says of up to `limit` that nobody said in time whether they are adopted; each once. How many. Two statements."""
    late = await expected_adoptions.fire(raw, now, limit)
    facts = [
        SystemFact(
            type="adoption.overdue",
            action="adoption.overdue",
            subject_type="expected_adoption",
            subject_id=expected["id"],
            version=1,
            agency_id=expected["coordinator_agency_id"],
            case_id=expected["case_id"],
            parties={"other": [expected["agency_id"]]},
            changed=("overdue",),
        )
        for expected in late
    ]
    await record_all_for_system(raw, facts, now)
    return len(late)


async def count_expected_again(raw: Raw, expected_id: UUID, calendar: WorkCalendar) -> bool:
    """Counts its date again under a calendar that has become official. Two statements. False where nothing changed."""
    expected = await expected_adoptions.lock(raw, expected_id)
    if expected is None:
        return False
    due = due_at(expected["arisen_at"], Period(expected["amount"], expected["unit"]), calendar)
    if (due.at, due.confirmed) == (expected["due_at"], expected["due_confirmed"]):
        return False
    await expected_adoptions.set_due(raw, expected_id, due)
    return True

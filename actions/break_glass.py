"""Opens a case's file in an emergency to a participant that has no basis for it, and lets others judge that."""

from datetime import timedelta
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import seen_case
from actions.events import record_event
from actions.system import SystemFact, record_for_system
from crypto.ids import new_id
from db.clock import real_time
from db.engine import Raw
from db.queries import break_glass
from db.transaction import Tx
from rules.break_glass import REVIEW_WITHIN, check_opening, check_review
from rules.errors import Hidden
from rules.rights import Subject

TEXT_CONTEXT = "break_glass.text"
REVIEW_CONTEXT = "break_glass.review_text"


async def open_glass(tx: Tx, case_id: UUID, *, danger: str, text: str, hours: int) -> asyncpg.Record:
    """Lets the acting agency read what helps at once for up to `hours`. Five statements; told to the coordinator.

    Raises Hidden, Conflict for the coordinator and while an earlier use waits for its judgement beyond its day.
    """
    case = await seen_case(tx, case_id)
    now = real_time()
    check_opening(case["roles"], unreviewed=await break_glass.has_overdue_review(tx, now))
    use_id = new_id()
    row = {
        "id": use_id,
        "case_id": case_id,
        "coordinator_agency_id": case["coordinator_agency_id"],
        "danger": danger,
        "text": tx.vault.cipher.seal(text, f"{TEXT_CONTEXT}:{use_id}"),
        "opened_at": now,
        "ends_at": now + timedelta(hours=hours),
        "review_by": now + REVIEW_WITHIN,
    }
    await break_glass.insert_use(tx, row)
    _tell(tx, "break_glass.opened", use_id, case_id)
    leave_mark(
        tx,
        "break_glass.open",
        subject_type="break_glass",
        subject_id=use_id,
        case_id=case_id,
        facts={"danger": danger, "hours": hours},
    )
    return await seen_use(tx, use_id)


async def seen_use(tx: Tx, use_id: UUID) -> asyncpg.Record:
    """One use. Raises Hidden, InsufficientRole. One statement."""
    use = await break_glass.find_use(tx, use_id)
    if use is None:
        raise Hidden
    parts = {"owner"} if use["agency_id"] == tx.agency_id else set()
    parts |= {"coordinator"} if use["coordinator_agency_id"] == tx.agency_id else set()
    parts |= {"supervisor"} if use["coordinator_agency_id"] in tx.rights.below else set()
    require_part(tx, Subject.break_glass, parts, erased=not use["text"])
    return use


async def review_use(tx: Tx, use_id: UUID, *, verdict: str, text: str) -> asyncpg.Record:
    """Judges a use: the coordinator of the case, or a supervisor above it, never who opened. What is judged not
    justified closes at once. Three statements. Raises Hidden, InsufficientRole, InvalidTransition."""
    use = await seen_use(tx, use_id)
    check_review(use["reviewed_at"])
    sealed = tx.vault.cipher.seal(text, f"{REVIEW_CONTEXT}:{use_id}")
    await break_glass.review_use(tx, use_id, verdict=verdict, text=sealed, now=real_time())
    _tell(tx, "break_glass.reviewed", use_id, use["case_id"], other=use["agency_id"])
    leave_mark(
        tx,
        "break_glass.review",
        subject_type="break_glass",
        subject_id=use_id,
        case_id=use["case_id"],
        facts={"verdict": verdict},
    )
    return await seen_use(tx, use_id)


async def remind_of_reviews(raw: Raw, *, limit: int) -> int:
    """Says of every use whose day has passed that nobody judged it; how many."""
    now = real_time()
    rows = await break_glass.unreviewed(raw, now, limit)
    for row in rows:
        fact = SystemFact(
            type="break_glass.overdue",
            action="break_glass.overdue",
            subject_type="break_glass",
            subject_id=row["id"],
            version=1,
            agency_id=row["coordinator_agency_id"],
            case_id=row["case_id"],
            parties={"other": [row["agency_id"]]},
        )
        await record_for_system(raw, fact, now)
        await break_glass.mark_reminded(raw, row["id"])
    return len(rows)


def _tell(tx: Tx, event: str, use_id: UUID, case_id: UUID, **parties: UUID) -> None:
    record_event(tx, event, subject_type="break_glass", subject_id=use_id, version=1, case_id=case_id, parties=parties)

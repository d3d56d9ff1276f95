"""Tells the coordinators of both sides of a possible match, each in its own case: neither learns the other's."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.events import record_event
from actions.system import SystemFact, record_for_system
from db.engine import Raw
from db.transaction import Tx


def _cases(match: asyncpg.Record) -> Iterator[tuple[UUID, UUID]]:
    """(case, coordinator) of each side that may know: once where one union has both, the holder alone of a silent
    one."""
    yield match["other_case_id"], match["holder_agency_id"]
    if not match["silent"] and match["coordinator_agency_id"] != match["holder_agency_id"]:
        yield match["case_id"], match["coordinator_agency_id"]


def tell_sides(tx: Tx, event_type: str, match: asyncpg.Record, *, moved: tuple[str, str] | None = None) -> None:
    """One event in the case of each side. `match` has id, version, silent, the cases and their coordinators.

    The case of the other side is not locked: its events may be numbered in another order than they happened.
    """
    for case_id, _ in _cases(match):
        record_event(
            tx,
            event_type,
            subject_type="match_candidate",
            subject_id=match["id"],
            version=match["version"],
            case_id=case_id,
            moved=moved,
        )


async def tell_sides_for_system(
    raw: Raw, event_type: str, match: asyncpg.Record, now: datetime, *, moved: tuple[str, str]
) -> None:
    """The same for what the clock did, with a leaf each. One statement for each side."""
    for fact in facts_of_sides(event_type, match, moved=moved):
        await record_for_system(raw, fact, now)


def facts_of_sides(
    event_type: str, match: asyncpg.Record, *, moved: tuple[str, str] | None = None
) -> Iterator[SystemFact]:
    """What the program tells each side."""
    for case_id, coordinator in _cases(match):
        yield SystemFact(
            type=event_type,
            action=event_type,
            subject_type="match_candidate",
            subject_id=match["id"],
            version=match["version"],
            agency_id=coordinator,
            case_id=case_id,
            moved=moved,
        )

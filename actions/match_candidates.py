"""Shows the coordinators of two cases what the linker left for people to decide, and takes their decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.case_files import opened_record
from actions.match_events import tell_sides, tell_sides_for_system
from actions.system import SystemFact, record_for_system
from crypto.ids import new_id
from db.clock import real_time
from db.engine import Raw
from db.queries import match_candidates
from db.transaction import Tx
from rules.access_requests import opens_for
from rules.disclosure import classes_of_file, classes_of_roles, project_person
from rules.errors import Hidden, PreconditionFailed
from rules.field_classes import FieldClass
from rules.match_candidates import (
    COMPARED,
    REVIEW_WITHIN,
    check_decidable,
    lapses_at,
    levels_shown,
    parts_in_match,
)
from rules.people import fold
from rules.purposes import classes_for
from rules.rights import Subject

MOST_IDENTITIES = 5
"""Identities one agency may file for one person within a day before somebody is told."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two descriptions, masked; `household_size` None where class `family` is closed."""

    own: bool
    person: dict[str, object]
    household_size: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`terms` and `weight` for whoever coordinates both cases; a grant opens `levels` only. `classes` are those of the
    other side."""

    sides: tuple[Side, ...]
    classes: frozenset[str]
    levels: list[dict[str, str]]
    terms: list[dict[str, Any]] | None
    weight: float | None
    request_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenedMatch:
    match: asyncpg.Record
    parts: frozenset[str]
    comparison: Comparison | None = None


def parts_of(tx: Tx, match: asyncpg.Record) -> frozenset[str]:
    return parts_in_match(
        tx.agency_id,
        coordinator=match["coordinator_agency_id"],
        holder=match["holder_agency_id"],
        silent=match["silent"],
    )


def own_case(match: asyncpg.Record, parts: frozenset[str]) -> UUID:
    """The case the caller coordinates; the later one of two."""
    case_id: UUID = match["case_id"] if "coordinator" in parts else match["other_case_id"]
    return case_id


async def seen_candidate(tx: Tx, candidate_id: UUID, *, locked: bool = False) -> OpenedMatch:
    """The candidate. Raises Hidden, InsufficientRole. One statement."""
    find = match_candidates.lock_candidate if locked else match_candidates.find_candidate
    match = await find(tx, candidate_id)
    if match is None:
        raise Hidden
    parts = parts_of(tx, match)
    require_part(tx, Subject.match_candidate, parts)
    return OpenedMatch(match, parts)


async def read_candidate(tx: Tx, candidate_id: UUID) -> OpenedMatch:
    """The candidate as far as the caller may know it: a sensitive read, which leaves a mark. Three statements at most.

    Raises Hidden, InsufficientRole.
    """
    opened = await seen_candidate(tx, candidate_id)
    if "comparer" in opened.parts:
        comparison: Comparison | None = await _compare(tx, opened.match)
    else:
        comparison = await _compare_by_grant(tx, opened)
    if comparison is None:
        mark_match(tx, "read", opened.match, own_case(opened.match, opened.parts))
    return OpenedMatch(opened.match, opened.parts, comparison)


async def read_terms(tx: Tx, candidate_id: UUID) -> asyncpg.Record:
    """The candidate for whoever may see its terms: the coordinator of both cases. Leaves a mark. One statement.

    Raises Hidden, InsufficientRole.
    """
    opened = await seen_candidate(tx, candidate_id)
    mark_match(tx, "read_terms", opened.match, own_case(opened.match, opened.parts))
    return opened.match


async def _compare(tx: Tx, match: asyncpg.Record) -> Comparison:
    """Both sides, each masked as its case's file is; a mark in either case."""
    classes = classes_of_file(("coordinator",), roles=tx.rights.roles, purpose=tx.purpose)
    rows = await match_candidates.records_of(tx, match["id"])
    for case_id in dict.fromkeys((match["case_id"], match["other_case_id"])):
        mark_match(tx, "compare", match, case_id, classes=classes)
    return Comparison(
        sides=tuple(
            _side(tx, [row for row in rows if row["later"] is later], classes, own=True) for later in (True, False)
        ),
        classes=classes,
        levels=levels_shown(match["terms"], classes),
        terms=match["terms"],
        weight=match["weight"],
    )


async def _compare_by_grant(tx: Tx, opened: OpenedMatch) -> Comparison | None:
    """Both sides where the holder granted it for this purpose and the grant runs: the other in the granted classes."""
    match, parts = opened.match, opened.parts
    rows = await match_candidates.shown_by_grant(tx, match["id"])
    if not rows or not opens_for(rows[0]["purpose"], tx.purpose):
        return None
    grant = rows[0]
    classes = frozenset(
        {FieldClass(name) for name in grant["field_classes"]}
        & classes_of_roles(tx.rights.roles)
        & classes_for(tx.purpose)
    )
    later = "coordinator" in parts
    own_rows = [row for row in await match_candidates.records_of(tx, match["id"]) if row["later"] is later]
    own_classes = classes_of_file(("coordinator",), roles=tx.rights.roles, purpose=tx.purpose)
    mark_match(tx, "compare", match, own_case(match, parts), classes=own_classes)
    # In the holder's case, so that it and the person learn of every look; the granted case's id is told by it.
    mark_match(tx, "compare_by_grant", match, grant["case_id"], classes=classes, request=str(grant["request_id"]))
    return Comparison(
        sides=(_side(tx, own_rows, own_classes, own=True), _side(tx, rows, classes, own=False)),
        classes=classes,
        levels=levels_shown(match["terms"], classes),
        terms=None,
        weight=None,
        request_id=grant["request_id"],
        expires_at=grant["expires_at"],
    )


def _side(tx: Tx, rows: Sequence[asyncpg.Record], classes: frozenset[str], *, own: bool) -> Side:
    person = project_person(fold([opened_record(tx, row) for row in rows]), classes)
    return Side(
        own=own,
        person={name: person[name] for name in COMPARED if name in person},
        household_size=rows[0]["household_size"] if FieldClass.family in classes else None,
    )


async def decide_not_duplicate(
    tx: Tx, candidate_id: UUID, *, reason: str, until: date | None, version: int
) -> OpenedMatch:
    """Says that the two records are two people, until a day where one is named. Five statements.

    Raises Hidden, InsufficientRole, PreconditionFailed, InvalidTransition, ValidationFailed.
    """
    opened = await _locked(tx, candidate_id, version)
    check_decidable(opened.match["status"], wanted="open")
    await _decide(tx, [candidate_id], reason=reason, until=lapses_at(until, tx.now))
    return await seen_candidate(tx, candidate_id)


async def decide_of_source(
    tx: Tx, *, source_system: str, agency_id: UUID | None, reason: str, until: date | None, limit: int
) -> int:
    """The same for up to `limit` open ones whose later report came from this source, where the caller coordinates both
    sides; how many. Three statements. Raises ValidationFailed."""
    lapses = lapses_at(until, tx.now)
    rows = await match_candidates.lock_open_of_source(tx, source_system=source_system, agency_id=agency_id, limit=limit)
    if rows:
        await _decide(tx, [row["id"] for row in rows], reason=reason, until=lapses)
    else:
        leave_mark(tx, "match_candidate.nothing_left", subject_type="match_candidate", subject_id=None)
    return len(rows)


async def _decide(tx: Tx, candidates: Sequence[UUID], *, reason: str, until: datetime | None) -> None:
    links = [new_id() for _ in candidates]
    await match_candidates.assert_different(tx, candidates, links, reason=reason, decided_by=_decider(tx))
    for match in await match_candidates.mark_not_duplicate(tx, candidates, reason=reason, until=until):
        tell_sides(tx, "match.decided", match, moved=("open", "not_duplicate"))
        mark_match(tx, "not_duplicate", match, own_case(match, parts_of(tx, match)), reason=reason)


async def undo_not_duplicate(tx: Tx, candidate_id: UUID, *, version: int) -> OpenedMatch:
    """Takes such a decision back, whichever side made it: the match is open again. Four statements.

    Raises Hidden, InsufficientRole, PreconditionFailed, InvalidTransition.
    """
    opened = await _locked(tx, candidate_id, version)
    check_decidable(opened.match["status"], wanted="not_duplicate")
    await match_candidates.undo_not_duplicate(
        tx, candidate_id, new_id(), decided_by=_decider(tx), due_at=tx.now + REVIEW_WITHIN
    )
    now = await seen_candidate(tx, candidate_id)
    tell_sides(tx, "match.undone", now.match, moved=("not_duplicate", "open"))
    mark_match(tx, "undo", now.match, own_case(now.match, now.parts))
    return now


async def _locked(tx: Tx, candidate_id: UUID, version: int) -> OpenedMatch:
    opened = await seen_candidate(tx, candidate_id, locked=True)
    if opened.match["version"] != version:
        raise PreconditionFailed(f'"v{opened.match["version"]}"')
    return opened


def _decider(tx: Tx) -> str:
    return f"{tx.caller.kind} {tx.caller.principal_id}"


def mark_match(
    tx: Tx,
    verb: str,
    match: asyncpg.Record,
    case_id: UUID,
    *,
    classes: frozenset[str] = frozenset(),
    **facts: object,
) -> None:
    leave_mark(
        tx,
        f"match_candidate.{verb}",
        subject_type="match_candidate",
        subject_id=match["id"],
        case_id=case_id,
        field_classes=classes,
        facts=facts,
    )


async def lapse(raw: Raw, candidate_id: UUID, now: datetime) -> bool:
    """Opens a match again whose decision was to hold until now; False where somebody has it at hand."""
    match = await match_candidates.lapse(raw, candidate_id, new_id(), now=now, due_at=now + REVIEW_WITHIN)
    if match is None:
        return False
    await tell_sides_for_system(raw, "match.undone", match, now, moved=("not_duplicate", "open"))
    return True


async def tell_of_probing(raw: Raw, since: datetime) -> int:
    """Says of each agency that tried identities out since then that it did, to whoever coordinates the case and to the
    union at the top; how many. Who it was stands in the leaf, as with a decoy."""
    now = real_time()
    suspects = await match_candidates.probing_suspects(raw, since, now, MOST_IDENTITIES)
    for suspect in suspects:
        fact = SystemFact(
            type="probing.suspected",
            action="probing.suspected",
            subject_type="case",
            subject_id=suspect["case_id"],
            version=1,
            agency_id=suspect["guardian"],
            parties={"owner": list(dict.fromkeys((suspect["guardian"], suspect["top_union"])))},
            facts={"by": str(suspect["agency_id"]), "identities": suspect["contents"]},
        )
        await record_for_system(raw, fact, now)
    return len(suspects)

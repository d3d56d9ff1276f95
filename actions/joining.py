"""People say that a possible match is one: two records become one person, and their cases one case."""

import json
from uuid import UUID

import asyncpg

from actions.audit import leave_mark
from actions.cases import case_tag
from actions.events import record_event
from actions.merges import follow, lock_people
from crypto.ids import new_id
from db.queries import links, merges
from db.queries.merges import Assertion
from db.transaction import Tx
from rules.errors import Conflict, Hidden, PreconditionFailed


async def confirm(tx: Tx, candidate_id: UUID, *, version: int) -> asyncpg.Record:
    """Says that a possible match is one. Where two unions coordinate, both must: the second word joins, and a silent
    match is told to the other side by its holder's word. Returns it as it stands now. About a dozen statements.

    Raises Hidden, PreconditionFailed; Conflict where it was decided, said already, or a difference stands.
    """
    found = await _open_candidate(tx, candidate_id, version)
    await lock_people(tx, [found["record_id"], found["other_record_id"]])
    found = await _open_candidate(tx, candidate_id, version)
    two = found["coordinator"] != found["other_coordinator"]
    if two and found["confirmed_by_agency"] == tx.agency_id:
        raise Conflict(reason="other-side-must-confirm")
    if two and found["confirmed_by_agency"] is None:
        await merges.first_word(tx, candidate_id)
    else:
        await _join(tx, found)
        await merges.decide_candidate(tx, candidate_id, "confirmed")
    leave_mark(
        tx,
        "match.confirm",
        subject_type="match_candidate",
        subject_id=candidate_id,
        case_id=found["own_case_id"],
        facts={"word": "first" if two and found["confirmed_by_agency"] is None else "last"},
    )
    decided = await merges.find_candidate(tx, candidate_id)
    assert decided is not None
    return decided


async def _open_candidate(tx: Tx, candidate_id: UUID, version: int) -> asyncpg.Record:
    found = await merges.find_candidate(tx, candidate_id)
    if found is None:
        raise Hidden
    if found["version"] != version:
        raise PreconditionFailed(case_tag(found["version"]))
    if found["status"] != "open":
        raise Conflict(reason="match-decided")
    return found


async def _join(tx: Tx, found: asyncpg.Record) -> None:
    """Asserts that both records are one person; what was said to be different stands against it."""
    persons = await merges.persons_by_links(tx, [found["record_id"], found["other_record_id"]])
    mine, theirs = persons[found["record_id"]], persons[found["other_record_id"]]
    if mine is None or theirs is None or await links.differences(tx, [mine, theirs]):
        raise Conflict(reason="standing-difference")
    link_id = new_id()
    await merges.assert_link(
        tx,
        Assertion(
            id=link_id,
            record_id=found["record_id"],
            person_id=theirs,
            other_record_id=found["other_record_id"],
            verdict="same",
            source="person",
            decided_by=str(tx.caller.principal_id),
            weight=found["weight"],
            terms=json.dumps(found["terms"]),
            model_version=found["model_version"],
        ),
    )
    record_event(
        tx,
        "match.confirmed",
        subject_type="match_candidate",
        subject_id=found["id"],
        version=found["version"] + 1,
        case_id=found["other_case_id"],
        parties={"other": {found["coordinator"], found["other_coordinator"]}},
    )
    shared = await follow(tx, link_id, [found["record_id"], found["other_record_id"]])
    await merges.count_values(tx, fewer=shared)

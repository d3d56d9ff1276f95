"""People say that a possible match is one: two records become one person, and their cases one case."""

import json
from uuid import UUID

import asyncpg

from actions.match_candidates import OpenedMatch, mark_match, own_case, seen_candidate, undo_not_duplicate
from actions.match_events import tell_sides
from actions.merges import follow, lock_people, undo
from crypto.ids import new_id
from db.queries import links, merges
from db.queries.merges import Assertion
from db.transaction import Tx
from rules.errors import Conflict, PreconditionFailed
from rules.match_candidates import check_decidable


async def confirm(tx: Tx, candidate_id: UUID, *, version: int) -> OpenedMatch:
    """Says that a possible match is one. Where two unions coordinate, both must: the second word joins, and a silent
    match is told to the other side by its holder's word. About a dozen statements.

    Raises Hidden, InsufficientRole, PreconditionFailed, InvalidTransition; Conflict where it was said already, or a
    difference stands.
    """
    opened = await _open_match(tx, candidate_id, version)
    await lock_people(tx, [opened.match["record_id"], opened.match["other_record_id"]])
    opened = await _open_match(tx, candidate_id, version, locked=True)
    first = opened.match["confirmed_by_agency"]
    if "comparer" not in opened.parts and first == tx.agency_id:
        raise Conflict(reason="other-side-must-confirm")
    mark_match(tx, "confirm", opened.match, own_case(opened.match, opened.parts))
    if "comparer" not in opened.parts and first is None:
        await merges.first_word(tx, candidate_id)
        now = await seen_candidate(tx, candidate_id)
        tell_sides(tx, "match.found", now.match)
        return now
    await _join(tx, opened.match)
    now = await seen_candidate(tx, candidate_id)
    tell_sides(tx, "match.confirmed", now.match, moved=("open", "confirmed"))
    return now


async def _open_match(tx: Tx, candidate_id: UUID, version: int, *, locked: bool = False) -> OpenedMatch:
    opened = await seen_candidate(tx, candidate_id, locked=locked)
    if opened.match["version"] != version:
        raise PreconditionFailed(f'"v{opened.match["version"]}"')
    check_decidable(opened.match["status"], wanted="open")
    return opened


async def _join(tx: Tx, match: asyncpg.Record) -> None:
    """Asserts that both records are one person; what was said to be different stands against it."""
    record_id, other_id = match["record_id"], match["other_record_id"]
    persons = await merges.persons_by_links(tx, [record_id, other_id])
    mine, theirs = persons[record_id], persons[other_id]
    if mine is None or theirs is None or await links.differences(tx, [mine, theirs]):
        raise Conflict(reason="standing-difference")
    link_id = new_id()
    await merges.assert_link(
        tx,
        Assertion(
            id=link_id,
            record_id=record_id,
            person_id=theirs,
            other_record_id=other_id,
            verdict="same",
            source="person",
            decided_by=f"{tx.caller.kind} {tx.caller.principal_id}",
            weight=match["weight"],
            terms=json.dumps(match["terms"]),
            model_version=match["model_version"],
        ),
    )
    await merges.decide_candidate(tx, match["id"], "confirmed")
    shared = await follow(tx, link_id, [record_id, other_id])
    await merges.count_values(tx, fewer=shared)


async def undo_decision(tx: Tx, candidate_id: UUID, *, version: int) -> OpenedMatch:
    """Takes back what was decided of a possible match: that they are two, or, with all that followed, one.

    Raises Hidden, InsufficientRole, PreconditionFailed, InvalidTransition, Conflict.
    """
    opened = await seen_candidate(tx, candidate_id)
    link_id = await merges.standing_link(tx, opened.match["record_id"], opened.match["other_record_id"])
    if opened.match["status"] != "confirmed" or link_id is None:
        return await undo_not_duplicate(tx, candidate_id, version=version)
    if opened.match["version"] != version:
        raise PreconditionFailed(f'"v{opened.match["version"]}"')
    await undo(tx, link_id, "different_persons")
    return await seen_candidate(tx, candidate_id)

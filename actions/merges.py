"""Joins persons that proved to be one, and parts them again; households, cases and access follow, and go back.

A link is an assertion that is never changed. What follows from it is worked out by PostgreSQL from assertions, records,
reports and referrals, so that an undone link leaves nothing behind (decision 0027).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from actions import cases
from actions.access import require_part
from actions.audit import leave_mark
from actions.events import record_event
from actions.linkage import LinkedPerson, evidence_of, open_features, terms_of
from actions.match_events import tell_sides
from crypto.ids import new_id
from db.queries import cases as case_queries
from db.queries import match_candidates, merges, people
from db.queries.merges import Assertion, Pair, Stray
from db.transaction import Tx
from rules.errors import Conflict, Hidden
from rules.linkage.scoring import rare_values
from rules.rights import Subject


@dataclass(frozen=True, slots=True)
class Parted:
    """What became of an undone link. `case_ids`: cases that stand for themselves again, or were opened for whom the
    link had brought into another's."""

    link_id: UUID
    record_id: UUID
    case_ids: tuple[UUID, ...]


async def follow(tx: Tx, link_id: UUID, records: Sequence[UUID]) -> list[int]:
    """Lets persons and cases follow an asserted link. Returns the hashed values that both persons had: they are one
    person's now, and the caller counts them once less, last of all. Three statements and those of the events.

    The caller holds the locks of both persons and their cases.
    """
    before = await _values_by_person(tx, records)
    merged = await merges.follow_link(tx, link_id)
    await merges.close_candidates(tx, records)
    for pair in merged:
        _say_merged(tx, pair, link_id)
    return _shared(tx, before)


async def join_known(tx: Tx, linked: Sequence[tuple[UUID, LinkedPerson]]) -> list[int]:
    """Joins persons of whom a report's records (id, person) proved that they are one. Returns what `follow` does."""
    shared: list[int] = []
    version = tx.database.linkage_model.version
    for record_id, person in linked:
        for match in person.joined:
            link_id = new_id()
            await merges.assert_link(
                tx,
                Assertion(
                    id=link_id,
                    record_id=record_id,
                    person_id=match.person,
                    other_record_id=match.record,
                    verdict="same",
                    source="model",
                    decided_by=f"model {version}",
                    weight=match.score.weight,
                    terms=json.dumps(terms_of(match.score)),
                    evidence=json.dumps(evidence_of(match.score)),
                    model_version=version,
                ),
            )
            shared += await follow(tx, link_id, [record_id, match.record])
    return shared


def _say_merged(tx: Tx, pair: Pair, link_id: UUID) -> None:
    """Whoever took part in the case that is left learns from its id where it went."""
    record_event(tx, "case.merged", subject_type="case", subject_id=pair.other, version=pair.version, case_id=pair.kept)
    leave_mark(
        tx,
        "case.merge",
        subject_type="case",
        subject_id=pair.other,
        case_id=pair.kept,
        facts={"link": str(link_id), "kept": str(pair.kept)},
    )


async def _values_by_person(tx: Tx, records: Sequence[UUID]) -> dict[UUID, set[str]]:
    """What counts towards rarity, by person."""
    values: dict[UUID, set[str]] = defaultdict(set)
    for row in await merges.records_of_persons(tx, records):
        if row["features"] is not None:
            values[row["person_id"]].update(rare_values(open_features(tx, row["record_id"], row["features"])))
    return values


def _shared(tx: Tx, by_person: Mapping[UUID, Iterable[str]]) -> list[int]:
    """Values that two of these persons have: one person has them once."""
    seen: set[str] = set()
    twice: list[str] = []
    for values in by_person.values():
        twice += sorted(seen.intersection(values))
        seen.update(values)
    return [tx.vault.links.hash(value) for value in twice]


async def undo(tx: Tx, link_id: UUID, reason: str) -> Parted:
    """Withdraws a link: its two records are different from now on, and whatever followed from it goes back. Withdraws
    such an undoing: they are one again. About a dozen statements.

    For the coordinator of its record's case. Raises Hidden; Conflict where it was undone, or founded the person, or
    another union has a say in it.
    """
    link = await _undoable(tx, link_id)
    ends = [link["record_id"], link["other_record_id"]]
    await lock_people(tx, ends)
    await _undoable(tx, link_id)
    leave_mark(
        tx, "link.undo", subject_type="link", subject_id=link_id, case_id=link["case_id"], facts={"reason": reason}
    )
    if link["verdict"] == "different":
        await _link_again(tx, link, reason)
        return Parted(link_id, link["record_id"], ())
    return await _part(tx, link, reason)


async def _part(tx: Tx, link: asyncpg.Record, reason: str) -> Parted:
    link_id, ends = link["id"], [link["record_id"], link["other_record_id"]]
    await merges.assert_link(
        tx,
        Assertion(
            id=new_id(),
            record_id=link["record_id"],
            person_id=link["person_id"],
            other_record_id=link["other_record_id"],
            verdict="different",
            source="person",
            decided_by=f"{tx.caller.kind} {tx.caller.principal_id}",
            reason=reason,
            withdraws=link_id,
        ),
    )
    parted = await merges.follow_withdrawal(tx, link_id)
    opened = [await _rehouse(tx, stray) for end in ends for stray in await merges.stray_reports(tx, end)]
    await _undo_match(tx, link)
    for pair in (*parted, *opened):
        _say_parted(tx, pair)
    await merges.count_values(tx, more=_shared(tx, await _values_by_person(tx, ends)))
    return Parted(link_id, link["record_id"], tuple(pair.other for pair in (*parted, *opened)))


async def _link_again(tx: Tx, undone: asyncpg.Record, reason: str) -> None:
    """The two records are one after all, where no other union coordinates one of them: that one would have to agree."""
    ends = [undone["record_id"], undone["other_record_id"]]
    persons = await merges.persons_by_links(tx, ends)
    mine, theirs = persons[ends[0]], persons[ends[1]]
    main_cases = await merges.main_cases(tx, [one for one in (mine, theirs) if one is not None])
    if theirs is None or any(case.coordinator != tx.agency_id for case in main_cases.values()):
        raise Conflict(reason="other-side-must-confirm")
    link_id = new_id()
    await merges.assert_link(
        tx,
        Assertion(
            id=link_id,
            record_id=ends[0],
            person_id=theirs,
            other_record_id=ends[1],
            verdict="same",
            source="person",
            decided_by=f"{tx.caller.kind} {tx.caller.principal_id}",
            reason=reason,
            withdraws=undone["id"],
        ),
    )
    await merges.count_values(tx, fewer=await follow(tx, link_id, ends))


async def _undo_match(tx: Tx, link: asyncpg.Record) -> None:
    """A match that people had confirmed says that it was undone."""
    candidate_id = await merges.confirmed_candidate(tx, link["record_id"], link["other_record_id"])
    if candidate_id is not None:
        await merges.decide_candidate(tx, candidate_id, "undone")
        match = await match_candidates.find_candidate(tx, candidate_id)
        if match is not None:
            tell_sides(tx, "match.undone", match, moved=("confirmed", "undone"))


async def _undoable(tx: Tx, link_id: UUID) -> asyncpg.Record:
    link = await merges.find_link(tx, link_id)
    if link is None:
        raise Hidden
    require_part(tx, Subject.link, ["coordinator"] if link["coordinator"] == tx.agency_id else [])
    unlinked = link["verdict"] == "different" and link["withdraws"] is not None and link["undone_at"] is None
    if link["withdrawn"] or not (link["verdict"] == "same" or unlinked):
        raise Conflict(reason="not-a-standing-link")
    if link["other_record_id"] is None:
        raise Conflict(reason="founding-link")
    return link


async def lock_people(tx: Tx, records: Sequence[UUID]) -> None:
    """Blocking keys, persons, then cases, each in one order: as a report locks them. Five statements and one for each
    case."""
    await merges.lock_links(tx, records)
    rows = await merges.records_of_persons(tx, records)
    await people.lock_persons(tx, sorted({row["person_id"] for row in rows}))
    for case_id in sorted({row["case_id"] for row in rows}):
        await case_queries.lock_case(tx, case_id)


async def _rehouse(tx: Tx, stray: Stray) -> Pair:
    """Puts stray reports into the active case of their person, or one opened for it."""
    case_id = await case_queries.active_case_of(tx, [stray.person_id])
    if case_id is None or case_id == stray.case_id:
        before = await cases.seen_case(tx, stray.case_id)
        case_id, _ = await cases.open_case(
            tx,
            cases.Opening(
                kind="household",
                division_code=stray.division_code or before["division_code"],
                employer_id=None,
                birth_date=stray.birth_date,
                cause_primary=before["cause_primary"],
                causes_secondary=tuple(before["causes_secondary"]),
                urgency=before["urgency"],
            ),
        )
    return await merges.rehouse(tx, stray, case_id)


def _say_parted(tx: Tx, pair: Pair) -> None:
    """Both sides learn of it in their own case."""
    for case_id in (pair.kept, pair.other):
        record_event(
            tx, "case.unmerged", subject_type="case", subject_id=pair.other, version=pair.version, case_id=case_id
        )

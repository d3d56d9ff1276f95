"""Asks what another linkage model would say of what is known: a dry run that opens review items for people, and never
joins or parts anybody.

One batch is one transaction. It locks the blocking keys of its records as a report does, so reports of the same people
wait, and find what was opened; records it finished are not met again, so a walk that was killed is simply begun again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.encodings import encodings_by
from actions.linkage import opened_features, terms_of
from actions.match_events import facts_of_sides
from actions.system import SystemFact, record_for_system
from crypto.fields import SealBroken
from crypto.ids import new_id
from crypto.vault import Vault
from db.clock import Clock
from db.engine import Raw
from db.operator import act_for
from db.queries import rescoring
from rules.linkage.deciding import Band, Guard, Match, match_person
from rules.linkage.features import Features
from rules.linkage.households import household_keys
from rules.linkage.keys import blocking_keys
from rules.linkage.membership import member_key, sought
from rules.linkage.model import Model
from rules.linkage.rescoring import Standing, match_sides, sides_of
from rules.linkage.scoring import Population, rare_values
from rules.match_candidates import REVIEW_WITHIN

Matched = Match[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Rescoring:
    """What is asked. `write`: open what people should look at, and note the model on the records. `rekey`: compute keys
    anew, of records that this model has compared as well."""

    vault: Vault
    model: Model
    clock: Clock
    limit: int
    since: datetime | None = None
    write: bool = False
    rekey: bool = False


@dataclass(frozen=True, slots=True)
class LinkNow:
    """A link that a model made: the bits it was made with, and what the model asked says of its two sides."""

    id: UUID
    was: float
    now: Match[None, UUID]


@dataclass(frozen=True, slots=True)
class PairNow:
    """Two persons whom nobody decided about and whom the model asked would link or put before people."""

    record_id: UUID
    other_record_id: UUID
    persons: frozenset[UUID]
    match: Matched


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction found. `last`: the number of its last record, None at the end. `failed`: records whose
    features do not open. `matches` and `doubts`: what was opened and was not open before."""

    last: int | None
    records: int = 0
    failed: tuple[str, ...] = ()
    links: tuple[LinkNow, ...] = ()
    pairs: tuple[PairNow, ...] = ()
    matches: int = 0
    doubts: int = 0


@dataclass(frozen=True, slots=True)
class _Record:
    number: int
    id: UUID
    features: Features
    keys: Sequence[str]
    household_keys: Sequence[str]
    filed_in: UUID


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything about the records of a batch: records and links of their persons, and the persons they might be.
    `others`: records by person, by position in the batch."""

    records: Sequence[_Record]
    features: dict[UUID, Features]
    at: dict[UUID, datetime]
    person_of: dict[UUID, UUID]
    others: dict[int, dict[UUID, list[UUID]]]
    links: dict[UUID, list[Standing[UUID]]]
    made_by_model: frozenset[UUID]
    counts: dict[str, int]
    so_far: int

    def described(self, records: Iterable[UUID]) -> list[tuple[UUID, Features]]:
        return [(record_id, self.features[record_id]) for record_id in records]

    def population(self, features: Iterable[Features], *, without_own: bool) -> Population:
        """Counts of values, less the person that has them itself where two persons are compared: so they were counted
        when the record came."""
        values = {value for it in features for value in rare_values(it)}
        return Population(self.so_far, {value: max(0, self.counts.get(value, 0) - without_own) for value in values})


async def rescore_batch(raw: Raw, work: Rescoring, after: int) -> Batch:
    """Asks the model about the next records after a number. Seven statements; with `write` one more, and three for each
    event about what was opened."""
    version = None if work.rekey else work.model.version
    taken = await rescoring.take(raw, version, after, limit=work.limit, since=work.since)
    if not taken:
        return Batch(None)
    records, failed = _opened(work.vault, taken)
    scene = await _scene(raw, work, records)
    links = tuple(_links_now(work, scene))
    pairs = await _pairs_now(raw, work, scene)
    told = await _keep(raw, work, scene, links=links, pairs=pairs) if work.write else []
    matches = sum(row["kind"] == "match" for row in told)
    return Batch(taken[-1]["number"], len(records), failed, links, pairs, matches, len(told) - matches)


def _opened(vault: Vault, taken: Sequence[asyncpg.Record]) -> tuple[list[_Record], tuple[str, ...]]:
    records, failed = [], []
    for row in taken:
        try:
            it = opened_features(vault, row["record_id"], row["features"])
        except SealBroken as broken:
            failed.append(f"record {row['record_id']}: {broken.reason}")
            continue
        keys = blocking_keys(it) if row["main"] or sought(it) else ()
        households = _household_keys(vault, row, it)
        records.append(_Record(row["number"], row["record_id"], it, keys, households, row["filed_in"]))
    return records, tuple(failed)


def _household_keys(vault: Vault, row: asyncpg.Record, it: Features) -> Sequence[str]:
    """By which keys the household of its report is found; none where its main record is not compared any more."""
    if row["main"]:
        return household_keys(it, [it])[0]
    if row["main_features"] is None:
        return ()
    main = opened_features(vault, row["main_record"], row["main_features"])
    return household_keys(main, [main, it])[1]


async def _scene(raw: Raw, work: Rescoring, records: Sequence[_Record]) -> _Scene:
    """Candidates first: where keys are locked, whatever is read afterwards stays as it is."""
    model, hasher = work.model, work.vault.links
    keys = [(position, key) for position, one in enumerate(records) for key in hasher.hashes(one.keys)]
    found = await rescoring.candidates(raw, keys, cap=model.block_cap, growth=model.cluster_cap, lock=work.write)
    own = await rescoring.persons(raw, [one.id for one in records])
    features = _features(work.vault, records, (*own, *found))
    person_of = {row["record_id"]: row["person_id"] for row in own if row["record_id"] in features}
    others: dict[int, dict[UUID, list[UUID]]] = defaultdict(lambda: defaultdict(list))
    for row in found:
        mine = person_of.get(records[row["position"]].id, row["person_id"])
        if row["person_id"] != mine and row["record_id"] in features:
            others[row["position"]][row["person_id"]].append(row["record_id"])
    standing = await rescoring.standing_links(raw, sorted(set(person_of.values())))
    values = {v: hasher.hash(v) for record_id in person_of for v in rare_values(features[record_id])}
    counts, so_far = await rescoring.counts(raw, list(values.values()))
    return _Scene(
        records=records,
        features=features,
        at={row["record_id"]: row["at"] for row in (*own, *found)},
        person_of=person_of,
        others=others,
        links=_links_of(person_of, standing),
        made_by_model=frozenset(row["id"] for row in standing if row["source"] == "model"),
        counts={value: counts.get(hashed, 0) for value, hashed in values.items()},
        so_far=so_far,
    )


def _features(vault: Vault, records: Iterable[_Record], rows: Iterable[asyncpg.Record]) -> dict[UUID, Features]:
    """What records are compared by, each opened once. One that does not open is named when its own turn comes."""
    features = {one.id: one.features for one in records}
    for row in rows:
        if row["record_id"] not in features:
            with suppress(SealBroken):
                features[row["record_id"]] = opened_features(vault, row["record_id"], row["features"])
    return features


def _links_of(person_of: dict[UUID, UUID], standing: Iterable[asyncpg.Record]) -> dict[UUID, list[Standing[UUID]]]:
    """By person. The end of a link that founded somebody is the person."""
    links: dict[UUID, list[Standing[UUID]]] = defaultdict(list)
    for row in standing:
        if row["record_id"] in person_of:
            end = row["other_record_id"] or row["person_id"]
            links[person_of[row["record_id"]]].append(Standing(row["id"], row["record_id"], end, row["weight"]))
    return links


def _links_now(work: Rescoring, scene: _Scene) -> Iterator[LinkNow]:
    """The links of these records that a model made by comparing, each as the model asked has its two sides."""
    for record in scene.records:
        links = scene.links.get(scene.person_of.get(record.id, record.id), [])
        for link in links:
            if link.record == record.id and link.weight is not None and link.id in scene.made_by_model:
                now = _link_now(work, scene, link, links)
                if now is not None:
                    yield LinkNow(link.id, link.weight, now)


def _link_now(
    work: Rescoring, scene: _Scene, link: Standing[UUID], links: Sequence[Standing[UUID]]
) -> Match[None, UUID] | None:
    """None where other links hold the two sides together, or one of them is not compared any more."""
    sides = sides_of(link, links)
    if sides is None:
        return None
    cap = work.model.cluster_cap
    mine, others = ([one for one in scene.person_of if one in side][:cap] for side in sides)
    if not mine or not others:
        return None
    features = [scene.features[record_id] for record_id in mine]
    return match_sides(
        features,
        scene.described(others),
        model=work.model,
        population=scene.population(features, without_own=False),
        clues=encodings_by(work.vault).clue,
    )


async def _pairs_now(raw: Raw, work: Rescoring, scene: _Scene) -> tuple[PairNow, ...]:
    """One for each two persons, the one that says most; none that people decided, or are asked about."""
    best: dict[frozenset[UUID], PairNow] = {}
    for pair in _matched(work, scene):
        if pair.persons not in best or best[pair.persons].match.score.weight < pair.match.score.weight:
            best[pair.persons] = pair
    if not best:
        return ()
    persons = sorted(frozenset().union(*best))
    settled = await rescoring.settled_pairs(raw, persons, work.model.version)
    return tuple(pair for both, pair in best.items() if both not in settled)


def _matched(work: Rescoring, scene: _Scene) -> Iterator[PairNow]:
    for position, record in enumerate(scene.records):
        clues = encodings_by(work.vault).clue
        population = scene.population([record.features], without_own=True)
        for person, records in scene.others.get(position, {}).items():
            match = match_person(
                record.features,
                person,
                scene.described(records),
                model=work.model,
                population=population,
                clues=clues,
            )
            if match.band is not Band.none:
                both = frozenset((scene.person_of[record.id], person))
                yield PairNow(*_later_first(scene, record.id, match.record), both, match)


def _later_first(scene: _Scene, one: UUID, other: UUID) -> tuple[UUID, UUID]:
    """The earlier record is the holder's, as if the later one came now."""
    later, earlier = sorted((one, other), key=lambda record_id: (scene.at[record_id], record_id), reverse=True)
    return later, earlier


async def _keep(
    raw: Raw, work: Rescoring, scene: _Scene, *, links: Sequence[LinkNow], pairs: Sequence[PairNow]
) -> list[asyncpg.Record]:
    """Opens what people should look at, and tells whom it concerns. What was opened."""
    now = work.clock()
    opened = await rescoring.keep(
        raw,
        [_kept(work, record) for record in scene.records],
        work.model.version,
        found=[_candidate(pair, now) for pair in pairs],
        doubted=[{"task_id": str(new_id()), "link_id": str(link.id)} for link in links if link.now.band is Band.none],
        now=now,
    )
    for row in opened:
        for fact in _facts(row):
            await act_for(raw, fact.agency_id)
            await record_for_system(raw, fact, now)
    return opened


def _kept(work: Rescoring, record: _Record) -> dict[str, object]:
    keys = None
    if work.rekey:
        texts = (*record.keys, *record.household_keys, member_key(str(record.filed_in), record.features))
        keys = [str(key) for key in work.vault.links.hashes(texts)]
    return {"number": record.number, "keys": keys}


def _candidate(pair: PairNow, now: datetime) -> dict[str, object]:
    return {
        "id": str(new_id()),
        "record_id": str(pair.record_id),
        "other_record_id": str(pair.other_record_id),
        "weight": pair.match.score.weight,
        "terms": terms_of(pair.match.score),
        "guards": [guard.value for guard in (*pair.match.guards, Guard.model_changed)],
        "due_at": (now + REVIEW_WITHIN).isoformat(),
    }


def _facts(row: asyncpg.Record) -> Iterator[SystemFact]:
    if row["kind"] == "match":
        yield from facts_of_sides("match.found", row)
    else:
        yield SystemFact(
            type="link.doubtful",
            action="link.doubtful",
            subject_type="link",
            subject_id=row["id"],
            version=1,
            agency_id=row["coordinator_agency_id"],
            case_id=row["case_id"],
        )

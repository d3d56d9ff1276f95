"""Links the people of a report to the persons that are already known, one report at a time.

The rules decide (`rules/linkage`); here their candidates are fetched behind the wall, opened, and what was decided is
kept: assertions anybody can replay, features and keys for the next report, and what people must look at.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from crypto.ids import new_id
from db.queries import divisions, links, people
from db.queries.links import CandidateRow, FeatureRow
from db.queries.people import HouseholdRow, LookUp
from db.transaction import Tx
from rules.linkage.deciding import Decision, Match, decide
from rules.linkage.features import Features, decode, encode
from rules.linkage.keys import blocking_keys
from rules.linkage.membership import member_key, same_member, weak
from rules.linkage.reading import Written, read_features
from rules.linkage.scoring import Population, Score, rare_values
from rules.reports import Identifiers, PersonFound, ReportSaid

REVIEW_DAYS: Final = 7
"""Days in which people should have looked at a possible match."""

Persons = Mapping[UUID, Sequence[tuple[UUID, Features]]]
"""Records (id, features) by person."""


@dataclass(frozen=True, slots=True)
class LinkedPerson:
    """A person of a report with the human behind it. `match` is what linked it, None where it founded the person."""

    found: PersonFound
    features: Features
    person_id: UUID
    match: Match[UUID, UUID] | None = None
    reviews: tuple[Match[UUID, UUID], ...] = ()
    new_values: frozenset[str] = frozenset()
    founds: bool = True

    @property
    def known(self) -> bool:
        return not self.founds


def hashed(tx: Tx, identifiers: Identifiers) -> LookUp:
    """Keyed hashes of the identifiers by which cases are searched; live keys all, so that a rotation loses nobody."""
    blind = tx.vault.blind
    return LookUp(
        id_indexes=blind.indexes("id_number", identifiers.id_number) if identifiers.id_number else [],
        name_births=blind.indexes("name_birth", identifiers.name_and_birth) if identifiers.name_and_birth else [],
        phones=[index for phone in identifiers.phones for index in blind.indexes("phone", phone)],
    )


async def link_people(tx: Tx, said: ReportSaid, found: Sequence[PersonFound]) -> list[LinkedPerson]:
    """The person behind each of `found`, main person first. Two statements, and one score for each candidate record.

    Holds a lock on every blocking key until the transaction ends: a second report of the same people waits here.
    Whoever is told too little of to be looked for (`weak`) founds a person for now; `place_members` looks within the
    household.
    """
    places = await divisions.places(tx)
    features = [read_features(_written(said, person, found), places) for person in found]
    strong = {position: it for position, it in enumerate(features) if position == 0 or not weak(it)}
    candidates = await _candidates(tx, {position: blocking_keys(it) for position, it in strong.items()})
    population = await _population(tx, strong.values())
    linked: list[LinkedPerson] = []
    for position, (person, it) in enumerate(zip(found, features, strict=True)):
        twice = next((other for other in linked if _told_twice(other.features, it)), None)
        if twice is not None:
            linked.append(replace(twice, found=person, features=it, reviews=(), new_values=frozenset()))
        elif position in strong:
            linked.append(_decided(tx, person, it, candidates[position], population=population))
        else:
            linked.append(LinkedPerson(person, it, new_id()))
    return linked


def _written(said: ReportSaid, person: PersonFound, all_of_them: Sequence[PersonFound]) -> Written:
    """What was said of a person, doubtful forms included. A member lives where the household does unless said."""
    it, doubtful = person.said, person.said.as_received
    main = person is all_of_them[0]
    return Written(
        name=it.name or doubtful.get("name"),
        sex=person.sex,
        birth=it.birth_date.isoformat() if it.birth_date else doubtful.get("birth_date"),
        number=it.id_number or doubtful.get("id_number"),
        phones=(*it.phones, *([doubtful["phone"]] if "phone" in doubtful else ())),
        division=it.address.division_code if it.address else None,
        address=(it.address.detail if it.address else None) or doubtful.get("address"),
        employer=(it.employer.name if it.employer else None) or doubtful.get("employer"),
        credit_code=it.employer.uscc if it.employer else None,
        household=said.household_number,
        members=[(other.name, other.birth_date.year if other.birth_date else None) for other in all_of_them[1:]]
        if main
        else (),
    )


async def _candidates(tx: Tx, keys: Mapping[int, Sequence[str]]) -> Mapping[int, Persons]:
    """Candidate persons by position in the report, opened."""
    model = tx.database.linkage_model
    hashes = [(position, key) for position, texts in keys.items() for key in tx.vault.links.hashes(texts)]
    found: dict[int, dict[UUID, list[tuple[UUID, Features]]]] = defaultdict(lambda: defaultdict(list))
    opened: dict[UUID, Features] = {}
    for row in await links.candidates(tx, hashes, cap=model.block_cap, growth=model.cluster_cap):
        record_id = row["record_id"]
        if record_id not in opened:
            opened[record_id] = decode(tx.vault.cipher.open_bytes(row["features"], _context(record_id)))
        found[row["position"]][row["person_id"]].append((record_id, opened[record_id]))
    return found


def _context(record_id: UUID) -> str:
    return f"link_feature:{record_id}"


async def _population(tx: Tx, features: Iterable[Features]) -> Population:
    hasher = tx.vault.links
    values = {value: hasher.hash(value) for it in features for value in rare_values(it)}
    counts, records = await links.counts(tx, list(values.values()))
    return Population(records, {value: counts.get(hashed_value, 0) for value, hashed_value in values.items()})


def _told_twice(a: Features, b: Features) -> bool:
    """Whether one report names one person twice."""
    if a.name != b.name or not same_member(a, b):
        return bool(a.valid_id and a.valid_id == b.valid_id)
    return (a.birth == b.birth and len(a.birth) == 10) or (weak(a) and weak(b))


def _decided(tx: Tx, person: PersonFound, it: Features, candidates: Persons, *, population: Population) -> LinkedPerson:
    """One of the known persons, or a new one. Persons that this record proves to be one go before people: a case is
    never joined to another by itself."""
    decision: Decision[UUID, UUID] = decide(
        it, candidates, tx.database.linkage_model, population, may_join=lambda _one, _other: False
    )
    values = frozenset(rare_values(it))
    if decision.linked is None:
        return LinkedPerson(person, it, new_id(), reviews=decision.reviews, new_values=values)
    known = {value for _, other in candidates[decision.linked.person] for value in rare_values(other)}
    return LinkedPerson(
        person,
        it,
        decision.linked.person,
        match=decision.linked,
        reviews=decision.reviews,
        new_values=values - known,
        founds=False,
    )


async def place_members(tx: Tx, case_id: UUID, linked: Sequence[LinkedPerson]) -> list[LinkedPerson]:
    """The same people, the weakly described ones found among the household of a case that was there. One statement at
    most."""
    unplaced = {position: it for position, it in enumerate(linked) if it.founds and weak(it.features)}
    if not unplaced:
        return list(linked)
    keys = {position: (member_key(str(case_id), it.features),) for position, it in unplaced.items()}
    household = await _candidates(tx, keys)
    placed, known = list(linked), {it.person_id for it in linked if not it.founds}
    moved: dict[UUID, UUID] = {}  # who is told twice in this report moves once
    for position, it in unplaced.items():
        found = moved.get(it.person_id) or _same_member(it.features, household[position], but=known)
        if found is not None:
            placed[position] = replace(it, person_id=found, founds=False)
            moved[it.person_id] = found
            known.add(found)
    return placed


def _same_member(it: Features, household: Persons, *, but: Collection[UUID]) -> UUID | None:
    """The person of the household that is meant; each is meant by one member of a report only."""
    for person_id, records in household.items():
        if person_id not in but and all(same_member(it, other) for _, other in records):
            return person_id
    return None


async def add_persons(tx: Tx, linked: Sequence[LinkedPerson]) -> None:
    """Creates the persons that were founded. One statement at most."""
    strangers = list(dict.fromkeys(person.person_id for person in linked if person.founds))
    if strangers:
        await people.add_persons(tx, strangers)


async def join_household(tx: Tx, case_id: UUID, linked: Sequence[tuple[UUID, LinkedPerson]], *, opened: bool) -> None:
    """Writes the links of (record id, person) and puts the people into the case's household.

    The first is the main member of a case it opened; a case that was there keeps its main member.
    """
    version = tx.database.linkage_model.version
    seen: set[UUID] = set()
    rows = []
    for position, (record_id, person) in enumerate(linked):
        if person.person_id in seen:
            continue
        seen.add(person.person_id)
        match = person.match
        rows.append(
            HouseholdRow(
                link_id=new_id(),
                record_id=record_id,
                person_id=person.person_id,
                role="main" if opened and position == 0 else "member",
                relation=person.found.said.relation,
                evidence=_evidence(match.score) if match else [],
                other_record_id=match.record if match else None,
                weight=match.score.weight if match else None,
                terms=terms_of(match.score) if match else None,
                model_version=version,
            )
        )
    await people.link_household(tx, case_id, rows, decided_by=f"model {version}")


def _evidence(score: Score) -> list[dict[str, str]]:
    """What agreed, by field name and level; never a value."""
    return [
        {"field": term.name, "agreement": term.level}
        for term in score.terms
        if term.weight > 0 and term.name not in ("prior", "limit")
    ]


def terms_of(score: Score) -> list[dict[str, object]]:
    """The terms of a score, which sum to its weight: comparison, level, bits, and how many of them rarity moved."""
    return [
        {"name": term.name, "level": term.level, "weight": term.weight, "rarity": term.rarity} for term in score.terms
    ]


async def keep_features(tx: Tx, case_id: UUID, linked: Sequence[tuple[UUID, LinkedPerson]]) -> None:
    """Keeps what the next report is compared with, and what people must look at. One statement, the last that locks."""
    hasher, cipher, version = tx.vault.links, tx.vault.cipher, tx.database.linkage_model.version
    rows = []
    for position, (record_id, person) in enumerate(linked):
        it = person.features
        keys = blocking_keys(it) if position == 0 or not weak(it) else ()
        rows.append(
            FeatureRow(
                record_id,
                cipher.seal_bytes(encode(it), _context(record_id)),
                version,
                hasher.hashes((*keys, member_key(str(case_id), it))),
            )
        )
    values = [hasher.hash(value) for _, person in linked for value in person.new_values]
    await links.keep(tx, rows, values, [_candidate(tx, record_id, it) for record_id, it in _to_review(linked)])


def _to_review(linked: Sequence[tuple[UUID, LinkedPerson]]) -> list[tuple[UUID, Match[UUID, UUID]]]:
    """A possible match for each other person, once in a report."""
    reviews: dict[tuple[UUID, UUID], tuple[UUID, Match[UUID, UUID]]] = {}
    for record_id, person in linked:
        for match in person.reviews:
            reviews.setdefault((person.person_id, match.person), (record_id, match))
    return list(reviews.values())


def _candidate(tx: Tx, record_id: UUID, match: Match[UUID, UUID]) -> CandidateRow:
    return CandidateRow(
        id=new_id(),
        record_id=record_id,
        other_record_id=match.record,
        weight=match.score.weight,
        terms=terms_of(match.score),
        guards=[guard.value for guard in match.guards],
        model_version=tx.database.linkage_model.version,
        due_at=tx.now + timedelta(days=REVIEW_DAYS),
    )

"""Links the people of a report to the persons that are already known, one report at a time.

The rules decide (`rules/linkage`); here their candidates are fetched behind the wall, opened, and what was decided is
kept: assertions anybody can replay, features and keys for the next report, and what people must look at.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from actions.encodings import encodings_of, with_encoded
from actions.match_events import tell_sides
from crypto.ids import new_id
from crypto.vault import Vault
from db.queries import divisions, links, match_candidates, merges, people
from db.queries.links import CandidateRow, FeatureRow
from db.queries.merges import MainCase
from db.queries.people import HouseholdRow, LookUp
from db.transaction import Tx
from rules.linkage.dates import read_birth
from rules.linkage.deciding import Decision, Match, decide
from rules.linkage.features import Features, decode, encode
from rules.linkage.households import household_keys
from rules.linkage.keys import blocking_keys
from rules.linkage.membership import member_key, same_member, sought, weak
from rules.linkage.reading import Written, read_features
from rules.linkage.scoring import Population, Score, rare_values
from rules.match_candidates import REVIEW_WITHIN
from rules.reports import Identifiers, PersonFound, ReportSaid

Persons = Mapping[UUID, Sequence[tuple[UUID, Features]]]
"""Records (id, features) by person."""
HOUSEHOLD: Final = -1
"""In the place of a position: keys of the whole household, which find no person and are locked with the others."""


@dataclass(frozen=True, slots=True)
class LinkedPerson:
    """A person of a report with the human behind it. `match` is what linked it, `placed_with` the record of a household
    it was found to be; neither where it founded the person. `joined`: other persons it proves to be that same one.
    `neighbours`, of the main person: those in whose households these people may live."""

    found: PersonFound
    features: Features
    person_id: UUID
    match: Match[UUID, UUID] | None = None
    joined: tuple[Match[UUID, UUID], ...] = ()
    placed_with: UUID | None = None
    reviews: tuple[Match[UUID, UUID], ...] = ()
    new_values: frozenset[str] = frozenset()
    founds: bool = True
    neighbours: tuple[UUID, ...] = ()

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
    features = with_encoded(tx, found, [read_features(_written(said, person, found), places) for person in found])
    strong = {position: it for position, it in enumerate(features) if position == 0 or sought(it)}
    asked: dict[int, Sequence[str]] = {position: blocking_keys(it) for position, it in strong.items()}
    asked[HOUSEHOLD] = [key for keys in household_keys(features[0], features) for key in keys] if features else ()
    candidates = await _candidates(tx, asked)
    population = await _population(tx, strong.values())
    linked: list[LinkedPerson] = []
    for position, (person, it) in enumerate(zip(found, features, strict=True)):
        twice = next((other for other in linked if _told_twice(other.features, it)), None)
        if twice is not None:
            linked.append(replace(twice, found=person, features=it, reviews=(), new_values=frozenset()))
        elif position in strong:
            linked.append(await _decided(tx, person, it, candidates[position], population=population))
        else:
            linked.append(LinkedPerson(person, it, new_id()))
    if linked and HOUSEHOLD in candidates:
        linked[0] = replace(linked[0], neighbours=tuple(candidates[HOUSEHOLD]))
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
        members=[(other.name, _year_of_birth(other)) for other in all_of_them[1:]] if main else (),
    )


def _year_of_birth(person: PersonFound) -> int | None:
    """Also where the sender has it in a doubtful form only, as of most members: "1975"."""
    if person.birth_date is not None:
        return person.birth_date.year
    read = read_birth(person.said.as_received.get("birth_date"))
    return read.year if read else None


async def _candidates(tx: Tx, keys: Mapping[int, Sequence[str]]) -> Mapping[int, Persons]:
    """Candidate persons by position in the report, opened; those of the household without their records."""
    model = tx.database.linkage_model
    hashes = [(position, key) for position, texts in keys.items() for key in tx.vault.links.hashes(texts)]
    found: dict[int, dict[UUID, list[tuple[UUID, Features]]]] = defaultdict(lambda: defaultdict(list))
    opened: dict[UUID, Features] = {}
    for row in await links.candidates(tx, hashes, cap=model.block_cap, growth=model.cluster_cap):
        record_id = row["record_id"]
        if row["position"] == HOUSEHOLD:
            found[HOUSEHOLD].setdefault(row["person_id"], [])
            continue
        if record_id not in opened:
            opened[record_id] = open_features(tx, record_id, row["features"])
        found[row["position"]][row["person_id"]].append((record_id, opened[record_id]))
    return found


def open_features(tx: Tx, record_id: UUID, sealed: bytes) -> Features:
    """What a record is compared by."""
    return opened_features(tx.vault, record_id, sealed)


def opened_features(vault: Vault, record_id: UUID, sealed: bytes) -> Features:
    """The same, without anybody acting."""
    return decode(vault.cipher.open_bytes(sealed, _context(record_id)))


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


async def _decided(
    tx: Tx, person: PersonFound, it: Features, candidates: Persons, *, population: Population
) -> LinkedPerson:
    """One of the known persons, or a new one. One statement where the record may prove that two known ones are one."""
    decision = await _decision(tx, it, candidates, population)
    values = frozenset(rare_values(it))
    if decision.linked is None:
        return LinkedPerson(person, it, new_id(), reviews=decision.reviews, new_values=values)
    same = (decision.linked.person, *(match.person for match in decision.joined))
    known = {value for one in same for _, other in candidates[one] for value in rare_values(other)}
    return LinkedPerson(
        person,
        it,
        decision.linked.person,
        match=decision.linked,
        joined=decision.joined,
        reviews=decision.reviews,
        new_values=values - known,
        founds=False,
    )


async def _decision(tx: Tx, it: Features, candidates: Persons, population: Population) -> Decision[UUID, UUID]:
    """Decides, and again once it is known which of the persons it asked about may be joined."""
    asked: list[frozenset[UUID]] = []

    def ask(one: UUID, other: UUID) -> bool:
        asked.append(frozenset((one, other)))
        return False

    model, clues = tx.database.linkage_model, encodings_of(tx).clue
    decision: Decision[UUID, UUID] = decide(it, candidates, model, population, may_join=ask, clues=clues)
    if not asked:
        return decision
    persons = sorted(frozenset().union(*asked))
    main_cases, apart = await merges.main_cases(tx, persons), await links.differences(tx, persons)

    def joinable(one: UUID, other: UUID) -> bool:
        different = (min(one, other), max(one, other)) in apart
        return not different and may_join(main_cases.get(one), main_cases.get(other))

    return decide(it, candidates, model, population, may_join=joinable, clues=clues)


def may_join(one: MainCase | None, other: MainCase | None) -> bool:
    """Whether two persons may become one without asking anybody: where no case goes into another, or one union
    coordinates both and nothing was done in either, so that nobody sees more than before."""
    if one is None or other is None or one.case_id == other.case_id:
        return True
    return one.coordinator == other.coordinator and one.before_work and other.before_work


async def place_members(tx: Tx, case_id: UUID, linked: Sequence[LinkedPerson]) -> list[LinkedPerson]:
    """The same people, the weakly described ones found among the household of a case that was there, and of the cases
    that went into it. Two statements at most."""
    unplaced = {position: it for position, it in enumerate(linked) if it.founds and weak(it.features)}
    if not unplaced:
        return list(linked)
    cases = (case_id, *await merges.cases_merged_into(tx, case_id))
    keys = {position: [member_key(str(one), it.features) for one in cases] for position, it in unplaced.items()}
    household = await _candidates(tx, keys)
    placed, known = list(linked), {it.person_id for it in linked if not it.founds}
    moved: dict[UUID, tuple[UUID, UUID]] = {}  # who is told twice in this report moves once
    for position, it in unplaced.items():
        found = moved.get(it.person_id) or _same_member(tx, it.features, household[position], but=known)
        if found is not None:
            person_id, record_id = found
            reviews = tuple(match for match in it.reviews if match.person != person_id)
            placed[position] = replace(it, person_id=person_id, placed_with=record_id, founds=False, reviews=reviews)
            moved[it.person_id] = found
            known.add(person_id)
    return placed


def _same_member(tx: Tx, it: Features, household: Persons, *, but: Collection[UUID]) -> tuple[UUID, UUID] | None:
    """The person of the household that is meant, and a record of it; each is meant by one member of a report only."""
    for person_id, records in household.items():
        others = [other for _, other in records]
        if person_id in but or any(not same_member(it, other) for other in others):
            continue
        if not encodings_of(tx).clue(it, others).other_number:
            return person_id, records[0][0]
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
    first: dict[UUID, UUID] = {}
    rows = []
    for position, (record_id, person) in enumerate(linked):
        match = person.match
        told_before = first.setdefault(person.person_id, record_id)
        other = told_before if told_before != record_id else (match.record if match else person.placed_with)
        rows.append(
            HouseholdRow(
                link_id=new_id(),
                record_id=record_id,
                person_id=person.person_id,
                role="main" if opened and position == 0 else "member",
                relation=person.found.said.relation,
                evidence=evidence_of(match.score) if match else [],
                other_record_id=other,
                weight=match.score.weight if match else None,
                terms=terms_of(match.score) if match else None,
                model_version=version,
            )
        )
    await people.link_household(tx, case_id, rows, decided_by=f"model {version}")


def evidence_of(score: Score) -> list[dict[str, str]]:
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


async def keep_features(
    tx: Tx, case_id: UUID, linked: Sequence[tuple[UUID, LinkedPerson]], shared: Sequence[int] = ()
) -> None:
    """Keeps what the next report is compared with, and what people must look at. One statement, the last that locks,
    and another where there is something to look at: whose it is. One more where persons were joined, of whose values
    `shared` counted twice."""
    hasher, cipher, version = tx.vault.links, tx.vault.cipher, tx.database.linkage_model.version
    rows = []
    people = [person.features for _, person in linked]
    of_households = household_keys(people[0], people)
    for position, (record_id, person) in enumerate(linked):
        it = person.features
        keys = (*(blocking_keys(it) if position == 0 or sought(it) else ()), *of_households[position])
        rows.append(
            FeatureRow(
                record_id,
                cipher.seal_bytes(encode(it), _context(record_id)),
                version,
                hasher.hashes((*keys, member_key(str(case_id), it))),
            )
        )
    values = [hasher.hash(value) for _, person in linked for value in person.new_values]
    reviews = [_candidate(tx, record_id, it) for record_id, it in _to_review(linked)]
    await links.keep(tx, rows, [] if shared else values, reviews)
    if reviews:
        for match in await match_candidates.opened(tx, [review.id for review in reviews]):
            tell_sides(tx, "match.found", match)
    if shared:
        await merges.count_values(tx, more=values, fewer=shared)


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
        due_at=tx.now + REVIEW_WITHIN,
    )

"""What follows from the scores: linked at once, put before a person, or nothing; and the guards that forbid the first.
Pure.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from rules.linkage.encoded import Clue, Clues, no_clue
from rules.linkage.features import Features
from rules.linkage.model import Model
from rules.linkage.scoring import Population, Score, Term, score

P = TypeVar("P", bound=Hashable)
"""A person: a cluster of records."""
R = TypeVar("R", bound=Hashable)
"""A record of a person."""


class Band(StrEnum):
    auto = "auto"
    review = "review"
    none = "none"


class Guard(StrEnum):
    """Why a weight that was high enough did not link by itself."""

    numbers_differ = "numbers_differ"
    names_sound_different = "names_sound_different"
    years_differ = "years_differ"
    standing_difference = "standing_difference"
    two_persons_would_join = "two_persons_would_join"
    person_too_large = "person_too_large"
    namesake = "namesake"
    against_the_person = "against_the_person"
    encoded = "encoded"
    """Encodings alone say so: nothing links by them."""
    model_changed = "model_changed"
    """Both were known when another model came: nothing is joined behind people's backs."""


_SAME_SOUND: Final = frozenset({"exact", "same_sound", "same_folded_sound", "readable_part", "former"})
_HEARD: Final = frozenset({"same_sound", "same_folded_sound"})
_ALIKE: Final = frozenset({"one_differs", "other_order", "part"})
_NUMBER_AGREES: Final = frozenset({"exact", "one_edit", "same_doubtful"})
_AGREEING: Final[Mapping[str, frozenset[str]]] = {
    "number": frozenset({"exact", "one_edit", "same_doubtful", "ends_agree"}),
    "phone": frozenset({"exact", "one_edit"}),
    "address": frozenset({"area", "house", "room"}),
    "employer": frozenset({"code", "name", "part_of_name"}),
    "household": frozenset({"exact", "one_edit"}),
    "members": frozenset({"shared"}),
}
"""Levels that say more than that two people of one place have one name and one birthday."""
_CHANGING: Final[Mapping[str, str]] = {"phone": "other", "address": "other_area"}
"""What people change: once it says little, twice it says that there are two."""
_AGAINST: Final[Mapping[str, frozenset[str]]] = {
    "number": frozenset({"differ"}),
    "phone": frozenset({"other"}),
    "employer": frozenset({"other"}),
    "address": frozenset({"other_area", "prefecture", "other"}),
    "household": frozenset({"other"}),
    "members": frozenset({"none_shared"}),
}


_GENERATION: Final = 14
"""Years between births from which one may be the other's child, who lives there too and may be named alike."""
_HOPELESS: Final = frozenset({Guard.numbers_differ, Guard.names_sound_different})
"""Another number and another name: brothers, twins, spouses. Nobody is asked."""


@dataclass(frozen=True, slots=True)
class Match(Generic[P, R]):
    """How a record stands to one person: the best of its records, and what the guards say."""

    person: P
    record: R
    score: Score
    band: Band
    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class Decision(Generic[P, R]):
    """`linked`: the person the record belongs to, None where it founds a new one. `joined`: persons it proves to be
    that same one. `reviews`: what people must say."""

    linked: Match[P, R] | None
    joined: tuple[Match[P, R], ...]
    reviews: tuple[Match[P, R], ...]


def decide(
    new: Features,
    persons: Mapping[P, Sequence[tuple[R, Features]]],
    model: Model,
    population: Population,
    *,
    may_join: Callable[[P, P], bool],
    clues: Clues = no_clue,
) -> Decision[P, R]:
    """Compares a new record with every candidate person. Cost: one score for each of their records.

    `may_join` says of two persons whether they may become one without asking anybody; `clues`, what encodings say.
    """
    matches = sorted(
        (
            match_person(new, person, records, model=model, population=population, clues=clues)
            for person, records in persons.items()
        ),
        key=lambda match: match.score.weight,
        reverse=True,
    )
    linked = next((match for match in matches if match.band is Band.auto), None)
    if linked is None:
        return Decision(None, (), tuple(match for match in matches if match.band is Band.review))
    joined: list[Match[P, R]] = []
    reviews: list[Match[P, R]] = []
    together = [features for _, features in persons[linked.person]]
    for match in matches:
        if match is linked or match.band is Band.none:
            continue
        others = [features for _, features in persons[match.person]]
        sure = match.band is Band.auto and _corroborated(match.score) and may_join(linked.person, match.person)
        if sure and agree(together, others, model, population):
            joined.append(match)
            together += others
        else:
            reviews.append(match)
    return Decision(linked, tuple(joined), tuple(reviews))


def agree(a: Sequence[Features], b: Sequence[Features], model: Model, population: Population) -> bool:
    """Whether two persons may be one: no numbers contradict, none too large, no pair of their records is hopeless."""
    if len(a) + len(b) > model.cluster_cap or conflicting_numbers([*a, *b]):
        return False
    return all(score(x, y, model, population).weight > model.review for x in a for y in b)


def match_person(
    new: Features,
    person: P,
    records: Sequence[tuple[R, Features]],
    *,
    model: Model,
    population: Population,
    clues: Clues = no_clue,
) -> Match[P, R]:
    """How the record stands to one person. What weighs too little is not held against the guards: most do."""
    scores = [(score(new, features, model, population), record) for record, features in records]
    best, record = max(scores, key=lambda scored: scored[0].weight)
    if best.weight < model.review:
        return Match(person, record, best, Band.none, ())
    guards = _guards(
        new, [features for _, features in records], [one for one, _ in scores], model=model, population=population
    )
    return _heeding(
        clues(new, [features for _, features in records]), Match(person, record, best, Band.none, guards), model
    )


def _heeding(clue: Clue, match: Match[P, R], model: Model) -> Match[P, R]:
    """The match with its band. A number that contradicts is a guard like a plain one; a hit lifts to review what the
    rest would not link, and never further."""
    guards, score = match.guards, match.score
    if clue.other_number and Guard.numbers_differ not in guards:
        guards = (Guard.numbers_differ, *guards)
    band = _band(score, guards, model)
    if clue.hit and band is not Band.auto:
        band, guards = Band.review, (*guards, Guard.encoded)
    if clue.level is not None:
        score = Score(score.weight, (*score.terms, Term("encoded", clue.level, 0.0)))
    return Match(match.person, match.record, score, band, guards)


def _band(best: Score, guards: Sequence[Guard], model: Model) -> Band:
    if set(guards) >= _HOPELESS:
        return Band.none
    if best.weight < model.auto and Guard.against_the_person in guards:
        return Band.none
    return Band.review if guards or best.weight < model.auto else Band.auto


def _guards(
    new: Features, records: Sequence[Features], scores: Sequence[Score], *, model: Model, population: Population
) -> tuple[Guard, ...]:
    best = max(scores, key=lambda one: one.weight)
    found = []
    if conflicting_numbers([new, *records]):
        found.append(Guard.numbers_differ)
    if not _may_be_one_name(best):
        found.append(Guard.names_sound_different)
    if _of_other_years(best) or _generation_apart(new, records, best):
        found.append(Guard.years_differ)
    if _only_a_namesake(scores, common=_common(new, model, population)):
        found.append(Guard.namesake)
    if len(records) >= model.cluster_cap and not _certain(best):
        found.append(Guard.person_too_large)
    if sum(one.weight for one in scores) < 0:
        found.append(Guard.against_the_person)
    return tuple(found)


def _may_be_one_name(best: Score) -> bool:
    """A name that sounds the same; or nearly so, where the identity number, or birthday and circumstances, say the
    rest. One syllable changed or added needs the number: that is how twins are named."""
    name, number = best.level("name"), best.level("number")
    if name in _SAME_SOUND or (name in _ALIKE and number in _NUMBER_AGREES):
        return True
    return name == "other_order" and best.level("birth") == "exact" and _corroborated(best)


def _certain(best: Score) -> bool:
    """Whether number and name say who it is: somebody reported for the thirteenth time is still one person."""
    return best.level("number") == "exact" and best.level("name") in _SAME_SOUND


def _generation_apart(new: Features, records: Sequence[Features], best: Score) -> bool:
    """Whether the record and all records of the person with a year are of two generations, and no number agrees."""
    if best.level("number") in _AGREEING["number"]:
        return False
    years = [it.year for it in records if it.year is not None]
    return new.year is not None and bool(years) and all(abs(new.year - year) >= _GENERATION for year in years)


def _of_other_years(best: Score) -> bool:
    """A name that only sounds the same, and another year of birth: so sons are named after their fathers, and the two
    share house and phone. Only the identity number says otherwise."""
    heard = best.level("name") in _HEARD and best.level("birth") == "other"
    return heard and best.level("number") not in _NUMBER_AGREES


def _corroborated(best: Score) -> bool:
    """Whether more than name, birth and place agrees."""
    return any(best.level(name) in levels for name, levels in _AGREEING.items())


def _common(it: Features, model: Model, population: Population) -> bool:
    """Whether many people have this given name, so that a whole name and a birthday may well occur twice. Nobody knows
    that before there are records enough to count."""
    if population.records < model.names_known_from:
        return True
    bearers = population.people_with.get(f"given|{it.given}", 0)
    return bearers > model.common_given_name * model.people(population.records)


def _only_a_namesake(scores: Sequence[Score], *, common: bool) -> bool:
    """Whether nothing but name, birth and place agree with any of the person's records, and something speaks against
    it or the birthday is not whole. Another phone or another street says little, once: people change them."""
    levels = {name: {one.level(name) for one in scores} for name in _AGREEING}
    agreeing = {name for name, those in _AGREEING.items() if those & levels[name]}
    against = {name for name, those in _AGAINST.items() if those & levels[name]} - agreeing
    born = any(one.level("birth") == "exact" for one in scores)
    if agreeing == {"address"} and not levels["address"] & {"house", "room"}:
        return bool(against) and not born
    if agreeing or not born:
        return not agreeing
    if any(sum(one.level(name) == other for one in scores) > 1 for name, other in _CHANGING.items()):
        return True
    if common:
        return "county" not in levels["address"] or bool(against - {"phone"})
    moved = bool(levels["address"] & {"prefecture", "other"})
    return moved or against not in (set(), {"phone"}, {"address"})


def conflicting_numbers(records: Sequence[Features]) -> bool:
    """Whether valid identity numbers among the records contradict each other."""
    numbers = {it.valid_id for it in records} - {""}
    return len(numbers) > 1

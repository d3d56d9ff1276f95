"""Whether the people of a report are the household of a case that is there, though none of them is known. Pure.

A shared phone proves nothing: officers, neighbours and employers lend theirs. What counts is the number of the
household register, people who are named in both, the room, and what they are to each other.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from rules.linkage.comparisons import compare_address, compare_household
from rules.linkage.deciding import Band
from rules.linkage.features import Features
from rules.linkage.membership import same_member
from rules.linkage.model import Model
from rules.linkage.scoring import Score, Term

H = TypeVar("H", bound=Hashable)
"""A household: a case."""

NUMBER: Final = 13.5
MEMBER: Final = 8.0
ROOM: Final = 8.0
RELATION: Final = 3.0
OTHER_COUNTY: Final = -6.0
ENOUGH_MEMBERS: Final = 2
NUMBER_DIGITS: Final = 6
"""A shorter number counts the households of a village; those of the register have nine digits or ten."""
LARGEST: Final = 12
"""People with one number beyond whom it is that of a dormitory (集体户)."""
_CONSISTENT: Final = frozenset({("child", "child"), ("self", "spouse"), ("spouse", "self")})
"""What one person may be to two people of one household, who each stand first in a report."""


@dataclass(frozen=True, slots=True)
class Housemate:
    """A person as one record has them; `relation` to the main person of its report, "self" for that."""

    features: Features
    relation: str


def household_keys(main: Features, people: Sequence[Features]) -> tuple[tuple[str, ...], ...]:
    """By which keys a household is looked for: of each of `people`, those of their own record, the number being the
    main person's. A name and a year lead to the household in the county of the main person alone."""
    return tuple(tuple(_keys(main, it, first=position == 0)) for position, it in enumerate(people))


def _keys(main: Features, it: Features, *, first: bool) -> list[str]:
    keys = [f"register|{main.household}"] if first and len(main.household) >= NUMBER_DIGITS else []
    if it.year and it.folded and main.county:
        keys.append(f"housemate|{' '.join(it.folded)}|{it.year}|{main.county}")
    return keys


def judge_household(new: Sequence[Housemate], known: Sequence[Sequence[Housemate]], model: Model) -> tuple[Band, Score]:
    """How a report's people stand to those of a household, given by person. Cost: every pair is compared once.

    By itself joins a number that agrees, or two people who are the same; a number that differs forbids it, as does one
    that says nothing but itself of another county or of a dormitory. One person of a name and a year, or one room, is
    no doubt yet: namesakes and former tenants are many.
    """
    records = [record for person in known for record in person]
    pairs = _same_people(new, known)
    terms = _terms(new, records, pairs)
    score = Score(sum(term.weight for term in terms), tuple(terms))
    sure = score.level("household") == "exact" or len(pairs) >= ENOUGH_MEMBERS
    if score.weight < model.review or (not sure and score.weight <= MEMBER):
        return Band.none, score
    doubtful = score.level("household") in ("one_edit", "other") or _only_a_number(score, pairs, len(known))
    return (Band.auto if sure and not doubtful and score.weight >= model.auto else Band.review), score


def household_of(households: Mapping[H, tuple[Band, Score]]) -> H | None:
    """The household the people of a report belong to: the only one that is sure."""
    sure = [household for household, (band, _) in households.items() if band is Band.auto]
    return sure[0] if len(sure) == 1 else None


def _only_a_number(score: Score, pairs: Sequence[tuple[Housemate, Housemate]], people: int) -> bool:
    alone = not pairs and score.level("room") is None
    return alone and (score.level("county") == "other" or people >= LARGEST)


def _terms(
    new: Sequence[Housemate], records: Sequence[Housemate], pairs: Sequence[tuple[Housemate, Housemate]]
) -> list[Term]:
    number = _number(new, records)
    terms = [Term("household", number, NUMBER if number == "exact" else 0.0)] if number else []
    terms += [Term("member", "same", MEMBER) for _ in pairs]
    addresses = {compare_address(a.features, b.features) for a in new for b in records}
    if "room" in addresses:
        terms.append(Term("room", "same", ROOM))
    if any((a.relation, b.relation) in _CONSISTENT for a, b in pairs):
        terms.append(Term("relation", "consistent", RELATION))
    ours, theirs = _counties(new), _counties(records)
    if ours and theirs and ours.isdisjoint(theirs):
        terms.append(Term("county", "other", OTHER_COUNTY))
    return terms


def _number(new: Sequence[Housemate], records: Sequence[Housemate]) -> str | None:
    """How the numbers agree, best first; None where one side tells none, or only one too short to be that of a
    household register."""
    told = {
        level
        for a in new
        for b in records
        if min(len(a.features.household), len(b.features.household)) >= NUMBER_DIGITS
        and (level := compare_household(a.features, b.features)) is not None
    }
    return next((level for level in ("exact", "one_edit", "other") if level in told), None)


def _counties(housemates: Sequence[Housemate]) -> set[str]:
    return {it.features.county for it in housemates} - {""}


def _same_people(new: Sequence[Housemate], known: Sequence[Sequence[Housemate]]) -> list[tuple[Housemate, Housemate]]:
    """Whom both name, each once: name and year of birth agree, and nothing contradicts."""
    pairs = []
    left = list(known)
    for housemate in new:
        for person in left:
            if all(same_member(housemate.features, record.features) for record in person):
                dated = next((record for record in person if record.features.year), None)
                if dated is not None and housemate.features.year:
                    pairs.append((housemate, dated))
                    left.remove(person)
                    break
    return pairs

"""What another model says of what is linked already, link by link. Pure."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from rules.linkage.assertions import reached_from
from rules.linkage.deciding import Band, Match, match_person
from rules.linkage.encoded import Clues, no_clue
from rules.linkage.features import Features
from rules.linkage.model import Model
from rules.linkage.scoring import Population

N = TypeVar("N", bound=Hashable)
"""The id of a link, a record or a person."""

_RANK: Final = {Band.none: 0, Band.review: 1, Band.auto: 2}


@dataclass(frozen=True, slots=True)
class Standing(Generic[N]):
    """A standing assertion that connects a record with another one or, where it founded somebody, with its person.
    `weight` in bits where a model compared the two."""

    id: N
    record: N
    end: N
    weight: float | None


def sides_of(link: Standing[N], links: Iterable[Standing[N]]) -> tuple[set[N], set[N]] | None:
    """What falls apart without this link: the side of its record, and the other. None where other links hold both
    together, so that undoing this one would part nobody."""
    neighbours: dict[N, set[N]] = defaultdict(set)
    for one in links:
        if one.id != link.id:
            neighbours[one.record].add(one.end)
            neighbours[one.end].add(one.record)
    mine = reached_from(link.record, neighbours)
    return None if link.end in mine else (mine, reached_from(link.end, neighbours))


def match_sides(
    mine: Sequence[Features],
    others: Sequence[tuple[N, Features]],
    *,
    model: Model,
    population: Population,
    clues: Clues = no_clue,
) -> Match[None, N]:
    """The most that any record of one side says of the other side as a person. Cost: a score for each pair."""
    matches = [match_person(it, None, others, model=model, population=population, clues=clues) for it in mine]
    return max(matches, key=lambda match: (_RANK[match.band], match.score.weight))

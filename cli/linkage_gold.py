"""Gold pairs: two reports each, written by hand, and what the linker must make of them. No model may lose one.

They stand in db/reference/linkage_gold_pairs.json. Numbers are of the invented division 99 or impossible.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cli.linkage_reports import Row, features_of_row
from db.reference_data import FOLDER
from rules.linkage.deciding import Band, Match, match_person
from rules.linkage.gazetteers import Gazetteer
from rules.linkage.model import Model
from rules.linkage.scoring import Population

GOLD_PAIRS: Final = FOLDER / "linkage_gold_pairs.json"
ALLOWED: Final[Mapping[str, frozenset[Band]]] = {
    "auto": frozenset({Band.auto}),
    "review": frozenset({Band.review}),
    "none": frozenset({Band.none}),
    "not_auto": frozenset({Band.review, Band.none}),
    "found": frozenset({Band.auto, Band.review}),
}
"""Bands that each expectation allows. `not_auto`: a wrong link would harm somebody; `found`: nobody may be lost."""


@dataclass(frozen=True, slots=True)
class GoldPair:
    """`first` is known already when `second` arrives. `people_with`: how many persons have a rare value, as the linker
    would know it (see `rare_values`); everything else is one person's own."""

    name: str
    expected: str
    first: Row = field(repr=False)
    second: Row = field(repr=False)
    people_with: Mapping[str, int] = field(default_factory=dict, repr=False)


def read_gold_pairs(path: Path = GOLD_PAIRS) -> list[GoldPair]:
    """All pairs, in their order."""
    said = json.loads(path.read_text(encoding="utf-8"))
    return [
        GoldPair(it["name"], it["expected"], it["first"], it["second"], people_with=it.get("people_with", {}))
        for it in said
    ]


def match_gold_pair(pair: GoldPair, model: Model, places: Gazetteer) -> Match[int, int]:
    """What the linker makes of a pair, as among the smallest population."""
    first, second = features_of_row(pair.first, places), features_of_row(pair.second, places)
    population = Population(model.smallest_population, pair.people_with)
    return match_person(second, 1, [(1, first)], model=model, population=population)


def fallen(pairs: Sequence[GoldPair], model: Model, places: Gazetteer) -> dict[str, str]:
    """By name of the pair: what came out where something else was expected."""
    lost: dict[str, str] = {}
    for pair in pairs:
        match = match_gold_pair(pair, model, places)
        if match.band not in ALLOWED[pair.expected]:
            guards = "".join(f", {guard}" for guard in match.guards)
            lost[pair.name] = f"{match.band}, not {pair.expected} (weight {match.score.weight:.1f}{guards})"
    return lost

"""The linkage model: how much each level of agreement speaks, and where the bands lie. Read from linkage_model.json.

Weights are learnt offline (`./tongli linkage train`); nothing here is fitted while the service runs. Pure.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from rules.linkage.comparisons import COMPARISONS, Level

FORMAT: Final = 1


class ModelError(ValueError):
    """The file is no model of this format; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rarity:
    """How the frequency of a value moves the weight of its level. Frequencies are shares of persons."""

    level: Level
    u: float
    prior_frequency: float

    def adjustment(self, others: int, people: float) -> float:
        """Bits to add where `others` persons beside the matched one have this value, among `people`."""
        return math.log2(self.u / (others / people + self.prior_frequency))


@dataclass(frozen=True, slots=True)
class Model:
    """`weights`: bits by comparison and level. `pairs_per_record`: expected true pairs a record makes; the prior is
    that over the number of records, which counts as `smallest_population` at least. `common_given_name`: the share of
    persons from which on a given name is a common one, judged once there are `names_known_from` records."""

    version: str
    weights: Mapping[str, Mapping[Level, float]]
    rarities: Mapping[str, Rarity]
    pairs_per_record: float
    people_per_record: float
    smallest_population: int
    term_limits: tuple[float, float]
    rarity_limits: tuple[float, float]
    context: frozenset[str]
    context_limit: float
    auto: float
    review: float
    common_given_name: float
    names_known_from: int
    block_cap: int
    cluster_cap: int

    def prior(self, records: int) -> float:
        """Bits before anything is compared, by how many records there are."""
        chance = self.pairs_per_record / max(records, self.smallest_population)
        return math.log2(chance / (1 - chance))

    def people(self, records: int) -> float:
        """About how many persons so many records tell of."""
        return max(records, self.smallest_population) * self.people_per_record


def read_model(text: str) -> Model:
    """A model from its JSON. Raises ModelError where a comparison, a level or a number is missing."""
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise ModelError(f"format {said['format']} is not {FORMAT}")
        return _model(said)
    except (KeyError, TypeError, json.JSONDecodeError) as wrong:
        raise ModelError(f"not a linkage model: {wrong!r}") from None


def _model(said: Mapping[str, Any]) -> Model:
    comparisons = said["comparisons"]
    if set(comparisons) != set(COMPARISONS):
        raise ModelError(f"comparisons differ: {sorted(set(comparisons) ^ set(COMPARISONS))}")
    limits, bands = said["limits"], said["bands"]
    return Model(
        version=said["version"],
        weights=MappingProxyType({name: _weights(it["levels"], limits["term"]) for name, it in comparisons.items()}),
        rarities=MappingProxyType({name: _rarity(it) for name, it in comparisons.items() if "rarity" in it}),
        pairs_per_record=float(said["pairs_per_record"]),
        people_per_record=float(said["people_per_record"]),
        smallest_population=int(said["smallest_population"]),
        term_limits=(float(limits["term"][0]), float(limits["term"][1])),
        rarity_limits=(float(limits["rarity"][0]), float(limits["rarity"][1])),
        context=frozenset(said["context"]["comparisons"]),
        context_limit=float(said["context"]["limit"]),
        auto=float(bands["auto"]),
        review=float(bands["review"]),
        common_given_name=float(said["common_given_name"]),
        names_known_from=int(said["names_known_from"]),
        block_cap=int(said["caps"]["block"]),
        cluster_cap=int(said["caps"]["cluster"]),
    )


def _weights(levels: Mapping[str, Mapping[str, float]], limits: tuple[float, float]) -> Mapping[Level, float]:
    low, high = limits
    return MappingProxyType({level: min(high, max(low, math.log2(it["m"] / it["u"]))) for level, it in levels.items()})


def _rarity(comparison: Mapping[str, Any]) -> Rarity:
    said = comparison["rarity"]
    return Rarity(said["level"], comparison["levels"][said["level"]]["u"], said["prior_frequency"])

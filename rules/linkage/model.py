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
    """A model from its JSON. Raises ModelError, which names the comparison, level or number that is missing or cannot
    be."""
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
    limits, review = _limits(said, "term"), _number(said, "bands", "review")
    pairs = _number(said, "pairs_per_record", above=0)
    return Model(
        version=str(said["version"]),
        weights=MappingProxyType({name: _weights(said, name, limits) for name in comparisons}),
        rarities=MappingProxyType({name: _rarity(said, name) for name, it in comparisons.items() if "rarity" in it}),
        pairs_per_record=pairs,
        people_per_record=_number(said, "people_per_record", above=0),
        smallest_population=int(_number(said, "smallest_population", above=pairs)),
        term_limits=limits,
        rarity_limits=_limits(said, "rarity"),
        context=_context(said),
        context_limit=_number(said, "context", "limit"),
        auto=_number(said, "bands", "auto", above=review),
        review=review,
        common_given_name=_number(said, "common_given_name", above=0),
        names_known_from=int(_number(said, "names_known_from")),
        block_cap=int(_number(said, "caps", "block", above=0)),
        cluster_cap=int(_number(said, "caps", "cluster", above=0)),
    )


def _number(said: Mapping[str, Any], *path: str, above: float = -math.inf, most: float = math.inf) -> float:
    """The number at the end of a path of names; above one bound, the other included."""
    found: Any = said
    for name in path:
        found = found[name]
    if isinstance(found, bool) or not isinstance(found, int | float) or not above < found <= most:
        raise ModelError(f"{'/'.join(path)}: {found!r} is no number above {above:g} up to {most:g}")
    return float(found)


def _limits(said: Mapping[str, Any], name: str) -> tuple[float, float]:
    found = said["limits"][name]
    if len(found) != 2 or not found[0] < found[1]:
        raise ModelError(f"limits/{name}: {found!r} is no lower and upper limit")
    return float(found[0]), float(found[1])


def _context(said: Mapping[str, Any]) -> frozenset[str]:
    found = frozenset(said["context"]["comparisons"])
    if not found <= set(COMPARISONS):
        raise ModelError(f"context/comparisons: {sorted(found - set(COMPARISONS))} are no comparisons")
    return found


def _weights(said: Mapping[str, Any], comparison: str, limits: tuple[float, float]) -> Mapping[Level, float]:
    low, high = limits
    weights = {}
    for level in said["comparisons"][comparison]["levels"]:
        m, u = (_number(said, "comparisons", comparison, "levels", level, of, above=0, most=1) for of in ("m", "u"))
        weights[level] = min(high, max(low, math.log2(m / u)))
    return MappingProxyType(weights)


def _rarity(said: Mapping[str, Any], comparison: str) -> Rarity:
    path = ("comparisons", comparison)
    level = said["comparisons"][comparison]["rarity"]["level"]
    return Rarity(
        level,
        u=_number(said, *path, "levels", level, "u", above=0, most=1),
        prior_frequency=_number(said, *path, "rarity", "prior_frequency", above=0, most=1),
    )

"""How much two records speak for one person, in bits, and which terms make the sum. Fellegi and Sunter (1969). Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rules.linkage.comparisons import COMPARISONS, Level
from rules.linkage.features import Features
from rules.linkage.model import Model, Rarity


class Term(NamedTuple):
    """One summand: a comparison's level, or the prior, or what a limit takes away. `weight` counts the rarity in."""

    name: str
    level: Level
    weight: float
    rarity: float = 0.0


@dataclass(frozen=True, slots=True)
class Population:
    """What the terms need to know of everybody: records so far, and how many persons have each rare value
    (`rare_values`)."""

    records: int
    people_with: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Score:
    """`terms` sum to `weight`, exactly as a sum in their order gives it."""

    weight: float
    terms: tuple[Term, ...]

    @property
    def probability(self) -> float:
        """The chance that both are one person, as the model has it."""
        return 1 / (1 + math.pow(2, -max(-1000.0, min(1000.0, self.weight))))

    def level(self, name: str) -> Level | None:
        """The level of a comparison; None where a side said nothing."""
        return next((term.level for term in self.terms if term.name == name), None)


def score(a: Features, b: Features, model: Model, population: Population) -> Score:
    """How far `a` and `b` speak for one person. Symmetric. 15 us."""
    terms = [Term("prior", "prior", model.prior(population.records))]
    for name, compare in COMPARISONS.items():
        level = compare(a, b)
        if level is not None:
            rarity = model.rarities.get(name)
            moved = _moved(rarity, _shared(name, a, b), model, population) if rarity and rarity.level == level else 0.0
            terms.append(Term(name, level, model.weights[name].get(level, 0.0) + moved, moved))
    terms += _limit(terms, model)
    return Score(math.fsum(term.weight for term in terms), tuple(terms))


def _moved(rarity: Rarity, shared: Iterable[str], model: Model, population: Population) -> float:
    """Bits by which the rarity of what both have moves the weight."""
    others = max(0, max(population.people_with.get(value, 1) for value in shared) - 1)
    low, high = model.rarity_limits
    return min(high, max(low, rarity.adjustment(others, model.people(population.records))))


def _limit(terms: list[Term], model: Model) -> list[Term]:
    """A household shares its house, phone and work: together they speak no louder than the limit."""
    context = sum(term.weight for term in terms if term.name in model.context)
    return [Term("limit", "context", model.context_limit - context)] if context > model.context_limit else []


def rare_values(it: Features) -> tuple[str, ...]:
    """The values of a record whose rarity counts, each with the comparison it belongs to."""
    values = [f"phone|{phone}" for phone in it.phones]
    if it.name:
        values += [f"name|{it.name}", f"given|{it.given}"]
    if len(it.birth) == 10:
        values.append(f"birth|{it.birth}")
    if it.employer:
        values.append(f"employer|{it.employer}")
    if it.organisation:
        values.append(f"employer|{it.organisation}")
    if it.household:
        values.append(f"household|{it.household}")
    return tuple(values)


def _shared(name: str, a: Features, b: Features) -> list[str]:
    """What both have in common of the kind; one value at least, since the level says they agree."""
    prefix = f"{name}|"
    return [value for value in rare_values(a) if value.startswith(prefix) and value in rare_values(b)] or [""]

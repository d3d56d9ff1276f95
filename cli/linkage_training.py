"""A linkage model from reports: what Splink estimates, what is better counted, and the settings that stay ours.

Bands, limits, context, caps and the smallest population are decisions, not estimates: they are carried over from the
model before. Nothing here imports Splink before a `Workshop` is opened.
"""

import json
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from cli.linkage_splink import Seen, Shares, Workshop
from rules.linkage.comparisons import COMPARISONS, Level
from rules.linkage.features import Features
from rules.linkage.model import FORMAT, ModelError

RANDOM_PAIRS: Final = 4_000_000
"""Pairs of strangers that Splink samples: 11 000 persons in 16 samples. A million takes half a minute."""
_SMOOTHING: Final = 0.5
_DIGITS: Final = 5
_COUNTED: Final[Mapping[str, Callable[[Features], Sequence[str]]]] = {
    "name": lambda it: [it.name] if it.name else [],
    "number": lambda it: [it.valid_id] if it.valid_id else [],
    "birth": lambda it: [it.birth] if len(it.birth) == 10 else [],
    "phone": lambda it: it.phones,
    "household": lambda it: [it.household] if it.household else [],
}
"""Comparisons whose level `exact` is so rare among strangers that a sample of pairs hardly meets it."""
_EXACT: Final = "exact"
_UNIQUE_VALUES: Final[Mapping[str, float]] = {"phone": 5e-6, "household": 1e-5}
"""How frequent a value counts that no other person has, where it is made to be one family's own. Names and birthdays
that nobody else has are only not seen yet: they count as frequent as the average one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Records to learn from, in their order, and the label of each one's person; None where that is not known."""

    records: Sequence[Features] = field(repr=False)
    persons: Sequence[str] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model as it is written, and what it was learnt from."""

    model: dict[str, Any]
    pairs: int
    people: int


def train(sample: Sample, before: Mapping[str, Any], *, seed: int = 1, random_pairs: int = RANDOM_PAIRS) -> Trained:
    """Learns a model in the shape of `before`. Raises NoSplinkError.

    With labels m comes from them and u from one record of each person; without, m comes by expectation maximisation and
    u from one record of each probable person. The same sample and seed give the same model. Cost: see RANDOM_PAIRS.
    """
    labels = sample.persons or probable_persons(sample.records)
    chosen = one_of_each(labels)
    workshop = Workshop(sample.records, labels, chosen)
    alike, strangers = workshop.see_pairs_of_one_person(), workshop.see_strangers()
    levels = {name: _levels(name, (alike, strangers), before) for name in COMPARISONS}
    people = [sample.records[at] for at in chosen]
    sampled = min(random_pairs, len(people) * (len(people) - 1) // 2)
    met_u = workshop.strangers(levels, random_pairs, seed)
    u = _smooth(met_u, levels, strangers.speaking, sampled)
    _count_exact(u, people)
    if sample.persons is None:
        chance = before["pairs_per_record"] / max(len(sample.records), before["smallest_population"])
        met_m = workshop.expected(levels, u, chance)
    else:
        met_m = workshop.labelled(levels)
    m = _smooth(met_m, levels, alike.speaking, alike.pairs)
    _carry_unmet(m, u, (met_m, met_u), before)
    told = _told(sample, alike, len(chosen)) if sample.persons is not None else {}
    return Trained(_model(before, m, u, told), alike.pairs, len(chosen))


def one_of_each(labels: Sequence[str]) -> list[int]:
    """One record of each person; a checksum of the label says which, so that it is neither the first one nor chance."""
    mine: dict[str, list[int]] = {}
    for at, label in enumerate(labels):
        mine.setdefault(label, []).append(at)
    return [those[zlib.crc32(label.encode()) % len(those)] for label, those in mine.items()]


def probable_persons(records: Sequence[Features]) -> list[str]:
    """Without truth: records that share two facts which strangers hardly share count as one person's.

    What stays apart inflates u a little (Splink's issue 2035); that is the price of having no labels.
    """
    roots = list(range(len(records)))

    def root(at: int) -> int:
        while roots[at] != at:
            roots[at] = at = roots[roots[at]]
        return at

    first: dict[tuple[str, ...], int] = {}
    for at, it in enumerate(records):
        for facts in _telling(it):
            roots[root(at)] = root(first.setdefault(facts, at))
    return [str(root(at)) for at in range(len(records))]


def _telling(it: Features) -> Iterator[tuple[str, ...]]:
    """Facts of a record that hardly two persons share together."""
    if it.valid_id:
        yield "number", it.valid_id
    whole = {it.birth, it.lunar} - {""} if len(it.birth) == 10 else set()
    for day in whole:
        yield "sound and day", " ".join(it.folded), day
    for phone in it.phones:
        yield "sound and phone", " ".join(it.folded), phone
        yield from (("day and phone", day, phone) for day in whole)
    for fact in (it.household, it.employer, f"{it.division}{it.area}" if it.area else ""):
        if fact and it.name:
            yield "name and another", it.name, fact


def _levels(name: str, seen: Sequence[Seen], before: Mapping[str, Any]) -> tuple[Level, ...]:
    """What the function answered, and what the model before knows of: a rare level may be missing from one sample."""
    known = before["comparisons"].get(name, {"levels": {}})["levels"]
    return tuple(sorted(set(known).union(*(one.levels[name] for one in seen))))


def _smooth(shares: Shares, levels: Mapping[str, Sequence[Level]], speaking: Mapping[str, float], pairs: int) -> Shares:
    """As if each level had been met half a time more: no level has a share of nothing."""
    smooth: Shares = {}
    for name, those in levels.items():
        met = speaking[name] * pairs
        whole = met + _SMOOTHING * len(those)
        smooth[name] = {level: (shares.get(name, {}).get(level, 0.0) * met + _SMOOTHING) / whole for level in those}
    return smooth


def _carry_unmet(m: Shares, u: Shares, met: Sequence[Shares], before: Mapping[str, Any]) -> None:
    """A level met in neither sample keeps its figures of the model before, or weighs nothing: two counts of nothing
    would only say how large the samples were."""
    for name, levels in m.items():
        for level in levels.keys() - set().union(*(shares.get(name, {}) for shares in met)):
            known = before["comparisons"].get(name, {"levels": {}})["levels"].get(level)
            m[name][level], u[name][level] = (known["m"], known["u"]) if known else (levels[level], levels[level])


def _count_exact(u: Shares, people: Sequence[Features]) -> None:
    """Puts the chance that two persons have the same value in place of what the sample says of it."""
    for name, values in _COUNTED.items():
        if _EXACT in u[name]:
            u[name][_EXACT] = chance_of_the_same([values(one) for one in people])


def chance_of_the_same(values: Sequence[Sequence[str]]) -> float:
    """Chance that two of those who have any value share one; never nothing."""
    having = sum(bool(mine) for mine in values)
    pairs = max(1, having * (having - 1) // 2)
    counts = Counter(value for mine in values for value in set(mine))
    equal = sum(count * (count - 1) // 2 for count in counts.values())
    return (equal + _SMOOTHING) / (pairs + 2 * _SMOOTHING)


def _told(sample: Sample, alike: Seen, people: int) -> dict[str, float]:
    """What only labels tell: how many pairs and persons a record makes."""
    records = len(sample.records)
    return {"pairs_per_record": 2 * alike.pairs / records, "people_per_record": people / records}


def _model(before: Mapping[str, Any], m: Shares, u: Shares, told: Mapping[str, float]) -> dict[str, Any]:
    comparisons: dict[str, Any] = {}
    for name in COMPARISONS:
        levels = {level: {"m": _rounded(m[name][level]), "u": _rounded(u[name][level])} for level in m[name]}
        comparisons[name] = {"levels": levels}
        rarity = before["comparisons"].get(name, {}).get("rarity")
        if rarity is not None:
            frequency = _UNIQUE_VALUES.get(name, levels[rarity["level"]]["u"])
            comparisons[name]["rarity"] = {"level": rarity["level"], "prior_frequency": frequency}
    learnt = {name: _rounded(value) for name, value in told.items()}
    return dict(before) | {"format": FORMAT, "comparisons": comparisons} | learnt


def named(model: Mapping[str, Any], version: str | None, trained_on: str) -> dict[str, Any]:
    """The model with its name first; without one given, the name is a hash of all the rest."""
    rest = {name: value for name, value in model.items() if name not in ("format", "version", "trained_on")}
    digest = blake2b(json.dumps(rest, sort_keys=True).encode(), digest_size=4).hexdigest()
    return {"format": model["format"], "version": version or digest, "trained_on": trained_on, **rest}


def written(model: Mapping[str, Any]) -> str:
    """The file: one level a line, so that two models can be compared line by line."""
    text = json.dumps(model, ensure_ascii=False, indent=1)
    return text.replace('{\n     "m": ', '{"m": ').replace(',\n     "u": ', ', "u": ').replace("\n    }", "}") + "\n"


def settings_of(text: str) -> dict[str, Any]:
    """The model before, as it stands in its file. Raises ModelError."""
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        raise ModelError("the model before is no JSON") from None
    if not isinstance(said, dict) or not isinstance(said.get("comparisons"), dict):
        raise ModelError("the model before has no comparisons")
    return said


def _rounded(value: float) -> float:
    """Five digits: more are noise of the sample."""
    return round(value, _DIGITS - 1 - math.floor(math.log10(value)))

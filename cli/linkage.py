"""`./tongli linkage train`: learns how much each agreement of two reports speaks, and writes the linkage model.
`rescore` and `rebuild` are in modules of their own.

Exit codes: 0 written, 1 refused because gold pairs fell, 2 a file that cannot be read or Splink missing.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cli.linkage_gold import fallen, read_gold_pairs
from cli.linkage_rebuild import rebuild, rebuild_arguments
from cli.linkage_reports import ReportsError, features_of_row, places_of_reference, read_rows, read_truth
from cli.linkage_rescore import rescore, rescore_arguments
from cli.linkage_splink import NoSplinkError
from cli.linkage_training import RANDOM_PAIRS, Sample, Trained, named, settings_of, train, written
from db.reference_data import FOLDER
from rules.linkage.features import Features
from rules.linkage.model import ModelError, read_model

WRITTEN, REFUSED, UNREADABLE = 0, 1, 2
COMMITTED: Final = FOLDER / "linkage_model.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`train` and its files, `rescore`, `rebuild`."""
    kinds = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    rescore_arguments(kinds.add_parser("rescore", help="ask what a model would say of what is known; changes no link"))
    rebuild_arguments(kinds.add_parser("rebuild", help="replay all assertions and compare the persons they make"))
    to_train = kinds.add_parser("train", help="learn a model from reports, with Splink (group `linkage`)")
    to_train.add_argument(
        "--reports", type=Path, action="append", required=True, help="reports, one JSON object a line; repeatable"
    )
    to_train.add_argument(
        "--truth",
        type=Path,
        action="append",
        default=[],
        help="whose each report is; once for each --reports, or never",
    )
    to_train.add_argument("--out", type=Path, required=True, help="where the model is written, e.g. linkage_model.json")
    to_train.add_argument("--version", help="name of the model (default: a hash of its content)")
    to_train.add_argument("--trained-on", default="", help="a sentence on where the reports come from")
    to_train.add_argument(
        "--model", type=Path, default=COMMITTED, help="the model before: its bands, limits and caps stay"
    )
    to_train.add_argument(
        "--strict", action="store_true", help="refuse when any gold pair falls, even if it fell before"
    )
    to_train.add_argument(
        "--pairs", type=int, default=RANDOM_PAIRS, help="random pairs of strangers (default 4 000 000)"
    )
    to_train.add_argument("--seed", type=int, default=1, help="of the random sample")
    to_train.epilog = "Exit codes: 0 written, 1 refused because gold pairs fell, 2 a file unreadable or Splink missing."


def run(arguments: argparse.Namespace) -> int:
    """Train, compare with the gold pairs, write or refuse; or one of the other commands."""
    return {"rescore": rescore, "rebuild": rebuild, "train": _train}[arguments.what](arguments)


def _train(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    try:
        before = settings_of(arguments.model.read_text(encoding="utf-8"))
        sample = _sample(arguments.reports, arguments.truth)
        trained = train(sample, before, seed=arguments.seed, random_pairs=arguments.pairs)
    except (ReportsError, ModelError, NoSplinkError) as fault:
        print(f"tongli linkage: {fault}", file=sys.stderr)
        return UNREADABLE
    except OSError as fault:
        print(f"tongli linkage: {fault.filename}: {fault.strerror}", file=sys.stderr)
        return UNREADABLE
    return write_or_refuse(
        arguments, trained, before, _trained_on(arguments, trained, sample, time.monotonic() - began)
    )


def _sample(reports: list[Path], truths: list[Path]) -> Sample:
    """Every file's records; persons of different files are different ones."""
    if truths and len(truths) != len(reports):
        raise ReportsError("give --truth once for each --reports, or not at all")
    places = places_of_reference()
    records: list[Features] = []
    persons: list[str] = []
    for at, path in enumerate(reports):
        truth = read_truth(truths[at]) if truths else {}
        for report_id, row in read_rows(path):
            if truths and report_id not in truth:
                raise ReportsError(f"{truths[at].name}: nothing about report {report_id}")
            records.append(features_of_row(row, places))
            persons.append(f"{at}|{truth.get(report_id, '')}")
    if len(records) < 2:
        raise ReportsError("two reports at least are needed")
    return Sample(records, persons if truths else None)


def _trained_on(arguments: argparse.Namespace, trained: Trained, sample: Sample, seconds: float) -> str:
    found = "labelled" if sample.persons is not None else "probable"
    print(f"{len(sample.records)} reports, {trained.people} persons, {trained.pairs} {found} pairs, {seconds:.0f} s")
    counted = f"{len(sample.records)} reports, {trained.people} persons ({found})"
    return f"{arguments.trained_on}; {counted}" if arguments.trained_on else counted


def write_or_refuse(arguments: argparse.Namespace, trained: Trained, before: Mapping[str, Any], trained_on: str) -> int:
    """Writes the model to `arguments.out`, or nothing where it loses a gold pair that the model before held
    (`arguments.strict`: any gold pair). The exit code."""
    model = named(trained.model, arguments.version, trained_on)
    text = written(model)
    places, pairs = places_of_reference(), read_gold_pairs()
    lost = fallen(pairs, read_model(text), places)
    held = lost.keys() - fallen(pairs, read_model(written(before)), places).keys() if lost else set()
    for name, outcome in lost.items():
        print(f"gold pair fell{' (held before)' if name in held else ''}: {name}: {outcome}", file=sys.stderr)
    if held or (lost and arguments.strict):
        print("tongli linkage: no model was written: gold pairs fell", file=sys.stderr)
        return REFUSED
    arguments.out.write_text(text, encoding="utf-8")
    print(f"{arguments.out}: model {model['version']}, {len(pairs) - len(lost)} of {len(pairs)} gold pairs hold")
    return WRITTEN

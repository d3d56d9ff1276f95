"""The linker on reports whose truth is known: how right it is, what it asks of people, and how long it takes.

The reports are filed in the order of the file, one at a time, by the action the API calls, into a PostgreSQL with every
promise of durability; what it made of them is scored against the truth. The laws the linker promises are tried in the
same run. `--at-scale` measures against a background of that many records, `--unseen` invents reports nobody tuned to.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import asyncpg

from bench import linkage_laws, linkage_scale
from bench.linkage_agencies import Directory, add_agencies, directory_of
from bench.linkage_feed import Cpu, Fed, feed, in_milliseconds
from bench.linkage_laws import SHUFFLE, TEMPLATE, Ground
from bench.linkage_lists import HOME
from bench.linkage_people import generate
from bench.linkage_quality import BARS, Truth, against_bars, outcome_of, quality, write_outcome
from bench.linkage_rows import Row, text_of
from bench.linkage_score import lines
from bench.linkage_tables import show
from bench.stage import Stage, prepare, stage
from logs import configure_logging

HELP = "reports linked one at a time: pairs, clusters and reviews against the truth, time, laws; at scale; unseen data"
LARGE = 100_000
"""From so many reports on the bars are those of 200,000."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files or the seed, and how much of them."""
    parser.add_argument("--reports", type=Path, help="reports, one JSON object a line")
    parser.add_argument("--truth", type=Path, help="whose each report is, one JSON object a line")
    parser.add_argument("--limit", type=int, help="file only the first so many reports")
    parser.add_argument("--bars", choices=BARS, help="what to hold the figures against; by the number of reports")
    parser.add_argument("--at-scale", type=int, metavar="N", help="then reports against N records (1000000)")
    parser.add_argument("--probes", type=int, default=2_000, metavar="N", help="how many of them are measured")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--outcome", type=Path, metavar="DIR", help="write clusters and reviews, for a closer look")
    unseen = parser.add_argument_group("in place of files")
    unseen.add_argument("--unseen", type=int, metavar="SEED", help="invent reports of other places, names, spellings")
    unseen.add_argument("--unseen-reports", type=int, default=20_000, metavar="N")
    unseen.add_argument("--error-scale", type=float, default=1.3, help="multiplies every probability of an error")
    unseen.add_argument("--spellings", type=float, default=0.15, help="share of fields written in unusual ways")


def run(arguments: argparse.Namespace) -> int:
    """File, score, try, print. Ends with 1 where a report was refused, a bar of quality missed or a law broken; with 2
    where it was not told what to file. Times end nothing: they are the machine's."""
    if arguments.unseen is None and not (arguments.reports and arguments.truth):
        print("give --reports and --truth, or --unseen SEED", file=sys.stderr)
        return 2
    configure_logging("WARNING", "text")
    signal.signal(signal.SIGTERM, _leave)  # as any other end: the database and its processes go first
    rows, truth = _invented(arguments) if arguments.unseen is not None else _read(arguments)
    bars = arguments.bars or ("unseen" if arguments.unseen is not None else "200k" if len(rows) >= LARGE else "20k")
    with stage() as built:
        figures = asyncio.run(_measure(arguments, built, rows, truth, bars=bars))
    show(figures)
    if arguments.json:
        text = json.dumps(figures, indent=2, ensure_ascii=False, default=str)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0 if _well(figures) else 1


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _read(arguments: argparse.Namespace) -> tuple[list[Row], Truth]:
    return list(lines(arguments.reports)[: arguments.limit]), lines(arguments.truth)


def _invented(arguments: argparse.Namespace) -> tuple[list[Row], Truth]:
    made = generate(
        arguments.unseen_reports,
        arguments.unseen,
        arguments.error_scale,
        places="elsewhere",
        surnames="southern",
        spellings=arguments.spellings,
    )
    rows, truth = zip(*made, strict=True)
    return list(rows[: arguments.limit]), list(truth)


def _well(figures: Mapping[str, Any]) -> bool:
    judged = [*figures["bars"].values(), *figures["laws"].values()]
    return not figures["refused"] and all(it["holds"] for it in judged)


async def _measure(
    arguments: argparse.Namespace, built: Stage, rows: Sequence[Row], truth: Truth, *, bars: str
) -> dict[str, Any]:
    at_scale: int | None = arguments.at_scale
    places = [code for row in rows if (code := text_of(row, "division_code"))]
    directory = directory_of([*places, *(HOME.areas if at_scale else ())])
    await prepare(built, TEMPLATE)
    raw = await asyncpg.connect(built.admin_url(TEMPLATE))
    await add_agencies(raw, directory)
    await raw.close()
    figures = await _filed(built, directory, rows, truth, bars=bars, keep=arguments.outcome)
    if at_scale:
        await built.copy(TEMPLATE, "scaled")
        figures["at_scale"] = await linkage_scale.measure(
            built, "scaled", directory, records=at_scale, probes=arguments.probes
        )
    return figures


async def _filed(
    built: Stage, directory: Directory, rows: Sequence[Row], truth: Truth, *, bars: str, keep: Path | None
) -> dict[str, Any]:
    """The reports filed in order, scored, and the laws tried on what came of them."""
    fed = Fed()
    async with linkage_laws.copy_of_the_directory(built, "filed") as (database, raw):
        began, cpu = time.perf_counter(), Cpu(built.postmaster)
        await feed(database, directory, rows[:SHUFFLE], fed)
        in_order = quality(truth, await outcome_of(raw, fed.reports))
        await feed(database, directory, rows[SHUFFLE:], fed)
        seconds = time.perf_counter() - began
        outcome = await outcome_of(raw, fed.reports)
        if keep:
            write_outcome(outcome, keep)
        figures: dict[str, Any] = {
            "reports": len(fed.reports),
            "seconds": seconds,
            "reports_a_second": len(fed.reports) / seconds,
            "cpu": cpu.milliseconds(len(fed.reports)),
            "refused": dict(fed.refused),
            **quality(truth, outcome),
            "time": {part: in_milliseconds(seconds) for part, seconds in fed.seconds.items()},
        }
        figures["bars"] = against_bars(figures, BARS[bars])
        ground = Ground(built, directory, rows, truth, raw, in_order["automatic"]["f1"], database)
        figures["laws"] = await linkage_laws.tried(ground)
    return figures

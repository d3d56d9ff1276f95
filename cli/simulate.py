"""`./tongli simulate year`: lives a year of cases at forty agencies through the real actions, judges every commit of
it, and prints what it came to. Ends with 1 where anything was not as it should be.
"""

import argparse
import json
from pathlib import Path

from rich.console import Console

from bench.trust import figures_table
from bench.year import simulate
from bench.year_world import Span

CASES, DAYS, SEED = 20_000, 361, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to simulate, and how much of it."""
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    year = kinds.add_parser("year", help="cases and referrals of forty agencies, from 2026-01-05 on")
    year.add_argument("--cases", type=int, default=CASES, metavar="N", help=f"{CASES:,} unless said; 3 referrals each")
    year.add_argument("--days", type=int, default=DAYS, metavar="N", help=f"{DAYS} unless said: to the end of the year")
    year.add_argument("--seed", type=int, default=SEED, metavar="N", help="the same seed is the same year")
    year.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")


def run(arguments: argparse.Namespace) -> int:
    """Simulate, print, judge."""
    figures = simulate(Span(arguments.cases, arguments.days, arguments.seed))
    Console().print(figures_table(f"a simulated year, seed {arguments.seed}", figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if any(figures["faults"].values()) else 0

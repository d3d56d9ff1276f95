"""`./tongli bench warnings`: how soon planted lay-offs and unpaid wages are seen, and how often the rule cries wolf.

The rule for clusters and a fixed threshold (so many cases of one employer in 30 days) read the same days. The rule's
chance is set on some worlds so that it raises fewer false alarms there than the threshold; both are measured on others.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.warnings_world import YEAR, World, made
from db.warnings import shipped_rule
from rules.clusters import ClusterRule, Counts, chance_of, peers_of

HELP = "warnings: how soon lay-offs and unpaid wages are seen, against a fixed threshold"

SEEN: Final = range(1, 21)
UNSEEN: Final = range(1001, 1021)
THRESHOLDS: Final = (4, 5, 6, 8)
GIVEN_UP: Final = 90
"""Days after which an event counts as missed; a missed one counts with them."""
_ECHO: Final = 150
"""Days from an event in which an alarm of its employer is no false one."""
_MARGIN: Final = 0.75
"""The share of the threshold's false alarms that the rule may raise on the seen worlds: new ones are not the same."""
_CHANCES: Final = tuple(10 ** (-at / 8) for at in range(8, 96))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one rule did in some worlds."""

    years: float
    false_alarms: int
    delays: tuple[int, ...]

    @property
    def false_per_100(self) -> float:
        """False alarms for each 100 employer-years."""
        return 100 * self.false_alarms / self.years

    def shown(self) -> dict[str, float]:
        return {
            "false_per_100": round(self.false_per_100, 2),
            "mean_delay_days": round(mean(self.delays), 1),
            "median_delay_days": median(self.delays),
            "seen": round(sum(delay < GIVEN_UP for delay in self.delays) / len(self.delays), 3),
        }


@dataclass(frozen=True, slots=True)
class Read:
    """A world as both rules see it: by employer the nights on which anything could be said, with the count of 30 days
    and the rule's chance."""

    world: World
    nights: tuple[tuple[tuple[int, int, float], ...], ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--unseen", type=int, default=len(UNSEEN), metavar="N", help="worlds to measure on")
    parser.add_argument(
        "--first-seed", type=int, default=UNSEEN.start, metavar="SEED", help="of the worlds to measure on"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")


def run(arguments: argparse.Namespace) -> int:
    """Prints both side by side; 1 where the rule is not better at no more false alarms."""
    unseen = range(arguments.first_seed, arguments.first_seed + arguments.unseen)
    figures = measure(SEEN, unseen)
    Console().print(_table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if faults(figures) else 0


def measure(seen: Iterable[int], unseen: Iterable[int]) -> dict[str, Any]:
    """By threshold: what it and the rule did on the unseen worlds, with the chance that was set on the seen ones; and
    the rule as it is shipped."""
    rule = shipped_rule()
    known, new = [read(made(seed), rule) for seed in seen], [read(made(seed), rule) for seed in unseen]
    pairs = []
    for count in THRESHOLDS:
        allowed = judged(known, _reaches(count)).false_per_100 * _MARGIN
        chance = next(each for each in _CHANCES if judged(known, _below(each)).false_per_100 <= allowed)
        fixed, ours = judged(new, _reaches(count)), judged(new, _below(chance))
        pairs.append({"cases_in_30_days": count, "chance": chance, "fixed": fixed.shown(), "rule": ours.shown()})
    return {
        "employer_years": round(judged(new, _below(0)).years),
        "events": sum(len(each.world.planted) for each in new),
        "pairs": pairs,
        "shipped": judged(new, _below(rule.chance)).shown() | {"chance": rule.chance},
        "model_says_at_most_per_100": rule.false_alarms_at_most,
    }


def read(world: World, rule: ClusterRule) -> Read:
    """Counts every night of the years after the first, as the nightly look does from the database."""
    sums = [tuple(accumulate(row, initial=0)) for row in world.cases]
    nights: list[list[tuple[int, int, float]]] = [[] for _ in sums]
    longest = rule.windows[-1]
    for day in range(YEAR + longest, world.days):
        rows = [_counted(each, day, rule) for each in sums]
        named = [row for each, row in zip(sums, rows, strict=True) if each[day + 1]]
        peers = peers_of(named, rule)
        for employer, row in enumerate(rows):
            if row.recent[-1] >= rule.least:
                nights[employer].append((day, row.recent[-1], chance_of(row, peers, rule)))
    return Read(world, tuple(tuple(each) for each in nights))


def _counted(sums: Sequence[int], day: int, rule: ClusterRule) -> Counts:
    """As of the evening of a day."""
    start = day + 1 - rule.windows[-1]
    recent = tuple(sums[day + 1] - sums[day + 1 - days] for days in rule.windows)
    return Counts(recent, sums[start] - sums[max(0, start - rule.history_days)])


Says = Callable[[int, float], bool]


def _reaches(count: int) -> Says:
    return lambda recent, _: recent >= count


def _below(chance: float) -> Says:
    return lambda _, found: found <= chance


def judged(worlds: Sequence[Read], says: Says) -> Figures:
    """An alarm stays open until 30 days have passed without cause; only then can another be raised."""
    rule, false_alarms, years, delays = shipped_rule(), 0, 0.0, []
    for each in worlds:
        happened: dict[int, list[int]] = {}
        for event in each.world.planted:
            happened.setdefault(event.employer, []).append(event.day)
        years += len(each.nights) * (each.world.days - YEAR - rule.windows[-1]) / YEAR
        for employer, nights in enumerate(each.nights):
            cause = [day for day, recent, chance in nights if says(recent, chance)]
            starts = happened.get(employer, ())
            false_alarms += sum(
                not any(start <= day < start + _ECHO for start in starts) for day in raised(cause, rule.quiet_days)
            )
            for start in starts:
                first = next((day for day in cause if day >= start), start + GIVEN_UP)
                delays.append(min(first - start, GIVEN_UP))
    return Figures(years, false_alarms, tuple(delays))


def raised(cause: Sequence[int], quiet_days: int) -> list[int]:
    """Days on which an alarm is raised, of the days that give cause."""
    return [day for before, day in zip([-quiet_days * 2, *cause], cause, strict=False) if day - before > quiet_days]


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Where the rule cries wolf more often than the threshold, or is later, or sees less."""
    found = []
    for pair in figures["pairs"]:
        fixed, ours, at = pair["fixed"], pair["rule"], f"{pair['cases_in_30_days']} cases"
        if ours["false_per_100"] > fixed["false_per_100"]:
            found.append(f"{at}: more false alarms")
        if ours["mean_delay_days"] >= fixed["mean_delay_days"]:
            found.append(f"{at}: later")
        if ours["seen"] < fixed["seen"]:
            found.append(f"{at}: sees less")
    return found


def _table(figures: Mapping[str, Any]) -> Table:
    table = Table(title=f"{figures['events']} events in {figures['employer_years']:,} employer-years, unseen")
    for heading in ("rule", "false alarms per 100 employer-years", "mean delay (days)", "median", "seen in 90 days"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    rows = [
        row
        for pair in figures["pairs"]
        for row in (
            (f"{pair['cases_in_30_days']} cases in 30 days", pair["fixed"]),
            (f"cluster, chance {pair['chance']:.1e}", pair["rule"]),
        )
    ]
    for name, shown in [*rows, (f"cluster as shipped, {figures['shipped']['chance']:.1e}", figures["shipped"])]:
        table.add_row(
            name,
            f"{shown['false_per_100']:.2f}",
            f"{shown['mean_delay_days']:.1f}",
            f"{shown['median_delay_days']:g}",
            f"{shown['seen']:.1%}",
        )
    return table

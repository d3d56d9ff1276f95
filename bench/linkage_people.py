"""Invented reports of four agencies about workers, and the truth about them: the linkage benchmark.

    python -m bench.linkage_people --reports 20000 --seed 1 --out DIR

Writes two files, one JSON object a line: `reports.ndjson`, oldest first, of which alone a linker may read, and
`truth.ndjson` (person, household, employer, errors put in, traps the person belongs to). Same arguments, same bytes.
Needs pypinyin only.

A report has None where the agency sent nothing: report_id, agency, reported_at, name, sex (M or F), birth_date (as
written, not always a date: "1975-02-30", "1975"), id_number (18, 15 or masked), phone, division_code (6), address,
employer_name, employer_uscc (18, or 9 or 15 of before), household_no, relation_to_head, members (name, relation,
birth_year).

For reports nobody has tuned to: `--places elsewhere`, `--surnames southern`, `--spellings 0.3` (the share of fields
that are written in ways the benchmark does not know), `--error-scale`. None of them changes the default's bytes.
"""

import argparse
import datetime as dt
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.linkage_lists import AGENCIES, ELSEWHERE, HOME, SOUTHERN, SURNAMES, YEARS
from bench.linkage_reporter import Reporter
from bench.linkage_spellings import respell
from bench.linkage_world import Thing, Weighted, World

PLACES = {"home": HOME, "elsewhere": ELSEWHERE}
NAMES = {"national": SURNAMES, "southern": SOUTHERN}


def generate(
    reports: int,
    seed: int,
    scale: float = 1.0,
    *,
    places: str = "home",
    surnames: str = "national",
    spellings: float = 0.0,
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Reports with the truth about each, oldest first. 100 us a report, and memory for the whole world."""
    rng = random.Random(seed)
    world = World(rng, reports, scale, setting=PLACES[places], surnames=NAMES[surnames])
    reporter = Reporter(world)
    planned = sorted(_plan(world)[:reports], key=lambda row: row[0])
    other = random.Random(f"spellings {seed}")  # draws of its own, so that the benchmark's stay as they are
    for index, (when, person, agency) in enumerate(planned):
        row, truth = reporter.report(person, agency, when)
        key = f"R{index:08d}"
        if spellings:
            truth["errors"] = [*truth["errors"], *respell(row, other, spellings)]
        yield {"report_id": key, **row}, {"report_id": key, **truth}


def _plan(world: World) -> list[tuple[dt.date, Thing, str]]:
    """Who is reported when by whom, shuffled: mostly by different agencies, sometimes by the same one again."""
    rng = world.rng
    agencies = Weighted((name, conf["weight"]) for name, conf in AGENCIES.items())
    days = 365 * (YEARS[1] - YEARS[0] + 1) - 40
    planned = []
    for person in world.people:
        used: list[str] = []
        for _ in range(person["reports"]):
            agency = agencies.pick(rng)
            if agency in used and rng.random() < 0.6:
                agency = rng.choice(sorted(set(AGENCIES) - set(used)) or list(AGENCIES))
            used.append(agency)
            planned.append((dt.date(YEARS[0], 1, 1) + dt.timedelta(rng.randrange(days)), person, agency))
    rng.shuffle(planned)
    return planned


def main(words: list[str] | None = None) -> int:
    """Write the two files."""
    cli = argparse.ArgumentParser(description="invented reports about workers, with the truth")
    cli.add_argument("--reports", type=int, default=20_000)
    cli.add_argument("--seed", type=int, default=1)
    cli.add_argument("--out", type=Path, default=Path())
    cli.add_argument("--error-scale", type=float, default=1.0, help="multiplies every probability of an error")
    cli.add_argument("--places", choices=PLACES, default="home")
    cli.add_argument("--surnames", choices=NAMES, default="national")
    cli.add_argument("--spellings", type=float, default=0.0, help="share of fields written in ways not seen before")
    given = cli.parse_args(words)
    given.out.mkdir(parents=True, exist_ok=True)
    made = generate(
        given.reports,
        given.seed,
        given.error_scale,
        places=given.places,
        surnames=given.surnames,
        spellings=given.spellings,
    )
    count = 0
    with (
        (given.out / "reports.ndjson").open("w", encoding="utf-8") as reports,
        (given.out / "truth.ndjson").open("w", encoding="utf-8") as truths,
    ):
        for row, truth in made:
            reports.write(json.dumps(row, ensure_ascii=False) + "\n")
            truths.write(json.dumps(truth, ensure_ascii=False) + "\n")
            count += 1
    print(f"{count} reports -> {given.out}")
    return 0


if __name__ == "__main__":
    main()

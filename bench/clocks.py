"""`./tongli bench clocks`: what a day's dates cost among many open referrals, and that the rest is not looked at.

Referrals lie in rows as the API would have written them, without notes. So many are late and so many to be reminded of
on one day; the jobs' own look tells of them. The same number again among a tenth of the open ones: what the size costs.
"""

import argparse
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import uvloop
from rich.console import Console

from bench.events_stage import Place, desk_at, durable_place
from bench.trust import figures_table
from db.engine import Database
from jobs.clocks import look_once, ring_once
from logs import configure_logging
from tests.jobs.desk import LABOUR, UNION, Desk

HELP = "clocks: what the dates of a day cost among a million open referrals"

OPEN: Final = 1_000_000
LATE: Final = 5_000
BAR_S: Final = 2.0
_DAY = datetime(2026, 11, 24, 16, tzinfo=UTC)
_EACH = 3  # referrals of a case


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--referrals", type=int, default=OPEN, metavar="N", help=f"open referrals, {OPEN:,} unless said"
    )
    parser.add_argument("--late", type=int, default=LATE, metavar="N", help=f"due on the day, {LATE:,} unless said")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")


def run(arguments: argparse.Namespace) -> int:
    """Measures among N and among a tenth of N, and prints both."""
    configure_logging("ERROR", "text")
    figures = {}
    for name, count in (("all", arguments.referrals), ("a tenth", max(arguments.late, arguments.referrals // 10))):
        with durable_place() as place:
            figures[name] = uvloop.run(measure(place, count, late=arguments.late))
        Console().print(figures_table(f"clocks among {count:,} open referrals", figures[name]))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if any(faults(each) for each in figures.values()) else 0


async def measure(place: Place, count: int, *, late: int) -> dict[str, Any]:
    """Seconds for dates that passed and for reminders, and how many events came of them."""
    async with desk_at(place, 2) as desk:
        await _fill(desk, count, late)
        while await look_once(desk.at(_DAY - timedelta(days=2))) + await ring_once(desk.at(_DAY - timedelta(days=2))):
            pass
        at_night = desk.at(_DAY)
        dates_s = await _until_nothing(look_once, at_night)
        alarms_s = await _until_nothing(ring_once, at_night)
        idle_s = await _until_nothing(look_once, at_night) + await _until_nothing(ring_once, at_night)
        told = {
            kind: await desk.behind.fetchval("SELECT count(*) FROM event WHERE type = $1", kind)
            for kind in ("referral.overdue", "referral.reminded")
        }
    return {
        "due": late,
        "dates_s": dates_s,
        "alarms_s": alarms_s,
        "nothing_due_s": idle_s,
        "overdue_told": told["referral.overdue"],
        "reminded_told": told["referral.reminded"],
        "bar_s": BAR_S,
    }


async def _until_nothing(look: Callable[[Database], Awaitable[int]], database: Database) -> float:
    started = time.perf_counter()
    while await look(database):
        pass
    return time.perf_counter() - started


_CASES = """
INSERT INTO "case" (id, number, kind, status, coordinator_agency_id, division_code, causes_secondary, urgency,
                    opened_at, updated_at, version)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'BENCH-' || n, 'household', 'active', $1,
       '340802', '{}', 'normal', $3, $3, 1 FROM generate_series(1, $2::integer) n"""
_REFERRALS = """
INSERT INTO referral (id, case_id, matter_code, need, sender_agency_id, coordinator_agency_id, to_agency_id, pooled,
                      joint, status, urgency, place, age_band, requested_at, received_at, accepted_at, acknowledge_by,
                      accept_by, resolve_by, due_confirmed, next_due, overdue, alarm_at, alarm, rung, return_count,
                      extended, created_at, updated_at, version)
SELECT gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(to_hex(1 + n % $3::integer), 12, '0'))::uuid, 'LAB-12',
       'employment', $1, $1, $2, false, false, 'accepted', 'normal', '340802', '46_60', $5, $5, $5, $5, $5, due, true,
       due, '{}', CASE WHEN reminded THEN $5::timestamptz ELSE due + interval '9 days' END,
       CASE WHEN reminded THEN 'resolve:reminder:2026-11-25' ELSE 'resolve:head' END, '{}', 0, false, $5, $5, 1
  FROM (SELECT n, n > $6::integer AND n <= 2 * $6::integer AS reminded,
               CASE WHEN n <= $6::integer THEN $5::timestamptz
                    ELSE $5::timestamptz + interval '1 day' * (1 + n % 40) END AS due
          FROM generate_series(1, $4::integer) n) each"""


async def _fill(desk: Desk, count: int, late: int) -> None:
    """`late` of them are due at the moment, as many others are to be reminded of."""
    cases, before = max(1, count // _EACH), _DAY - timedelta(days=20)
    await desk.behind.execute(_CASES, desk.agency(UNION), cases, before)
    union, labour = desk.agency(UNION), desk.agency(LABOUR)
    await desk.behind.execute(_REFERRALS, union, labour, cases, count, _DAY, late, timeout=600)
    await desk.behind.execute("VACUUM ANALYZE referral")


def faults(figures: Mapping[str, Any]) -> list[str]:
    """What was not told, or told twice; seconds are the machine's and end nothing."""
    return [name for name in ("overdue_told", "reminded_told") if figures[name] != figures["due"]]

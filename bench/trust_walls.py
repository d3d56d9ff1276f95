"""The walls between agencies under attack: fields sent back, a stormy pool, enumeration, and what they cost.

`python -m bench.trust_walls [--requests 10000] [--people 1500] [--each 60] [--cases 100000] [--only NAME] [--json]`.
Each part starts a PostgreSQL of its own. The short forms are tests/laws/test_mass_assignment.py, test_pool_storm.py and
test_enumeration.py; the cost is measured here only.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from api.main import create_app
from api.spec import build_document
from bench import trust_enumeration, trust_wall_cost
from bench.stage import MEASURED, prepare, stage
from cli.demo_province import prepare_demo_province
from db.engine import open_database
from logs import configure_logging
from tests.laws.mass_assignment import plan, refuse_all, send_good
from tests.laws.pool_storm import storm
from tests.laws.rights_world import RightsWorld

HELP: Final = "fields sent back, a stormy pool, enumeration, and what the walls cost PostgreSQL"


async def mass_assignment() -> dict[str, Any]:
    """Every field of every answer, alone, in each kind of value and null, in every object of every write."""
    settings = trust_enumeration.settings_at(1)
    with stage() as built:

        async def use(world: RightsWorld) -> dict[str, Any]:
            database = open_database(built.app_url(MEASURED), vault=built.vault)
            writes = plan(world, build_document(create_app(settings, database)), one_by_one=True)
            await database.close()
            refusals = await refuse_all(world, writes)
            return {
                "writes": len(writes),
                "sent": refusals.tried,
                "wrong": refusals.wrong,
                "good_requests_refused": await send_good(world, writes),
            }

        return await trust_enumeration.in_a_world(built, settings, use)


async def pool_storm(requests: int = 10_000) -> dict[str, Any]:
    """Requests of twenty agencies over five connections: left, held up, cut off."""
    settings = trust_enumeration.settings_at(1)
    with stage() as built:
        await prepare(built, MEASURED)
        url = built.admin_url(MEASURED)
        file = built.postgres.data_dir / "demo" / "credentials.json"
        await prepare_demo_province(url, file=file, public_url=settings.public_url)
        return await storm(url, built.vault, settings, requests=requests)


def parts(arguments: argparse.Namespace) -> Mapping[str, Callable[[], Awaitable[dict[str, Any]]]]:
    return {
        "mass_assignment": mass_assignment,
        "pool_storm": lambda: pool_storm(arguments.requests),
        "enumeration": lambda: trust_enumeration.enumerate_all(arguments.people, arguments.each),
        "cost": lambda: trust_wall_cost.measure(arguments.cases),
    }


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises the figures break."""
    found = []
    if "mass_assignment" in figures:
        found += figures["mass_assignment"]["wrong"] + figures["mass_assignment"]["good_requests_refused"]
    if "pool_storm" in figures:
        found += figures["pool_storm"]["wrong"] + figures["pool_storm"]["left_in_pool"]
    if "enumeration" in figures:
        found += trust_enumeration.told_too_much(figures["enumeration"])
    if "cost" in figures:
        found += trust_wall_cost.beyond_the_aim(figures["cost"])
    return found


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of all parts, or of the one asked for."""
    configure_logging("ERROR", "text")
    chosen = {name: part for name, part in parts(arguments).items() if arguments.only in (None, name)}
    return {name: await part() for name, part in chosen.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=10_000, help="requests of the storm (10000)")
    parser.add_argument("--people", type=int, default=1_500, help="people known elsewhere (1500)")
    parser.add_argument("--each", type=int, default=60, help="probes of each hidden id by each read (60)")
    parser.add_argument("--cases", type=int, default=100_000, help="cases under the lists (100000)")
    parser.add_argument("--only", choices=("mass_assignment", "pool_storm", "enumeration", "cost"))
    parser.add_argument("--json", action="store_true", help="print JSON alone")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 1 where a promise is broken."""
    figures = asyncio.run(measure(arguments))
    found = faults(figures)
    if arguments.json:
        print(json.dumps(figures | {"faults": found}, ensure_ascii=False))
    else:
        print(json.dumps(figures, ensure_ascii=False, indent=2))
        for fault in found:
            print(f"broken: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=HELP)
    add_arguments(_parser)
    sys.exit(run(_parser.parse_args()))

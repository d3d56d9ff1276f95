"""What an agency can tell from time and size about people and ids that are none of its business.

`python -m bench.trust_enumeration [--people 1500] [--each 60] [--json]`. A service on loopback, one keep-alive
connection, one probe at a time: nearer than any attacker comes. Known and unknown are asked in random order, so that
what else the machine does falls on both. The figure is the AUC of a classifier by response time or size alone.
"""

import argparse
import asyncio
import http.client
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from bench.stage import MEASURED, Stage, free_port, prepare, service, stage
from cli.demo_province import prepare_demo_province
from crypto.tokens import TokenAuthority
from db.engine import Raw, open_database
from logs import configure_logging
from settings import Settings
from tests.actions.instances import instance_on, superuser
from tests.laws.enumeration import (
    Family,
    Probe,
    Seen,
    ids,
    known_people,
    measure,
    reports,
    searches,
    without_what_is_told,
)
from tests.laws.rights_world import RightsWorld, build_world

HELP: Final = "what time and size of answers tell of people and ids that are none of the caller's business"
AIM: Final = 0.55
_WARM: Final = 200
_EVERY: Final = 25
"""Searches after which the attacker's budget is refilled behind the service, which allows 60 at once."""


async def in_a_world(
    built: Stage, settings: Settings, use: Callable[[RightsWorld], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """Runs `use` on the rights world in the measured database."""
    await prepare(built, MEASURED)
    url = built.admin_url(MEASURED)
    file = built.postgres.data_dir / "demo" / "credentials.json"
    await prepare_demo_province(url, file=file, public_url=settings.public_url)
    database = open_database(built.app_url(MEASURED), vault=built.vault, pool_size=5)
    try:
        async with instance_on(database, url, settings) as instance:
            world = await build_world(instance, TokenAuthority(built.keyring, settings.public_url))
            return await use(world)
    finally:
        await database.close()


def settings_at(port: int) -> Settings:
    """With room for many requests."""
    return Settings(
        env="development",
        public_url=f"http://127.0.0.1:{port}",
        webhook_allow_http=True,
        webhook_allow="127.0.0.0/8",
        rate_limit_per_minute=100_000_000,
        rate_limit_burst=1_000_000,
    )


async def enumerate_all(people: int = 1_500, each: int = 60, seed: int = 1) -> dict[str, Any]:
    """`people` known and as many unknown are searched twice, half as many reported; each hidden id is asked `each`
    times by each read that names it, and as many random ones."""
    port = free_port()
    configure_logging("WARNING", "text")
    with stage() as built:

        async def use(world: RightsWorld) -> dict[str, Any]:
            known = await known_people(await world.instance.api("DEMO-340802-LABOUR"), people)
            chance = random.Random(seed)
            async with superuser(world.instance.admin_url) as raw:
                await raw.execute("VACUUM ANALYZE")
                with service(built, port):
                    return await _figures(_Asker(port, raw), world, known, each=each, chance=chance)

        return await in_a_world(built, settings_at(port), use)


async def _figures(
    asker: "_Asker", world: RightsWorld, known: Sequence[dict[str, Any]], *, each: int, chance: random.Random
) -> dict[str, Any]:
    warm = searches(world, known[: _WARM // 4], chance) + ids(world, 2, chance)
    await measure(warm, asker.ask)
    families = await measure(searches(world, known, chance), asker.ask)
    families |= await measure(reports(world, known[: len(known) // 2], chance), asker.ask_to_report)
    of_ids = await measure(ids(world, each, chance), asker.ask)
    together = Family()
    for family in of_ids.values():
        for whole, part in ((together.known, family.known), (together.unknown, family.unknown)):
            whole.seconds += part.seconds
            whole.sizes += part.sizes
    shown = {name: family.figures() for name, family in families.items()}
    shown["hidden ids, each read by itself"] = _by_read(of_ids)
    shown["hidden ids, together"] = together.figures() | {
        "same_answers": all(family.figures()["same_answers"] for family in of_ids.values())
    }
    return {"probes": asker.asked, "aim": AIM, "families": shown}


def _by_read(families: dict[str, Family]) -> dict[str, Any]:
    """The times of a read divided by its own median, so that reads of different weight can be taken together."""
    whole = Family()
    for family in families.values():
        middle = sorted(family.known.seconds + family.unknown.seconds)[len(family.known.seconds)]
        for into, part in ((whole.known, family.known), (whole.unknown, family.unknown)):
            into.seconds += [second / middle / 1e6 for second in part.seconds]
            into.sizes += part.sizes
    figures = whole.figures()
    reads = {name: family.figures() for name, family in families.items()}
    return {
        **{name: figures[name] for name in ("probes", "auc_time", "auc_size")},
        "standard_error_of_one_read": max(_standard_error(figures["probes"]) for figures in reads.values()),
        "auc_time_by_read": dict(sorted((name, figures["auc_time"]) for name, figures in reads.items())),
        "slower_by_us": round(
            statistics.median(one["median_us_known"] - one["median_us_unknown"] for one in reads.values()), 1
        ),
    }


def _standard_error(probes: int) -> float:
    """Of an AUC that is in truth 0.5, with as many probes on either side (Hanley and McNeil 1982)."""
    return round(math.sqrt((probes + 1) / (3 * probes**2)), 4)


class _Asker:
    """One connection, one probe at a time."""

    def __init__(self, port: int, raw: Raw) -> None:
        self._connection, self._raw, self.asked = http.client.HTTPConnection("127.0.0.1", port), raw, 0

    async def ask(self, probe: Probe) -> Seen:
        if probe.family.startswith("search") and self.asked % _EVERY == 0:
            await self._raw.execute("DELETE FROM rate_bucket WHERE policy = 'search'")
        self.asked += 1
        started = time.perf_counter()
        self._connection.request(probe.method, probe.path, body=probe.body, headers=dict(probe.headers))
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - started
        assert answer.status in (200, 201, 404), body
        return Seen(answer.status, tuple(answer.getheaders()), body, seconds)

    async def ask_to_report(self, probe: Probe) -> Seen:
        return without_what_is_told(await self.ask(probe))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=1_500, help="people known elsewhere (1500)")
    parser.add_argument("--each", type=int, default=60, help="probes of each hidden id by each read (60)")
    parser.add_argument("--json", action="store_true", help="print JSON alone")


def told_too_much(figures: dict[str, Any]) -> list[str]:
    """Families whose classifiers are beyond the aim, and single reads that are by more than three standard errors. An
    intake answer says linked or new openly, so that its time tells nothing more."""
    by_read = figures["families"]["hidden ids, each read by itself"]
    limit = AIM + 3 * by_read["standard_error_of_one_read"]
    return [
        *(f"{name}: auc_time {value}" for name, value in by_read["auc_time_by_read"].items() if value > limit),
    ] + [
        f"{name}: {kind} {family[kind]}"
        for name, family in figures["families"].items()
        for kind in ("auc_time", "auc_size")
        if family[kind] > AIM and not (name == "report" and kind == "auc_time")
    ]


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 1 where a classifier is beyond the aim."""
    figures = asyncio.run(enumerate_all(arguments.people, arguments.each))
    print(json.dumps(figures, ensure_ascii=False, indent=None if arguments.json else 2))
    return 1 if told_too_much(figures) else 0


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=HELP)
    add_arguments(_parser)
    sys.exit(run(_parser.parse_args()))

"""`./tongli bench events`: what webhooks and the feed promise, under kills, hostile receivers and load. Prints figures.

Each part is a bench of its own and can be run alone (`--only`); `--short` takes a minute or two. The bars stand beside
the figures. Ends with 1 where a promise is broken; times and rates are the machine's and end nothing.
"""

import argparse
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import uvloop
from rich.console import Console

from bench import (
    events_client,
    events_clock,
    events_delivery,
    events_hostile,
    events_kills,
    events_order,
    events_poison,
    events_replay,
    events_stop,
    events_throughput,
)
from bench.events_stage import Place, durable_place
from bench.trust import figures_table
from logs import configure_logging

HELP = "webhooks and feed: nothing lost, doubled, out of order or led astray, and what goes through"

Figures: TypeAlias = Mapping[str, Any]


class Part(NamedTuple):
    """`measure(place, short)`, and what of its figures breaks a promise."""

    measure: Callable[[Place, bool], Awaitable[Figures]]
    faults: Callable[[Figures], list[str]]


async def _delivery(place: Place, short: bool) -> Figures:
    sizes = {"events": 200, "endpoints": 4, "kills": 2} if short else {}
    return await events_delivery.measure(place, **sizes)


async def _order(place: Place, short: bool) -> Figures:
    if short:
        return await events_order.measure(place, cases=20, updates=10, idle_s=2.0)
    return await events_order.measure(place)


async def _poison(place: Place, short: bool) -> Figures:
    return await events_poison.measure(place, share=0.2, seconds=5.0) if short else await events_poison.measure(place)


async def _replay(place: Place, short: bool) -> Figures:
    return await events_replay.measure(place, events=200, kills=1) if short else await events_replay.measure(place)


async def _throughput(place: Place, short: bool) -> Figures:
    if short:
        return await events_throughput.measure(place, endpoints=100, events=50, seconds=3.0)
    return await events_throughput.measure(place)


async def _kills(place: Place, short: bool) -> Figures:
    return await events_kills.measure(place, cycles=10, writes=200) if short else await events_kills.measure(place)


async def _stop(place: Place, short: bool) -> Figures:
    return await events_stop.measure(place, stops=4 if short else events_stop.STOPS)


async def _clock(place: Place, short: bool) -> Figures:
    return await events_clock.measure(place, events=40, endpoints=4) if short else await events_clock.measure(place)


async def _hostile(_place: Place, _short: bool) -> Figures:
    return await events_hostile.measure()


async def _client(_place: Place, short: bool) -> Figures:
    return await events_client.measure(500, 1) if short else await events_client.measure()


PARTS: Final[Mapping[str, Part]] = {
    "kills": Part(_kills, events_kills.faults),
    "delivery": Part(_delivery, events_delivery.faults),
    "order": Part(_order, events_order.faults),
    "replay": Part(_replay, events_replay.faults),
    "poison": Part(_poison, events_poison.faults),
    "clock": Part(_clock, events_clock.faults),
    "stop": Part(_stop, events_stop.faults),
    "hostile": Part(_hostile, events_hostile.faults),
    "client": Part(_client, events_client.faults),
    "throughput": Part(_throughput, events_throughput.faults),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--short", action="store_true", help="fewer events: a minute or two")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")


def run(arguments: argparse.Namespace) -> int:
    """Runs the parts one after the other, each in a database of its own, and prints each as it ends."""
    configure_logging("ERROR", "text")
    console = Console()
    figures: dict[str, Figures] = {}
    broken: dict[str, list[str]] = {}
    for name in arguments.only:
        part = PARTS[name]
        with durable_place() as place:
            figures[name] = uvloop.run(_measured(part, place, arguments.short))
        broken[name] = part.faults(figures[name])
        console.print(figures_table(name, figures[name]))
        for fault in broken[name]:
            console.print(f"[bold]broken:[/bold] {fault}")
    if arguments.json:
        told = {"figures": figures, "broken": broken}
        arguments.json.write_text(json.dumps(told, indent=2, default=str, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(broken.values()) else 0


async def _measured(part: Part, place: Place, short: bool) -> Figures:
    return await part.measure(place, short)

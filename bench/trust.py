"""`./tongli bench trust`: what the walls, tokens, keys and the audit log stand, and what they cost. Prints the figures.

Each part is a bench of its own and can be run alone (`--only`); `--short` takes fewer trials. Ends with 1 where a part
falls short of what SECURITY.md promises.
"""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from rich.console import Console
from rich.table import Table

from bench import (
    trust_audit_cost,
    trust_enumeration,
    trust_keys,
    trust_matrix,
    trust_tamper,
    trust_tokens,
    trust_wall_cost,
    trust_walls,
)

HELP = "authorization, tokens, tampering, keys: what is detected, refused, and what it costs"

Figures: TypeAlias = Mapping[str, Any]
Part: TypeAlias = Callable[[bool], Awaitable[Figures]]


async def _tamper(short: bool) -> Figures:
    return await trust_tamper.measure(5_000, 60) if short else await trust_tamper.measure()


async def _audit_cost(short: bool) -> Figures:
    return await trust_audit_cost.measure(1, 2.0) if short else await trust_audit_cost.measure()


async def _tokens(short: bool) -> Figures:
    families, revocations = (5, 3) if short else (trust_tokens.FAMILIES, trust_tokens.REVOCATIONS)
    return await trust_tokens.trust_tokens(families=families, revocations=revocations)


async def _keys(short: bool) -> Figures:
    """In a thread: it runs loops of its own."""
    return await asyncio.to_thread(trust_keys.measure, cases=2_000 if short else 20_000, rotation=not short)


async def _matrix(short: bool) -> Figures:
    return await trust_matrix.measure(mutants=not short)


async def _fields(_short: bool) -> Figures:
    return await trust_walls.mass_assignment()


async def _storm(short: bool) -> Figures:
    return await trust_walls.pool_storm(1_000 if short else 10_000)


async def _enumeration(short: bool) -> Figures:
    people, each = (150, 20) if short else (1_500, 60)
    return await trust_enumeration.enumerate_all(people, each)


async def _wall_cost(short: bool) -> Figures:
    cases, rounds, requests = (5_000, 2, 200) if short else (100_000, 5, 1_000)
    return await trust_wall_cost.measure(cases, rounds, requests)


PARTS: Final[Mapping[str, Part]] = {
    "matrix": _matrix,
    "fields": _fields,
    "storm": _storm,
    "enumeration": _enumeration,
    "wall-cost": _wall_cost,
    "tokens": _tokens,
    "tamper": _tamper,
    "audit-cost": _audit_cost,
    "keys": _keys,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--short", action="store_true", help="fewer trials: a minute or two")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")


def run(arguments: argparse.Namespace) -> int:
    """Runs the parts one after the other and prints each as it ends."""
    console, figures = Console(), {}
    for name in arguments.only:
        figures[name] = asyncio.run(_measured(name, arguments.short))
        console.print(figures_table(name, figures[name]))
    if arguments.json:
        arguments.json.write_text(
            json.dumps(figures, indent=2, default=str, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return 0


async def _measured(name: str, short: bool) -> Figures:
    return await PARTS[name](short)


def figures_table(name: str, figures: Figures) -> Table:
    """Figures of a part as a table, nested ones by dotted names."""
    table = Table("what", "figure", title=name, title_justify="left")
    for key, value in _flat(figures):
        table.add_row(key, f"{value:,.3f}" if isinstance(value, float) else str(value))
    return table


def _flat(figures: Figures, above: str = "") -> list[tuple[str, object]]:
    """Nested figures as one list of dotted names."""
    rows: list[tuple[str, object]] = []
    for key, value in figures.items():
        name = f"{above}.{key}" if above else str(key)
        rows += _flat(value, name) if isinstance(value, Mapping) else [(name, value)]
    return rows

"""What an audit leaf costs: CPU of the service and of PostgreSQL for a request, with leaves and without.

`python -m bench.trust_audit_cost [--rounds 5] [--seconds 4] [--json]`. Two services on one database, driven in turn, so
that what else the machine does falls on both; the figure is the median of the rounds' differences.
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench import fill, http_load
from bench.cpu import cpu_seconds, family_cpu_seconds
from bench.operations import DRIVEN, Operation, as_bytes, operations
from bench.stage import MEASURED, Stage, free_port, prepare, service, stage
from crypto.ids import new_id
from crypto.tokens import TokenAuthority
from rules.scopes import AGENCY_SCOPES

HELP: Final = "CPU of a write and of an audited read with audit leaves and without"
AIM_MS: Final = 1.0
_CASES: Final = 2_000
_WARM_SECONDS: Final = 1.0
_MODULES: Final = {"with": "cli", "without": "bench.unmarked_api"}


async def measure(rounds: int = 5, seconds: float = 4.0) -> dict[str, Any]:
    """By operation: CPU in microseconds with and without, the difference in milliseconds, the ratio."""
    with stage() as built:
        filled, clients = await _filled(built)
        rows: dict[str, dict[str, list[tuple[float, float]]]] = {}
        for number in range(rounds):
            for name, module in _MODULES.items():
                port = free_port()
                tokens = _tokens(built, clients, port)
                with service(built, port, module=module) as pid:
                    for operation in _chosen(filled, number):
                        cost = await _cost(built, operation, (port, pid), tokens, seconds)
                        rows.setdefault(operation.name, {}).setdefault(name, []).append(cost)
    return {name: _figures(sides) for name, sides in rows.items()} | {"aim_ms": AIM_MS, "rounds": rounds}


def _chosen(filled: fill.Filled, seed: int) -> list[Operation]:
    return [one for one in operations(filled, seed) if one.name in ("create report", "audited read")]


async def _filled(built: Stage) -> tuple[fill.Filled, dict[UUID, UUID]]:
    await prepare(built, MEASURED)
    raw = await asyncpg.connect(built.admin_url(MEASURED))
    filled = await fill.add_agencies(raw)
    await fill.add_cases(raw, built.vault, filled, _CASES)
    clients = {agency: new_id() for agency in filled.unions[:DRIVEN]}
    await raw.executemany(
        "INSERT INTO client (id, agency_id, name, scopes, status, created_at, version)"
        " VALUES ($1, $2, 'bench', $3, 'active', now(), 1)",
        [(client, agency, list(AGENCY_SCOPES)) for agency, client in clients.items()],
    )
    await raw.execute("VACUUM ANALYZE")
    await raw.close()
    return filled, clients


def _tokens(built: Stage, clients: Mapping[UUID, UUID], port: int) -> dict[UUID, str]:
    authority = TokenAuthority(built.keyring, f"http://127.0.0.1:{port}")
    return {
        agency: authority.mint(
            principal_kind="client",
            principal_id=client,
            client_id=client,
            agency_id=agency,
            scopes=frozenset(AGENCY_SCOPES),
            now=datetime.now(UTC),
        )
        for agency, client in clients.items()
    }


async def _cost(
    built: Stage, operation: Operation, where: tuple[int, int], tokens: Mapping[UUID, str], seconds: float
) -> tuple[float, float]:
    """Microseconds of service and of PostgreSQL a request."""
    port, pid = where
    calls = operation.calls()

    def following() -> bytes:
        return as_bytes(next(calls), tokens)

    await http_load.drive(port, following, seconds=_WARM_SECONDS)
    before = cpu_seconds(pid), family_cpu_seconds(built.postmaster)
    measured = await http_load.drive(port, following, seconds=seconds, expect=operation.expect)
    after = cpu_seconds(pid), family_cpu_seconds(built.postmaster)
    assert not measured.wrong, f"{operation.name}: {measured.wrong}"
    return 1e6 * (after[0] - before[0]) / measured.count, 1e6 * (after[1] - before[1]) / measured.count


def _figures(sides: Mapping[str, list[tuple[float, float]]]) -> dict[str, float]:
    pairs = list(zip(sides["with"], sides["without"], strict=True))
    return {
        "service_us_with": round(statistics.median(one[0] for one, _ in pairs), 1),
        "service_us_without": round(statistics.median(other[0] for _, other in pairs), 1),
        "extra_service_ms": round(statistics.median(one[0] - other[0] for one, other in pairs) / 1000, 4),
        "ratio": round(statistics.median(one[0] / other[0] for one, other in pairs), 3),
        "extra_postgres_ms": round(statistics.median(one[1] - other[1] for one, other in pairs) / 1000, 4),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true", help="print JSON alone")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 1 where a write costs more than the aim."""
    figures = asyncio.run(measure(arguments.rounds, arguments.seconds))
    print(json.dumps(figures, indent=None if arguments.json else 2))
    return 0 if figures["create report"]["extra_service_ms"] <= AIM_MS else 1


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=HELP)
    add_arguments(_parser)
    sys.exit(run(_parser.parse_args()))

"""Speed and weight of the API: requests/s, latency and CPU of the operations people wait for.

Beside each stands, in the same run, what the same SQL costs through bare asyncpg (recorded on one copy of the database,
sent again on another: row security, audit, event and idempotency rows on both sides), and a constant FastAPI route.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table

from api.main import create_app
from bench import fill, http_load, statements
from bench.cpu import cpu_seconds, family_cpu_seconds
from bench.operations import DRIVEN, Call, Operation, as_bytes, operations
from bench.stage import MEASURED, RECORDED, REPLAYED, Stage, constant_route, free_port, prepare, service, stage
from bench.statements import Bare
from crypto.ids import new_id
from crypto.tokens import TokenAuthority
from db.engine import open_database
from logs import configure_logging
from rules.scopes import AGENCY_SCOPES
from settings import Settings

HELP = "requests/s, latency and CPU of read, list, inbox, report, accept, beside the same SQL through bare asyncpg"
SMALL = 10_000
WARM_SECONDS = 1.0
AIMS = {"read": 9.0, "list 50": 3.5, "create report": 4.0}
GROWTH_AIM = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Size and length of the run."""
    parser.add_argument("--cases", type=int, default=100_000, help="cases to fill (100000)")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds an operation is driven (4)")
    parser.add_argument(
        "--recorded", type=int, default=1_000, help="requests whose SQL is recorded and sent again (1000)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")


def run(arguments: argparse.Namespace) -> int:
    """Fill, drive, compare, print."""
    configure_logging("WARNING", "text")
    with stage() as built:
        figures = asyncio.run(_measure(built, arguments))
    _print(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if any(row["wrong_answers"] for row in figures["operations"]) else 0


@dataclass(frozen=True, slots=True)
class Driven:
    """One operation over HTTP. CPU in microseconds a request."""

    operation: str
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    service_us: float
    postgres_us: float
    wrong_answers: int

    @property
    def total_us(self) -> float:
        return self.service_us + self.postgres_us


class _Driver:
    """Drives operations against the running service with the agencies' tokens."""

    def __init__(self, built: Stage, port: int, service_pid: int, tokens: dict[UUID, str]) -> None:
        self._built, self._port, self._pid, self._tokens = built, port, service_pid, tokens

    async def drive(self, operation: Operation, seconds: float) -> Driven:
        calls = operation.calls()
        expect = operation.expect

        def next_request() -> bytes | None:
            call = next(calls, None)
            return None if call is None else as_bytes(call, self._tokens)

        await http_load.drive(self._port, next_request, seconds=WARM_SECONDS)
        before = cpu_seconds(self._pid), family_cpu_seconds(self._built.postmaster)
        measured = await http_load.drive(self._port, next_request, seconds=seconds, expect=expect)
        after = cpu_seconds(self._pid), family_cpu_seconds(self._built.postmaster)
        count = measured.count
        wrong = {code: times for code, times in measured.wrong.items() if expect or code >= 400}
        if wrong:
            print(f"{operation.name}: unexpected answers {wrong}", file=sys.stderr)
        return Driven(
            operation=operation.name,
            requests=count,
            per_second=count / measured.seconds,
            p50_ms=measured.percentile(0.50),
            p99_ms=measured.percentile(0.99),
            service_us=1e6 * (after[0] - before[0]) / count,
            postgres_us=1e6 * (after[1] - before[1]) / count,
            wrong_answers=sum(wrong.values()),
        )


async def _measure(built: Stage, arguments: argparse.Namespace) -> dict[str, Any]:
    await prepare(built, MEASURED)
    raw = await asyncpg.connect(built.admin_url(MEASURED))
    filled = await fill.add_agencies(raw)
    await _fill(raw, built, filled, min(SMALL, arguments.cases))
    port = free_port()
    clients = await _add_clients(raw, filled)
    tokens = _tokens(built, clients, port)
    with service(built, port) as pid:
        driver = _Driver(built, port, pid, tokens)
        small = [await driver.drive(operation, arguments.seconds) for operation in _growing(filled)]
    await _fill(raw, built, filled, arguments.cases - filled.count)
    await raw.close()
    await built.copy(MEASURED, RECORDED)
    await built.copy(MEASURED, REPLAYED)
    bare = await _bare(built, filled, clients, arguments.recorded)
    tokens = _tokens(built, clients, port)
    with service(built, port) as pid:
        driver = _Driver(built, port, pid, tokens)
        driven = [await driver.drive(operation, arguments.seconds) for operation in operations(filled, seed=2)]
    constant = await _constant(arguments.seconds)
    return _figures(arguments.cases, small, driven, bare=bare, constant_us=constant)


def _growing(filled: fill.Filled) -> list[Operation]:
    return [operation for operation in operations(filled, seed=1) if operation.name in ("list 50", "inbox")]


async def _fill(raw: "asyncpg.Connection[asyncpg.Record]", built: Stage, filled: fill.Filled, count: int) -> None:
    print(f"filling {count} cases", file=sys.stderr)
    await fill.add_cases(raw, built.vault, filled, count)
    await raw.execute("VACUUM ANALYZE")


async def _add_clients(raw: "asyncpg.Connection[asyncpg.Record]", filled: fill.Filled) -> dict[UUID, UUID]:
    """One client for each agency that is driven: agency → client."""
    clients = {agency: new_id() for agency in (*filled.unions[:DRIVEN], *filled.offices[:DRIVEN])}
    await raw.executemany(
        "INSERT INTO client (id, agency_id, name, scopes, status, created_at, version)"
        " VALUES ($1, $2, 'bench', $3, 'active', now(), 1)",
        [(client, agency, list(AGENCY_SCOPES)) for agency, client in clients.items()],
    )
    return clients


def _tokens(built: Stage, clients: dict[UUID, UUID], port: int) -> dict[UUID, str]:
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


async def _bare(built: Stage, filled: fill.Filled, clients: dict[UUID, UUID], requests: int) -> dict[str, Bare]:
    """The SQL of each operation, recorded through the application and sent again by itself."""
    url = "http://127.0.0.1:1"
    database = open_database(built.app_url(RECORDED), vault=built.vault, pool_size=1)
    settings = Settings(
        env="development",
        public_url=url,
        rate_limit_per_minute=100_000_000,
        rate_limit_burst=1_000_000,
        report_limit_per_minute=100_000_000,
        report_limit_burst=1_000_000,
    )
    transport = httpx.ASGITransport(create_app(settings, database))
    tokens = _tokens(built, clients, 1)
    bare = {}
    async with httpx.AsyncClient(transport=transport, base_url=url) as http:
        for operation in operations(filled, seed=3):
            if operation.expect:
                recorded = await statements.record(database, requests, _sender(http, operation, tokens))
                bare[operation.name] = await statements.replay(
                    built.app_url(REPLAYED), recorded, postmaster=built.postmaster, own_pid=os.getpid()
                )
    await database.close()
    return bare


def _sender(http: httpx.AsyncClient, operation: Operation, tokens: dict[UUID, str]) -> Callable[[int], Awaitable[None]]:
    calls = operation.calls()

    async def send(_number: int) -> None:
        call: Call = next(calls)
        headers = {**call.headers, "authorization": f"Bearer {tokens[call.agency]}"}
        answer = await http.request(call.method, call.path, headers=headers, json=call.body)
        assert answer.status_code == operation.expect, answer.text

    return send


async def _constant(seconds: float) -> float:
    """CPU microseconds of a constant FastAPI route."""
    port = free_port()
    request = http_load.request_bytes("GET", "/constant", "none")
    with constant_route(port) as pid:
        await http_load.drive(port, lambda: request, seconds=WARM_SECONDS)
        before = cpu_seconds(pid)
        measured = await http_load.drive(port, lambda: request, seconds=seconds)
        return 1e6 * (cpu_seconds(pid) - before) / measured.count


def _figures(
    cases: int, small: list[Driven], driven: list[Driven], *, bare: dict[str, Bare], constant_us: float
) -> dict[str, Any]:
    rows = []
    for row in driven:
        against = bare.get(row.operation)
        rows.append(
            {
                **asdict(row),
                "bare_statements": against.statements if against else None,
                "bare_client_us": against.client_us if against else None,
                "bare_postgres_us": against.postgres_us if against else None,
                "ratio_to_bare": row.total_us / against.total_us if against else None,
                "ratio_to_constant": row.service_us / constant_us,
                "aim": AIMS.get(row.operation),
            }
        )
    by_name = {row.operation: row for row in driven}
    growth = {row.operation: by_name[row.operation].total_us / row.total_us for row in small}
    return {
        "cases": cases,
        "connections": 16,
        "constant_route_us": constant_us,
        "operations": rows,
        "growth_from": SMALL,
        "growth_of_cpu": growth,
        "growth_aim": GROWTH_AIM,
    }


def _print(figures: dict[str, Any]) -> None:
    console = Console(width=150)
    table = Table(title=f"{figures['cases']} cases, 16 connections, one service process; CPU in us a request")
    for name in (
        "operation",
        "req/s",
        "p50 ms",
        "p99 ms",
        "service",
        "PostgreSQL",
        "bare asyncpg",
        "x bare",
        "aim",
        "x constant",
    ):
        table.add_column(name, justify="left" if name == "operation" else "right")
    for row in figures["operations"]:
        bare = None if row["bare_client_us"] is None else row["bare_client_us"] + row["bare_postgres_us"]
        table.add_row(
            row["operation"],
            f"{row['per_second']:.0f}",
            f"{row['p50_ms']:.1f}",
            f"{row['p99_ms']:.1f}",
            f"{row['service_us']:.0f}",
            f"{row['postgres_us']:.0f}",
            "" if bare is None else f"{bare:.0f}",
            "" if bare is None else f"{row['ratio_to_bare']:.1f}",
            "" if row["aim"] is None else f"<= {row['aim']:.1f}",
            f"{row['ratio_to_constant']:.1f}",
        )
    console.print(table)
    console.print(f"constant FastAPI route: {figures['constant_route_us']:.0f} us")
    for name, ratio in figures["growth_of_cpu"].items():
        console.print(
            f"{name}: {ratio:.2f} x the CPU of {figures['growth_from']} cases (aim <= {figures['growth_aim']})"
        )

"""What row security costs: PostgreSQL CPU of a list with policies and without, on two equal databases, in turn.

`python -m bench.trust_wall_cost [--cases 100000] [--rounds 5] [--requests 1000] [--json]`. The statements of the API's
lists are recorded once and sent to both by the same role; the second database differs in `DISABLE ROW LEVEL SECURITY`
on every table and in nothing else. Rounds alternate, so that what else the machine does falls on both; a figure is the
median of the rounds' ratios.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx

from api.main import create_app
from bench import fill
from bench.operations import DRIVEN, Operation, operations
from bench.stage import MEASURED, RECORDED, REPLAYED, Stage, prepare, stage
from bench.statements import Statement, record, replay
from crypto.ids import new_id
from crypto.tokens import TokenAuthority
from db.engine import open_database
from rules.scopes import AGENCY_SCOPES
from settings import Settings

HELP: Final = "PostgreSQL CPU of a list with row security and without"
AIM: Final = 1.5
REPEATED: Final = 10
"""How often the list stands in one transaction where it is weighed without BEGIN, entering and COMMIT."""
_URL: Final = "http://127.0.0.1:1"
_LISTS: Final = ("list 50", "inbox")
_UNWALLED: Final = """SELECT format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', oid::regclass) FROM pg_class
                       WHERE relrowsecurity AND relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"""

Requests = list[list[Statement]]


async def measure(cases: int = 100_000, rounds: int = 5, requests: int = 1_000) -> dict[str, Any]:
    """By list: microseconds a request with and without, and the ratio; the same of the list's own statement alone."""
    with stage() as built:
        await prepare(built, MEASURED)
        recorded = await _recorded(built, cases, requests)
        await built.copy(MEASURED, REPLAYED)
        await _take_the_wall_down(built)
        figures: dict[str, Any] = {"cases": cases, "rounds": rounds, "aim": AIM}
        for name, whole in recorded.items():
            figures[name] = {
                "request": await _compared(built, whole, rounds),
                "statement": await _compared(built, [_repeated(one) for one in whole[: len(whole) // 4]], rounds),
            }
    return figures


async def _recorded(built: Stage, cases: int, requests: int) -> dict[str, Requests]:
    """Fills the measured database and records the lists on a copy of it."""
    raw = await asyncpg.connect(built.admin_url(MEASURED))
    filled = await fill.add_agencies(raw)
    await fill.add_cases(raw, built.vault, filled, cases)
    tokens = await _clients(built, raw, filled)
    await raw.execute("VACUUM ANALYZE")
    await raw.close()
    await built.copy(MEASURED, RECORDED)
    database = open_database(built.app_url(RECORDED), vault=built.vault, pool_size=1)
    settings = Settings(
        env="development", public_url=_URL, rate_limit_per_minute=100_000_000, rate_limit_burst=1_000_000
    )
    transport = httpx.ASGITransport(create_app(settings, database))
    async with httpx.AsyncClient(transport=transport, base_url=_URL) as http:
        recorded = {
            one.name: await record(database, requests, _Sender(http, one, tokens).send)
            for one in operations(filled, seed=3)
            if one.name in _LISTS
        }
    await database.close()
    return recorded


class _Sender:
    """Sends the operation's next call."""

    def __init__(self, http: httpx.AsyncClient, operation: Operation, tokens: dict[UUID, str]) -> None:
        self._http, self._calls, self._tokens = http, operation.calls(), tokens

    async def send(self, _number: int) -> None:
        call = next(self._calls)
        answer = await self._http.get(call.path, headers={"authorization": f"Bearer {self._tokens[call.agency]}"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]


async def _clients(built: Stage, raw: "asyncpg.Connection[asyncpg.Record]", filled: fill.Filled) -> dict[UUID, str]:
    """A client and a token for each agency that is driven."""
    authority = TokenAuthority(built.keyring, _URL)
    tokens = {}
    for agency in (*filled.unions[:DRIVEN], *filled.offices[:DRIVEN]):
        client = new_id()
        await raw.execute(
            "INSERT INTO client (id, agency_id, name, scopes, status, created_at, version)"
            " VALUES ($1, $2, 'bench', $3, 'active', now(), 1)",
            *(client, agency, list(AGENCY_SCOPES)),
        )
        tokens[agency] = authority.mint(
            principal_kind="client",
            principal_id=client,
            client_id=client,
            agency_id=agency,
            scopes=frozenset(AGENCY_SCOPES),
            now=datetime.now(UTC),
        )
    return tokens


async def _take_the_wall_down(built: Stage) -> None:
    """On the second copy only; both are analysed alike, for a copy has no statistics of its own activity."""
    raw = await asyncpg.connect(built.admin_url(REPLAYED))
    for row in await raw.fetch(_UNWALLED):
        await raw.execute(row[0])
    assert not await raw.fetch(_UNWALLED)
    await raw.close()


def _repeated(request: list[Statement]) -> list[Statement]:
    """The request with its longest statement, which is the list, several times."""
    longest = max(range(len(request)), key=lambda at: len(request[at][0]))
    return [*request[:longest], *[request[longest]] * REPEATED, *request[longest + 1 :]]


async def _compared(built: Stage, requests: Requests, rounds: int) -> dict[str, float]:
    pairs: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        sides = {}
        for name in (MEASURED, REPLAYED) if number % 2 else (REPLAYED, MEASURED):
            found = await replay(
                built.app_url(name), requests, postmaster=built.postmaster, own_pid=os.getpid(), connections=4
            )
            sides[name] = found.postgres_us
        if number:  # the first round warms both
            pairs.append((sides[MEASURED], sides[REPLAYED]))
    return {
        "with_us": round(statistics.median(one for one, _ in pairs), 1),
        "without_us": round(statistics.median(other for _, other in pairs), 1),
        "ratio": round(statistics.median(one / other for one, other in pairs), 3),
        "least": round(min(one / other for one, other in pairs), 3),
        "most": round(max(one / other for one, other in pairs), 3),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--json", action="store_true", help="print JSON alone")


def beyond_the_aim(figures: dict[str, Any]) -> list[str]:
    """Lists whose requests cost PostgreSQL more than the aim."""
    return [
        f"{name}: {figures[name]['request']['ratio']} times its cost without row security"
        for name in _LISTS
        if figures[name]["request"]["ratio"] > AIM
    ]


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 1 where a list costs more than the aim."""
    figures = asyncio.run(measure(arguments.cases, arguments.rounds, arguments.requests))
    print(json.dumps(figures, indent=None if arguments.json else 2))
    return 1 if beyond_the_aim(figures) else 0


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=HELP)
    add_arguments(_parser)
    sys.exit(run(_parser.parse_args()))

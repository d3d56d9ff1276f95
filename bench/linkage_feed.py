"""Files reports one at a time through the action that the API calls, and says how long each of its parts took."""

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID

from pydantic import ValidationError

from actions import linkage
from actions.reports import file_report
from api.schemas.reports import ReportIn
from bench.cpu import family_cpu_seconds
from bench.linkage_agencies import Agency, Directory
from bench.linkage_rows import Row, report_body
from db.engine import Database
from db.transaction import open_transaction
from rules.errors import TongliError, ValidationFailed
from rules.linkage.reading import read_features
from rules.rights import OPERATIONS

P = ParamSpec("P")
T = TypeVar("T")

WHOLE, LINKING, READING, KEEPING = "whole_intake", "link_people", "reading", "key_and_value_writes"
COMPARING = "candidates_and_scores"
_EVERY: Final = 5_000


@dataclass(slots=True)
class Fed:
    """What came of a stream of reports: report by its row's name, seconds by part of the intake, refusals by reason."""

    reports: dict[str, UUID] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {WHOLE: [], COMPARING: [], READING: [], KEEPING: []}
    )
    refused: Counter[str] = field(default_factory=Counter)


class Stopwatch:
    """Adds up the time that the action spends in its parts, until it is read."""

    def __init__(self) -> None:
        self._spent: defaultdict[str, float] = defaultdict(float)

    def read(self) -> Mapping[str, float]:
        """Seconds by part since the last time."""
        spent, self._spent = self._spent, defaultdict(float)
        return spent

    def waiting(self, name: str, call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """The same call, its time counted under `name`."""

        async def timed(*values: P.args, **named: P.kwargs) -> T:
            began = time.perf_counter()
            try:
                return await call(*values, **named)
            finally:
                self._spent[name] += time.perf_counter() - began

        return timed

    def working(self, name: str, call: Callable[P, T]) -> Callable[P, T]:
        """As `waiting`, for a call that waits for nothing."""

        def timed(*values: P.args, **named: P.kwargs) -> T:
            began = time.perf_counter()
            try:
                return call(*values, **named)
            finally:
                self._spent[name] += time.perf_counter() - began

        return timed


@contextmanager
def stopped() -> Iterator[Stopwatch]:
    """A stopwatch held to the linker's part of an intake; one intake at a time."""
    watch = Stopwatch()
    held: dict[str, Any] = {
        "link_people": watch.waiting(LINKING, linkage.link_people),
        "keep_features": watch.waiting(KEEPING, linkage.keep_features),
        "read_features": watch.working(READING, read_features),
    }
    before = {name: getattr(linkage, name) for name in held}
    for name, timed in held.items():
        setattr(linkage, name, timed)
    try:
        yield watch
    finally:
        for name, call in before.items():
            setattr(linkage, name, call)


async def feed(database: Database, directory: Directory, rows: Iterable[Row], fed: Fed) -> None:
    """Files the rows in their order, each in a transaction of its own, and adds to `fed` what came of it."""
    with stopped() as watch:
        for row in rows:
            began = time.perf_counter()
            try:
                fed.reports[row["report_id"]] = await file_row(database, directory.reporter(row), row)
            except (TongliError, ValidationError) as refusal:
                fed.refused[_reason(refusal)] += 1
                watch.read()
                continue
            whole, spent = time.perf_counter() - began, watch.read()
            fed.seconds[WHOLE].append(whole)
            fed.seconds[COMPARING].append(spent[LINKING] - spent[READING])
            fed.seconds[READING].append(spent[READING])
            fed.seconds[KEEPING].append(spent[KEEPING])
            if len(fed.reports) % _EVERY == 0:
                mean = sum(fed.seconds[WHOLE][-_EVERY:]) / _EVERY
                print(f"{len(fed.reports)} reports, the last {_EVERY} at {1000 * mean:.1f} ms", file=sys.stderr)


async def file_row(database: Database, agency: Agency, row: Row) -> UUID:
    """Files one row as the API does after it has read the body; returns the report's id. Raises
    TongliError, and pydantic's ValidationError where the body itself is wrong."""
    body = report_body(row, now=datetime.now(UTC))
    said = ReportIn.model_validate(body).said()
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    async with open_transaction(database, agency.caller, operation=OPERATIONS["file_report"]) as tx:
        receipt = await file_report(tx, said, text, allow_demo=True)
    return receipt.report_id


def _reason(refusal: TongliError | ValidationError) -> str:
    """The refusal and the fields it names, without values."""
    if isinstance(refusal, ValidationError):
        faults = [f"/{'/'.join(map(str, fault['loc']))} {fault['type']}" for fault in refusal.errors()]
    else:
        errors = refusal.errors if isinstance(refusal, ValidationFailed) else ()
        faults = [f"{fault.pointer} {fault.code}" for fault in errors]
    return " ".join((type(refusal).__name__, *sorted(faults)))


@dataclass(slots=True)
class Cpu:
    """CPU time of this process and of PostgreSQL, which other work on the machine moves less than the clock."""

    postmaster: int
    _service: float = 0.0
    _postgres: float = 0.0

    def __post_init__(self) -> None:
        self._service, self._postgres = time.process_time(), family_cpu_seconds(self.postmaster)

    def milliseconds(self, reports: int) -> dict[str, float]:
        """What each of so many reports has cost since the beginning. Connections that ended meanwhile count."""
        service, postgres = time.process_time() - self._service, family_cpu_seconds(self.postmaster) - self._postgres
        return {"service_ms": 1000 * service / max(1, reports), "postgres_ms": 1000 * postgres / max(1, reports)}


def in_milliseconds(seconds: Iterable[float]) -> dict[str, float]:
    """Mean and percentiles."""
    ordered = sorted(1000 * it for it in seconds)
    if not ordered:
        return {}
    at = {f"p{percent}_ms": ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] for percent in (50, 95, 99)}
    return {"mean_ms": sum(ordered) / len(ordered), **at}

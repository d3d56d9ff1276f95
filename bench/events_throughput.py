"""How much goes through: claims in bursts, signed deliveries through one jobs process, commit to receiver."""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from bench.cpu import cpu_seconds
from bench.events_receivers import receivers
from bench.events_stage import (
    Place,
    desk_at,
    first_successes,
    jobs_at,
    percentile,
    record_many,
    register_all,
    until,
    until_jobs_listen,
)
from db.queries.deliveries import claim_due
from db.transaction import open_system_transaction
from jobs.deliveries import PER_ENDPOINT, SLOTS
from tests.jobs.desk import Desk

BURSTS: Final = 6
ENDPOINTS: Final = 1_000
DELIVERIES: Final = 24_000
RECEIVERS: Final = 16
LATENCY_EVENTS_PER_S: Final = 100


async def measure(
    place: Place, *, endpoints: int = ENDPOINTS, events: int = 2_500, seconds: float = 20.0
) -> dict[str, Any]:
    """Claims a second and what the sixth burst has of the first's rate; deliveries a second with their CPU; latency."""
    delivered = await _deliveries(place, events)
    latency = await _latency(place, seconds)
    claims = await _claims(place, endpoints)
    return {
        "deliveries": delivered,
        "latency": latency,
        "claims": claims,
        "bars": {
            "claims_per_s": 10_000,
            "sixth_of_first": 0.8,
            "deliveries_per_s": 1_000,
            "p50_ms": 50,
            "p99_ms": 500,
        },
    }


async def _deliveries(place: Place, events: int) -> dict[str, float]:
    """What waits is sent by one process: rate between the first and the last arrival, CPU of the jobs process each."""
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", fast=RECEIVERS) as stand:
        async with desk_at(place, 2) as desk:
            await register_all(desk, stand.ports["fast"], 2)
            await record_many(desk, events, 2)
            while await desk.number():
                pass
            async with jobs_at(place) as jobs:
                await until(lambda: _some(stand.count()), within_s=30, every_s=0.005)
                before, started = cpu_seconds(jobs.pid), time.perf_counter()
                first = stand.count()

                async def all_there() -> bool:
                    return stand.count() >= events * RECEIVERS

                await until(all_there, within_s=600)
                seconds, cpu = time.perf_counter() - started, cpu_seconds(jobs.pid) - before
            await _forget_endpoints(desk)
            sent = stand.count() - first
    return {"count": sent, "per_s": sent / seconds, "cpu_us": 1e6 * cpu / sent, "per_cpu_s": sent / cpu}


async def _some(count: int) -> bool:
    return count > 0


async def _latency(place: Place, seconds: float) -> dict[str, float]:
    """Milliseconds from commit to the receiver, at a hundred events a second for one endpoint."""
    committed: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", fast=1) as stand:
        async with desk_at(place, 1) as desk:
            await register_all(desk, stand.ports["fast"], 1)
            async with jobs_at(place):
                await until_jobs_listen(desk)
                started = time.perf_counter()
                for number in range(int(seconds * LATENCY_EVENTS_PER_S)):
                    await asyncio.sleep(max(0.0, started + number / LATENCY_EVENTS_PER_S - time.perf_counter()))
                    for event_id in await record_many(desk, 1, 1):
                        committed[str(event_id)] = time.time()
                written_s = time.perf_counter() - started

                async def all_there() -> bool:
                    return stand.count() >= len(committed)

                await until(all_there, within_s=60)
            await _forget_endpoints(desk)
            taken = first_successes(stand.arrived()).values()
            waits = [1_000 * (one.at - committed[one.event_id]) for one in taken if one.event_id in committed]
    return {
        "events_per_s": len(committed) / written_s,
        "missing": len(committed) - len(waits),
        "p50_ms": percentile(waits, 0.5),
        "p99_ms": percentile(waits, 0.99),
    }


async def _forget_endpoints(desk: Desk) -> None:
    """So that the next part finds its own alone."""
    await desk.behind.execute("UPDATE webhook_endpoint SET status = 'disabled', status_reason = 'deleted'")


async def _claims(place: Place, endpoints: int) -> dict[str, float]:
    """Six bursts over the same table; between them what was claimed is marked as delivered, outside the time taken."""
    async with desk_at(place, 1) as desk:
        await _fill(desk, endpoints, each=BURSTS * PER_ENDPOINT)
        rates, claimed = [], 0
        for _ in range(BURSTS):
            count, seconds = await _burst(desk)
            rates.append(count / seconds)
            claimed += count
            await desk.behind.execute(
                "UPDATE delivery SET status = 'succeeded', attempts = 1, lease_token = NULL, leased_until = NULL,"
                " due_at = NULL, finished_at = now() WHERE lease_token IS NOT NULL"
            )
        await _forget_endpoints(desk)
    expected = endpoints * BURSTS * PER_ENDPOINT
    return {
        "unclaimed": expected - claimed,
        "first_per_s": rates[0],
        "sixth_per_s": rates[-1],
        "sixth_of_first": rates[-1] / rates[0],
    }


async def _burst(desk: Desk) -> tuple[int, float]:
    """Claims until every endpoint has its four under way."""
    count, started = 0, time.perf_counter()
    while True:
        async with open_system_transaction(desk.jobs) as raw:
            rows = await claim_due(
                raw, lease=uuid4(), lease_for=timedelta(seconds=300), limit=SLOTS, per_endpoint=PER_ENDPOINT
            )
        count += len(rows)
        if not rows:
            return count, time.perf_counter() - started


async def _fill(desk: Desk, endpoints: int, *, each: int) -> None:
    """Endpoints that nobody calls, each with deliveries that are due, about a subject of their own."""
    await desk.behind.execute(
        "INSERT INTO webhook_endpoint (id, agency_id, url, types, status, keys, public_key, challenge, activated_at,"
        " created_at, version) SELECT gen_random_uuid(), $1, 'http://127.0.0.1:9/' || n, '{*}', 'active', '\\x00', '',"
        " '', now(), now(), 1 FROM generate_series(1, $2::integer) n",
        desk.agency("DEMO-340802-UNION"),
        endpoints,
    )
    await desk.behind.execute(
        "INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status,"
        " attempts, due_at, replay, created_at) SELECT gen_random_uuid(), e.id, e.agency_id, gen_random_uuid(),"
        " 'referral.requested', gen_random_uuid(), n, '{}', 'pending', 0, now(), false, now()"
        "  FROM generate_series(1, $1::integer) n CROSS JOIN webhook_endpoint e WHERE e.url LIKE 'http://127.0.0.1:9/%'",
        each,
    )
    await desk.behind.execute("VACUUM ANALYZE delivery")


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Rates are the machine's and end nothing; what is lost does."""
    found = []
    if figures["latency"]["missing"]:
        found.append(f"{figures['latency']['missing']} events did not arrive")
    if figures["claims"]["unclaimed"]:
        found.append(f"{figures['claims']['unclaimed']} deliveries were not claimed")
    return found

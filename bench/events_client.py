"""What one signed delivery costs the sender, by HTTP client: httpcore and aiohttp, new and kept connections.

All send the same signed requests to one receiver process on loopback, 32 at once over eight ports, in turn and in
rounds; CPU is the sender's alone. `guarded` is the client of the service with everything that it checks.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

import aiohttp
import httpcore
from yarl import URL

from bench.events_receivers import receivers
from crypto.ids import new_id
from crypto.webhooks import WebhookKeys, generate_webhook_keys
from outbound.http import GuardedClient
from outbound.webhooks import Push, headers_of
from rules.addresses import Address, TargetPolicy

PORTS: Final = 8
AT_ONCE: Final = 32
ROUNDS: Final = 3
NAME: Final = "receiver.bench.example"

Post: TypeAlias = Callable[[int, Mapping[str, str], bytes], Awaitable[int]]
Sender: TypeAlias = Callable[[], contextlib.AbstractAsyncContextManager[Post]]


@asynccontextmanager
async def httpcore_new() -> AsyncIterator[Post]:
    """A pool for each request, as the service had it first."""

    async def post(port: int, headers: Mapping[str, str], body: bytes) -> int:
        async with httpcore.AsyncConnectionPool(max_connections=1, max_keepalive_connections=0) as pool:
            return await _through(pool, port, {**headers, "connection": "close"}, body)

    yield post


@asynccontextmanager
async def httpcore_kept() -> AsyncIterator[Post]:
    """A pool for each address and port, of four connections."""
    pools = {}

    async def post(port: int, headers: Mapping[str, str], body: bytes) -> int:
        if port not in pools:
            pools[port] = httpcore.AsyncConnectionPool(max_connections=4)
        return await _through(pools[port], port, headers, body)

    try:
        yield post
    finally:
        for pool in pools.values():
            await pool.aclose()


async def _through(pool: httpcore.AsyncConnectionPool, port: int, headers: Mapping[str, str], body: bytes) -> int:
    lines = [(name.encode(), value.encode()) for name, value in {"host": f"{NAME}:{port}", **headers}.items()]
    url = httpcore.URL(scheme=b"http", host=b"127.0.0.1", port=port, target=b"/hook")
    async with pool.stream("POST", url, headers=lines, content=body) as answer:
        async for _ in answer.aiter_stream():
            pass
        return int(answer.status)


def _aiohttp(*, kept: bool) -> Sender:
    @asynccontextmanager
    async def sender() -> AsyncIterator[Post]:
        connector = aiohttp.TCPConnector(limit=0, force_close=not kept)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

            async def post(port: int, headers: Mapping[str, str], body: bytes) -> int:
                url = URL.build(scheme="http", host="127.0.0.1", port=port, path="/hook", encoded=True)
                given = {"host": f"{NAME}:{port}", **headers}
                async with session.post(url, headers=given, data=body, allow_redirects=False) as answer:
                    await answer.read()
                    return answer.status

            yield post

    return sender


@asynccontextmanager
async def guarded() -> AsyncIterator[Post]:
    """The service's own client: URL read, every answer for the name checked, one deadline."""

    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address("127.0.0.1")]

    policy = TargetPolicy.of("127.0.0.0/8", allow_http=True, production=False)
    client = GuardedClient(policy, resolve=resolve)

    async def post(port: int, headers: Mapping[str, str], body: bytes) -> int:
        return (await client.post(f"http://{NAME}:{port}/hook", headers=headers, body=body)).status

    try:
        yield post
    finally:
        await client.close()


SENDERS: Final[Mapping[str, Sender]] = {
    "httpcore, new": httpcore_new,
    "httpcore, kept": httpcore_kept,
    "aiohttp, new": _aiohttp(kept=False),
    "aiohttp, kept": _aiohttp(kept=True),
    "guarded": guarded,
}


async def measure(deliveries: int = 3_000, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians over rounds: deliveries a second of wall time, CPU microseconds each, and that over the cheapest."""
    keys = generate_webhook_keys()
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in SENDERS}
    with tempfile.TemporaryDirectory() as folder, receivers(Path(folder) / "log", fast=PORTS) as stand:
        for _ in range(rounds):
            for name, sender in SENDERS.items():
                costs[name].append(await _round(sender, stand.ports["fast"], keys, deliveries))
        delivered = stand.count()
    found = {
        name: {"per_s": median(rate for rate, _ in taken), "cpu_us": median(cpu for _, cpu in taken)}
        for name, taken in costs.items()
    }
    cheapest = min(figures["cpu_us"] for figures in found.values())
    for figures in found.values():
        figures["over_cheapest"] = figures["cpu_us"] / cheapest
        figures["per_cpu_s"] = 1e6 / figures["cpu_us"]
    return {"senders": found, "lost": len(SENDERS) * rounds * deliveries - delivered, "bar_per_s": 1_000}


async def _round(sender: Sender, ports: Sequence[int], keys: WebhookKeys, deliveries: int) -> tuple[float, float]:
    """Deliveries a second and CPU microseconds of each, signature included."""
    left = iter(range(deliveries))
    async with sender() as post:

        async def work() -> None:
            for number in left:
                push = Push(str(new_id()), "referral.requested", number, 1, False, b"{" + b" " * 600 + b"}")
                status = await post(ports[number % len(ports)], headers_of(push, [keys], datetime.now(UTC)), push.body)
                assert status == 204, status

        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return deliveries / wall, 1e6 * cpu / deliveries


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Costs are the machine's and end nothing; what did not arrive does."""
    return [f"{figures['lost']} requests did not arrive"] if figures["lost"] else []

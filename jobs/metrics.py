"""Figures of the feed and of webhooks for Prometheus, served by the jobs themselves: the API's role may not see them.

Attempts are counted where they are made (outbound/webhooks.py), in each jobs process; the gauges are of the whole
database, the same from each. No label names an agency, an endpoint or an event.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from prometheus_client import Gauge, start_http_server

from db.engine import Database
from db.queries.backlog import backlog, endpoints_by_state
from db.transaction import open_system_transaction

EVERY_S: Final = 10.0
STATES: Final = ("pending", "active", "failing", "disabled")

_UNNUMBERED = Gauge("tongli_feed_unnumbered_events", "Committed events that no feed holds yet")
_UNNUMBERED_AGE = Gauge("tongli_feed_oldest_unnumbered_seconds", "Seconds since the oldest of them was recorded")
_UNDELIVERED_AGE = Gauge(
    "tongli_webhook_oldest_undelivered_seconds", "Seconds since the oldest delivery was made that an endpoint waits for"
)
_ENDPOINTS = Gauge("tongli_webhook_endpoints", "Webhook endpoints by state", ["state"])


async def run_metrics(database: Database, stop: asyncio.Event) -> None:
    """Measures every ten seconds until told to stop."""
    while not stop.is_set():
        await measure(database)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_S):
                await stop.wait()


async def measure(database: Database) -> None:
    """Sets the gauges. Two statements."""
    async with open_system_transaction(database) as raw:
        behind, states = await backlog(raw), await endpoints_by_state(raw)
    _UNNUMBERED.set(behind["unnumbered"])
    _UNNUMBERED_AGE.set(behind["unnumbered_age_s"])
    _UNDELIVERED_AGE.set(behind["undelivered_age_s"])
    for state in STATES:
        _ENDPOINTS.labels(state).set(states.get(state, 0))


@contextmanager
def metrics_at(host: str, port: int) -> Iterator[int]:
    """Serves /metrics on a thread of its own while the block runs; yields the port, a free one for 0. Raises OSError
    where the port is taken."""
    server, thread = start_http_server(port, host)
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

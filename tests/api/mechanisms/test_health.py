"""Probes answer whoever asks, and an application that nobody uses any more is forgotten."""

import gc
import weakref
from typing import Any

import httpx

from settings import Settings
from tests.conftest import PUBLIC_URL


async def test_probes_need_no_token(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.get("/readyz")).json() == {"status": "ready"}
    assert "python_info" in (await http.get("/metrics")).text


async def test_an_application_that_stops_is_not_ready(settings: Settings, database: Any) -> None:
    from api.main import create_app  # noqa: PLC0415  as conftest does

    app = create_app(settings, database)
    app.state.ready = False
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})


async def test_an_application_that_nobody_uses_is_forgotten(settings: Settings, database: Any) -> None:
    from api.main import create_app  # noqa: PLC0415  as conftest does

    app = create_app(settings, database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL) as client:
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 200
    remembered = weakref.ref(app)
    del app, client
    gc.collect()
    assert remembered() is None

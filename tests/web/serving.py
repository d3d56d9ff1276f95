"""A service that listens on loopback, for callers that need a real address."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn

from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import open_database
from settings import Settings


@asynccontextmanager
async def serving(admin_url: str, keyring: Keyring, vault: Vault, settings: Settings) -> AsyncIterator[str]:
    """Its address; the pool is its own and ends with it."""
    from api.main import create_app  # noqa: PLC0415  as conftest does

    database = open_database(role_url(admin_url, names.APP, keyring), vault=vault)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = create_app(settings.model_copy(update={"public_url": url}), database)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        yield url
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await running

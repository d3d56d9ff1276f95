"""`./tongli api`: the API alone, any number of them on one database. Behind a proxy that ends TLS."""

import argparse
import asyncio
import socket
from types import FrameType

import uvicorn
import uvloop
from fastapi import FastAPI

from cli.entrances import database_for, or_give_up, read_settings, say, wait_for_database
from db import names
from db.engine import check_audit_hash, check_durability, check_role
from logs import configure_logging
from settings import Settings

DRAIN_SECONDS = 20
KEEP_ALIVE_SECONDS = 65  # longer than the 60 s of usual proxies: the side that reuses connections should close them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments: the settings come from the environment."""
    parser.epilog = "TONGLI_APP_DATABASE_URL is the login of role tongli_app; ./tongli settings lists everything."


def run(_arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM, then finish the requests under way, at most 20 s; 1 where the service may not start."""
    return or_give_up(lambda: uvloop.run(_serve(read_settings())))


class _Server(uvicorn.Server):
    """Lets whoever waits on the feed go when it is told to stop: a stream would otherwise hold the drain open."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        app = self.config.app
        if isinstance(app, FastAPI):
            app.state.ready = False
            self.loop.call_soon_threadsafe(app.state.services.feed.release)
        super().handle_exit(sig, frame)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().serve(sockets)


async def _serve(settings: Settings) -> int:
    """Checks first what would make every answer unsafe: a role without row security, a server that forgets."""
    from api.main import create_app  # noqa: PLC0415  costs 0.5 s, which a refusal need not wait for

    configure_logging(settings.log_level, settings.log_format)
    database = database_for(settings, names.APP)
    await wait_for_database(database)
    await check_role(database)
    await check_durability(database)
    await check_audit_hash(database)
    app = create_app(settings, database)
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    await server.serve()
    if not server.started:
        say("the API did not start")
    return 0 if server.started else 1

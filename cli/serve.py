"""`./tongli serve`: database, API and jobs on this machine, with a demo province on first start.

The database is an embedded PostgreSQL, or that of TONGLI_DATABASE_URL. SIGTERM drains the API, then the jobs, then
stops the database; after kill -9 nothing of it stays, and the next start recovers.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.demo_province import prepare_demo_province
from cli.entrances import (
    EMBEDDED_DATABASE,
    ROOT,
    CannotRun,
    Logins,
    local_url,
    logins_for,
    or_give_up,
    place_of,
    read_settings,
    say,
)
from cli.keyring import keyring_for
from cli.migrate import prepare_database
from cli.processes import Child, Family, wait_until_ready
from crypto.keys import Keyring
from db.embedded import EmbeddedPostgres
from settings import Settings

READY_SECONDS = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Three options; everything else is a setting of the environment."""
    parser.add_argument("--host", help="address to listen on (TONGLI_HOST, else 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for a free one (TONGLI_PORT, else 8000)")
    parser.add_argument(
        "--data-dir", type=Path, help="where database, keys and demo credentials live (TONGLI_DATA_DIR)"
    )
    parser.epilog = "./tongli settings lists every setting."


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT (0); 1 with the reason where something cannot be started or kept alive."""
    return or_give_up(lambda: _serve(arguments))


def _serve(arguments: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, _leave)  # until the family takes over: what was begun is stopped in order
    settings = read_settings(host=arguments.host, port=arguments.port, data_dir=arguments.data_dir)
    if settings.database_url is None and settings.app_database_url is not None:
        raise CannotRun("serve prepares the database and needs TONGLI_DATABASE_URL; ./tongli api runs the API alone")
    settings = settings.model_copy(update=_free_address(settings))
    keyring = keyring_for(settings)
    with _database(settings) as (embedded, admin_url):
        logins = logins_for(settings, keyring, admin_url)
        credentials = asyncio.run(_prepare(settings, keyring, logins))
        say("starting the API and the jobs")
        with Family(_children(settings, logins), database=embedded, say=say) as family:
            if not _wait(settings, family):
                return 0 if family.stopping else 1
            _announce(settings, credentials)
            code = family.watch()
            say("stopping")
    say("stopped")
    return code


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)


def _free_address(settings: Settings) -> dict[str, object]:
    """The port to use, and the public address with it. Raises CannotRun where somebody else has it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((settings.host, settings.port))
        except OSError as fault:
            where = f"{settings.host} port {settings.port}"
            raise CannotRun(f"cannot listen on {where} ({fault.strerror}): choose another --host or --port") from None
        port: int = attempt.getsockname()[1]
    follows = settings.public_url == local_url(settings)
    here = local_url(settings.model_copy(update={"port": port}))
    return {"port": port, "public_url": here if follows else settings.public_url}


@contextmanager
def _database(settings: Settings) -> Iterator[tuple[EmbeddedPostgres | None, str]]:
    """The running database and its administrator's URL; an embedded one stops with the block."""
    if settings.database_url is not None:
        say(f"using the database {place_of(settings.database_url)}")
        yield None, settings.database_url
        return
    say(f"starting PostgreSQL in {settings.data_dir}")
    with EmbeddedPostgres(settings.data_dir, say=say) as embedded:
        embedded.create_database(EMBEDDED_DATABASE)
        yield embedded, embedded.superuser_dsn(EMBEDDED_DATABASE).url()


async def _prepare(settings: Settings, keyring: Keyring, logins: Logins) -> Path | None:
    """Brings the database up to date; the credentials of the demo where there is one."""
    await prepare_database(settings, keyring, logins)
    if settings.production:
        return None
    file = settings.data_dir / "demo" / "credentials.json"
    is_demo = await prepare_demo_province(logins.admin, file=file, public_url=settings.public_url)
    return file if is_demo else None


def _children(settings: Settings, logins: Logins) -> list[Child]:
    """The API first: it is stopped first, so that it drains while jobs and database still answer.

    The administrator's login stays here.
    """
    os.environ.pop("TONGLI_DATABASE_URL", None)
    shared = {
        "PYTHONPATH": str(ROOT),
        "TONGLI_HOST": settings.host,
        "TONGLI_PORT": str(settings.port),
        "TONGLI_DATA_DIR": str(settings.data_dir),
        "TONGLI_PUBLIC_URL": settings.public_url,
        "TONGLI_APP_DATABASE_URL": logins.app,
        **_loopback_webhooks(settings),
    }
    command = [sys.executable, "-P", "-m", "cli"]
    jobs = {"TONGLI_JOBS_DATABASE_URL": logins.jobs}
    return [Child("the API", [*command, "api"], shared), Child("the jobs", [*command, "jobs"], shared | jobs)]


def _loopback_webhooks(settings: Settings) -> dict[str, str]:
    """Outside production receivers on this machine may be called, unless the operator said otherwise."""
    if settings.production or {"webhook_allow", "webhook_allow_http"} & settings.model_fields_set:
        return {}
    return {"TONGLI_WEBHOOK_ALLOW": "127.0.0.0/8,::1/128", "TONGLI_WEBHOOK_ALLOW_HTTP": "true"}


def _wait(settings: Settings, family: Family) -> bool:
    ready = f"{local_url(settings)}/readyz"
    if wait_until_ready(ready, READY_SECONDS, lambda: not family.stopping and family.look_after()):
        return True
    if not family.stopping:
        say("the API did not become ready; its messages are above")
    return False


def _announce(settings: Settings, credentials: Path | None) -> None:
    """What somebody who has just started needs to know, on standard output."""
    print(f"Tongli is ready at {settings.public_url}")
    if settings.docs_served:
        print(f"  documentation  {settings.public_url}/docs")
    if credentials is not None:
        print(f"  credentials    {credentials}")
    print("  stop with Ctrl-C", flush=True)

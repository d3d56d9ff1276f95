"""What the API bench stands on: a durable PostgreSQL, three equal databases, the service and the constant route."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from crypto.keys import Keyring, generate_keyring, render_keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import prepare_roles, role_url
from db.embedded import EmbeddedPostgres
from db.migration import upgrade
from db.reference_data import load_reference_data

ROOT = Path(__file__).resolve().parent.parent
MEASURED, RECORDED, REPLAYED = "measured", "recorded", "replayed"


@dataclass(slots=True)
class Stage:
    postgres: EmbeddedPostgres
    keyring: Keyring
    vault: Vault

    def admin_url(self, database: str) -> str:
        return self.postgres.superuser_dsn(database).url()

    def app_url(self, database: str) -> str:
        return role_url(self.admin_url(database), names.APP, self.keyring)

    @property
    def postmaster(self) -> int:
        """Process id of the server, whose children do the work."""
        pid_files = list(Path(self.postgres.superuser_dsn().host).glob(".s.PGSQL.*.lock"))
        return int(pid_files[0].read_text().splitlines()[0])

    async def copy(self, source: str, target: str) -> None:
        """An equal database; nobody may be connected to `source`."""
        connection = await asyncpg.connect(self.admin_url("postgres"))
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}" STRATEGY FILE_COPY')
        finally:
            await connection.close()


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A temporary installation with every promise of durability switched on."""
    folder = Path(tempfile.mkdtemp(prefix="tongli-bench-"))
    postgres = EmbeddedPostgres(folder, say=lambda text: print(text, file=sys.stderr))
    try:
        postgres.start()
        keyring = generate_keyring()
        yield Stage(postgres, keyring, Vault.of(keyring))
    finally:
        postgres.discard()
        shutil.rmtree(folder, ignore_errors=True)


async def prepare(built: Stage, database: str) -> None:
    """Tables and reference data."""
    built.postgres.create_database(database)
    url = built.admin_url(database)
    await prepare_roles(url, built.keyring)
    await asyncio.to_thread(upgrade, url)
    await load_reference_data(url)


@contextlib.contextmanager
def service(built: Stage, port: int, *, module: str = "cli") -> Iterator[int]:
    """The API as one process on the measured database; yields its process id. `module` is what runs `api`."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TONGLI_APP_DATABASE_URL": built.app_url(MEASURED),
        "TONGLI_KEYS": render_keyring(built.keyring),
        "TONGLI_PORT": str(port),
        "TONGLI_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TONGLI_RATE_LIMIT_PER_MINUTE": "100000000",
        "TONGLI_RATE_LIMIT_BURST": "1000000",
        "TONGLI_REPORT_LIMIT_PER_MINUTE": "100000000",
        "TONGLI_REPORT_LIMIT_BURST": "1000000",
        "TONGLI_LOG_LEVEL": "INFO",
        "TONGLI_LOG_FORMAT": "json",
    }
    with _process([sys.executable, "-P", "-m", module, "api"], environment, f"http://127.0.0.1:{port}/readyz") as pid:
        yield pid


@contextlib.contextmanager
def constant_route(port: int) -> Iterator[int]:
    """The constant route as one process; yields its process id."""
    command = [sys.executable, "-P", "-m", "uvicorn", "bench.constant_app:app", "--port", str(port)]
    command += ["--log-level", "warning", "--no-access-log"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with _process(command, environment, f"http://127.0.0.1:{port}/constant") as pid:
        yield pid


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], ready: str) -> Iterator[int]:
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as child:
        try:
            _wait(ready, child)
            yield child.pid
        finally:
            child.terminate()
            child.wait(30)


def _wait(url: str, child: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if child.poll() is not None:
            raise RuntimeError(f"the process ended with {child.returncode} before it answered")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        time.sleep(0.1)
    raise RuntimeError("the process did not answer within 30 s")

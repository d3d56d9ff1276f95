"""One PostgreSQL, one migrated and seeded database, one application, one event loop for the whole session.

Tests commit for real and are kept apart by fresh people, not by rolling back. A test that needs the database to itself
asks for `fresh_database`.
"""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from cli.demo_province import prepare_demo_province
from crypto.client_secrets import hash_secret, new_secret
from crypto.keys import Keyring, generate_keyring
from crypto.public_keys import generate_client_key
from crypto.vault import Vault
from db import names
from db.bootstrap import prepare_roles, role_url
from db.directory import NewClient, add_client, agency_of_code
from db.embedded import EmbeddedPostgres
from db.engine import Database, open_database
from db.migration import upgrade
from db.operator import open_operator_transaction
from db.reference_data import load_reference_data
from rules.scopes import AGENCY_SCOPES
from settings import Settings
from tests.builders import Agency, Api

TEMPLATE = "tongli_template"
PUBLIC_URL = "http://127.0.0.1:8000"

OpenApi = Callable[..., Awaitable[Api]]


@pytest.fixture(scope="module", autouse=True)
def _short_collections() -> None:
    """Sets aside what earlier modules left alive: half a million objects are imports alone, and a collection that looks
    through all of them stops the application in this process for up to 1.7 s on a busy machine (0.4 s with this), while
    locks that others wait for run out after two."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    """The session's PostgreSQL: 18 of the wheel, or that of TONGLI_TEST_POSTGRES_BIN. A short path, for its socket."""
    folder = Path(tempfile.mkdtemp(prefix="tongli-"))
    bin_dir = os.environ.get("TONGLI_TEST_POSTGRES_BIN")
    postgres = EmbeddedPostgres(folder, bin_dir=Path(bin_dir) if bin_dir else None, fast_and_unsafe=True)
    postgres.start()
    yield postgres
    postgres.discard()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return generate_keyring()


@pytest.fixture(scope="session")
def vault(keyring: Keyring) -> Vault:
    return Vault.of(keyring)


@pytest.fixture(scope="session")
async def template(cluster: EmbeddedPostgres, keyring: Keyring) -> str:
    """Name of a database with tables, reference data and the demo province; nobody may be connected to it."""
    cluster.create_database(TEMPLATE)
    url = cluster.superuser_dsn(TEMPLATE).url()
    await prepare_roles(url, keyring)
    await asyncio.to_thread(upgrade, url)
    await load_reference_data(url)
    file = cluster.data_dir / "demo" / "credentials.json"
    await prepare_demo_province(url, file=file, public_url=PUBLIC_URL)
    return TEMPLATE


@pytest.fixture(scope="session")
async def admin_url(cluster: EmbeddedPostgres, template: str) -> str:
    """The session's own database, as a superuser: to arrange and to look behind the walls."""
    return await _clone(cluster, template, "tongli")


@pytest.fixture
async def fresh_database(cluster: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """URL of a database for this test alone, as a superuser; seeded like the session's."""
    name = f"fresh_{os.urandom(6).hex()}"
    yield await _clone(cluster, template, name)
    await _run(cluster, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
async def database(admin_url: str, keyring: Keyring, vault: Vault) -> AsyncIterator[Database]:
    """A pool of role tongli_app on the session's database."""
    opened = open_database(role_url(admin_url, names.APP, keyring), vault=vault, pool_size=20)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def jobs_database(admin_url: str, keyring: Keyring, vault: Vault) -> AsyncIterator[Database]:
    """A pool of role tongli_jobs on the session's database."""
    opened = open_database(role_url(admin_url, names.JOBS, keyring), vault=vault, pool_size=5)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Settings of a development instance, whatever the environment says, with room for a test's many requests."""
    return Settings(
        env="development",
        public_url=PUBLIC_URL,
        webhook_allow_http=True,
        webhook_allow="127.0.0.0/8",
        rate_limit_per_minute=60_000,
        rate_limit_burst=10_000,
        report_limit_per_minute=60_000,
        report_limit_burst=10_000,
    )


@pytest.fixture(scope="session")
def app(settings: Settings, database: Database) -> FastAPI:
    from api.main import create_app  # noqa: PLC0415  tests of pure rules should not wait for the whole API

    return create_app(settings, database)


@pytest.fixture(scope="session")
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a token. An exception that leaves the service fails the test."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC_URL, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def open_api(http: httpx.AsyncClient, admin_url: str) -> OpenApi:
    """`await open_api("DEMO-340802-CIVIL", scopes=…)`: a system of that agency with a client of its own."""

    async def opened(code: str, *, scopes: Sequence[str] = AGENCY_SCOPES) -> Api:
        return Api(http, await _new_client(admin_url, code, tuple(scopes)))

    return opened


@pytest.fixture
async def union(open_api: OpenApi) -> Api:
    """The union of the district in which `report_body` places people: it coordinates their cases."""
    return await open_api("DEMO-340802-UNION")


@pytest.fixture
async def labour(open_api: OpenApi) -> Api:
    """The labour bureau of the same district."""
    return await open_api("DEMO-340802-LABOUR")


@pytest.fixture
async def medical(open_api: OpenApi) -> Api:
    """The medical insurance bureau of the same district."""
    return await open_api("DEMO-340802-MEDICAL")


@pytest.fixture
async def stranger(open_api: OpenApi) -> Api:
    """A union of another province, which has nothing to do with anything."""
    return await open_api("DEMO-990102-UNION")


async def _new_client(admin_url: str, code: str, scopes: tuple[str, ...]) -> Agency:
    private, public = generate_client_key()
    secret = new_secret()
    async with open_operator_transaction(admin_url) as raw:
        row = await agency_of_code(raw, code)
        assert row is not None, f"no agency {code}"
        agency_id: UUID = row["id"]
        client_id = await add_client(raw, agency_id, NewClient("test", scopes, public, hash_secret(secret)))
    return Agency(
        id=agency_id,
        code=code,
        kind=row["kind"],
        division=row["division_code"],
        client_id=client_id,
        private_jwk=private,
        client_secret=secret,
        scopes=scopes,
    )


async def _clone(cluster: EmbeddedPostgres, template: str, name: str) -> str:
    await _run(cluster, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return cluster.superuser_dsn(name).url()


async def _run(cluster: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(cluster.superuser_dsn("postgres").url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

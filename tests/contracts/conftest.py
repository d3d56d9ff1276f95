"""Fixtures of the contract tests."""

import json
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from crypto.keys import Keyring
from db.embedded import EmbeddedPostgres
from settings import Settings
from tests.contracts.answers import Answers
from tests.contracts.provinces import Province, agency_of

OpenProvince = Callable[[str], Awaitable[Province]]


@pytest.fixture(scope="session")
def open_province(cluster: EmbeddedPostgres, template: str, keyring: Keyring, settings: Settings) -> OpenProvince:
    """`await open_province("name")`: a database seeded like the session's, with the clients of the credentials file."""

    async def opened(name: str) -> Province:
        connection = await asyncpg.connect(cluster.superuser_dsn("postgres").url())
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        await connection.close()
        entries = json.loads((cluster.data_dir / "demo" / "credentials.json").read_text(encoding="utf-8"))
        agencies = {entry["agency_code"]: agency_of(entry) for entry in entries}
        return Province(cluster.superuser_dsn(name).url(), keyring, settings, agencies)

    return opened


@pytest.fixture(scope="session")
async def province(open_province: OpenProvince) -> Province:
    """The province that is attacked."""
    return await open_province("attacked")


@pytest.fixture(scope="session")
def answers() -> Answers:
    """The API document as the code makes it now, to hold answers against."""
    from cli.spec import DOCUMENT, generated  # noqa: PLC0415  tests of pure rules should not wait for the whole API

    return Answers(dict(generated()[DOCUMENT]))

"""A desk for each test that asks for one."""

from collections.abc import AsyncIterator

import pytest

from crypto.keys import Keyring
from tests.jobs.desk import Desk, open_desk


@pytest.fixture
async def desk(fresh_database: str, keyring: Keyring) -> AsyncIterator[Desk]:
    async with open_desk(fresh_database, keyring) as opened:
        yield opened

"""One caller for all tests of this folder."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.mechanisms.desk import build_desk, calling


@pytest.fixture
async def caller() -> AsyncIterator[httpx.AsyncClient]:
    async with calling(build_desk()) as client:
        yield client

"""The operator's door: what no agency may do, so that there can be a first agency, and a first client that signs in.

The directory and reference tables belong to `tongli_owner`; clients, keys and staff lie behind row security that knows
no operator at all, so they are written as `tongli_app` acting for one agency at a time. Neither needs a superuser.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from db import names
from db.engine import Raw, driver_connection, open_engine


@asynccontextmanager
async def open_operator_transaction(admin_url: str) -> AsyncIterator[Raw]:
    """A transaction as tongli_owner, over a connection of its own. `admin_url`: the login that may become the owner."""
    async with _connected(admin_url) as raw, raw.transaction():
        await raw.execute(f"SET LOCAL ROLE {names.OWNER}")
        yield raw


@asynccontextmanager
async def open_agency_transaction(app_url: str) -> AsyncIterator[Raw]:
    """A transaction as tongli_app that sees no agency's rows until `act_for` names one."""
    async with _connected(app_url) as raw, raw.transaction():
        yield raw


async def act_for(raw: Raw, agency_id: UUID) -> None:
    """From here to the end of the transaction, or the next call, row security shows this agency's rows."""
    await raw.execute("SELECT set_config('tongli.agency', $1, true)", str(agency_id))


async def revision_of(admin_url: str) -> str | None:
    """The migration the database stands at; None where it has no tables yet. Expects the roles. Three statements."""
    async with open_operator_transaction(admin_url) as raw:
        if await raw.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        revision: str | None = await raw.fetchval("SELECT version_num FROM alembic_version")
        return revision


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Raw]:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            yield await driver_connection(connection)
    finally:
        await engine.dispose()

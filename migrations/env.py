"""Runs migrations as tongli_owner, one process at a time, in one transaction a revision, over asyncpg."""

import asyncio
import re

from alembic import context
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

import db.models  # noqa: F401  registers the tables
from db import names
from db.engine import open_engine

_ONE_AT_A_TIME = 7_461_002


_PARTITION = re.compile(r"(event|audit_leaf)_(\d{6}|default)")


def _is_ours(_thing: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Partitions are made by make_partitions(), not by models."""
    return not (kind == "table" and name is not None and _PARTITION.fullmatch(name))


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transaction_per_migration=True,
        compare_server_default=False,
        include_object=_is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run() -> None:
    url = context.config.attributes["url"]
    engine = open_engine(url).execution_options(isolation_level="READ COMMITTED")
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ONE_AT_A_TIME})
            schema = (await connection.execute(text("SELECT quote_ident(current_schema())"))).scalar_one()
            await connection.execute(text(f"SET ROLE {names.OWNER}"))
            await connection.execute(text(f"SET search_path TO {schema}, pg_temp"))
            await connection.execute(text("SET lock_timeout TO '5s'"))
            await connection.commit()
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(_run())

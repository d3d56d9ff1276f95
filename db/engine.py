"""Connections to PostgreSQL: one pool a process, a driver that never begins anything by itself.

The pool is SQLAlchemy's, in AUTOCOMMIT, so that the only BEGIN and COMMIT in the program are those of
db/transaction.py.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from crypto.vault import Vault
from db import names
from db.clock import Clock, real_time
from db.linkage_model import committed_model
from rules.linkage.model import Model

if TYPE_CHECKING:
    Raw = asyncpg.Connection[asyncpg.Record]
else:  # generic for type checkers only
    Raw = asyncpg.Connection

LEAST_VERSION = 150_000
"""server_version_num of PostgreSQL 15.0."""


class UnfitDatabase(RuntimeError):  # noqa: N818  a statement about the database, not an accident
    """The database or the role given must not be used; the message says what to change."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Database:
    """A pool of connections of one role, with the keys, the clock, the hash of audit leaves and the linkage model that
    every transaction needs.
    """

    engine: AsyncEngine
    vault: Vault
    clock: Clock = real_time
    audit_hash: str = "sha256"
    linkage_model: Model = field(default_factory=committed_model, repr=False)

    def connect(self) -> AsyncConnection:
        return self.engine.connect()

    async def close(self) -> None:
        await self.engine.dispose()


def driver_url(url: str) -> str:
    """The same URL for SQLAlchemy's asyncpg dialect; accepts postgres:// and postgresql:// as PostgreSQL's own tools
    do.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise UnfitDatabase("a database URL begins with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def open_database(
    url: str,
    *,
    vault: Vault,
    clock: Clock = real_time,
    pool_size: int = 10,
    pooler: str = "none",
    statement_timeout_ms: int = 5_000,
    audit_hash: str = "sha256",
) -> Database:
    """A pool on `url`. Opens nothing yet. Waiting for a connection or a lock ends after 2 s, so that 503 comes
    early.
    """
    arguments: dict[str, object] = {
        "timeout": 5,
        "server_settings": {
            "application_name": "tongli",
            "statement_timeout": str(statement_timeout_ms),
            "lock_timeout": "2000",
            "idle_in_transaction_session_timeout": "15000",
            "timezone": "UTC",
        },
    }
    if pooler == "transaction":
        arguments |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"__tongli_{uuid4()}__",
        }
    engine = create_async_engine(
        driver_url(url),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        connect_args=arguments,
    )
    return Database(engine=engine, vault=vault, clock=clock, audit_hash=audit_hash)


def open_engine(url: str) -> AsyncEngine:
    """An engine without a pool, for one-off work of migrations and bootstrap."""
    return create_async_engine(driver_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")


async def driver_connection(connection: AsyncConnection) -> Raw:
    """asyncpg's own connection below SQLAlchemy's, for plain SQL on the same session."""
    raw = await connection.get_raw_connection()
    return cast("Raw", raw.driver_connection)


async def check_role(database: Database) -> None:
    """Refuses a login for which row security does not hold. Raises UnfitDatabase. Cost: one statement.

    A superuser, a BYPASSRLS role or a table's owner sees every row under an enabled policy (measured).
    """
    async with database.connect() as connection:
        role = await (await driver_connection(connection)).fetchrow(_ROLE)
    assert role is not None
    faults = [text for broken, text in _faults(role) if broken]
    if faults:
        raise UnfitDatabase("; ".join(faults))


async def check_durability(database: Database) -> None:
    """Refuses a server that may lose an acknowledged report. Raises UnfitDatabase. Cost: one statement."""
    async with database.connect() as connection:
        settings = await (await driver_connection(connection)).fetch(_DURABILITY)
    faults = [f"{row['name']} is off" for row in settings if row["setting"] == "off"]
    if faults:
        raise UnfitDatabase("; ".join(faults))


async def check_audit_hash(database: Database) -> None:
    """Refuses a hash other than the one the audit log of the database was begun with. Raises UnfitDatabase.

    Cost: one statement.
    """
    async with database.connect() as connection:
        born = await (await driver_connection(connection)).fetchval("SELECT hash FROM audit_log")
    if born is not None:
        refuse_another_hash(born, database.audit_hash)


def refuse_another_hash(born: str, wanted: str) -> None:
    """Raises UnfitDatabase where a log begun with one hash is to go on with another: that would be another tree."""
    if born != wanted:
        raise UnfitDatabase(
            f"the audit log of this database was begun with {born} and stays so: set TONGLI_AUDIT_HASH={born} "
            f"(审计日志自建立起使用 {born}，不能更改)"
        )


def _faults(role: asyncpg.Record) -> tuple[tuple[bool, str], ...]:
    who = role["rolname"]
    return (
        (role["version"] < LEAST_VERSION, "PostgreSQL 15 or newer is needed"),
        (role["rolsuper"], f"role {who} is a superuser: log in as {names.APP}"),
        (role["rolbypassrls"], f"role {who} has BYPASSRLS: log in as {names.APP}"),
        (role["owns"] > 0, f"role {who} owns tables: log in as {names.APP}"),
        (role["holds"], f"role {who} may become a role that row security does not bind"),
    )


_ROLE = f"""
SELECT r.rolname, r.rolsuper, r.rolbypassrls, current_setting('server_version_num')::int AS version,
       (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid) AS owns,
       EXISTS (SELECT FROM pg_roles h WHERE h.oid <> r.oid AND pg_has_role(r.oid, h.oid, 'MEMBER')
                  AND (h.rolsuper OR h.rolbypassrls
                       OR h.rolname IN ('{names.OWNER}', '{names.LINKER}', '{names.KEYS}', '{names.RESCORE}'))) AS holds
  FROM pg_roles r WHERE r.rolname = current_user"""  # noqa: S608  constants of db/names.py

_DURABILITY = """
SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"""

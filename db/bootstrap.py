"""Roles and grants that must exist before the first migration; safe at every start, in several processes at once."""

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from crypto.keys import Keyring
from db import names
from db.engine import LEAST_VERSION, Raw, UnfitDatabase, driver_connection, open_engine

_ONE_AT_A_TIME = 7_461_000


def role_url(admin_url: str, role: str, keyring: Keyring) -> str:
    """The URL with which `role` logs in to the same database, its password derived from the keyring."""
    parts = urlsplit(admin_url)
    _, _, where = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(keyring.role_password(role))}@{where}"))


def login_passwords(*urls: str | None) -> dict[str, str]:
    """The passwords that given URLs have for the roles that log in; nothing for URLs of other roles."""
    parts = [urlsplit(url) for url in urls if url]
    return {part.username: unquote(part.password) for part in parts if part.username in names.LOGINS and part.password}


async def prepare_roles(admin_url: str, keyring: Keyring, *, passwords: Mapping[str, str] | None = None) -> None:
    """Creates the roles, sets the passwords of those that log in, lets the owner create tables.

    `passwords` by role takes the place of those derived from the keyring, where an installation chose its own. Needs a
    login that may create roles and owns the database. Raises UnfitDatabase for a version before 15.
    """
    engine = open_engine(admin_url)
    try:
        async with engine.connect() as connection:
            raw = await driver_connection(connection)
            if raw.get_server_version().major * 10_000 < LEAST_VERSION:
                raise UnfitDatabase("PostgreSQL 15 or newer is needed")
            await raw.execute("SELECT pg_advisory_lock($1)", _ONE_AT_A_TIME)
            await _create_roles(raw)
            for role in names.LOGINS:
                await _set_password(raw, role, (passwords or {}).get(role) or keyring.role_password(role))
            await _grant(raw)
    finally:
        await engine.dispose()


async def _create_roles(raw: Raw) -> None:
    """NOINHERIT: being able to become the linker must not mean seeing what the linker sees."""
    for role in (*names.HOLDERS, *names.LOGINS):
        login = "LOGIN" if role in names.LOGINS else "NOLOGIN"
        if not await raw.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
            await raw.execute(f"CREATE ROLE {role} {login} NOINHERIT NOCREATEDB NOCREATEROLE")


async def _set_password(raw: Raw, role: str, password: str) -> None:
    statement = await raw.fetchval("SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", role, password)
    await raw.execute(statement)


async def _grant(raw: Raw) -> None:
    schema = await raw.fetchval("SELECT quote_ident(current_schema())")
    database = await raw.fetchval("SELECT quote_ident(current_database())")
    for statement in (
        f"GRANT {names.OWNER}, {names.LINKER}, {names.APP}, {names.KEYS}, {names.RESCORE} TO CURRENT_USER",
        f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {names.OWNER}, {names.LINKER}",
        f"GRANT USAGE ON SCHEMA {schema} TO {names.APP}, {names.JOBS}, {names.REPORT}, {names.KEYS}, {names.RESCORE}",
        f"GRANT CONNECT ON DATABASE {database} TO {names.APP}, {names.JOBS}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
    ):
        await raw.execute(statement)

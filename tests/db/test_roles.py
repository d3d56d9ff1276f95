"""The service refuses a login for which the walls do not hold, and a server that may forget what it acknowledged."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import prepare_roles, role_url
from db.engine import Database, UnfitDatabase, check_durability, check_role, open_database
from tests.actions.instances import superuser

Prepare = Callable[[str], Awaitable[Database]]


@pytest.fixture
async def login(fresh_database: str, vault: Vault) -> AsyncIterator[Prepare]:
    """`await login("…")`: a role `odd` that logs in, after these statements; all of it is removed afterwards."""
    opened: list[Database] = []

    async def prepared(statements: str) -> Database:
        async with superuser(fresh_database) as raw:
            await raw.execute("CREATE ROLE odd LOGIN NOINHERIT PASSWORD 'odd'")
            await raw.execute(statements)
        where = fresh_database.partition("@")[2]
        opened.append(open_database(f"postgresql://odd:odd@{where}", vault=vault))
        return opened[-1]

    yield prepared
    for database in opened:
        await database.close()
    async with superuser(fresh_database) as raw:
        await raw.execute("DROP TABLE IF EXISTS oddly_owned")
        for role in ("odd", "go_between"):
            if await raw.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
                await raw.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize("role", names.LOGINS)
async def test_the_roles_it_made_itself_are_fit(admin_url: str, keyring: Keyring, vault: Vault, role: str) -> None:
    database = open_database(role_url(admin_url, role, keyring), vault=vault)
    await check_role(database)
    await database.close()


async def test_a_role_with_no_powers_at_all_is_fit(login: Prepare) -> None:
    await check_role(await login("SELECT 1"))


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ("ALTER ROLE odd SUPERUSER", "superuser"),
        ("ALTER ROLE odd BYPASSRLS", "BYPASSRLS"),
        ("CREATE TABLE oddly_owned (); ALTER TABLE oddly_owned OWNER TO odd", "owns"),
        (f"GRANT {names.OWNER} TO odd", "may become"),
        (f"GRANT {names.LINKER} TO odd", "may become"),
        (f"GRANT {names.KEYS} TO odd", "may become"),
        (f"GRANT {names.RESCORE} TO odd", "may become"),
        (f"CREATE ROLE go_between; GRANT {names.LINKER} TO go_between; GRANT go_between TO odd", "may become"),
        ("CREATE ROLE go_between SUPERUSER; GRANT go_between TO odd", "may become"),
        ("CREATE ROLE go_between BYPASSRLS; GRANT go_between TO odd", "may become"),
    ],
)
async def test_a_login_that_could_step_over_the_wall_is_refused(login: Prepare, statements: str, reason: str) -> None:
    database = await login(statements)
    with pytest.raises(UnfitDatabase, match=reason):
        await check_role(database)


async def test_a_server_that_may_lose_an_acknowledged_report_is_refused(database: Database) -> None:
    """The tests' own server is such a one: fast and unsafe."""
    with pytest.raises(UnfitDatabase, match="fsync is off"):
        await check_durability(database)


async def test_synchronous_commit_turned_off_for_the_role_is_noticed(fresh_database: str, login: Prepare) -> None:
    database = await login("ALTER ROLE odd SET synchronous_commit = off")
    with pytest.raises(UnfitDatabase, match="synchronous_commit is off"):
        await check_durability(database)


async def test_preparing_the_roles_again_changes_nothing_but_passwords(fresh_database: str, keyring: Keyring) -> None:
    sql = (
        "SELECT rolname, rolsuper, rolinherit, rolcanlogin, rolbypassrls FROM pg_roles "
        "WHERE rolname ~ '^tongli_' ORDER BY 1"
    )
    async with superuser(fresh_database) as raw:
        before = await raw.fetch(sql)
        await prepare_roles(fresh_database, keyring)
        assert await raw.fetch(sql) == before
    assert {row["rolname"] for row in before} == {*names.LOGINS, *names.HOLDERS}


async def test_nobody_but_our_roles_may_make_objects_in_the_schema(fresh_database: str, login: Prepare) -> None:
    """A function of somebody else's in the path of ours would run with the linker's rights."""
    await login("SELECT 1")
    async with superuser(fresh_database) as raw:
        for role in ("odd", names.APP, names.JOBS):
            assert not await raw.fetchval("SELECT has_schema_privilege($1, 'public', 'CREATE')", role), role

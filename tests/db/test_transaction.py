"""The one door: who may enter, what holds inside, and that nothing is left behind when something goes wrong."""

import asyncio
from uuid import UUID

import anyio
import asyncpg
import pytest

from actions.audit import leave_mark
from actions.events import record_event
from crypto.ids import new_id
from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Database, open_database
from db.transaction import Caller, Tx, open_system_transaction, open_transaction
from rules.errors import Conflict, InsufficientScope, NotAuthenticated
from rules.rights import OPERATIONS
from tests.actions.instances import superuser
from tests.builders import Api


def caller_of(api: Api, *, scopes: frozenset[str] | None = None, agency: UUID | None = None) -> Caller:
    return Caller(
        kind="client",
        principal_id=api.agency.client_id,
        agency_id=agency or api.id,
        client_id=api.agency.client_id,
        scopes=frozenset(api.agency.scopes) if scopes is None else scopes,
        request_id="test",
    )


async def test_row_security_knows_who_acts_from_the_first_statement_on(database: Database, union: Api) -> None:
    async with open_transaction(database, caller_of(union), purpose="assistance") as tx:
        assert await tx.value("SELECT acting_agency()") == union.id
        assert await tx.value("SELECT current_setting('tongli.purpose')") == "assistance"
        assert await tx.value("SELECT current_user::text") == "tongli_app"


async def test_who_acted_is_forgotten_when_the_transaction_ends(database: Database, union: Api) -> None:
    """On every connection of the pool: the next transaction may get any of them."""
    for _ in range(3):
        async with open_transaction(database, caller_of(union)) as tx:
            session = await tx.value("SELECT pg_backend_pid()")
        async with open_system_transaction(database) as raw:
            assert await raw.fetchval("SELECT pg_backend_pid()") == session, "the pool hands out what came back last"
            assert await raw.fetchval("SELECT acting_agency()") is None
            assert await raw.fetchval('SELECT count(*) FROM "case"') == 0


@pytest.mark.parametrize("agency", ["DEMO-340802-LABOUR", None])
async def test_a_principal_acts_for_its_own_agency_only(
    database: Database, union: Api, labour: Api, agency: str | None
) -> None:
    other = labour.id if agency else new_id()
    with pytest.raises(NotAuthenticated):
        async with open_transaction(database, caller_of(union, agency=other)):
            pytest.fail("somebody acts who may not")


async def test_a_client_revoked_a_moment_ago_does_not_enter(database: Database, admin_url: str, union: Api) -> None:
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE client SET status = 'revoked' WHERE id = $1", union.agency.client_id)
    with pytest.raises(NotAuthenticated):
        async with open_transaction(database, caller_of(union)):
            pytest.fail("somebody acts who may not")


async def test_rights_are_what_token_and_account_both_say(database: Database, admin_url: str, union: Api) -> None:
    asked = frozenset({"cases:read", "cases:write", "invented:right"})
    async with open_transaction(database, caller_of(union, scopes=asked)) as tx:
        assert tx.rights.scopes == {"cases:read", "cases:write"}
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE client SET scopes = '{cases:read}' WHERE id = $1", union.agency.client_id)
    with pytest.raises(InsufficientScope):
        async with open_transaction(database, caller_of(union, scopes=asked), operation=OPERATIONS["take_case_step"]):
            pytest.fail("a scope was taken away and still works")


async def test_a_reading_transaction_cannot_write(database: Database, union: Api) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with open_transaction(database, caller_of(union), read_only=True) as tx:
            await tx.run("UPDATE client SET name = 'x' WHERE id = $1", union.agency.client_id)


async def test_an_error_leaves_no_row_no_event_and_no_leaf(database: Database, admin_url: str, union: Api) -> None:
    subject = new_id()
    with pytest.raises(Conflict):
        await _act_and_fail(database, union, subject)
    assert await _left_behind(admin_url, subject, union) == (0, 0, "test")


async def test_what_is_done_event_and_leaf_live_together(database: Database, admin_url: str, union: Api) -> None:
    subject = new_id()
    async with open_transaction(database, caller_of(union)) as tx:
        await _act(tx, subject)
    assert await _left_behind(admin_url, subject, union) == (1, 1, str(subject))


async def test_a_savepoint_takes_back_rows_and_what_was_gathered(
    database: Database, admin_url: str, union: Api
) -> None:
    kept, dropped = new_id(), new_id()
    async with open_transaction(database, caller_of(union)) as tx:
        with pytest.raises(Conflict):
            await _act_and_take_back(tx, dropped)
        await _act(tx, kept)
    assert await _left_behind(admin_url, dropped, union) == (0, 0, str(kept))
    assert await _left_behind(admin_url, kept, union) == (1, 1, str(kept))


async def test_a_savepoint_keeps_a_failed_statement_from_failing_the_rest(database: Database, union: Api) -> None:
    async with open_transaction(database, caller_of(union)) as tx:
        with pytest.raises(asyncpg.PostgresError):
            async with tx.savepoint():
                await tx.run("SELECT 1 / 0")
        assert await tx.value("SELECT 1") == 1


async def _act_and_fail(database: Database, api: Api, subject: UUID) -> None:
    async with open_transaction(database, caller_of(api)) as tx:
        await _act(tx, subject)
        raise Conflict(reason="test")


async def _act_and_take_back(tx: Tx, subject: UUID) -> None:
    async with tx.savepoint():
        await _act(tx, subject)
        raise Conflict(reason="test")


async def _act(tx: Tx, subject: UUID) -> None:
    await tx.run("UPDATE client SET name = $1 WHERE id = $2", str(subject), tx.caller.principal_id)
    record_event(tx, "case.opened", subject_type="case", subject_id=subject, version=1, case_id=None)
    leave_mark(tx, "test.act", subject_type="case", subject_id=subject)


async def _left_behind(admin_url: str, subject: UUID, api: Api) -> tuple[int, int, str]:
    async with superuser(admin_url) as raw:
        return (
            await raw.fetchval("SELECT count(*) FROM event WHERE subject_id = $1", subject),
            await raw.fetchval("SELECT count(*) FROM audit_leaf WHERE subject_id = $1", subject),
            await raw.fetchval("SELECT name FROM client WHERE id = $1", api.agency.client_id),
        )


async def test_a_cancelled_request_rolls_back_and_gives_its_connection_back(
    database: Database, admin_url: str, union: Api
) -> None:
    subject, inside = new_id(), asyncio.Event()

    async def request() -> None:
        async with open_transaction(database, caller_of(union)) as tx:
            await _act(tx, subject)
            inside.set()
            await tx.run("SELECT pg_sleep(4)")

    task = asyncio.create_task(request())
    await inside.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _left_behind(admin_url, subject, union) == (0, 0, "test")
    async with open_transaction(database, caller_of(union)) as tx:
        assert await tx.value("SELECT 1") == 1


async def test_a_pooled_connection_that_died_is_replaced_before_anything_is_done(
    database: Database, admin_url: str, union: Api
) -> None:
    async with open_transaction(database, caller_of(union)) as tx:
        session = await tx.value("SELECT pg_backend_pid()")
    async with superuser(admin_url) as raw:
        await raw.execute("SELECT pg_terminate_backend($1)", session)
    await asyncio.sleep(0.05)
    async with open_transaction(database, caller_of(union)) as tx:
        assert await tx.value("SELECT pg_backend_pid()") != session


async def test_a_connection_lost_in_the_middle_is_an_error_and_never_a_commit(
    database: Database, admin_url: str, union: Api
) -> None:
    subject = new_id()

    async def interrupted() -> None:
        async with open_transaction(database, caller_of(union)) as tx:
            await _act(tx, subject)
            session = await tx.value("SELECT pg_backend_pid()")
            async with superuser(admin_url) as raw:
                await raw.execute("SELECT pg_terminate_backend($1)", session)
            await asyncio.sleep(0.05)

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await interrupted()
    assert await _left_behind(admin_url, subject, union) == (0, 0, "test")


async def test_a_connection_that_fails_to_roll_back_is_never_used_again(
    admin_url: str, keyring: Keyring, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whatever reason: seen from asyncpg, where a caller leaves as its backend dies, as InternalClientError. Given
    back as it is, the next transaction on it would commit what was left undone."""
    database = open_database(role_url(admin_url, names.APP, keyring), vault=vault, pool_size=1)
    real, sessions = asyncpg.Connection.execute, []

    async def execute(self: asyncpg.Connection, query: str, *values: object) -> str:
        if query == "ROLLBACK":
            raise asyncpg.InternalClientError("another operation is in progress")
        return await real(self, query, *values)

    async def fails() -> None:
        async with open_system_transaction(database) as raw:
            sessions.append(await raw.fetchval("SELECT pg_backend_pid()"))
            raise Conflict(reason="test")

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "execute", execute)
        with pytest.raises(Conflict):
            await fails()
    async with open_system_transaction(database) as raw:
        assert await raw.fetchval("SELECT pg_backend_pid()") not in sessions
    await database.close()


async def test_a_lock_that_is_not_to_be_had_ends_the_wait_after_two_seconds(
    database: Database, admin_url: str, union: Api
) -> None:
    async with superuser(admin_url) as raw, raw.transaction():
        await raw.execute("SELECT FROM client WHERE id = $1 FOR UPDATE", union.agency.client_id)
        async with open_transaction(database, caller_of(union)) as tx:
            assert await tx.value("SELECT current_setting('lock_timeout')") == "2s"
        with pytest.raises(asyncpg.LockNotAvailableError):
            async with open_transaction(database, caller_of(union)) as tx:
                await tx.run("UPDATE client SET name = 'x' WHERE id = $1", union.agency.client_id)


async def test_a_caller_that_is_cancelled_again_and_again_leaves_no_open_transaction_in_the_pool(
    admin_url: str, keyring: Keyring, vault: Vault
) -> None:
    """Leaving a stream cancels at every await, also inside the clean-up; the pool must not notice."""
    database = open_database(role_url(admin_url, names.APP, keyring), vault=vault, pool_size=1)
    for milliseconds in range(0, 40, 2):
        async with anyio.create_task_group() as group:
            group.start_soon(_sleep_in_transaction, database)
            await asyncio.sleep(milliseconds / 1000)
            group.cancel_scope.cancel()
        async with open_system_transaction(database) as raw:
            assert await raw.fetchval("SELECT current_setting('transaction_read_only')") == "off"
    await database.close()


async def _sleep_in_transaction(database: Database) -> None:
    async with open_system_transaction(database) as raw:
        await raw.execute("SET TRANSACTION READ ONLY")
        await raw.execute("SELECT pg_sleep(0.02)")

"""The one door: the only text in the program that begins, sets who acts, commits or rolls back.

    async with open_transaction(database, caller, scope="referrals:write") as tx:
        row = await tx.row("SELECT … WHERE id = $1", referral_id)

A transaction checks that its principal is alive and tells row security who acts before it hands itself out, so a
statement cannot run without context. Events and audit leaves are gathered and written in one statement just before the
commit. An error leaves nothing behind; a lost connection answers Unavailable.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from crypto.vault import Vault
from db.engine import Database, Raw, driver_connection
from rules.errors import InsufficientRole, InsufficientScope, NotAuthenticated, PurposeRequired
from rules.rights import Operation, Role, Verdict, effective_roles, judge_principal, proven_roles, scopes_of_roles

JsonObject = dict[str, Any]

_AUDIT_HASH: ContextVar[str] = ContextVar("audit_hash", default="sha256")


def audit_hash() -> str:
    """The hash with which the leaves of the open transaction are committed to, as its database was opened with."""
    return _AUDIT_HASH.get()


def commit_with(name: str) -> None:
    """From here on leaves of this task are committed to with that hash: for doors that open no database."""
    _AUDIT_HASH.set(name)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the token says; what it may do is read from the database when a transaction begins.

    `answer_link`: a link acts for the office it was made for (actions/answer_links.py), and is itself the principal.
    `auth_time` is when it proved itself. Of a person also the device (`session_id`) and whether there was a second
    factor; None for every client.
    """

    kind: Literal["client", "staff", "answer_link"]
    principal_id: UUID
    agency_id: UUID
    client_id: UUID
    scopes: frozenset[str]
    request_id: str
    actor: str | None = None
    session_id: UUID | None = None
    auth_time: datetime | None = None
    second_factor: bool | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """What the principal may do now: scopes of token and account together, the roles that count in its agency, where
    its agency stands, the unions below that a supervisor looks after, and the certificates in force of whoever acts."""

    scopes: frozenset[str]
    roles: frozenset[Role]
    agency_kind: str
    agency_level: str
    division_code: str
    below: frozenset[UUID] = frozenset()
    qualifications: frozenset[str] = frozenset()
    known_actor: bool = False

    def require(self, operation: Operation) -> None:
        """Raises InsufficientScope, InsufficientRole."""
        verdict = judge_principal(operation, scopes=self.scopes, roles=self.roles)
        if verdict is Verdict.scope:
            raise InsufficientScope(operation.scope or "")
        if verdict is Verdict.role:
            raise InsufficientRole(role=" ".join(sorted(operation.roles)))


@dataclass(slots=True)
class Tx:
    """One open transaction of one caller. `now` is business time, fixed for the whole transaction; `operation` is what
    the rights model says of what is being done, None where the program or a test looks for itself."""

    caller: Caller
    rights: Rights
    operation: Operation | None
    now: datetime
    purpose: str | None
    database: Database
    _connection: AsyncConnection
    _raw: Raw
    _events: list[JsonObject] = field(default_factory=list)
    _leaves: list[JsonObject] = field(default_factory=list)

    @property
    def vault(self) -> Vault:
        return self.database.vault

    @property
    def agency_id(self) -> UUID:
        """The agency that acts."""
        return self.caller.agency_id

    def take_up(self, operation: Operation) -> None:
        """Says what is being done, where that turns out only in the transaction. Raises InsufficientScope,
        InsufficientRole."""
        self.rights.require(operation)
        self.operation = operation

    async def row(self, sql: str, *values: object) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self._raw.fetchrow(sql, *values)

    async def rows(self, sql: str, *values: object) -> list[asyncpg.Record]:
        return await self._raw.fetch(sql, *values)

    async def value(self, sql: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        return await self._raw.fetchval(sql, *values)

    async def run(self, sql: str, *values: object) -> str:
        """Runs a statement for its effect; returns PostgreSQL's tag, such as `UPDATE 1`."""
        return await self._raw.execute(sql, *values)

    async def select(self, statement: Executable) -> list[JsonObject]:
        """Runs a Core statement built from the tables; returns its rows as mappings."""
        result = await self._connection.execute(statement)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def gather_event(self, event: JsonObject) -> None:
        self._events.append(event)

    def gather_leaf(self, leaf: JsonObject) -> None:
        self._leaves.append(leaf)

    def case_at_hand(self) -> str | None:
        """The case that what was gathered is about; the first where there are several."""
        return next((str(fact["case_id"]) for fact in (*self._leaves, *self._events) if fact["case_id"]), None)

    async def write_gathered(self) -> None:
        """Writes the gathered events and leaves. Cost: one statement, none where there are none."""
        if self._events:
            await self._raw.execute(_WRITE_BOTH, json.dumps(self._events), json.dumps(self._leaves))
        elif self._leaves:
            await self._raw.execute(_WRITE_LEAVES, json.dumps(self._leaves))
        self._events, self._leaves = [], []

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undoes what happens inside when it raises, keeping the transaction usable. Cost: two statements."""
        events, leaves = len(self._events), len(self._leaves)
        await self._raw.execute("SAVEPOINT act")
        try:
            yield
        except BaseException:
            del self._events[events:], self._leaves[leaves:]
            await self._raw.execute("ROLLBACK TO SAVEPOINT act")
            raise


@asynccontextmanager
async def open_transaction(
    database: Database,
    caller: Caller,
    *,
    purpose: str | None = None,
    operation: Operation | None = None,
    read_only: bool = False,
) -> AsyncIterator[Tx]:
    """A transaction in which `caller` acts. Cost: BEGIN, one statement to enter, COMMIT.

    Raises NotAuthenticated where the principal or its agency is no longer alive, InsufficientScope and InsufficientRole
    where its rights in force do not reach `operation`, PurposeRequired where that asks for a purpose and none was
    named. Commits when the body ends, rolls back when it raises.
    """
    async with _begun(database, read_only=read_only) as (connection, raw):
        rights = await _enter(raw, caller, purpose)
        if operation is not None:
            rights.require(operation)
            if operation.purpose and purpose is None:
                raise PurposeRequired
        tx = Tx(caller, rights, operation, database.clock(), purpose, database, connection, raw)
        yield tx
        await tx.write_gathered()


@asynccontextmanager
async def open_system_transaction(database: Database) -> AsyncIterator[Raw]:
    """A transaction of the program itself, for sign-in and the jobs: no agency acts, so agency policies show
    nothing.
    """
    async with _begun(database, read_only=False) as (_, raw):
        yield raw


@asynccontextmanager
async def _begun(database: Database, *, read_only: bool) -> AsyncIterator[tuple[AsyncConnection, Raw]]:
    connection, raw = await _begin(database, "BEGIN READ ONLY" if read_only else "BEGIN")
    _AUDIT_HASH.set(database.audit_hash)
    try:
        yield connection, raw
        await raw.execute("COMMIT")
    except BaseException:
        await _in_any_case(_roll_back(connection, raw))
        raise
    await _in_any_case(connection.close())


async def _begin(database: Database, begin: str) -> tuple[AsyncConnection, Raw]:
    """A connection inside a transaction. A pooled connection that died meanwhile is replaced once: nothing was done
    yet.
    """
    for attempt in (1, 2):
        connection = await database.connect()
        raw = await driver_connection(connection)
        try:
            await raw.execute(begin)
        except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError):
            await _in_any_case(_throw_away(connection))
            if attempt == 2:
                raise
        except BaseException:
            await _in_any_case(_throw_away(connection))
            raise
        else:
            return connection, raw
    raise AssertionError("unreachable")


async def _roll_back(connection: AsyncConnection, raw: Raw) -> None:
    """Ends a failed transaction; a connection that does not say it has is thrown away.

    Whatever the reason: given back inside a transaction, its next user would commit what was left undone.
    """
    rolled_back = False
    try:
        if not raw.is_closed():
            await raw.execute("ROLLBACK")
            rolled_back = True
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        pass  # the error that led here says more
    finally:
        if not rolled_back:
            await connection.invalidate()
        await connection.close()


async def _throw_away(connection: AsyncConnection) -> None:
    await connection.invalidate()
    await connection.close()


_ending: set[asyncio.Task[None]] = set()


async def _in_any_case(ending: Coroutine[None, None, None]) -> None:
    """Lets a clean-up run to its end although whoever waits for it is cancelled, and cancelled again.

    A caller that leaves is cancelled at every await; a ROLLBACK cut off by that would hand its connection back to the
    pool inside a transaction of somebody else.
    """
    task = asyncio.ensure_future(ending)
    _ending.add(task)
    task.add_done_callback(_ending.discard)
    await asyncio.shield(task)


async def _enter(raw: Raw, caller: Caller, purpose: str | None) -> Rights:
    row = await _alive(raw, caller, purpose)
    if row is None:
        raise NotAuthenticated(reason="principal-not-active")
    roles = effective_roles(row["roles"], row["agency_kind"])
    held = frozenset(row["scopes"])
    if caller.kind == "staff":
        roles = proven_roles(roles, second_factor=caller.second_factor)
        held = scopes_of_roles(roles)
    return Rights(
        scopes=caller.scopes & held,
        roles=roles,
        agency_kind=row["agency_kind"],
        agency_level=row["agency_level"],
        division_code=row["division_code"],
        below=frozenset(row["below"]) if Role.union_supervisor in roles else frozenset(),
        qualifications=frozenset(row["qualifications"]),
        known_actor=row["known_actor"],
    )


async def _alive(raw: Raw, caller: Caller, purpose: str | None) -> asyncpg.Record | None:
    """The principal's rights, and row security knows who acts; None where it is not alive. One statement."""
    if caller.kind == "answer_link":
        return await raw.fetchrow(
            "SELECT * FROM enter_by_link($1, $2, $3)", caller.principal_id, caller.agency_id, caller.request_id
        )
    return await raw.fetchrow(
        "SELECT * FROM enter($1, $2, $3, $4, $5, $6, $7)",
        caller.kind,
        caller.principal_id,
        caller.agency_id,
        purpose,
        caller.request_id,
        caller.session_id,
        caller.actor,
    )


_EVENT_COLUMNS = """id, type, subject_type, subject_id, subject_version, case_id, actor_agency_id, parties,
    correlation_id, data, occurred_at"""
_LEAF_COLUMNS = """id, at, agency_id, principal_kind, principal_id, actor, action, subject_type, subject_id, case_id,
    field_classes, purpose, request_id, facts, salt, algorithm, commitment"""

_INSERT_LEAVES = f"""INSERT INTO audit_leaf ({_LEAF_COLUMNS})
    SELECT id, at, agency_id, principal_kind, principal_id, actor, action, subject_type, subject_id, case_id,
           ARRAY(SELECT jsonb_array_elements_text(field_classes)), purpose, request_id, facts, decode(salt, 'hex'),
           algorithm, decode(commitment, 'hex')
      FROM jsonb_to_recordset($%d::jsonb) AS t (id uuid, at timestamptz, agency_id uuid, principal_kind text,
           principal_id uuid, actor text, action text, subject_type text, subject_id uuid, case_id uuid,
           field_classes jsonb, purpose text, request_id text, facts jsonb, salt text, algorithm text,
           commitment text)"""  # noqa: S608  column names only

_WRITE_LEAVES = _INSERT_LEAVES % 1
_WRITE_BOTH = f"""WITH events AS (
    INSERT INTO event ({_EVENT_COLUMNS})
    SELECT {_EVENT_COLUMNS}
      FROM jsonb_to_recordset($1::jsonb) AS t (id uuid, type text, subject_type text, subject_id uuid,
           subject_version integer, case_id uuid, actor_agency_id uuid, parties jsonb, correlation_id text, data jsonb,
           occurred_at timestamptz))
    {_INSERT_LEAVES % 2}"""  # noqa: S608  column names only

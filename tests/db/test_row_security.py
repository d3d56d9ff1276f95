"""The wall: who sees a row, who may write it, and that every policy is there because a test misses it when it is gone."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from crypto.ids import new_id
from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Raw, open_database
from db.transaction import Caller, open_transaction
from settings import Settings
from tests.actions import story
from tests.actions.instances import Instance, instance_on, superuser

PUBLIC = {
    *("division", "code", "calendar_year", "calendar_day", "matter", "matter_override", "competence"),
    *("rate_bucket", "alembic_version"),
}
"""Tables that name no person, no case and no account: reference, request budgets, the revision."""

READ_BY_ALL = {"agency"}
"""The directory: everybody reads it, only an agency itself changes its entry."""

DEFINERS = {
    *("enter", "client_for_sign_in", "use_assertion", "lease_requests", "copy_case_to_participants"),
    *("active_case_of", "active_case_of_employer", "open_case", "join_case", "leave_case", "add_report_to_case"),
    *("find_person", "new_person", "add_household_member", "employer_for"),
    *("note_referral", "hidden_duplicate_exists", "offices_offered"),
}
"""The only functions that cross the wall; they belong to tongli_linker."""

TABLES = "c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"


@dataclass(frozen=True, slots=True)
class World:
    """A database in which every walled table holds rows of other agencies, and a stranger who holds none."""

    instance: Instance
    stranger: UUID
    stranger_client: UUID
    case_id: UUID
    referral_id: UUID
    pooled_id: UUID
    report_id: UUID


@pytest.fixture(scope="module")
async def world(
    cluster: Any, template: str, keyring: Keyring, vault: Vault, settings: Settings
) -> AsyncIterator[World]:
    name = "row_security"
    async with superuser(cluster.superuser_dsn("postgres").url()) as raw:
        await raw.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = cluster.superuser_dsn(name).url()
    database = open_database(role_url(url, names.APP, keyring), vault=vault)
    async with instance_on(database, url, settings) as instance:
        yield await _settled(instance)
    await database.close()
    async with superuser(cluster.superuser_dsn("postgres").url()) as raw:
        await raw.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def _settled(instance: Instance) -> World:
    union, labour = await instance.api("DEMO-340802-UNION"), await instance.api("DEMO-340802-LABOUR")
    stranger = await instance.api("DEMO-990102-UNION")
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]}
    reported = await story.report(labour, sharing_basis=basis)
    case_id = reported["case"]["id"]
    referral = await story.refer(union, case_id, labour)
    for name, words in (("accept", {}), ("start", {}), ("complete", _COMPLETED)):
        referral = await story.step(labour, referral, name, **words)
    (result,) = (await union.get(f"/v1/cases/{case_id}/results")).json()["data"]
    await union.post(f"/v1/results/{result['id']}/adoptions", {"decision": "adopted"})
    for _ in range(2):
        cancelled = await story.refer(union, case_id, labour, matter="LAB-13")
        await story.step(labour, cancelled, "cancel")
    pooled = await story.refer(union, case_id, None, matter="LAB-09")
    async with superuser(instance.admin_url) as raw:
        await raw.execute(_FILL, labour.id)
    return World(
        instance=instance,
        stranger=stranger.id,
        stranger_client=stranger.agency.client_id,
        case_id=UUID(case_id),
        referral_id=UUID(referral["id"]),
        pooled_id=UUID(pooled["id"]),
        report_id=UUID(reported["id"]),
    )


_COMPLETED = {
    "result": {"kind": "recognition", "code": "hard-to-employ", "text": "已认定"},
    "assistance": [{"kind": "training", "depth": "recovery", "quantity": 3, "unit": "hour", "source": "基地"}],
}

# What the jobs write: a feed, an endpoint, a delivery of the agency given.
_FILL = """
WITH e AS (SELECT $1::uuid AS agency, (SELECT id FROM event LIMIT 1) AS event),
feed AS (INSERT INTO feed_entry SELECT agency, 1, event, 'case.opened', event, '{}', now() FROM e),
head AS (INSERT INTO feed_head SELECT agency, 1 FROM e),
endpoint AS (
    INSERT INTO webhook_endpoint (id, agency_id, url, types, status, keys, public_key, challenge, created_at, version)
    SELECT gen_random_uuid(), agency, 'https://a.example', '{}', 'active', '', '', '', now(), 1 FROM e RETURNING id),
delivery AS (
    INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status,
                          attempts, replay, created_at)
    SELECT gen_random_uuid(), endpoint.id, agency, event, 'case.opened', event, 1, '{}', 'pending', 0, false, now()
      FROM e, endpoint RETURNING id)
INSERT INTO delivery_attempt (delivery_id, number, agency_id, started_at, duration_ms, outcome)
SELECT delivery.id, 1, agency, now(), 1, 'ok' FROM e, delivery"""


@pytest.fixture
async def behind(world: World) -> AsyncIterator[Raw]:
    """A superuser in a transaction that is always undone."""
    async with superuser(world.instance.admin_url) as raw:
        transaction = raw.transaction()
        await transaction.start()
        yield raw
        await transaction.rollback()


async def _act_as(raw: Raw, agency: UUID | None, role: str = names.APP) -> None:
    await raw.execute(f"SET LOCAL ROLE {role}")
    await raw.execute("SELECT set_config('tongli.agency', $1, true)", "" if agency is None else str(agency))


# The catalogue


async def test_every_table_but_a_short_public_list_has_row_security_enabled_and_forced(behind: Raw) -> None:
    rows = await behind.fetch(f"SELECT relname, relrowsecurity AND relforcerowsecurity AS walled FROM pg_class c WHERE {TABLES}")
    bare = {row["relname"] for row in rows if not row["walled"]}
    assert bare == PUBLIC & {row["relname"] for row in rows}
    assert any(re.fullmatch(r"event_\d{6}", row["relname"]) for row in rows), "partitions are looked at too"


async def test_every_walled_table_holds_rows_of_others_in_this_world(behind: Raw) -> None:
    """Otherwise 'sees nothing' would be no finding."""
    empty = [table for table in await _walled(behind) if not await behind.fetchval(f'SELECT count(*) FROM "{table}"')]
    assert empty == []


async def _walled(raw: Raw) -> list[str]:
    rows = await raw.fetch(f"SELECT relname FROM pg_class c WHERE {TABLES} AND relrowsecurity AND NOT relispartition")
    return [row["relname"] for row in rows]


async def test_no_view_runs_with_its_owners_rights(behind: Raw) -> None:
    rows = await behind.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace "
        "AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)"
    )
    assert rows == []


async def test_partitions_are_granted_to_nobody(behind: Raw) -> None:
    """Reading a partition directly bypasses the policy of its parent."""
    rows = await behind.fetch(
        "SELECT c.relname, r.rolname FROM pg_class c, pg_roles r WHERE c.relispartition AND c.relkind = 'r' "
        "AND r.rolname = ANY ($1) AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')",
        [*names.LOGINS, names.REPORT, names.LINKER],
    )
    assert rows == []


async def test_the_roles_that_log_in_own_nothing_and_hold_no_powers(behind: Raw) -> None:
    owners = await behind.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = ANY ($1) UNION ALL "
        "SELECT p.proname FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE r.rolname = ANY ($1)",
        list(names.LOGINS),
    )
    assert owners == []
    powers = await behind.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1) "
        "AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolinherit OR rolreplication)",
        [*names.LOGINS, *names.HOLDERS],
    )
    assert powers == []
    tables = await behind.fetch(
        f"SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE {TABLES} AND r.rolname <> $1",
        names.OWNER,
    )
    assert tables == []


async def test_the_application_deletes_nothing_and_writes_no_participants(behind: Raw) -> None:
    rows = await behind.fetch(
        f"SELECT c.relname FROM pg_class c WHERE {TABLES} "
        "AND has_table_privilege($1, c.oid, 'DELETE, TRUNCATE, REFERENCES, TRIGGER')",
        names.APP,
    )
    assert rows == []
    for table in ("participant", "household_member", "person", "feed_entry", "feed_head", "delivery_attempt"):
        assert not await behind.fetchval("SELECT has_table_privilege($1, $2, 'INSERT')", names.APP, table), table
        assert not await behind.fetchval("SELECT has_any_column_privilege($1, $2, 'UPDATE')", names.APP, table), table


async def test_functions_that_cross_the_wall_are_the_listed_ones_and_fixed_in_their_path(behind: Raw) -> None:
    rows = await behind.fetch(
        "SELECT p.proname, o.rolname AS owner, p.proconfig, has_function_privilege('public', p.oid, 'EXECUTE') AS open "
        "FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
    )
    assert {row["proname"] for row in rows} == DEFINERS | {"make_partitions"}
    for row in rows:
        name = row["proname"]
        assert row["owner"] == (names.OWNER if name == "make_partitions" else names.LINKER), name
        assert row["open"] is False, f"{name} may be called by everybody"
        paths = [setting for setting in row["proconfig"] or [] if setting.startswith("search_path=")]
        assert paths, f"{name} looks names up in the caller's path"
        assert paths[0].endswith("pg_temp"), f"{name}: a temporary table of the caller's would come first"


async def test_the_linkers_rights_are_reached_through_its_functions_only(behind: Raw) -> None:
    members = await behind.fetch(
        "SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid "
        "WHERE r.rolname = ANY ($1) AND NOT m.rolsuper",
        [names.LINKER, names.OWNER],
    )
    assert members == []


_AGENCY_TEST = re.compile(r"(?:(\w+)\.)?(\w+) = \( SELECT acting_agency\(\)")


async def test_every_column_a_policy_looks_rows_up_by_leads_an_index(behind: Raw) -> None:
    """Without one, each read of the table is a scan of it. The outer row's columns of a sub-select are values there."""
    missing = set()
    for policy in await _policies(behind):
        condition = f"{policy['qual'] or ''} {policy['with_check'] or ''}"
        for alias, column in _AGENCY_TEST.findall(condition):
            table = _table_of(alias, policy["tablename"], condition)
            if policy["cmd"] != "INSERT" and not await _leads_an_index(behind, table, column):
                missing.add((table, column))
    assert missing == LOOKED_UP_WHILE_LIVE


LOOKED_UP_WHILE_LIVE = {("participant", "agency_id")}
"""Only live, listed parts are ever looked up by agency; their partial indexes are smaller and lead with it."""


def _table_of(alias: str, own: str, condition: str) -> str:
    found = re.search(rf'FROM "?(\w+)"? {alias}\b', condition) if alias else None
    return found[1] if found else own


async def _leads_an_index(raw: Raw, table: str, column: str) -> bool:
    """By a whole index, or one that leaves out nothing but nulls of the column."""
    return bool(
        await raw.fetchval(
            "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
            "WHERE i.indrelid = $1::regclass AND a.attname = $2 AND (i.indpred IS NULL "
            "OR pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', $2::text)))",
            f'"{table}"',
            column,
        )
    )


async def _policies(raw: Raw) -> list[asyncpg.Record]:
    return await raw.fetch("SELECT * FROM pg_policies WHERE schemaname = 'public' ORDER BY tablename, policyname")


async def test_policies_ask_who_acts_once_a_statement_and_not_once_a_row(behind: Raw) -> None:
    for policy in await _policies(behind):
        condition = f"{policy['qual'] or ''} {policy['with_check'] or ''}"
        assert condition.count("acting_agency()") == condition.count("SELECT acting_agency()"), policy["tablename"]


# Without context, and as a stranger


async def test_without_an_acting_agency_nothing_walled_is_seen(behind: Raw) -> None:
    tables = [table for table in await _walled(behind) if table not in READ_BY_ALL]
    readable = [table for table in tables if await _granted(behind, table, "SELECT")]
    await _act_as(behind, None)
    seen = [table for table in readable if await behind.fetchval(f'SELECT EXISTS (SELECT FROM "{table}")')]
    assert seen == []
    assert {"case", "participant", "person_record", "report", "event", "referral"} <= set(readable)


async def test_raw_sql_in_a_strangers_own_context_shows_no_row_of_others(world: World, behind: Raw) -> None:
    readable = [table for table in await _walled(behind) if await _granted(behind, table, "SELECT")]
    caller = Caller("client", world.stranger_client, world.stranger, world.stranger_client, frozenset(), "test")
    async with open_transaction(world.instance.database, caller) as tx:
        for table in sorted(set(readable) - READ_BY_ALL):
            rows = await tx.rows(f'SELECT to_jsonb(t)::text AS row FROM "{table}" t')
            foreign = [row["row"] for row in rows if str(world.stranger) not in row["row"]]
            assert foreign == [], f"{table} shows rows of others"


# A column a stranger would set, for UPDATEs that read nothing: only the policy stands between.
_SETS = {
    "case": "urgency = 'normal'",
    "case_need": "status = 'open'",
    "case_task": "status = 'done'",
    "client": "name = 'mine'",
    "client_key": "revoked_at = now()",
    "staff": "name = 'mine'",
    "link": "undone_at = now()",
    "idempotency_record": "status = 200",
    "referral": "urgency = 'normal'",
    "webhook_endpoint": "status = 'disabled'",
    "delivery": "status = 'dead'",
    "agency": "name = 'mine'",
}


async def _foreign_rows_seen(raw: Raw, world: World, table: str) -> int:
    """Rows that are neither the stranger's nor name it."""
    rows = await raw.fetch(f'SELECT to_jsonb(t)::text AS row FROM "{table}" t')
    return sum(str(world.stranger) not in row["row"] for row in rows)


async def _foreign_rows_changed(raw: Raw, world: World, table: str) -> int:
    """Rows that an UPDATE without WHERE reaches, beyond the stranger's own."""
    own = await raw.fetchval(f'SELECT count(*) FROM "{table}" WHERE {_own(table)}', world.stranger)
    tag = await raw.execute(f'UPDATE "{table}" SET {_SETS[table]}')
    return int(tag.split()[1]) - int(own)


def _own(table: str) -> str:
    if table in ("client", "client_key", "staff"):
        return "agency_id = $1"
    if table in _OWNED_BY:
        return f"{_OWNED_BY[table]} = $1"
    return "id = $1" if table == "agency" else "$1::uuid IS NULL"


async def _refused_by_policy(raw: Raw, table: str, row: dict[str, Any]) -> bool:
    columns = ", ".join(
        record["column"]
        for record in await raw.fetch(
            "SELECT quote_ident(attname) AS column FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attidentity = ''",
            f'"{table}"',
        )
    )
    try:
        async with raw.transaction():
            await raw.execute(
                f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::"{table}", $1::jsonb)',
                json.dumps(row),
            )
    except asyncpg.InsufficientPrivilegeError as refused:
        assert "row-level security" in str(refused), refused
        return True
    except asyncpg.PostgresError:
        return False
    return False


async def _a_row_of_others(raw: Raw, world: World, table: str) -> dict[str, Any]:
    text = await raw.fetchval(
        f'SELECT to_jsonb(t)::text FROM "{table}" t WHERE to_jsonb(t)::text NOT LIKE $1 LIMIT 1', f"%{world.stranger}%"
    )
    row: dict[str, Any] = json.loads(text)
    return row


async def _holds(raw: Raw, world: World, policy: asyncpg.Record) -> bool:
    """Whether the stranger (or the jobs, where the policy is theirs) is held off where this policy should hold them off."""
    if names.JOBS in policy["roles"]:
        return await _holds_jobs(raw, world, policy)
    table, cmd = policy["tablename"], policy["cmd"]
    row = await _a_row_of_others(raw, world, table)
    tries = []
    if cmd in ("SELECT", "ALL"):
        tries.append(_nothing_is_seen(raw, world, table))
    if cmd in ("INSERT", "ALL") and await _granted(raw, table, "INSERT"):
        tries.append(_refused_by_policy(raw, table, row))
    if cmd in ("UPDATE", "ALL") and table in _SETS:
        tries.append(_update_is_refused(raw, world, table))
    if cmd in ("UPDATE", "ALL") and table in _OWNED_BY:
        await _give_one(raw, world, table, row)
        tries.append(_giving_away_is_refused(raw, table, row))
    await _act_as(raw, world.stranger)
    return all([await attempt for attempt in tries])


# Whose a row is: a stranger that owns one may not give it to somebody else.
_OWNED_BY = {"agency": "id", "case": "coordinator_agency_id", "referral": "sender_agency_id", "case_task": "agency_id"}


async def _give_one(raw: Raw, world: World, table: str, row: dict[str, Any]) -> None:
    if table != "agency":  # it has its entry
        await raw.execute(f'UPDATE "{table}" SET {_OWNED_BY[table]} = $1 WHERE id::text = $2', world.stranger, row["id"])


async def _granted(raw: Raw, table: str, privilege: str) -> bool:
    return bool(await raw.fetchval("SELECT has_table_privilege($1, $2, $3)", names.APP, f'"{table}"', privilege))


async def _nothing_is_seen(raw: Raw, world: World, table: str) -> bool:
    return table in READ_BY_ALL or await _foreign_rows_seen(raw, world, table) == 0


async def _giving_away_is_refused(raw: Raw, table: str, row: dict[str, Any]) -> bool:
    column = _OWNED_BY[table]
    try:
        async with raw.transaction():
            await raw.execute(f'UPDATE "{table}" SET {column} = $1', row[column])  # reads nothing: SELECT has no say
    except asyncpg.InsufficientPrivilegeError as refused:
        return "row-level security" in str(refused)
    return False


async def _update_is_refused(raw: Raw, world: World, table: str) -> bool:
    try:
        async with raw.transaction():
            return await _foreign_rows_changed(raw, world, table) == 0
    except asyncpg.InsufficientPrivilegeError:
        return False


async def _holds_jobs(raw: Raw, world: World, policy: asyncpg.Record) -> bool:
    """The jobs forget only what is old, step only by the clock, and sign only as the system."""
    table = policy["tablename"]
    row = await _a_row_of_others(raw, world, table)
    if table == "client_assertion":
        await raw.execute("UPDATE client_assertion SET expires_at = now() + interval '1 minute'")
    if table == "referral":
        await raw.execute("UPDATE referral SET status = 'draft'")
    await _act_as(raw, None, names.JOBS)
    if policy["cmd"] == "INSERT":
        return await _refused_by_policy(raw, table, row)
    return not await raw.fetchval(f'SELECT EXISTS (SELECT FROM "{table}" t WHERE $1::uuid IS NOT NULL)', world.stranger)


def _bites(policy: asyncpg.Record) -> bool:
    """Whether there is a condition at all, for a role that logs in."""
    conditions = {policy["qual"], policy["with_check"]} - {None, "true"}
    return bool(conditions) and bool({names.APP, names.JOBS}.intersection(policy["roles"]))


async def test_each_policy_is_missed_by_a_test_when_it_lets_everything_through(world: World) -> None:
    """Mutation: USING, then WITH CHECK, of each policy replaced by true. A policy no test misses is no wall."""
    unnoticed, broken = [], []
    async with superuser(world.instance.admin_url) as raw:
        for policy in filter(_bites, await _policies(raw)):
            name = f"{policy['tablename']}.{policy['policyname']}"
            if not await _undone(raw, world, policy, None):
                broken.append(name)
            for clause, column in (("USING", "qual"), ("WITH CHECK", "with_check")):
                if policy[column] in (None, "true"):
                    continue
                change = f'ALTER POLICY {policy["policyname"]} ON "{policy["tablename"]}" {clause} (true)'
                if await _undone(raw, world, policy, change):
                    unnoticed.append(f"{name} {clause}")
    assert broken == [], "a policy that does not hold"
    assert unnoticed == [], "a policy no test would miss"


async def _undone(raw: Raw, world: World, policy: asyncpg.Record, change: str | None) -> bool:
    transaction = raw.transaction()
    await transaction.start()
    try:
        if change is not None:
            await raw.execute(change)
        return await _holds(raw, world, policy)
    finally:
        await transaction.rollback()


# The functions that cross the wall


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT join_case($1, $2, $3, 'reporter')", ("new", "case", "stranger")),
        ("SELECT join_case($1, $2, $3, 'receiver')", ("new", "case", "stranger")),
        ("SELECT join_case($1, $2, $3, 'observer')", ("new", "case", "stranger")),
        ("SELECT join_case($1, $2, $3, 'coordinator')", ("new", "case", "stranger")),
        ("SELECT leave_case($1, $2, 'observer')", ("case", "union")),
        ("SELECT leave_case($1, $2, 'receiver')", ("case", "labour")),
        ("SELECT leave_case($1, $2, 'coordinator')", ("case", "stranger")),
        ("SELECT add_report_to_case($1, '{wage}', now())", ("case",)),
        ("SELECT note_referral($1, $2, NULL, now())", ("referral", "new")),
        ("SELECT note_referral($1, $2, 'reroute', now())", ("pooled", "new")),
        ("SELECT note_referral($1, $1, NULL, now())", ("new",)),
    ],
)
@pytest.mark.parametrize("acting", ["a stranger", "nobody"])
async def test_a_function_that_crosses_the_wall_asks_who_acts(
    world: World, behind: Raw, sql: str, values: tuple[str, ...], acting: str
) -> None:
    given = await _named(world, values)
    await _act_as(behind, world.stranger if acting == "a stranger" else None)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await behind.fetchval(sql, *given)
    assert refused.value.sqlstate == "TL002"


async def _named(world: World, names_given: tuple[str, ...]) -> list[object]:
    async with superuser(world.instance.admin_url) as raw:
        offices = {
            key: await raw.fetchval("SELECT id FROM agency WHERE code = $1", f"DEMO-340802-{key.upper()}")
            for key in ("union", "labour")
        }
    known: dict[str, object] = {
        "new": new_id(),
        "case": world.case_id,
        "stranger": world.stranger,
        "referral": world.referral_id,
        "pooled": world.pooled_id,
        **offices,
    }
    return [known[name] for name in names_given]


async def _refused(world: World, sql: str, values: list[object]) -> None:
    caller = Caller("client", world.stranger_client, world.stranger, world.stranger_client, frozenset(), "test")
    with pytest.raises(asyncpg.PostgresError) as refused:
        async with open_transaction(world.instance.database, caller) as tx:
            await tx.value(sql, *values)
    assert refused.value.sqlstate == "TL002"


async def test_a_case_is_opened_under_an_active_union_only(world: World) -> None:
    caller = Caller("client", world.stranger_client, world.stranger, world.stranger_client, frozenset(), "test")
    labour = (await _named(world, ("labour",)))[0]
    with pytest.raises(asyncpg.PostgresError) as refused:
        async with open_transaction(world.instance.database, caller) as tx:
            await tx.value(
                "SELECT open_case($1, $2, 'X', 'household', $3, '340802', NULL, NULL, NULL, '{}', 'normal', now())",
                new_id(),
                new_id(),
                labour,
            )
    assert refused.value.sqlstate == "TL001"


async def test_a_household_takes_only_records_of_the_acting_agency(world: World) -> None:
    async with superuser(world.instance.admin_url) as raw:
        record = await raw.fetchrow("SELECT id, person_id FROM person_record WHERE case_id = $1 LIMIT 1", world.case_id)
    assert record is not None
    await _refused(
        world,
        "SELECT add_household_member($1, $2, $3, 'main', 'self', now())",
        [world.case_id, record["person_id"], record["id"]],
    )


async def test_an_office_of_the_pool_learns_of_no_other_office(world: World) -> None:
    caller = Caller("client", world.stranger_client, world.stranger, world.stranger_client, frozenset(), "test")
    async with open_transaction(world.instance.database, caller) as tx:
        assert await tx.rows("SELECT offices_offered($1)", world.pooled_id) == []
        assert await tx.value("SELECT hidden_duplicate_exists($1)", world.referral_id) is False


async def test_the_coordinator_ends_observers_and_receivers_but_not_a_reporters_own_part(
    world: World, behind: Raw
) -> None:
    """A reporter sees its own report's case for as long as the case stands."""
    union, labour = (await _named(world, ("union", "labour")))[:2]
    assert isinstance(union, UUID)
    await _act_as(behind, union)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await behind.fetchval("SELECT leave_case($1, $2, 'reporter')", world.case_id, labour)
    assert refused.value.sqlstate == "TL002"


async def test_no_agency_acts_for_another_by_naming_it(world: World) -> None:
    """A client's principal and its agency are checked together."""
    async with superuser(world.instance.admin_url) as raw:
        other = await raw.fetchval("SELECT id FROM agency WHERE code = 'DEMO-340802-UNION'")
        rows = await raw.fetch(
            "SELECT * FROM enter('client', $1, $2, NULL, 'x')", world.stranger_client, other
        )
        staff = await raw.fetch("SELECT * FROM enter('staff', $1, $2, NULL, 'x')", world.stranger_client, world.stranger)
    assert (rows, staff) == ([], [])

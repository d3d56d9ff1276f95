"""Every policy is missed by a test when it lets everything through; a policy that no test misses is no wall."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from crypto.vault import Vault
from db import names
from db.embedded import EmbeddedPostgres
from db.engine import Raw
from settings import Settings
from tests.actions.instances import superuser
from tests.actions.world import READ_BY_ALL, World, act_as, granted, policies, world_on


@pytest.fixture(scope="module")
async def world(cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings) -> AsyncIterator[World]:
    async with world_on(cluster, template, vault, settings) as built:
        yield built


# A column a stranger would set, for UPDATEs that read nothing: only the policy stands between.
_SETS = {
    "case": "urgency = 'normal'",
    "case_need": "status = 'open'",
    "case_task": "status = 'done'",
    "client": "name = 'mine'",
    "client_key": "revoked_at = now()",
    "staff": "name = 'mine'",
    "staff_credential": "password_hash = 'mine'",
    "recovery_code": "used_at = NULL",
    "device": "revoked_at = NULL",
    "sign_in_code": "used_at = NULL",
    "refresh_token": "used_at = NULL",
    "link": "undone_at = now()",
    "match_candidate": "reason = 'mine'",
    "idempotency_record": "status = 200",
    "referral": "urgency = 'normal'",
    "webhook_endpoint": "status = 'disabled'",
    "inbound_source": "status = 'disabled'",
    "inbound_receipt": "tries = 9",
    "delivery": "status = 'dead'",
    "webhook_replay": "state = 'cancelled'",
    "agency": "name = 'mine'",
    "sharing_basis": "withdrawn_at = now()",
    "impact_assessment": "revoked_at = now()",
    "break_glass": "verdict = 'justified'",
    "qualification": "revoked_at = now()",
    "audit_witness": "revoked_at = now()",
    "person_request": "status = 'withdrawn'",
    "case_link": "undone_at = now()",
    "answer_link": "revoked_at = now()",
    "access_request": "status = 'revoked'",
    "case_transfer": "version = 9",
    **dict.fromkeys(("conference", "conference_session", "agenda_item", "conference_task", "letter"), "version = 9"),
    **dict.fromkeys(("catalogue_item", "share_request"), "version = 9"),
    "opinion": "text = 'mine'",
    "result": "version = 9",
    "alert": "version = 9",
    **dict.fromkeys(("plan", "plan_activation", "plan_task"), "version = 9"),
    "proposal": "version = 9",
    "consultation": "version = 9",
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


_OF_AN_AGENCY = {
    *("client", "client_key", "staff", "staff_credential", "recovery_code", "device", "sign_in_code", "refresh_token"),
}


def _own(table: str) -> str:
    if table in (*_OF_AN_AGENCY, "audit_witness"):
        return "agency_id = $1"
    if table in _OWNED_BY:
        return f"{_OWNED_BY[table]} = $1"
    return "id = $1" if table == "agency" else "$1::uuid IS NULL"


async def _refused_by_policy(raw: Raw, table: str, row: dict[str, Any]) -> bool:
    columns = ", ".join(
        record["column"]
        for record in await raw.fetch(
            "SELECT quote_ident(attname) AS column FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attidentity = '' AND attgenerated = ''",
            f'"{table}"',
        )
    )
    new = f'SELECT {columns} FROM jsonb_populate_record(NULL::"{table}", $1::jsonb)'
    return await _refused(raw, f'INSERT INTO "{table}" ({columns}) {new}', json.dumps(row))


async def _refused(raw: Raw, sql: str, *values: object) -> bool:
    """Whether a policy refuses the statement; any other end means that it was let through."""
    try:
        async with raw.transaction():
            await raw.execute(sql, *values)
    except asyncpg.PostgresError as refused:
        return "row-level security" in str(refused)
    return False


async def _a_row_of_others(raw: Raw, world: World, table: str) -> dict[str, Any]:
    text = await raw.fetchval(
        f'SELECT to_jsonb(t)::text FROM "{table}" t WHERE to_jsonb(t)::text NOT LIKE $1 LIMIT 1', f"%{world.stranger}%"
    )
    row: dict[str, Any] = json.loads(text)
    return row


async def _holds(raw: Raw, world: World, policy: asyncpg.Record) -> bool:
    """Whether the stranger, or the jobs where the policy is theirs, is held off where this policy should do it."""
    if names.JOBS in policy["roles"]:
        return await _holds_jobs(raw, world, policy)
    table, cmd = policy["tablename"], policy["cmd"]
    row = await _a_row_of_others(raw, world, table)
    tries = []
    if cmd in ("SELECT", "ALL"):
        tries.append(_nothing_is_seen(raw, world, table))
    if cmd in ("INSERT", "ALL") and await granted(raw, table, "INSERT"):
        tries.append(_refused_by_policy(raw, table, row))
    if cmd in ("UPDATE", "ALL") and table in _SETS:
        tries.append(_update_is_refused(raw, world, table))
    if cmd in ("UPDATE", "ALL") and await _may_be_given_away(raw, table):
        await _give_one(raw, world, table, row)
        tries.append(_giving_away_is_refused(raw, table, row))
    await act_as(raw, world.stranger)
    return all([await attempt for attempt in tries])


# Whose a row is: a stranger that owns one may not give it to somebody else.
_OWNED_BY = {"agency": "id", "case": "coordinator_agency_id", "referral": "sender_agency_id", "case_task": "agency_id"}


async def _give_one(raw: Raw, world: World, table: str, row: dict[str, Any]) -> None:
    if table != "agency":  # it has its entry
        await raw.execute(
            f'UPDATE "{table}" SET {_OWNED_BY[table]} = $1 WHERE id::text = $2', world.stranger, row["id"]
        )


async def _may_be_given_away(raw: Raw, table: str) -> bool:
    """Whether the application may write the column at all that says whose a row is."""
    column = _OWNED_BY.get(table)
    return column is not None and bool(
        await raw.fetchval("SELECT has_column_privilege($1, $2, $3, 'UPDATE')", names.APP, f'"{table}"', column)
    )


async def _nothing_is_seen(raw: Raw, world: World, table: str) -> bool:
    return table in READ_BY_ALL or await _foreign_rows_seen(raw, world, table) == 0


async def _giving_away_is_refused(raw: Raw, table: str, row: dict[str, Any]) -> bool:
    """Reads nothing, so that the policy for SELECT has no say."""
    column = _OWNED_BY[table]
    return await _refused(raw, f'UPDATE "{table}" SET {column} = $1', row[column])


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
    await act_as(raw, None, names.JOBS)
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
        for policy in filter(_bites, await policies(raw)):
            name = f"{policy['tablename']}.{policy['policyname']}"
            if not await _undone(raw, world, policy, None):
                broken.append(name)
            for clause, column in (("USING", "qual"), ("WITH CHECK", "with_check")):
                if policy[column] in (None, "true") or not await _can_matter(raw, policy, column):
                    continue
                change = f'ALTER POLICY {policy["policyname"]} ON "{policy["tablename"]}" {clause} (true)'
                if await _undone(raw, world, policy, change):
                    unnoticed.append(f"{name} {clause}")
    assert broken == [], "a policy that does not hold"
    assert unnoticed == [], "a policy no test would miss"


async def _can_matter(raw: Raw, policy: asyncpg.Record, column: str) -> bool:
    """A check on what an UPDATE leaves matters only where the owning column may be written."""
    return (column, policy["cmd"]) != ("with_check", "UPDATE") or await _may_be_given_away(raw, policy["tablename"])


async def _undone(raw: Raw, world: World, policy: asyncpg.Record, change: str | None) -> bool:
    transaction = raw.transaction()
    await transaction.start()
    try:
        if change is not None:
            await raw.execute(change)
        return await _holds(raw, world, policy)
    finally:
        await transaction.rollback()

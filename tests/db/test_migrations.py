"""Migrations go up and back, say the same as the models, and leave what migrations/sql says."""

import asyncio
import re
import subprocess
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from db.embedded import EmbeddedPostgres
from db.engine import Raw
from db.migration import alembic_config, downgrade, head, upgrade
from db.names import OWNER
from tests.actions.instances import superuser

ROOT = Path(__file__).resolve().parents[2]

_OBJECTS = """
SELECT 'policy', format('%s.%s', tablename, policyname), concat_ws('|', permissive, roles, cmd, qual, with_check)
  FROM pg_policies WHERE schemaname = 'public'
UNION ALL
SELECT 'function', p.oid::regprocedure::text, concat_ws('|', pg_get_functiondef(p.oid), p.proowner::regrole, p.proacl)
  FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', format('%s.%s', tgrelid::regclass, tgname), pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'table', oid::regclass::text, concat_ws('|', relowner::regrole, relrowsecurity, relforcerowsecurity,
       array(SELECT unnest(relacl)::text ORDER BY 1))
  FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'S') AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'column', format('%s.%s', attrelid::regclass, attname), concat_ws('|', atttypid::regtype, attnotnull,
       attidentity, pg_get_expr(d.adbin, d.adrelid), array(SELECT unnest(attacl)::text ORDER BY 1))
  FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
  LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (attrelid, attnum)
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', format('%s.%s', conrelid::regclass, conname), pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
ORDER BY 1, 2, 3"""


async def _objects(url: str) -> dict[tuple[str, str], str]:
    """Everything a schema is made of, in words."""
    async with superuser(url) as raw:
        rows = await raw.fetch(_OBJECTS)
    return {(kind, name): definition for kind, name, definition in rows}


async def test_down_and_up_again_makes_the_same_schema(fresh_database: str) -> None:
    before = await _objects(fresh_database)
    assert ("table", '"case"') in before
    await asyncio.to_thread(downgrade, fresh_database, "base")
    left = await _objects(fresh_database)
    assert [key for key in left if "alembic_version" not in key[1]] == []
    await asyncio.to_thread(upgrade, fresh_database)
    assert await _objects(fresh_database) == before


async def test_the_models_say_what_the_migrations_made(fresh_database: str) -> None:
    await asyncio.to_thread(command.check, alembic_config(fresh_database))


async def test_a_difference_between_models_and_schema_would_be_found(fresh_database: str) -> None:
    async with superuser(fresh_database) as raw:
        await raw.execute("ALTER TABLE report DROP COLUMN channel")
    with pytest.raises(CommandError):
        await asyncio.to_thread(command.check, alembic_config(fresh_database))


def test_head_names_the_last_revision_and_there_is_only_one() -> None:
    assert ScriptDirectory.from_config(alembic_config("unused")).get_heads() == [head()]


async def test_sql_as_it_is_at_head_changes_nothing_on_a_migrated_database(fresh_database: str) -> None:
    """migrations/sql is what a reader trusts; each file drops and makes its own objects again."""
    before = await _objects(fresh_database)
    async with superuser(fresh_database) as raw, raw.transaction():
        await _as_owner(raw)
        for file in sorted((ROOT / "migrations" / "sql").glob("*.sql")):
            await raw.execute(file.read_text(encoding="utf-8"))
    after = await _objects(fresh_database)
    assert {key: after.get(key) for key in before if after.get(key) != before[key]} == {}
    assert set(after) == set(before)


async def test_sql_at_head_holds_every_policy_function_and_trigger(fresh_database: str) -> None:
    """What it did not make again would be missing once it was dropped."""
    async with superuser(fresh_database) as raw:
        policies = {(row["tablename"], row["policyname"]) for row in await raw.fetch("SELECT * FROM pg_policies")}
        functions = {
            row["proname"]
            for row in await raw.fetch("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        }
        triggers = {
            row["tgname"]
            for row in await raw.fetch(
                "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal"
            )
        }
    sql = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "migrations" / "sql").glob("*.sql"))
    said = {(table, name) for name, table in re.findall(r'CREATE POLICY (\w+) ON "?(\w+)"?', sql)}
    assert said == policies
    assert set(re.findall(r"CREATE OR REPLACE FUNCTION (\w+)", sql)) == functions
    assert set(re.findall(r"CREATE (?:OR REPLACE|CONSTRAINT) TRIGGER (\w+)", sql)) == triggers


async def _as_owner(raw: Raw) -> None:
    await raw.execute(f"SET LOCAL ROLE {OWNER}")
    await raw.execute("SET LOCAL search_path TO public, pg_temp")


async def test_two_processes_that_migrate_at_once_both_find_the_head(cluster: EmbeddedPostgres, template: str) -> None:
    """The second waits and finds nothing left to do."""
    name = "migrated_twice"
    async with superuser(cluster.superuser_dsn("postgres").url()) as raw:
        await raw.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = cluster.superuser_dsn(name).url()
    await asyncio.to_thread(downgrade, url, "base")
    script = "import sys; sys.path.insert(0, '.'); from db.migration import upgrade; upgrade(sys.argv[1])"
    ends = await asyncio.gather(*(asyncio.to_thread(_run, script, url) for _ in range(2)))
    assert ends == [0, 0]
    async with superuser(url) as raw:
        assert await raw.fetchval("SELECT version_num FROM alembic_version") == head()
    async with superuser(cluster.superuser_dsn("postgres").url()) as raw:
        await raw.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(script: str, url: str) -> int:
    import sys  # noqa: PLC0415  only this test starts processes

    return subprocess.run([sys.executable, "-c", script, url], cwd=ROOT, check=False).returncode


async def test_partitions_are_made_ahead_once_and_walled(fresh_database: str) -> None:
    async with superuser(fresh_database) as raw:
        first = await raw.fetchval("SELECT make_partitions(4)")
        again = await raw.fetchval("SELECT make_partitions(4)")
        bare = await raw.fetch(
            "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' "
            "AND NOT (relrowsecurity AND relforcerowsecurity)"
        )
        covered = await raw.fetchval(
            "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r' AND relname ~ '^event_\\d{6}$'"
        )
    assert (again, bare) == (0, [])
    assert first % 2 == 0
    assert covered >= 5


async def test_an_event_of_any_month_finds_a_partition(fresh_database: str) -> None:
    """A clock that is wrong by years must not stop work: the default partition takes what no month does."""
    async with superuser(fresh_database) as raw:
        agency = await raw.fetchval("SELECT id FROM agency LIMIT 1")
        for moment in ("1999-01-01", "2031-07-01"):
            try:
                await raw.execute(_EVENT, moment, agency)
            except asyncpg.CheckViolationError as refused:
                pytest.fail(f"{moment}: {refused}")


_EVENT = """
INSERT INTO event (id, type, subject_type, subject_id, subject_version, actor_agency_id, parties, correlation_id, data,
                   occurred_at)
SELECT first_id_at($1::text::timestamptz), 'case.opened', 'case', gen_random_uuid(), 1, $2, '{}', 'x', '{}', now()"""

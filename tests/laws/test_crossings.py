"""The few functions that cross the wall ask who acts before they do anything."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from crypto.ids import new_id
from crypto.vault import Vault
from db.embedded import EmbeddedPostgres
from db.engine import Raw
from db.transaction import Caller, open_transaction
from settings import Settings
from tests.actions.instances import superuser
from tests.actions.world import World, act_as, undone, world_on


@pytest.fixture(scope="module")
async def world(cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings) -> AsyncIterator[World]:
    async with world_on(cluster, template, vault, settings) as built:
        yield built


@pytest.fixture
async def behind(world: World) -> AsyncIterator[Raw]:
    """A superuser in a transaction that is always undone."""
    async with undone(world) as raw:
        yield raw


# The functions that cross the wall

_KEEP_RECORD = "SELECT keep_links(jsonb_build_array(jsonb_build_object('record_id', $1::uuid)), '{}', '[]')"
_KEEP_CANDIDATE = "SELECT keep_links('[]', '{}', jsonb_build_array(jsonb_build_object('record_id', $1::uuid)))"


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
        ("SELECT link_employer_case($1, $2, now())", ("case", "new")),
        ("SELECT note_referral($1, $2, NULL, now())", ("referral", "new")),
        ("SELECT note_referral($1, $2, 'reroute', now())", ("pooled", "new")),
        ("SELECT note_referral($1, $1, NULL, now())", ("new",)),
        ("SELECT erase_leaves(ARRAY[$1::uuid])", ("leaf",)),
        ("SELECT erase_leaves(ARRAY[$1::uuid])", ("new",)),
        ("SELECT erase_case($1, false, now())", ("case",)),
        ("SELECT erase_case($1, true, now())", ("case",)),
        ("SELECT erase_member($1, $2, '[]')", ("case", "new")),
        ("SELECT trim_case($1, '[]', '{}')", ("case",)),
        ("SELECT carry_birth_date($1)", ("case",)),
        ("SELECT follow_withdrawal($1, $1, $1, now())", ("new",)),
        ("SELECT rehouse_reports($1, $1, '{}', now())", ("case",)),
        ("SELECT undo_not_duplicate($1, $2, 'x', now(), now())", ("match", "new")),
        ("SELECT undo_not_duplicate($1, $2, 'x', now(), now())", ("new", "new")),
        (_KEEP_RECORD, ("new",)),
        (_KEEP_RECORD, ("record",)),
        (_KEEP_CANDIDATE, ("new",)),
        (_KEEP_CANDIDATE, ("record",)),
    ],
)
@pytest.mark.parametrize("acting", ["a stranger", "nobody"])
async def test_a_function_that_crosses_the_wall_asks_who_acts(
    world: World, behind: Raw, sql: str, values: tuple[str, ...], acting: str
) -> None:
    given = await _named(world, values)
    await act_as(behind, world.stranger if acting == "a stranger" else None)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await behind.fetchval(sql, *given)
    assert refused.value.sqlstate == "TL002"


async def _named(world: World, names_given: tuple[str, ...]) -> list[object]:
    async with superuser(world.instance.admin_url) as raw:
        offices = {
            key: await raw.fetchval("SELECT id FROM agency WHERE code = $1", f"DEMO-340802-{key.upper()}")
            for key in ("union", "labour")
        }
        record = await raw.fetchval("SELECT id FROM person_record WHERE case_id = $1 LIMIT 1", world.case_id)
        match = await raw.fetchval("SELECT id FROM match_candidate LIMIT 1")
        leaf = await raw.fetchval("SELECT id FROM audit_leaf WHERE case_id = $1 LIMIT 1", world.case_id)
    known: dict[str, object] = {
        "new": new_id(),
        "case": world.case_id,
        "stranger": world.stranger,
        "referral": world.referral_id,
        "pooled": world.pooled_id,
        "leaf": leaf,
        "match": match,
        "record": record,
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


async def test_only_the_coordinator_learns_and_changes_what_a_household_is_compared_by(world: World) -> None:
    async with superuser(world.instance.admin_url) as raw:
        before = await _features(raw)
    for agency, known in (
        (world.stranger, 0),
        (world.offices["labour"], 0),
        (world.offices["union"], 2),
    ):
        async with undone(world) as raw:
            await act_as(raw, agency)
            rows = await raw.fetch("SELECT record_id FROM features_of_case($1)", world.case_id)
            assert len(rows) == known
            await raw.execute(
                "SELECT change_features($1, (SELECT jsonb_agg(jsonb_build_object('record_id', r, 'features', '00')) "
                "FROM unnest($2::uuid[]) r))",
                world.case_id,
                list(before),
            )
            await raw.execute("RESET ROLE")
            after = await _features(raw)
            assert sum(after[record] != before[record] for record in before) == known


async def _features(raw: Raw) -> dict[UUID, bytes]:
    rows = await raw.fetch("SELECT record_id, features FROM link_feature")
    return {row["record_id"]: row["features"] for row in rows}


async def test_where_nobody_acts_there_are_no_candidates_and_nothing_is_kept(behind: Raw) -> None:
    await act_as(behind, None)
    for sql in ("SELECT link_candidates('[[0, \"2\"]]', 200, 12)", "SELECT keep_links('[]', '{3}', '[]')"):
        with pytest.raises(asyncpg.PostgresError) as refused:
            async with behind.transaction():
                await behind.fetch(sql)
        assert refused.value.sqlstate == "TL002"


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
    await act_as(behind, union)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await behind.fetchval("SELECT leave_case($1, $2, 'reporter')", world.case_id, labour)
    assert refused.value.sqlstate == "TL002"


async def test_no_agency_acts_for_another_by_naming_it(world: World) -> None:
    """A client's principal and its agency are checked together."""
    async with superuser(world.instance.admin_url) as raw:
        other = await raw.fetchval("SELECT id FROM agency WHERE code = 'DEMO-340802-UNION'")
        rows = await raw.fetch("SELECT * FROM enter('client', $1, $2, NULL, 'x', NULL)", world.stranger_client, other)
        staff = await raw.fetch(
            "SELECT * FROM enter('staff', $1, $2, NULL, 'x', NULL)", world.stranger_client, world.stranger
        )
    assert (rows, staff) == ([], [])


async def test_a_stranger_does_not_learn_who_lives_in_a_household(world: World) -> None:
    caller = Caller("client", world.stranger_client, world.stranger, world.stranger_client, frozenset(), "test")
    async with open_transaction(world.instance.database, caller) as tx:
        assert await tx.value("SELECT person_of_case($1, NULL)", world.case_id) is None


async def test_a_stranger_is_told_of_no_match_it_did_not_open_and_shown_nothing_it_was_not_granted(
    world: World,
) -> None:
    async with superuser(world.instance.admin_url) as raw:
        match = await raw.fetchval("SELECT candidate_id FROM access_request WHERE status = 'granted'")
    caller = Caller("client", world.stranger_client, world.stranger, world.stranger_client, frozenset(), "test")
    async with open_transaction(world.instance.database, caller) as tx:
        assert await tx.rows("SELECT * FROM opened_matches(ARRAY[$1::uuid])", match) == []
        assert await tx.rows("SELECT * FROM shown_by_grant($1)", match) == []


async def test_what_the_clock_does_to_matches_is_for_the_jobs_alone(behind: Raw, world: World) -> None:
    await act_as(behind, world.stranger)
    for sql in (
        "SELECT lapsed_matches(now(), 1)",
        "SELECT lapse_match(gen_random_uuid(), gen_random_uuid(), now(), now())",
        "SELECT probing_suspects(now(), now(), 5)",
        "SELECT withdraw_difference(gen_random_uuid(), gen_random_uuid(), 'x', now(), now())",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with behind.transaction():
                await behind.fetch(sql)

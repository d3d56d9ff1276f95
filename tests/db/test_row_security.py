"""The wall as the catalogue has it: which tables stand behind it, who may cross, and what a stranger sees."""

import re
from collections.abc import AsyncIterator

import pytest

from crypto.vault import Vault
from db import names
from db.embedded import EmbeddedPostgres
from db.engine import Raw
from db.transaction import Caller, open_transaction
from settings import Settings
from tests.actions.world import READ_BY_ALL, TABLES, World, act_as, granted, policies, undone, walled, world_on

PUBLIC = {
    *(
        "division",
        "code",
        "calendar_year",
        "calendar_day",
        "matter",
        "matter_override",
        "warning_override",
        "competence",
    ),
    *("rate_bucket", "sign_in_attempt", "app_client", "alembic_version"),
}
"""Tables that name no person, no case and no account: reference, budgets, counted tries, apps, the revision."""

DEFINERS = {
    *("answer_link_addressee", "enter_by_link", "places_of_cases", "public_keys_of_endpoint"),
    *("staff_for_sign_in", "enrolling_staff", "grant_holder", "take_try", "settle_tries"),
    *(
        "enter",
        "client_for_sign_in",
        "inbound_source_for",
        "forget_envelopes",
        "use_assertion",
        "lease_requests",
        "spend_budget",
        *("union_line", "raise_alert", "state_signal", "new_cases", "name_of_subject", "clear_alerts", "late_alerts"),
        "mark_honey",
        "honey_touches",
        "copy_case_to_participants",
    ),
    *("active_case_of", "active_case_of_employer", "open_case", "join_case", "leave_case", "add_report_to_case"),
    *("new_person", "add_household_member", "households_of", "ask_of_household", "answer_household_task"),
    *("employers_for", "employer_for", "employer_of_name", "anchor_employer", "found_employer"),
    *("link_candidates", "link_counts", "linked_records", "keep_links", "link_differences", "lock_links_of_case"),
    *("persons_by_links", "settle_persons", "main_person_of", "settle_case", "move_facts", "rename_requesters"),
    *("before_work", "main_cases_of", "merge_case", "follow_link", "part_case", "follow_withdrawal", "stray_reports"),
    *("rehouse_reports", "merged_into", "cases_merged_into", "lock_links_of", "records_of_persons", "count_values"),
    *("close_candidates", "transfer_case"),
    *("stuck_referrals", "hot_matters", "assign_referral", "effects_of_session"),
    *("expect_adoptions", "follow_adopted_thing", "hand_over_expected_adoptions", "end_expected_adoptions"),
    *("line_of_union", "policy_gap_counts", "proposal_evidence"),
    "asked_or_apart",
    *("note_referral", "hidden_duplicate_exists", "offices_offered"),
    *("carry_into_case", "children_of_joint", "complete_joint"),
    *("await_sealing", "erase_leaves", "stored_leaves", "stray_leaves"),
    *("person_of_case", "carry_birth_date"),
    *("erase_case", "erase_member", "forget_unknown_people", "trim_case"),
    *("forget_features", "forget_links", "features_of_case", "change_features", "copy_person_to_features"),
    *("link_employer_case", "copy_case_to_links", "forget_case_links", "move_case_links"),
    *("copy_coordinators_to_match", "copy_coordinator_to_matches", "opened_matches", "withdraw_difference"),
    *("undo_not_duplicate", "lapsed_matches", "lapse_match", "probing_suspects", "shown_by_grant"),
    *("records_to_rescore", "candidates_to_rescore", "persons_to_rescore", "links_to_rescore", "pairs_in_review"),
    *(
        "keep_rescored",
        "close_doubtful_link",
        "move_doubtful_links",
        "assertions_to_replay",
        "records_to_replay",
        "settle_replayed",
    ),
    *("cases_past_retention", "open_retention_task", "forget_proofs_of_erased"),
}
"""The only functions that cross the wall; they belong to tongli_linker."""


SEALED = ("audit_log", "audit_key", "audit_pending", "audit_entry", "audit_tile", "audit_checkpoint")
"""Tables of the audit log that the sealer alone writes."""


@pytest.fixture(scope="module")
async def world(cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings) -> AsyncIterator[World]:
    async with world_on(cluster, template, vault, settings) as built:
        yield built


@pytest.fixture
async def behind(world: World) -> AsyncIterator[Raw]:
    """A superuser in a transaction that is always undone."""
    async with undone(world) as raw:
        yield raw


# The catalogue


async def test_every_table_but_a_short_public_list_has_row_security_enabled_and_forced(behind: Raw) -> None:
    rows = await behind.fetch(
        f"SELECT relname, relrowsecurity AND relforcerowsecurity AS walled FROM pg_class c WHERE {TABLES}"
    )
    bare = {row["relname"] for row in rows if not row["walled"]}
    assert bare == PUBLIC & {row["relname"] for row in rows}
    assert any(re.fullmatch(r"event_\d{6}", row["relname"]) for row in rows), "partitions are looked at too"


async def test_every_walled_table_holds_rows_of_others_in_this_world(behind: Raw) -> None:
    """Otherwise 'sees nothing' would be no finding."""
    empty = [table for table in await walled(behind) if not await behind.fetchval(f'SELECT count(*) FROM "{table}"')]
    assert empty == []


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
    for table in ("participant", "household_member", "person", "feed_entry", "feed_head", "delivery_attempt", *SEALED):
        assert not await behind.fetchval("SELECT has_table_privilege($1, $2, 'INSERT')", names.APP, table), table
        assert not await behind.fetchval("SELECT has_any_column_privilege($1, $2, 'UPDATE')", names.APP, table), table


async def test_functions_that_cross_the_wall_are_the_listed_ones_and_fixed_in_their_path(behind: Raw) -> None:
    rows = await behind.fetch(
        "SELECT p.proname, o.rolname AS owner, p.proconfig, has_function_privilege('public', p.oid, 'EXECUTE') AS open "
        "FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner "
        "WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
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
        "SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member "
        "JOIN pg_roles r ON r.oid = a.roleid "
        "WHERE r.rolname = ANY ($1) AND NOT m.rolsuper",
        [names.LINKER, names.OWNER],
    )
    assert members == []


_AGENCY_TEST = re.compile(r"(?:(\w+)\.)?(\w+) = \( SELECT acting_agency\(\)")


async def test_every_column_a_policy_looks_rows_up_by_leads_an_index(behind: Raw) -> None:
    """Without one, each read of the table is a scan of it. The outer row's columns of a sub-select are values there."""
    missing = set()
    for policy in await policies(behind):
        condition = f"{policy['qual'] or ''} {policy['with_check'] or ''}"
        for alias, column in _AGENCY_TEST.findall(condition):
            table = _table_of(alias, policy["tablename"], condition)
            if policy["cmd"] != "INSERT" and not await _leads_an_index(behind, table, column):
                missing.add((table, column))
    assert missing == LOOKED_UP_WHILE_LIVE


LOOKED_UP_WHILE_LIVE = {("participant", "agency_id")}
"""Only live, listed parts are ever looked up by agency; their partial indexes are smaller and lead with it."""


def _table_of(alias: str, own: str, condition: str) -> str:
    found = re.search(rf'(?:FROM|JOIN) \(?"?(\w+)"? {alias}\b', condition) if alias else None
    return found[1] if found else own


async def _leads_an_index(raw: Raw, table: str, column: str) -> bool:
    """By a whole index, or one that leaves out nothing but nulls of the column."""
    return bool(
        await raw.fetchval(
            "SELECT EXISTS (SELECT FROM pg_index i "
            "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
            "WHERE i.indrelid = $1::regclass AND a.attname = $2 AND (i.indpred IS NULL "
            "OR pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', $2::text)))",
            f'"{table}"',
            column,
        )
    )


async def test_policies_ask_who_acts_once_a_statement_and_not_once_a_row(behind: Raw) -> None:
    for policy in await policies(behind):
        condition = f"{policy['qual'] or ''} {policy['with_check'] or ''}"
        assert condition.count("acting_agency()") == condition.count("SELECT acting_agency()"), policy["tablename"]


# Without context, and as a stranger


async def test_without_an_acting_agency_nothing_walled_is_seen(behind: Raw) -> None:
    tables = [table for table in await walled(behind) if table not in READ_BY_ALL]
    readable = [table for table in tables if await granted(behind, table, "SELECT")]
    await act_as(behind, None)
    seen = [table for table in readable if await behind.fetchval(f'SELECT EXISTS (SELECT FROM "{table}")')]
    assert seen == []
    assert {"case", "participant", "person_record", "report", "event", "referral"} <= set(readable)


async def test_raw_sql_in_a_strangers_own_context_shows_no_row_of_others(world: World, behind: Raw) -> None:
    readable = [table for table in await walled(behind) if await granted(behind, table, "SELECT")]
    caller = Caller("client", world.stranger_client, world.stranger, world.stranger_client, frozenset(), "test")
    async with open_transaction(world.instance.database, caller) as tx:
        for table in sorted(set(readable) - READ_BY_ALL):
            rows = await tx.rows(f'SELECT to_jsonb(t)::text AS row FROM "{table}" t')
            foreign = [row["row"] for row in rows if str(world.stranger) not in row["row"]]
            assert foreign == [], f"{table} shows rows of others"

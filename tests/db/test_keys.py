"""Walks over sealed values and indexes: every one is met, in its context, by a role that may do nothing else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

import pytest
from sqlmodel import SQLModel

from cli.keys_walk import Walked, reindex, reseal
from crypto.fields import FieldCipher
from crypto.keys import Keyring, KeySet
from crypto.rotation import Kind, add_key, promote_key, retire_key
from crypto.tokens import TokenAuthority
from crypto.vault import Vault
from db import names
from db.embedded import EmbeddedPostgres
from db.engine import Raw
from db.operator import open_key_work
from db.queries.keys import count_sealed, sealed_tables
from settings import Settings
from tests.actions import story
from tests.actions.instances import superuser
from tests.actions.people import signed_in
from tests.actions.world import World, undone, world_on
from tests.api.answering import link_for, next_link
from tests.api.inbound_partner import partner_of
from tests.builders import Api, report_body
from tests.crypto.test_fields import sealed_as_version_1

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
async def world(cluster: EmbeddedPostgres, template: str, keyring: Keyring, settings: Settings) -> AsyncIterator[World]:
    """With a vault of its own, which the tests rotate."""
    async with world_on(cluster, template, Vault.of(keyring), settings) as built:
        await _say_everything(built)
        yield built


async def _say_everything(world: World) -> None:
    """What the world's story leaves out: a text for every column that can hold one, each through the API."""
    union, labour = await world.instance.api("DEMO-340802-UNION"), await world.instance.api("DEMO-340802-LABOUR")
    case_id = (await story.report(labour))["case"]["id"]
    path = f"/v1/cases/{case_id}"
    referral = await story.refer(union, case_id, labour, note="请尽快")
    result = {"kind": "recognition", "code": "hard-to-employ", "text": "已认定"}
    for name, words in (("accept", {}), ("start", {}), ("complete", {"result": result, "text": "已办结"})):
        referral = await story.step(labour, referral, name, **words)
    made = (await union.get(f"{path}/results")).json()["data"][0]
    partly = {"decision": "partly", "reason_code": "other", "reason": "名额不足"}
    assert (await union.post(f"/v1/results/{made['id']}/adoptions", partly)).status_code == 201
    await _sign_somebody_in(world, union.id)
    link = await union.post(f"{path}/case-links", _ELSEWHERE)
    undone = await union.post(f"/v1/case-links/{link.json()['id']}/undo", {"reason": "登记有误"}, if_match=1)
    assert undone.status_code == 200, undone.text
    danger = {"danger": "health", "text": "病情危急，需要立即联系本人", "hours": 1}
    opened = await labour.post(f"{path}/break-glass", danger)
    judged = {"verdict": "justified", "text": "确属紧急"}
    assert (await union.post(f"/v1/break-glass/{opened.json()['id']}/review", judged)).status_code == 200
    await _answer_by_link(world, union, case_id)
    for step in ("activate", "propose_closing", "close"):
        said = {"exit_reason": "lifted", "text": "已脱困"} if step == "close" else {}
        moved = await union.post(f"{path}/{step}", said, if_match=(await union.get(path)).json()["version"])
        assert moved.status_code == 200, moved.text
    proof = {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"}
    asked = await union.post(
        f"{path}/person-requests", {"kind": "copy", "proof": proof}, headers={"tongli-actor": "desk-7"}
    )
    taken = await union.post(f"/v1/person-requests/{asked.json()['id']}/review", {"text": "已核对证件"}, if_match=1)
    assert taken.status_code == 200, taken.text
    partner = await partner_of(labour, mapping=None)
    assert (await labour.post(f"/v1/inbound-sources/{partner.source['id']}/rotate-secret", {})).status_code == 200
    assert (await partner.send({"a": 1})).status_code == 202
    endpoint = await labour.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    assert endpoint.status_code == 201, endpoint.text
    assert (await labour.post(f"/v1/webhook-endpoints/{endpoint.json()['id']}/rotate-secret")).status_code == 200


async def _answer_by_link(world: World, union: Api, case_id: str) -> None:
    """A link for a named clerk, through which another one said that the matter was done."""
    office = await world.instance.api("DEMO-340802-EDUCATION")
    referral = await story.refer(union, case_id, office, matter="EDU-01")
    made = await link_for(union, referral, clerk="王守门")
    said = {"link": made["url"], "step": "accept", "version": str(referral["version"]), "clerk": "李接班"}
    accepted = await world.instance.http.post("/answer", data=said)
    assert accepted.status_code == 200, accepted.text
    (_, following) = (await union.get(f"/v1/referrals/{referral['id']}/answer-links")).json()["data"]
    version = (await union.get(f"/v1/referrals/{referral['id']}")).json()["version"]
    said = {"link": next_link(accepted) or "", "step": "complete", "version": str(version), "outcome": "met"}
    done = await world.instance.http.post("/answer", data=said | {"clerk": "李接班"})
    assert done.status_code == 200, done.text
    assert following["follows"] == made["id"]


_ELSEWHERE = {
    "kind": "elsewhere",
    "division_code": "330100",
    "authority": "外省平台",
    "number": "ZJ-1",
    "url": "https://helping.example.cn/ZJ-1",
    "reason": "已迁居",
}


async def _sign_somebody_in(world: World, agency: UUID) -> None:
    """A second factor in force and one that waits, and a successor of a refresh token."""
    vault = world.instance.database.vault
    async with superuser(world.instance.admin_url) as raw:
        staff_id, device_id, _ = await signed_in(raw, TokenAuthority(vault.keyring, "http://x"), agency, ["auditor"])
        factor = [vault.cipher.seal("secret", f"staff_credential.totp:{staff_id}") for _ in range(2)]
        await raw.execute(
            "INSERT INTO staff_credential (staff_id, agency_id, totp_secret, totp_pending, totp_step, version) "
            "VALUES ($1, $2, $3, $4, 0, 1)",
            staff_id,
            agency,
            *factor,
        )
        await raw.execute(
            "INSERT INTO refresh_token (token_hash, agency_id, device_id, expires_at, successor) "
            "VALUES ($1, $2, $3, now(), $4)",
            device_id.bytes,
            agency,
            device_id,
            vault.cipher.seal("next", f"refresh_token.successor:{device_id}"),
        )


def rotated(keyring: Keyring, kind: Kind, algorithm: str) -> tuple[Keyring, str]:
    added, key_id = add_key(keyring, kind, algorithm, NOW)
    return promote_key(added, key_id, NOW), key_id


async def _marks(url: str) -> set[str]:
    async with open_key_work(url) as work, work.batch() as raw:
        rows = [row for table in sealed_tables() for row in await count_sealed(raw, table)]
    return {row["sealed_as"] for row in rows if row["sealed_as"] is not None}


async def _values(raw: Raw) -> dict[tuple[str, str, str], bytes]:
    """Every sealed value of the database by table, column and context."""
    found = {}
    for table in sealed_tables():
        for row in await raw.fetch(f'SELECT * FROM "{table.name}"'):
            for column in table.contexts:
                if row[column]:
                    place = f"{table.position(row)}"
                    found[table.name, column, f"{place} {table.context(column, row)}"] = row[column]
    return found


def _opened(cipher: FieldCipher, values: dict[tuple[str, str, str], bytes]) -> dict[tuple[str, str, str], bytes]:
    return {place: cipher.open_bytes(value, place[2].rpartition(" ")[2]) for place, value in values.items()}


# What is walked


async def test_every_sealed_column_holds_values_that_open_in_the_context_its_model_names(world: World) -> None:
    """The code that seals and the models say the same; a column nobody listed would not be in the walk."""
    async with superuser(world.instance.admin_url) as raw:
        values = await _values(raw)
    _opened(world.instance.database.vault.cipher, values)
    met = {place[:2] for place in values}
    assert met == {(table.name, column) for table in sealed_tables() for column in table.contexts}


async def test_no_column_holds_sealed_values_that_its_model_does_not_call_sealed(world: World) -> None:
    known = {(table.name, column) for table in sealed_tables() for column in table.contexts}
    key_id = world.instance.database.vault.cipher.key_id.encode()
    async with superuser(world.instance.admin_url) as raw:
        for table in SQLModel.metadata.tables.values():
            for column in (c for c in table.columns if "BYTEA" in str(c.type.compile()) or "BLOB" in str(c.type)):
                if (table.name, column.name) not in known:
                    looks = f'position($1::bytea in "{column.name}") BETWEEN 4 AND 5'
                    sql = f'SELECT count(*) FROM "{table.name}" WHERE {looks}'
                    assert await raw.fetchval(sql, key_id) == 0, f"{table.name}.{column.name}"


async def test_the_role_of_the_walk_reaches_every_sealed_value_and_nothing_else(world: World) -> None:
    async with undone(world) as raw:
        rows = await raw.fetch(
            "SELECT c.relname AS table, a.attname AS column, "
            "       has_column_privilege($1, c.oid, a.attnum, 'SELECT') AS reads, "
            "       has_column_privilege($1, c.oid, a.attnum, 'UPDATE') AS writes "
            "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace",
            names.KEYS,
        )
        sealed = {(table.name, column) for table in sealed_tables() for column in table.contexts}
        numbers = {("case_link", "number_index"), ("case_link", "index_key")}
        indexes = (
            numbers
            | {("report", "source_record"), ("report", "source_key")}
            | {("person_record", column) for column in ("id_index", "name_birth_index", "phone_indexes", "index_key")}
        )
        assert {(row["table"], row["column"]) for row in rows if row["writes"]} == sealed | indexes
        keys = {(table.name, column) for table in sealed_tables() for column in table.fetched}
        read_too = {("person_record", "id_type"), ("person_record", "birth_date")}
        read_too |= {("case_link", column) for column in ("kind", "agency_id", "case_id")}
        assert {(row["table"], row["column"]) for row in rows if row["reads"]} == sealed | indexes | keys | read_too
        others = await raw.fetch(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') "
            "AND c.relnamespace = 'public'::regnamespace "
            "AND has_table_privilege($1, c.oid, 'INSERT, DELETE, TRUNCATE')",
            names.KEYS,
        )
        assert others == []
        await raw.execute(f"SET LOCAL ROLE {names.KEYS}")
        for table in sealed_tables():
            column = next(iter(table.contexts))
            assert await raw.fetchval(f'SELECT count("{column}") FROM "{table.name}"'), f"{table.name}: no policy"


async def test_nobody_but_the_operator_becomes_that_role(world: World) -> None:
    async with undone(world) as raw:
        members = await raw.fetch(
            "SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member "
            "JOIN pg_roles r ON r.oid = a.roleid WHERE r.rolname = $1 AND NOT m.rolsuper",
            names.KEYS,
        )
        assert members == []
        assert not await raw.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", names.KEYS)


# Field keys


@pytest.mark.parametrize("algorithm", ["A256GCM", "SM4GCM"])
async def test_rewrapping_leaves_every_value_and_the_old_key_is_not_needed_any_more(
    world: World, keyring: Keyring, algorithm: str
) -> None:
    url = world.instance.admin_url
    async with superuser(url) as raw:
        before = await _values(raw)
    changed, key_id = rotated(keyring, "field", algorithm)
    walked = await reseal(url, FieldCipher(changed), fresh=False, limit=2)
    assert (walked.failed, walked.busy) == ([], 0)
    assert {mark.partition("/")[2] for mark in await _marks(url)} == {key_id}
    async with superuser(url) as raw:
        after = await _values(raw)
    alone = FieldCipher(retire_key(changed, keyring.field.current))
    assert _opened(alone, after) == _opened(FieldCipher(keyring), before)
    assert all(after[place][-16:] == before[place][-16:] for place in before), "the values themselves were not touched"
    again = await reseal(url, FieldCipher(changed), fresh=False, limit=50)
    assert again == Walked()


async def test_resealing_gives_every_value_a_new_data_key_in_todays_algorithm(world: World, keyring: Keyring) -> None:
    url = world.instance.admin_url
    async with superuser(url) as raw:
        before = await _values(raw)
    changed, key_id = rotated(keyring, "field", "SM4GCM")
    await reseal(url, FieldCipher(changed), fresh=True, limit=50)
    assert await _marks(url) == {f"2.2/{key_id}"}
    async with superuser(url) as raw:
        after = await _values(raw)
    assert _opened(FieldCipher(changed), after) == _opened(FieldCipher(keyring), before)


async def test_values_from_before_data_keys_get_one(world: World, keyring: Keyring) -> None:
    url, key = world.instance.admin_url, keyring.field.current_key
    async with superuser(url) as raw:
        row = await raw.fetchrow("SELECT id, name FROM person_record LIMIT 1")
        assert row is not None
        old = sealed_as_version_1(key, "周桂兰", f"person_record:{row['id']}")
        await raw.execute("UPDATE person_record SET name = $2 WHERE id = $1", row["id"], old)
        assert f"1.1/{key.key_id}" in await _marks(url)
        walked = await reseal(url, FieldCipher(keyring), fresh=False, limit=50)
        assert walked.done == 1
        name = await raw.fetchval("SELECT name FROM person_record WHERE id = $1", row["id"])
    assert name[0] == 2
    assert FieldCipher(keyring).open(name, f"person_record:{row['id']}") == "周桂兰"


async def test_a_value_that_does_not_open_is_named_and_left_and_the_others_are_done(
    world: World, keyring: Keyring
) -> None:
    url = world.instance.admin_url
    changed, _ = rotated(keyring, "field", "A256GCM")
    stranger, _ = rotated(keyring, "field", "A256GCM")
    async with superuser(url) as raw:
        report_id = await raw.fetchval("SELECT id FROM report LIMIT 1")
        foreign = FieldCipher(stranger).seal("{}", f"report.body:{report_id}")
        await raw.execute("UPDATE report SET body = $2 WHERE id = $1", report_id, foreign)
        walked = await reseal(url, FieldCipher(changed), fresh=False, limit=50)
        assert walked.failed == [f"report {report_id}: no key for it"]
        assert await raw.fetchval("SELECT body FROM report WHERE id = $1", report_id) == foreign
        others = await raw.fetchval("SELECT count(*) FROM report WHERE id <> $1", report_id)
    marks = await _marks(url)
    assert walked.done > others > 0
    assert len(marks) == 2


async def test_a_walk_waits_for_nobody_and_whoever_wrote_meanwhile_has_won(
    world: World, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = world.instance.admin_url
    changed, _ = rotated(keyring, "field", "A256GCM")
    monkeypatch.setattr("cli.keys_walk.PASSES", 1)
    async with superuser(url) as raw:
        held = await raw.fetchval("SELECT id FROM referral WHERE note IS NOT NULL LIMIT 1")
        written = FieldCipher(keyring).seal("改过", f"referral.note:{held}")
        async with asyncio.timeout(60), raw.transaction():  # a walk that waits would wait for ever
            await raw.execute("UPDATE referral SET note = $2 WHERE id = $1", held, written)
            walked = await reseal(url, FieldCipher(changed), fresh=False, limit=50)
            assert walked.busy == 1, "what is held is left out and said"
        await reseal(url, FieldCipher(changed), fresh=False, limit=50)
        note = await raw.fetchval("SELECT note FROM referral WHERE id = $1", held)
    assert FieldCipher(changed).open(note, f"referral.note:{held}") == "改过"


async def test_a_walk_touches_no_version_and_no_participant(world: World, keyring: Keyring) -> None:
    changed, _ = rotated(keyring, "field", "A256GCM")
    sql = (
        "SELECT array_agg(t ORDER BY t) FROM (SELECT format('%s %s %s', id, version, updated_at) FROM \"case\" "
        "UNION ALL SELECT format('%s %s', id, xmin) FROM participant) AS s (t)"
    )
    async with superuser(world.instance.admin_url) as raw:
        before = await raw.fetchval(sql)
        walked = await reseal(world.instance.admin_url, FieldCipher(changed), fresh=False, limit=50)
        assert walked.done
        assert await raw.fetchval(sql) == before


# Blind-index keys


def _alone(keyring: Keyring, key_id: str) -> Keyring:
    return replace(keyring, blind=KeySet(key_id, MappingProxyType({key_id: keyring.blind.keys[key_id]})))


async def _file(api: Api, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    answer = await api.post("/v1/reports", body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("algorithm", ["HS256", "HSM3"])
async def test_after_reindexing_people_are_linked_and_records_refused_without_the_old_key(
    world: World, keyring: Keyring, algorithm: str
) -> None:
    labour = await world.instance.api("DEMO-340802-LABOUR")
    vault, body = world.instance.database.vault, report_body()
    doubtful = report_body(
        person={
            "id_type": "unverified",
            "id_number": None,
            "birth_date": None,
            "phones": None,
            "as_received": {"id_number": report_body()["person"]["id_number"], "phone": "13912345678"},
        }
    )
    for said in (body, doubtful):
        assert (await _file(labour, said))[0] == 201
    case_id = (await story.report(labour))["case"]["id"]
    own = {"kind": "own_number", "system": "files", "number": "（2026）皖0802民初817号"}
    assert (await labour.post(f"/v1/cases/{case_id}/case-links", own)).status_code == 201
    changed, key_id = rotated(keyring, "blind", algorithm)
    vault.adopt(changed)
    assert (await _file(labour, body))[0] == 409, "between promoting and reindexing as well"
    await _is_found_and_stands_once(labour, case_id, own)
    walked = await reindex(world.instance.admin_url, vault, limit=2)
    assert (walked.failed, walked.busy) == ([], 0)
    vault.adopt(_alone(changed, key_id))
    await _is_found_and_stands_once(labour, case_id, own)
    for said in (body, doubtful):
        assert (await _file(labour, said))[0] == 409
        fresh = {**said, "source": {"system": "other", "record_id": "x-" + said["source"]["record_id"]}}
        status, receipt = await _file(labour, fresh)
        assert (status, receipt["linkage"]) == (201, {"decision": "linked"})
    async with superuser(world.instance.admin_url) as raw:
        keys = await raw.fetch(
            "SELECT index_key FROM person_record UNION SELECT source_key FROM report "
            "UNION SELECT index_key FROM case_link"
        )
    assert [row["index_key"] for row in keys] == [key_id]


async def _is_found_and_stands_once(labour: Api, case_id: str, own: dict[str, str]) -> None:
    asked = {"agency_case_number": own["number"]}
    hits = await labour.post("/v1/cases/search", asked, purpose="assistance", key=None)
    assert [case["id"] for case in hits.json()["data"]] == [case_id]
    assert (await labour.post(f"/v1/cases/{case_id}/case-links", own)).status_code == 409


async def test_indexes_whose_key_nobody_wrote_down_are_found_out(world: World, keyring: Keyring) -> None:
    url = world.instance.admin_url
    async with superuser(url) as raw:
        before = await raw.fetch("SELECT id, id_index FROM person_record ORDER BY id")
        await raw.execute("UPDATE person_record SET index_key = NULL")
        await raw.execute("UPDATE report SET source_key = NULL")
        await raw.execute("UPDATE case_link SET index_key = NULL")
        walked = await reindex(url, Vault.of(keyring), limit=50)
        assert walked.failed == []
        assert await raw.fetch("SELECT id, id_index FROM person_record ORDER BY id") == before
        assert await raw.fetchval("SELECT count(*) FROM person_record WHERE index_key IS NULL") == 0
        unknown = "SELECT count(*) FROM case_link WHERE index_key IS NULL AND number IS NOT NULL"
        assert await raw.fetchval(unknown) == 0


_TABLES = {"source_record": "report", "number_index": "case_link"}


@pytest.mark.parametrize("column", ["id_index", "name_birth_index", "phone_indexes", *_TABLES])
async def test_an_index_that_does_not_come_from_what_the_record_says_is_left_and_named(
    world: World, keyring: Keyring, column: str
) -> None:
    url, table = world.instance.admin_url, _TABLES.get(column, "person_record")
    changed, key_id = rotated(keyring, "blind", "HS256")
    odd = "ARRAY['\\x01'::bytea]" if column == "phone_indexes" else "'\\x01'"
    async with superuser(url) as raw:
        filled = "cardinality(phone_indexes) > 0" if column == "phone_indexes" else f"{column} IS NOT NULL"
        row_id = await raw.fetchval(f"SELECT id FROM {table} WHERE {filled} LIMIT 1")
        await raw.execute(f"UPDATE {table} SET {column} = {odd} WHERE id = $1", row_id)
        walked = await reindex(url, Vault.of(changed), limit=50)
        assert [failure.partition(":")[0] for failure in walked.failed] == [f"{table} {row_id}"]
        key = "source_key" if table == "report" else "index_key"
        left = await raw.fetch(f"SELECT id FROM {table} WHERE {key} <> $1", key_id)
    assert [row["id"] for row in left] == [row_id]


async def test_a_report_says_under_which_key_it_was_indexed(world: World) -> None:
    labour = await world.instance.api("DEMO-340802-LABOUR")
    filed = await story.report(labour)
    async with superuser(world.instance.admin_url) as raw:
        keys = await raw.fetch(
            "SELECT index_key FROM person_record WHERE report_id = $1::text::uuid "
            "UNION SELECT source_key FROM report WHERE id = $1::text::uuid",
            filed["id"],
        )
    assert [row["index_key"] for row in keys] == [world.instance.database.vault.blind.key_id]

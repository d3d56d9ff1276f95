"""A database of its own in which every walled table holds rows of other agencies, and a stranger who holds none."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from crypto.checkpoints import COSIGNATURE, SigningKey
from crypto.ids import new_id
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.embedded import EmbeddedPostgres
from db.engine import Raw, open_database
from db.queries import links
from db.queries.links import CandidateRow
from db.transaction import Caller, open_transaction
from jobs.sealer import Log, seal
from rules.notes import read_checkpoint, read_note
from settings import Settings
from tests.actions import story
from tests.actions.instances import Instance, instance_on, superuser
from tests.builders import CONSULTATION, PROPOSAL, Api

TABLES = "c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
READ_BY_ALL = {
    *("agency", "impact_assessment", "catalogue_item"),
    *("audit_log", "audit_key", "audit_entry", "audit_tile", "audit_checkpoint", "audit_witness", "audit_cosignature"),
}
"""The directory, the assessments and the catalogue, where only an agency itself changes its own, and the audit log,
which reveals nothing."""


@dataclass(frozen=True, slots=True)
class World:
    """Who is who in it."""

    instance: Instance
    stranger: UUID
    stranger_client: UUID
    case_id: UUID
    referral_id: UUID
    pooled_id: UUID
    report_id: UUID
    offices: dict[str, UUID]


@asynccontextmanager
async def world_on(cluster: EmbeddedPostgres, template: str, vault: Vault, settings: Settings) -> AsyncIterator[World]:
    """Cloned from the template, dropped at the end."""
    name = f"world_{os.urandom(6).hex()}"
    await _run(cluster, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = cluster.superuser_dsn(name).url()
    database = open_database(role_url(url, names.APP, vault.keyring), vault=vault)
    async with instance_on(database, url, settings) as instance:
        yield await _settled(instance)
    await database.close()
    await _run(cluster, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _run(cluster: EmbeddedPostgres, statement: str) -> None:
    async with superuser(cluster.superuser_dsn("postgres").url()) as raw:
        await raw.execute(statement)


@asynccontextmanager
async def undone(world: World) -> AsyncIterator[Raw]:
    """A superuser in a transaction that is always undone."""
    async with superuser(world.instance.admin_url) as raw:
        transaction = raw.transaction()
        await transaction.start()
        try:
            yield raw
        finally:
            await transaction.rollback()


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
    await _seal_and_cosign(instance, labour)
    asked = await union.post(f"/v1/cases/{case_id}/person-requests", _ASKED, headers={"tongli-actor": "desk-7"})
    assert asked.status_code == 201, asked.text
    await story.report(labour)
    await _doubted(instance, labour)
    await _linked_for(instance, union, case_id)
    own = {"kind": "own_number", "system": "world", "number": "W-2026-1"}
    said = await labour.post(f"/v1/cases/{case_id}/case-links", own)
    assert said.status_code == 201, said.text
    danger = {"danger": "health", "text": "病情危急，需要立即联系本人", "hours": 1}
    opened = await labour.post(f"/v1/cases/{case_id}/break-glass", danger)
    assert opened.status_code == 201, opened.text
    registered = await union.post("/v1/consultations", CONSULTATION)
    assert registered.status_code == 201, registered.text
    await _without_anybody(union, case_id, labour)
    drafted = await union.post("/v1/proposals", PROPOSAL)
    assert drafted.status_code == 201, drafted.text
    await _not_transferred(union, case_id, await instance.api("DEMO-990101-UNION"))
    await _conferred(union, labour)
    await _written_to(union, labour, case_id)
    await _shared(union, labour)
    async with superuser(instance.admin_url) as raw:
        await raw.execute(_FILL, labour.id)
        await raw.execute(_SIGNED_IN, labour.id)
    return World(
        instance=instance,
        stranger=stranger.id,
        stranger_client=stranger.agency.client_id,
        case_id=UUID(case_id),
        referral_id=UUID(referral["id"]),
        pooled_id=UUID(pooled["id"]),
        report_id=UUID(reported["id"]),
        offices={"union": union.id, "labour": labour.id},
    )


async def _without_anybody(union: Api, case_id: str, office: Api) -> None:
    """Nobody is competent for a need of the case."""
    await story.dispute(union, case_id, office)
    gap = await union.post(f"/v1/cases/{case_id}/policy-gaps", story.GAP)
    assert gap.status_code == 201, gap.text


async def _not_transferred(union: Api, case_id: str, taker: Api) -> None:
    """Another union was offered the case and said why not."""
    basis = {"kind": "consent", "reference": "同意书"}
    offer = {"to_agency": str(taker.id), "reason": "moved", "text": "迁居", "basis": basis}
    offered = await union.post(f"/v1/cases/{case_id}/transfers", offer)
    assert offered.status_code == 201, offered.text
    refusal = {"reason": "incomplete_file", "text": "缺收入证明"}
    answer = await taker.post(f"/v1/case-transfers/{offered.json()['id']}/reject", refusal, if_match=1)
    assert answer.status_code == 200, answer.text


async def _shared(union: Api, labour: Api) -> None:
    """An item of the catalogue, and a request for it that was refused."""
    said = {"name": "就业信息", "items": ["状态"], "format": "JSON", "update_frequency": "每月", "mode": "batch"}
    kept = {"share_type": "unconditional", "classification": "一般", "approved_by": "局长"}
    item = (await labour.post("/v1/catalogue-items", said | kept)).json()["id"]
    wanted = {"item": item, "basis": {"kind": "consent", "reference": "同意书"}, "persons": 3, "consents": 3}
    how = {"scene": "核对", "scope": ["状态"], "mode": "batch", "until": "2099-12-31", "approved_by": "主席"}
    asked = (await union.post("/v1/share-requests", wanted | how)).json()["id"]
    refusal = {"reason": "not_held", "text": "不掌握"}
    answer = await labour.post(f"/v1/share-requests/{asked}/refuse", refusal, if_match=1)
    assert answer.status_code == 200, answer.text


async def _written_to(union: Api, labour: Api, case_id: str) -> None:
    """An opinion to an employer that refused it, and the proposal that followed, which was filed."""
    said = {"violations": ["wage_arrears"], "workers": 3, "facts": "拖欠三月", "demands": "支付", "employer": "某厂"}
    path = f"/v1/cases/{case_id}/letters"
    opinion = (await union.post(path, said | {"kind": "opinion"})).json()["id"]
    await union.post(f"/v1/letters/{opinion}/record_refusal", {"text": "门卫拒收"}, if_match=1)
    proposal = said | {"kind": "proposal", "follows": opinion, "to_agency": str(labour.id)}
    made = (await union.post(path, proposal)).json()["id"]
    answer = await labour.post(f"/v1/letters/{made}/decline", {"text": "已过二年"}, if_match=1)
    assert answer.status_code == 200, answer.text


async def _conferred(union: Api, labour: Api) -> None:
    """A session decided something, after a member was asked."""
    members = [str(labour.id)]
    founded = {"name": "联席会议", "division_code": "340802", "members": members, "quorum": 1}
    conference = (await union.post("/v1/conferences", founded)).json()["id"]
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    called = {"kind": "special", "starts_at": soon, "venue": "区总工会"}
    session = (await union.post(f"/v1/conferences/{conference}/sessions", called)).json()["id"]
    path = f"/v1/conference-sessions/{session}"
    item = (await union.post(f"{path}/agenda-items", {"title": "参保口径"})).json()["id"]
    await union.post(f"/v1/agenda-items/{item}/opinions", {"agencies": members})
    await union.post(f"{path}/open", {"attended": members}, if_match=1)
    decision = {"text": "同意", "tasks": [{"owner": members[0], "text": "制定办法", "due_on": soon[:10]}]}
    decided = await union.post(f"/v1/agenda-items/{item}/decide", decision, if_match=1)
    assert decided.status_code == 200, decided.text


async def _linked_for(instance: Instance, union: Api, case_id: str) -> None:
    """An office without a system is asked, and has a link to answer with."""
    office = await instance.api("DEMO-340802-EDUCATION")
    async with superuser(instance.admin_url) as raw:
        await raw.execute("UPDATE agency SET answers_by_link = true WHERE id = $1", office.id)
    referral = await story.refer(union, case_id, office, matter="EDU-02")
    made = await union.post(f"/v1/referrals/{referral['id']}/answer-links", {"clerk": "王守门"})
    assert made.status_code == 201, made.text


async def _doubted(instance: Instance, reporter: Api) -> None:
    """People must look at the reporter's first and last record, and some key is one that everybody has."""
    async with superuser(instance.admin_url) as raw:
        rows = await raw.fetch("SELECT id FROM person_record WHERE agency_id = $1 ORDER BY created_at, id", reporter.id)
        await raw.execute("INSERT INTO link_key_heavy (key) VALUES (1)")
    client = reporter.agency.client_id
    caller = Caller("client", client, reporter.id, client, frozenset(), "world")
    async with open_transaction(instance.database, caller) as tx:
        found = CandidateRow(new_id(), rows[-1]["id"], rows[0]["id"], 1.5, [], [], "m-1", due_at=tx.now)
        await links.keep(tx, [], [], [found])
        said, answer = [tx.vault.cipher.seal("{}", f"access_request.{name}:{found.id}") for name in ("said", "answer")]
    async with superuser(instance.admin_url) as raw:
        await raw.execute(_ASKED_FOR, found.id, reporter.id, said, answer)


async def _seal_and_cosign(instance: Instance, partner: Api) -> None:
    """What is written so far is sealed, and the partner witnesses it; what is written later waits."""
    size, _ = await seal_now(instance)
    key, _ = await register_witness(instance, partner)
    note = read_note((await partner.get("/v1/audit/checkpoint")).text)
    line = key.cosign(note.text, 1_770_000_000).line
    answer = await partner.post(f"/v1/audit/checkpoints/{size}/cosignatures", {"cosignature": line})
    assert answer.status_code == 201, answer.text


async def seal_now(instance: Instance) -> tuple[int, str]:
    """Seals what is committed: the log's size and its latest checkpoint."""
    vault = instance.database.vault
    jobs = open_database(role_url(instance.admin_url, names.JOBS, vault.keyring), vault=vault, pool_size=1)
    await seal(jobs, Log.of(vault.keyring, "http://127.0.0.1:8000", "sha256"))
    await jobs.close()
    async with superuser(instance.admin_url) as raw:
        note = str(await raw.fetchval("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1"))
    return read_checkpoint(read_note(note).text).head.size, note


async def register_witness(instance: Instance, partner: Api) -> tuple[SigningKey, str]:
    """A witness of the partner: its key and its id."""
    name = f"{partner.agency.code.lower()}.example/witness"
    key = SigningKey(name, COSIGNATURE, instance.database.vault.keyring.derive(f"a witness of this world {name}"))
    made = await partner.post("/v1/audit/witnesses", {"key": key.verifier.text})
    assert made.status_code == 201, made.text
    return key, str(made.json()["id"])


_ASKED = {
    "kind": "copy",
    "proof": {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"},
}

_COMPLETED = {
    "result": {"kind": "recognition", "code": "dibao", "text": "已认定"},
    "assistance": [{"kind": "training", "depth": "recovery", "quantity": 3, "unit": "hour", "source": "基地"}],
}

# A request with the candidate's id, as the reporter asks and is granted, and an alarm about its last record.
_ASKED_FOR = """
WITH alarm AS (INSERT INTO probing_alarm (record_id, told_at)
               SELECT record_id, now() FROM match_candidate WHERE id = $1)
INSERT INTO access_request (id, candidate_id, asking_agency_id, holder_agency_id, principal_id, purpose, basis_kind,
                            said, status, field_classes, expires_at, answer, created_at, updated_at, version)
SELECT $1, $1, $2, holder_agency_id, $1, 'assistance', 'consent', $3, 'granted', '{basic}', now() + interval '1 day',
       $4, now(), now(), 1 FROM match_candidate WHERE id = $1"""


# What the jobs write: a feed, an endpoint, a delivery of the agency given.
_FILL = """
WITH e AS (SELECT $1::uuid AS agency, (SELECT id FROM event LIMIT 1) AS event),
feed AS (INSERT INTO feed_entry SELECT agency, 1, event, 'case.opened', event, '{}', now() FROM e),
head AS (INSERT INTO feed_head SELECT agency, 1 FROM e),
place AS (INSERT INTO feed_cursor SELECT agency, 'consumer', 1, '{*}', '{}', '{}', now() FROM e),
endpoint AS (
    INSERT INTO webhook_endpoint (id, agency_id, url, types, status, keys, public_key, challenge, created_at, version)
    SELECT gen_random_uuid(), agency, 'https://a.example', '{}', 'active', '', '', '', now(), 1 FROM e RETURNING id),
replay AS (
    INSERT INTO webhook_replay (id, endpoint_id, agency_id, selection, event_ids, types, state, looked_at, until,
                                queued, created_at)
    SELECT gen_random_uuid(), endpoint.id, agency, 'types', '{}', '{*}', 'finished', 0, 0, 0, now() FROM e, endpoint),
delivery AS (
    INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status,
                          attempts, replay, created_at)
    SELECT gen_random_uuid(), endpoint.id, agency, event, 'case.opened', event, 1, '{}', 'pending', 0, false, now()
      FROM e, endpoint RETURNING id),
source AS (
    INSERT INTO inbound_source (id, agency_id, client_id, name, kind, status, digest, created_at, updated_at, version)
    SELECT gen_random_uuid(), agency, c.id, 'partner', 'bearer', 'active', '\\x01', now(), now(), 1
      FROM e JOIN client c ON c.agency_id = e.agency LIMIT 1 RETURNING id, agency_id),
mapping AS (
    INSERT INTO inbound_mapping (source_id, version, agency_id, document, created_at)
    SELECT id, 1, agency_id, '{}', now() FROM source),
receipt AS (
    INSERT INTO inbound_receipt (id, source_id, agency_id, body, status, problems, tries, received_at, version)
    SELECT gen_random_uuid(), id, agency_id, '\\x02', 'done', '[]', 1, now(), 1 FROM source),
qualification AS (
    INSERT INTO qualification (id, agency_id, staff_id, area, result, certificate, valid_from, valid_until, recorded_at)
    SELECT gen_random_uuid(), agency, s.id, 'law', 'passed', 'x', now(), now(), now()
      FROM e JOIN staff s ON s.agency_id = e.agency LIMIT 1),
decoy AS (
    INSERT INTO honey_case (case_id, guardian_agency_id, marked_at)
    SELECT id, coordinator_agency_id, now() FROM "case" ORDER BY id LIMIT 1),
merged AS (
    INSERT INTO case_merge (id, link_id, kept_case_id, merged_case_id, moved, merged_at, undone_at)
    SELECT gen_random_uuid(), event, c.id, c.id, '{}', now(), now() FROM e, (SELECT id FROM "case" LIMIT 1) c),
late AS (
    INSERT INTO escalation (id, referral_id, agency_id, clock, level, office_agency_id, coordinator_agency_id,
                            matter_code, need, place, urgency, due_at, raised_at, ended_at)
    SELECT gen_random_uuid(), id, coordinator_agency_id, 'resolve', 'supervisor', to_agency_id, coordinator_agency_id,
           matter_code, need, place, urgency, now(), now(), now() FROM referral ORDER BY id LIMIT 1),
alerted AS (
    INSERT INTO alert (id, subject_kind, subject_key, subject_name, division_code, level, causes, status,
                       union_agency_id, line, raised_at, overdue, last_cause_at, updated_at, version)
    SELECT gen_random_uuid(), 'division', '340802', '340802', '340802', 4, '{closure}', 'open', coordinator_agency_id,
           ARRAY[coordinator_agency_id], now(), false, now(), now(), 1 FROM "case" ORDER BY id LIMIT 1
    RETURNING id, union_agency_id),
stated AS (
    INSERT INTO signal (id, agency_id, kind, subject_kind, subject_key, subject_name, division_code, measured, source,
                        observed_on, alert_id, line, created_at)
    SELECT gen_random_uuid(), union_agency_id, 'closure', 'division', '340802', '340802', '340802', '{}', 'x', now(),
           id, ARRAY[union_agency_id], now() FROM alerted),
planned AS (
    INSERT INTO plan (id, agency_id, title, level, signals, actions, status, created_at, updated_at, version)
    SELECT gen_random_uuid(), union_agency_id, 'x', 1, '{}', '[]', 'active', now(), now(), 1 FROM alerted
    RETURNING id, agency_id),
activated AS (
    INSERT INTO plan_activation (id, plan_id, agency_id, drill, title, status, activated_at, updated_at, version)
    SELECT gen_random_uuid(), id, agency_id, true, 'x', 'active', now(), now(), 1 FROM planned RETURNING id, agency_id),
tasked AS (
    INSERT INTO plan_task (id, activation_id, agency_id, owner_agency_id, title, drill, due_at, status, overdue,
                           created_at, updated_at, version)
    SELECT gen_random_uuid(), id, agency_id, agency_id, 'x', true, now(), 'open', false, now(), now(), 1
      FROM activated),
touch AS (INSERT INTO honey_touch (leaf_id, told_at) SELECT event, now() FROM e)
INSERT INTO delivery_attempt (delivery_id, number, agency_id, started_at, duration_ms, outcome)
SELECT delivery.id, 1, agency, now(), 1, 'ok' FROM e, delivery"""


# A person of the agency given, signed in on a phone.
_SIGNED_IN = """
WITH who AS (SELECT id AS staff, agency_id AS agency FROM staff WHERE agency_id = $1 LIMIT 1),
app AS (INSERT INTO app_client VALUES (gen_random_uuid(), 'world', '{}', '{}', 'active', now()) RETURNING id),
credential AS (
    INSERT INTO staff_credential (staff_id, agency_id, password_hash, totp_step, version)
    SELECT staff, agency, 'x', 0, 1 FROM who),
recovery AS (INSERT INTO recovery_code (staff_id, code_hash, agency_id) SELECT staff, '\\x01', agency FROM who),
phone AS (
    INSERT INTO device (id, agency_id, staff_id, app_id, name, client, scopes, auth_time, second_factor, created_at,
                        seen_at, expires_at)
    SELECT gen_random_uuid(), agency, staff, app.id, 'phone', 'other', '{}', now(), false, now(), now(),
           now() + interval '1 day' FROM who, app RETURNING id),
code AS (
    INSERT INTO sign_in_code (code_hash, agency_id, staff_id, app_id, redirect_uri, challenge, scopes, second_factor,
                              created_at)
    SELECT '\\x02', agency, staff, app.id, 'x', 'x', '{}', false, now() FROM who, app)
INSERT INTO refresh_token (token_hash, agency_id, device_id, expires_at)
SELECT '\\x03', agency, phone.id, now() + interval '1 day' FROM who, phone"""


async def act_as(raw: Raw, agency: UUID | None, role: str = names.APP) -> None:
    await raw.execute(f"SET LOCAL ROLE {role}")
    await raw.execute("SELECT set_config('tongli.agency', $1, true)", "" if agency is None else str(agency))


async def walled(raw: Raw) -> list[str]:
    rows = await raw.fetch(f"SELECT relname FROM pg_class c WHERE {TABLES} AND relrowsecurity AND NOT relispartition")
    return [row["relname"] for row in rows]


async def policies(raw: Raw) -> list[asyncpg.Record]:
    return await raw.fetch("SELECT * FROM pg_policies WHERE schemaname = 'public' ORDER BY tablename, policyname")


async def granted(raw: Raw, table: str, privilege: str) -> bool:
    return bool(await raw.fetchval("SELECT has_table_privilege($1, $2, $3)", names.APP, f'"{table}"', privilege))

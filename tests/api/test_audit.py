"""The audit log over HTTP: each agency its own leaves, everybody the log, and witnesses that cosign it."""

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from actions.audit import erase_leaves, leave_mark
from crypto.checkpoints import COSIGNATURE, SigningKey, VerifierKey, check_note, cosigned_at
from crypto.digests import sha256
from crypto.keys import Keyring
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Database, open_database
from db.transaction import Caller, open_transaction
from jobs.sealer import Log, seal
from rules.audit import ALGORITHMS, commitment, entry_of, read_entry
from rules.merkle import (
    HASH_BYTES,
    Head,
    leaf_hash,
    read_bundle,
    tile_path,
    verify_consistency,
    verify_inclusion,
)
from rules.notes import read_checkpoint, read_note, read_signature
from rules.scopes import AGENCY_SCOPES
from settings import Settings
from tests.actions.instances import Instance, instance_on, superuser
from tests.actions.story import refer, report, step
from tests.builders import Api

ORIGIN = "127.0.0.1:8000/v1/audit"
MISSING = str(uuid4())
Json = dict[str, Any]


@pytest.fixture
async def instance(fresh_database: str, keyring: Keyring, vault: Vault, settings: Settings) -> AsyncIterator[Instance]:
    database = open_database(role_url(fresh_database, names.APP, keyring), vault=vault)
    async with instance_on(database, fresh_database, settings) as opened:
        yield opened
    await database.close()


@pytest.fixture
async def sealing(fresh_database: str, keyring: Keyring, vault: Vault) -> AsyncIterator[Database]:
    jobs = open_database(role_url(fresh_database, names.JOBS, keyring), vault=vault, pool_size=3)
    yield jobs
    await jobs.close()


@pytest.fixture
def log(keyring: Keyring) -> Log:
    return Log.of(keyring, "http://127.0.0.1:8000", "sha256")


@pytest.fixture
async def union(instance: Instance) -> Api:
    return await instance.api("DEMO-340802-UNION")


@pytest.fixture
async def labour(instance: Instance) -> Api:
    return await instance.api("DEMO-340802-LABOUR")


@pytest.fixture
async def stranger(instance: Instance) -> Api:
    return await instance.api("DEMO-990102-UNION")


async def many_leaves(instance: Instance, api: Api, count: int) -> None:
    caller = Caller("client", api.agency.client_id, api.id, api.agency.client_id, frozenset(), "test")
    async with open_transaction(instance.database, caller) as tx:
        for _ in range(count):
            leave_mark(tx, "case.read", subject_type="case", subject_id=uuid4())


async def read(api: Api, path: str, **options: Any) -> Json:
    answer = await api.get(path, **options)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def raw(text: str) -> bytes:
    return base64.b64decode(text)


def opens(shown: Json) -> bool:
    """What a partner does in any language: canonical JSON, the salt before it, SHA-256."""
    text = json.dumps(shown["leaf"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(b"\0" + bytes.fromhex(shown["salt"]) + text.encode()).hex() == str(shown["commitment"])


def proves(shown: Json) -> bool:
    """The leaf's proof leads to the root of the checkpoint beside it."""
    head = read_checkpoint(read_note(shown["checkpoint"]).text).head
    leaf = leaf_hash(sha256, entry_of(shown["algorithm"], bytes.fromhex(shown["commitment"])))
    proof = shown["proof"]
    assert raw(proof["leaf_hash"]) == leaf
    hashes = [raw(text) for text in proof["hashes"]]
    return verify_inclusion(sha256, leaf, shown["index"], head.size, proof=hashes, root=head.root)


# One's own leaves


async def test_the_receipt_of_a_report_leads_to_a_leaf_that_opens_and_proves(
    union: Api, sealing: Database, log: Log
) -> None:
    filed = await report(union)
    path = f"/v1/audit/leaves/{filed['receipt']['leaf_id']}"
    before = await union.get(path)
    assert before.json()["index"] is None
    assert before.json()["proof"] is None
    assert before.headers["retry-after"] == "30"
    assert opens(before.json())
    while await seal(sealing, log):
        pass
    shown = await read(union, path)
    assert opens(shown)
    assert proves(shown)
    leaf = shown["leaf"]
    assert (leaf["action"], leaf["agency_id"]) == ("report.file", str(union.id))
    assert (leaf["case_id"], leaf["subject_id"]) == (filed["case"]["id"], filed["id"])
    assert shown["algorithm"] == ALGORITHMS["sha256"]


async def test_a_leaf_of_another_agency_is_hidden_like_none(union: Api, stranger: Api) -> None:
    filed = await report(union)
    foreign = await stranger.get(f"/v1/audit/leaves/{filed['receipt']['leaf_id']}")
    none = await stranger.get(f"/v1/audit/leaves/{MISSING}")
    assert (foreign.status_code, none.status_code) == (404, 404)
    assert foreign.json()["detail"] == none.json()["detail"]


async def test_the_coordinator_sees_the_leaves_of_its_case_and_that_leaves_a_mark(
    instance: Instance, union: Api, labour: Api
) -> None:
    filed = await report(labour)
    leaf_id = filed["receipt"]["leaf_id"]
    shown = await read(union, f"/v1/audit/leaves/{leaf_id}")
    assert shown["leaf"]["agency_id"] == str(labour.id)
    async with superuser(instance.admin_url) as behind:
        mark = await behind.fetchrow("SELECT * FROM audit_leaf WHERE action = 'audit.read'")
    assert mark is not None
    assert (mark["agency_id"], mark["subject_id"]) == (union.id, UUID(leaf_id))


async def test_reading_ones_own_leaf_leaves_no_mark(instance: Instance, union: Api) -> None:
    filed = await report(union)
    await read(union, f"/v1/audit/leaves/{filed['receipt']['leaf_id']}")
    async with superuser(instance.admin_url) as behind:
        assert await behind.fetchval("SELECT count(*) FROM audit_leaf WHERE action LIKE 'audit.%'") == 0


async def test_the_coordinator_learns_of_a_draft_only_when_it_is_sent(union: Api, labour: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    await step(labour, await refer(union, case_id, labour), "accept")
    draft = await refer(labour, case_id, union, matter="UNI-01", draft=True)
    subjects = {row["leaf"]["subject_id"] for row in await listed(union, case_id=case_id)}
    assert draft["id"] not in subjects
    await step(labour, draft, "send")
    subjects = {row["leaf"]["subject_id"] for row in await listed(union, case_id=case_id)}
    assert draft["id"] in subjects


async def listed(api: Api, **filters: str) -> list[Json]:
    """All pages of two rows."""
    rows: list[Json] = []
    cursor: Json = {}
    while True:
        page = await read(api, "/v1/audit/leaves", params={"limit": 2, **filters, **cursor})
        rows += page["data"]
        if not page["page"]["has_more"]:
            return rows
        cursor = {"cursor": page["page"]["next"]}


async def test_an_auditor_lists_the_agencys_own_leaves_newest_first(union: Api, labour: Api) -> None:
    filed = await report(union)
    await report(labour)
    await union.get(f"/v1/reports/{filed['id']}", purpose="assistance")
    rows = [row["leaf"] for row in await listed(union)]
    assert {row["agency_id"] for row in rows} == {str(union.id)}
    (file_read,) = [row for row in rows if row["action"] == "report.read"]
    assert file_read["purpose"] == "assistance"
    assert file_read["field_classes"]
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert {row["leaf"]["action"] for row in await listed(union, action="report.file")} == {"report.file"}
    assert await listed(union, since="2100-01-01T00:00:00Z") == []


async def test_with_a_case_the_coordinator_lists_everybodys_and_a_participant_its_own(
    union: Api, labour: Api, stranger: Api
) -> None:
    filed = await report(labour)
    case_id = filed["case"]["id"]
    await union.get(f"/v1/cases/{case_id}/file", purpose="assistance")
    agencies = {row["leaf"]["agency_id"] for row in await listed(union, case_id=case_id)}
    assert agencies == {str(union.id), str(labour.id)}
    assert {row["leaf"]["agency_id"] for row in await listed(labour, case_id=case_id)} == {str(labour.id)}
    foreign = [row["leaf"] for row in await listed(stranger, case_id=case_id)]
    assert {row["agency_id"] for row in foreign} <= {str(stranger.id)}
    assert not {row["action"] for row in foreign} - {"audit.list"}


async def test_reading_a_list_leaves_a_mark(union: Api) -> None:
    await listed(union)
    assert "audit.list" in {row["leaf"]["action"] for row in await listed(union)}


@pytest.mark.parametrize("path", ["/v1/audit/leaves", f"/v1/audit/leaves/{MISSING}"])
async def test_leaves_need_their_scope(instance: Instance, path: str) -> None:
    api = await instance.api("DEMO-340802-UNION", scopes=("cases:read",))
    assert (await api.get(path)).status_code == 403


# The log


@pytest.fixture
async def grown(instance: Instance, union: Api, sealing: Database, log: Log) -> list[Head]:
    """A log of over a tile of leaves, sealed in three batches; its heads."""
    await many_leaves(instance, union, 300)
    heads = []
    for limit in (100, 157, 500):
        await seal(sealing, log, limit)
        note = read_note((await union.get("/v1/audit/checkpoint")).text)
        heads.append(read_checkpoint(note.text).head)
    assert [head.size for head in heads] == [100, 257, 300]
    return heads


async def test_a_checkpoint_is_a_signed_note_that_the_listed_key_verifies(stranger: Api, grown: list[Head]) -> None:
    answer = await stranger.get("/v1/audit/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    note = read_note(answer.text)
    known = await read(stranger, "/v1/audit/log")
    assert (known["origin"], known["hash"]) == (ORIGIN, "sha256")
    assert check_note(note, [VerifierKey.read(key["key"]) for key in known["keys"]])
    assert read_checkpoint(note.text).origin == ORIGIN
    shown = await read(stranger, "/v1/audit/checkpoint", headers={"accept": "application/json"})
    assert (shown["size"], raw(shown["root"]), shown["note"]) == (300, grown[-1].root, answer.text)
    assert (await stranger.get("/v1/audit/checkpoints/257")).text.split("\n")[1] == "257"
    assert (await stranger.get("/v1/audit/checkpoints/256")).status_code == 404


async def test_consistency_is_proved_between_any_two_sizes(stranger: Api, grown: list[Head]) -> None:
    for old, new in ((grown[0], grown[1]), (grown[0], grown[2]), (grown[1], grown[2]), (grown[2], grown[2])):
        shown = await read(stranger, "/v1/audit/proofs/consistency", params={"from": old.size, "to": new.size})
        assert (raw(shown["from_root"]), raw(shown["to_root"])) == (old.root, new.root)
        assert verify_consistency(sha256, old, new, [raw(text) for text in shown["hashes"]])
    latest = await read(stranger, "/v1/audit/proofs/consistency", params={"from": 0})
    assert (latest["to_size"], latest["hashes"]) == (300, [])


async def test_inclusion_is_proved_for_any_size_since(stranger: Api, grown: list[Head]) -> None:
    for index, head in ((0, grown[0]), (99, grown[0]), (256, grown[1]), (299, grown[2]), (42, grown[2])):
        shown = await read(stranger, "/v1/audit/proofs/inclusion", params={"index": index, "size": head.size})
        hashes = [raw(text) for text in shown["hashes"]]
        assert len(hashes) <= 9
        leaf = raw(shown["leaf_hash"])
        assert verify_inclusion(sha256, leaf, index, head.size, proof=hashes, root=head.root)


@pytest.mark.parametrize(
    ("path", "params", "place"),
    [
        ("inclusion", {"index": 300}, "query:index"),
        ("inclusion", {"index": 5, "size": 301}, "query:size"),
        ("inclusion", {"index": 5, "size": 5}, "query:index"),
        ("consistency", {"from": 5, "to": 301}, "query:to"),
        ("consistency", {"from": 6, "to": 5}, "query:from"),
        ("consistency", {"from": "x"}, "query:from"),
    ],
)
async def test_a_proof_of_what_is_not_there_is_refused_by_name(
    stranger: Api, grown: list[Head], path: str, params: Json, place: str
) -> None:
    answer = await stranger.get(f"/v1/audit/proofs/{path}", params=params)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [place]


async def test_tiles_and_bundles_are_those_of_tlog_tiles(stranger: Api, grown: list[Head]) -> None:
    """A partner that has nothing but the tiles recomputes the root the checkpoint states."""
    entries: list[bytes] = []
    hashes = b""
    for tile, width in ((0, 256), (1, 44)):
        suffix = tile_path(tile) + ("" if width == 256 else f".p/{width}")
        bundled = await stranger.get(f"/v1/audit/tile/entries/{suffix}")
        assert bundled.headers["content-type"] == "application/octet-stream"
        assert "immutable" in bundled.headers["cache-control"]
        entries += read_bundle(bundled.content)
        hashes += (await stranger.get(f"/v1/audit/tile/0/{suffix}")).content
    assert [leaf_hash(sha256, entry) for entry in entries] == [
        hashes[place : place + HASH_BYTES] for place in range(0, len(hashes), HASH_BYTES)
    ]
    assert {read_entry(entry)[0] for entry in entries} == {ALGORITHMS["sha256"]}
    assert len((await stranger.get("/v1/audit/tile/1/000.p/1")).content) == HASH_BYTES


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/001", "tile/0/001.p/45", "tile/0/002.p/1", "tile/1/000.p/2", "tile/2/000.p/1", "tile/64/000"),
        *("tile/entries/001", "tile/entries/0", "tile/entries/000.p/256", "tile/0/x000/000", "tile/0/000.p/01"),
    ],
)
async def test_a_tile_that_is_not_there_or_spelt_otherwise_is_not_found(
    stranger: Api, grown: list[Head], path: str
) -> None:
    assert (await stranger.get(f"/v1/audit/{path}")).status_code == 404


async def test_before_the_log_has_begun_it_says_when_to_ask_again(stranger: Api) -> None:
    for path in ("checkpoint", "log", "proofs/inclusion?index=0", "tile/0/000.p/1"):
        answer = await stranger.get(f"/v1/audit/{path}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


async def test_the_log_needs_a_token_and_no_scope(instance: Instance, grown: list[Head]) -> None:
    assert (await instance.http.get("/v1/audit/checkpoint")).status_code == 401
    api = await instance.api("DEMO-990102-UNION", scopes=("cases:read",))
    assert (await api.get("/v1/audit/checkpoint")).status_code == 200


# Erasure


async def test_proofs_still_verify_after_an_erasure(
    instance: Instance, union: Api, labour: Api, sealing: Database, log: Log
) -> None:
    filed = await report(labour)
    path = f"/v1/audit/leaves/{filed['receipt']['leaf_id']}"
    while await seal(sealing, log):
        pass
    before = await read(labour, path)
    caller = Caller("client", union.agency.client_id, union.id, union.agency.client_id, frozenset(), "test")
    async with open_transaction(instance.database, caller) as tx:
        assert await erase_leaves(tx, UUID(filed["case"]["id"])) > 0
    while await seal(sealing, log):
        pass
    after = await read(labour, path)
    assert (after["leaf"], after["salt"]) == (None, None)
    assert after["erased_at"] is not None
    assert (after["index"], after["commitment"]) == (before["index"], before["commitment"])
    assert proves(after)
    async with superuser(instance.admin_url) as behind:
        row = await behind.fetchrow("SELECT * FROM audit_leaf WHERE id = $1", UUID(before["id"]))
        vouching = await behind.fetchval("SELECT facts FROM audit_leaf WHERE action = 'audit.erase'")
    assert row is not None
    assert (row["salt"], row["facts"], row["subject_id"], row["case_id"]) == (None, "{}", None, None)
    assert before["commitment"] in json.loads(vouching)["commitments"]


async def test_a_strangers_erasure_reaches_nothing(instance: Instance, union: Api, stranger: Api) -> None:
    filed = await report(union)
    caller = Caller("client", stranger.agency.client_id, stranger.id, stranger.agency.client_id, frozenset(), "test")
    async with open_transaction(instance.database, caller) as tx:
        assert await erase_leaves(tx, UUID(filed["case"]["id"])) == 0
    async with superuser(instance.admin_url) as behind:
        assert await behind.fetchval("SELECT count(*) FROM audit_leaf WHERE erased_at IS NOT NULL") == 0


async def test_one_subject_of_a_case_is_erased_and_the_rest_stays(instance: Instance, union: Api) -> None:
    filed = await report(union)
    case_id = UUID(filed["case"]["id"])
    await union.get(f"/v1/cases/{case_id}/file", purpose="assistance")
    caller = Caller("client", union.agency.client_id, union.id, union.agency.client_id, frozenset(), "test")
    async with open_transaction(instance.database, caller) as tx:
        assert await erase_leaves(tx, case_id, UUID(filed["id"])) == 1
    async with superuser(instance.admin_url) as behind:
        left = await behind.fetch("SELECT action FROM audit_leaf WHERE case_id = $1 ORDER BY id", case_id)
    assert {row["action"] for row in left} == {"case.read_file", "audit.erase"}


# Witnesses


def witness_key(keyring: Keyring, name: str = "labour.example/witness") -> SigningKey:
    return SigningKey(name, COSIGNATURE, keyring.derive(f"witness {name}"))


async def registered(api: Api, key: SigningKey) -> Json:
    answer = await api.post("/v1/audit/witnesses", {"key": key.verifier.text})
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


async def test_a_partner_cosigns_and_everybody_gets_the_checkpoint_with_it(
    labour: Api, stranger: Api, keyring: Keyring, grown: list[Head]
) -> None:
    key = witness_key(keyring)
    witness = await registered(labour, key)
    assert witness["name"] == key.name
    text = read_note((await labour.get("/v1/audit/checkpoint")).text).text
    line = key.cosign(text, int(time.time())).line
    answer = await labour.post("/v1/audit/checkpoints/300/cosignatures", {"cosignature": line})
    assert answer.status_code == 201, answer.text
    note = read_note((await stranger.get("/v1/audit/checkpoint")).text)
    assert len(note.signatures) == 2
    assert note.written.endswith(line)
    (listed_key,) = (await read(stranger, "/v1/audit/log"))["witnesses"]
    assert cosigned_at(VerifierKey.read(listed_key["key"]), note.text, note.signatures[-1])
    actions = {row["leaf"]["action"] for row in await listed(labour)}
    assert {"audit.cosign", "audit.register_witness"} <= actions
    again = await labour.post("/v1/audit/checkpoints/300/cosignatures", {"cosignature": line})
    assert again.status_code == 409


async def test_only_a_cosignature_of_ones_own_witness_on_this_text_is_taken(
    union: Api, labour: Api, keyring: Keyring, grown: list[Head]
) -> None:
    key = witness_key(keyring)
    await registered(labour, key)
    text = read_note((await labour.get("/v1/audit/checkpoint")).text).text
    older = read_note((await labour.get("/v1/audit/checkpoints/257")).text).text
    now = int(time.time())
    good = read_signature(key.cosign(text, now).line)
    lines = {
        "another text": key.cosign(older, now).line,
        "a name nobody registered": witness_key(keyring, "other.example/w").cosign(text, now).line,
        "another time": good._replace(signature=(now + 1).to_bytes(8, "big") + good.signature[8:]).line,
        "a log signature": good._replace(signature=good.signature[8:]).line,
        "the future": key.cosign(text, now + 3600).line,
    }
    for why, line in lines.items():
        answer = await labour.post("/v1/audit/checkpoints/300/cosignatures", {"cosignature": line})
        assert answer.status_code == 422, why
    foreign = await union.post("/v1/audit/checkpoints/300/cosignatures", {"cosignature": good.line})
    assert foreign.status_code == 422
    missing = await labour.post("/v1/audit/checkpoints/299/cosignatures", {"cosignature": good.line})
    assert missing.status_code == 404


async def test_a_revoked_witness_cosigns_no_more_and_stays_listed(
    labour: Api, union: Api, keyring: Keyring, grown: list[Head]
) -> None:
    key = witness_key(keyring)
    path = f"/v1/audit/witnesses/{(await registered(labour, key))['id']}"
    assert (await labour.post(f"{path}/revoke", {})).status_code == 428
    assert (await labour.post(f"{path}/revoke", {}, if_match=7)).status_code == 412
    assert (await union.post(f"{path}/revoke", {}, if_match=1)).status_code == 404
    revoked = await labour.post(f"{path}/revoke", {}, if_match=1)
    assert revoked.json()["revoked_at"] is not None
    assert (await labour.post(f"{path}/revoke", {}, if_match=2)).status_code == 409
    text = read_note((await labour.get("/v1/audit/checkpoint")).text).text
    line = key.cosign(text, int(time.time())).line
    refused = await labour.post("/v1/audit/checkpoints/300/cosignatures", {"cosignature": line})
    assert refused.status_code == 422
    shown = await union.get(path)
    assert shown.json()["version"] == 2
    assert (await union.get(path, headers={"if-none-match": shown.headers["etag"]})).status_code == 304


async def test_a_witness_is_registered_once_by_an_administrator_with_a_key_of_its_kind(
    instance: Instance, labour: Api, union: Api, keyring: Keyring
) -> None:
    key = witness_key(keyring)
    plain = await instance.api("DEMO-340802-LABOUR", scopes=("audit:read", "audit:witness"))
    assert (await plain.post("/v1/audit/witnesses", {"key": key.verifier.text})).status_code == 403
    log_kind = SigningKey("x.example/w", 1, key.private).verifier.text
    for text in (log_kind, key.verifier.text[:-4] + "AAA=", "labour.example/witness" * 3):
        refused = await labour.post("/v1/audit/witnesses", {"key": text})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "witness-key")
    idempotency = "0123456789abcdef-witness"
    for _ in range(2):
        answer = await labour.post("/v1/audit/witnesses", {"key": key.verifier.text}, key=idempotency)
        assert answer.status_code == 201
    assert (await union.post("/v1/audit/witnesses", {"key": key.verifier.text})).status_code == 409
    for number in range(4):
        await registered(labour, witness_key(keyring, f"labour.example/{number}"))
    more = await labour.post("/v1/audit/witnesses", {"key": witness_key(keyring, "one.example/more").verifier.text})
    assert more.status_code == 409


async def test_cosigning_needs_its_scope(instance: Instance) -> None:
    api = await instance.api("DEMO-340802-LABOUR", scopes=tuple(set(AGENCY_SCOPES) - {"audit:witness"}))
    answer = await api.post("/v1/audit/checkpoints/1/cosignatures", {"cosignature": "\u2014 a " + "A" * 100})
    assert answer.status_code == 403


def test_a_commitment_reveals_nothing_without_its_salt() -> None:
    """The same leaf, two salts: nothing in common, and none is the hash of the leaf alone."""
    leaf = {"id": MISSING, "facts": {}}
    made = {commitment(leaf, salt, sha256) for salt in (b"a" * 16, b"b" * 16, b"")}
    assert len(made) == 3

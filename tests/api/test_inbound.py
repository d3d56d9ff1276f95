"""Messages of partners' systems over HTTP: who may send, what is kept, what is answered, what becomes of it."""

import json
import time
from typing import Any

import httpx
import pytest

from crypto.webhooks import generate_webhook_keys
from db.engine import Database
from jobs.inbound import Intake
from tests.actions.instances import superuser
from tests.api.inbound_partner import SOURCES, Partner, done, intake_on, partner_of, signed, work
from tests.builders import Api, fresh_key, report_body
from tests.laws.rights_matrix import NOTHING

RECEIPTS = "/v1/inbound/receipts"


@pytest.fixture
def intake(jobs_database: Database, database: Database) -> Intake:
    return intake_on(jobs_database, database)


def reported(**changes: Any) -> dict[str, Any]:
    return {"report": report_body(**changes)}


async def test_a_message_is_kept_answered_202_and_then_done(labour: Api, intake: Intake) -> None:
    partner = await partner_of(labour)
    answer = await partner.send(reported())
    assert answer.status_code == 202
    assert set(answer.json()) == {"id", "status", "href"}
    assert answer.json()["status"] == "received"
    assert answer.headers["location"] == answer.json()["href"]
    await work(intake)
    receipt = (await partner.receipt(answer)).json()
    assert (receipt["status"], receipt["target"], receipt["reason"]) == ("done", "report", None)
    report = await labour.get(f"/v1/reports/{receipt['report_id']}", purpose="assistance")
    assert report.status_code == 200


async def test_the_same_id_gets_the_same_receipt_and_has_one_effect(labour: Api, intake: Intake) -> None:
    partner, message_id, body = await partner_of(labour), fresh_key(), reported()
    first = await partner.send(body, message_id=message_id)
    await work(intake)
    again = await partner.send(body, message_id=message_id)
    await work(intake)
    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["status"] == "done"
    assert again.headers["idempotency-replayed"] == "true"


async def test_the_same_id_with_another_body_is_a_conflict(labour: Api) -> None:
    partner, message_id = await partner_of(labour), fresh_key()
    await partner.send(reported(), message_id=message_id)
    other = await partner.send(reported(), message_id=message_id)
    assert (other.status_code, other.json()["reason"]) == (409, "message-id-reused")


async def test_ids_of_two_sources_are_apart(labour: Api) -> None:
    one, other, message_id = await partner_of(labour), await partner_of(labour), fresh_key()
    first = await one.send(reported(), message_id=message_id)
    second = await other.send(reported(), message_id=message_id)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] != second.json()["id"]


def _forged(partner: Partner, raw: bytes, fault: str) -> tuple[str, dict[str, str]]:
    """Path and headers of a request that proves nothing."""
    path, moment, message_id = partner.path, int(time.time()), fresh_key()
    good = signed(partner.secret, raw, message_id)
    strange = signed(generate_webhook_keys().secret_text, raw, message_id)
    tried: dict[str, tuple[str, dict[str, str]]] = {
        "nothing": (path, {}),
        "another secret": (path, strange),
        "another body": (path, signed(partner.secret, raw + b" ", message_id)),
        "too old": (path, signed(partner.secret, raw, message_id, moment - 301)),
        "from the future": (path, signed(partner.secret, raw, message_id, moment + 330)),
        "another id": (path, good | {"webhook-id": fresh_key()}),
        "another time": (path, good | {"webhook-timestamp": str(moment + 1)}),
        "no time": (path, {name: value for name, value in good.items() if name != "webhook-timestamp"}),
        "the ninth signature": (
            path,
            good
            | {
                "webhook-signature": " ".join([strange["webhook-signature"].split()[0]] * 8)
                + " "
                + good["webhook-signature"]
            },
        ),
        "the secret as a token": (path, {"authorization": f"Bearer {partner.secret}"}),
        "a certificate": (path, {"client-cert": ":AAAA:"}),
        "an unknown source": (f"/v1/inbound/{NOTHING}", good),
    }
    return tried[fault]


FAULTS = [
    *("nothing", "another secret", "another body", "too old", "from the future", "another id", "another time"),
    *("no time", "the ninth signature", "the secret as a token", "a certificate", "an unknown source"),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_whoever_proves_nothing_gets_the_one_401(labour: Api, fault: str) -> None:
    partner = await partner_of(labour)
    raw = json.dumps(reported()).encode()
    path, headers = _forged(partner, raw, fault)
    answer = await labour.http.post(path, content=raw, headers={"content-type": "application/json", **headers})
    plain = await labour.http.post(
        f"/v1/inbound/{NOTHING}", content=b"{}", headers={"content-type": "application/json"}
    )
    assert answer.status_code == plain.status_code == 401
    assert _without_place(answer) == _without_place(plain)
    listed = await labour.get(RECEIPTS, params={"source_id": partner.source["id"]})
    assert listed.json()["data"] == []


def _without_place(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name not in ("instance", "trace_id")}


async def test_one_good_signature_among_eight_is_enough(labour: Api) -> None:
    partner = await partner_of(labour)
    raw, message_id = json.dumps(reported()).encode(), fresh_key()
    strange = signed(generate_webhook_keys().secret_text, raw, message_id)["webhook-signature"].split()[0]
    good = signed(partner.secret, raw, message_id)
    headers = good | {"webhook-signature": " ".join([strange] * 7 + [good["webhook-signature"].split()[0]])}
    assert (await partner.send(raw, headers=headers)).status_code == 202


async def test_a_disabled_source_and_one_whose_account_is_revoked_prove_nothing(labour: Api, admin_url: str) -> None:
    partner, orphan = await partner_of(labour), await partner_of(labour)
    path = f"{SOURCES}/{partner.source['id']}"
    version = (await labour.get(path)).json()["version"]
    assert (await labour.patch(path, {"status": "disabled"}, if_match=version)).status_code == 200
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE client SET status = 'revoked' WHERE id = $1", labour.agency.client_id)
    refused = [await partner.send(reported()), await orphan.send(reported())]
    assert [answer.status_code for answer in refused] == [401, 401]
    assert _without_place(refused[0]) == _without_place(refused[1])


async def test_a_bearer_source_holds_a_token_and_names_its_messages_itself(labour: Api, intake: Intake) -> None:
    partner = await partner_of(labour, kind="bearer")
    assert partner.secret.startswith("tli_")
    assert (await done(intake, partner, reported()))["status"] == "done"
    bare = await partner.http.post(partner.path, json=reported(), headers={"authorization": f"Bearer {partner.secret}"})
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency-missing")
    wrong = await partner.send(reported(), headers={"authorization": "Bearer tli_wrong"})
    assert wrong.status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"a": 1.5}', 400, "malformed-request"),
        (b'{"a": 1, "a": 2}', 400, "malformed-request"),
        (b"not json", 400, "malformed-request"),
        (b"", 400, "malformed-request"),
        (b'{"a": "' + b"x" * 262_200 + b'"}', 413, "payload-too-large"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_as_everywhere(
    labour: Api, body: bytes, status: int, code: str
) -> None:
    partner = await partner_of(labour)
    answer = await partner.send(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_another_media_type_is_refused(labour: Api) -> None:
    answer = await (await partner_of(labour)).send(reported(), headers={"content-type": "text/plain"})
    assert answer.status_code == 415


async def test_what_cannot_be_made_waits_and_says_where_but_never_what(labour: Api, intake: Intake) -> None:
    partner = await partner_of(labour)
    body = reported(person={"id_number": "990000196001010000"}, channel="pigeon")
    receipt = await done(intake, partner, body)
    assert (receipt["status"], receipt["reason"]) == ("quarantined", "validation-failed")
    assert [problem["pointer"] for problem in receipt["problems"]] == ["/made/channel"]
    assert "pigeon" not in json.dumps(receipt)
    assert "990000196001010000" not in json.dumps(receipt)


async def test_rules_that_refuse_put_in_quarantine_with_their_code(labour: Api, intake: Intake) -> None:
    partner, body = await partner_of(labour), reported()
    assert (await done(intake, partner, body))["status"] == "done"
    assert (await done(intake, partner, body))["reason"] == "duplicate-record"
    masked = await done(intake, partner, reported(person={"id_number": "990000196001010000"}))
    assert masked["reason"] == "validation-failed"
    assert masked["problems"][0]["pointer"].startswith("/made/person/")


async def test_the_account_of_the_source_bounds_what_is_done(
    labour: Api, open_api: Any, intake: Intake, admin_url: str
) -> None:
    narrow = await open_api(labour.agency.code, scopes=("reports:read", "webhooks:manage"))
    partner = await partner_of(narrow)
    assert (await done(intake, partner, reported()))["reason"] == "insufficient-scope"
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE client SET status = 'revoked' WHERE id = $1", narrow.agency.client_id)


async def test_without_a_mapping_a_message_waits_and_is_done_once_there_is_one(labour: Api, intake: Intake) -> None:
    partner = await partner_of(labour, mapping=None)
    receipt = await done(intake, partner, reported())
    assert (receipt["status"], receipt["reason"]) == ("quarantined", "no-mapping")
    mapping = {"language": 1, "rules": [{"name": "all", "target": "report", "make": {"$get": "/report"}}]}
    assert (await labour.post(f"{SOURCES}/{partner.source['id']}/mappings", {"document": mapping})).status_code == 201
    path = f"{RECEIPTS}/{receipt['id']}"
    again = await labour.post(f"{path}/retry", if_match=receipt["version"])
    assert (again.status_code, again.json()["status"]) == (202, "received")
    await work(intake)
    assert (await labour.get(path)).json()["status"] == "done"
    late = await labour.post(f"{path}/retry", if_match=(await labour.get(path)).json()["version"])
    assert (late.status_code, late.json()["reason"]) == (409, "not-in-quarantine")


async def test_all_of_one_reason_are_done_again_together(labour: Api, intake: Intake) -> None:
    partner = await partner_of(labour, mapping=None)
    for _ in range(3):
        await done(intake, partner, reported())
    path = f"{SOURCES}/{partner.source['id']}"
    none = await labour.post(f"{path}/retry", {"reason": "duplicate-record"})
    assert (none.status_code, none.json()) == (202, {"count": 0})
    assert (await labour.post(f"{path}/retry", {"reason": "no-mapping"})).json() == {"count": 3}


async def test_what_is_not_ours_is_discarded_for_a_reason(labour: Api, intake: Intake) -> None:
    partner = await partner_of(labour, mapping=None)
    receipt = await done(intake, partner, reported())
    path = f"{RECEIPTS}/{receipt['id']}"
    assert (await labour.post(f"{path}/discard", {"reason": "bored"}, if_match=receipt["version"])).status_code == 422
    assert (await labour.post(f"{path}/discard", {"reason": "not_ours"})).status_code == 428
    stale = await labour.post(f"{path}/discard", {"reason": "not_ours"}, if_match=99)
    assert stale.status_code == 412
    gone = await labour.post(f"{path}/discard", {"reason": "not_ours"}, if_match=receipt["version"])
    assert (gone.status_code, gone.json()["status"]) == (200, "discarded")
    assert gone.json()["discard_reason"] == "not_ours"


async def test_receipts_are_their_agencys_and_their_sources(labour: Api, union: Api, intake: Intake) -> None:
    partner, other = await partner_of(labour), await partner_of(labour)
    answer = await partner.send(reported())
    receipt_id = answer.json()["id"]
    assert (await union.get(f"{RECEIPTS}/{receipt_id}")).status_code == 404
    assert (await union.get(f"{RECEIPTS}/{NOTHING}")).status_code == 404
    assert (await union.post(f"{RECEIPTS}/{receipt_id}/retry", if_match=1)).status_code == 404
    strange = f"/v1/inbound/{other.source['id']}/receipts/{receipt_id}"
    proof = other.proof(receipt_id.encode(), fresh_key())
    assert (await other.http.get(strange, headers=proof)).status_code == 404
    unproven = await other.http.get(answer.json()["href"], headers=proof)
    assert unproven.status_code == 401
    listed = await labour.get(RECEIPTS, params={"source_id": partner.source["id"], "status": "received"})
    assert [row["id"] for row in listed.json()["data"]] == [receipt_id]
    later = {"source_id": partner.source["id"], "received_from": "2099-01-01T00:00:00Z"}
    assert (await labour.get(RECEIPTS, params=later)).json()["data"] == []


async def test_the_agency_is_told_of_a_quarantine_and_the_leaf_names_the_source(
    labour: Api, intake: Intake, admin_url: str
) -> None:
    partner = await partner_of(labour, mapping=None)
    receipt = await done(intake, partner, reported())
    made = await done(intake, await partner_of(labour), reported())
    async with superuser(admin_url) as raw:
        event = await raw.fetchrow("SELECT * FROM event WHERE subject_id = $1", receipt["id"])
        leaves = await raw.fetch(
            "SELECT action, actor, principal_id, agency_id FROM audit_leaf WHERE request_id = $1",
            f"inbound-{made['id']}",
        )
        taken = await raw.fetchrow(
            "SELECT actor, principal_id FROM audit_leaf WHERE subject_id = $1 AND action = 'inbound_receipt.receive'",
            made["id"],
        )
    assert event is not None
    assert event["type"] == "inbound.quarantined"
    assert json.loads(event["parties"]) == {str(labour.id): ["owner"]}
    assert taken is not None
    assert (taken["actor"], taken["principal_id"]) == (f"inbound:{made['source_id']}", labour.agency.client_id)
    assert {leaf["action"] for leaf in leaves} >= {"report.file", "inbound_receipt.done"}
    assert {leaf["actor"] for leaf in leaves} == {f"inbound:{made['source_id']}"}
    assert {(leaf["principal_id"], leaf["agency_id"]) for leaf in leaves} == {(labour.agency.client_id, labour.id)}


async def test_what_came_lies_sealed(labour: Api, admin_url: str) -> None:
    body = reported()
    answer = await (await partner_of(labour)).send(body)
    async with superuser(admin_url) as raw:
        row = await raw.fetchrow(
            "SELECT envelope, message, body FROM inbound_receipt WHERE id = $1", answer.json()["id"]
        )
    assert row is not None
    for value in row.values():
        assert body["report"]["person"]["name"].encode() not in value
        assert body["report"]["person"]["id_number"].encode() not in value

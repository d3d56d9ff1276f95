"""Every operation that changes something, and every read of sensitive fields, leaves a leaf that says who, for which
agency, whose data, which field classes, for what purpose, in which case, in which request.

One story plays them all. An operation of the API document that changes something and is played neither here nor in a
test named in ELSEWHERE fails the law.
"""

import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from cli.spec import DOCUMENT, generated
from crypto.checkpoints import COSIGNATURE, SigningKey
from crypto.digests import DIGESTS
from crypto.keys import Keyring
from crypto.public_keys import generate_client_key
from crypto.vault import Vault
from db import names
from db.bootstrap import role_url
from db.engine import Raw, open_database
from jobs.sealer import Log, seal
from rules.audit import LEAF_MEMBERS, commitment, hash_of, stored_leaf
from rules.notes import read_note
from settings import Settings
from tests.actions import story
from tests.actions.instances import Instance, instance_on, superuser
from tests.actions.matches import report_pair
from tests.builders import CONSULTATION, PROPOSAL, Api, report_body
from tests.laws.rights_world import CATALOGUE_ITEM, SHARE_REQUEST

_BY_PERSONS = "is a person's own; tests/api/test_sign_in.py plays it and looks for its leaf"
ELSEWHERE: dict[str, str] = {
    "save_feed_cursor": "a reader's own place in its feed, nothing of anybody's; tests/api/test_feed_cursors.py",
    "issue_token": "signing in changes nothing of anybody's; tests/api/test_oauth.py",
    **dict.fromkeys(("change_password", "begin_second_factor", "confirm_second_factor"), _BY_PERSONS),
    "approve_webhook_url": "is a person's; tests/api/test_endpoint_urls.py plays it and looks for its leaf",
    **dict.fromkeys(("revoke_device", "revoke_all_devices", "revoke_token"), _BY_PERSONS),
    "receive_inbound": "is sent by a partner without a token; tests/api/test_inbound.py shows its leaf",
    "try_inbound_mapping": "writes nothing, in a transaction that only reads; tests/api/test_inbound_sources.py",
}
"""Operations that are not played here, and where their leaf is shown, or why they leave none."""

SENSITIVE = {
    *("read_report", "read_case_file", "read_referral", "search_cases", "read_result", "list_results"),
    *("list_audit_leaves", "read_audit_leaf", "read_people_of_referral", "reveal_values"),
    *("read_person_request", "read_person_document", "read_access_log", "read_linkage_encoding_key"),
    *("read_case_link", "list_case_links"),
    *("read_match_candidate", "draw_match_candidate", "read_access_request", "read_transfer"),
    *("read_letter", "print_letter"),
    "read_policy_gaps",
}
"""Reads that leave a mark where sensitive fields leave with them."""

Json = dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Sends requests, and looks for the leaf of each by the id that the service gave it."""

    behind: Raw
    paths: list[tuple[str, re.Pattern[str], str]]
    seen: set[str] = field(default_factory=set)

    async def does(self, api: Api, method: str, path: str, body: object = None, **options: Any) -> Json:
        """What is answered; fails the test unless exactly this request left a leaf that says all of it."""
        options.setdefault("key", ... if method == "POST" else None)
        headers = {"tongli-actor": "window-3"}
        if method == "PATCH":
            headers["content-type"] = "application/merge-patch+json"
        answer = await api.send(method, path, json=body, headers=headers, **options)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        request_id = answer.headers["request-id"]
        leaves = await self.behind.fetch("SELECT * FROM audit_leaf WHERE request_id = $1", request_id)
        assert leaves, f"{method} {path} leaves no leaf"
        for leaf in leaves:
            assert set(LEAF_MEMBERS) <= set(leaf.keys())
            assert (leaf["agency_id"], leaf["principal_id"]) == (api.id, api.agency.client_id)
            assert (leaf["principal_kind"], leaf["actor"]) == ("client", "window-3")
            assert leaf["purpose"] == options.get("purpose")
            assert leaf["action"]
            assert leaf["subject_type"]
        self.seen.add(self._operation(method, path))
        return {"leaf": leaves[0], "tag": answer.headers.get("etag"), **_said(answer)}

    def _operation(self, method: str, path: str) -> str:
        return next(
            operation for known, pattern, operation in self.paths if known == method and pattern.fullmatch(path)
        )


def _said(answer: httpx.Response) -> Json:
    """What is answered; a picture says nothing."""
    said: Json = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return said


def _operations() -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and id of every operation, those with fewer places first: a step is no participant."""
    found = [
        (method.upper(), path, operation["operationId"])
        for path, item in generated()[DOCUMENT]["paths"].items()
        for method, operation in item.items()
    ]
    found.sort(key=lambda one: one[1].count("{"))
    return [(method, re.compile(re.sub(r"\{\w+\}", r"[^/]+", path)), name) for method, path, name in found]


@pytest.fixture
async def instance(fresh_database: str, keyring: Keyring, vault: Vault, settings: Settings) -> AsyncIterator[Instance]:
    database = open_database(role_url(fresh_database, names.APP, keyring), vault=vault)
    async with instance_on(database, fresh_database, settings) as opened:
        yield opened
    await database.close()


async def test_every_write_and_every_sensitive_read_leaves_its_leaf(instance: Instance, keyring: Keyring) -> None:
    union, labour = await instance.api("DEMO-340802-UNION"), await instance.api("DEMO-340802-LABOUR")
    async with superuser(instance.admin_url) as behind:
        ledger = Ledger(behind, _operations())
        await behind.execute(_WINDOW, [union.id, labour.id])
        case = await _main_job(ledger, union, labour)
        await _grounds(ledger, union, labour, case["case_id"])
        await _sensitive_reads(ledger, union, case)
        await _case_links(ledger, union, await instance.api("DEMO-340802-JUSTICE"))
        await _requests_of_persons(ledger, union, case["case_id"])
        await _links(ledger, union, labour)
        await _answer_links(ledger, union, case["case_id"], await instance.api("DEMO-340802-EDUCATION"))
        await _possible_matches(ledger, union, labour, await instance.api("DEMO-990101-UNION"))
        await _transfers(ledger, union, await instance.api("DEMO-990101-UNION"))
        await _letters(ledger, union)
        await _shares(ledger, union, labour)
        await _conferences(ledger, union, labour)
        await _warnings(ledger, union, labour)
        await _plans(ledger, union, labour)
        await _proposals(ledger, union, labour)
        await _accounts(ledger, union)
        await _webhooks(ledger, union, behind)
        await _inbound(ledger, await instance.api("DEMO-340802-UNION"), behind)
        await _witness(ledger, union, instance, keyring)
        encoder = await instance.api("DEMO-340802-LABOUR", scopes=("linkage:encode",))
        await ledger.does(encoder, "GET", "/v1/linkage-encoding-key")
        assert await _opened(behind) > len(ledger.seen)
    writing = {name for method, _, name in _operations() if method != "GET" and name != "search_cases"}
    assert writing - ledger.seen - set(ELSEWHERE) == set(), "play these here, or name the test that shows their leaf"
    assert SENSITIVE - ledger.seen == set()


async def _opened(behind: Raw) -> int:
    """How many leaves lie in the table, each opened: what was committed to is what its row still says, to the byte."""
    rows = await behind.fetch("SELECT * FROM audit_leaf")
    for row in rows:
        made = commitment(stored_leaf(dict(row)), row["salt"], DIGESTS[hash_of(row["algorithm"])])
        assert made == row["commitment"], row["action"]
    return len(rows)


async def _main_job(ledger: Ledger, union: Api, labour: Api) -> Json:
    filed = await ledger.does(labour, "POST", "/v1/reports", report_body(sharing_basis=None))
    assert filed["leaf"]["field_classes"]
    case_id, path = filed["case"]["id"], f"/v1/cases/{filed['case']['id']}"
    assert filed["leaf"]["case_id"] == UUID(case_id)
    await ledger.does(union, "POST", f"/v1/reports/{filed['id']}/adoptions", {"decision": "adopted"})
    medical = str(await ledger.behind.fetchval("SELECT id FROM agency WHERE code = 'DEMO-340802-MEDICAL'"))
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]}
    await ledger.does(union, "POST", f"{path}/sharing-bases", basis)
    await ledger.does(union, "POST", f"{path}/participants", {"agency": medical})
    tag = (await union.get(path)).headers["etag"]
    await ledger.does(union, "DELETE", f"{path}/participants/{medical}", if_match=tag)
    tag = (await union.get(path)).headers["etag"]
    await ledger.does(union, "POST", f"{path}/assess", {}, if_match=tag)
    referral = await ledger.does(union, "POST", f"{path}/referrals", {"matter": "LAB-12", "to_agency": str(labour.id)})
    here = f"/v1/referrals/{referral['id']}"
    words = {"outcome": "met", "text": "已办结", "result": {"kind": "recognition", "code": "x", "text": "已认定"}}
    for name, said in (("accept", {}), ("start", {}), ("complete", words)):
        referral = await ledger.does(labour, "POST", f"{here}/{name}", said, if_match=referral["version"])
        assert referral["leaf"]["case_id"] == UUID(case_id)
    (result,) = (await union.get(f"{path}/results")).json()["data"]
    await ledger.does(union, "POST", f"/v1/results/{result['id']}/adoptions", {"decision": "adopted"})
    another = (await ledger.does(labour, "POST", "/v1/reports", report_body(sharing_basis=None)))["case"]["id"]
    (owed,) = (await union.get(f"/v1/expected-adoptions?case={another}")).json()["data"]
    await ledger.does(union, "POST", f"/v1/expected-adoptions/{owed['id']}/adoptions", {"decision": "adopted"})
    gone = {"reason": "entered_in_error"}
    await ledger.does(labour, "POST", f"/v1/results/{result['id']}/withdraw", gone, if_match=result["version"])
    return {"case_id": case_id, "report_id": filed["id"], "labour": labour, "leaf_id": filed["receipt"]["leaf_id"]}


# Who stands at window 3 of both offices: a machine that reveals names somebody its agency knows.
_WINDOW = """INSERT INTO staff (id, agency_id, login, name, roles, status, created_at, version)
             SELECT gen_random_uuid(), a, 'window-3', '王守门', '{auditor}', 'active', now(), 1
               FROM unnest($1::uuid[]) a"""


async def _grounds(ledger: Ledger, union: Api, labour: Api, case_id: str) -> None:
    """Withdrawals, assessments, the emergency access and its judgement, a reveal."""
    path = f"/v1/cases/{case_id}"
    basis = (await union.get(f"{path}/sharing-bases")).json()["data"][0]
    await ledger.does(union, "POST", f"/v1/sharing-bases/{basis['id']}/withdraw", {"withdrawn_by": "person"})
    assessment = await ledger.does(union, "POST", "/v1/impact-assessments", _ASSESSMENT)
    await ledger.does(union, "POST", f"/v1/impact-assessments/{assessment['id']}/revoke")
    danger = {"danger": "health", "text": "突发重病，需立即联系家属", "hours": 1}
    use = await ledger.does(labour, "POST", f"{path}/break-glass", danger)
    judged = {"verdict": "not_justified", "text": "不属紧急"}
    await ledger.does(union, "POST", f"/v1/break-glass/{use['id']}/review", judged)
    person = (await union.get(f"{path}/file", purpose="assistance")).json()["people"][0]
    asked = {"person_id": person["id"], "fields": ["id_number"], "reason": "verify_identity"}
    await ledger.behind.execute(
        "UPDATE client SET scopes = scopes || '{persons:reveal}' WHERE agency_id = $1", union.id
    )
    revealer = Api(union.http, replace(union.agency, scopes=(*union.agency.scopes, "persons:reveal")))
    await ledger.does(revealer, "POST", f"{path}/reveal", asked, purpose="assistance", key=None)


_ASSESSMENT = {
    "title": "评估",
    "matters": ["LAB-09"],
    "field_classes": ["basic"],
    "measures": "最小必要",
    "assessed_by": "负责人",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2036-01-01T00:00:00Z",
}


async def _sensitive_reads(ledger: Ledger, union: Api, case: Json) -> None:
    labour, case_id = case["labour"], case["case_id"]
    file = await ledger.does(union, "GET", f"/v1/cases/{case_id}/file", purpose="assistance")
    report = await ledger.does(union, "GET", f"/v1/reports/{case['report_id']}", purpose="assistance")
    for read in (file, report):
        assert read["leaf"]["field_classes"]
        assert read["leaf"]["case_id"] == UUID(case_id)
        assert read["leaf"]["subject_id"] is not None
    waiting = (await union.post(f"/v1/cases/{case_id}/referrals", _to(labour, "LAB-13"))).json()
    await labour.post(f"/v1/referrals/{waiting['id']}/accept", {}, if_match=waiting["version"])
    basis = {"kind": "consent", "reference": "同意书", "recipients": [str(labour.id)]}
    assert (await union.post(f"/v1/cases/{case_id}/sharing-bases", basis)).status_code == 201
    await ledger.does(labour, "GET", f"/v1/referrals/{waiting['id']}", purpose="assistance")
    await ledger.does(labour, "GET", f"/v1/referrals/{waiting['id']}/people", purpose="assistance")
    await ledger.does(
        union, "POST", "/v1/cases/search", {"name": "赵安", "birth_date": "1960-01-01"}, purpose="assistance", key=None
    )
    await ledger.does(union, "GET", "/v1/audit/leaves")
    await ledger.does(union, "GET", f"/v1/audit/leaves/{case['leaf_id']}")
    medical_result = await _sensitive_result(union, case_id, ledger)
    await ledger.does(union, "GET", f"/v1/results/{medical_result}", purpose="assistance")
    await ledger.does(union, "GET", f"/v1/cases/{case_id}/results", purpose="assistance")


def _to(api: Api, matter: str) -> Json:
    return {"matter": matter, "to_agency": str(api.id)}


async def _sensitive_result(union: Api, case_id: str, ledger: Ledger) -> str:
    """Marks the case's result as one whose text is sensitive, as that of a medical matter is."""
    await ledger.behind.execute("UPDATE result SET sensitive = 'medical' WHERE case_id = $1", UUID(case_id))
    return str(await ledger.behind.fetchval("SELECT id FROM result WHERE case_id = $1", UUID(case_id)))


_CERTIFICATE = {
    "area": "law",
    "result": "passed",
    "certificate": "AH-1",
    "valid_from": "2026-01-01",
    "valid_until": "2030-01-01",
}


async def _case_links(ledger: Ledger, union: Api, justice: Api) -> None:
    """A judicial number, which the coordinator reads under a purpose, and two cases of one cause."""
    await ledger.behind.execute(_WINDOW, [justice.id])
    one, two = [(await justice.post("/v1/reports", report_body())).json()["case"]["id"] for _ in range(2)]
    path = f"/v1/cases/{one}/case-links"
    own = {"kind": "own_number", "system": "files", "number": "（2026）皖0802民初817号"}
    said = await ledger.does(justice, "POST", path, own)
    assert (said["leaf"]["case_id"], said["leaf"]["subject_id"]) == (UUID(one), UUID(said["id"]))
    for read in (path, f"/v1/case-links/{said['id']}"):
        assert (await ledger.does(union, "GET", read, purpose="assistance"))["leaf"]["field_classes"] == ["legal"]
    pair = await ledger.does(union, "POST", path, {"kind": "same_root_cause", "other_case": two, "reason": "企业停产"})
    await ledger.does(union, "POST", f"/v1/case-links/{pair['id']}/undo", {"reason": "登记有误"}, if_match=pair["tag"])
    marks = "SELECT case_id, facts::text FROM audit_leaf WHERE subject_id = $1 AND action = 'case_link.say'"
    leaves = await ledger.behind.fetch(marks, UUID(pair["id"]))
    assert {leaf["case_id"] for leaf in leaves} == {UUID(one), UUID(two)}, "each case has its leaf"
    assert not any(case_id in leaf["facts"] for leaf in leaves for case_id in (one, two)), "and names no other"


async def _requests_of_persons(ledger: Ledger, union: Api, case_id: str) -> None:
    proof = {"document": "resident_id", "seen_by": "window-3", "seen_at": "2026-01-05T01:00:00Z"}
    said = {"kind": "copy", "proof": proof}
    filed = await ledger.does(union, "POST", f"/v1/cases/{case_id}/person-requests", said)
    path = f"/v1/person-requests/{filed['id']}"
    await ledger.does(union, "POST", f"{path}/review", {}, if_match=filed["tag"])
    for read in (path, f"{path}/document", f"/v1/cases/{case_id}/access-log"):
        await ledger.does(union, "GET", read, purpose="person_request")


async def _links(ledger: Ledger, union: Api, labour: Api) -> None:
    """One person, reported twice: the second record is taken for the first one's, and that is undone."""
    body = report_body(household=None)
    assert (await labour.post("/v1/reports", body)).status_code == 201
    twice = await union.post("/v1/reports", report_body(household=None) | {"person": body["person"]})
    links = (await union.get(f"/v1/cases/{twice.json()['case']['id']}/links")).json()["data"]
    (link,) = [one["id"] for one in links if one["other_record_id"]]
    await ledger.does(union, "POST", f"/v1/links/{link}/undo", {"reason": "different_persons"})


async def _answer_links(ledger: Ledger, union: Api, case_id: str, office: Api) -> None:
    await ledger.behind.execute("UPDATE agency SET answers_by_link = true WHERE id = $1", office.id)
    asked = await union.post(f"/v1/cases/{case_id}/referrals", _to(office, "EDU-02"))
    path = f"/v1/referrals/{asked.json()['id']}/answer-links"
    made = await ledger.does(union, "POST", path, {"clerk": "王守门"})
    assert (made["leaf"]["case_id"], made["leaf"]["subject_id"]) == (UUID(case_id), UUID(made["id"]))
    await ledger.does(union, "POST", f"{path}/{made['id']}/revoke")


async def _possible_matches(ledger: Ledger, union: Api, labour: Api, county: Api) -> None:
    """One within the union's own cases, decided and undone; one with another county's, asked about twice."""
    own = await report_pair(ledger.behind, labour, labour, places=("340802", "340802"))
    path = f"/v1/match-candidates/{own.id}"
    for read in (path, f"{path}/waterfall.svg"):
        await ledger.does(union, "GET", read, purpose="assistance")
    await ledger.does(union, "POST", f"{path}/not-duplicate", {"reason": "namesake"}, if_match=1)
    await ledger.does(union, "POST", f"{path}/undo", if_match=2)
    said = {"source_system": "labour-inspection", "decision": "not_duplicate", "reason": "namesake"}
    await ledger.does(union, "POST", "/v1/match-candidates/bulk", said)
    one = await report_pair(ledger.behind, labour, labour, places=("340802", "340802"))
    await ledger.does(union, "POST", f"/v1/match-candidates/{one.id}/confirm", if_match=1)
    shared = await report_pair(ledger.behind, labour, labour)
    asking = f"/v1/match-candidates/{shared.id}/access-requests"
    words = {"purpose": "assistance", "basis": {"kind": "consent", "reference": "同意书"}, "reason": "请核对"}
    refused = await ledger.does(county, "POST", asking, words)
    await ledger.does(union, "GET", f"/v1/access-requests/{refused['id']}", purpose="assistance")
    refusal = {"reason_code": "no_basis", "text": "依据不足"}
    await ledger.does(union, "POST", f"/v1/access-requests/{refused['id']}/refuse", refusal, if_match=1)
    request = await ledger.does(county, "POST", asking, words)
    granted = {"field_classes": ["basic"], "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    await ledger.does(union, "POST", f"/v1/access-requests/{request['id']}/grant", granted, if_match=1)
    await ledger.does(union, "POST", f"/v1/access-requests/{request['id']}/revoke", if_match=2)


async def _transfers(ledger: Ledger, union: Api, county: Api) -> None:
    """Offered, read and accepted."""
    case_id = (await union.post("/v1/reports", report_body())).json()["case"]["id"]
    basis = {"kind": "consent", "reference": "同意书"}
    offer = {"to_agency": str(county.id), "reason": "moved", "text": "迁居", "basis": basis}
    asked = await ledger.does(union, "POST", f"/v1/cases/{case_id}/transfers", offer)
    path = f"/v1/case-transfers/{asked['id']}"
    await ledger.does(county, "GET", path, purpose="assistance")
    await ledger.does(county, "POST", f"{path}/accept", {}, if_match=1)


async def _shares(ledger: Ledger, union: Api, labour: Api) -> None:
    """An item published and revised; asked for and taken back."""
    item = await ledger.does(labour, "POST", "/v1/catalogue-items", CATALOGUE_ITEM)
    await ledger.does(labour, "PUT", f"/v1/catalogue-items/{item['id']}", CATALOGUE_ITEM, if_match=1)
    asked = await ledger.does(union, "POST", "/v1/share-requests", SHARE_REQUEST | {"item": item["id"]})
    await ledger.does(union, "POST", f"/v1/share-requests/{asked['id']}/withdraw", {"text": "已无需要"}, if_match=1)


async def _letters(ledger: Ledger, union: Api) -> None:
    """A hint, read, printed and taken back."""
    case_id = (await union.post("/v1/reports", report_body())).json()["case"]["id"]
    said = {"kind": "hint", "employer": "某厂", "violations": ["safety_health"], "workers": 3}
    words = {"facts": "车间粉尘超标", "demands": "整改通风"}
    letter = await ledger.does(union, "POST", f"/v1/cases/{case_id}/letters", said | words)
    path = f"/v1/letters/{letter['id']}"
    await ledger.does(union, "GET", path, purpose="assistance")
    await ledger.does(union, "GET", f"{path}/document.html", purpose="assistance")
    await ledger.does(union, "POST", f"{path}/withdraw", {"text": "单位已搬迁"}, if_match=1)


async def _conferences(ledger: Ledger, union: Api, labour: Api) -> None:
    """Founded, changed, called, held; asked, decided, and done."""
    members = {"name": "联席会议", "members": [str(labour.id)], "quorum": 1}
    founded = await ledger.does(union, "POST", "/v1/conferences", members | {"division_code": "340802"})
    path = f"/v1/conferences/{founded['id']}"
    await ledger.does(union, "PUT", path, members, if_match=1)
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    called = {"kind": "special", "starts_at": soon, "venue": "区总工会"}
    session = await ledger.does(union, "POST", f"{path}/sessions", called)
    path = f"/v1/conference-sessions/{session['id']}"
    raised = await ledger.does(labour, "POST", f"{path}/agenda-items", {"title": "参保口径"})
    item = f"/v1/agenda-items/{raised['id']}"
    await ledger.does(union, "POST", f"{item}/opinions", {"agencies": [str(labour.id)]})
    await ledger.does(labour, "POST", f"{item}/opinions/own", {"stance": "agrees"})
    await ledger.does(union, "POST", f"{path}/open", {"attended": [str(labour.id)]}, if_match=1)
    task = {"owner": str(labour.id), "text": "制定办法", "due_on": soon[:10]}
    decided = await ledger.does(union, "POST", f"{item}/decide", {"text": "同意", "tasks": [task]}, if_match=1)
    await ledger.does(labour, "POST", f"/v1/conference-tasks/{decided['tasks'][0]}/start", {}, if_match=1)


async def _warnings(ledger: Ledger, union: Api, labour: Api) -> None:
    """A signal that raises an alert, acknowledged and resolved."""
    place = {"kind": "division", "division_code": "340802"}
    signal = {"kind": "unemployment", "subject": place, "measured": {"percent": 6, "months": 2}, "source": "统计"}
    await ledger.does(labour, "POST", "/v1/signals", signal | {"observed_on": "2026-01-05"})
    (alert,) = (await union.get("/v1/alerts?status=open&level=1")).json()["data"]
    path = f"/v1/alerts/{alert['id']}"
    await ledger.does(union, "POST", f"{path}/acknowledge", {"reported_to": "市总工会"}, if_match=1)
    await ledger.does(union, "POST", f"{path}/resolve", {"outcome": "handled"}, if_match=2)


async def _plans(ledger: Ledger, union: Api, labour: Api) -> None:
    """A drill, its task done, stood down, the plan retired."""
    action = {"title": "核实", "agency_kind": "labour", "within_hours": 24}
    plan = await ledger.does(union, "POST", "/v1/plans", {"title": "预案", "level": 2, "actions": [action]})
    drill = await ledger.does(union, "POST", f"/v1/plans/{plan['id']}/activations", {"drill": True})
    await ledger.does(labour, "POST", f"/v1/plan-tasks/{drill['tasks'][0]['id']}/finish", if_match=1)
    await ledger.does(union, "POST", f"/v1/plan-activations/{drill['id']}/stand-down", {}, if_match=1)
    await ledger.does(union, "POST", f"/v1/plans/{plan['id']}/retire", if_match=1)


async def _proposals(ledger: Ledger, union: Api, labour: Api) -> None:
    """A gap; a draft on which nobody asked; a proposal drafted, changed, sent and replied to."""
    registered = await ledger.does(union, "POST", "/v1/consultations", CONSULTATION)
    await ledger.does(union, "PATCH", f"/v1/consultations/{registered['id']}", {"attended": True}, if_match=1)
    case_id = (await union.post("/v1/reports", report_body())).json()["case"]["id"]
    await story.dispute(union, case_id, labour)
    gaps = f"/v1/cases/{case_id}/policy-gaps"
    await ledger.does(union, "POST", gaps, story.GAP)
    await ledger.does(union, "GET", gaps, purpose="assistance")
    drafted = await ledger.does(union, "POST", "/v1/proposals", PROPOSAL)
    path = f"/v1/proposals/{drafted['id']}"
    await ledger.does(union, "PATCH", path, {"addressee_agency": str(labour.id)}, if_match=1)
    await ledger.does(union, "POST", f"{path}/send", {}, if_match=2)
    await ledger.does(labour, "POST", f"{path}/reply", {"decision": "adopted", "text": "拟予采纳"}, if_match=3)


async def _accounts(ledger: Ledger, union: Api) -> None:
    _, public = generate_client_key()
    client = await ledger.does(
        union, "POST", "/v1/clients", {"name": "x", "scopes": ["cases:read"], "public_jwk": public, "with_secret": True}
    )
    path = f"/v1/clients/{client['id']}"
    client = await ledger.does(union, "PATCH", path, {"name": "y"}, if_match=client["version"])
    _, second = generate_client_key()
    client = await ledger.does(union, "POST", f"{path}/keys", {"public_jwk": second})
    await ledger.does(union, "DELETE", f"{path}/keys/{second['kid']}", if_match=client["version"])
    client = await ledger.does(union, "POST", f"{path}/rotate-secret", {})
    await ledger.does(union, "POST", f"{path}/revoke", {}, if_match=client["version"])
    person = {"login": f"u{secrets.token_hex(5)}", "name": "孙立民", "roles": ["auditor"]}
    staff = await ledger.does(union, "POST", "/v1/staff", person)
    path = f"/v1/staff/{staff['id']}"
    staff = await ledger.does(union, "PATCH", path, {"name": "孙立"}, if_match=staff["version"])
    await ledger.does(union, "POST", f"{path}/enrolment", {"reset_second_factor": False})
    held = await ledger.does(union, "POST", f"{path}/qualifications", _CERTIFICATE)
    await ledger.does(union, "POST", f"{path}/qualifications/{held['data'][0]['id']}/revoke")
    await ledger.does(union, "POST", f"{path}/revoke", {}, if_match=staff["version"])
    await ledger.does(union, "POST", "/v1/agencies", {"suffix": "LAW", "name": "法律援助科"})
    me = f"/v1/agencies/{union.id}"
    await ledger.does(union, "PATCH", me, {"name": "区总工会"}, if_match=(await union.get(me)).headers["etag"])


async def _webhooks(ledger: Ledger, union: Api, behind: Raw) -> None:
    body = {"url": "https://receiver.example/hook"}
    endpoint = await ledger.does(union, "POST", "/v1/webhook-endpoints", body)
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    await ledger.does(union, "POST", f"{path}/rotate-secret", {})
    await ledger.does(union, "POST", f"{path}/verify", {})
    tag = (await union.get(path)).headers["etag"]
    await ledger.does(union, "PATCH", path, {"status": "disabled"}, if_match=tag)
    await ledger.does(union, "POST", f"{path}/enable", {})
    await behind.execute(_ACTIVATED, UUID(endpoint["id"]))
    await ledger.does(union, "POST", f"{path}/test", {})
    tag = (await union.get(path)).headers["etag"]
    await ledger.does(union, "PATCH", path, {"url": "https://other.example/hook"}, if_match=tag)
    tag = (await union.get(path)).headers["etag"]
    await ledger.does(union, "POST", f"{path}/reject-url", {}, if_match=tag)
    replay = await ledger.does(union, "POST", f"{path}/replays", {"types": ["case.*"]})
    await ledger.does(union, "POST", f"/v1/webhook-replays/{replay['id']}/cancel", {})
    delivery = await behind.fetchval(_DELIVERY, UUID(endpoint["id"]))
    await ledger.does(union, "POST", f"/v1/deliveries/{delivery}/redeliver", {})
    tag = (await union.get(path)).headers["etag"]
    await ledger.does(union, "DELETE", path, if_match=tag)


_ACTIVATED = "UPDATE webhook_endpoint SET status = 'active', activated_at = now() WHERE id = $1"
_DELIVERY = """
INSERT INTO delivery (id, endpoint_id, agency_id, event_id, event_type, subject_id, sequence, body, status, attempts,
                      replay, created_at)
SELECT gen_random_uuid(), id, agency_id, id, 'case.opened', id, 1, '{}', 'dead', 1, false, now()
  FROM webhook_endpoint WHERE id = $1 RETURNING id"""


async def _inbound(ledger: Ledger, union: Api, behind: Raw) -> None:
    source = await ledger.does(union, "POST", "/v1/inbound-sources", {"name": "partner", "kind": "bearer"})
    path = f"/v1/inbound-sources/{source['id']}"
    await ledger.does(union, "POST", f"{path}/rotate-secret", {})
    mapping = {"language": 1, "rules": [{"name": "none", "target": "nothing"}]}
    await ledger.does(union, "POST", f"{path}/mappings", {"document": mapping})
    await ledger.does(union, "POST", f"{path}/mappings/1/use")
    await ledger.does(union, "POST", f"{path}/retry", {})
    for step, said in (("retry", None), ("discard", {"reason": "test_message"})):
        receipt = await behind.fetchval(_WAITING, UUID(source["id"]))
        await ledger.does(union, "POST", f"/v1/inbound/receipts/{receipt}/{step}", said, if_match=1)
    tag = (await union.get(path)).headers["etag"]
    await ledger.does(union, "PATCH", path, {"status": "disabled"}, if_match=tag)


_WAITING = """
INSERT INTO inbound_receipt (id, source_id, agency_id, body, status, reason, problems, tries, received_at, version)
SELECT gen_random_uuid(), id, agency_id, '\\x01', 'quarantined', 'no-mapping', '[]', 1, now(), 1
  FROM inbound_source WHERE id = $1 RETURNING id"""


async def _witness(ledger: Ledger, union: Api, instance: Instance, keyring: Keyring) -> None:
    jobs = open_database(role_url(instance.admin_url, names.JOBS, keyring), vault=instance.database.vault, pool_size=1)
    await seal(jobs, Log.of(keyring, "http://127.0.0.1:8000", "sha256"))
    await jobs.close()
    key = SigningKey("union.example/w", COSIGNATURE, keyring.derive("the witness of a law"))
    witness = await ledger.does(union, "POST", "/v1/audit/witnesses", {"key": key.verifier.text})
    note = read_note((await union.get("/v1/audit/checkpoint")).text)
    line = key.cosign(note.text, int(time.time())).line
    size = note.text.split("\n")[1]
    await ledger.does(union, "POST", f"/v1/audit/checkpoints/{size}/cosignatures", {"cosignature": line})
    path = f"/v1/audit/witnesses/{witness['id']}/revoke"
    await ledger.does(union, "POST", path, {}, if_match=witness["version"])


async def test_what_the_program_itself_does_leaves_a_leaf_too(instance: Instance) -> None:
    """Clocks and deliveries act as `system`, in the name of the agency whose matter it is."""
    from actions.system import SystemFact, record_for_system  # noqa: PLC0415  only here
    from db.clock import real_time  # noqa: PLC0415  as above

    union = await instance.api("DEMO-340802-UNION")
    fact = SystemFact("endpoint.disabled", "webhook_endpoint.disable", "webhook_endpoint", union.id, 1, union.id)
    async with superuser(instance.admin_url) as behind:
        await record_for_system(behind, fact, real_time())
        row = await behind.fetchrow("SELECT * FROM audit_leaf WHERE principal_kind = 'system'")
        assert row is not None
        assert await _opened(behind) > 0
    assert (row["agency_id"], row["action"], json.loads(row["facts"])) == (union.id, "webhook_endpoint.disable", {})

"""Inbound sources and their mappings over HTTP: opened, changed, rotated, mapped, tried."""

import base64
import hashlib
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.main import create_app
from db.engine import Database
from settings import Settings
from tests.actions.instances import superuser
from tests.api.inbound_partner import ONLY_REPORTS, SOURCES, Partner, example, partner_of
from tests.builders import Api, fresh_key, report_body
from tests.conftest import OpenApi
from tests.laws.rights_matrix import NOTHING

CERTIFICATE = b"\x30\x82 a certificate in DER"
OF_CERTIFICATE: dict[str, Any] = {"certificate_sha256": hashlib.sha256(CERTIFICATE).hexdigest()}


async def test_the_secret_is_shown_once(labour: Api) -> None:
    key, said = fresh_key(), {"name": "12345 热线", "kind": "standard_webhooks"}
    opened = await labour.post(SOURCES, said, key=key)
    assert opened.status_code == 201
    source = opened.json()
    assert source["secret"].startswith("whsec_")
    assert source["client_id"] == str(labour.agency.client_id)
    assert (await labour.post(SOURCES, said, key=key)).json() == source
    shown = await labour.get(opened.headers["location"])
    assert "secret" not in shown.json()
    assert shown.headers["etag"] == '"v1"'
    assert source["id"] in [row["id"] for row in (await labour.get(SOURCES, params={"limit": 200})).json()["data"]]


async def test_a_source_is_its_agencys(labour: Api, union: Api) -> None:
    partner = await partner_of(labour)
    path = f"{SOURCES}/{partner.source['id']}"
    tried = [
        await union.get(path),
        await union.patch(path, {"name": "x"}, if_match=1),
        await union.post(f"{path}/rotate-secret", {}),
        await union.post(f"{path}/mappings", {"document": ONLY_REPORTS}),
        await union.get(f"{path}/mappings"),
        await union.get(f"{path}/mappings/1"),
        await union.post(f"{path}/mappings/1/use"),
        await union.post(f"{path}/mappings/dry-run", {"body": {}}, key=None),
        await union.post(f"{path}/retry", {}),
        await union.get(f"{SOURCES}/{NOTHING}"),
    ]
    assert [answer.status_code for answer in tried] == [404] * len(tried)


async def test_managing_sources_takes_its_scope(open_api: OpenApi) -> None:
    reader = await open_api("DEMO-340802-LABOUR", scopes=("reports:write",))
    refused = await reader.post(SOURCES, {"name": "x", "kind": "bearer"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")


async def test_nobody_makes_a_source_that_reaches_further_than_itself(labour: Api, open_api: OpenApi) -> None:
    narrow = await open_api("DEMO-340802-LABOUR", scopes=("webhooks:manage",))
    wider = {"name": "x", "kind": "bearer", "client_id": str(labour.agency.client_id)}
    refused = await narrow.post(SOURCES, wider)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    partner = await partner_of(labour)
    path = f"{SOURCES}/{partner.source['id']}"
    assert (await narrow.post(f"{path}/rotate-secret", {})).status_code == 403
    assert (await narrow.post(f"{path}/mappings", {"document": ONLY_REPORTS})).status_code == 403


async def test_the_account_must_be_the_agencys_own(labour: Api, union: Api) -> None:
    said = {"name": "x", "kind": "bearer", "client_id": str(union.agency.client_id)}
    refused = await labour.post(SOURCES, said)
    assert refused.status_code == 422
    assert refused.json()["errors"][0] | {"detail": ""} == {
        "pointer": "/client_id",
        "code": "unknown-client",
        "detail": "",
    }


async def test_for_a_day_both_secrets_are_taken(labour: Api, admin_url: str) -> None:
    partner = await partner_of(labour)
    path = f"{SOURCES}/{partner.source['id']}"
    rotated = await labour.post(f"{path}/rotate-secret", {})
    assert rotated.status_code == 200
    new = Partner(partner.http, partner.source, rotated.json()["secret"])
    assert rotated.json()["previous_secret_until"] is not None
    sent = [await one.send({"report": report_body()}) for one in (partner, new)]
    assert [answer.status_code for answer in sent] == [202, 202]
    async with superuser(admin_url) as raw:
        await raw.execute(
            "UPDATE inbound_source SET previous_until = now() - interval '1 second' WHERE id = $1", partner.source["id"]
        )
    late = [await one.send({"report": report_body()}) for one in (partner, new)]
    assert [answer.status_code for answer in late] == [401, 202]


async def test_changes_need_the_tag_and_nothing_is_removed(labour: Api) -> None:
    path = f"{SOURCES}/{(await partner_of(labour)).source['id']}"
    version = (await labour.get(path)).json()["version"]
    assert (await labour.patch(path, {"name": "新名称"})).status_code == 428
    assert (await labour.patch(path, {"name": "新名称"}, if_match=99)).status_code == 412
    assert (await labour.patch(path, {"name": None}, if_match=version)).status_code == 422
    changed = await labour.patch(path, {"name": "新名称", "status": "disabled"}, if_match=version)
    assert (changed.json()["name"], changed.json()["status"]) == ("新名称", "disabled")
    again = await labour.patch(path, {"status": "active"}, if_match=changed.json()["version"])
    assert again.json()["status"] == "active"


async def test_without_a_trusted_proxy_there_are_no_certificates(labour: Api) -> None:
    refused = await labour.post(SOURCES, {"name": "x", "kind": "mtls", **OF_CERTIFICATE})
    assert (refused.status_code, refused.json()["reason"]) == (409, "no-trusted-proxy")


@pytest.mark.parametrize(("peer", "status"), [("10.9.8.7", 202), ("10.9.9.9", 401)])
async def test_a_certificate_counts_where_a_trusted_proxy_says_so(
    labour: Api, settings: Settings, database: Database, peer: str, status: int
) -> None:
    app: FastAPI = create_app(settings.model_copy(update={"trusted_proxies": "10.9.8.0/24"}), database)
    transport = httpx.ASGITransport(app, client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
        own = Api(http, labour.agency)
        partner = await partner_of(own, kind="mtls", **OF_CERTIFICATE)
        assert partner.secret == ""
        certificate = f":{base64.b64encode(CERTIFICATE).decode()}:"
        headers = {"client-cert": certificate, "idempotency-key": fresh_key()}
        assert (await http.post(partner.path, json={"a": 1}, headers=headers)).status_code == status
        other = {"client-cert": f":{base64.b64encode(b'another').decode()}:", "idempotency-key": fresh_key()}
        assert (await http.post(partner.path, json={"a": 1}, headers=other)).status_code == 401
        twice = [("client-cert", certificate), ("client-cert", certificate), ("idempotency-key", fresh_key())]
        assert (await http.post(partner.path, json={"a": 1}, headers=twice)).status_code == 401


async def test_a_source_has_a_budget_of_its_own(labour: Api, settings: Settings, database: Database) -> None:
    tight = settings.model_copy(update={"inbound_limit_per_minute": 1, "inbound_limit_burst": 2})
    transport = httpx.ASGITransport(create_app(tight, database))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
        one, other = [await partner_of(Api(http, labour.agency)) for _ in range(2)]
        strange = [await one.http.post(one.path, json={}) for _ in range(5)]
        assert {answer.status_code for answer in strange} == {401}, "whoever proves nothing spends nothing of it"
        sent = [await one.send({"a": 1}) for _ in range(3)]
        assert [answer.status_code for answer in sent] == [202, 202, 429]
        assert int(sent[2].headers["retry-after"]) > 0
        assert (await other.send({"a": 1})).status_code == 202


async def test_versions_of_a_mapping_stay_and_an_earlier_one_can_hold_again(labour: Api) -> None:
    partner = await partner_of(labour)
    path = f"{SOURCES}/{partner.source['id']}/mappings"
    second = await labour.post(path, {"document": example("hotline.mapping")})
    assert (second.status_code, second.json()["version"]) == (201, 2)
    rows = (await labour.get(path)).json()["data"]
    assert [(row["version"], row["in_use"]) for row in rows] == [(2, True), (1, False)]
    assert (await labour.get(f"{path}/1")).json()["document"] == ONLY_REPORTS
    assert (await labour.post(f"{path}/1/use")).status_code == 200
    assert (await labour.get(f"{SOURCES}/{partner.source['id']}")).json()["mapping_version"] == 1
    assert (await labour.post(f"{path}/7/use")).status_code == 404


async def test_a_document_that_is_no_mapping_is_refused_by_place(labour: Api) -> None:
    path = f"{SOURCES}/{(await partner_of(labour)).source['id']}/mappings"
    wrong = {"language": 1, "rules": [{"name": "x", "target": "report", "make": {"a": {"$eval": "1"}}}]}
    refused = await labour.post(path, {"document": wrong})
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/document/rules/0/make/a", "unknown-operator")
    ]


async def _tried(api: Api, source: dict[str, Any], **trial: Any) -> dict[str, Any]:
    answer = await api.post(f"{SOURCES}/{source['id']}/mappings/dry-run", trial, key=None)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_dry_run_says_what_would_be_made_and_writes_nothing(labour: Api, admin_url: str) -> None:
    partner = await partner_of(labour)
    body = report_body()
    async with superuser(admin_url) as raw:
        before = await raw.fetchrow("SELECT (SELECT count(*) FROM report), (SELECT count(*) FROM inbound_receipt)")
        tried = await _tried(labour, partner.source, body={"report": body})
        after = await raw.fetchrow("SELECT (SELECT count(*) FROM report), (SELECT count(*) FROM inbound_receipt)")
    assert (tried["target"], tried["reason"], tried["made"]) == ("report", None, body)
    assert after == before


async def test_a_dry_run_says_what_stands_in_the_way(labour: Api) -> None:
    source = (await partner_of(labour)).source
    order = example("hotline.example")
    given = {"body": order | {"callTime": "昨天上午"}, "document": example("hotline.mapping")}
    unread = await _tried(labour, source, **given)
    assert unread["reason"] == "mapping-failed"
    assert [problem["pointer"] for problem in unread["problems"]] == ["/body/callTime"]
    none = await _tried(labour, source, body=order | {"orderType": "表扬"}, document=example("hotline.mapping"))
    assert (none["reason"], none["target"]) == ("no-rule-applies", None)
    closed = example("labour-inspection.closed.example") | {"caseNo": f"无此案号{fresh_key()}"}
    missing = await _tried(labour, source, body=closed, document=example("labour-inspection.mapping"))
    assert (missing["reason"], missing["step"]) == ("nothing-found", "complete")


async def test_a_dry_run_says_that_the_account_may_not(labour: Api, open_api: OpenApi) -> None:
    narrow = await open_api("DEMO-340802-LABOUR", scopes=("webhooks:manage",))
    source = (await partner_of(narrow)).source
    assert (await _tried(labour, source, body={"report": report_body()}))["reason"] == "insufficient-scope"

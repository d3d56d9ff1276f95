"""Certificates of an agency's own staff, and matters that ask for one."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.actions.story import refer, report, step, try_step
from tests.builders import Api
from tests.conftest import OpenApi

TODAY = datetime.now(UTC).date()


def _certificate(**changes: Any) -> dict[str, Any]:
    return {
        "area": "law",
        "result": "passed",
        "certificate": "AH-2026-0817",
        "valid_from": str(TODAY - timedelta(days=30)),
        "valid_until": str(TODAY + timedelta(days=300)),
    } | changes


async def _person(admin: Api) -> dict[str, Any]:
    login = "".join(secrets.choice("abcdefgh") for _ in range(12))
    body = {"login": login, "name": "吴法宁", "roles": ["union_coordinator"]}
    answer = await admin.post("/v1/staff", body)
    assert answer.status_code == 201, answer.text
    person: dict[str, Any] = answer.json()
    return person


async def _legal_service(labour: Api, union: Api) -> dict[str, Any]:
    """UNI-07, which asks for a certificate in law, referred by labour to the union of the county."""
    case_id = (await report(union))["case"]["id"]
    await step(labour, await refer(union, case_id, labour), "accept")
    return await refer(labour, case_id, union, matter="UNI-07")


async def test_a_matter_that_asks_for_a_certificate_is_accepted_in_the_name_of_its_holder_only(
    labour: Api, union: Api
) -> None:
    referral, person = await _legal_service(labour, union), await _person(union)
    nobody = await try_step(union, referral, "accept")
    assert (nobody.status_code, nobody.json()["code"], nobody.json()["area"]) == (403, "qualification-missing", "law")
    as_person = {"tongli-actor": person["login"]}
    path = f"/v1/referrals/{referral['id']}/accept"
    without = await union.post(path, {}, if_match=referral["version"], headers=as_person)
    assert without.json()["code"] == "qualification-missing"
    recorded = await union.post(f"/v1/staff/{person['id']}/qualifications", _certificate())
    assert recorded.status_code == 201, recorded.text
    accepted = await union.post(path, {}, if_match=referral["version"], headers=as_person)
    assert accepted.status_code == 200, accepted.text


async def test_a_certificate_counts_only_while_it_is_passed_and_valid(labour: Api, union: Api) -> None:
    referral, person = await _legal_service(labour, union), await _person(union)
    held = f"/v1/staff/{person['id']}/qualifications"
    for certificate in (
        _certificate(result="failed"),
        _certificate(area="policy"),
        _certificate(valid_until=str(TODAY - timedelta(days=2))),
        _certificate(valid_from=str(TODAY + timedelta(days=2))),
    ):
        assert (await union.post(held, certificate)).status_code == 201
    given = (await union.post(held, _certificate())).json()["data"][-1]
    assert (await union.post(f"{held}/{given['id']}/revoke")).status_code == 200
    refused = await union.post(
        f"/v1/referrals/{referral['id']}/accept",
        {},
        if_match=referral["version"],
        headers={"tongli-actor": person["login"]},
    )
    assert refused.json()["code"] == "qualification-missing"
    listed = (await union.get(held)).json()["data"]
    assert [row["revoked_at"] is None for row in listed] == [True, True, True, True, False]


async def test_a_certificate_is_revoked_once_and_by_its_own_agency(union: Api, labour: Api) -> None:
    person = await _person(union)
    held = f"/v1/staff/{person['id']}/qualifications"
    (given,) = (await union.post(held, _certificate())).json()["data"]
    assert (await labour.post(f"{held}/{given['id']}/revoke")).status_code == 404
    assert (await labour.get(held)).status_code == 404
    assert (await labour.post(held, _certificate())).status_code == 404
    assert (await union.post(f"{held}/{given['id']}/revoke")).status_code == 200
    assert (await union.post(f"{held}/{given['id']}/revoke")).status_code == 404


async def test_bad_certificates_are_refused_by_name(union: Api, open_api: OpenApi) -> None:
    person = await _person(union)
    held = f"/v1/staff/{person['id']}/qualifications"
    backwards = await union.post(held, _certificate(valid_until=str(date(2020, 1, 1))))
    assert [(e["pointer"], e["code"]) for e in backwards.json()["errors"]] == [
        ("/valid_until", "ends-before-it-begins")
    ]
    assert (await union.post(held, _certificate(area="cooking"))).status_code == 422
    caseworker = await open_api("DEMO-340802-UNION", scopes=("cases:read",))
    assert (await caseworker.post(held, _certificate())).json()["code"] == "insufficient-scope"
    assert (await caseworker.post(f"{held}/{person['id']}/revoke")).json()["code"] == "insufficient-scope"

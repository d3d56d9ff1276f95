"""Results, adoptions, assistance: decided by one office, shared with all, read in full by few."""

import pytest

from tests.actions.instances import superuser
from tests.actions.story import Json, OpenApi, refer, report, step, try_step
from tests.builders import Api

SAID = "认定结论全文"
RESULT: Json = {"kind": "recognition", "code": "hard-to-employ", "text": SAID, "valid_from": "2026-03-10"}
HELP: Json = {"kind": "training", "depth": "recovery", "quantity": 240, "unit": "hour", "source": "实训基地"}


async def _completed(union: Api, office: Api, *, matter: str, result: Json = RESULT) -> tuple[str, Json]:
    """(path of the case, the result) of a referral completed by the office."""
    path = f"/v1/cases/{(await report(union))['case']['id']}"
    referral = await refer(union, path.rpartition("/")[2], office, matter=matter)
    for name in ("accept", "start"):
        referral = await step(office, referral, name)
    await step(office, referral, "complete", result=result, assistance=[HELP])
    (shown,) = (await office.get(f"{path}/results", purpose="assistance")).json()["data"]
    return path, shown


async def test_a_result_is_shared_with_every_participant_and_nobody_else(
    union: Api, labour: Api, medical: Api, stranger: Api
) -> None:
    path, result = await _completed(union, labour, matter="LAB-09")
    await union.post(f"{path}/participants", {"agency": str(medical.id)})
    for api in (union, labour, medical):
        seen = (await api.get(f"/v1/results/{result['id']}")).json()
        assert (seen["code"], seen["text"], seen["valid_from"]) == ("hard-to-employ", SAID, "2026-03-10")
    assert (await stranger.get(f"/v1/results/{result['id']}")).status_code == 404


@pytest.mark.parametrize(("office", "matter"), [("MEDICAL", "MED-01"), ("LEGAL-AID", "JUS-01")])
async def test_medical_and_legal_words_are_for_their_decider_and_the_coordinator(
    open_api: OpenApi, union: Api, labour: Api, admin_url: str, office: str, matter: str
) -> None:
    decider = await open_api(f"DEMO-340802-{office}")
    path, result = await _completed(union, decider, matter=matter)
    await union.post(f"{path}/participants", {"agency": str(labour.id)})
    address = f"/v1/results/{result['id']}"
    unasked = await union.get(address)
    assert (unasked.status_code, unasked.json()["code"]) == (400, "purpose-required")
    texts = [(await api.get(address, purpose="assistance")).json()["text"] for api in (decider, union, labour)]
    assert texts == [SAID, SAID, None]
    assert (await labour.get(f"{path}/results")).json()["data"][0]["code"] == "hard-to-employ"
    async with superuser(admin_url) as raw:
        readers = await raw.fetch(
            "SELECT agency_id FROM audit_leaf WHERE action = 'result.read' AND subject_id = $1", result["id"]
        )
    assert {row["agency_id"] for row in readers} == {decider.id, union.id}


async def test_only_the_office_that_holds_the_referral_writes_its_result(union: Api, labour: Api) -> None:
    """A union never writes another agency's decision."""
    path = f"/v1/cases/{(await report(union))['case']['id']}"
    referral = await refer(union, path.rpartition("/")[2], labour, matter="LAB-09")
    for name in ("accept", "start"):
        referral = await step(labour, referral, name)
    refused = await try_step(union, referral, "complete", result=RESULT)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid-transition")
    assert (await union.get(f"{path}/results")).json()["data"] == []


async def test_a_result_is_adopted_once_with_a_reason_where_not_in_full(
    union: Api, labour: Api, medical: Api, stranger: Api
) -> None:
    path, result = await _completed(union, labour, matter="LAB-09")
    await union.post(f"{path}/participants", {"agency": str(medical.id)})
    adoptions = f"/v1/results/{result['id']}/adoptions"
    own = await labour.post(adoptions, {"decision": "adopted"})
    assert own.status_code == 403
    assert (await stranger.post(adoptions, {"decision": "adopted"})).status_code == 404
    for decision in ("partly", "not_adopted"):
        bare = await medical.post(adoptions, {"decision": decision})
        assert [error["pointer"] for error in bare.json()["errors"]] == ["/reason_code", "/reason"]
    needless = await medical.post(adoptions, {"decision": "adopted", "reason_code": "outdated"})
    assert [error["code"] for error in needless.json()["errors"]] == ["not-with-this-decision"]
    partly = {"decision": "partly", "reason_code": "other_standard", "reason": "口径不同"}
    assert (await medical.post(adoptions, partly)).status_code == 201
    again = await medical.post(adoptions, {"decision": "adopted"})
    assert (again.status_code, again.json()["code"]) == (409, "state-conflict")
    (row,) = (await labour.get(adoptions)).json()["data"]
    assert row["agency"]["id"] == str(medical.id)
    assert {name: row[name] for name in partly} == partly


async def test_who_adopted_is_seen_by_decider_coordinator_and_the_adopter_itself(
    open_api: OpenApi, union: Api, labour: Api, medical: Api
) -> None:
    path, result = await _completed(union, labour, matter="LAB-09")
    education = await open_api("DEMO-340802-EDUCATION")
    for api in (medical, education):
        await union.post(f"{path}/participants", {"agency": str(api.id)})
        await api.post(f"/v1/results/{result['id']}/adoptions", {"decision": "adopted"})

    async def seen(api: Api) -> set[str]:
        rows = (await api.get(f"/v1/results/{result['id']}/adoptions")).json()["data"]
        return {row["agency"]["id"] for row in rows}

    both = {str(medical.id), str(education.id)}
    assert await seen(labour) == await seen(union) == both
    assert await seen(medical) == {str(medical.id)}


async def test_a_report_is_adopted_by_its_coordinator(union: Api, labour: Api, medical: Api) -> None:
    filed = await report(labour)
    adoptions = f"/v1/reports/{filed['id']}/adoptions"
    assert (await medical.post(adoptions, {"decision": "adopted"})).status_code == 404
    assert (await labour.post(adoptions, {"decision": "adopted"})).status_code == 403
    assert (await union.post(adoptions, {"decision": "adopted"})).status_code == 201
    timeline = (await labour.get(f"/v1/cases/{filed['case']['id']}/timeline")).json()["data"]
    assert "report.adopted" in {entry["type"] for entry in timeline}


async def test_help_given_is_seen_by_its_giver_and_the_coordinator(union: Api, labour: Api, medical: Api) -> None:
    path, _ = await _completed(union, labour, matter="LAB-09")
    await union.post(f"{path}/participants", {"agency": str(medical.id)})
    for api in (union, labour):
        (given,) = (await api.get(f"{path}/assistance")).json()["data"]
        assert (given["kind"], given["quantity"], given["unit"]) == ("training", 240, "hour")
    assert (await medical.get(f"{path}/assistance")).json()["data"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"quantity": None, "unit": None}, "/assistance/0"),
        ({"quantity": 0}, "/assistance/0/quantity"),
        ({"amount_fen": -1}, "/assistance/0/amount_fen"),
        ({"kind": "cash"}, "/assistance/0/kind"),
        ({"period_from": "2026-05-01", "period_to": "2026-04-01"}, "/assistance/0"),
    ],
)
async def test_help_that_makes_no_sense_is_refused_and_the_referral_stays_open(
    union: Api, labour: Api, change: Json, pointer: str
) -> None:
    referral = await refer(union, (await report(union))["case"]["id"], labour)
    for name in ("accept", "start"):
        referral = await step(labour, referral, name)
    given = {key: value for key, value in (HELP | change).items() if value is not None}
    answer = await try_step(labour, referral, "complete", assistance=[given])
    assert answer.status_code == 422, answer.text
    assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"])
    assert (await union.get(f"/v1/referrals/{referral['id']}")).json()["status"] == "in_progress"


async def test_a_result_that_ends_before_it_begins_is_refused(union: Api, labour: Api) -> None:
    referral = await refer(union, (await report(union))["case"]["id"], labour)
    for name in ("accept", "start"):
        referral = await step(labour, referral, name)
    answer = await try_step(labour, referral, "complete", result=RESULT | {"valid_to": "2026-03-09"})
    assert answer.status_code == 422, answer.text


async def test_a_step_that_is_no_completion_brings_no_result(union: Api, labour: Api) -> None:
    """Silently dropped, it would be lost."""
    referral = await refer(union, (await report(union))["case"]["id"], labour)
    answer = await try_step(labour, referral, "accept", result=RESULT)
    assert answer.status_code == 422, answer.text

"""Ways in which a curious agency might learn more than its part in a case entitles it to."""

from typing import Any

import pytest

from tests.actions.story import refer, report, step, try_step
from tests.builders import Api, person_body
from tests.conftest import OpenApi

FAMILY = [{"name": "何建国", "relation": "spouse", "health": "chronic"}]


async def _at_work(union: Api, office: Api, case_id: str, matter: str = "LAB-09") -> dict[str, Any]:
    referral = await refer(union, case_id, office, matter=matter)
    return await step(office, referral, "accept")


@pytest.mark.parametrize("kind", ["consent", "statutory_duty", "emergency"])
async def test_an_accomplices_basis_does_not_open_what_others_reported(
    union: Api, labour: Api, medical: Api, open_api: OpenApi, kind: str
) -> None:
    civil = await open_api("DEMO-340802-CIVIL")
    person = person_body()
    filed = await report(civil, person=person, household=FAMILY)
    referral = await _at_work(union, labour, filed["case"]["id"])
    basis = {"kind": kind, "reference": "x", "recipients": [str(labour.id)]}
    bare = {name: person[name] for name in ("name", "id_type", "id_number")}
    stripped = dict.fromkeys(person, None) | bare
    await report(medical, person=stripped, household=None, sharing_basis=basis)
    opened = (await labour.get(f"/v1/referrals/{referral['id']}", purpose="assistance")).json()
    assert [shown["role"] for shown in opened["people"]] == ["main"]
    assert opened["people"][0]["phones"] == []
    assert opened["note"] is None


async def test_a_receiver_cannot_confirm_an_identity_by_searching_for_it(union: Api, labour: Api) -> None:
    person = person_body()
    filed = await report(union, person=person)
    await _at_work(union, labour, filed["case"]["id"])
    search = {"id_number": person["id_number"]}
    assert (await labour.post("/v1/cases/search", search, purpose="assistance")).json()["data"] == []
    (hit,) = (await union.post("/v1/cases/search", search, purpose="assistance")).json()["data"]
    assert hit["id"] == filed["case"]["id"]


async def test_who_else_reported_is_not_told_in_timeline_or_feed(union: Api, labour: Api, medical: Api) -> None:
    person = person_body()
    filed = await report(labour, person=person)
    await report(medical, person=person)
    told = (await labour.get(f"/v1/cases/{filed['case']['id']}/timeline")).json()["data"]
    actors = {entry["actor_agency"]["id"] for entry in told if entry["actor_agency"]}
    assert actors <= {str(labour.id), str(union.id)}
    assert not any("reports" in entry["changed"] for entry in told if entry["type"] == "case.updated")


async def test_a_union_writes_no_award_of_the_labour_office(union: Api, open_api: OpenApi) -> None:
    city = await open_api("DEMO-340800-UNION")
    filed = await report(union)
    started = await step(city, await _at_work(union, city, filed["case"]["id"], "LAB-06"), "start")
    award = {"kind": "award", "code": "arbitral-award"}
    refused = await try_step(city, started, "complete", outcome="met", result=award)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "not-competent-to-decide")
    other = {"kind": "other", "code": "mediated"}
    assert (await try_step(city, started, "complete", outcome="met", result=other)).status_code == 200


async def test_a_later_report_changes_nothing_that_was_said_of_a_person(union: Api, labour: Api) -> None:
    person = person_body()
    filed = await report(union, person=person)
    await report(labour, person=person | {"name": "某", "phones": [], "address": None}, household=None)
    (main, _) = (await union.get(f"/v1/cases/{filed['case']['id']}/file", purpose="assistance")).json()["people"]
    assert (main["name"], main["address"]) == (person["name"], person["address"]["detail"])


async def test_words_of_a_legal_completion_are_for_decider_and_coordinator_under_a_purpose(
    union: Api, labour: Api, open_api: OpenApi
) -> None:
    aid = await open_api("DEMO-340802-LEGAL-AID")
    filed = await report(union)
    await _at_work(union, labour, filed["case"]["id"])
    started = await step(aid, await _at_work(labour, aid, filed["case"]["id"], "JUS-01"), "start")
    await step(aid, started, "complete", outcome="met", text="已指派律师")
    path = f"/v1/referrals/{started['id']}"
    texts = []
    for api, purpose in ((labour, "assistance"), (union, None), (union, "assistance")):
        texts.append((await api.get(path, purpose=purpose)).json()["steps"][-1]["text"])
    assert texts == [None, None, "已指派律师"]


async def test_an_office_that_never_accepted_learns_no_case_from_its_inbox(union: Api, labour: Api) -> None:
    filed = await report(union)
    referral = await refer(union, filed["case"]["id"], labour)
    await step(union, referral, "cancel", reason="rerouted", text="本人电话见备注")
    rows = (await labour.get("/v1/referrals", params={"box": "in"})).json()["data"]
    (row,) = (row for row in rows if row["id"] == referral["id"])
    assert (row["status"], row["case_id"]) == ("cancelled", None)
    shown = (await labour.get(f"/v1/referrals/{referral['id']}")).json()
    assert (shown["case_id"], shown["steps"][-1]["text"]) == (None, None)


async def test_numbers_in_free_text_are_masked_when_a_report_is_read(union: Api) -> None:
    filed = await report(union, narrative="身份证 990000197403151227 电话13900000001 卡 6222020200112233445")
    said = (await union.get(f"/v1/reports/{filed['id']}", purpose="assistance")).json()["said"]["narrative"]
    assert "197403" not in said
    assert "00000" not in said
    assert "0200112233" not in said

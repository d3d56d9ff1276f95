"""The worked mappings of the guide, done on the bodies beside them."""

import secrets
from datetime import date, timedelta
from typing import Any

import pytest

from db.engine import Database
from jobs.inbound import Intake
from rules.inbound_mapping import read_mapping
from tests.actions import story
from tests.api.inbound_partner import EXAMPLES, done, example, intake_on, partner_of
from tests.builders import Api, identity_number
from tests.conftest import OpenApi

Json = dict[str, Any]


@pytest.fixture
def intake(jobs_database: Database, database: Database) -> Intake:
    return intake_on(jobs_database, database)


def _somebody() -> tuple[str, date]:
    """A number and birth date that nobody of the other tests has."""
    birth = date(1930, 1, 1) + timedelta(days=secrets.randbelow(9_000))
    return identity_number(birth, serial=secrets.randbelow(500)), birth


@pytest.mark.parametrize("name", ["hotline", "labour-inspection", "legal-aid"])
def test_a_worked_mapping_is_a_mapping_and_has_examples(name: str) -> None:
    assert read_mapping(example(f"{name}.mapping")).rules
    assert list(EXAMPLES.glob(f"{name}*.example.json"))


async def test_a_hotline_order_becomes_a_report(union: Api, intake: Intake) -> None:
    partner = await partner_of(union, example("hotline.mapping"))
    order = example("hotline.example")
    number, birth = _somebody()
    order["orderNo"] = f"DH{secrets.token_hex(8)}"
    order["caller"] |= {"idCard": number, "birthday": birth.strftime("%Y%m%d")}
    receipt = await done(intake, partner, order)
    assert (receipt["status"], receipt["problems"]) == ("done", [])
    report = (await union.get(f"/v1/reports/{receipt['report_id']}", purpose="assistance")).json()
    assert (report["channel"], report["urgency"], report["aware_at"]) == ("hotline", "urgent", "2026-01-05T01:17:25Z")
    said = report["said"]
    assert said["person"]["name"] == "周桂兰"
    assert said["person"]["address"] == {"division_code": "340802", "detail": "纺织路1号3栋"}
    assert said["needs"] == ["employment", "medical"]
    assert said["household"] == [{"name": "周建国", "relation": "spouse", "health": "chronic"}]
    assert said["narrative"].endswith("月收入1200元")


async def test_a_consultation_asks_for_nothing(union: Api, intake: Intake) -> None:
    partner = await partner_of(union, example("hotline.mapping"))
    receipt = await done(intake, partner, example("hotline.example") | {"orderType": "咨询"})
    assert (receipt["status"], receipt["target"], receipt["report_id"]) == ("done", "nothing", None)


async def test_an_inspection_case_moves_its_referral_to_the_end(union: Api, labour: Api, intake: Intake) -> None:
    case = (await story.report(union))["case"]["id"]
    referral = await story.refer(union, case, labour, matter="LAB-01")
    partner = await partner_of(labour, example("labour-inspection.mapping"))
    number = f"皖安迎劳监案〔2026〕{secrets.token_hex(4)}号"
    filed = example("labour-inspection.filed.example") | {"referralNo": referral["id"].upper(), "caseNo": number}
    assert (await done(intake, partner, filed))["status"] == "done"
    seen = (await labour.get(f"/v1/referrals/{referral['id']}")).json()
    assert seen["status"] == "accepted"
    for name in ("investigating", "closed"):
        body = example(f"labour-inspection.{name}.example") | {"caseNo": number.replace("〔", "(").replace("〕", ")")}
        receipt = await done(intake, partner, body)
        assert (receipt["status"], receipt["referral_id"]) == ("done", referral["id"]), receipt
    seen = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert (seen["status"], seen["outcome"]) == ("completed", "met")
    (result,) = (await union.get(f"/v1/cases/{case}/results")).json()["data"]
    assert (result["kind"], result["valid_from"]) == ("decision", "2026-01-09")
    (help_given,) = (await union.get(f"/v1/cases/{case}/assistance")).json()["data"]
    assert help_given["amount_fen"] == 1_200_050
    again = await done(intake, partner, example("labour-inspection.closed.example") | {"caseNo": number})
    assert (again["status"], again["reason"]) == ("quarantined", "nothing-found")


async def test_an_inspection_that_refuses_says_whose_duty_it_is(union: Api, labour: Api, intake: Intake) -> None:
    case = (await story.report(union))["case"]["id"]
    referral = await story.refer(union, case, labour)
    partner = await partner_of(labour, example("labour-inspection.mapping"))
    refused = example("labour-inspection.refused.example") | {"referralNo": referral["id"]}
    receipt = await done(intake, partner, refused)
    assert receipt["status"] == "done", receipt
    seen = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert seen["status"] == "rejected"
    assert (seen["steps"][-1]["reason"], seen["steps"][-1]["competent_agency_kind"]) == ("not_competent", "labour")


async def test_somebody_elses_referral_is_not_found(union: Api, labour: Api, medical: Api, intake: Intake) -> None:
    case = (await story.report(union))["case"]["id"]
    referral = await story.refer(union, case, medical, matter="MED-01")
    partner = await partner_of(labour, example("labour-inspection.mapping"))
    body = example("labour-inspection.filed.example") | {"referralNo": referral["id"]}
    receipt = await done(intake, partner, body)
    assert (receipt["status"], receipt["reason"]) == ("quarantined", "nothing-found")


async def test_a_legal_aid_application_is_reported_and_then_referred(
    union: Api, open_api: OpenApi, intake: Intake
) -> None:
    justice = await open_api("DEMO-340802-LEGAL-AID")
    partner = await partner_of(union, example("legal-aid.mapping"))
    applied = example("legal-aid.application.example")
    number, birth = _somebody()
    applied["applyNo"] = f"FY-{secrets.token_hex(8)}"
    applied["applicant"] |= {"idNo": number, "birth": f"{birth.year}.{birth.month}.{birth.day}"}
    receipt = await done(intake, partner, applied)
    assert (receipt["status"], receipt["target"]) == ("done", "report"), receipt
    moved = example("legal-aid.transfer.example") | {"applyNo": applied["applyNo"]}
    receipt = await done(intake, partner, moved)
    assert (receipt["status"], receipt["target"]) == ("done", "referral"), receipt
    referral = (await union.get(f"/v1/referrals/{receipt['referral_id']}")).json()
    assert (referral["matter"]["code"], referral["urgency"], referral["status"]) == ("JUS-01", "urgent", "requested")
    box = (await justice.get("/v1/referrals", params={"box": "in", "limit": 200})).json()["data"]
    assert receipt["referral_id"] in [row["id"] for row in box]


async def test_a_doubtful_number_is_kept_as_it_was_received(union: Api, intake: Intake) -> None:
    partner = await partner_of(union, example("legal-aid.mapping"))
    applied = example("legal-aid.application.example")
    applied["applyNo"] = f"FY-{secrets.token_hex(8)}"
    applied["applicant"] |= {"name": "欧阳文芳", "idKind": "990", "idNo": "34080219800202****"}
    receipt = await done(intake, partner, applied)
    assert receipt["status"] == "done", receipt


_BY_NUMBER: Json = {
    "language": 1,
    "rules": [
        {
            "name": "by our number",
            "target": "step",
            "step": {"$get": "/step"},
            "referral": {"case_number": {"$get": "/case"}, "matter": {"$get": "/matter"}},
            "own_number": {"system": {"$get": "/system"}, "number": {"$get": "/own"}},
            "make": {"outcome": {"$get": "/outcome"}},
        }
    ],
}


async def test_a_referral_is_found_by_the_number_of_its_case(union: Api, labour: Api, intake: Intake) -> None:
    case = (await story.report(union))["case"]
    first = await story.refer(union, case["id"], labour, matter="LAB-12")
    await story.refer(union, case["id"], labour, matter="LAB-13")
    partner = await partner_of(labour, _BY_NUMBER)
    hidden = await done(intake, partner, {"case": case["number"], "matter": "LAB-12", "step": "accept"})
    assert hidden["reason"] == "nothing-found", "before it accepts anything an office knows no case"
    await story.step(labour, first, "accept")
    both = await done(intake, partner, {"case": case["number"], "step": "accept"})
    assert both["reason"] == "several-referrals-found"
    moved = await done(intake, partner, {"case": case["number"], "matter": "LAB-12", "step": "start"})
    assert (moved["status"], moved["referral_id"]) == ("done", first["id"]), moved


async def test_a_step_and_its_own_number_are_done_together_or_not_at_all(
    union: Api, labour: Api, intake: Intake
) -> None:
    number = secrets.token_hex(8)
    cases = [(await story.report(union))["case"] for _ in range(2)]
    referrals = [await story.refer(union, case["id"], labour) for case in cases]
    for referral in referrals:
        await story.step(labour, referral, "accept")
    partner = await partner_of(labour, _BY_NUMBER)
    said = {"matter": "LAB-12", "step": "start", "system": "files", "own": number}
    assert (await done(intake, partner, said | {"case": cases[0]["number"]}))["status"] == "done"
    taken = await done(intake, partner, said | {"case": cases[1]["number"]})
    assert (taken["status"], taken["reason"]) == ("quarantined", "duplicate-record")
    seen = (await labour.get(f"/v1/referrals/{referrals[1]['id']}")).json()
    assert seen["status"] == "accepted", "the step was undone with it"
    wrong = await done(intake, partner, said | {"case": cases[1]["number"], "system": "no code!"})
    assert [problem["pointer"] for problem in wrong["problems"]] == ["/made/own_number/system"]


async def test_a_step_that_is_not_allowed_or_not_known_is_refused_as_over_the_api(
    union: Api, labour: Api, intake: Intake
) -> None:
    case = (await story.report(union))["case"]
    referral = await story.refer(union, case["id"], labour)
    await story.step(labour, referral, "accept")
    partner = await partner_of(labour, _BY_NUMBER)
    said = {"case": case["number"], "matter": "LAB-12"}
    found = [
        await done(intake, partner, said | more)
        for more in (
            {"step": "accept"},
            {"step": "expire"},
            {"step": "complete"},
            {"step": "complete", "outcome": "splendid"},
        )
    ]
    assert [receipt["reason"] for receipt in found] == [
        "invalid-transition",
        "mapping-failed",
        "invalid-transition",
        "validation-failed",
    ]

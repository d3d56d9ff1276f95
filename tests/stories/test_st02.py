"""ST02 Bankrupt mill, wage arrears, 46 workers: hint, opinion, proposal; what labour and legal aid do by when."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from crypto.keys import Keyring
from settings import Settings
from tests.stories.stage import Json, Stage, last_day_of, ok, open_stage

UNION, INSPECTION, LEGAL_AID = "DEMO-340802-UNION", "DEMO-340800-INSPECTION", "DEMO-340802-LEGAL-AID"
FINANCE, CIVIL, PROCURATORATE = "DEMO-340802-FINANCE", "DEMO-340802-CIVIL", "DEMO-340800-PROCURATORATE"
MILL = {"name": "安塑包装", "uscc": "91340800MA0000007A"}


@pytest.fixture
async def stage(fresh_database: str, keyring: Keyring, settings: Settings) -> AsyncIterator[Stage]:
    codes = (UNION, INSPECTION, LEGAL_AID, FINANCE, CIVIL)
    async with open_stage(fresh_database, keyring, settings, at="2026-04-10", codes=codes) as opened:
        yield opened


async def group_case(stage: Stage) -> str:
    """The group case of the mill, opened by a report of the employer alone."""
    nobody = dict.fromkeys(("person", "household", "causes", "sharing_basis"))
    return await stage.report(UNION, needs=["wage"], employer=MILL, **nobody)


async def write(stage: Stage, case_id: str, kind: str, status: int = 201, **changes: Any) -> Json:
    said = {
        "kind": kind,
        "violations": ["wage_arrears"],
        "workers": 46,
        "facts": "2026年1月至3月工资未发放，合计138万元",
        "demands": "足额支付拖欠工资",
    }
    return ok(await stage.api(UNION).post(f"/v1/cases/{case_id}/letters", said | changes), status)


async def test_letters_follow_each_other_by_the_days_of_the_law(stage: Stage) -> None:
    case_id = await group_case(stage)
    hint = await write(stage, case_id, "hint")
    assert (hint["due_by"], hint["employer"], hint["number"]) == (
        None,
        "安塑包装",
        "DEMO-340802-UNION劳监提字〔2026〕1号",
    )
    await stage.until("2026-04-13 09:00")
    opinion = await write(stage, case_id, "opinion", follows=hint["id"])
    assert last_day_of(opinion, "due_by") == "2026-05-07", "fifteen working days over the May holiday"
    await stage.until("2026-05-07 17:00")
    inspection = str(stage.desk.agency(INSPECTION))
    early = await write(stage, case_id, "proposal", 409, follows=opinion["id"], to_agency=inspection)
    assert early["reason"] == "no-ground-for-a-proposal"
    await stage.until("2026-05-08 09:00")
    assert await stage.events("letter.overdue", opinion["id"]) == 1
    proposal = await write(stage, case_id, "proposal", follows=opinion["id"], to_agency=inspection)
    assert (proposal["ground"], last_day_of(proposal, "due_by")) == ("no_reply", "2026-05-14")
    assert len(await stage.told(INSPECTION, "letter.sent")) == 1
    page = await stage.api(INSPECTION).get(f"/v1/letters/{proposal['id']}/document.html", purpose="assistance")
    for words in (
        "工会劳动法律监督建议书",
        "逾期未对工会劳动法律监督意见书作出书面答复",
        "2026年5月14日",
        "第八十五条",
    ):
        assert words in page.text


async def test_the_department_files_and_the_union_cannot(stage: Stage) -> None:
    case_id = await group_case(stage)
    opinion = await write(stage, case_id, "opinion")
    await stage.until("2026-05-08 09:00")
    to = str(stage.desk.agency(INSPECTION))
    proposal = await write(stage, case_id, "proposal", follows=opinion["id"], to_agency=to)
    await stage.until("2026-05-15 09:00")
    assert await stage.events("letter.overdue", proposal["id"]) == 1, "not filed by 14 May"
    path = f"/v1/letters/{proposal['id']}"
    own: Json = {"filing_number": "皖宜劳监立〔2026〕88号"}
    assert (await stage.step(UNION, path, "file", 409, **own))["allowed"] == ["withdraw"]
    filed = await stage.step(INSPECTION, path, "file", **own)
    assert (filed["status"], filed["filing_number"], filed["case_id"]) == ("filed", own["filing_number"], None)
    assert len(await stage.told(UNION, "letter.filed")) == 1
    referral = await stage.refer(UNION, case_id, "LAB-01", INSPECTION)
    at = f"/v1/referrals/{referral['id']}"
    assert last_day_of(await stage.step(INSPECTION, at, "accept"), "resolve_by") == "2026-08-10"
    more: Json = {"reason": "complex_facts", "text": "案情复杂", "approved_by": "支队长"}
    assert last_day_of(await stage.step(INSPECTION, at, "extend", **more), "resolve_by") == "2026-09-20"
    assert (await stage.step(INSPECTION, at, "extend", 409, **more))["code"] == "invalid-transition"


async def test_one_group_case_holds_46_workers_each_with_a_result_of_its_own(stage: Stage) -> None:
    group = await group_case(stage)
    await stage.until("2026-05-08 09:00")
    workers = [await stage.report(UNION, person={"employer": MILL}, household=None, needs=["legal"]) for _ in range(46)]
    assert len({*workers, group}) == 47
    linked = ok(await stage.api(UNION).get(f"/v1/cases/{group}/case-links", params={"limit": 200}))["data"]
    assert len([link for link in linked if link["kind"] == "same_employer"]) == 46
    aided = [await stage.refer(UNION, case_id, "JUS-01", LEGAL_AID) for case_id in workers]
    assert {last_day_of(referral, "resolve_by") for referral in aided} == {"2026-05-15"}
    granted, refused = (f"/v1/referrals/{referral['id']}" for referral in aided[:2])
    for path, outcome in ((granted, "met"), (refused, "not_met")):
        await stage.step(LEGAL_AID, path, "accept")
        await stage.step(LEGAL_AID, path, "start")
        await stage.step(LEGAL_AID, path, "complete", outcome=outcome, text="已审查")
    outcomes = [ok(await stage.api(UNION).get(f"/v1/referrals/{one['id']}"))["outcome"] for one in aided[:3]]
    assert outcomes == ["met", "not_met", None]


async def test_whom_the_advance_is_not_for_is_refused_with_a_reason_and_sent_on(stage: Stage) -> None:
    """The wage advance is for migrant workers; the others are referred to temporary relief."""
    await group_case(stage)
    case_id = await stage.report(UNION, person={"employer": MILL}, household=None, needs=["wage", "living"])
    advance = await stage.refer(UNION, case_id, "FIN-04", FINANCE)
    path = f"/v1/referrals/{advance['id']}"
    refusal: Json = {"reason": "not_eligible", "text": "应急周转金限垫付农民工工资"}
    refused = await stage.step(FINANCE, path, "reject", **refusal)
    assert refused["status"] == "rejected"
    (task,) = ok(await stage.api(UNION).get(f"/v1/cases/{case_id}/tasks"))["data"]
    assert (task["kind"], task["referral_id"]) == ("reroute", advance["id"])
    relief = await stage.refer(UNION, case_id, "CIV-04", CIVIL)
    assert relief["warnings"] == []

"""ST10 Push-back and policy gap: a platform worker's contributions, 'not our duty', and a conference that assigns.

The clock of sixty working days crosses into 2027: provisional, and counted again when the calendar of 2027 comes.
"""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from crypto.keys import Keyring
from db.directory import confirm_year
from db.operator import open_operator_transaction
from jobs.clocks import recalculate_deadlines
from settings import Settings
from tests.stories.stage import Json, Stage, last_day_of, ok, open_stage

UNION, CITY = "DEMO-340802-UNION", "DEMO-340800-UNION"
LABOUR, FINANCE, JUSTICE = "DEMO-340800-INSPECTION", "DEMO-340800-FINANCE", "DEMO-340800-JUSTICE"
NOT_OURS: Json = {
    "reason": "not_competent",
    "text": "平台骑手无劳动合同，不属本单位职责",
    "competent_agency_kind": "finance",
    "legal_basis": "社会保险法第63条",
}


@pytest.fixture
async def stage(fresh_database: str, keyring: Keyring, settings: Settings) -> AsyncIterator[Stage]:
    codes = (UNION, CITY, LABOUR, FINANCE, JUSTICE)
    async with open_stage(fresh_database, keyring, settings, at="2026-11-24", codes=codes) as opened:
        yield opened


async def referred(stage: Stage) -> Json:
    """The union refers the rider's unpaid contributions to labour inspection."""
    case_id = await stage.report(UNION, needs=["social_insurance"])
    note = "外卖骑手，无书面合同，社保欠缴"
    return await stage.refer(UNION, case_id, "LAB-17", LABOUR, need="social_insurance", note=note)


async def conferred(stage: Stage, referral: Json) -> Json:
    """A special session at the city's union, called by the coordinator's superior, with the disputed referral on its
    agenda; the item as it was decided."""
    city = stage.api(CITY)
    members = [str(stage.desk.agency(code)) for code in (UNION, LABOUR, FINANCE, JUSTICE)]
    founded = {"name": "安庆市困难职工帮扶联席会议", "division_code": "340800", "members": members, "quorum": 3}
    conference = ok(await city.post("/v1/conferences", founded), 201)
    called = {"kind": "special", "starts_at": "2026-12-09T01:00:00Z", "venue": "市总工会三楼会议室"}
    session = ok(await city.post(f"/v1/conferences/{conference['id']}/sessions", called), 201)
    await stage.until("2026-12-09 09:00")
    path = f"/v1/conference-sessions/{session['id']}"
    (item,) = ok(await city.get(path))["agenda"]
    assert (item["kind"], item["referral_id"], item["matter"]["code"]) == ("disputed", referral["id"], "LAB-17")
    opened = ok(await city.post(f"{path}/open", {"attended": members[:3]}, if_match=session["version"]))
    decision = {
        "text": "由劳动保障监察牵头，财政、司法配合",
        "lead": str(stage.desk.agency(LABOUR)),
        "support": members[2:],
        "tasks": [{"owner": members[2], "text": "核定欠缴数额", "due_on": "2026-12-23"}],
    }
    decided = ok(await city.post(f"/v1/agenda-items/{item['id']}/decide", decision, if_match=item["version"]))
    ok(await city.post(f"{path}/close", {"minutes": "一项议题，已议定"}, if_match=opened["version"]))
    return decided


async def test_not_our_duty_is_answered_by_a_conference_that_assigns(stage: Stage) -> None:
    referral = await referred(stage)
    assert last_day_of(referral, "accept_by") == "2026-12-01"
    await stage.until("2026-11-30 10:00")
    silent = {key: NOT_OURS[key] for key in ("reason", "text")}
    path = f"/v1/referrals/{referral['id']}"
    refused = await stage.step(LABOUR, path, "return", 422, **silent)
    assert {error["pointer"] for error in refused["errors"]} == {"/competent_agency_kind", "/legal_basis"}
    rejected = await stage.step(LABOUR, path, "reject", 409, **NOT_OURS)
    assert rejected["code"] == "invalid-transition", "a statutory duty is not rejected"
    await stage.step(LABOUR, path, "return", **NOT_OURS)
    await stage.until("2026-12-02 09:00")
    disputed = await stage.step(UNION, path, "dispute", reason="competence", text="参照社会保险法应由劳动监察受理")
    decided = await conferred(stage, referral)
    assert decided["effects"] == [{"status": "returned", "outcome": None}]
    for code in (UNION, LABOUR):
        assert len(await stage.told(code, "referral.assigned")) == 1
    seen = ok(await stage.api(UNION).get(path))
    assert (seen["assigned"], seen["version"]) == (True, disputed["version"] + 1)


async def test_a_second_return_is_refused_and_the_work_is_done_where_it_was_assigned(stage: Stage) -> None:
    referral = await referred(stage)
    path = f"/v1/referrals/{referral['id']}"
    await stage.step(LABOUR, path, "return", **NOT_OURS)
    await stage.step(UNION, path, "dispute", reason="competence", text="应由劳动监察受理")
    decided = await conferred(stage, referral)
    await stage.step(UNION, path, "resubmit", text="按联席会议议定")
    for step in ("return", "reject"):
        assert (await stage.step(LABOUR, path, step, 409, **NOT_OURS))["code"] == "invalid-transition"
    said = {"reason": "competence", "text": "仍认为不属本单位"}
    assert (await stage.step(LABOUR, path, "dispute", 409, **said))["reason"] == "assigned-by-conference"
    await stage.step(LABOUR, path, "accept")
    await stage.step(LABOUR, path, "start")
    await stage.step(LABOUR, path, "complete", outcome="met", text="已补缴")
    item = ok(await stage.api(CITY).get(f"/v1/agenda-items/{decided['id']}"))
    assert item["effects"] == [{"status": "completed", "outcome": "met"}], "followed until its effect is seen"


async def test_the_gap_becomes_a_proposal_to_the_provincial_congress_in_five_facets(stage: Stage) -> None:
    case_id = await stage.report(UNION, needs=["social_insurance"])
    referral = await stage.refer(UNION, case_id, "LAB-17", LABOUR, need="social_insurance")
    path = f"/v1/referrals/{referral['id']}"
    await stage.step(LABOUR, path, "return", **NOT_OURS)
    await stage.step(UNION, path, "dispute", reason="competence", text="应由劳动监察受理")
    union = stage.api(UNION)
    gap = {"need": "social_insurance", "ground": "disputed", "text": "平台骑手无劳动合同，参保责任主体无明文"}
    ok(await union.post(f"/v1/cases/{case_id}/policy-gaps", gap), 201)
    facets = {
        "object": "平台骑手",
        "means": "参保登记与缴费分担",
        "subject": "人力资源社会保障部门牵头，税务配合",
        "operating_mode": "平台代扣，按单计缴",
        "funding_source": "平台企业与骑手分担，财政补贴",
    }
    said = {"title": "关于平台骑手参加社会保险的建议", "need": "social_insurance", "addressee_name": "省人民代表大会"}
    draft = ok(await union.post("/v1/proposals", said | facets | {"means": None}), 201)
    unfinished = await stage.step(UNION, f"/v1/proposals/{draft['id']}", "send", 422)
    assert [error["pointer"] for error in unfinished["errors"]] == ["/means"], "all five facets are needed"
    whole = ok(await union.patch(f"/v1/proposals/{draft['id']}", {"means": facets["means"]}, if_match=draft["version"]))
    sent = ok(await union.post(f"/v1/proposals/{draft['id']}/send", {}, if_match=whole["version"]))
    assert (sent["status"], sent["addressee_name"]) == ("sent", "省人民代表大会")


async def test_the_long_clock_into_2027_is_provisional_and_counted_again_with_its_calendar(stage: Stage) -> None:
    asked = await referred(stage)
    referral = await stage.step(LABOUR, f"/v1/referrals/{asked['id']}", "accept")
    assert (last_day_of(referral, "resolve_by"), referral["due_confirmed"]) == ("2027-02-23", False)
    # An invented notice: a day more off than the statutory days, so that the date moves.
    spring = [(date(2027, 2, day), False) for day in range(5, 12)]
    async with open_operator_transaction(stage.desk.url) as raw:
        await confirm_year(raw, 2027, "国办发明电〔2026〕0号", [(date(2027, 1, 1), False), *spring])
    await recalculate_deadlines(stage.desk.jobs, 2027)
    counted = ok(await stage.api(UNION).get(f"/v1/referrals/{referral['id']}"))
    assert (last_day_of(counted, "resolve_by"), counted["due_confirmed"]) == ("2027-02-24", True)
    assert len(await stage.told(LABOUR, "deadline.recalculated")) == 1

"""ST08 Data share between agencies: the union asks civil affairs for the dibao status of 212 persons."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from crypto.keys import Keyring
from db.directory import confirm_year
from db.operator import open_operator_transaction
from jobs.clocks import recalculate_deadlines
from settings import Settings
from tests.stories.stage import Json, Stage, last_day_of, ok, open_stage

UNION, CIVIL, MEDICAL = "DEMO-340802-UNION", "DEMO-340802-CIVIL", "DEMO-340802-MEDICAL"
DIBAO: Json = {
    "name": "最低生活保障对象信息",
    "items": ["是否低保", "起止时间", "保障金额"],
    "format": "JSON",
    "update_frequency": "每月",
    "share_type": "conditional",
    "mode": "batch",
    "conditions": "用于困难职工帮扶资格核对，须取得本人同意",
    "classification": "敏感",
    "approved_by": "局长",
}
CONSENT: Json = {"kind": "consent", "reference": "同意书 2026-09"}


@pytest.fixture
async def stage(fresh_database: str, keyring: Keyring, settings: Settings) -> AsyncIterator[Stage]:
    codes = (UNION, CIVIL, MEDICAL)
    async with open_stage(fresh_database, keyring, settings, at="2026-09-21", codes=codes) as opened:
        yield opened


async def published(stage: Stage, **changes: Any) -> str:
    """The catalogue item of civil affairs."""
    item_id: str = ok(await stage.api(CIVIL).post("/v1/catalogue-items", DIBAO | changes), 201)["id"]
    return item_id


async def ask(stage: Stage, item: str, status: int = 201, **changes: Any) -> Json:
    said = {
        "item": item,
        "basis": CONSENT,
        "persons": 212,
        "consents": 203,
        "scene": "秋季帮扶资格核对",
        "scope": ["是否低保"],
        "mode": "batch",
        "until": "2026-12-31",
        "approved_by": "分管副主席",
    }
    return ok(await stage.api(UNION).post("/v1/share-requests", said | changes), status)


async def test_a_conditional_share_is_answered_supplemented_delivered_corrected_and_disposed_of(stage: Stage) -> None:
    asked = await ask(stage, await published(stage))
    path = f"/v1/share-requests/{asked['id']}"
    assert last_day_of(asked, "due_at") == "2026-10-12", "ten working days over Mid-Autumn and the National Day"
    await stage.until("2026-09-25 09:00")
    early = await stage.step(CIVIL, path, "agree", 403)
    assert (early["code"], early["reason"]) == ("consent-missing", "consents-incomplete")
    missing = ["9人缺本人同意书"]
    paused = await stage.step(CIVIL, path, "ask_supplement", missing=missing)
    assert (paused["status"], paused["missing"], paused["paused"]) == ("supplement_asked", missing, True)
    await stage.until("2026-09-28 09:00")
    again = await stage.step(UNION, path, "supplement", text="已补齐9份同意书", count=212)
    assert (again["consents"], last_day_of(again, "due_at")) == (212, "2026-10-13"), "the clock stood one working day"
    twice = await stage.step(CIVIL, path, "ask_supplement", 409, missing=["再补"])
    assert "ask_supplement" not in twice["allowed"], "what is missing is asked for once"
    await stage.until("2026-10-09 10:00")
    agreed = await stage.step(CIVIL, path, "agree")
    assert last_day_of(agreed, "due_at") == "2026-11-05", "delivered within twenty working days"
    await stage.step(CIVIL, path, "deliver", count=212, sha256="0" * 64)
    await stage.until("2026-10-12 10:00")
    correcting = await stage.step(UNION, path, "ask_correction", count=3, text="3条起止时间有误")
    assert last_day_of(correcting, "due_at") == "2026-10-26", "corrected within ten working days"
    await stage.step(CIVIL, path, "correct", text="已更正3条")
    done = await stage.step(UNION, path, "dispose", certificate="销毁证明 2026-11")
    said = {one["step"]: one for one in done["steps"]}
    assert (said["ask_correction"]["text"], said["correct"]["text"]) == ("3条起止时间有误", "已更正3条"), "each is kept"
    assert done["item"]["conditions"] == DIBAO["conditions"]
    assert (done["status"], done["wrong"], done["due_at"], done["allowed_steps"]) == ("disposed", 3, None, [])
    assert len(await stage.told(UNION, "share_request.delivered")) == 1


async def test_an_answer_that_is_late_is_told_once_to_both_sides(stage: Stage) -> None:
    asked = await ask(stage, await published(stage))
    await stage.until("2026-10-12 23:00")
    assert await stage.events("share_request.overdue", asked["id"]) == 0
    await stage.until("2026-10-20 09:00")
    assert await stage.events("share_request.overdue", asked["id"]) == 1
    for code in (UNION, CIVIL):
        assert len(await stage.told(code, "share_request.overdue")) == 1


async def test_papers_asked_for_when_it_is_late_do_not_make_it_late_again(stage: Stage) -> None:
    asked = await ask(stage, await published(stage))
    path = f"/v1/share-requests/{asked['id']}"
    await stage.until("2026-10-14 09:00")
    await stage.step(CIVIL, path, "ask_supplement", missing=["公章"])
    await stage.until("2026-10-16 09:00")
    supplemented = await stage.step(UNION, path, "supplement", text="已盖章")
    assert supplemented["consents"] == 203, "a seal is no consent"
    await stage.until("2026-10-23 09:00")
    assert await stage.events("share_request.overdue", asked["id"]) == 1


async def test_more_time_needs_the_data_authority_and_comes_once(stage: Stage) -> None:
    asked = await ask(stage, await published(stage))
    path = f"/v1/share-requests/{asked['id']}"
    more: Json = {"text": "系统升级", "approved_by": "市数据资源管理局"}
    unapproved = await stage.step(CIVIL, path, "extend", 422, text="系统升级")
    assert unapproved["errors"][0]["pointer"] == "/approved_by"
    extended = await stage.step(CIVIL, path, "extend", **more)
    assert last_day_of(extended, "due_at") == "2026-10-26"
    assert extended["steps"][-1]["approved_by"] == "市数据资源管理局"
    assert (await stage.step(CIVIL, path, "extend", 409, **more))["code"] == "invalid-transition"


async def test_a_clock_into_the_next_year_is_provisional_and_counted_again_with_its_calendar(stage: Stage) -> None:
    item = await published(stage)
    await stage.until("2026-12-21 09:00")
    asked = await ask(stage, item, until="2027-06-30")
    assert (last_day_of(asked, "due_at"), asked["due_confirmed"]) == ("2027-01-05", False)
    # An invented notice: a day more off than the statutory day, so that the date moves.
    async with open_operator_transaction(stage.desk.url) as raw:
        await confirm_year(raw, 2027, "国办发明电〔2026〕0号", [(date(2027, 1, day), False) for day in (1, 4)])
    await recalculate_deadlines(stage.desk.jobs, 2027)
    counted = ok(await stage.api(UNION).get(f"/v1/share-requests/{asked['id']}"))
    assert (last_day_of(counted, "due_at"), counted["due_confirmed"]) == ("2027-01-06", True)
    for code in (UNION, CIVIL):
        assert len(await stage.told(code, "deadline.recalculated")) == 1


async def test_a_union_without_consent_is_refused(stage: Stage) -> None:
    item = await published(stage)
    duty = await ask(stage, item, 403, basis={"kind": "statutory_duty", "reference": "工会法"})
    assert (duty["code"], duty["reason"]) == ("consent-missing", "no-organ-of-state")
    none = await ask(stage, item, 403, consents=0)
    assert (none["code"], none["reason"]) == ("consent-missing", "no-consents")


async def test_what_has_no_conditions_is_answered_in_a_day_and_what_is_not_shared_is_not_asked_for(
    stage: Stage,
) -> None:
    free = await published(stage, share_type="unconditional", conditions=None)
    assert last_day_of(await ask(stage, free), "due_at") == "2026-09-22"
    closed = await published(stage, share_type="not_shared", conditions=None, legal_citation="某行政法规第9条")
    assert (await ask(stage, closed, 409))["reason"] == "item-not-shared"
    bare = await stage.api(CIVIL).post("/v1/catalogue-items", DIBAO | {"share_type": "not_shared"})
    assert {error["pointer"] for error in ok(bare, 422)["errors"]} == {"/conditions", "/legal_citation"}


async def test_a_refusal_gives_reasons_and_climbs_three_levels(stage: Stage) -> None:
    asked = await ask(stage, await published(stage))
    path = f"/v1/share-requests/{asked['id']}"
    assert {one["pointer"] for one in (await stage.step(CIVIL, path, "refuse", 422))["errors"]} == {"/reason", "/text"}
    await stage.step(CIVIL, path, "refuse", reason="scope_too_wide", text="超出帮扶所需")
    for level in ("talk", "authority", "government"):
        assert (await stage.step(UNION, path, "escalate", text="申请协调"))["dispute"] == level
    assert (await stage.step(UNION, path, "escalate", 409, text="再申请"))["allowed"] == []


async def test_only_the_two_sides_see_a_request_and_everybody_the_catalogue(stage: Stage) -> None:
    item = await published(stage)
    asked = await ask(stage, item)
    medical = stage.api(MEDICAL)
    assert (await medical.get(f"/v1/share-requests/{asked['id']}")).status_code == 404
    assert ok(await medical.get("/v1/share-requests"))["data"] == []
    assert ok(await medical.get(f"/v1/catalogue-items/{item}"))["provider"]["id"] == str(stage.desk.agency(CIVIL))
    revision = DIBAO | {"retired": True}
    assert (await medical.send("PUT", f"/v1/catalogue-items/{item}", json=revision, if_match=1)).status_code == 403
    retired = ok(await stage.api(CIVIL).send("PUT", f"/v1/catalogue-items/{item}", json=revision, if_match=1))
    assert (retired["version"], retired["retired_at"] is None) == (2, False)
    assert (await ask(stage, item, 422))["errors"][0]["code"] == "unknown-item"

"""ST06 Below-minimum wage and overtime, 19 workers at a garment shop: mediation fails, arbitration awards."""

from collections.abc import AsyncIterator

import pytest

from crypto.keys import Keyring
from settings import Settings
from tests.builders import identity_number
from tests.stories.stage import Json, Stage, last_day_of, ok, open_stage

UNION, LABOUR, INSPECTION = "DEMO-340802-UNION", "DEMO-340802-LABOUR", "DEMO-340800-INSPECTION"
SHOP = {"name": "云霞制衣", "uscc": "91340800MA0000007A"}


@pytest.fixture
async def stage(fresh_database: str, keyring: Keyring, settings: Settings) -> AsyncIterator[Stage]:
    codes = (UNION, LABOUR, INSPECTION)
    async with open_stage(fresh_database, keyring, settings, at="2026-08-28", codes=codes) as opened:
        yield opened


async def worker(stage: Stage, **person: object) -> str:
    """The case of one of the shop's workers."""
    return await stage.report(UNION, needs=["wage"], household=None, person={"employer": SHOP, **person})


async def test_nineteen_workers_are_cases_of_their_own_in_one_group_case(stage: Stage) -> None:
    nobody = dict.fromkeys(("person", "household", "causes", "sharing_basis"))
    group = await stage.report(UNION, needs=["wage"], employer=SHOP, **nobody)
    cases = {await worker(stage) for _ in range(19)}
    linked = ok(await stage.api(UNION).get(f"/v1/cases/{group}/case-links", params={"limit": 200}))["data"]
    assert len(cases) == len([link for link in linked if link["kind"] == "same_employer"]) == 19


async def test_mediation_that_fails_goes_to_arbitration_by_the_days_of_the_law(stage: Stage) -> None:
    case_id = await worker(stage)
    mediation = await stage.refer(UNION, case_id, "LAB-05", LABOUR)
    assert last_day_of(mediation, "resolve_by") == "2026-09-14", "fifteen days end on a Saturday"
    path = f"/v1/referrals/{mediation['id']}"
    await stage.step(LABOUR, path, "accept")
    await stage.until("2026-09-14 09:00")
    await stage.step(LABOUR, path, "fail", reason="other", text="用人单位拒绝调解")
    arbitration = await stage.refer(UNION, case_id, "LAB-06", LABOUR)
    assert last_day_of(arbitration, "accept_by") == "2026-09-20", "five days end on a Saturday; Sunday is worked"
    path = f"/v1/referrals/{arbitration['id']}"
    await stage.until("2026-09-18 10:00")
    assert last_day_of(await stage.step(LABOUR, path, "accept"), "resolve_by") == "2026-11-02"
    more: Json = {"reason": "complex_facts", "text": "十九人合并审理", "approved_by": "仲裁委员会主任"}
    unapproved = {key: more[key] for key in ("reason", "text")}
    assert (await stage.step(LABOUR, path, "extend", 422, **unapproved))["errors"][0]["pointer"] == "/approved_by"
    assert last_day_of(await stage.step(LABOUR, path, "extend", **more), "resolve_by") == "2026-11-17"


async def test_a_retired_worker_of_61_is_admitted(stage: Stage) -> None:
    """超龄劳动者权益保障: whose age passed retirement has the same way, and no office may refuse it for that."""
    born = stage.now.date().replace(year=stage.now.year - 61)
    old = {"birth_date": born.isoformat(), "id_number": identity_number(born), "employment_status": "retired"}
    referral = await stage.refer(UNION, await worker(stage, **old), "LAB-20", INSPECTION)
    path = f"/v1/referrals/{referral['id']}"
    refusal: Json = {"reason": "not_eligible", "text": "已过退休年龄"}
    assert (await stage.step(INSPECTION, path, "reject", 409, **refusal))["code"] == "invalid-transition"
    assert (await stage.step(INSPECTION, path, "accept"))["status"] == "accepted"


async def test_the_award_is_shared_and_adopted_by_the_inspection(stage: Stage) -> None:
    case_id = await worker(stage)
    lead = await stage.refer(UNION, case_id, "LAB-02", INSPECTION)
    await stage.step(INSPECTION, f"/v1/referrals/{lead['id']}", "accept")
    arbitration = await stage.refer(UNION, case_id, "LAB-06", LABOUR)
    path = f"/v1/referrals/{arbitration['id']}"
    await stage.step(LABOUR, path, "accept")
    await stage.step(LABOUR, path, "start")
    await stage.until("2026-11-20 10:00")
    award = {"kind": "award", "code": "wage-award", "text": "裁决支付工资差额及加班工资"}
    await stage.step(LABOUR, path, "complete", outcome="met", text="已裁决并支付", result=award)
    (result,) = ok(await stage.api(INSPECTION).get(f"/v1/cases/{case_id}/results"))["data"]
    adopted = await stage.api(INSPECTION).post(f"/v1/results/{result['id']}/adoptions", {"decision": "adopted"})
    assert ok(adopted, 201)["decision"] == "adopted"
    for code in (UNION, LABOUR):
        assert len(await stage.told(code, "result.adopted")) == 1
    own = await stage.api(LABOUR).post(f"/v1/results/{result['id']}/adoptions", {"decision": "adopted"})
    assert own.status_code == 403, "whoever decided does not adopt its own"

"""ST09 Emergency at a weekend: a fire on a Saturday night, relief in hours, the emergency access reviewed."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from crypto.keys import Keyring
from settings import Settings
from tests.stories.stage import Json, Stage, last_day_of, ok, open_stage, shanghai

UNION, CITY = "DEMO-340802-UNION", "DEMO-340800-UNION"
CIVIL, INSURANCE = "DEMO-340802-CIVIL", "DEMO-340802-INSURANCE"


@pytest.fixture
async def stage(fresh_database: str, keyring: Keyring, settings: Settings) -> AsyncIterator[Stage]:
    codes = (UNION, CITY, CIVIL, INSURANCE)
    async with open_stage(fresh_database, keyring, settings, at="2026-07-11 22:10", codes=codes) as opened:
        yield opened


def at(thing: Json, clock: str) -> datetime:
    return datetime.fromisoformat(thing[clock])


async def burned_out(stage: Stage, **said: object) -> str:
    """The case of one of the families, reported by the night duty over the app."""
    return await stage.report(UNION, channel="app", urgency="emergency", needs=["living", "housing"], **said)


async def test_seven_families_are_helped_first_in_hours_through_the_weekend(stage: Stage) -> None:
    for _ in range(7):
        asked = await stage.refer(UNION, await burned_out(stage), "CIV-05", CIVIL, urgency="emergency")
        assert at(asked, "acknowledge_by") == shanghai("2026-07-12 00:10")
        assert at(asked, "resolve_by") == shanghai("2026-07-12 22:10")
        path = f"/v1/referrals/{asked['id']}"
        for name in ("receive", "accept", "start"):
            await stage.step(CIVIL, path, name)
        relief = [{"kind": "living", "depth": "emergency", "amount_fen": 200_000, "source": "临时救助"}]
        done = await stage.step(CIVIL, path, "complete", outcome="met", text="先行救助", assistance=relief)
        assert (done["status"], done["overdue"]) == ("completed", [])


async def test_an_emergency_that_nobody_answers_climbs_within_hours(stage: Stage) -> None:
    asked = await stage.refer(UNION, await burned_out(stage), "CIV-05", CIVIL, urgency="emergency")
    await stage.until("2026-07-12 12:10")
    rows = ok(await stage.api(CITY).get("/v1/escalations?box=told"))["data"]
    assert {(row["referral_id"], row["clock"], row["level"]) for row in rows} == {(asked["id"], "accept", "supervisor")}


async def test_the_emergency_access_is_opened_in_time_and_reviewed_by_the_coordinator(stage: Stage) -> None:
    case_id = await burned_out(stage)
    asked = await stage.refer(UNION, case_id, "CIV-05", CIVIL, urgency="emergency")
    await stage.step(CIVIL, f"/v1/referrals/{asked['id']}", "accept")
    danger = {"danger": "health", "text": "火灾伤员需立即核对身份与病史", "hours": 12}
    actor = {"headers": {"tongli-actor": "night-duty"}}
    opened = await stage.api(CIVIL).post(f"/v1/cases/{case_id}/break-glass", danger, **actor)
    glass = ok(opened, 201)
    own = {"verdict": "justified", "text": "自行复核"}
    refused = await stage.api(CIVIL).post(f"/v1/break-glass/{glass['id']}/review", own)
    assert refused.status_code == 403, "whoever opened it does not judge it"
    judged = {"verdict": "justified", "text": "火灾救援所需"}
    assert ok(await stage.api(UNION).post(f"/v1/break-glass/{glass['id']}/review", judged))["verdict"] == "justified"


async def test_a_household_keeps_its_other_problem_with_its_own_clock(stage: Stage) -> None:
    case_id = await burned_out(stage)
    await stage.until("2026-07-20 09:00")
    pension = await stage.refer(UNION, case_id, "LAB-18", INSURANCE)
    assert last_day_of(pension, "resolve_by") == "2026-08-17"

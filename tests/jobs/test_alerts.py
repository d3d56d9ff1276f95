"""Clusters of new cases raise one alert each, worsen and subside; a reporting clock that passed is told once."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from crypto.keys import Keyring
from jobs.clocks import look_once, watch_new_cases
from tests.jobs.desk import LABOUR, UNION, Desk, open_desk

CITY = "DEMO-340800-UNION"
NIGHT = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)


@pytest.fixture
async def desk(fresh_database: str, keyring: Keyring) -> AsyncIterator[Desk]:
    async with open_desk(fresh_database, keyring, codes=(UNION, LABOUR, CITY)) as opened:
        await opened.behind.execute("UPDATE \"case\" SET opened_at = '2020-01-01'")
        yield opened


_CASE = """
INSERT INTO "case" (id, number, kind, status, coordinator_agency_id, division_code, employer_id, causes_secondary,
                    urgency, opened_at, updated_at, version)
VALUES ($1, $2, 'employer', 'active', $3, $4, $5, '{}', 'normal', $6, $6, 1)"""


async def employer(desk: Desk, name: str) -> UUID:
    made = uuid4()
    await desk.behind.execute("INSERT INTO employer (id, name, created_at) VALUES ($1, $2, now())", made, name)
    return made


async def cases(desk: Desk, of: UUID, count: int, *, days_ago: float = 1, place: str = "340802") -> None:
    """New cases that name an employer, before the night."""
    for _ in range(count):
        made = uuid4()
        opened = NIGHT - timedelta(days=days_ago)
        await desk.behind.execute(_CASE, made, f"T-{made}", desk.agency(UNION), place, of, opened)


async def alerts(desk: Desk) -> list[dict[str, Any]]:
    """Of employers, without those of counties."""
    rows = await desk.behind.fetch("SELECT * FROM alert WHERE subject_kind = 'employer' ORDER BY raised_at, id")
    return [dict(row) for row in rows]


async def told(desk: Desk, alert_id: UUID) -> list[str]:
    rows = await desk.behind.fetch("SELECT type FROM event WHERE subject_id = $1 ORDER BY occurred_at, id", alert_id)
    return [row["type"] for row in rows]


async def test_a_cluster_raises_one_alert_however_often_it_is_looked_at(desk: Desk) -> None:
    plant, shop = await employer(desk, "聚集厂"), await employer(desk, "平常店")
    await cases(desk, plant, 9)
    await cases(desk, shop, 2)
    for _ in range(2):
        await watch_new_cases(desk.at(NIGHT), None)
    (alert,) = await alerts(desk)
    assert (alert["subject_key"], alert["subject_name"], alert["cases"]) == (str(plant), "聚集厂", 9)
    assert (alert["level"], alert["causes"], alert["division_code"]) == (4, ["cluster"], "340802")
    assert alert["line"][0] == alert["union_agency_id"] == desk.agency(UNION)
    assert await told(desk, alert["id"]) == ["alert.raised"]
    while await desk.number():
        pass
    event = await desk.behind.fetchval("SELECT id FROM event WHERE subject_id = $1", alert["id"])
    assert event in await desk.event_ids(UNION)
    assert event in await desk.event_ids(CITY)
    assert event not in await desk.event_ids(LABOUR)


async def test_a_cluster_of_several_counties_belongs_to_their_city(desk: Desk) -> None:
    plant = await employer(desk, "两县厂")
    await cases(desk, plant, 5, place="340802")
    await cases(desk, plant, 5, place="340803")
    await watch_new_cases(desk.at(NIGHT), None)
    (alert,) = await alerts(desk)
    assert (alert["division_code"], alert["union_agency_id"]) == ("340800", desk.agency(CITY))


async def test_whoever_always_brings_cases_raises_nothing_by_them(desk: Desk) -> None:
    plant = await employer(desk, "常年厂")
    for days in range(1, 390, 4):
        await cases(desk, plant, 1, days_ago=days)
    await watch_new_cases(desk.at(NIGHT), None)
    assert await alerts(desk) == []


async def test_a_cluster_that_grows_worsens_and_one_that_is_over_subsides(desk: Desk) -> None:
    plant = await employer(desk, "渐重厂")
    await cases(desk, plant, 9)
    await watch_new_cases(desk.at(NIGHT), None)
    await cases(desk, plant, 15)
    await watch_new_cases(desk.at(NIGHT + timedelta(days=1)), None)
    (alert,) = await alerts(desk)
    assert (alert["level"], alert["cases"], alert["version"]) == (3, 24, 2)
    assert alert["report_by"] == NIGHT + timedelta(days=1, hours=12)
    for days in (40, 59, 61, 75):
        await watch_new_cases(desk.at(NIGHT + timedelta(days=days)), None)
    (ended,) = await alerts(desk)
    assert (ended["status"], ended["outcome"]) == ("resolved", "subsided")
    assert await told(desk, alert["id"]) == ["alert.raised", "alert.raised", "alert.cleared"]


async def test_what_an_agency_stated_does_not_subside(desk: Desk) -> None:
    plant = await employer(desk, "有信号厂")
    await cases(desk, plant, 9)
    await watch_new_cases(desk.at(NIGHT), None)
    await desk.behind.execute("UPDATE alert SET causes = causes || '{wage_arrears}'")
    await watch_new_cases(desk.at(NIGHT + timedelta(days=90)), None)
    (alert,) = await alerts(desk)
    assert alert["status"] == "open"


async def test_a_reporting_clock_that_passed_is_told_once_for_each_level(desk: Desk) -> None:
    plant = await employer(desk, "迟报厂")
    await cases(desk, plant, 20)
    await watch_new_cases(desk.at(NIGHT), None)
    (alert,) = await alerts(desk)
    for hours in (11, 12, 13, 30):
        await look_once(desk.at(NIGHT + timedelta(hours=hours)))
        late = (await told(desk, alert["id"])).count("alert.overdue")
        assert late == (hours >= 12)
    await cases(desk, plant, 100)
    later = NIGHT + timedelta(days=1)
    await watch_new_cases(desk.at(later), None)
    for hours in (1, 2, 3):
        await look_once(desk.at(later + timedelta(hours=hours)))
    assert await told(desk, alert["id"]) == ["alert.raised", "alert.overdue"] * 2
    leaf = await desk.behind.fetchrow("SELECT * FROM audit_leaf WHERE action = 'alert.overdue' LIMIT 1")
    assert leaf is not None
    assert (leaf["principal_kind"], json.loads(leaf["facts"])) == ("system", {})


async def test_an_acknowledged_alert_is_never_overdue(desk: Desk) -> None:
    await cases(desk, await employer(desk, "已报厂"), 20)
    await watch_new_cases(desk.at(NIGHT), None)
    await desk.behind.execute("UPDATE alert SET status = 'acknowledged'")
    await look_once(desk.at(NIGHT + timedelta(days=2)))
    (alert,) = await alerts(desk)
    assert "alert.overdue" not in await told(desk, alert["id"])


async def test_a_day_is_looked_at_once_by_one_process(desk: Desk) -> None:
    day = await watch_new_cases(desk.at(NIGHT), None)
    await cases(desk, await employer(desk, "当日厂"), 9)
    assert await watch_new_cases(desk.at(NIGHT + timedelta(hours=1)), day) == day
    assert await alerts(desk) == []
    await watch_new_cases(desk.at(NIGHT + timedelta(days=1)), day)
    assert len(await alerts(desk)) == 1


async def test_a_task_past_its_date_is_told_once_to_whoever_has_it_and_to_its_union(desk: Desk) -> None:
    plan, activation, task = (uuid4() for _ in range(3))
    union, labour = desk.agency(UNION), desk.agency(LABOUR)
    await desk.behind.execute(
        "INSERT INTO plan (id, agency_id, title, level, signals, actions, status, created_at, updated_at, version) "
        "VALUES ($1, $2, 'x', 1, '{}', '[]', 'active', $3, $3, 1)",
        *(plan, union, NIGHT),
    )
    await desk.behind.execute(
        "INSERT INTO plan_activation (id, plan_id, agency_id, drill, title, status, activated_at, updated_at, version) "
        "VALUES ($1, $2, $3, true, 'x', 'active', $4, $4, 1)",
        *(activation, plan, union, NIGHT),
    )
    await desk.behind.execute(
        "INSERT INTO plan_task (id, activation_id, agency_id, owner_agency_id, title, drill, due_at, status, overdue,"
        "                       created_at, updated_at, version) "
        "VALUES ($1, $2, $3, $4, 'x', true, $5, 'open', false, $6, $6, 1)",
        *(task, activation, labour, union, NIGHT + timedelta(hours=24), NIGHT),
    )
    for hours, times in ((23, 0), (24, 1), (25, 1)):
        await look_once(desk.at(NIGHT + timedelta(hours=hours)))
        assert await told(desk, task) == ["plan_task.overdue"] * times
    while await desk.number():
        pass
    event = await desk.behind.fetchval("SELECT id FROM event WHERE subject_id = $1", task)
    assert event in await desk.event_ids(LABOUR)
    assert event in await desk.event_ids(UNION)
    assert event not in await desk.event_ids(CITY)

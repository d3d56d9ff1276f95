"""Signals of agencies raise one alert of a subject, which its unions see, acknowledge and resolve."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from db.engine import Raw
from tests.actions.instances import superuser
from tests.actions.story import Json, body_of
from tests.builders import Api, fresh_key
from tests.conftest import OpenApi

ALERTS, SIGNALS = "/v1/alerts", "/v1/signals"


@pytest.fixture
async def raw(admin_url: str) -> AsyncIterator[Raw]:
    async with superuser(admin_url) as behind:
        yield behind


@pytest.fixture
async def city(open_api: OpenApi) -> Api:
    return await open_api("DEMO-340800-UNION")


@pytest.fixture
async def elsewhere(open_api: OpenApi) -> Api:
    return await open_api("DEMO-990101-UNION")


@pytest.fixture
def plant() -> str:
    """An employer of this test's own."""
    return f"{fresh_key()[:12]}纺织厂"


def of_plant(name: str, kind: str = "layoff_plan", **measured: int) -> Json:
    return {
        "kind": kind,
        "subject": {"kind": "employer", "division_code": "340802", "employer": {"name": name}},
        "measured": measured,
        "source": "裁员报告 2026-7",
        "observed_on": "2026-10-12",
    }


async def state(api: Api, said: Json) -> Json:
    answer = await api.post(SIGNALS, said)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def alerts_of(api: Api, name: str, query: str = "") -> list[Json]:
    answer = await api.get(f"{ALERTS}?limit=200{query}")
    assert answer.status_code == 200, answer.text
    return [row for row in answer.json()["data"] if row["subject"]["name"] == name]


async def take(api: Api, alert: Json, step: str, status: int = 200, **words: Any) -> Json:
    answer = await api.post(f"{ALERTS}/{alert['id']}/{step}", words, if_match=alert["version"])
    assert answer.status_code == status, answer.text
    return body_of(answer)


async def test_a_plant_that_lays_off_320_of_900_is_level_one_and_told_within_two_hours(
    union: Api, labour: Api, city: Api, plant: str, raw: Raw
) -> None:
    """Story ST07, the threshold rule."""
    kept = await state(labour, of_plant(plant, persons=320, workforce=900))
    assert kept["level"] == 1
    (alert,) = await alerts_of(union, plant)
    assert (alert["level"], alert["status"], alert["causes"]) == (1, "open", ["layoff_plan"])
    assert alert["union"]["id"] == str(union.id)
    row = await raw.fetchrow("SELECT raised_at, report_by FROM alert WHERE id = $1", UUID(alert["id"]))
    assert row is not None
    assert row["report_by"] - row["raised_at"] == timedelta(hours=2)
    assert [row["id"] for row in await alerts_of(city, plant)] == [alert["id"]]
    read = body_of(await city.get(f"{ALERTS}/{alert['id']}"))
    assert read["allowed_steps"] == []
    assert [(signal["agency"]["id"], signal["measured"]) for signal in read["signals"]] == [
        (str(labour.id), {"persons": 320, "workforce": 900})
    ]


async def test_whoever_states_a_signal_and_other_places_see_no_alert(
    union: Api, labour: Api, elsewhere: Api, plant: str
) -> None:
    await state(labour, of_plant(plant, persons=320, workforce=900))
    (alert,) = await alerts_of(union, plant)
    for stranger in (labour, elsewhere):
        assert await alerts_of(stranger, plant) == []
        assert (await stranger.get(f"{ALERTS}/{alert['id']}")).status_code == 404
        refused = await stranger.post(f"{ALERTS}/{alert['id']}/resolve", {"outcome": "handled"}, if_match=1)
        assert refused.status_code == 404


async def test_one_subject_has_one_alert_and_a_graver_signal_worsens_it(union: Api, labour: Api, plant: str) -> None:
    assert (await state(labour, of_plant(plant, "wage_arrears", months=2)))["level"] == 3
    (alert,) = await alerts_of(union, plant)
    alert = await take(union, alert, "acknowledge", reported_to="安庆市总工会")
    assert (alert["status"], alert["allowed_steps"]) == ("acknowledged", ["resolve"])
    await state(labour, of_plant(plant, "owner_fled"))
    (same,) = await alerts_of(union, plant)
    assert (same["id"], same["level"], same["status"]) == (alert["id"], 3, "acknowledged")
    assert same["causes"] == ["wage_arrears", "owner_fled"]
    await state(union, of_plant(plant, persons=320, workforce=900))
    (worse,) = await alerts_of(union, plant)
    assert (worse["id"], worse["level"], worse["status"], worse["reported_to"]) == (alert["id"], 1, "open", None)
    assert worse["version"] == alert["version"] + 1
    read = body_of(await union.get(f"{ALERTS}/{alert['id']}"))
    assert [signal["kind"] for signal in read["signals"]] == ["layoff_plan", "owner_fled", "wage_arrears"]


async def test_a_signal_below_every_threshold_is_kept_and_raises_nothing(union: Api, labour: Api, plant: str) -> None:
    assert (await state(labour, of_plant(plant, persons=3, workforce=900)))["level"] is None
    assert await alerts_of(union, plant) == []


async def test_a_resolved_alert_is_no_more_and_the_next_signal_raises_another(
    union: Api, labour: Api, city: Api, plant: str
) -> None:
    await state(labour, of_plant(plant, "closure"))
    (alert,) = await alerts_of(union, plant)
    refused = await city.post(f"{ALERTS}/{alert['id']}/resolve", {"outcome": "handled"}, if_match=1)
    assert refused.status_code == 403, "the union of the place does"
    await take(union, alert | {"version": 7}, "resolve", 412, outcome="handled")
    assert (await union.post(f"{ALERTS}/{alert['id']}/resolve", {"outcome": "handled"})).status_code == 428
    await take(union, alert, "acknowledge", 422)
    done = await take(union, alert, "resolve", outcome="unfounded")
    assert (done["status"], done["outcome"], done["allowed_steps"]) == ("resolved", "unfounded", [])
    await take(union, done, "acknowledge", 409, reported_to="安庆市总工会")
    await state(labour, of_plant(plant, "closure"))
    found = await alerts_of(union, plant)
    assert [(row["id"] == alert["id"], row["status"]) for row in found] == [(False, "open"), (True, "resolved")]
    assert len(await alerts_of(union, plant, "&status=open&level=4")) == 1
    assert await alerts_of(union, plant, "&level=3") == []


async def test_raised_and_cleared_are_told_to_the_line_and_to_nobody_else(
    union: Api, labour: Api, city: Api, plant: str, raw: Raw
) -> None:
    await state(labour, of_plant(plant, "closure"))
    (alert,) = await alerts_of(union, plant)
    await take(union, alert, "resolve", outcome="handled")
    events = await raw.fetch("SELECT * FROM event WHERE subject_id = $1 ORDER BY id", UUID(alert["id"]))
    assert [event["type"] for event in events] == ["alert.raised", "alert.cleared"]
    for event in events:
        assert {str(union.id), str(city.id)} <= {
            agency for agency, roles in _parties(event).items() if "other" in roles
        }
        assert _parties(event).get(str(labour.id), ["actor"]) == ["actor"]


def _parties(event: Any) -> dict[str, list[str]]:
    import json  # noqa: PLC0415

    parties: dict[str, list[str]] = json.loads(event["parties"])
    return parties


async def test_an_industry_and_a_division_have_alerts_as_well(union: Api, labour: Api, raw: Raw) -> None:
    industry = of_plant("x") | {
        "subject": {"kind": "industry", "division_code": "340802", "industry": "C17"},
        "measured": {"persons": 1500},
    }
    assert (await state(labour, industry))["level"] == 1
    place = of_plant("x", "unemployment", percent=6, months=2) | {
        "subject": {"kind": "division", "division_code": "340802"}
    }
    assert (await state(labour, place))["level"] == 1
    assert {row["subject"]["kind"] for name in ("C17", "340802") for row in await alerts_of(union, name)} == {
        "industry",
        "division",
    }


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "cluster"}, "/kind"),
        ({"subject": {"kind": "employer", "division_code": "340802"}}, "/subject/employer"),
        ({"subject": {"kind": "division", "division_code": "999999"}}, "/subject/division_code"),
        ({"observed_on": "2099-01-01"}, "/observed_on"),
        ({"measured": {"people": 3}}, "/measured/people"),
    ],
)
async def test_a_signal_that_cannot_be_is_refused_by_name(labour: Api, change: Json, pointer: str) -> None:
    answer = await labour.post(SIGNALS, of_plant("x", persons=20) | change)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_division_may_have_thresholds_of_its_own(union: Api, labour: Api, plant: str, raw: Raw) -> None:
    await raw.execute(
        "INSERT INTO warning_override VALUES ('340802', $1, 'x', '2026-01-01')",
        '[{"signal": "utility_drop", "subject": "employer", "level": 2, "at_least": {"percent": 30}, "basis": "x",'
        ' "mark": "L"}]',
    )
    try:
        assert (await state(labour, of_plant(plant, "utility_drop", percent=30)))["level"] == 2
        assert (await state(labour, of_plant(plant, "closure")))["level"] == 4
    finally:
        await raw.execute("DELETE FROM warning_override")


async def test_the_same_key_states_a_signal_once(labour: Api, plant: str, raw: Raw) -> None:
    key = fresh_key()
    first, second = [await labour.post(SIGNALS, of_plant(plant, "closure"), key=key) for _ in range(2)]
    assert first.json() == second.json()
    assert await raw.fetchval("SELECT count(*) FROM signal WHERE subject_name = $1", plant) == 1

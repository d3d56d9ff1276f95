"""Push-backs are counted by office and matter, each agency over what it sees."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from tests.actions.story import Json, refer, report, step
from tests.builders import Api

PATH = "/v1/statistics/push-backs"
NOT_MINE = {"reason": "not_competent", "competent_agency_kind": "civil_affairs", "legal_basis": "社会救助法第18条"}


def period(since: datetime, **more: str) -> str:
    asked = {"requested_from": since.isoformat(), "requested_before": (since + timedelta(days=1)).isoformat()}
    return f"{PATH}?{urlencode(asked | more)}"


async def counted(api: Api, since: datetime, **more: str) -> list[Json]:
    answer = await api.get(period(since, **more))
    assert answer.status_code == 200, answer.text
    rows: list[Json] = answer.json()["data"]
    return rows


async def test_what_was_pushed_back_is_counted_once_for_each_referral(
    union: Api, labour: Api, medical: Api, stranger: Api
) -> None:
    since = datetime.now(UTC)
    for words in ({}, NOT_MINE, None):
        case_id = (await report(union))["case"]["id"]
        referral = await refer(union, case_id, labour)
        if words is None:
            await step(labour, referral, "accept")
            continue
        returned = await step(labour, referral, "return", **words)
        again = await step(union, returned, "resubmit")
        await step(labour, await step(labour, again, "dispute"), "accept")
    case_id = (await report(union))["case"]["id"]
    await step(medical, await refer(union, case_id, medical), "reject")
    rows = await counted(union, since)
    assert [row["office"]["id"] for row in rows] == [str(labour.id), str(medical.id)], "who said 'not mine' comes first"
    of_labour, of_medical = rows
    assert of_labour["matter"]["code"] == "LAB-12"
    expected = {"referred": 3, "accepted": 3, "returned": 2, "not_mine": 1, "disputed": 2, "rejected": 0}
    assert {name: of_labour[name] for name in expected} == expected
    assert (of_medical["referred"], of_medical["rejected"], of_medical["accepted"]) == (1, 1, 0)
    assert [row["office"]["id"] for row in await counted(labour, since)] == [str(labour.id)], "an office sees its own"
    assert await counted(stranger, since) == []
    assert await counted(union, since, office=str(medical.id), matter="LAB-13") == []


@pytest.mark.parametrize("days", [0, -1, 367])
async def test_a_period_is_in_order_and_a_year_at_most(union: Api, days: int) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    asked = {"requested_from": since.isoformat(), "requested_before": (since + timedelta(days=days)).isoformat()}
    answer = await union.get(f"{PATH}?{urlencode(asked)}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "period-of-a-year-at-most"

"""Budgets of requests: shown on every answer, shared by processes, and one caller's flood is nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from api.limits import Limiter
from crypto.ids import new_id
from db.engine import Database
from rules.errors import QuotaExceeded
from settings import Settings
from tests.actions.instances import Instance, instance_on
from tests.builders import Api, report_body

BURST = 20


@pytest.fixture
async def small(database: Database, admin_url: str, settings: Settings) -> AsyncIterator[Instance]:
    """An application that grants twenty requests at once and six a minute."""
    budget = settings.model_copy(update={"rate_limit_per_minute": 6, "rate_limit_burst": BURST})
    async with instance_on(database, admin_url, budget) as instance:
        yield instance


async def _left(answer: httpx.Response) -> int:
    name, remaining, window = answer.headers["ratelimit"].split(", ")[0].split(";")
    assert (name, window) == ('"client"', "t=60")
    return int(remaining.removeprefix("r="))


async def test_every_answer_to_a_known_caller_shows_the_budget(small: Instance) -> None:
    api = await small.api("DEMO-340802-UNION")
    answers = [
        await api.get("/v1/cases"),
        await api.get("/v1/cases/019363a0-0000-7000-8000-000000000000"),
        await api.post("/v1/reports", {"nothing": "known"}),
        await api.post("/v1/reports", report_body()),
        await api.get("/v1/cases", headers={"if-none-match": '"v1"'}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 422, 201, 200]
    for answer in answers:
        assert answer.headers["ratelimit-policy"].startswith('"client";q=6;w=60')
    assert [await _left(answer) for answer in answers] == [BURST - n for n in range(1, 6)]


async def test_when_it_is_spent_the_answer_says_when_to_come_back(small: Instance) -> None:
    api = await small.api("DEMO-340802-UNION")
    answers = [await api.get("/v1/cases") for _ in range(BURST + 2)]
    assert [answer.status_code for answer in answers] == [200] * BURST + [429] * 2
    for refused in answers[BURST:]:
        assert refused.json()["code"] == "quota-exceeded"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit-policy"].startswith('"client";q=6;w=60')
        assert await _left(refused) == 0


async def test_one_callers_flood_leaves_the_others_their_budget(small: Instance) -> None:
    loud, quiet = await small.api("DEMO-340802-UNION"), await small.api("DEMO-340802-UNION")
    for _ in range(BURST + 1):
        last = await loud.get("/v1/cases")
    assert last.status_code == 429
    assert (await quiet.get("/v1/cases")).status_code == 200


@pytest.mark.parametrize("copies", [16, BURST])
async def test_requests_at_once_cost_no_more_than_one_after_another(small: Instance, copies: int) -> None:
    api = await small.api("DEMO-340802-UNION")
    await api.token()
    answers = await asyncio.gather(*(api.get("/v1/cases") for _ in range(copies)))
    assert [answer.status_code for answer in answers] == [200] * copies


async def test_a_refusal_changes_nothing_and_is_not_kept_with_its_key(small: Instance, database: Database) -> None:
    api = await small.api("DEMO-340802-UNION")
    for _ in range(BURST):
        await api.get("/v1/cases")
    body, key = report_body(), "0123456789abcdef-limits"
    assert (await api.post("/v1/reports", body, key=key)).status_code == 429
    same = Api(small.http, api.agency)
    assert (await same.get("/v1/cases")).status_code == 429, "another token is the same client"


async def test_two_processes_share_one_budget(database: Database) -> None:
    principal = new_id()
    processes = [Limiter(database, per_minute=1, burst=BURST) for _ in range(2)]
    granted = 0
    for turn in range(BURST * 2):
        try:
            await processes[turn % 2].spend(principal, {})
            granted += 1
        except QuotaExceeded:
            continue
    assert BURST - 2 <= granted <= BURST, "what one leased and did not spend is lost to the other"


async def test_the_bucket_refills_with_time_and_not_above_its_size(database: Database) -> None:
    principal = new_id()
    limiter = Limiter(database, per_minute=600, burst=10)
    for _ in range(10):
        await limiter.spend(principal, {})
    with pytest.raises(QuotaExceeded):
        await limiter.spend(principal, {})
    await asyncio.sleep(0.35)
    assert 2 <= await _spend_all(limiter, principal) <= 6


async def _spend_all(limiter: Limiter, principal: UUID) -> int:
    granted = 0
    while granted < BURST:
        try:
            await limiter.spend(principal, {})
        except QuotaExceeded:
            break
        granted += 1
    return granted


async def test_a_caller_without_a_token_spends_nobodys_budget(small: Instance) -> None:
    for _ in range(BURST + 5):
        answer = await small.http.get("/v1/cases")
    assert answer.status_code == 401

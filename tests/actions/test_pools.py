"""The open pool: offered to the competent offices, taken by the first, known as taken by the others."""

import asyncio

import pytest

from tests.actions.instances import superuser
from tests.actions.story import Json, OpenApi, refer, report, step, try_step
from tests.builders import Api


@pytest.fixture
async def employment(open_api: OpenApi) -> Api:
    """The employment service of the district: competent for LAB-09, as the labour bureau is."""
    return await open_api("DEMO-340802-EMPLOYMENT")


async def pooled(union: Api, *, matter: str = "LAB-09", draft: bool = False) -> Json:
    case_id = (await report(union))["case"]["id"]
    return await refer(union, case_id, None, matter=matter, draft=draft)


async def _inbox(office: Api) -> set[str]:
    return {row["id"] for row in (await office.get("/v1/referrals", params={"limit": 200})).json()["data"]}


async def test_only_the_offices_it_is_offered_to_see_it_and_only_its_preview(
    union: Api, labour: Api, employment: Api, medical: Api, stranger: Api
) -> None:
    referral = await pooled(union)
    assert (referral["pooled"], referral["to_agency"]) == (True, None)
    for office in (labour, employment):
        assert referral["id"] in await _inbox(office)
        seen = (await office.get(f"/v1/referrals/{referral['id']}", purpose="assistance")).json()
        assert (seen["case_id"], seen["note"], seen["people"]) == (None, None, None)
    for office in (medical, stranger):
        assert referral["id"] not in await _inbox(office)
        assert (await office.get(f"/v1/referrals/{referral['id']}")).status_code == 404
        assert (await try_step(office, referral, "accept")).status_code == 404


async def test_two_offices_accept_at_once_and_exactly_one_has_it(
    union: Api, labour: Api, employment: Api, admin_url: str
) -> None:
    for _ in range(20):
        referral = await pooled(union)
        answers = await asyncio.gather(*(try_step(office, referral, "accept") for office in (labour, employment)))
        assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
        winner, loser = (labour, employment) if answers[0].status_code == 200 else (employment, labour)
        seen = (await union.get(f"/v1/referrals/{referral['id']}")).json()
        assert (seen["status"], seen["to_agency"]["id"]) == ("accepted", str(winner.id))
        assert (await loser.get(f"/v1/referrals/{referral['id']}")).status_code == 404
        assert referral["id"] not in await _inbox(loser)
        assert await _receivers(admin_url, seen["case_id"]) == [winner.id]


async def _receivers(admin_url: str, case_id: str) -> list[object]:
    async with superuser(admin_url) as raw:
        rows = await raw.fetch("SELECT agency_id FROM participant WHERE case_id = $1 AND role = 'receiver'", case_id)
    return [row["agency_id"] for row in rows]


async def test_the_one_that_came_too_late_is_told_that_it_is_taken(union: Api, labour: Api, employment: Api) -> None:
    referral = await pooled(union)
    await step(labour, referral, "accept")
    late = await try_step(employment, referral, "accept")
    assert (late.status_code, late.json()["code"]) == (409, "state-conflict")


@pytest.mark.parametrize("end", ["accept", "cancel"])
async def test_every_office_of_the_pool_learns_that_it_is_taken_or_gone(
    union: Api, labour: Api, employment: Api, admin_url: str, end: str
) -> None:
    referral = await pooled(union)
    await step(labour if end == "accept" else union, referral, end)
    async with superuser(admin_url) as raw:
        parties = await raw.fetchval(
            "SELECT parties::text FROM event WHERE subject_id = $1 AND type = $2",
            referral["id"],
            "referral.accepted" if end == "accept" else "referral.cancelled",
        )
    assert str(employment.id) in parties
    assert str(labour.id) in parties


@pytest.mark.parametrize("name", ["receive", "return", "reject", "cancel", "dispute"])
async def test_an_office_of_the_pool_may_take_it_but_not_end_it_for_the_others(
    union: Api, labour: Api, employment: Api, name: str
) -> None:
    referral = await pooled(union, matter="LAB-12")
    answer = await try_step(labour, referral, name)
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid-transition"), answer.text
    assert answer.json()["allowed"] == ["accept"]
    assert (await try_step(employment, referral, "accept")).status_code == 200


async def test_the_preview_offers_a_pool_office_only_what_it_may_do(union: Api, labour: Api) -> None:
    referral = await pooled(union, matter="LAB-12")
    seen = (await labour.get(f"/v1/referrals/{referral['id']}")).json()
    assert seen["allowed_steps"] == ["accept"]


async def test_the_coordinator_may_take_what_is_offered_to_it(union: Api, labour: Api) -> None:
    """An office at work refers a matter of the union to the pool; the only competent union coordinates the case."""
    case_id = (await report(union))["case"]["id"]
    await step(labour, await refer(union, case_id, labour), "accept")
    referral = await refer(labour, case_id, None, matter="UNI-02")
    seen = (await union.get(f"/v1/referrals/{referral['id']}")).json()
    assert "accept" in seen["allowed_steps"]
    assert (await step(union, referral, "accept"))["to_agency"]["id"] == str(union.id)


async def test_a_pooled_draft_is_offered_when_it_is_sent(union: Api, labour: Api, employment: Api) -> None:
    draft = await pooled(union, draft=True)
    assert draft["id"] not in await _inbox(labour)
    sent = await step(union, draft, "send")
    assert sent["status"] == "requested"
    assert draft["id"] in await _inbox(labour)
    assert (await step(employment, sent, "accept"))["to_agency"]["id"] == str(employment.id)


async def test_a_pooled_draft_is_nowhere_for_the_offices_it_will_be_offered_to(union: Api, labour: Api) -> None:
    draft = await pooled(union, draft=True)
    assert (await try_step(labour, draft, "accept")).status_code == 404


async def test_after_a_return_the_office_that_took_it_keeps_it(union: Api, labour: Api, employment: Api) -> None:
    accepted = await step(labour, await pooled(union), "accept")
    returned = await step(labour, accepted, "return")
    again = await step(union, returned, "resubmit")
    assert again["to_agency"]["id"] == str(labour.id)
    assert again["id"] not in await _inbox(employment)

"""Joint help (联合救助): the coordinator's parent of several referrals, which ends by rule with the last of them."""

import asyncio

import pytest

from tests.actions.story import Json, OpenApi, Parties, parties, refer, report, step, try_refer, try_step
from tests.builders import Api


@pytest.fixture
async def who(open_api: OpenApi) -> Parties:
    return await parties(open_api)


async def joint(who: Parties) -> tuple[Json, list[Json]]:
    """A parent with a child at the labour bureau and one at the education bureau."""
    case_id = (await report(who.coordinator))["case"]["id"]
    parent = await refer(who.coordinator, case_id, None, matter="UNI-02", joint=True)
    one = await refer(who.coordinator, case_id, who.sender, part_of=parent["id"])
    two = await refer(who.coordinator, case_id, who.receiver, matter="EDU-02", part_of=parent["id"])
    return parent, [one, two]


async def _end(office: Api, child: Json, outcome: str) -> None:
    accepted = await step(office, child, "accept")
    if outcome == "failed":
        await step(office, accepted, "fail")
        return
    await step(office, await step(office, accepted, "start"), "complete", outcome=outcome)


async def _parent(who: Parties, parent: Json) -> tuple[str, str | None]:
    seen = (await who.coordinator.get(f"/v1/referrals/{parent['id']}")).json()
    return seen["status"], seen["outcome"]


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        (("met", "met"), "met"),
        (("met", "not_met"), "partly_met"),
        (("partly_met", "failed"), "partly_met"),
        (("not_met", "failed"), "not_met"),
    ],
)
async def test_the_parent_completes_by_rule_when_the_last_child_ends(
    who: Parties, outcomes: tuple[str, str], whole: str
) -> None:
    parent, (one, two) = await joint(who)
    assert await _parent(who, parent) == ("in_progress", None)
    await _end(who.sender, one, outcomes[0])
    assert await _parent(who, parent) == ("in_progress", None)
    await _end(who.receiver, two, outcomes[1])
    assert await _parent(who, parent) == ("completed", whole)


async def test_a_child_the_coordinator_takes_back_may_be_the_last(who: Parties) -> None:
    parent, (one, two) = await joint(who)
    await _end(who.sender, one, "met")
    await step(who.coordinator, two, "cancel")
    assert await _parent(who, parent) == ("completed", "partly_met")


async def test_two_children_that_end_at_once_end_the_parent_once(who: Parties) -> None:
    parent, (one, two) = await joint(who)
    await asyncio.gather(_end(who.sender, one, "met"), _end(who.receiver, two, "met"))
    assert await _parent(who, parent) == ("completed", "met")
    timeline = (await who.coordinator.get(f"/v1/cases/{parent['case_id']}/timeline")).json()["data"]
    ends = [e for e in timeline if (e["type"], e["subject_id"]) == ("referral.completed", parent["id"])]
    assert len(ends) == 1


async def test_a_joint_referral_is_the_coordinators(who: Parties) -> None:
    case_id = (await report(who.coordinator))["case"]["id"]
    await step(who.sender, await refer(who.coordinator, case_id, who.sender), "accept")
    answer = await try_refer(who.sender, case_id, None, matter="EDU-02", joint=True)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/joint"


async def test_siblings_may_be_of_one_matter(who: Parties, open_api: OpenApi) -> None:
    """The duplicate guard is for the same thing asked twice, not for help given together."""
    parent, (one, _) = await joint(who)
    employment = await open_api("DEMO-340802-EMPLOYMENT")
    sibling = await try_refer(who.coordinator, one["case_id"], employment, part_of=parent["id"])
    assert sibling.status_code == 201, sibling.text
    outside = await try_refer(who.coordinator, one["case_id"], employment)
    assert outside.status_code == 409


async def test_a_child_belongs_to_the_case_of_its_parent(who: Parties) -> None:
    parent, _ = await joint(who)
    elsewhere = (await report(who.coordinator))["case"]["id"]
    answer = await try_refer(who.coordinator, elsewhere, who.sender, part_of=parent["id"])
    assert answer.json()["errors"][0]["code"] == "not-a-joint-referral-under-way"


async def test_an_ended_parent_takes_no_more_children(who: Parties) -> None:
    parent, _ = await joint(who)
    await step(who.coordinator, parent, "cancel")
    answer = await try_refer(who.coordinator, parent["case_id"], who.sender, matter="LAB-13", part_of=parent["id"])
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["accept", "start", "complete", "hold", "receive"])
async def test_nobody_works_on_the_parent_itself(who: Parties, name: str) -> None:
    parent, _ = await joint(who)
    assert (await try_step(who.coordinator, parent, name)).status_code == 409
    assert (await try_step(who.sender, parent, name)).status_code == 404

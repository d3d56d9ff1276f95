"""The coordinator's role moves from one union to another: on acceptance only, whole, and once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from db.engine import Raw
from tests.actions.instances import superuser
from tests.actions.story import Json, body_of, refer, report, step
from tests.builders import Api
from tests.conftest import OpenApi

PATH = "/v1/case-transfers"
PURPOSE = "assistance"
SAID: Json = {"reason": "moved", "text": "全家迁居", "basis": {"kind": "consent", "reference": "同意书 2026-12"}}


@pytest.fixture
async def raw(admin_url: str) -> AsyncIterator[Raw]:
    async with superuser(admin_url) as behind:
        yield behind


@pytest.fixture
async def taker(open_api: OpenApi) -> Api:
    """The union of another county."""
    return await open_api("DEMO-990101-UNION")


async def offer(giver: Api, case_id: str, taker: Api, **changes: Any) -> Json:
    answer = await giver.post(f"/v1/cases/{case_id}/transfers", SAID | {"to_agency": str(taker.id)} | changes)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


async def take(api: Api, transfer: Json, name: str, status: int = 200, **words: Any) -> Json:
    answer = await api.post(f"{PATH}/{transfer['id']}/{name}", words, if_match=transfer["version"])
    assert answer.status_code == status, answer.text
    return body_of(answer)


async def new_case(reporter: Api) -> str:
    case_id: str = (await report(reporter))["case"]["id"]
    return case_id


async def sees(api: Api, case_id: str) -> bool:
    return (await api.get(f"/v1/cases/{case_id}")).status_code == 200


async def test_the_taker_learns_what_it_needs_and_no_person_before_it_accepts(
    union: Api, labour: Api, taker: Api
) -> None:
    case_id = await new_case(labour)
    await refer(union, case_id, labour)
    asked = await offer(union, case_id, taker, new_place="990101")
    assert (asked["status"], asked["kind"], asked["allowed_steps"]) == ("requested", "offer", ["cancel"])
    assert not await sees(taker, case_id)
    read = body_of(await taker.get(f"{PATH}/{asked['id']}", purpose=PURPOSE))
    assert (read["text"], read["reference"]) == (SAID["text"], "同意书 2026-12")
    assert (read["place"], read["open_referrals"], read["allowed_steps"]) == ("340802", 1, ["accept", "reject"])
    rows = (await taker.get(f"{PATH}?part=taker&status=requested")).json()["data"]
    assert asked["id"] in {row["id"] for row in rows}
    assert (await labour.get(f"{PATH}/{asked['id']}", purpose=PURPOSE)).status_code in (403, 404)


async def test_accepting_moves_everything_at_once(union: Api, labour: Api, taker: Api, raw: Raw) -> None:
    case_id = await new_case(labour)
    referral = await refer(union, case_id, labour)
    asked = await offer(union, case_id, taker, new_place="990101")
    done = await take(taker, asked, "accept")
    assert (done["status"], done["allowed_steps"]) == ("accepted", [])
    assert done["handover"] == {"referrals": [referral["id"]], "tasks": 0, "requests": 0}
    assert await sees(taker, case_id)
    assert not await sees(union, case_id)
    parts = await raw.fetch(
        "SELECT agency_id FROM participant WHERE case_id = $1 AND role = 'coordinator' AND until IS NULL", case_id
    )
    assert [row["agency_id"] for row in parts] == [taker.id]
    case = await raw.fetchrow('SELECT coordinator_agency_id, division_code FROM "case" WHERE id = $1', UUID(case_id))
    assert case is not None
    assert tuple(case) == (taker.id, "990101")
    # The work goes on: the office accepts what the former coordinator sent, and the new one watches over it.
    accepted = await step(labour, referral, "accept")
    seen = body_of(await taker.get(f"/v1/referrals/{referral['id']}"))
    assert (seen["status"], seen["version"]) == ("accepted", accepted["version"])
    started = await step(labour, accepted, "start")
    await step(labour, started, "fail")
    tasks = (await taker.get(f"/v1/cases/{case_id}/tasks")).json()["data"]
    assert [(task["kind"], task["referral_id"]) for task in tasks] == [("reroute", referral["id"])]


async def test_bases_and_requests_of_the_person_go_along(union: Api, labour: Api, taker: Api) -> None:
    case_id = await new_case(labour)
    consent = {"kind": "consent", "reference": "同意书 2026-13", "recipients": [str(labour.id)]}
    given = await union.post(f"/v1/cases/{case_id}/sharing-bases", consent)
    assert given.status_code == 201, given.text
    proof = {"document": "resident_id", "seen_by": "desk-7", "seen_at": "2026-01-05T01:00:00Z"}
    wish = {"kind": "copy", "proof": proof}
    filed = await union.post(f"/v1/cases/{case_id}/person-requests", wish, headers={"tongli-actor": "desk-7"})
    assert filed.status_code == 201, filed.text
    done = await take(taker, await offer(union, case_id, taker), "accept")
    assert done["handover"]["requests"] == 1
    bases = (await taker.get(f"/v1/cases/{case_id}/sharing-bases")).json()["data"]
    (basis,) = [row for row in bases if row["recorded_by"]["id"] == str(taker.id)]
    assert basis["recipient"]["id"] == str(labour.id)
    withdrawn = await taker.post(f"/v1/sharing-bases/{basis['id']}/withdraw", {"withdrawn_by": "person"})
    assert withdrawn.status_code == 200, withdrawn.text
    read = await taker.get(f"/v1/person-requests/{filed.json()['id']}", purpose="supervision")
    assert read.status_code == 200, read.text
    assert read.json()["decided_by"]["id"] == str(taker.id)


async def test_a_union_that_takes_part_may_ask_and_the_coordinator_decides(union: Api, taker: Api, labour: Api) -> None:
    case_id = await new_case(labour)
    invited = await union.post(f"/v1/cases/{case_id}/participants", {"agency": str(taker.id), "role": "observer"})
    assert invited.status_code == 201, invited.text
    answer = await taker.post(f"/v1/cases/{case_id}/transfers", SAID | {"reason": "workplace_elsewhere"})
    assert answer.status_code == 201, answer.text
    asked = body_of(answer)
    assert (asked["kind"], asked["giver"]["id"], asked["taker"]["id"]) == ("request", str(union.id), str(taker.id))
    assert (await take(taker, asked, "accept", 409))["code"] == "invalid-transition"
    await take(union, asked, "accept")
    assert body_of(await taker.get(f"/v1/cases/{case_id}"))["coordinator"]["id"] == str(taker.id)


async def test_a_former_coordinator_that_reported_stays_a_reporter(union: Api, taker: Api) -> None:
    case_id = await new_case(union)
    await take(taker, await offer(union, case_id, taker), "accept")
    assert await sees(union, case_id)
    listed = (await union.get("/v1/cases?limit=200")).json()["data"]
    assert case_id in {case["id"] for case in listed}
    assert (await union.get(f"/v1/cases/{case_id}/file", purpose=PURPOSE)).status_code == 403


async def test_a_rejection_says_why_and_moves_nothing(union: Api, taker: Api, labour: Api) -> None:
    case_id = await new_case(labour)
    asked = await offer(union, case_id, taker)
    assert (await take(taker, asked, "reject", 422))["code"] == "validation-failed"
    rejected = await take(taker, asked, "reject", reason="incomplete_file", text="缺收入证明")
    assert (rejected["status"], rejected["refusal"], rejected["handover"]) == ("rejected", "incomplete_file", None)
    read = body_of(await union.get(f"{PATH}/{asked['id']}", purpose=PURPOSE))
    assert read["answer"] == "缺收入证明"
    assert await sees(union, case_id)
    assert not await sees(taker, case_id)
    await take(union, await offer(union, case_id, taker), "cancel")


async def test_one_waits_at_a_time_and_of_two_deciders_one_wins(union: Api, taker: Api, labour: Api) -> None:
    case_id = await new_case(labour)
    asked = await offer(union, case_id, taker)
    again = await union.post(f"/v1/cases/{case_id}/transfers", SAID | {"to_agency": str(taker.id)})
    assert (again.status_code, again.json()["reason"]) == (409, "transfer-waits-already")

    async def move(api: Api, name: str) -> int:
        return (await api.post(f"{PATH}/{asked['id']}/{name}", {}, if_match=1)).status_code

    assert sorted(await asyncio.gather(move(taker, "accept"), move(union, "cancel"))) == [200, 412]


async def test_a_case_that_was_closed_meanwhile_is_not_taken_over(union: Api, taker: Api, labour: Api) -> None:
    case_id = await new_case(labour)
    asked = await offer(union, case_id, taker)
    for name in ("activate", "propose_closing", "close"):
        words = {"exit_reason": "lifted", "text": "已脱困"} if name == "close" else {}
        version = body_of(await union.get(f"/v1/cases/{case_id}"))["version"]
        moved = await union.post(f"/v1/cases/{case_id}/{name}", words, if_match=version)
        assert moved.status_code == 200, moved.text
    assert (await take(taker, asked, "accept", 409))["reason"] == "nothing-to-take-over"
    assert not await sees(taker, case_id)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({}, "/to_agency"),
        ({"to_agency": "self"}, "/to_agency"),
        ({"to_agency": "labour"}, "/to_agency"),
        ({"to_agency": "taker", "basis": {"kind": "statutory_duty", "reference": "工会法"}}, "/basis/kind"),
    ],
)
async def test_nobody_but_another_active_union_with_a_ground(
    union: Api, labour: Api, taker: Api, changes: Json, pointer: str
) -> None:
    case_id = await new_case(labour)
    agencies = {"self": union, "labour": labour, "taker": taker}
    said = SAID | changes
    if "to_agency" in changes:
        said |= {"to_agency": str(agencies[changes["to_agency"]].id)}
    answer = await union.post(f"/v1/cases/{case_id}/transfers", said)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_an_office_does_not_become_coordinator(union: Api, labour: Api) -> None:
    case_id = await new_case(labour)
    answer = await labour.post(f"/v1/cases/{case_id}/transfers", SAID)
    assert (answer.status_code, answer.json()["reason"]) == (409, "only-unions-coordinate")

"""Referrals over HTTP: who may take which step when, what a refusal says, what a referral must be."""

import pytest

from tests.actions.referral_table import MOVES, PARTIES, STEPS, allowed_to
from tests.actions.story import (
    WORDS,
    Json,
    OpenApi,
    Parties,
    body_of,
    case_with_sender,
    parties,
    refer,
    referral_at,
    report,
    step,
    try_refer,
    try_step,
)
from tests.builders import Api

ABSENT = "019363a0-0000-7000-8000-000000000000"
ENTERED_BY_API = [status for status in MOVES if status != "expired"]


@pytest.fixture
async def who(open_api: OpenApi) -> Parties:
    return await parties(open_api)


@pytest.mark.parametrize("status", ENTERED_BY_API)
async def test_every_step_that_is_not_allowed_says_where_it_stands_and_what_is(who: Parties, status: str) -> None:
    referral = await referral_at(who, status)
    received = status != "draft" and (await who.receiver.get(f"/v1/referrals/{referral['id']}")).json()["received_at"]
    for party in PARTIES:
        allowed = allowed_to(status, party) - ({"receive"} if received else set())
        if status == "draft" and party != "sender":
            continue  # hidden: a test of its own
        for name in STEPS:
            if name in allowed:
                continue
            answer = await try_step(who.of(party), referral, name)
            assert answer.status_code == 409, (party, name, answer.text)
            problem = answer.json()
            assert (problem["code"], problem["current"]) == ("invalid-transition", status)
            assert set(problem["allowed"]) == allowed, (party, name)


@pytest.mark.parametrize(
    ("status", "name", "party"),
    [(s, n, p) for s in ENTERED_BY_API for n, (_, by) in MOVES[s].items() for p in by if n != "extend"],
)
async def test_every_step_that_is_allowed_leads_where_the_model_says(
    who: Parties, status: str, name: str, party: str
) -> None:
    referral = await referral_at(who, status)
    taken = await step(who.of(party), referral, name)
    assert taken["status"] == MOVES[status][name][0]
    assert taken["version"] > referral["version"]


async def test_the_answer_lists_exactly_what_the_caller_may_do_next(who: Parties) -> None:
    referral = await referral_at(who, "accepted")
    for party in PARTIES:
        seen = await who.of(party).get(f"/v1/referrals/{referral['id']}", purpose="assistance")
        assert set(seen.json()["allowed_steps"]) == allowed_to("accepted", party)


async def test_a_step_that_is_refused_leaves_no_trace(who: Parties) -> None:
    referral = await referral_at(who, "requested")
    await try_step(who.receiver, referral, "complete")
    await who.receiver.post(f"/v1/referrals/{referral['id']}/reject", {}, if_match=referral["version"])
    seen = (await who.sender.get(f"/v1/referrals/{referral['id']}")).json()
    assert (seen["status"], seen["version"], seen["steps"]) == ("requested", referral["version"], [])


@pytest.mark.parametrize("name", WORDS)
async def test_a_step_without_what_it_must_bring_is_refused_field_by_field(who: Parties, name: str) -> None:
    where = {"complete": "in_progress", "dispute": "returned"} | dict.fromkeys(("extend", "fail", "hold"), "accepted")
    status = where.get(name, "requested")
    party = "sender" if name in ("dispute", "void") else "receiver"
    referral = await referral_at(who, status)
    path = f"/v1/referrals/{referral['id']}/{name}"
    answer = await who.of(party).post(path, {}, if_match=referral["version"])
    assert answer.status_code == 422, answer.text
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    beyond = {"/approved_by"} if name == "extend" else set()
    assert pointers == ({"/outcome"} if name == "complete" else {"/reason", "/text", *beyond})


async def test_saying_not_mine_needs_the_body_and_the_article(who: Parties) -> None:
    referral = await referral_at(who, "requested")
    bare = await try_step(who.receiver, referral, "reject", reason="not_competent")
    assert {error["pointer"] for error in bare.json()["errors"]} == {"/competent_agency_kind", "/legal_basis"}
    await step(
        who.receiver,
        referral,
        "reject",
        reason="not_competent",
        competent_agency_kind="civil_affairs",
        legal_basis="社会救助暂行办法第3条",
    )
    (taken,) = (await who.sender.get(f"/v1/referrals/{referral['id']}")).json()["steps"]
    assert (taken["competent_agency_kind"], taken["legal_basis"]) == ("civil_affairs", "社会救助暂行办法第3条")
    assert (taken["reason"], taken["text"]) == ("not_competent", WORDS["reject"]["text"])


async def test_a_statutory_duty_cannot_be_rejected(who: Parties) -> None:
    referral = await referral_at(who, "requested", matter="EDU-01")
    answer = await try_step(who.receiver, referral, "reject")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid-transition")
    assert "reject" not in answer.json()["allowed"]


async def test_papers_go_back_once_then_only_a_dispute_is_left(who: Parties) -> None:
    referral = await referral_at(who, "returned")
    again = await step(who.sender, referral, "resubmit")
    assert again["status"] == "requested"
    second = await try_step(who.receiver, again, "return")
    assert (second.status_code, second.json()["code"]) == (409, "invalid-transition")
    disputed = await step(who.receiver, again, "dispute", reason="repeated_return")
    assert disputed["status"] == "requested"
    tasks = await _tasks(who, referral["case_id"])
    assert [(task["kind"], task["referral_id"]) for task in tasks] == [("dispute", referral["id"])]


async def test_receiving_stamps_once_and_reading_never(who: Parties) -> None:
    referral = await referral_at(who, "requested")
    read = (await who.receiver.get(f"/v1/referrals/{referral['id']}")).json()
    assert (read["received_at"], read["version"]) == (None, referral["version"])
    received = await step(who.receiver, referral, "receive")
    assert received["status"] == "requested"
    assert received["received_at"] is not None
    assert (await try_step(who.receiver, received, "receive")).status_code == 409
    accepted = await step(who.receiver, received, "accept")
    assert accepted["received_at"] == received["received_at"]


async def test_work_that_was_held_before_it_began_has_begun_when_it_is_resumed(who: Parties) -> None:
    held = await step(who.receiver, await referral_at(who, "accepted"), "hold")
    resumed = await step(who.receiver, held, "resume")
    assert (resumed["status"], resumed["started_at"] is None) == ("in_progress", False)


async def test_a_draft_is_its_senders_alone(who: Parties) -> None:
    draft = await referral_at(who, "draft")
    assert draft["acknowledge_by"] is None
    for other in (who.coordinator, who.receiver, who.stranger):
        assert (await other.get(f"/v1/referrals/{draft['id']}")).status_code == 404
        assert (await try_step(other, draft, "send")).status_code == 404
        box = (await other.get("/v1/referrals", params={"box": "in"})).json()["data"]
        assert draft["id"] not in {row["id"] for row in box}
    of_case = (await who.coordinator.get(f"/v1/cases/{draft['case_id']}/referrals")).json()["data"]
    assert draft["id"] not in {row["id"] for row in of_case}
    timeline = (await who.coordinator.get(f"/v1/cases/{draft['case_id']}/timeline")).json()["data"]
    assert draft["id"] not in {entry["subject_id"] for entry in timeline}


async def test_a_draft_that_is_sent_gets_its_dates_then(who: Parties) -> None:
    sent = await step(who.sender, await referral_at(who, "draft"), "send")
    assert sent["status"] == "requested"
    assert None not in (sent["requested_at"], sent["acknowledge_by"], sent["accept_by"], sent["resolve_by"])
    assert (await who.receiver.get(f"/v1/referrals/{sent['id']}")).status_code == 200


@pytest.mark.parametrize("name", ["cancel", "reject", "fail"])
async def test_a_need_that_comes_back_is_a_task_of_the_coordinator(who: Parties, name: str) -> None:
    referral = await referral_at(who, "accepted" if name == "fail" else "requested")
    await step(who.receiver, referral, name)
    tasks = await _tasks(who, referral["case_id"])
    assert [(t["kind"], t["need"], t["referral_id"], t["status"]) for t in tasks] == [
        ("reroute", "schooling", referral["id"], "open")
    ]
    assert await _need(who, referral["case_id"], "schooling") == ("open", str(who.coordinator.id))


async def test_a_need_belongs_to_whoever_has_it_now(who: Parties) -> None:
    case_id = await case_with_sender(who)
    referral = await refer(who.sender, case_id, who.receiver, matter="EDU-02")
    assert await _need(who, case_id, "schooling") == ("referred", str(who.receiver.id))
    for name, state in (("accept", "in_progress"), ("start", "in_progress"), ("complete", "met")):
        referral = await step(who.receiver, referral, name)
        assert await _need(who, case_id, "schooling") == (state, str(who.receiver.id))


async def _tasks(who: Parties, case_id: str) -> list[Json]:
    data: list[Json] = (await who.coordinator.get(f"/v1/cases/{case_id}/tasks")).json()["data"]
    return data


async def _need(who: Parties, case_id: str, name: str) -> tuple[str, str]:
    needs = (await who.coordinator.get(f"/v1/cases/{case_id}")).json()["needs"]
    (need,) = (need for need in needs if need["need"] == name)
    return need["status"], need["agency"]["id"]


# What a referral must be


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"matter": "LAB-99"}, "/matter", "unknown-matter"),
        ({"to_agency": ABSENT}, "/to_agency", "unknown-agency"),
        ({"need": "housing"}, "/need", "not-a-need-of-this-matter"),
        ({"part_of": ABSENT}, "/part_of", "not-a-joint-referral-under-way"),
        ({"reopens": ABSENT}, "/reopens", "not-a-completed-referral"),
        ({"joint": True}, "/to_agency", "joint-has-no-addressee"),
        ({"matter": "JUS-10", "to_agency": None, "place": None}, "/place", "unknown-field"),
    ],
)
async def test_a_referral_that_makes_no_sense_is_refused(
    union: Api, labour: Api, changes: Json, pointer: str, code: str
) -> None:
    case_id = (await report(union))["case"]["id"]
    answer = await try_refer(union, case_id, labour, **changes)
    assert answer.status_code == 422, answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


async def test_nobody_refers_to_itself(union: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    answer = await try_refer(union, case_id, union, matter="UNI-02")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "referral-to-oneself"


async def test_a_matter_nobody_is_competent_for_has_no_pool(union: Api) -> None:
    """The only competent office is the sender."""
    case_id = (await report(union))["case"]["id"]
    answer = await try_refer(union, case_id, None, matter="UNI-02")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "no-competent-agency"


async def test_an_office_the_list_does_not_name_is_warned_about_and_may_say_not_mine(union: Api, medical: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    referral = await refer(union, case_id, medical)
    assert [warning["code"] for warning in referral["warnings"]] == ["agency-not-competent"]


async def test_only_the_coordinator_and_offices_at_work_refer(union: Api, labour: Api, medical: Api) -> None:
    case_id = (await report(labour))["case"]["id"]
    refused = await try_refer(labour, case_id, medical, matter="MED-01")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-role")
    await union.post(f"/v1/cases/{case_id}/participants", {"agency": str(medical.id)})
    assert (await try_refer(medical, case_id, labour)).status_code == 403


async def test_a_case_one_does_not_see_cannot_be_referred_from(union: Api, stranger: Api, labour: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    hidden, absent = await try_refer(stranger, case_id, labour), await try_refer(stranger, ABSENT, labour)
    assert hidden.status_code == absent.status_code == 404


async def test_a_closed_case_takes_no_new_referral(union: Api, labour: Api) -> None:
    """Its needs would be nobody's work: reopen it first."""
    reported = await report(union)
    path = f"/v1/cases/{reported['case']['id']}"
    for name in ("activate", "propose_closing", "close"):
        version = (await union.get(path)).json()["version"]
        said = {"exit_reason": "lifted", "text": "已脱困"} if name == "close" else {}
        assert (await union.post(f"{path}/{name}", said, if_match=version)).status_code == 200
    answer = await try_refer(union, reported["case"]["id"], labour)
    assert answer.status_code == 409, answer.text


# Doing the same thing twice


async def test_a_second_open_referral_of_the_same_matter_is_pointed_to_the_first(union: Api, labour: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    first = await refer(union, case_id, labour)
    again = await try_refer(union, case_id, labour)
    assert (again.status_code, again.json()["code"]) == (409, "duplicate-record")
    assert again.json()["existing"] == f"/v1/referrals/{first['id']}"
    assert (await union.get(again.json()["existing"])).status_code == 200
    await step(union, first, "cancel")
    assert (await try_refer(union, case_id, labour)).status_code == 201


async def test_a_draft_meets_the_guard_when_it_is_sent(union: Api, labour: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    draft = await refer(union, case_id, labour, draft=True)
    await refer(union, case_id, labour)
    sent = await try_step(union, draft, "send")
    assert (sent.status_code, sent.json()["code"]) == (409, "duplicate-record")


async def test_a_duplicate_the_sender_cannot_see_is_accepted_and_shown_to_the_coordinator(who: Parties) -> None:
    case_id = await case_with_sender(who)
    hidden = await refer(who.coordinator, case_id, who.receiver, matter="EDU-01")
    accepted = await refer(who.sender, case_id, who.receiver, matter="EDU-01")
    assert accepted["status"] == "requested"
    assert accepted["warnings"] == []
    tasks = await _tasks(who, case_id)
    assert [(task["kind"], task["referral_id"]) for task in tasks] == [("possible_duplicate", accepted["id"])]
    assert (await who.sender.get(f"/v1/referrals/{hidden['id']}")).status_code == 404


async def test_a_completed_referral_is_reopened_as_a_new_one(who: Parties) -> None:
    done = await referral_at(who, "completed")
    again = await refer(who.sender, done["case_id"], who.receiver, matter="EDU-02", reopens=done["id"])
    assert (again["reopens"], again["status"]) == (done["id"], "requested")
    assert (await who.sender.get(f"/v1/referrals/{done['id']}")).json()["status"] == "completed"


async def test_what_reopens_is_of_the_same_matter(who: Parties) -> None:
    done = await referral_at(who, "completed")
    answer = await try_refer(who.sender, done["case_id"], who.receiver, matter="EDU-01", reopens=done["id"])
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/reopens"


async def test_a_body_that_says_more_than_the_step_knows_is_refused(who: Parties) -> None:
    referral = await referral_at(who, "requested")
    path = f"/v1/referrals/{referral['id']}/accept"
    answer = await who.receiver.post(path, {"status": "completed"}, if_match=referral["version"])
    assert (answer.status_code, body_of(answer)["code"]) == (422, "unknown-field")

"""What must hold however requests race: one coordinator a case, one active case a main member, one state a referral."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine

import httpx
import pytest

from db.engine import Raw
from tests.actions.instances import superuser
from tests.actions.story import Json, refer, report, step
from tests.builders import Api, person_body, report_body

Act = Callable[[], Coroutine[object, object, list[int]]]


@pytest.fixture
async def behind(admin_url: str) -> AsyncIterator[Raw]:
    async with superuser(admin_url) as raw:
        yield raw


async def test_reports_closings_and_reopenings_at_once_leave_one_active_case(
    union: Api, labour: Api, medical: Api, behind: Raw
) -> None:
    people = [person_body() for _ in range(3)]
    cases = [(await report(union, person=person))["case"]["id"] for person in people]
    acts: list[Act] = []
    for person, case_id in zip(people, cases, strict=True):
        acts += [_reporting(api, person) for api in (union, labour, medical) for _ in range(2)]
        acts += [_moving(union, case_id) for _ in range(3)]
    random.Random(1).shuffle(acts)
    statuses = [status for done in await asyncio.gather(*(act() for act in acts)) for status in done]
    assert not [status for status in statuses if status >= 500], statuses
    await _check(behind)


def _reporting(api: Api, person: Json) -> Act:
    async def act() -> list[int]:
        answers = [await api.post("/v1/reports", report_body() | {"person": person, "household": []}) for _ in range(3)]
        return [answer.status_code for answer in answers]

    return act


def _moving(union: Api, case_id: str) -> Act:
    """Closes and reopens, as far as the case lets it."""

    async def act() -> list[int]:
        statuses = []
        for name in ("activate", "propose_closing", "close", "reopen", "propose_closing", "close", "reopen"):
            answer = await _move(union, case_id, name)
            statuses.append(answer.status_code)
        return statuses

    return act


async def _move(union: Api, case_id: str, name: str) -> httpx.Response:
    version = (await union.get(f"/v1/cases/{case_id}")).json()["version"]
    said = {"exit_reason": "lifted", "text": "已脱困"} if name == "close" else {}
    return await union.post(f"/v1/cases/{case_id}/{name}", said, if_match=version)


async def _check(behind: Raw) -> None:
    """The invariants, over everything the session's tests have left."""
    for law, sql in LAWS.items():
        assert await behind.fetch(sql) == [], law


LAWS = {
    "every case that did not go into another has exactly one live coordinator, and its column mirrors it": """
        SELECT c.id FROM "case" c LEFT JOIN participant p
            ON p.case_id = c.id AND p.role = 'coordinator' AND p.until IS NULL
         WHERE c.merged_into IS NULL
         GROUP BY c.id HAVING count(p.id) <> 1 OR bool_or(p.agency_id <> c.coordinator_agency_id)""",
    "no person is main member of two active cases": """
        SELECT m.person_id FROM household_member m JOIN "case" c ON c.id = m.case_id
         WHERE m.role = 'main' AND c.status <> 'closed' GROUP BY m.person_id HAVING count(*) > 1""",
    "nothing is left in a case that went into another": """
        SELECT c.id FROM "case" c WHERE c.merged_into IS NOT NULL AND (c.status <> 'closed'
            OR EXISTS (SELECT FROM participant p WHERE p.case_id = c.id AND p.until IS NULL)
            OR EXISTS (SELECT FROM report r WHERE r.case_id = c.id)
            OR EXISTS (SELECT FROM referral r WHERE r.case_id = c.id)
            OR EXISTS (SELECT FROM household_member m WHERE m.case_id = c.id))""",
    "a household case has one main member": """
        SELECT c.id FROM "case" c LEFT JOIN household_member m ON m.case_id = c.id AND m.role = 'main'
         WHERE c.kind = 'household' AND c.merged_into IS NULL AND c.erased_at IS NULL
         GROUP BY c.id HAVING count(m.person_id) <> 1""",
    "members are active exactly while their case is": """
        SELECT c.id FROM "case" c JOIN household_member m ON m.case_id = c.id
         WHERE m.active <> (c.status <> 'closed')""",
    "participants copy their case": """
        SELECT p.id FROM participant p JOIN "case" c ON c.id = p.case_id WHERE p.until IS NULL
           AND (p.case_status, p.case_updated_at, p.coordinator_agency_id)
               IS DISTINCT FROM (c.status, c.updated_at, c.coordinator_agency_id)""",
    "each live participant is listed once in its agency's list": """
        SELECT p.case_id, p.agency_id FROM participant p JOIN "case" c ON c.id = p.case_id
         WHERE p.until IS NULL AND c.erased_at IS NULL GROUP BY 1, 2 HAVING count(*) FILTER (WHERE listed) <> 1""",
    "a closed case has no open referral": """
        SELECT r.id FROM referral r JOIN "case" c ON c.id = r.case_id
         WHERE c.status = 'closed' AND r.status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold')""",
    "a referral has as many steps as its version counts, or fewer": """
        SELECT r.id FROM referral r
         WHERE r.version < (SELECT count(*) FROM referral_step s WHERE s.referral_id = r.id)""",
    "the coordinator of a referral is that of its case": """
        SELECT r.id FROM referral r JOIN "case" c ON c.id = r.case_id
         WHERE r.coordinator_agency_id <> c.coordinator_agency_id""",
    "an ended referral has no clock that fires": """
        SELECT id FROM referral WHERE next_due IS NOT NULL AND status NOT IN ('requested', 'accepted', 'in_progress',
            'on_hold')""",
    "whoever works on a referral takes part in its case": """
        SELECT r.id FROM referral r WHERE r.status IN ('accepted', 'in_progress', 'on_hold') AND NOT r.joint
           AND NOT EXISTS (SELECT FROM participant p WHERE p.case_id = r.case_id AND p.agency_id = r.to_agency_id
                              AND p.role = 'receiver')""",
    "every report and every step of a case has its event": """
        SELECT r.id FROM report r WHERE NOT EXISTS (SELECT FROM event e WHERE e.subject_id = r.id
            AND e.type = 'report.received')
        UNION ALL SELECT s.id FROM referral_step s JOIN referral r ON r.id = s.referral_id
         WHERE s.step <> 'recalculate' AND NOT EXISTS (SELECT FROM event e WHERE e.subject_id = r.id)""",
    "every report and every step of a referral has its audit leaf": """
        SELECT r.id FROM report r WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.id = r.leaf_id)
        UNION ALL SELECT s.id FROM referral_step s WHERE NOT EXISTS (
            SELECT FROM audit_leaf l WHERE l.subject_id = s.referral_id AND l.action = 'referral.' || s.step)""",
    "a record belongs to the case and agency of its report": """
        SELECT p.id FROM person_record p JOIN report r ON r.id = p.report_id
         WHERE (p.case_id, p.agency_id) IS DISTINCT FROM (r.case_id, r.agency_id)""",
    "one identity number under one name is one person, where nobody said otherwise": """
        SELECT id_index FROM person_record r WHERE id_index IS NOT NULL AND name_birth_index IS NOT NULL
           AND NOT EXISTS (SELECT FROM link l
                            WHERE l.verdict = 'different' AND r.id IN (l.record_id, l.other_record_id))
         GROUP BY id_index, name_birth_index HAVING count(DISTINCT person_id) > 1""",
}


@pytest.mark.parametrize("law", LAWS)
async def test_a_law_holds_over_all_that_the_other_tests_have_done(behind: Raw, law: str) -> None:
    assert await behind.fetch(LAWS[law]) == []


async def test_steps_of_one_referral_from_all_sides_at_once_are_taken_one_after_another(
    union: Api, labour: Api, behind: Raw
) -> None:
    for _ in range(5):
        referral = await refer(union, (await report(union))["case"]["id"], labour)
        said = {"reason": "need_gone", "text": "x"}
        path = f"/v1/referrals/{referral['id']}"
        answers = await asyncio.gather(
            labour.post(f"{path}/accept", {}, if_match=1),
            labour.post(f"{path}/receive", {}, if_match=1),
            labour.post(f"{path}/return", {"reason": "unclear_request", "text": "x"}, if_match=1),
            union.post(f"{path}/cancel", said, if_match=1),
            union.post(f"{path}/void", {"reason": "wrong_matter", "text": "x"}, if_match=1),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
        assert await behind.fetchval("SELECT count(*) FROM referral_step WHERE referral_id = $1", referral["id"]) == 1


async def test_one_matter_is_asked_for_once_however_often_at_once(union: Api, labour: Api) -> None:
    case_id = (await report(union))["case"]["id"]
    body = {"matter": "LAB-12", "to_agency": str(labour.id)}
    answers = await asyncio.gather(*(union.post(f"/v1/cases/{case_id}/referrals", body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


async def test_a_case_does_not_close_over_a_referral_that_is_just_being_made(union: Api, labour: Api) -> None:
    for _ in range(5):
        case_id = (await report(union))["case"]["id"]
        for name in ("activate", "propose_closing"):
            await _move(union, case_id, name)
        body = {"matter": "LAB-12", "to_agency": str(labour.id)}
        closed, referred = await asyncio.gather(
            _move(union, case_id, "close"), union.post(f"/v1/cases/{case_id}/referrals", body)
        )
        assert (closed.status_code, referred.status_code) in ((200, 409), (409, 201), (412, 201))


async def test_reopening_while_a_new_case_is_opened_never_fails_for_lack_of_a_word(
    union: Api, labour: Api, behind: Raw
) -> None:
    """The unique index decides; the loser is told so."""
    for _ in range(6):
        person = person_body()
        case_id = (await report(union, person=person))["case"]["id"]
        for name in ("activate", "propose_closing", "close"):
            assert (await _move(union, case_id, name)).status_code == 200
        reported, reopened = await asyncio.gather(
            labour.post("/v1/reports", report_body() | {"person": person}), _move(union, case_id, "reopen")
        )
        assert (reported.status_code, reopened.status_code) in ((201, 200), (201, 409)), (reported.text, reopened.text)
        assert (reopened.status_code == 200) == (reported.json()["case"]["id"] == case_id)


async def test_the_reporter_that_also_works_is_listed_once(union: Api, labour: Api, behind: Raw) -> None:
    filed = await report(labour)
    await step(labour, await refer(union, filed["case"]["id"], labour), "accept")
    rows = [
        r
        for r in (await labour.get("/v1/cases", params={"limit": 200})).json()["data"]
        if r["id"] == filed["case"]["id"]
    ]
    assert len(rows) == 1

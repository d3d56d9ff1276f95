"""Persons that are joined and parted: cases, households, participants and access follow, and go back exactly."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from rules.linkage.assertions import Said, persons_of
from tests.actions.instances import superuser
from tests.actions.story import Json, OpenApi, report
from tests.builders import Api, person_body

STATE = {
    "case": 'SELECT id, status, exit_reason, merged_into, coordinator_agency_id FROM "case" WHERE id = ANY ($1)',
    "records": "SELECT id, case_id, person_id FROM person_record WHERE case_id = ANY ($1)",
    "household": "SELECT case_id, person_id, record_id, role, relation, active FROM household_member "
    "WHERE case_id = ANY ($1)",
    "parts": "SELECT case_id, agency_id, role FROM participant WHERE case_id = ANY ($1) AND until IS NULL",
    "listed": "SELECT case_id, agency_id FROM participant WHERE case_id = ANY ($1) AND until IS NULL AND listed",
    "needs": "SELECT case_id, need, status, agency_id, referral_id FROM case_need WHERE case_id = ANY ($1)",
    "reports": "SELECT id, case_id FROM report WHERE case_id = ANY ($1)",
    "referrals": "SELECT id, case_id, coordinator_agency_id, person_id, status FROM referral WHERE case_id = ANY ($1)",
    "results": "SELECT id, case_id FROM result WHERE case_id = ANY ($1)",
    "expected": "SELECT id, case_id, agency_id, status FROM expected_adoption WHERE case_id = ANY ($1)",
    "bases": "SELECT id, case_id FROM sharing_basis WHERE case_id = ANY ($1)",
    "tasks": "SELECT id, case_id, agency_id, status FROM case_task WHERE case_id = ANY ($1)",
}
"""Everything that follows from who is who, but for versions, times and parts that ended."""


async def state(url: str, cases: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    async with superuser(url) as raw:
        return {
            name: sorted(tuple(map(str, row)) for row in await raw.fetch(sql, [UUID(one) for one in cases]))
            for name, sql in STATE.items()
        }


async def _values(url: str) -> dict[int, int]:
    """In how many persons each value occurs, those of nobody left out."""
    async with superuser(url) as raw:
        return {row["value"]: row["people"] for row in await raw.fetch("SELECT * FROM link_value WHERE people > 0")}


async def link_of(url: str, report_id: str, *, joined: bool = False) -> asyncpg.Record:
    """The assertion about the main record of a report; what joined it to another person, where that is asked for."""
    async with superuser(url) as raw:
        found = await raw.fetchrow(
            "SELECT l.* FROM link l JOIN person_record r ON r.id = l.record_id "
            "WHERE r.report_id = $1 AND r.main AND l.verdict = 'same' AND (l.source = 'person') = $2 "
            "ORDER BY l.decided_at DESC, l.id DESC LIMIT 1",
            UUID(report_id),
            joined,
        )
    assert found is not None
    return found


async def undo(api: Api, link_id: object) -> Json:
    answer = await api.post(f"/v1/links/{link_id}/undo", {"reason": "different_persons"})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def _told_of(url: str, case_id: str) -> list[tuple[str, int]]:
    """Of which versions of this case events told that it was joined or parted."""
    async with superuser(url) as raw:
        rows = await raw.fetch(
            "SELECT type, subject_version FROM event "
            "WHERE subject_id = $1 AND type LIKE 'case.%merged' ORDER BY position",
            UUID(case_id),
        )
    return [(row["type"], row["subject_version"]) for row in rows]


async def _version(url: str, case_id: str) -> int:
    async with superuser(url) as raw:
        return int(await raw.fetchval('SELECT version FROM "case" WHERE id = $1', UUID(case_id)))


async def replayed(url: str) -> None:
    """All assertions, replayed, give the persons that the records have."""
    async with superuser(url) as raw:
        asserted = await raw.fetch(
            "SELECT id, record_id, person_id, other_record_id, verdict, withdraws FROM link ORDER BY decided_at, id"
        )
        records = {row["id"]: row["person_id"] for row in await raw.fetch("SELECT id, person_id FROM person_record")}
    replayed = persons_of(Said(*row) for row in asserted)
    assert {record: records[record] for record in replayed if record in records} == {
        record: person for record, person in replayed.items() if record in records
    }


# One record, taken for somebody else


async def test_undoing_a_link_gives_the_report_a_case_of_its_own_and_leaves_the_other_as_it_was(
    labour: Api, medical: Api, union: Api, admin_url: str
) -> None:
    person = person_body()
    first = await report(labour, person=person, needs=["employment"])
    case_id = first["case"]["id"]
    before, counted = await state(admin_url, [case_id]), await _values(admin_url)
    second = await report(medical, person=person, needs=["medical", "employment"])
    assert (second["case"]["id"], second["linkage"]["decision"]) == (case_id, "linked")
    assert await _values(admin_url) == counted

    undone = await undo(union, (await link_of(admin_url, second["id"]))["id"])
    (own_case,) = undone["case_ids"]
    assert await state(admin_url, [case_id]) == before
    assert (await medical.get(f"/v1/cases/{case_id}")).status_code == 404
    mine = (await medical.get(f"/v1/cases/{own_case}")).json()
    assert (mine["roles"], [need["need"] for need in mine["needs"]]) == (["reporter"], ["employment", "medical"])
    people = (await union.get(f"/v1/cases/{own_case}/file", purpose="assistance")).json()["people"]
    assert people[0]["name"] == person["name"]
    now = await _values(admin_url)
    assert sum(now.values()) > sum(counted.values())
    await replayed(admin_url)


async def test_an_undone_link_is_not_undone_twice_nor_is_a_founding_one_nor_somebody_elses(
    labour: Api, medical: Api, union: Api, admin_url: str
) -> None:
    person = person_body()
    first = await report(labour, person=person)
    second = await report(medical, person=person)
    link = (await link_of(admin_url, second["id"]))["id"]
    for stranger in (labour, medical):
        refused = await stranger.post(f"/v1/links/{link}/undo", {"reason": "different_persons"})
        assert refused.status_code in (403, 404), refused.text
    await undo(union, link)
    again = await union.post(f"/v1/links/{link}/undo", {"reason": "different_persons"})
    assert (again.status_code, again.json()["reason"]) == (409, "not-a-standing-link")
    founding = (await link_of(admin_url, first["id"]))["id"]
    refused = await union.post(f"/v1/links/{founding}/undo", {"reason": "different_persons"})
    assert (refused.status_code, refused.json()["reason"]) == (409, "founding-link")


async def test_a_record_that_follows_an_undone_one_goes_with_it(
    labour: Api, medical: Api, union: Api, admin_url: str
) -> None:
    """Replay and database agree on who stays with whom, whichever record each was compared with."""
    person = person_body()
    receipts = [await report(api, person=person) for api in (labour, medical, union)]
    await undo(union, (await link_of(admin_url, receipts[1]["id"]))["id"])
    await replayed(admin_url)


# Two persons that a report proves to be one


async def _bridge(labour: Api, medical: Api) -> tuple[list[Json], Json]:
    """Two reports that cannot know of each other, and the person whom a third describes with what both know."""
    person = person_body()
    bare = {"name": person["name"], "address": {"division_code": "340802", "detail": None}}
    by_phone = bare | {"phones": person["phones"], "sex": "female", "id_type": "unverified"}
    by_number = bare | {key: person[key] for key in ("id_type", "id_number", "birth_date", "sex")}
    nothing = {"household": None, "sharing_basis": None}
    apart = [
        await report(labour, **nothing, person=_only(by_phone), needs=["employment"]),
        await report(medical, **nothing, person=_only(by_number), needs=["medical"]),
    ]
    return apart, person


def _only(person: Json) -> Json:
    return dict.fromkeys(person_body()) | person


async def test_a_report_joins_two_persons_and_undoing_it_parts_them_exactly(
    labour: Api, medical: Api, union: Api, open_api: OpenApi, admin_url: str
) -> None:
    civil = await open_api("DEMO-340802-CIVIL")
    apart, person = await _bridge(labour, medical)
    cases = [one["case"]["id"] for one in apart]
    assert len(set(cases)) == 2
    before, counted = await state(admin_url, cases), await _values(admin_url)

    third = await report(civil, person=person, needs=["living"])
    kept, merged = sorted(cases, key=lambda one: one != third["case"]["id"])
    assert third["case"]["id"] in cases
    joined = await state(admin_url, cases)
    assert {row[0] for row in joined["parts"]} == {kept}
    assert len({row[2] for row in joined["records"] if row[1] == kept}) < len(joined["records"])
    moved = await medical.get(f"/v1/cases/{merged}")
    if moved.status_code == 308:
        assert moved.headers["location"] == f"/v1/cases/{kept}"
    assert (await medical.get(f"/v1/cases/{kept}")).json()["roles"] == ["reporter"]
    await replayed(admin_url)

    async with superuser(admin_url) as raw:
        told = await raw.fetchval("SELECT case_id FROM event WHERE subject_id = $1", UUID(third["id"]))
        assert str(told) == kept, "whoever takes part now is told of the report"
        links = await raw.fetch(
            "SELECT l.id FROM link l JOIN person_record r ON r.id = l.record_id "
            "WHERE r.report_id = $1 AND r.main AND l.other_record_id IS NOT NULL ORDER BY l.id DESC",
            UUID(third["id"]),
        )
    assert len(links) == 2
    assert await _told_of(admin_url, merged) == [("case.merged", await _version(admin_url, merged))]
    versions = []
    for link in links:
        await undo(union, link["id"])
        versions.append(await _version(admin_url, merged))
    (_, *parted) = await _told_of(admin_url, merged)
    assert parted == [("case.unmerged", versions[0])] * 2, "one in each of the two cases"
    after = await state(admin_url, cases)
    assert after == before
    assert (await medical.get(f"/v1/cases/{kept}")).status_code == (200 if kept == apart[1]["case"]["id"] else 404)
    now = await _values(admin_url)
    assert all(now[value] - people in (0, 1) for value, people in counted.items()), "one person more, the third"
    await replayed(admin_url)

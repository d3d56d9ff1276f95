"""People confirm a possible match: whose word is asked, what is joined, and that undoing it gives everything back."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from tests.actions.instances import superuser
from tests.actions.story import Json, OpenApi, refer, report, step
from tests.actions.test_merges import link_of, replayed, state, undo
from tests.builders import Api, person_body


@dataclass(frozen=True, slots=True)
class Possible:
    """A possible match: the reports and their cases, the earlier first."""

    id: UUID
    receipts: tuple[Json, Json]
    person: Json

    @property
    def cases(self) -> list[str]:
        return [receipt["case"]["id"] for receipt in self.receipts]


async def _possible(url: str, earlier: Api, later: Api, *, place: str = "340802", **person: Any) -> Possible:
    """Two people of one name and birthday with different employers: the linker asks."""
    known = person_body(**person)
    told = {key: known[key] for key in ("name", "birth_date", "sex")}
    other = dict.fromkeys(known) | told
    other |= {
        "id_type": "unverified",
        "employer": {"name": "淮河运输公司", "uscc": None},
        "phones": [f"+86137{secrets.randbelow(10**8):08d}"],
    }
    first = await report(earlier, person=known, household=None, needs=["employment"])
    address = {"division_code": place, "detail": None}
    second = await report(later, person=other | {"address": address}, household=None, needs=["medical"])
    assert first["case"]["id"] != second["case"]["id"]
    return Possible((await _candidate(url, second["id"]))["id"], (first, second), known)


async def _candidate(url: str, report_id: str) -> asyncpg.Record:
    async with superuser(url) as raw:
        found = await raw.fetchrow(
            "SELECT m.* FROM match_candidate m JOIN person_record r ON r.id = m.record_id WHERE r.report_id = $1",
            UUID(report_id),
        )
    assert found is not None, "nobody is asked"
    return found


async def _say(api: Api, possible: Possible, version: int, verb: str = "confirm") -> httpx.Response:
    return await api.post(f"/v1/match-candidates/{possible.id}/{verb}", if_match=version)


async def _confirm(api: Api, possible: Possible, version: int = 1) -> Json:
    answer = await _say(api, possible, version)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def test_one_union_confirms_and_both_files_are_one_with_all_that_was_under_way(
    union: Api, labour: Api, medical: Api, open_api: OpenApi, admin_url: str
) -> None:
    employment = await open_api("DEMO-340802-EMPLOYMENT")
    possible = await _possible(admin_url, labour, medical)
    kept, merged = possible.cases
    taken = await refer(union, merged, employment, matter="LAB-12")
    await step(employment, taken, "accept")
    before = await state(admin_url, possible.cases)

    decided = await _confirm(union, possible)
    assert decided["status"] == "confirmed"
    joined = await state(admin_url, possible.cases)
    assert {row[1] for row in joined["records"]} == {kept}
    assert len({row[2] for row in joined["records"]}) == 1
    roles = (await employment.get(f"/v1/cases/{kept}")).json()["roles"]
    assert roles == ["receiver"]
    needs = {need["need"]: need["status"] for need in (await union.get(f"/v1/cases/{kept}")).json()["needs"]}
    assert needs.keys() == {"employment", "medical"} | {row[1] for row in before["needs"]}
    for api in (medical, employment, union):
        gone = await api.get(f"/v1/cases/{merged}")
        assert (gone.status_code, gone.headers["location"]) == (308, f"/v1/cases/{kept}"), gone.text
    assert (await union.get(f"/v1/cases/{merged}/file", purpose="assistance")).headers["location"].endswith("/file")
    stranger = await open_api("DEMO-990102-LABOUR")
    assert (await stranger.get(f"/v1/cases/{merged}")).status_code == 404

    await undo(union, (await link_of(admin_url, possible.receipts[1]["id"], joined=True))["id"])
    assert await state(admin_url, possible.cases) == before
    assert (await employment.get(f"/v1/cases/{kept}")).status_code == 404
    assert (await employment.get(f"/v1/cases/{merged}")).json()["roles"] == ["receiver"]
    assert (await _candidate(admin_url, possible.receipts[1]["id"]))["status"] == "undone"
    await replayed(admin_url)


async def test_what_was_reported_since_goes_with_whom_it_is_about(
    union: Api, labour: Api, medical: Api, open_api: OpenApi, admin_url: str
) -> None:
    civil = await open_api("DEMO-340802-CIVIL")
    possible = await _possible(admin_url, labour, medical)
    await _confirm(union, possible)
    later = await report(civil, person=possible.person, household=None, needs=["living"])
    assert later["case"]["id"] == possible.cases[0]
    await undo(union, (await link_of(admin_url, possible.receipts[1]["id"], joined=True))["id"])
    after = await state(admin_url, possible.cases)
    where = {row[0]: row[1] for row in after["reports"]}
    assert where[possible.receipts[0]["id"]] == possible.cases[0]
    assert where[later["id"]] == possible.cases[0], "it was compared with the first"
    await replayed(admin_url)


async def test_two_unions_must_both_confirm_and_the_later_case_goes_into_the_earlier(
    union: Api, labour: Api, open_api: OpenApi, admin_url: str
) -> None:
    other_union, other_labour = await open_api("DEMO-990101-UNION"), await open_api("DEMO-990101-LABOUR")
    possible = await _possible(admin_url, labour, other_labour, place="990101")
    kept, merged = possible.cases
    before = await state(admin_url, possible.cases)
    assert (await _say(labour, possible, 1)).status_code in (403, 404)
    first = await _confirm(other_union, possible)
    assert (first["status"], first["version"]) == ("open", 2)
    assert (await state(admin_url, possible.cases)) == before
    again = await _say(other_union, possible, 2)
    assert (again.status_code, again.json()["reason"]) == (409, "other-side-must-confirm")
    assert (await _say(union, possible, 1)).status_code == 412
    await _confirm(union, possible, version=2)
    assert (await other_union.get(f"/v1/cases/{kept}")).json()["roles"] == ["observer"]
    assert (await other_labour.get(f"/v1/cases/{kept}")).json()["roles"] == ["reporter"]
    assert (await other_union.get(f"/v1/cases/{merged}")).headers["location"] == f"/v1/cases/{kept}"
    await undo(union, (await link_of(admin_url, possible.receipts[1]["id"], joined=True))["id"])
    assert await state(admin_url, possible.cases) == before
    assert (await other_union.get(f"/v1/cases/{kept}")).status_code == 404
    assert (await other_union.get(f"/v1/cases/{merged}")).json()["roles"] == ["coordinator"]


async def test_a_confirmation_and_a_report_at_once_leave_one_person(
    union: Api, labour: Api, medical: Api, open_api: OpenApi, admin_url: str
) -> None:
    civil = await open_api("DEMO-340802-CIVIL")
    for _ in range(5):
        person = person_body()
        possible = await _possible(admin_url, labour, medical, **person)
        await asyncio.gather(
            _confirm(union, possible),
            report(civil, person=person, household=None),
            report(labour, person=person, household=None),
        )
        found = await state(admin_url, possible.cases)
        assert {row[1] for row in found["records"]} == {possible.cases[0]}
        assert len({row[2] for row in found["records"]}) == 1
    await replayed(admin_url)


async def test_an_unmerge_and_a_merge_again_give_the_same_persons(
    union: Api, labour: Api, medical: Api, admin_url: str
) -> None:
    possible = await _possible(admin_url, labour, medical)
    apart = await state(admin_url, possible.cases)
    await _confirm(union, possible)
    together = await state(admin_url, possible.cases)
    await undo(union, (await link_of(admin_url, possible.receipts[1]["id"], joined=True))["id"])
    refused = await _say(union, possible, 3)  # undone is undone: it is taken back where it was said
    assert refused.status_code == 409
    links = (await union.get(f"/v1/cases/{possible.cases[1]}/links")).json()["data"]
    (different,) = [link["id"] for link in links if link["verdict"] == "different"]
    await undo(union, different)
    assert await state(admin_url, possible.cases) == together
    await replayed(admin_url)
    await undo(union, (await link_of(admin_url, possible.receipts[1]["id"], joined=True))["id"])
    assert await state(admin_url, possible.cases) == apart

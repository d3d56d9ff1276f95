"""A need for which no body is competent: recorded where the list agrees, counted above without its case."""

from typing import Any

import pytest

from tests.actions.story import GAP, Json, body_of, dispute, report
from tests.api.test_case_transfers import offer, take
from tests.api.test_proposals import draft
from tests.api.test_proposals import take as take_proposal
from tests.builders import Api
from tests.conftest import OpenApi

COUNTS = "/v1/policy-gaps/counts"
PURPOSE = "assistance"
WITHOUT_OFFICES = "110101"


def path_of(case_id: str) -> str:
    return f"/v1/cases/{case_id}/policy-gaps"


async def disputed_case(union: Api, office: Api) -> str:
    """A case in which an office said of the need that it is not its own, and the union disputed that."""
    case_id: str = (await report(union, needs=["employment"]))["case"]["id"]
    await dispute(union, case_id, office)
    return case_id


async def gap(union: Api, case_id: str, status: int = 201, **changes: Any) -> Json:
    answer = await union.post(path_of(case_id), GAP | changes)
    assert answer.status_code == status, answer.text
    return body_of(answer)


async def counted(api: Api, ground: str = "disputed", place: str = "340802") -> int | None:
    """The count of employment gaps, 0 where there is no row."""
    answer = await api.get(COUNTS, params={"need": "employment", "limit": 200})
    assert answer.status_code == 200, answer.text
    rows = [row for row in answer.json()["data"] if (row["place"], row["ground"]) == (place, ground)]
    count: int | None = rows[0]["gaps"] if rows else 0
    return count


async def test_what_was_disputed_is_a_gap_and_the_need_keeps_its_owner(union: Api, labour: Api) -> None:
    case_id = await disputed_case(union, labour)
    before = body_of(await union.get(f"/v1/cases/{case_id}"))["needs"]
    recorded = await gap(union, case_id)
    assert (recorded["place"], recorded["matter"], recorded["ground"]) == ("340802", None, "disputed")
    assert body_of(await union.get(f"/v1/cases/{case_id}"))["needs"] == before
    assert [need["agency"]["id"] for need in before] == [str(union.id)]
    read = await union.get(path_of(case_id), purpose=PURPOSE)
    assert body_of(read)["data"] == [recorded]
    assert (await union.get(path_of(case_id))).json()["code"] == "purpose-required"
    again = await union.post(path_of(case_id), GAP)
    assert (again.status_code, again.json()["reason"]) == (409, "gap-recorded-already")


async def test_only_the_coordinator_records_and_reads(union: Api, labour: Api, open_api: OpenApi) -> None:
    case_id = await disputed_case(union, labour)
    stranger = await open_api("DEMO-990102-UNION")
    for answer in (await stranger.post(path_of(case_id), GAP), await stranger.get(path_of(case_id), purpose=PURPOSE)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    reporter = (await report(labour))["case"]["id"]
    for answer in (await labour.post(path_of(reporter), GAP), await labour.get(path_of(reporter), purpose=PURPOSE)):
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-role")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"ground": "no_matter"}, "/ground", "a-matter-answers-this"),
        ({"ground": "no_competent_agency"}, "/ground", "an-agency-is-competent"),
        ({"ground": "disputed"}, "/ground", "no-competence-disputed"),
        ({"need": "housing"}, "/need", "not-a-need-of-this-case"),
        ({"matter": "MED-01"}, "/matter", "not-a-need-of-this-matter"),
        ({"matter": "NONE-01"}, "/matter", "not-a-need-of-this-matter"),
    ],
)
async def test_the_list_has_the_last_word(union: Api, changes: Json, pointer: str, code: str) -> None:
    case_id = (await report(union, needs=["employment"]))["case"]["id"]
    refused = await gap(union, case_id, 422, **changes)
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [(pointer, code)]


async def test_a_refusal_names_the_competent_office(union: Api) -> None:
    case_id = (await report(union, needs=["employment"]))["case"]["id"]
    refused = await gap(union, case_id, 422, ground="no_competent_agency", matter="LAB-09")
    named = refused["errors"][0]
    offices = body_of(await union.get("/v1/matters/LAB-09?division=340802"))["agencies"]
    assert named["masked"]["agency"] in {office["name"] for office in offices}
    assert named["masked"]["agency"] in named["detail"]


async def test_where_no_office_is_competent_there_is_a_gap_without_a_dispute(open_api: OpenApi) -> None:
    reporter = await open_api("DEMO-340802-LABOUR")
    filed = await report(reporter, needs=["employment"], person={"address": {"division_code": WITHOUT_OFFICES}})
    case_id = filed["case"]["id"]
    coordinator = body_of(await reporter.get(f"/v1/cases/{case_id}"))["coordinator"]["id"]
    top = await open_api("DEMO-340000-UNION")
    assert str(top.id) == coordinator
    recorded = await gap(top, case_id, ground="no_competent_agency")
    assert recorded["place"] == WITHOUT_OFFICES
    assert await counted(top, "no_competent_agency", WITHOUT_OFFICES) is None, "one could point at a household"


async def test_the_unions_above_count_it_and_see_no_case(union: Api, labour: Api, open_api: OpenApi) -> None:
    city, elsewhere = await open_api("DEMO-340800-UNION"), await open_api("DEMO-990101-UNION")
    cases = [await disputed_case(union, labour) for _ in range(5)]
    for case_id in cases:
        await gap(union, case_id)
    found = await counted(city)
    assert found is not None
    assert found >= 5
    assert await counted(union) == found
    assert await counted(elsewhere) == 0
    assert await counted(labour) == 0
    shown = (await city.get(COUNTS)).text
    assert not any(case_id in shown for case_id in cases)
    for case_id in cases[:1]:
        assert (await city.get(f"/v1/cases/{case_id}")).status_code == 404


async def test_a_proposal_rests_on_the_gaps_of_its_need(union: Api, labour: Api, open_api: OpenApi) -> None:
    for _ in range(5):
        await gap(union, await disputed_case(union, labour))
    city = await open_api("DEMO-340800-UNION")
    drafted = await draft(city, need="employment", addressee_name="省人大常委会")
    evidence = (await take_proposal(city, drafted, "send"))["evidence"]
    assert evidence["gaps"]["disputed"] == await counted(city)
    assert evidence["gaps"]["no_matter"] == 0
    assert evidence["cases"] >= evidence["gaps"]["disputed"]


async def test_the_gap_goes_with_the_coordinators_role(union: Api, labour: Api, open_api: OpenApi) -> None:
    case_id = await disputed_case(union, labour)
    recorded = await gap(union, case_id)
    taker = await open_api("DEMO-990101-UNION")
    await take(taker, await offer(union, case_id, taker), "accept")
    assert body_of(await taker.get(path_of(case_id), purpose=PURPOSE))["data"] == [recorded]
    assert (await union.get(path_of(case_id), purpose=PURPOSE)).status_code in (403, 404)

"""What was sent to an agency is answered until a date: who owes what, who may see it, what ends it, what is counted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.actions.instances import superuser
from tests.actions.story import Json, OpenApi, body_of, refer, report, step, try_refer, try_step
from tests.builders import Api

PATH = "/v1/expected-adoptions"
NOT: Json = {"decision": "not_adopted", "reason_code": "other_standard", "reason": "口径不同"}
DIBAO: Json = {"kind": "recognition", "code": "dibao", "text": "认定为低保"}


@pytest.fixture
async def civil(open_api: OpenApi) -> Api:
    return await open_api("DEMO-340802-CIVIL")


async def owed(api: Api, case_id: str, **more: str) -> list[Json]:
    answer = await api.get(f"{PATH}?{urlencode({'case': case_id, **more})}")
    assert answer.status_code == 200, answer.text
    rows: list[Json] = answer.json()["data"]
    return rows


async def new_case(reporter: Api, **changes: Any) -> str:
    case_id: str = (await report(reporter, **changes))["case"]["id"]
    return case_id


async def complete(union: Api, office: Api, case_id: str, result: Json, *, matter: str = "CIV-01") -> Json:
    """The result of a referral completed by the office."""
    referral = await refer(union, case_id, office, matter=matter)
    for name in ("accept", "start"):
        referral = await step(office, referral, name)
    await step(office, referral, "complete", result=result)
    rows = (await office.get(f"/v1/cases/{case_id}/results", purpose="assistance")).json()["data"]
    mine: Json = next(row for row in rows if row["referral_id"] == referral["id"])
    return mine


async def adopt(api: Api, expected: Json, said: Json) -> None:
    answer = await api.post(f"{PATH}/{expected['id']}/adoptions", said)
    assert answer.status_code == 201, answer.text


async def test_a_report_is_expected_of_the_coordinator_within_five_working_days(union: Api, labour: Api) -> None:
    filed = await report(labour)
    (row,) = await owed(union, filed["case"]["id"])
    assert (row["report_id"], row["kind"], row["status"]) == (filed["id"], "report", "waiting")
    arisen, due = (datetime.fromisoformat(row[name]) for name in ("arisen_at", "due_at"))
    assert timedelta(days=5) < due - arisen < timedelta(days=20)
    assert await owed(labour, filed["case"]["id"]) == []
    assert (await union.post(f"/v1/reports/{filed['id']}/adoptions", {"decision": "adopted"})).status_code == 201
    assert body_of(await union.get(f"{PATH}/{row['id']}"))["status"] == "adopted"
    again = await union.post(f"{PATH}/{row['id']}/adoptions", {"decision": "adopted"})
    assert (again.status_code, again.json()["reason"]) == (409, "already-adopted")


async def test_nothing_of_ones_own_is_expected(union: Api) -> None:
    case_id = await new_case(union)
    assert await owed(union, case_id) == await owed(union, case_id, box="others") == []


async def test_who_accepts_a_referral_adopts_the_report_that_named_its_need_and_does_not_see_it(
    union: Api, labour: Api, medical: Api
) -> None:
    filed = await report(labour, needs=["employment", "medical"])
    case_id = filed["case"]["id"]
    referral = await refer(union, case_id, medical, matter="MED-01", need="medical")
    assert await owed(medical, case_id) == []
    await step(medical, referral, "accept")
    (row,) = await owed(medical, case_id)
    assert (row["kind"], row["report_id"]) == ("report", None)
    assert (await medical.get(f"/v1/reports/{filed['id']}", purpose="assistance")).status_code == 404
    await adopt(medical, row, NOT)
    assert {row["status"] for row in await owed(union, case_id, box="others")} == {"not_adopted"}
    timeline = (await labour.get(f"/v1/cases/{case_id}/timeline")).json()["data"]
    assert "report.adopted" in {entry["type"] for entry in timeline}


async def test_a_need_that_no_report_named_brings_nothing_to_adopt(union: Api, labour: Api, medical: Api) -> None:
    case_id = await new_case(labour, needs=["employment"])
    await step(medical, await refer(union, case_id, medical, matter="MED-01", need="medical"), "accept")
    assert await owed(medical, case_id) == []


async def test_a_result_is_expected_of_all_who_take_part_and_seen_by_few(
    union: Api, labour: Api, medical: Api, civil: Api, stranger: Api
) -> None:
    case_id = await new_case(labour, needs=["employment"])
    await union.post(f"/v1/cases/{case_id}/participants", {"agency": str(medical.id)})
    result = await complete(union, civil, case_id, DIBAO)
    for api in (union, labour, medical):
        assert result["id"] in {row["result_id"] for row in await owed(api, case_id)}
    (row,) = await owed(medical, case_id)
    assert (row["kind"], row["code"]) == ("recognition", "dibao")
    others = await owed(union, case_id, box="others")
    assert {row["agency"]["id"] for row in others} == {str(labour.id), str(medical.id)}
    assert await owed(civil, case_id) == await owed(civil, case_id, box="others") == []
    for api in (labour, civil, stranger):
        assert (await api.get(f"{PATH}/{row['id']}")).status_code == 404
        assert (await api.post(f"{PATH}/{row['id']}/adoptions", {"decision": "adopted"})).status_code == 404
    assert (await union.post(f"{PATH}/{row['id']}/adoptions", {"decision": "adopted"})).status_code == 403


async def test_a_withdrawn_result_is_not_expected_and_bars_nothing(union: Api, labour: Api, civil: Api) -> None:
    case_id = await new_case(labour)
    result = await complete(union, civil, case_id, DIBAO)
    path = f"/v1/results/{result['id']}"
    said = {"reason": "facts_changed"}
    assert (await labour.post(f"{path}/withdraw", said, if_match=1)).status_code == 403
    withdrawn = body_of(await civil.post(f"{path}/withdraw", said, if_match=1))
    assert (withdrawn["withdrawal"], withdrawn["version"]) == ("facts_changed", 2)
    again = await civil.post(f"{path}/withdraw", said, if_match=2)
    assert (again.status_code, again.json()["reason"]) == (409, "result-withdrawn")
    row = next(row for row in await owed(labour, case_id) if row["result_id"] == result["id"])
    assert row["status"] == "withdrawn"
    late = await labour.post(f"{PATH}/{row['id']}/adoptions", {"decision": "adopted"})
    assert (late.status_code, late.json()["reason"]) == (409, "not-expected-any-more")
    gone = await labour.post(f"{path}/adoptions", {"decision": "adopted"})
    assert (gone.status_code, gone.json()["reason"]) == (409, "result-withdrawn")
    assert (await try_refer(union, case_id, civil, matter="CIV-01")).status_code == 201


async def test_who_leaves_owes_nothing_and_owes_again_when_it_comes_back(
    union: Api, labour: Api, medical: Api, civil: Api
) -> None:
    case_id = await new_case(union, needs=["employment"])
    await complete(union, civil, case_id, DIBAO)
    referral = await step(medical, await refer(union, case_id, medical, matter="MED-01"), "accept")
    assert [row["status"] for row in await owed(medical, case_id)] == ["waiting"], "medical assistance relies on dibao"
    await step(medical, referral, "fail")
    assert [row["status"] for row in await owed(medical, case_id)] == ["left"]
    await step(medical, await refer(union, case_id, medical, matter="MED-01"), "accept")
    assert [row["status"] for row in await owed(medical, case_id)] == ["waiting"]
    await step(labour, await refer(union, case_id, labour, matter="LAB-13"), "accept")
    assert {row["kind"] for row in await owed(labour, case_id)} == {"report"}, "a loan relies on no recognition"


async def test_what_was_erased_is_not_expected(union: Api, labour: Api, admin_url: str) -> None:
    filed = await report(labour)
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE report SET erased_at = now() WHERE id = $1", filed["id"])
    (row,) = await owed(union, filed["case"]["id"])
    assert row["status"] == "withdrawn"
    late = await union.post(f"{PATH}/{row['id']}/adoptions", {"decision": "adopted"})
    assert (late.status_code, late.json()["reason"]) == (409, "not-expected-any-more")


async def test_what_the_coordinator_owes_goes_with_its_role(union: Api, labour: Api, open_api: OpenApi) -> None:
    taker = await open_api("DEMO-990101-UNION")
    case_id = await new_case(labour)
    (before,) = await owed(union, case_id)
    basis = {"kind": "consent", "reference": "同意书"}
    offer = {"to_agency": str(taker.id), "reason": "moved", "text": "迁居", "basis": basis}
    asked = body_of(await union.post(f"/v1/cases/{case_id}/transfers", offer))
    accepted = await taker.post(f"/v1/case-transfers/{asked['id']}/accept", {}, if_match=1)
    assert accepted.status_code == 200, accepted.text
    assert [row["id"] for row in await owed(taker, case_id)] == [before["id"]]
    assert (await union.get(f"{PATH}/{before['id']}")).status_code == 404
    await adopt(taker, before, {"decision": "adopted"})


async def test_what_was_recognised_is_not_checked_again_unless_it_is_said_why(
    union: Api, labour: Api, civil: Api
) -> None:
    case_id = await new_case(labour)
    result = await complete(union, civil, case_id, DIBAO)
    for matter in ("CIV-01", "CIV-07"):
        refused = await try_refer(union, case_id, civil, matter=matter)
        assert (refused.status_code, refused.json()["reason"]) == (409, "recognition-stands")
    draft = await try_refer(union, case_id, civil, matter="CIV-07", draft=True)
    assert draft.status_code == 409
    assert (await union.post(f"/v1/results/{result['id']}/adoptions", NOT)).status_code == 201
    assert (await try_refer(union, case_id, civil, matter="CIV-07")).status_code == 201


async def test_a_draft_from_before_the_recognition_is_not_sent_after_it(union: Api, labour: Api, civil: Api) -> None:
    case_id = await new_case(labour)
    draft = await refer(union, case_id, civil, matter="CIV-07", draft=True)
    await complete(union, civil, case_id, DIBAO)
    refused = await try_step(union, draft, "send")
    assert (refused.status_code, refused.json()["reason"]) == (409, "recognition-stands")


@pytest.mark.parametrize(("ends_in_days", "status"), [(-1, 201), (30, 201), (31 + 1, 409)])
async def test_a_recognition_bars_while_it_is_in_date_and_not_about_to_end(
    union: Api, labour: Api, civil: Api, ends_in_days: int, status: int
) -> None:
    case_id = await new_case(labour)
    ends = (datetime.now(UTC) + timedelta(hours=8, days=ends_in_days)).date().isoformat()
    await complete(union, civil, case_id, DIBAO | {"valid_from": "2020-01-01", "valid_to": ends})
    assert (await try_refer(union, case_id, civil, matter="CIV-07")).status_code == status


async def test_a_matter_may_say_its_own_period(union: Api, labour: Api, civil: Api, admin_url: str) -> None:
    case_id = await new_case(labour)
    async with superuser(admin_url) as raw:
        listed = await raw.fetchval("SELECT definition FROM matter WHERE code = 'CIV-02'")
        own = json.dumps(json.loads(listed) | {"adopt": {"amount": 1, "unit": "hour"}})
        await raw.execute("UPDATE matter SET definition = $1 WHERE code = 'CIV-02'", own)
        await complete(union, civil, case_id, DIBAO | {"code": "dibao-edge"}, matter="CIV-02")
        await raw.execute("UPDATE matter SET definition = $1 WHERE code = 'CIV-02'", listed)
    row = next(row for row in await owed(labour, case_id) if row["code"] == "dibao-edge")
    arisen, due = (datetime.fromisoformat(row[name]) for name in ("arisen_at", "due_at"))
    assert due - arisen == timedelta(hours=1)


async def test_adoptions_are_counted_by_agency_and_kind(
    union: Api, labour: Api, medical: Api, civil: Api, stranger: Api
) -> None:
    since = datetime.now(UTC)
    for said in ({"decision": "adopted"}, NOT | {"decision": "partly"}, NOT, None):
        case_id = await new_case(labour)
        (row,) = await owed(union, case_id)
        if said:
            await adopt(union, row, said)
    await complete(union, civil, case_id, DIBAO)

    async def counted(api: Api, **more: str) -> list[Json]:
        period = {"arisen_from": since.isoformat(), "arisen_before": (since + timedelta(days=1)).isoformat()}
        answer = await api.get(f"/v1/statistics/adoptions?{urlencode(period | more)}")
        assert answer.status_code == 200, answer.text
        rows: list[Json] = answer.json()["data"]
        return rows

    reports = next(row for row in await counted(union, agency=str(union.id), kind="report"))
    expected = {"expected": 4, "adopted": 1, "partly": 1, "not_adopted": 1, "waiting": 1, "overdue": 0}
    assert {name: reports[name] for name in expected} == expected
    assert reports["rate_permille"] == 667
    of_results = [row for row in await counted(union) if row["kind"] == "recognition"]
    assert {row["agency"]["id"]: row["rate_permille"] for row in of_results} == {
        str(union.id): None,
        str(labour.id): None,
    }
    assert {row["agency"]["id"] for row in await counted(labour)} == {str(labour.id)}, "an office counts its own"
    assert await counted(stranger) == []
    wide = {"arisen_from": since.isoformat(), "arisen_before": (since + timedelta(days=367)).isoformat()}
    refused = await union.get(f"/v1/statistics/adoptions?{urlencode(wide)}")
    assert refused.json()["errors"][0]["code"] == "period-of-a-year-at-most"

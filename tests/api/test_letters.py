"""Letters of supervision: who writes what, on which ground, who sees it, and that a union decides nothing."""

from typing import Any

import httpx
import pytest

from tests.actions.story import Json, body_of, report
from tests.builders import Api
from tests.conftest import OpenApi

SAID: Json = {
    "employer": "安塑包装<script>",
    "violations": ["wage_arrears", "not_insured"],
    "workers": 46,
    "facts": "拖欠三个月工资",
    "demands": "七日内足额支付",
}


def ok(answer: httpx.Response, status: int = 200) -> Json:
    assert answer.status_code == status, answer.text
    return body_of(answer)


async def write(union: Api, case_id: str, kind: str, status: int = 201, **changes: Any) -> Json:
    return ok(await union.post(f"/v1/cases/{case_id}/letters", SAID | {"kind": kind} | changes), status)


async def take(api: Api, letter: Json, step: str, status: int = 200, **words: Any) -> Json:
    answer = await api.post(f"/v1/letters/{letter['id']}/{step}", words, if_match=letter["version"])
    return ok(answer, status)


@pytest.fixture
async def case_id(union: Api) -> str:
    found: str = (await report(union))["case"]["id"]
    return found


@pytest.fixture
async def procuratorate(open_api: OpenApi) -> Api:
    return await open_api("DEMO-340800-PROCURATORATE")


async def refused(union: Api, case_id: str) -> Json:
    """An opinion that the employer did not take."""
    return await take(union, await write(union, case_id, "opinion"), "record_refusal", text="门卫拒收")


async def test_only_the_coordinating_union_writes(union: Api, labour: Api, case_id: str) -> None:
    for api, status in ((labour, 404), (union, 201)):
        answer = await api.post(f"/v1/cases/{case_id}/letters", SAID | {"kind": "hint"})
        assert answer.status_code == status, answer.text


async def test_letters_are_numbered_for_each_union_and_kind(union: Api, case_id: str) -> None:
    numbers = [(await write(union, case_id, kind))["number"] for kind in ("hint", "hint", "opinion")]
    first, second = (int(number.rpartition("〕")[2].removesuffix("号")) for number in numbers[:2])
    assert second == first + 1
    assert ("提" in numbers[0], "意" in numbers[2]) == (True, True)


@pytest.mark.parametrize(
    ("kind", "changes", "pointer"),
    [
        ("proposal", {}, "/follows"),
        ("hint", {"to_agency": "labour"}, "/to_agency"),
        ("opinion", {"copy_to": "labour"}, "/copy_to"),
        ("opinion", {"facts": "联系人13900000001"}, "/facts"),
        ("opinion", {"employer": None}, "/employer"),
        ("opinion", {"follows": "nothing"}, "/follows"),
    ],
)
async def test_what_does_not_belong_to_a_letter_is_refused(
    union: Api, labour: Api, case_id: str, kind: str, changes: Json, pointer: str
) -> None:
    names = {"labour": str(labour.id), "nothing": case_id}
    answer = await write(union, case_id, kind, 422, **{key: names.get(value, value) for key, value in changes.items()})
    assert pointer in {error["pointer"] for error in answer["errors"]}


async def test_a_proposal_goes_to_a_labour_office_and_a_copy_to_a_procuratorate(
    union: Api, labour: Api, procuratorate: Api, case_id: str
) -> None:
    opinion = await refused(union, case_id)
    to = {"follows": opinion["id"], "to_agency": str(procuratorate.id), "copy_to": str(labour.id)}
    wrong = await write(union, case_id, "proposal", 422, **to)
    assert {error["code"] for error in wrong["errors"]} == {"not-a-labour-office", "not-a-procuratorate"}


@pytest.mark.parametrize(
    ("steps", "ground"),
    [
        ((("record_refusal", {"text": "拒收"}),), "refused_to_take"),
        ((("record_reply", {"text": "已阅"}), ("record_no_correction", {"text": "仍未支付"})), "not_corrected"),
        ((), None),
        ((("record_reply", {"text": "将于月底支付"}),), None),
        ((("record_correction", {}),), None),
    ],
)
async def test_a_proposal_needs_what_the_employer_did_as_its_ground(
    union: Api, labour: Api, case_id: str, steps: tuple[tuple[str, Json], ...], ground: str | None
) -> None:
    opinion = await write(union, case_id, "opinion")
    for step, words in steps:
        opinion = await take(union, opinion, step, **words)
    to = {"follows": opinion["id"], "to_agency": str(labour.id)}
    if ground is None:
        assert (await write(union, case_id, "proposal", 409, **to))["reason"] == "no-ground-for-a-proposal"
    else:
        assert (await write(union, case_id, "proposal", **to))["ground"] == ground
        again = await write(union, case_id, "proposal", 409, **to)
        assert again["reason"] == "proposal-made-already"
        said = ok(await union.get(f"/v1/letters/{opinion['id']}", purpose="assistance"))["answers"]
        assert [one["text"] for one in said] == [words["text"] for _, words in steps], "each answer is kept"


async def test_a_union_never_decides_and_a_department_never_speaks_for_the_employer(
    union: Api, labour: Api, case_id: str
) -> None:
    opinion = await refused(union, case_id)
    proposal = await write(union, case_id, "proposal", follows=opinion["id"], to_agency=str(labour.id))
    for step, words in (("file", {"filing_number": "1"}), ("decline", {"text": "x"})):
        assert (await take(union, proposal, step, 409, **words))["code"] == "invalid-transition"
    foreign = await take(labour, proposal, "withdraw", 409, text="x")
    assert (foreign["code"], foreign["allowed"]) == ("invalid-transition", ["file", "decline"])
    assert (await take(labour, proposal, "decline", 422))["errors"][0]["pointer"] == "/text"
    assert (await take(labour, proposal, "file", 422))["errors"][0]["pointer"] == "/filing_number"
    declined = await take(labour, proposal, "decline", text="已超过二年")
    assert (declined["status"], declined["allowed_steps"]) == ("declined", [])
    read = ok(await union.get(f"/v1/letters/{proposal['id']}", purpose="assistance"))
    assert ([one["text"] for one in read["answers"]], read["facts"]) == (["已超过二年"], SAID["facts"])


async def test_the_parties_see_a_letter_without_its_case_and_nobody_else_does(
    union: Api, labour: Api, procuratorate: Api, open_api: OpenApi, case_id: str
) -> None:
    opinion = await refused(union, case_id)
    to = {"follows": opinion["id"], "to_agency": str(labour.id), "copy_to": str(procuratorate.id)}
    proposal = await write(union, case_id, "proposal", **to)
    path = f"/v1/letters/{proposal['id']}"
    for api in (labour, procuratorate):
        assert ok(await api.get(path, purpose="assistance"))["case_id"] is None
        assert proposal["id"] in {row["id"] for row in ok(await api.get("/v1/letters?limit=200"))["data"]}
        assert (await api.get(f"/v1/cases/{case_id}")).status_code == 404
        assert (await api.get(f"/v1/letters/{opinion['id']}", purpose="assistance")).status_code == 404
    assert (await take(procuratorate, proposal, "withdraw", 403, text="x"))["code"] == "insufficient-role"
    stranger = await open_api("DEMO-340802-MEDICAL")
    assert (await stranger.get(path, purpose="assistance")).status_code == 404
    assert (await union.get(path)).status_code == 400, "a sensitive read names its purpose"


async def test_the_page_is_chinese_and_escapes_what_was_written(union: Api, case_id: str) -> None:
    opinion = await write(union, case_id, "opinion")
    page = await union.get(f"/v1/letters/{opinion['id']}/document.html", purpose="assistance")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src" not in page.headers["content-security-policy"]
    assert "安塑包装&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    for words in ("工会劳动法律监督意见书", opinion["number"], "书面答复本会", "《中华人民共和国劳动合同法》第三十条"):
        assert words in page.text


async def test_who_coordinates_now_goes_on_with_letters_of_before(union: Api, open_api: OpenApi, case_id: str) -> None:
    opinion = await write(union, case_id, "opinion")
    sibling = await open_api("DEMO-990101-UNION")
    basis = {"kind": "consent", "reference": "同意书"}
    offer = {"to_agency": str(sibling.id), "reason": "moved", "text": "迁居", "basis": basis}
    asked = ok(await union.post(f"/v1/cases/{case_id}/transfers", offer), 201)
    ok(await sibling.post(f"/v1/case-transfers/{asked['id']}/accept", {}, if_match=1))
    recorded = await take(sibling, opinion, "record_correction")
    assert recorded["status"] == "corrected"

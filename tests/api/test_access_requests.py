"""One side of a possible match asks the other to show what it holds: granted for a while, refused, revoked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from api.schemas.reports import utc
from db.clock import real_time
from db.engine import Raw
from rules.identity_numbers import masked
from tests.actions.instances import superuser
from tests.actions.matches import Json, Pair, report_pair
from tests.actions.story import body_of
from tests.builders import Api
from tests.conftest import OpenApi

PATH = "/v1/access-requests"
MATCHES = "/v1/match-candidates"
PURPOSE = "assistance"
ASKED: Json = {
    "purpose": "assistance",
    "basis": {"kind": "consent", "reference": "同意书 2026-7"},
    "reason": "疑为同一人，请核对",
}


@pytest.fixture
async def raw(admin_url: str) -> AsyncIterator[Raw]:
    async with superuser(admin_url) as behind:
        yield behind


@pytest.fixture
async def county(open_api: OpenApi) -> Api:
    """The union of the later case, which asks."""
    return await open_api("DEMO-990101-UNION")


async def ask(api: Api, pair: Pair, **changes: Any) -> Json:
    answer = await api.post(f"{MATCHES}/{pair.id}/access-requests", ASKED | changes)
    assert answer.status_code == 201, answer.text
    return body_of(answer)


def in_days(days: float) -> str:
    return utc(real_time() + timedelta(days=days)).isoformat()


async def grant(api: Api, request: Json, *classes: str, days: float = 30) -> Json:
    said = {"field_classes": list(classes), "expires_at": in_days(days)}
    answer = await api.post(f"{PATH}/{request['id']}/grant", said, if_match=request["version"])
    assert answer.status_code == 200, answer.text
    return body_of(answer)


async def compared(api: Api, pair: Pair, purpose: str = PURPOSE) -> Json | None:
    answer = await api.get(f"{MATCHES}/{pair.id}", purpose=purpose)
    assert answer.status_code == 200, answer.text
    made: Json | None = answer.json()["comparison"]
    return made


async def test_the_holder_reads_why_and_grants_and_the_asker_compares(
    union: Api, county: Api, labour: Api, raw: Raw
) -> None:
    pair = await report_pair(raw, labour, labour)
    request = await ask(county, pair)
    assert (request["status"], request["parts"], request["allowed_steps"]) == ("open", ["asker"], [])
    assert (request["case_id"], request["holder"]["id"]) == (pair.case, str(union.id))
    read = body_of(await union.get(f"{PATH}/{request['id']}", purpose=PURPOSE))
    assert (read["reason"], read["reference"]) == (ASKED["reason"], "同意书 2026-7")
    assert (read["case_id"], read["allowed_steps"]) == (pair.other, ["grant", "refuse"])
    granted = await grant(union, request, "basic", "identity")
    assert (granted["status"], granted["field_classes"], granted["version"]) == ("granted", ["basic", "identity"], 2)
    made = await compared(county, pair)
    assert made is not None
    own, other = made["sides"]
    assert (own["own"], own["person"]["address"]) == (True, pair.later["address"]["detail"])
    assert other["own"] is False
    assert (other["person"]["name"], other["person"]["id_number"]) == (
        pair.earlier["name"],
        masked(pair.earlier["id_number"]),
    )
    assert {"phones", "address"}.isdisjoint(other["person"])
    assert other["household_size"] is None
    assert made["access"]["request_id"] == request["id"]


async def test_a_grant_opens_the_levels_of_its_classes_and_no_weight(
    union: Api, county: Api, labour: Api, raw: Raw
) -> None:
    pair = await report_pair(raw, labour, labour)
    await grant(union, await ask(county, pair), "contact")
    made = await compared(county, pair)
    assert made is not None
    assert {level["comparison"] for level in made["levels"]} == {"phone", "address"}
    assert (made["weight"], made["terms"], made["guards"]) == (None, None, None)
    drawn = await county.get(f"{MATCHES}/{pair.id}/waterfall.svg", purpose=PURPOSE)
    assert drawn.status_code == 403


async def test_a_grant_opens_nothing_but_the_comparison(union: Api, county: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    await grant(union, await ask(county, pair), "basic", "contact", "identity", "family")
    assert await compared(county, pair) is not None
    for path in ("", "/file", "/timeline", "/links", "/participants"):
        assert (await county.get(f"/v1/cases/{pair.other}{path}", purpose=PURPOSE)).status_code == 404
    search = await county.post("/v1/cases/search", {"id_number": pair.earlier["id_number"]}, purpose=PURPOSE)
    assert search.json()["data"] == []
    assert await compared(union, pair) is None, "the holder saw nothing of the asker's by granting"


async def test_a_grant_is_for_its_purpose(union: Api, county: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    await grant(union, await ask(county, pair, purpose="follow_up"), "basic")
    assert await compared(county, pair) is None
    assert await compared(county, pair, "follow_up") is not None


@pytest.mark.parametrize("end", ["expired", "revoked", "decided"])
async def test_nothing_is_shown_any_more_once_a_grant_has_ended(
    union: Api, county: Api, labour: Api, raw: Raw, end: str
) -> None:
    pair = await report_pair(raw, labour, labour)
    granted = await grant(union, await ask(county, pair), "basic")
    assert await compared(county, pair) is not None
    if end == "expired":
        await raw.execute(
            "UPDATE access_request SET expires_at = now() - interval '1 second' WHERE id = $1", granted["id"]
        )
    elif end == "revoked":
        revoked = await union.post(f"{PATH}/{granted['id']}/revoke", if_match=2)
        assert (revoked.status_code, revoked.json()["status"]) == (200, "revoked")
    else:
        said = await union.post(f"{MATCHES}/{pair.id}/not-duplicate", {"reason": "namesake"}, if_match=1)
        assert said.status_code == 200, said.text
    assert await compared(county, pair) is None
    shown = body_of(await county.get(f"{PATH}/{granted['id']}", purpose=PURPOSE))
    assert shown["status"] == {"decided": "granted"}.get(end, end)
    if end == "expired":
        again = await union.post(f"{PATH}/{granted['id']}/revoke", if_match=2)
        assert again.json()["code"] == "invalid-transition"
        assert (await county.get(PATH, params={"role": "asker", "status": "expired"})).json()["data"][0]["id"]


async def test_each_look_by_grant_is_marked_in_the_holders_case(union: Api, county: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    await grant(union, await ask(county, pair), "basic")
    await compared(county, pair)
    leaves = (await union.get("/v1/audit/leaves", params={"case_id": pair.other})).json()["data"]
    told = [row["leaf"] for row in leaves]
    (leaf,) = [leaf for leaf in told if leaf["action"] == "match_candidate.compare_by_grant"]
    assert (leaf["agency_id"], leaf["field_classes"]) == (str(county.id), ["basic"])


async def test_a_refusal_says_why_to_both(union: Api, county: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    request = await ask(county, pair)
    said = {"reason_code": "no_basis", "text": "同意书未写明接收方"}
    refused = await union.post(f"{PATH}/{request['id']}/refuse", said, if_match=1)
    assert (refused.status_code, refused.json()["status"], refused.json()["refusal"]) == (200, "refused", "no_basis")
    read = body_of(await county.get(f"{PATH}/{request['id']}", purpose=PURPOSE))
    assert read["refusal_text"] == "同意书未写明接收方"
    await ask(county, pair)


async def test_who_may_not_ask_is_told_why(union: Api, county: Api, labour: Api, open_api: OpenApi, raw: Raw) -> None:
    justice = await open_api("DEMO-340802-JUSTICE")
    both = await report_pair(raw, labour, labour, places=("340802", "340802"))
    silent, pair = await report_pair(raw, justice, labour), await report_pair(raw, labour, labour)

    async def reason(api: Api, of: Pair) -> str:
        answer = await api.post(f"{MATCHES}/{of.id}/access-requests", ASKED)
        return str(answer.json().get("reason", answer.status_code))

    assert await reason(union, both) == "both-sides-are-your-own"
    assert await reason(union, silent) == "match-is-silent"
    assert await reason(county, silent) == "404"
    assert await reason(labour, pair) == "404"
    first = await ask(county, pair)
    assert await reason(county, pair) == "asked-already"
    await grant(union, first, "basic")
    assert await reason(county, pair) == "access-granted-already"
    duty = ASKED | {"basis": {"kind": "statutory_duty", "reference": "x"}}
    refused = await union.post(f"{MATCHES}/{pair.id}/access-requests", duty)
    assert refused.json()["errors"][0]["code"] == "no-ground-between-these-agencies"
    await union.post(f"{MATCHES}/{pair.id}/not-duplicate", {"reason": "namesake"}, if_match=1)
    assert await reason(union, pair) == "match-is-decided"


@pytest.mark.parametrize(
    ("classes", "days", "basis", "pointer", "code"),
    [
        (["medical"], 1, "consent", "/field_classes/0", None),
        (["basic", "identity"], 1, "consent", "/field_classes/1", "class-not-open"),
        (["basic"], -1, "consent", "/expires_at", "in-the-past"),
        (["basic"], 91, "consent", "/expires_at", "longer-than-90-days"),
        (["basic"], 4, "emergency", "/expires_at", "longer-than-72-hours"),
    ],
)
async def test_a_grant_stays_within_purpose_and_time(
    union: Api, county: Api, labour: Api, raw: Raw, classes: list[str], days: float, basis: str, pointer: str, code: str
) -> None:
    pair = await report_pair(raw, labour, labour)
    request = await ask(county, pair, purpose="follow_up", basis={"kind": basis, "reference": "x"})
    said = {"field_classes": classes, "expires_at": in_days(days)}
    refused = await union.post(f"{PATH}/{request['id']}/grant", said, if_match=1)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert code in (None, refused.json()["errors"][0]["code"])


async def test_only_the_holder_decides_and_others_see_nothing(
    union: Api, county: Api, labour: Api, stranger: Api, raw: Raw
) -> None:
    request = await ask(county, await report_pair(raw, labour, labour))
    path, said = f"{PATH}/{request['id']}", {"field_classes": ["basic"], "expires_at": in_days(1)}
    own = await county.post(f"{path}/grant", said, if_match=1)
    assert (own.status_code, own.json()["code"]) == (403, "insufficient-role")
    for api in (stranger, labour):
        assert (await api.get(path, purpose=PURPOSE)).status_code == 404
        assert (await api.post(f"{path}/grant", said, if_match=1)).status_code == 404
    assert (await union.post(f"{path}/grant", said)).status_code == 428
    assert (await union.post(f"{path}/grant", said, if_match=9)).status_code == 412
    assert (await union.post(f"{path}/revoke", if_match=1)).json()["code"] == "invalid-transition"


async def test_each_side_lists_its_own_and_is_told(union: Api, county: Api, labour: Api, raw: Raw) -> None:
    request = await ask(county, await report_pair(raw, labour, labour))
    for api, role, other in ((county, "asker", "holder"), (union, "holder", "asker")):
        assert request["id"] in (await api.get(PATH, params={"role": role})).text
        assert request["id"] not in (await api.get(PATH, params={"role": other})).text
    await grant(union, request, "basic")
    events = await raw.fetch(
        "SELECT type, case_id, parties::text AS parties FROM event WHERE subject_id = $1::text::uuid ORDER BY position",
        request["id"],
    )
    assert [row["type"] for row in events] == ["access_request.opened", "access_request.granted"]
    assert all(row["case_id"] is None for row in events)
    assert all(str(union.id) in row["parties"] and str(county.id) in row["parties"] for row in events)


async def test_asking_has_a_budget_of_its_own(county: Api, labour: Api, raw: Raw) -> None:
    pair = await report_pair(raw, labour, labour)
    await ask(county, pair)
    spent = "UPDATE rate_bucket SET tokens = 0, refilled_at = now() WHERE policy = 'match-ask' AND principal_id = $1"
    await raw.execute(spent, county.agency.client_id)
    refused = await county.post(f"{MATCHES}/{pair.id}/access-requests", ASKED)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")

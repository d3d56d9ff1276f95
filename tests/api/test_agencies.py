"""The directory, and what an agency may change in it."""

import secrets
from typing import Any

import httpx
import pytest

from tests.builders import Api, fresh_key


def _department(**changes: Any) -> dict[str, Any]:
    return {"suffix": f"D-{secrets.token_hex(4)}", "name": "生活保障部", "name_en": "Livelihood Department"} | changes


async def _codes(api: Api, **params: str | int) -> set[str]:
    answer = await api.get("/v1/agencies", params={"limit": 200, **params})
    assert answer.status_code == 200, answer.text
    return {entry["code"] for entry in answer.json()["data"]}


async def test_an_entry_names_its_place_windows_and_matters(union: Api, labour: Api) -> None:
    answer = await union.get(f"/v1/agencies/{labour.id}")
    assert answer.status_code == 200
    entry = answer.json()
    assert entry["code"] == "DEMO-340802-LABOUR"
    assert (entry["kind"], entry["level"], entry["division_code"]) == ("labour", "county", "340802")
    assert "LAB-09" in entry["matters"]
    assert entry["windows"][0]["hours"]
    assert "安庆市" in entry["parent"]["name"]


async def test_a_division_shows_its_offices_those_below_and_those_competent_from_above(union: Api) -> None:
    district = await _codes(union, division="340802", kind="labour")
    assert {"DEMO-340802-LABOUR", "DEMO-340800-INSPECTION"} <= district
    city = await _codes(union, division="340800")
    assert {"DEMO-340800-UNION", "DEMO-340802-UNION", "DEMO-340802-WORKSHOP"} <= city
    assert not any(code.startswith("DEMO-99") for code in city)


async def test_a_matter_shows_the_offices_competent_for_it(union: Api) -> None:
    everywhere = await _codes(union, matter="JUS-01")
    assert {"DEMO-340802-LEGAL-AID", "DEMO-990101-LEGAL-AID"} <= everywhere
    assert not any("LABOUR" in code for code in everywhere)
    assert await _codes(union, matter="JUS-01", division="340802") == {
        "DEMO-340800-LEGAL-AID",
        "DEMO-340802-LEGAL-AID",
    }


async def test_pages_join_without_gap_or_repetition(union: Api) -> None:
    whole = (await union.get("/v1/agencies", params={"kind": "finance", "limit": 200})).json()
    assert whole["page"] == {"next": None, "has_more": False}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, str | int] = {"kind": "finance", "limit": 2}
        if cursor is not None:
            params["cursor"] = cursor
        page = (await union.get("/v1/agencies", params=params)).json()
        seen += [entry["code"] for entry in page["data"]]
        cursor = page["page"]["next"]
        if cursor is None:
            break
    assert seen == [entry["code"] for entry in whole["data"]]
    assert seen == sorted(seen)


async def test_a_cursor_belongs_to_its_caller_and_filter(union: Api, labour: Api) -> None:
    page = await union.get("/v1/agencies", params={"limit": 1})
    cursor = page.json()["page"]["next"]
    assert (await labour.get("/v1/agencies", params={"limit": 1, "cursor": cursor})).status_code == 400
    assert (await union.get("/v1/agencies", params={"limit": 1, "kind": "union", "cursor": cursor})).status_code == 400


@pytest.mark.parametrize(
    ("params", "status"),
    [({"kind": "police"}, 422), ({"division": "安庆"}, 422), ({"limit": "0"}, 422), ({"name": "总工会"}, 400)],
)
async def test_a_filter_that_means_nothing_is_refused(union: Api, params: dict[str, str], status: int) -> None:
    assert (await union.get("/v1/agencies", params=params)).status_code == status


async def test_the_directory_needs_a_token(http: httpx.AsyncClient, union: Api) -> None:
    assert (await http.get("/v1/agencies")).status_code == 401
    assert (await union.get("/v1/agencies/00000000-0000-7000-8000-000000000000")).status_code == 404


async def test_a_department_is_opened_below_its_agency_in_its_likeness(stranger: Api) -> None:
    body = _department(windows=[{"name": "帮扶窗口", "hours": "工作日"}])
    answer = await stranger.post("/v1/agencies", body)
    assert answer.status_code == 201, answer.text
    entry = answer.json()
    assert entry["code"] == f"DEMO-990102-UNION-{body['suffix']}"
    assert entry["parent"]["id"] == str(stranger.id)
    assert (entry["kind"], entry["division_code"], entry["department"]) == ("union", "990102", True)
    assert entry["windows"] == [{"name": "帮扶窗口", "hours": "工作日", "address": None, "phone": None}]
    read = await stranger.get(answer.headers["location"])
    assert (read.json(), read.headers["etag"]) == (entry, answer.headers["etag"])


async def test_the_same_key_opens_one_department(stranger: Api) -> None:
    body, key = _department(), fresh_key()
    first = await stranger.post("/v1/agencies", body, key=key)
    again = await stranger.post("/v1/agencies", body, key=key)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await stranger.post("/v1/agencies", _department(), key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")


async def test_a_code_that_is_taken_is_answered_with_its_entry(stranger: Api) -> None:
    body = _department()
    first = await stranger.post("/v1/agencies", body)
    again = await stranger.post("/v1/agencies", body)
    assert (again.status_code, again.json()["code"]) == (409, "duplicate-record")
    assert again.json()["existing"] == first.headers["location"]


@pytest.mark.parametrize(
    "body",
    [
        {"suffix": "X"},
        _department(kind="court"),
        _department(suffix="a b"),
        _department(suffix=""),
        _department(name="  "),
        _department(windows=[{"hours": "工作日"}]),
        _department(windows=[{"name": "窗口"}] * 21),
    ],
)
async def test_a_department_that_says_too_little_or_too_much_is_refused(stranger: Api, body: dict[str, Any]) -> None:
    assert (await stranger.post("/v1/agencies", body)).status_code == 422


async def test_departments_are_opened_by_administrators_only(open_api: Any) -> None:
    reader = await open_api("DEMO-990102-UNION", scopes=("cases:read",))
    answer = await reader.post("/v1/agencies", _department())
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


async def test_an_agency_changes_its_own_name_and_windows(open_api: Any) -> None:
    api = await open_api("DEMO-990102-WOMEN")
    before = await api.get(f"/v1/agencies/{api.id}")
    name, hours = before.json()["name"], "工作日 08:00-17:00"
    answer = await api.patch(
        f"/v1/agencies/{api.id}", {"windows": [{"name": "女职工窗口", "hours": hours}]}, if_match=before.headers["etag"]
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == name
    assert answer.json()["windows"][0]["hours"] == hours
    renamed = await api.patch(f"/v1/agencies/{api.id}", {"name": "女职工部"}, if_match=answer.headers["etag"])
    assert (renamed.json()["name"], renamed.json()["windows"]) == ("女职工部", answer.json()["windows"])
    stale = await api.patch(f"/v1/agencies/{api.id}", {"name": "旧名"}, if_match=before.headers["etag"])
    assert (stale.status_code, stale.headers["etag"]) == (412, renamed.headers["etag"])


async def test_a_change_needs_a_tag_a_scope_and_known_fields(open_api: Any) -> None:
    api = await open_api("DEMO-990102-LEGAL")
    path = f"/v1/agencies/{api.id}"
    tag = (await api.get(path)).headers["etag"]
    assert (await api.patch(path, {"name": "法律部"})).status_code == 428
    assert (await api.patch(path, {"level": "province"}, if_match=tag)).status_code == 422
    assert (await api.patch(path, {"name": None}, if_match=tag)).status_code == 422
    assert (await api.patch(path, {"name": ""}, if_match=tag)).status_code == 422
    reader = await open_api("DEMO-990102-LEGAL", scopes=("cases:read",))
    assert (await reader.patch(path, {"name": "法律部"}, if_match=tag)).status_code == 403


async def test_another_agencys_entry_is_seen_but_not_changed(union: Api, stranger: Api) -> None:
    """The directory is public, so this is a missing right and no secret: 403, not 404."""
    entry = await stranger.get(f"/v1/agencies/{union.id}")
    answer = await stranger.patch(f"/v1/agencies/{union.id}", {"name": "别人"}, if_match=entry.headers["etag"])
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-role")
    nobody = "/v1/agencies/00000000-0000-7000-8000-000000000000"
    assert (await stranger.patch(nobody, {"name": "别人"}, if_match=1)).status_code == 404
    assert (await stranger.get(f"/v1/agencies/{union.id}")).json() == entry.json()

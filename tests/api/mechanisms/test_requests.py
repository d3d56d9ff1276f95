"""How a request must be written: media types, paths, methods, query parameters, hosts, ids."""

import json

import httpx
import pytest

from tests.api.mechanisms.desk import build_desk, calling

NOTE_ID = "018f9c1e-7f3a-7000-8000-00000000000a"
JSON = {"content-type": "application/json"}
BODY = b'{"text": "x"}'


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
async def test_json_in_utf8_is_accepted(content_type: str, caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/v1/notes", content=BODY, headers={"content-type": content_type})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/json; charset=gbk",
        "application/json; profile=x",
        "application/merge-patch+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "application/jsonx",
        "json",
    ],
)
async def test_any_other_media_type_is_415_and_names_the_expected_one(
    content_type: str | None, caller: httpx.AsyncClient
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await caller.post("/v1/notes", content=BODY, headers=headers)
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported-media-type"
    assert answer.json()["expected"] == "application/json"


async def test_two_content_types_are_415(caller: httpx.AsyncClient) -> None:
    headers = [("content-type", "application/json"), ("content-type", "text/plain")]
    assert (await caller.post("/v1/notes", content=BODY, headers=headers)).status_code == 415


async def test_a_patch_takes_merge_patch_and_nothing_else(caller: httpx.AsyncClient) -> None:
    taken = await caller.patch(
        f"/v1/notes/{NOTE_ID}", content=BODY, headers={"content-type": "application/merge-patch+json"}
    )
    assert taken.json()["text"] == "x"
    refused = await caller.patch(f"/v1/notes/{NOTE_ID}", content=BODY, headers=JSON)
    assert refused.status_code == 415
    assert refused.json()["expected"] == "application/merge-patch+json"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
async def test_a_compressed_body_is_415(encoding: str, caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/v1/notes", content=BODY, headers={**JSON, "content-encoding": encoding})
    assert answer.status_code == 415
    assert (
        "compress"
        in (
            await caller.post(
                "/v1/notes", content=BODY, headers={**JSON, "content-encoding": encoding, "accept-language": "en"}
            )
        ).json()["detail"]
    )


async def test_a_step_without_fields_takes_no_body_or_an_empty_object(caller: httpx.AsyncClient) -> None:
    path = f"/v1/notes/{NOTE_ID}/receive"
    assert (await caller.post(path)).json() == {"json": None}
    assert (await caller.post(path, content=b"{}", headers=JSON)).json() == {"json": {}}
    refused = await caller.post(path, content=BODY, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-field")


async def test_a_body_on_a_read_is_not_ignored(caller: httpx.AsyncClient) -> None:
    answer = await caller.request("GET", f"/v1/notes/{NOTE_ID}", content=BODY, headers=JSON)
    assert answer.json()["code"] == "unknown-field"


async def test_the_other_routes_read_their_bodies_themselves(caller: httpx.AsyncClient) -> None:
    raw = await caller.post("/v1/inbound/hall-7", content=b"\xff\x00 not json", headers={"content-type": "x/y"})
    assert raw.json() == {"bytes": 11}
    form = await caller.post("/oauth/token", data={"grant_type": "client_credentials", "scope": "a b"})
    assert form.json() == {"grant_type": "client_credentials", "scope": "a b"}


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (b"a=1&a=2", "repeated-parameter"),
        (b"a=%ff", "encoding"),
        ("a=周".encode(), "encoding"),
        (b"a=%00", "character"),
        (b"&".join(b"a%d=1" % number for number in range(60)), "syntax"),
    ],
)
async def test_a_doubtful_form_is_refused(form: bytes, reason: str, caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/oauth/token", content=form)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("nmae=x", "query:nmae"),
        ("limit=5&limit=6", "query:limit"),
        ("status=", None),
        ("Limit=5", "query:Limit"),
        ("990000197403151227=1", "query:"),
        ("limit[]=5", "query:"),
        ("=5", "query:"),
    ],
)
async def test_unknown_and_repeated_parameters_are_named(
    query: str, pointer: str | None, caller: httpx.AsyncClient
) -> None:
    answer = await caller.get(f"/v1/notes?{query}")
    if pointer is None:
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown-parameter")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert "9900001974" not in answer.text


async def test_a_path_without_parameters_takes_none(caller: httpx.AsyncClient) -> None:
    assert (await caller.post("/v1/notes?limit=5", json={"text": "x"})).json()["code"] == "unknown-parameter"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "too-small"),
        ("limit=201", "too-large"),
        ("limit=abc", "whole-number"),
        ("limit=1_0", "whole-number"),
        ("limit=%201", "whole-number"),
        ("limit=1.0", "whole-number"),
        ("limit=%D9%A1", "whole-number"),
        ("limit=" + "9" * 25, "whole-number"),
        ("page=-1", "whole-number"),
        ("page=9999999999999999", "too-large"),
        ("open_only=yes", "flag"),
        ("open_only=1", "flag"),
        ("updated_from=2026-02-26T01:30:00+08:00", "instant"),
        ("updated_from=1772069400", "instant"),
        ("cursor=a/b", "pattern"),
    ],
)
async def test_a_wrong_value_of_a_parameter_is_422(query: str, code: str, caller: httpx.AsyncClient) -> None:
    answer = await caller.get(f"/v1/notes?{query}")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (f"query:{query.partition('=')[0]}", code)


async def test_right_values_of_parameters_arrive(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/notes?limit=200&page=7&open_only=true&updated_from=2026-02-26T09:30:00%2B08:00")
    assert answer.json() == {"text": "200 7 True None", "at": "2026-02-26T01:30:00Z"}


@pytest.mark.parametrize("query", ["status=a%00b", "status=a%E2%80%AEb"])
async def test_forbidden_characters_in_a_query_are_malformed(query: str, caller: httpx.AsyncClient) -> None:
    answer = await caller.get(f"/v1/notes?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "character")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1/notes/",
        f"/v1/notes/{NOTE_ID}/",
        "//v1/notes",
        "/v1/notes/7",
        "/v1/notes/" + "9" * 25,
        "/v1/notes/%00",
        "/v1/notes/990000197403151227",
        "/v1/notes/%E5%91%A8%E6%A1%82%E5%85%B0",
        "/",
    ],
)
async def test_what_is_not_there_is_404_without_redirect_and_without_the_value(
    path: str, caller: httpx.AsyncClient
) -> None:
    answer = await caller.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert "9900001974" not in answer.text
    assert "周" not in answer.text


async def test_405_lists_the_methods_of_every_route_with_that_path(caller: httpx.AsyncClient) -> None:
    answer = await caller.delete("/v1/notes")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    answer = await caller.put(f"/v1/notes/{NOTE_ID}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH")


@pytest.mark.parametrize("host", ["evil.example", "tongli.example.evil.example", "", "127.0.0.1.evil:80", "TONGLI"])
async def test_an_unknown_host_is_400_and_is_not_repeated(host: str, caller: httpx.AsyncClient) -> None:
    answer = await caller.get(f"/v1/notes/{NOTE_ID}", headers={"host": host})
    assert (answer.status_code, answer.json()["reason"]) == (400, "host")
    assert "evil" not in answer.text


async def test_a_known_host_may_carry_a_port_and_capitals(caller: httpx.AsyncClient) -> None:
    for host in ("tongli.example:8443", "Tongli.Example"):
        assert (await caller.get(f"/v1/notes/{NOTE_ID}", headers={"host": host})).status_code == 200


async def test_two_hosts_are_400(caller: httpx.AsyncClient) -> None:
    headers = [("host", "tongli.example"), ("host", "tongli.example")]
    assert (await caller.get("/healthz", headers=headers)).status_code == 200
    assert (await caller.get(f"/v1/notes/{NOTE_ID}", headers=headers)).status_code == 400


async def test_a_probe_may_call_by_address_and_an_operator_may_allow_every_host() -> None:
    async with calling(build_desk()) as client:
        assert (await client.get("/healthz", headers={"host": "10.3.1.7:8000"})).status_code == 200
    async with calling(build_desk(allowed_hosts=("*",))) as client:
        assert (await client.get(f"/v1/notes/{NOTE_ID}", headers={"host": "any"})).status_code == 200


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"request-id": "LJ-2026-00817:1"}, "LJ-2026-00817:1"),
        ({"request-id": "LJ-2026-00817:1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, "LJ-2026-00817:1"),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
        ({"request-id": "short", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None),
        ({"traceparent": f"ff-{TRACE}-00f067aa0ba902b7-01"}, None),
        ({"traceparent": TRACE}, None),
        ({"request-id": "x" * 65}, None),
        ({"request-id": "two words"}, None),
        ({"request-id": "a\tb-c-d-e-f"}, None),
        ({"request-id": "990000197403151227"}, None),
        ({"request-id": "tel-13900000001"}, None),
        ({}, None),
    ],
)
async def test_a_request_id_is_taken_only_if_it_is_harmless(
    headers: dict[str, str], expected: str | None, caller: httpx.AsyncClient
) -> None:
    answer = await caller.get("/v1/nothing", headers=headers)
    given = answer.headers["request-id"]
    assert answer.json()["trace_id"] == given
    assert given not in headers.values() or expected == given
    assert given == expected or (expected is None and len(given) == 32)


async def test_every_answer_has_the_protective_headers(caller: httpx.AsyncClient) -> None:
    for answer in (await caller.get(f"/v1/notes/{NOTE_ID}"), await caller.get("/v1/nothing")):
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["vary"] == "Authorization, Accept-Language"
        assert answer.headers["content-type"].endswith("json; charset=utf-8")


async def test_the_document_shows_what_is_accepted(caller: httpx.AsyncClient) -> None:
    document = json.loads((await caller.get("/openapi.json")).content)
    patch = document["paths"]["/v1/notes/{note_id}"]["patch"]["requestBody"]["content"]
    assert list(patch) == ["application/merge-patch+json"]
    note = document["components"]["schemas"]["Note"]
    assert note["additionalProperties"] is False
    assert note["properties"]["aware_at"]["anyOf"][0] == {"type": "string", "format": "date-time"}
    assert note["properties"]["case_id"]["anyOf"][0] == {"type": "string", "format": "uuid"}

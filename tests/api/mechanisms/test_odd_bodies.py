"""Bodies no careful partner sends: each is refused by name, never accepted, never a 500, never repeated back."""

import json
from typing import NamedTuple

import httpx
import pytest

SENTINEL = "990000197403151227"


class Odd(NamedTuple):
    """A body, the status and code of the answer, and where the answer says why."""

    body: bytes
    status: int
    code: str
    reason: str | None = None
    pointer: str | None = None
    field: str | None = None


def _text(value: str) -> bytes:
    return b'{"text": "' + value.encode() + b'"}'


def _count(value: str) -> bytes:
    return b'{"text": "x", "count": ' + value.encode() + b"}"


def _malformed(body: bytes, reason: str) -> Odd:
    return Odd(body, 400, "malformed-request", reason)


def _invalid(body: bytes, pointer: str, field: str, code: str = "validation-failed") -> Odd:
    return Odd(body, 422, code, None, pointer, field)


GOOD = _text(SENTINEL)

ODD_BODIES = {
    "NaN": _malformed(_count("NaN"), "constant"),
    "Infinity": _malformed(_count("Infinity"), "constant"),
    "minus Infinity": _malformed(_count("-Infinity"), "constant"),
    "1e999": _malformed(_count("1e999"), "float"),
    "1e400": _malformed(_count("1e400"), "float"),
    "1e2, although it is 100": _malformed(_count("1e2"), "float"),
    "1.5": _malformed(_count("1.5"), "float"),
    "1.0, although it is 1": _malformed(_count("1.0"), "float"),
    "an integer of 5,000 digits": _malformed(_count("7" * 5_000), "integer"),
    "an integer of 200,000 digits": _malformed(_count("7" * 200_000), "integer"),
    "2 to the power of 63": _malformed(_count(str(2**63)), "integer"),
    "2 to the power of 53": _malformed(_count(str(2**53)), "integer"),
    "a leading zero": _malformed(_count("007"), "syntax"),
    "a plus sign": _malformed(_count("+7"), "syntax"),
    "an integer with underscore": _malformed(_count("1_000"), "syntax"),
    "a hexadecimal integer": _malformed(_count("0x10"), "syntax"),
    "nesting 33 deep": _malformed(b"[" * 33 + b"]" * 33, "depth"),
    "nesting 900 deep": _malformed(b"[" * 900 + b"]" * 900, "depth"),
    "nesting 100,000 deep": _malformed(b"[" * 100_000, "depth"),
    "objects nested 20,000 deep": _malformed(b'{"a":' * 20_000, "depth"),
    "depth behind brackets in strings": _malformed(b'["' + b"]" * 50 + b'",' + b"[" * 40, "depth"),
    "a lone high surrogate": _malformed(_text(r"\ud800"), "surrogate"),
    "a lone low surrogate": _malformed(_text(r"\udc00"), "surrogate"),
    "surrogates in the wrong order": _malformed(_text(r"\udc00\ud800"), "surrogate"),
    "a surrogate in raw bytes": _malformed(b'{"text": "\xed\xa0\x80"}', "encoding"),
    "an escaped NUL": _malformed(_text(SENTINEL + r"\u0000"), "character"),
    "a raw NUL": _malformed(b'{"text": "a\0"}', "encoding"),
    "an escaped C0 control": _malformed(_text(r"\u0007"), "character"),
    "an escaped carriage return": _malformed(_text(r"a\u000db"), "character"),
    "a raw C0 control": _malformed(_text("\x07"), "syntax"),
    "a raw C1 control": _malformed(_text("\x85"), "character"),
    "a bidi override": _malformed(_text("a\u202eb"), "character"),
    "an escaped bidi override": _malformed(_text(r"a\u202eb"), "character"),
    "a bidi isolate in a key": _malformed('{"text": "x", "\u2066": 1}'.encode(), "character"),
    "duplicate keys": _malformed(b'{"text": "x", "text": "' + SENTINEL.encode() + b'"}', "duplicate-key"),
    "duplicate keys, one escaped": _malformed(rb'{"text": "x", "t\u0065xt": "y"}', "duplicate-key"),
    "duplicate keys after normalisation": _malformed('{"\u00e9": 1, "e\u0301": 2}'.encode(), "duplicate-key"),
    "nested duplicate keys": _malformed(b'{"text": "x", "address": {"detail": "a", "detail": "b"}}', "duplicate-key"),
    "UTF-16 without mark": _malformed(GOOD.decode().encode("utf-16-le"), "encoding"),
    "UTF-16 with mark": _malformed(GOOD.decode().encode("utf-16"), "encoding"),
    "UTF-32": _malformed(GOOD.decode().encode("utf-32"), "encoding"),
    "UTF-8 with mark": _malformed(b"\xef\xbb\xbf" + GOOD, "bom"),
    "UTF-8 cut short": _malformed(b'{"text": "\xe5\x91"}', "encoding"),
    "GB18030": _malformed('{"text": "周桂兰"}'.encode("gb18030"), "encoding"),
    "an overlong slash": _malformed(b'{"text": "\xc0\xaf"}', "encoding"),
    "a trailing comma": _malformed(b'{"text": "x",}', "syntax"),
    "trailing garbage": _malformed(GOOD + b"}", "syntax"),
    "two values": _malformed(GOOD + GOOD, "syntax"),
    "an empty body": _malformed(b"", "empty"),
    "only blanks": _malformed(b"  \n", "syntax"),
    "single quotes": _malformed(b"{'text': 'x'}", "syntax"),
    "a comment": _malformed(b'{"text": "x" /* why */}', "syntax"),
    "a key without quotes": _malformed(b'{text: "x"}', "syntax"),
    "an unterminated string of escapes": _malformed(b'["' + rb"\"" * 100_000, "syntax"),
    "HTML": _malformed(b"<html></html>", "syntax"),
    "1,001 items": Odd(_text("x")[:-1] + b', "needs": [' + b'"a",' * 1_000 + b'"a"]}', 413, "payload-too-large"),
    "1,001 keys": Odd(json.dumps({f"k{number}": 0 for number in range(1_001)}).encode(), 413, "payload-too-large"),
    "a million keys": Odd(
        b"{" + b",".join(b'"%d":0' % number for number in range(1_000_000)) + b"}", 413, "payload-too-large"
    ),
    "50 MB": Odd(b'{"text": "' + b"a" * 50_000_000 + b'"}', 413, "payload-too-large"),
    "a top-level array": _invalid(b"[" + GOOD + b"]", "", "wrong-type"),
    "a top-level text": _invalid(b'"' + SENTINEL.encode() + b'"', "", "wrong-type"),
    "a top-level null": _invalid(b"null", "", "wrong-type"),
    "true for an integer": _invalid(_count("true"), "/count", "wrong-type"),
    "a text with blanks for an integer": _invalid(_count('" 12 "'), "/count", "wrong-type"),
    "a text with underscore for an integer": _invalid(_count('"1_000"'), "/count", "wrong-type"),
    "1 for a boolean": _invalid(b'{"text": "x", "urgent": 1}', "/urgent", "wrong-type"),
    "the text true for a boolean": _invalid(b'{"text": "x", "urgent": "true"}', "/urgent", "wrong-type"),
    "an integer for a text": _invalid(b'{"text": ' + SENTINEL[:15].encode() + b"}", "/text", "wrong-type"),
    "null for a text": _invalid(b'{"text": null}', "/text", "wrong-type"),
    "a text of blanks": _invalid(_text("   "), "/text", "pattern"),
    "a missing field": _invalid(b"{}", "/text", "required"),
    "an unknown field": _invalid(
        b'{"text": "x", "nmae": "' + SENTINEL.encode() + b'"}', "/nmae", "unknown-field", "unknown-field"
    ),
    "an unknown nested field": _invalid(
        b'{"text": "x", "address": {"division_code": "340802", "zip": "246000"}}',
        "/address/zip",
        "unknown-field",
        "unknown-field",
    ),
    "an unknown field named like a person's number": _invalid(
        b'{"text": "x", "' + SENTINEL.encode() + b'": 1}', "", "unknown-field", "unknown-field"
    ),
    "a value outside an enumeration": _invalid(
        b'{"text": "x", "channel": "' + SENTINEL.encode() + b'"}', "/channel", "not-allowed"
    ),
    "an integer for an enumeration": _invalid(b'{"text": "x", "channel": 0}', "/channel", "not-allowed"),
    "a wrong item": _invalid(b'{"text": "x", "also": ["visit", "?"]}', "/also/1", "not-allowed"),
    "a wrong field of an item": _invalid(b'{"text": "x", "parts": [{"text": 5}]}', "/parts/0/text", "wrong-type"),
    "an instant without offset": _invalid(b'{"text": "x", "aware_at": "2026-02-26T01:30:00"}', "/aware_at", "instant"),
    "a number for an instant": _invalid(b'{"text": "x", "aware_at": 1772069400}', "/aware_at", "instant"),
    "an instant in year 1": _invalid(b'{"text": "x", "aware_at": "0001-01-01T00:00:00+14:00"}', "/aware_at", "year"),
    "a leap second": _invalid(b'{"text": "x", "aware_at": "2026-06-30T23:59:60Z"}', "/aware_at", "instant"),
    "30 February": _invalid(b'{"text": "x", "born": "1974-02-30"}', "/born", "day"),
    "a day before 1900": _invalid(b'{"text": "x", "born": "1899-12-31"}', "/born", "year"),
    "an instant for a day": _invalid(b'{"text": "x", "born": "1974-03-15T00:00:00Z"}', "/born", "day"),
    "a UUID in braces": _invalid(
        b'{"text": "x", "case_id": "{018f9c1e-7f3a-7000-8000-00000000000a}"}', "/case_id", "uuid"
    ),
    "negative money": _invalid(b'{"text": "x", "amount_fen": -1}', "/amount_fen", "too-small"),
}


@pytest.mark.parametrize("name", ODD_BODIES)
async def test_an_odd_body_is_refused_by_name(name: str, caller: httpx.AsyncClient) -> None:
    odd = ODD_BODIES[name]
    answer = await caller.post("/v1/notes", content=odd.body, headers={"content-type": "application/json"})
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (odd.status, odd.code)
    assert problem.get("reason") == odd.reason
    if odd.field is not None:
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(odd.pointer, odd.field)]
    assert SENTINEL[:15] not in answer.text


async def test_an_ordinary_body_is_taken(caller: httpx.AsyncClient) -> None:
    body = {
        "text": "周桂兰·买买提 𠀀𰻞\n第二行\t完",
        "count": 2**53 - 1,
        "urgent": True,
        "channel": "hotline",
        "also": ["visit", "hotline"],
        "case_id": "018F9C1E-7f3a-7000-8000-00000000000a",
        "aware_at": "2026-02-26T09:30:00.1234567+08:00",
        "born": "1974-03-15",
        "amount_fen": 120_000,
        "address": {"division_code": "340802"},
        "needs": ["a"] * 1_000,
        "mapping": {"$.name": ["person", {"name": True}]},
        "parts": [{"text": "x", "parts": [{"text": "y"}]}],
    }
    answer = await caller.post("/v1/echo", json=body)
    assert answer.status_code == 200
    note = answer.json()["note"]
    assert note["text"] == body["text"]
    assert note["aware_at"] == "2026-02-26T01:30:00.123456Z"
    assert note["case_id"] == "018f9c1e-7f3a-7000-8000-00000000000a"
    assert note["needs"] == body["needs"]
    assert answer.json()["json"] == body


async def test_text_is_stored_in_one_normal_form(caller: httpx.AsyncClient) -> None:
    for spelling in ("e\u0301", "\u00e9", r"e\u0301"):
        body = b'{"text": "' + spelling.encode() + b'"}'
        answer = await caller.post("/v1/echo", content=body, headers={"content-type": "application/json"})
        assert answer.json()["note"]["text"] == "\u00e9"


async def test_json_may_be_laid_out_with_carriage_returns(caller: httpx.AsyncClient) -> None:
    answer = await caller.post(
        "/v1/notes", content=b'{\r\n\t"text": "x"\r\n}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 201

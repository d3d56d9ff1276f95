"""The language of mappings: what is read, what is refused, what is made, and that every body ends within bounds."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import ValidationFailed
from rules.inbound import MAX_TRIES, NotDone, made, pause_after, quarantine_of
from rules.inbound_conversions import SHANGHAI, NotConvertible, convert
from rules.inbound_making import MAX_STEPS, Outcome, apply_mapping
from rules.inbound_mapping import MAX_DEPTH, read_mapping

Json = Any


def mapping(make: Json, **rule: Json) -> Json:
    tables = {"urgency": {"特急": "emergency", "*": "normal"}, "exact": {"1": "one", "true": "yes", "2": None}}
    return {
        "language": 1,
        "tables": tables,
        "rules": [{"name": "only", "target": "report", "make": make} | rule],
    }


def outcome(make: Json, body: Json, **rule: Json) -> Outcome:
    found = apply_mapping(read_mapping(mapping(make, **rule)), body)
    assert found is not None
    return found


def value(expression: Json, body: Json) -> Json:
    """What one expression makes of a body; fails the test where something cannot be made."""
    found = outcome({"x": expression}, body)
    assert found.faults == ()
    return found.document.get("x")


@pytest.mark.parametrize(
    ("expression", "body", "expected"),
    [
        ("constant", {}, "constant"),
        ({"$constant": {"$get": 1}}, {}, {"$get": 1}),
        ({"$get": ""}, {"a": 1}, {"a": 1}),
        ({"$get": "/a/b"}, {"a": {"b": 7}}, 7),
        ({"$get": "/a/1/b"}, {"a": [0, {"b": "x"}]}, "x"),
        ({"$get": "/a~1b/~0c"}, {"a/b": {"~c": True}}, True),
        ({"$get": "/a"}, {"a": "  "}, None),
        ({"$get": "/a", "default": "d"}, {"a": None}, "d"),
        ({"$get": "/a", "default": {"$get": "/b"}}, {"b": 2}, 2),
        ({"$get": "/a", "as": ["trim", {"table": "urgency"}]}, {"a": " 特急 "}, "emergency"),
        ({"$get": "/a", "as": [{"table": "urgency"}]}, {"a": "其他"}, "normal"),
        ({"$get": "/a", "as": [{"table": "exact"}]}, {"a": 1}, "one"),
        ({"$get": "/a", "as": [{"table": "exact"}]}, {"a": True}, "yes"),
        ({"$get": "/a", "as": [{"table": "exact"}], "default": "d"}, {"a": "2"}, "d"),
        ({"$get": "/a", "as": [{"split": "、"}, "trim"]}, {"a": "甲、 乙 、"}, ["甲", "乙"]),
        ({"$get": "/a", "as": [{"split": ","}, {"item": -1}]}, {"a": "1,2"}, "2"),
        ({"$get": "/a", "as": [{"split": ","}, {"item": 5}]}, {"a": "1,2"}, None),
        ({"$get": "/a", "as": [{"join": "/"}]}, {"a": ["x", 1]}, "x/1"),
        ({"$get": "/a", "as": ["half_width", "upper"]}, {"a": "３４ｘ"}, "34X"),
        ({"$get": "/a", "as": ["digits", {"prefix": "+86"}]}, {"a": "139-0000 0001"}, "+8613900000001"),
        ({"$get": "/a", "as": [{"cut": [0, 6]}]}, {"a": "340802001"}, "340802"),
        ({"$get": "/a", "as": [{"before": "("}, "trim"]}, {"a": "安徽 (皖)"}, "安徽"),
        ({"$get": "/a", "as": [{"after": ":"}]}, {"a": "k:v"}, "v"),
        ({"$get": "/a", "as": [{"without": "-"}, "integer"]}, {"a": "1-2"}, 12),
        ({"$get": "/a", "as": [{"fen": "yuan"}]}, {"a": "1,200.50元"}, 120_050),
        ({"$get": "/a", "as": [{"fen": "wan_yuan"}]}, {"a": "1.25"}, 1_250_000),
        ({"$get": "/a", "as": [{"fen": "fen"}]}, {"a": 9}, 9),
        ({"$get": "/a", "as": [{"date": "YYYY年M月D日"}]}, {"a": "2026年3月4日"}, "2026-03-04"),
        ({"$get": "/a", "as": [{"date": ["YYYYMMDD", "YYYY-MM-DD"]}]}, {"a": "2026-03-04"}, "2026-03-04"),
        (
            {"$get": "/a", "as": [{"instant": "YYYY-MM-DD hh:mm:ss"}]},
            {"a": "2026-03-04 07:30:00"},
            "2026-03-03T23:30:00Z",
        ),
        ({"$get": "/a", "as": [{"since_1970": "milliseconds"}]}, {"a": 1767583045000}, "2026-01-05T03:17:25Z"),
        ({"$first": [{"$get": "/a"}, {"$get": "/b"}, "c"]}, {"b": "b"}, "b"),
        ({"$join": [{"$get": "/a"}, {"$get": "/b"}], "with": "-"}, {"a": "1", "b": ""}, "1"),
        ({"$join": [{"$get": "/a"}]}, {}, None),
        ({"$if": {"present": "/a"}, "then": 1, "else": 2}, {"a": ""}, 2),
        ({"$if": {"equals": ["/a", 1]}, "then": "yes"}, {"a": True}, None),
        ({"$if": {"in": ["/a", [1, 2]]}, "then": "yes"}, {"a": 2}, "yes"),
        ({"$if": {"all": [{"present": "/a"}, {"not": {"present": "/b"}}]}, "then": 1}, {"a": 0}, 1),
        ({"$if": {"any": [{"present": "/a"}, {"present": "/b"}]}, "then": 1, "else": 2}, {}, 2),
        ([{"$get": "/a"}, {"$get": "/b"}], {"b": 1}, [1]),
        ({"y": {"$get": "/a"}}, {}, None),
        (
            {"$each": "/l", "when": {"present": "@/n"}, "make": {"n": {"$get": "@/n"}, "t": {"$get": "/t"}}},
            {"l": [{"n": 1}, {}, {"n": 2}], "t": "T"},
            [{"n": 1, "t": "T"}, {"n": 2, "t": "T"}],
        ),
        ({"$each": "/l", "make": {"$get": "@"}}, {}, None),
    ],
)
def test_an_expression_makes_what_the_guide_says(expression: Json, body: Json, expected: Json) -> None:
    assert value(expression, body) == expected


@pytest.mark.parametrize(
    ("expression", "body", "place", "code"),
    [
        ({"$get": "/a", "required": True}, {}, "/body/a", "required"),
        ({"$get": "/a", "as": [{"table": "exact"}]}, {"a": "z"}, "/body/a", "no-translation"),
        ({"$get": "/a", "as": ["integer"]}, {"a": "1_0"}, "/body/a", "not-an-integer"),
        ({"$get": "/a", "as": ["integer"]}, {"a": True}, "/body/a", "not-a-text"),
        ({"$get": "/a", "as": ["trim"]}, {"a": {"b": 1}}, "/body/a", "not-a-text"),
        ({"$get": "/a", "as": [{"fen": "yuan"}]}, {"a": "0.005"}, "/body/a", "not-an-amount"),
        ({"$get": "/a", "as": [{"fen": "yuan"}]}, {"a": "1e9"}, "/body/a", "not-an-amount"),
        ({"$get": "/a", "as": [{"date": "YYYY-MM-DD"}]}, {"a": "2026-02-30"}, "/body/a", "not-a-time"),
        ({"$get": "/a", "as": [{"date": "YYYY-MM-DD"}]}, {"a": "26-02-03"}, "/body/a", "not-a-time"),
        ({"$get": "/a", "as": [{"since_1970": "seconds"}]}, {"a": 10**15}, "/body/a", "not-a-time"),
        ({"$get": "/a", "as": [{"join": ","}]}, {"a": "x"}, "/body/a", "not-a-list"),
        ({"$join": ["x", {"$get": "/a"}]}, {"a": [1]}, "/made", "not-a-text"),
        ({"$each": "/a", "make": 1}, {"a": {}}, "/body/a", "not-a-list"),
        (
            {"$each": "/a", "make": {"$get": "@/b", "as": ["integer"]}},
            {"a": [{"b": 1}, {"b": "x"}]},
            "/body/a/1/b",
            "not-an-integer",
        ),
    ],
)
def test_what_cannot_be_made_is_said_by_its_place(expression: Json, body: Json, place: str, code: str) -> None:
    (fault,) = outcome({"x": expression}, body).faults
    assert (fault.pointer, fault.code, fault.facts) == (place, code, {})


@pytest.mark.parametrize(
    ("document", "place", "code"),
    [
        ([], "", "object"),
        ({"language": 1}, "/rules", "required"),
        ({"language": 2, "rules": []}, "/language", "unknown-language"),
        ({"language": True, "rules": []}, "/language", "unknown-language"),
        ({"language": 1, "rules": [], "script": "x"}, "/script", "unknown-field"),
        ({"language": 1, "rules": {}}, "/rules", "not-a-list"),
        ({"language": 1, "rules": [{"name": "x", "target": "delete"}]}, "/rules/0/target", "unknown-target"),
        ({"language": 1, "rules": [{"target": "nothing"}]}, "/rules/0/name", "required"),
        ({"language": 1, "rules": [{"name": "x", "target": "nothing", "make": {}}]}, "/rules/0/make", "unknown-field"),
        ({"language": 1, "rules": [{"name": "x", "target": "report"}]}, "/rules/0/make", "required"),
        (mapping({"a": {"$eval": "1"}}), "/rules/0/make/a", "unknown-operator"),
        (mapping({"a": {"$get": "a"}}), "/rules/0/make/a/$get", "not-a-pointer"),
        (mapping({"a": {"$get": "/a", "as": ["eval"]}}), "/rules/0/make/a/as/0", "unknown-conversion"),
        (mapping({"a": {"$get": "/a", "as": [{"fen": "dollar"}]}}), "/rules/0/make/a/as/0", "unknown-conversion"),
        (mapping({"a": {"$get": "/a", "as": [{"date": "DD.MM"}]}}), "/rules/0/make/a/as/0", "unknown-conversion"),
        (mapping({"a": {"$get": "/a", "as": [{"table": "none"}]}}), "/rules/0/make/a/as/0/table", "unknown-table"),
        (mapping({}, when={"present": "/a", "not": {}}), "/rules/0/when", "one-condition"),
        (mapping({}, when={"equals": ["/a"]}), "/rules/0/when/equals", "place-and-value"),
        (mapping({}, target="referral", case={"id": "x", "own_number": "y"}), "/rules/0/case", "one-way-to-find-it"),
        (mapping({}, target="referral", case={}), "/rules/0/case", "one-way-to-find-it"),
        (mapping({}, target="step", referral={"id": "x"}), "/rules/0/step", "required"),
        ({"language": 1, "tables": {"t": {"a": [1]}}, "rules": []}, "/tables/t", "not-a-plain-value"),
        (mapping({"a": [1] * 1_001}), "/rules/0/make/a", "too-many-items"),
        (mapping({"a": [[1] * 999] * 3}), "/rules/0/make/a/1/997", "mapping-too-large"),
    ],
)
def test_what_is_no_mapping_is_refused_by_its_place(document: Json, place: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_mapping(document)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(place, code)]


def test_nesting_ends() -> None:
    deep: Json = 1
    for _ in range(MAX_DEPTH + 1):
        deep = {"a": deep}
    with pytest.raises(ValidationFailed):
        read_mapping(mapping(deep))


def test_the_first_rule_that_holds_is_used_and_none_says_so() -> None:
    document: Json = {
        "language": 1,
        "rules": [
            {"name": "a", "target": "nothing", "when": {"equals": ["/k", "a"]}},
            {"name": "b", "target": "nothing", "when": {"in": ["/k", ["a", "b"]]}},
        ],
    }
    read = read_mapping(document)
    found = [apply_mapping(read, {"k": k}) for k in ("a", "b", "c")]
    assert [one and one.rule for one in found] == ["a", "b", None]


def test_no_body_costs_more_than_it_may() -> None:
    inner = {"$each": "/l", "make": {"$each": "/l", "make": {"$get": "@"}}}
    found = outcome({"x": inner}, {"l": [1] * 1_000})
    assert [fault.code for fault in found.faults] == ["mapping-too-costly"]
    assert MAX_STEPS < 1_000 * 1_000


def test_no_text_grows_without_end() -> None:
    found = outcome({"x": {"$each": "/l", "make": {"$get": "/t"}}}, {"l": [1] * 1_000, "t": "长" * 10_000})
    assert [fault.code for fault in found.faults] == ["mapping-too-costly"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_reading_a_document_ends_in_a_mapping_or_a_refusal(document: Json) -> None:
    tried: list[Json] = [document, {"language": 1, "rules": [document]}, mapping({"x": document})]
    for one in tried:
        with suppress(ValidationFailed):
            assert read_mapping(one).rules is not None


WORKED = mapping(
    {
        "a": {"$get": "/a", "as": ["trim", {"fen": "yuan"}]},
        "b": {"$get": "/b", "as": [{"split": ","}, {"table": "exact"}]},
        "c": {"$each": "/c", "make": {"$get": "@/d", "as": [{"date": "YYYY-M-D"}], "required": True}},
    }
)


@given(st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4))
def test_any_body_ends_in_an_outcome_whose_faults_repeat_no_value(body: Json) -> None:
    found = apply_mapping(read_mapping(WORKED), body)
    assert found is not None
    json.dumps(dict(found.document))
    for fault in found.faults:
        assert fault.pointer.startswith("/body/")
        assert fault.facts == {}


@given(st.integers(0, 200 * 365 * 86_400))
def test_a_local_time_comes_back_from_every_format(seconds: int) -> None:
    moment = datetime(1900, 1, 1, tzinfo=SHANGHAI) + timedelta(seconds=seconds)
    for wanted, text in (
        ("YYYY-MM-DD hh:mm:ss", moment.strftime("%Y-%m-%d %H:%M:%S")),
        ("YYYYMMDDhhmmss", moment.strftime("%Y%m%d%H%M%S")),
        ("YYYY年M月D日 h:mm:ss", f"{moment.year}年{moment.month}月{moment.day}日 {moment.hour}:{moment:%M:%S}"),
    ):
        made_of = convert(text, "instant", wanted, {})
        assert datetime.fromisoformat(str(made_of)) == moment


@given(st.integers(0, 10**11))
def test_an_amount_is_exact_to_the_fen(fen: int) -> None:
    text = f"{fen // 100}.{fen % 100:02d}"
    assert convert(text, "fen", "yuan", {}) == fen
    with pytest.raises(NotConvertible):
        convert(text + "1", "fen", "yuan", {})


def test_a_quarantine_carries_codes_and_places_only() -> None:
    from rules.errors import Conflict, FieldError, Hidden, InsufficientScope  # noqa: PLC0415  only here

    wrong = FieldError("/person/id_number", "check-character", {"masked": "9900**"})
    assert made([wrong]) == (FieldError("/made/person/id_number", "check-character"),)
    found = [quarantine_of(error).reason for error in (Hidden(), InsufficientScope("x"), Conflict(), NotDone("y"))]
    assert found == ["nothing-found", "insufficient-scope", "state-conflict", "y"]
    assert quarantine_of(ValidationFailed(wrong)).problems == made([wrong])


def test_pauses_grow_and_end() -> None:
    pauses = [pause_after(tries) for tries in range(1, MAX_TRIES + 20)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=2), timedelta(minutes=5))

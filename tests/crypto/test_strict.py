"""Strict readers: one spelling, and errors that keep the text to themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.strict import decode_base64url, encode_base64url, read_json_object


@given(st.binary(max_size=100))
def test_base64url_comes_back(data: bytes) -> None:
    assert decode_base64url(encode_base64url(data)) == data


@given(st.text(max_size=20))
def test_whatever_decodes_is_the_only_spelling(text: str) -> None:
    try:
        data = decode_base64url(text)
    except ValueError:
        return
    assert encode_base64url(data) == text


@pytest.mark.parametrize("text", ["A", "AB", "AA=", "AA==", "A A", "AA\n", "+w", "/w", "é", "A" * 5])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        decode_base64url(text)


def test_a_strict_object_is_read() -> None:
    assert read_json_object('{"a": 1, "b": {"c": [null, true, "x"]}}') == {"a": 1, "b": {"c": [None, True, "x"]}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "null",
        '{"a":1,"a":1}',
        '{"b":[{"a":1,"a":1}]}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1.0}',
        '{"a":1e3}',
        "{}{}",
        "\ufeff{}",
        "{'a':1}",
        '{"a":1,}',
        "[" * 100_000,
        '{"a":' + "9" * 5_000 + "}",
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="JSON object") as refusal:
        read_json_object(text)
    assert type(refusal.value) is ValueError
    assert refusal.value.args in {("not a strict JSON object",), ("not a JSON object",)}

"""Phones: every number of a field, and nothing that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.linkage.phones import read_phones
from tests.rules.linkage.messy import HOSTILE, texts

ONE = "+8613812345678"
TWO = "+8613987654321"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("13812345678", [ONE]),
        ("138-1234-5678", [ONE]),
        ("138 1234 5678", [ONE]),
        ("138.1234.5678", [ONE]),
        ("138—1234—5678", [ONE]),
        ("１３８１２３４５６７８", [ONE]),
        ("+8613812345678", [ONE]),
        ("+86-138-1234-5678", [ONE]),
        ("+86 (138) 1234 5678", [ONE]),
        ("0086 138 1234 5678", [ONE]),
        ("86 13812345678", [ONE]),
        ("(86)13812345678", [ONE]),
        ("013812345678", [ONE]),
        ("1381234567B", []),
        ("138l2345678", [ONE]),
        ("王师傅13812345678(微信同号)", [ONE]),
        ("13812345678儿子", [ONE]),
        ("tel:13812345678 ext 3", [ONE]),
        ("13812345678、13987654321", [ONE, TWO]),
        ("13812345678 13987654321", [ONE, TWO]),
        ("13812345678或13987654321", [ONE, TWO]),
        ("13812345678\n13987654321", [ONE, TWO]),
        ("138 1234 5678 139 8765 4321", [ONE, TWO]),
        ("1381234567813987654321", [ONE, TWO]),
        ("13812345678;13812345678", [ONE]),
        ("027-87654321", ["+862787654321"]),
        ("(027)87654321", ["+862787654321"]),
        ("（0556）5551234", ["+865565551234"]),
        ("02787654321", ["+862787654321"]),
        ("+86 27 87654321", ["+862787654321"]),
        ("027-87654321-8001", ["+862787654321"]),
        ("027-87654321转12", ["+862787654321"]),
        ("027-87654321/87654322", ["+862787654321", "+862787654322"]),
        ("0710-3512345 13812345678", ["+867103512345", ONE]),
        ("87654321", ["local:87654321"]),
        ("8765-4321", ["local:87654321"]),
        ("8765432", ["local:8765432"]),
        ("13812345678/87654321", [ONE, "local:87654321"]),
        ("87654321 13812345678", ["local:87654321", ONE]),
        ("+85291234567", ["+85291234567"]),
    ],
)
def test_every_number_once_in_its_order(text: str, numbers: list[str]) -> None:
    assert read_phones(text) == tuple(numbers)


@pytest.mark.parametrize(
    "text",
    [
        *("", None, "无", "138****5678", "1381234567", "138123456789", "12351", "95588", "400-823-4567", "8008234567"),
        *("13000000000", "13111111111", "8888888", "2024-01-02", "420102197502030014", "1" * 200, "😀"),
    ],
)
def test_what_is_no_number_of_a_person_is_left_out(text: str | None) -> None:
    assert read_phones(text) == ()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_raises(text: str) -> None:
    read_phones(text)


@given(st.one_of(texts, st.from_regex(r"[0-9+() /-]{1,40}", fullmatch=True)))
def test_reading_what_was_read_changes_nothing(text: str) -> None:
    numbers = read_phones(text)
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        assert read_phones(number) == (number,)

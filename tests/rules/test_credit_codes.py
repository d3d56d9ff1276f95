"""Unified social credit codes: check character, reading, faults."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.cn import uscc

from rules.credit_codes import (
    CreditCodeError,
    check_character,
    check_employer_code,
    organisation_check_character,
    parse_credit_code,
)

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DEMO = "91340800MA0000007A"


@st.composite
def codes(draw: st.DrawFn) -> str:
    symbols = st.text(ALPHABET, min_size=1, max_size=1)
    division = draw(st.text("0123456789", min_size=6, max_size=6))
    first17 = draw(symbols) + draw(symbols) + division + draw(st.text(ALPHABET, min_size=9, max_size=9))
    return first17 + check_character(first17)


def test_the_demo_code_is_right_outside_and_inside() -> None:
    code = parse_credit_code(DEMO)
    assert (code.number, code.registrar, code.division_code) == (DEMO, "9", "340800")
    assert code.organisation_code == "MA0000007"
    assert organisation_check_character("MA000000") == "7"


@pytest.mark.parametrize("spelling", ["91340800ma0000007a", "91340800 MA000000-7A", "９１340800MA0000007A"])
def test_spellings_of_one_code_are_read_alike(spelling: str) -> None:
    assert parse_credit_code(spelling).number == DEMO


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "length"),
        (DEMO[:-1], "length"),
        (DEMO + "0", "length"),
        ("91340800MA000000IA", "characters"),
        ("9134080OMA0000007A", "characters"),
        ("9134080AMA0000007A", "characters"),
        ("91340800MA0000007B", "check-character"),
        ("91340800MA00000070", "check-character"),
    ],
)
def test_an_invalid_code_is_refused_with_its_fault(text: str, fault: str) -> None:
    with pytest.raises(CreditCodeError) as refused:
        parse_credit_code(text)
    assert refused.value.code == fault


@pytest.mark.parametrize(("first17", "fault"), [("9", "length"), ("I" * 17, "characters")])
def test_a_check_character_needs_seventeen_symbols(first17: str, fault: str) -> None:
    with pytest.raises(CreditCodeError) as refused:
        check_character(first17)
    assert refused.value.code == fault


@pytest.mark.parametrize(("first8", "check"), [("D2143569", "X"), ("00000000", "0")])
def test_an_organisation_code_has_its_own_check(first8: str, check: str) -> None:
    assert organisation_check_character(first8) == check


@pytest.mark.parametrize(
    ("first8", "fault"), [("1234567", "length"), ("1234567-", "characters"), ("a2143569", "characters")]
)
def test_an_organisation_code_needs_eight_symbols(first8: str, fault: str) -> None:
    with pytest.raises(CreditCodeError) as refused:
        organisation_check_character(first8)
    assert refused.value.code == fault


@pytest.mark.parametrize("text", ["D2143569-X", "d2143569x", "340802000123456", "91340800MA0000007A"])
def test_an_employers_code_may_be_one_of_those_before(text: str) -> None:
    check_employer_code(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("D2143569-1", "check-character"),
        ("D214*569-X", "characters"),
        ("34080200012345A", "length"),
        ("3408020001234", "length"),
        ("91340800MA0000007B", "check-character"),
    ],
)
def test_an_employers_code_that_cannot_be_is_refused(text: str, fault: str) -> None:
    with pytest.raises(CreditCodeError) as refused:
        check_employer_code(text)
    assert refused.value.code == fault


@given(codes())
def test_reading_a_code_gives_it_back_and_python_stdnum_agrees(code: str) -> None:
    assert parse_credit_code(code.lower()).number == code
    assert uscc.calc_check_digit(code[:17]) == code[17]


@given(codes(), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_noticed(code: str, place: int, wrong: str) -> None:
    assume(code[place] != wrong)
    with pytest.raises(CreditCodeError):
        parse_credit_code(code[:place] + wrong + code[place + 1 :])

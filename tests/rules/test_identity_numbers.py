"""Resident identity numbers: check character, reading, contradictions, masks."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from stdnum.cn import ric

from rules.identity_numbers import (
    IdentityNumberError,
    check_character,
    contradictions,
    is_demo,
    masked,
    normalise,
    parse_identity_number,
    to_eighteen,
)

DIGITS = "0123456789"
divisions = st.text(DIGITS, min_size=6, max_size=6)
births = st.dates(date(1800, 1, 1), date(2100, 12, 31))
sequences = st.text(DIGITS, min_size=3, max_size=3)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    first17 = f"{draw(divisions)}{draw(births):%Y%m%d}{draw(sequences)}"
    return first17 + check_character(first17)


@pytest.mark.parametrize(
    ("number", "born", "sex"),
    [
        ("11010519491231002X", date(1949, 12, 31), "female"),
        ("440524188001010014", date(1880, 1, 1), "male"),
        ("340802197403151230", date(1974, 3, 15), "male"),
        ("990000197403151235", date(1974, 3, 15), "male"),
        ("990000197403151227", date(1974, 3, 15), "female"),
    ],
)
def test_a_valid_number_tells_birth_date_and_sex(number: str, born: date, sex: str) -> None:
    identity = parse_identity_number(number)
    assert (identity.number, identity.division_code) == (number, number[:6])
    assert (identity.birth_date, identity.sex) == (born, sex)


@pytest.mark.parametrize(("born", "accepted"), [("17991231", False), ("18000101", True), ("21001231", True)])
def test_births_count_from_1800(born: str, accepted: bool) -> None:
    first17 = f"340802{born}123"
    number = first17 + check_character(first17)
    if accepted:
        assert f"{parse_identity_number(number).birth_date:%Y%m%d}" == born
    else:
        with pytest.raises(IdentityNumberError):
            parse_identity_number(number)


@pytest.mark.parametrize("prefix", ["810000", "820000", "830000", "911100", "990000", "000000", "110103"])
def test_no_division_is_refused(prefix: str) -> None:
    first17 = f"{prefix}19900101001"
    assert parse_identity_number(first17 + check_character(first17)).division_code == prefix


@pytest.mark.parametrize(
    "spelling",
    [
        "11010519491231002x",
        "110105 19491231 002X",
        "110105-1949-1231-002X",
        "11010519491231002X",
        "\u3000110105194912\u201131002x\n",
    ],
)
def test_spellings_of_one_number_are_read_alike(spelling: str) -> None:
    assert parse_identity_number(spelling).number == "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "length"),
        ("1101051949123100", "length"),
        ("110105491231002", "length"),
        ("11010519491231002X0", "length"),
        ("1101051949123100XX", "characters"),
        ("X1010519491231002X", "characters"),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "characters"),
        ("11010519491231002Y", "characters"),
        ("110105194912310021", "check-character"),
        ("110105194913310025", "birth-date"),
        ("110105197502300020", "birth-date"),
        ("110105000001010020", "birth-date"),
        ("110105179912310028", "birth-date"),
    ],
)
def test_an_invalid_number_is_refused_with_its_fault(text: str, code: str) -> None:
    with pytest.raises(IdentityNumberError) as refused:
        parse_identity_number(text)
    assert refused.value.code == code


def test_neither_error_nor_repr_shows_the_number_or_the_birth_date() -> None:
    with pytest.raises(IdentityNumberError) as refused:
        parse_identity_number("110105194912310021")
    assert "1101051949" not in str(refused.value)
    shown = repr(parse_identity_number("11010519491231002X"))
    assert "19491231" not in shown
    assert "1949" not in shown


def test_fifteen_digits_become_eighteen_with_century_and_check() -> None:
    assert to_eighteen("110105491231002") == "11010519491231002X"
    assert to_eighteen("110105 491231 002") == "11010519491231002X"


@pytest.mark.parametrize("text", ["11010519491231002x", "1101**********002X", "no number", "1101054912310021"])
def test_anything_else_is_only_normalised(text: str) -> None:
    assert to_eighteen(text) == normalise(text)


@pytest.mark.parametrize(("first17", "code"), [("1" * 16, "length"), ("1" * 16 + "X", "characters")])
def test_a_check_character_needs_seventeen_digits(first17: str, code: str) -> None:
    with pytest.raises(IdentityNumberError) as refused:
        check_character(first17)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("birth_date", "sex", "expected"),
    [
        (date(1974, 3, 15), "female", ()),
        (None, None, ()),
        (None, "unknown", ()),
        (date(1974, 3, 16), "female", ("birth_date",)),
        (date(1974, 3, 15), "male", ("sex",)),
        (date(1975, 3, 15), "male", ("birth_date", "sex")),
    ],
)
def test_stated_facts_that_disagree_are_named(
    birth_date: date | None, sex: str | None, expected: tuple[str, ...]
) -> None:
    identity = parse_identity_number("990000197403151227")
    assert contradictions(identity, birth_date, sex) == expected


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("11010519491231002X", "110*************2X"),
        ("110105491231002", "110**********02"),
        ("123456", "123*56"),
        ("12345", "*****"),
        ("", ""),
    ],
)
def test_a_mask_keeps_three_and_two(number: str, shown: str) -> None:
    assert masked(number) == shown


def test_only_division_99_is_demo() -> None:
    assert is_demo("990000197403151235")
    assert is_demo(" 9900-00197403151235")
    assert not is_demo("11010519491231002X")


@given(numbers())
def test_reading_a_number_gives_back_what_made_it(number: str) -> None:
    identity = parse_identity_number(number)
    assert identity.number == number
    assert f"{identity.division_code}{identity.birth_date:%Y%m%d}" == number[:14]
    assert contradictions(identity, identity.birth_date, identity.sex) == ()


@given(numbers())
def test_python_stdnum_computes_the_same_check_character(number: str) -> None:
    assert ric.calc_check_digit(number) == number[17]


@given(numbers(), st.integers(0, 17), st.sampled_from(DIGITS + "X"))
def test_one_wrong_character_is_always_noticed(number: str, place: int, wrong: str) -> None:
    assume(number[place] != wrong)
    with pytest.raises(IdentityNumberError):
        parse_identity_number(number[:place] + wrong + number[place + 1 :])


@given(numbers(), st.integers(0, 16))
def test_swapped_neighbours_are_always_noticed(number: str, place: int) -> None:
    assume(number[place] != number[place + 1])
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    with pytest.raises(IdentityNumberError):
        parse_identity_number(swapped)


@given(st.text(max_size=30))
@example("A´")
def test_any_text_is_read_or_refused_and_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    with suppress(IdentityNumberError):
        assert parse_identity_number(text).number == normalise(text)

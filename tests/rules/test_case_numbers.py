"""Case numbers: their form, and the proof that the check finds every slip of the pen."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_2

from rules.case_numbers import (
    SERIAL_ALPHABET,
    CaseNumberError,
    make_case_number,
    normalise_case_number,
    valid_case_number,
)

ANY = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"

serials = st.text(SERIAL_ALPHABET, min_size=7, max_size=7)
divisions = st.text("0123456789", min_size=6, max_size=6)
numbers = st.builds(make_case_number, divisions, st.integers(1900, 2100), serials)


def test_a_number_has_division_year_serial_and_check() -> None:
    number = make_case_number("340803", 2026, "7K3M9QX")
    assert number.startswith("TL-340803-2026-7K3M9QX-")
    assert len(number) == len("TL-340803-2026-7K3M9QX-K")
    assert valid_case_number(number)


@given(divisions, st.integers(1900, 2100), serials)
def test_python_stdnum_computes_the_same_check_character(division: str, year: int, serial: str) -> None:
    check = make_case_number(division, year, serial)[-1]
    assert check == mod_37_2.calc_check_digit(f"{division}{year}{serial}")


@pytest.mark.parametrize(
    ("division", "year", "serial", "code"),
    [
        ("34080", 2026, "7K3M9QX", "division"),
        ("34080A", 2026, "7K3M9QX", "division"),
        ("340803", 1899, "7K3M9QX", "year"),
        ("340803", 2101, "7K3M9QX", "year"),
        ("340803", 2026, "000123", "serial"),
        ("340803", 2026, "7k3m9qx", "serial"),
        ("340803", 2026, "7K3M9QI", "serial"),
        ("340803", 2026, "7K3M9QU", "serial"),
    ],
)
def test_a_wrong_part_is_named(division: str, year: int, serial: str, code: str) -> None:
    with pytest.raises(CaseNumberError) as refused:
        make_case_number(division, year, serial)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "text", ["", "TL-340803-2026-7K3M9QX", "TL-340803-2026-000123-K", "340803", "TL-340803-9999-7K3M9QX-0"]
)
def test_other_text_is_no_case_number(text: str) -> None:
    assert not valid_case_number(text)


def test_what_a_person_typed_is_brought_to_the_written_form() -> None:
    number = make_case_number("340803", 2026, "7K3M9QX")
    assert normalise_case_number(f" {number.lower()} ") == number
    assert not valid_case_number(number.lower())


@given(numbers)
def test_every_made_number_is_valid(number: str) -> None:
    assert valid_case_number(number)


@given(numbers)
@settings(max_examples=25)
def test_every_single_wrong_character_is_found(number: str) -> None:
    for place in range(3, len(number)):
        for wrong in ANY:
            if wrong != number[place]:
                assert not valid_case_number(number[:place] + wrong + number[place + 1 :])


@given(numbers)
def test_every_swap_of_neighbours_is_found(number: str) -> None:
    places = [place for place, character in enumerate(number) if place > 2 and character != "-"]
    for left, right in pairwise(places):
        letters = list(number)
        letters[left], letters[right] = letters[right], letters[left]
        if letters[left] != letters[right]:
            assert not valid_case_number("".join(letters))

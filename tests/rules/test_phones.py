"""Phones of persons: what is accepted, what E.164 comes out, what a mask shows."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.phones import PhoneError, masked_phone, normalise_phone

mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13900000001", "+8613900000001"),
        ("+8613900000001", "+8613900000001"),
        ("+86 139-0000-0001", "+8613900000001"),
        ("0086 13900000001", "+8613900000001"),
        ("8613900000001", "+8613900000001"),
        ("(0556) 5551234", "+865565551234"),
        ("0556-55512345", "+8655655512345"),
        ("010 8888 0000", "+861088880000"),
        ("021-66660000", "+862166660000"),
        ("+86 556 5551234", "+865565551234"),
        ("+86 0556 5551234", "+865565551234"),
    ],
)
def test_mobile_and_landline_numbers_become_e164(text: str, number: str) -> None:
    assert normalise_phone(text) == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "characters"),
        ("unknown", "characters"),
        ("139****0001", "characters"),
        ("13900000001/2", "characters"),
        ("+85291234567", "country"),
        ("00852 9123 4567", "country"),
        ("1390000000", "shape"),
        ("12900000001", "shape"),
        ("5551234", "shape"),
        ("5565551234", "shape"),
        ("12333", "shape"),
        ("0556-555123", "shape"),
        ("010-8888000", "shape"),
    ],
)
def test_what_is_no_number_of_a_person_is_refused(text: str, code: str) -> None:
    with pytest.raises(PhoneError) as refused:
        normalise_phone(text)
    assert refused.value.code == code
    assert text == "" or text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("139 0000 0001", "+86139****0001"),
        ("0556-5551234", "+86556*****34"),
        ("010-88880012", "+8610******12"),
        ("ask the neighbour 7", "*****************" + " 7"),
        ("12", "**"),
        ("", ""),
    ],
)
def test_a_mask_hides_the_middle(text: str, shown: str) -> None:
    assert masked_phone(text) == shown


@given(mobiles)
def test_normalising_twice_changes_nothing_and_full_width_is_the_same_number(mobile: str) -> None:
    once = normalise_phone(mobile)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in mobile)
    assert normalise_phone(once) == once == normalise_phone(wide) == f"+86{mobile}"


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused_and_can_be_masked(text: str) -> None:
    assert len(masked_phone(text)) <= len(text) + 3
    with suppress(PhoneError):
        assert normalise_phone(normalise_phone(text)) == normalise_phone(text)

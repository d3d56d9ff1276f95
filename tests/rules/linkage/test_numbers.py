"""Identity numbers: whole, old, hidden, damaged, of another kind. The numbers are computed, nobody's."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.identity_numbers import check_character
from rules.linkage.numbers import read_id
from tests.rules.linkage.messy import HOSTILE, texts

FIRST17 = "42010219750203001"
WHOLE = FIRST17 + check_character(FIRST17)
ENDS_IN_X = next(
    head + "X" for head in (f"42010219750203{place:03d}" for place in range(999)) if check_character(head) == "X"
)


def _letters(number: str) -> str:
    return number.replace("0", "O").replace("1", "l")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (WHOLE, WHOLE),
        (f"{WHOLE[:6]} {WHOLE[6:14]} {WHOLE[14:]}", WHOLE),
        (f"{WHOLE[:6]}-{WHOLE[6:14]}-{WHOLE[14:]}", WHOLE),
        (f"身份证：{WHOLE}", WHOLE),
        (f"'{WHOLE}", WHOLE),
        (f"{WHOLE}（母亲的）", WHOLE),
        (f"{WHOLE}/{ENDS_IN_X}", WHOLE),
        ("".join(chr(ord(digit) + 0xFEE0) for digit in WHOLE), WHOLE),
        (_letters(WHOLE), WHOLE),
        (f"{WHOLE[:17]}\u200b{WHOLE[17]}", WHOLE),
        (ENDS_IN_X, ENDS_IN_X),
        (ENDS_IN_X.lower(), ENDS_IN_X),
        (ENDS_IN_X[:17] + "*", ENDS_IN_X),
        (ENDS_IN_X[:17] + "＊", ENDS_IN_X),
        (ENDS_IN_X[:17] + "×", ENDS_IN_X),
        (WHOLE.replace("5", "S", 1), WHOLE),
    ],
)
def test_a_whole_number_in_every_spelling(text: str, number: str) -> None:
    read = read_id(text)
    assert read is not None
    assert (read.kind, read.number, read.valid) == ("full", number, True)
    assert (read.birth, read.sex, read.division) == (
        date(1975, 2, 3),
        "male" if int(number[16]) % 2 else "female",
        "420102",
    )
    assert (read.head, read.tail) == ("420102", number[-4:])


def test_a_wrong_check_character_leaves_a_whole_number_that_is_not_valid() -> None:
    wrong = FIRST17 + ("1" if WHOLE[-1] != "1" else "2")
    read = read_id(wrong)
    assert read is not None
    assert (read.kind, read.number, read.valid) == ("full", wrong, False)


def test_fifteen_digits_are_completed_and_prove_nothing() -> None:
    read = read_id("420102 750203 001")
    assert read is not None
    assert (read.kind, read.number, read.valid, read.birth) == ("fifteen", WHOLE, False, date(1975, 2, 3))


@pytest.mark.parametrize(
    ("text", "head", "tail"),
    [
        ("420102********0011", "420102", "0011"),
        ("420***********0011", "420", "0011"),
        ("4201**0011", "4201", "0011"),
        ("420102●●●●●●●●0011", "420102", "0011"),
        ("420102＊＊＊＊＊＊＊＊0011", "420102", "0011"),
        ("420102XXXXXXXX0011", "420102", "0011"),
        ("420102xxxxxxxx001x", "420102", "001X"),
        ("420102........0011", "420102", "0011"),
        ("420102……0011", "420102", "0011"),
        ("420102----0011", "420102", "0011"),
        ("420102 **** **** 0011", "420102", "0011"),
        ("**************0011", "", "0011"),
        ("尾号0011", "", "0011"),
        ("后四位001x", "", "001X"),
        ("42010219750203****", "42010219750203", ""),
        (FIRST17 + "*", FIRST17, ""),
        ("身份证号420102********0011", "420102", "0011"),
    ],
)
def test_a_masked_number_shows_its_ends(text: str, head: str, tail: str) -> None:
    read = read_id(text)
    assert read is not None
    assert (read.kind, read.head, read.tail, read.valid) == ("masked", head, tail, False)
    assert read.number == head + "*" * (18 - len(head) - len(tail)) + tail
    assert read.division == (head[:6] if len(head) >= 6 else None)


def test_what_a_mask_leaves_is_read() -> None:
    open_birth, open_sex = read_id("******19750203****"), read_id("4201**********0021")
    assert open_birth is not None
    assert open_birth.birth == date(1975, 2, 3)
    assert open_sex is not None
    assert open_sex.sex == "female"


@pytest.mark.parametrize("text", [FIRST17, WHOLE + "1", WHOLE[:12], "4201021975020", "420102751303001"])
def test_digits_of_another_length_are_doubtful(text: str) -> None:
    read = read_id(text)
    assert read is not None
    assert (read.kind, read.number, read.valid) == ("doubtful", text, False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("e12345678", "E12345678"),
        ("护照G12345678", "G12345678"),
        ("H0123456789", "H0123456789"),
        ("A123456(7)", "A1234567"),
        ("USA110074010101", "USA110074010101"),
        ("12345678", "12345678"),
    ],
)
def test_passports_and_permits_are_of_another_kind(text: str, number: str) -> None:
    read = read_id(text)
    assert read is not None
    assert (read.kind, read.number, read.valid) == ("other", number, False)


@pytest.mark.parametrize("first17", ["81000019900101123", "83000019900101124", "91100119900101123"])
def test_residence_permits_are_read_like_identity_numbers(first17: str) -> None:
    read = read_id(first17 + check_character(first17))
    assert read is not None
    assert (read.kind, read.valid, read.birth) == ("full", True, date(1990, 1, 1))


@pytest.mark.parametrize("text", ["", None, "无", "不详", "*" * 18, "X" * 18, "123", "😀", "1" * 60])
def test_without_digits_there_is_no_number(text: str | None) -> None:
    assert read_id(text) is None


def test_a_number_stays_out_of_logs() -> None:
    assert "1975" not in repr(read_id(WHOLE))
    assert "0014" not in repr(read_id(WHOLE))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_raises(text: str) -> None:
    read_id(text)


@given(st.one_of(texts, st.from_regex(r"[0-9Xx*Ol -]{1,22}", fullmatch=True)))
def test_reading_what_was_read_changes_nothing(text: str) -> None:
    read = read_id(text)
    if read is None:
        return
    again = read_id(read.number)
    if read.kind in {"full", "fifteen"}:
        assert again is not None
        assert (again.number, again.birth, again.head, again.tail) == (read.number, read.birth, read.head, read.tail)

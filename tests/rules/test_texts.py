"""Text that may enter, names of persons, keys for matching, masks."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.texts import TextError, clean_name, clean_text, masked_name, name_key

RARE = ["𠀀", "𪜀", "𫝀", "𫠠", "𬺰", "\U00030000", "\U000313ff", "䶮", "〇", "﨎"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\x00b", "nul"),
        ("a\x01", "control"),
        ("a\r\n", "control"),
        ("a\x1b[0m", "control"),
        ("a\x7f", "control"),
        ("a\x85", "control"),
        ("a\x9f", "control"),
        ("a\u202eb", "bidi"),
        ("a\u202ab", "bidi"),
        ("a\u2066b", "bidi"),
        ("a\u2069b", "bidi"),
        ("a\u200eb", "bidi"),
        ("a\u200fb", "bidi"),
        ("a\u061cb", "bidi"),
        ("a\ud800b", "surrogate"),
        ("a\udfff\x00", "surrogate"),
    ],
)
def test_characters_that_break_or_deceive_are_refused(text: str, code: str) -> None:
    with pytest.raises(TextError) as refused:
        clean_text(text)
    assert refused.value.code == code
    with pytest.raises(TextError):
        clean_name(text)


def test_of_the_control_characters_only_line_feed_and_tab_may_enter() -> None:
    controls = [*range(0x20), *range(0x7F, 0xA0)]
    assert [point for point in controls if _enters(chr(point))] == [0x09, 0x0A]


def test_every_direction_control_and_every_surrogate_is_refused() -> None:
    directions = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    assert [point for point in (*directions, *range(0xD800, 0xE000)) if _enters(chr(point))] == []


def _enters(character: str) -> bool:
    try:
        clean_text(character)
    except TextError:
        return False
    return True


def test_lines_tabs_and_punctuation_stay_as_they_are() -> None:
    text = "第一行\n第二行\t“引号”—… 🙂 "
    assert clean_text(text) == text


def test_text_becomes_nfc() -> None:
    assert clean_text("e\u0301") == "é"


@pytest.mark.parametrize("character", RARE)
def test_rare_characters_of_every_plane_are_names(character: str) -> None:
    name = f"王{character}"
    assert clean_name(name) == name
    assert name_key(name) == name
    assert masked_name(name) == "王*"


@pytest.mark.parametrize("dot", ["\u00b7", "\u2022", "\u2027", "\u30fb", "\uff0e", " · ", " \u2022"])
def test_every_name_dot_becomes_the_middle_dot(dot: str) -> None:
    assert clean_name(f"买买提{dot}艾力") == "买买提·艾力"


def test_a_full_width_stop_after_latin_letters_is_no_name_dot() -> None:
    assert clean_name("J\uff0e Smith") == "J\uff0e Smith"


def test_spaces_are_trimmed_and_collapsed() -> None:
    assert clean_name(" \u3000周  桂\u00a0兰\t ") == "周 桂 兰"


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty"), (" \u3000", "empty"), ("·", "empty"), (" • ・ ", "empty"), ("长" * 51, "too-long")],
)
def test_a_name_has_one_to_fifty_characters(text: str, code: str) -> None:
    with pytest.raises(TextError) as refused:
        clean_name(text)
    assert refused.value.code == code


def test_fifty_characters_after_trimming_are_a_name() -> None:
    assert len(clean_name(f" {'长' * 50} ")) == 50
    assert clean_name("李") == "李"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("买买提·艾力", "买买提 艾力"),
        ("买买提•艾力", "买买提．艾力"),
        ("周 桂 兰", "周桂兰"),
        ("John SMITH", "john smith"),
        ("Ｊｏｈｎ", "john"),
        ("Straße", "STRASSE"),
    ],
)
def test_names_that_people_call_the_same_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_different_names_have_different_keys() -> None:
    assert name_key("周桂兰") != name_key("周桂蘭")


@pytest.mark.parametrize(
    ("name", "shown"), [("周桂兰", "周**"), ("李四", "李*"), ("李", "*"), ("", ""), ("𠀀一", "𠀀*")]
)
def test_a_masked_name_shows_its_first_character(name: str, shown: str) -> None:
    assert masked_name(name) == shown


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    try:
        cleaned = clean_text(text)
        name = clean_name(text)
    except TextError:
        return
    assert clean_text(cleaned) == cleaned == unicodedata.normalize("NFC", text)
    assert clean_name(name) == name
    assert len(masked_name(name)) == len(name)


@given(st.text(st.sampled_from("周桂兰买提·• ．AéßǅΣ´"), max_size=12))
def test_a_key_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)

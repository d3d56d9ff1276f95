"""From what an agency wrote to features, and back from what was sealed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.linkage.features import Features, Member, decode, encode
from rules.linkage.reading import Written, read_features
from tests.rules.linkage.messy import HOSTILE, texts
from tests.rules.linkage.people import ZHOU, features, number, person
from tests.rules.linkage.places import PLACES

MEMBERS = [("周建国", 1973), ("无", None), ("周小明", None)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "周秀兰"),
        ("sounds", ("zhou", "xiu", "lan")),
        ("folded", ("zou", "xiu", "lan")),
        ("surname", "zou"),
        ("sex", "f"),
        ("birth", "1975-04-12"),
        ("lunar", "1975-03-01"),
        ("id_kind", "valid"),
        ("id_number", number("19750412")),
        ("id_head", "430102"),
        ("phones", ("+8613912345678",)),
        ("division", "430102"),
        ("area", "湘雅路"),
        ("door", "12"),
        ("room", "3-2-501"),
        ("employer", "安纺织造"),
        ("household", "HH-7"),
        ("members", (Member("周建国", 1973), Member("周小明", None))),
    ],
)
def test_every_reader_has_its_word(field: str, value: object) -> None:
    assert getattr(person(household=" HH-7 ", members=MEMBERS), field) == value


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "周 秀 兰"},
        {"name": "週秀蘭"},
        {"name": "周秀兰（女，50岁）"},
        {"number": f" {number('19750412')} ".replace("1975", "１９７５")},
        {"birth": "1975年4月12日"},
        {"birth": "1980-01-01"},
        {"birth": None, "sex": None},
        {"phones": ["+86 139-1234-5678"]},
        {"phones": ["13912345678", "８６13912345678"]},
        {"division": None, "address": "湖南省长沙市芙蓉区湘雅路十二号三栋二单元501"},
        {"employer": "安纺织造有限责任公司"},
    ],
)
def test_one_person_written_in_many_ways_is_the_same_features(changes: dict[str, Any]) -> None:
    assert person(**changes) == person()


@pytest.mark.parametrize(
    ("changes", "birth", "sex"),
    [
        ({"number": number("19750412", "121"), "sex": None, "birth": None}, "1975-04-12", "m"),
        ({"number": number("19750412"), "birth": "1976-05-01"}, "1975-04-12", "f"),
        ({"number": "430102750412122", "birth": "1976-05-01"}, "1976-05-01", "f"),
        ({"number": "430102750412122", "birth": None}, "1975-04-12", "f"),
        ({"number": number("19750412"), "sex": "male"}, "1975-04-12", "m"),
        ({"number": None, "birth": "1975-02-30"}, "1975-02-30", "f"),
        ({"number": None, "birth": "1975"}, "1975", "f"),
        ({"number": None, "birth": "属兔"}, "", "f"),
    ],
)
def test_the_day_in_a_valid_number_goes_before_what_was_said(changes: dict[str, Any], birth: str, sex: str) -> None:
    read = person(**changes)
    assert (read.birth, read.sex) == (birth, sex)


def test_a_lunar_date_is_kept_as_said_and_has_no_other_day() -> None:
    read = person(number=None, birth="农历一九七五年三月初一")
    assert (read.birth, read.lunar) == ("1975-03-01", "")


@pytest.mark.parametrize(
    ("read", "given_name"),
    [({}, "秀兰"), ({"name": "欧阳秀兰"}, "秀兰"), ({"name": "周兰"}, "兰"), ({"name": "欧阳"}, "阳")],
)
def test_the_given_name_stands_behind_the_surname(read: dict[str, Any], given_name: str) -> None:
    assert person(**read).given == given_name


@pytest.mark.parametrize(
    ("division", "county"), [("430102", "430102"), ("430100", ""), ("430000", ""), (None, "")], ids=str
)
def test_only_a_county_is_a_county(division: str | None, county: str) -> None:
    assert person(division=division, address=None).county == county


def test_nothing_written_is_nothing_read() -> None:
    assert read_features(Written(), None) == Features()


@given(written=st.builds(Written, name=texts, birth=texts, number=texts, address=texts, employer=texts))
def test_text_of_any_kind_is_read_and_comes_back_from_what_is_sealed(written: Written) -> None:
    read = read_features(written, PLACES)
    assert decode(encode(read)) == read


@pytest.mark.parametrize("text", [text for text in HOSTILE if text != "\ud800"], ids=lambda text: ascii(text[:6]))
def test_hostile_text_is_read_and_comes_back_from_what_is_sealed(text: str) -> None:
    read = read_features(Written(text, None, text, text, [text], text, text, text, text, text, [(text, 1)]), PLACES)
    assert decode(encode(read)) == read


@given(it=features())
def test_features_come_back_as_they_were_sealed(it: Features) -> None:
    assert decode(encode(it)) == it


def test_features_sealed_before_a_field_was_thought_of_have_its_default() -> None:
    older = encode(person(members=MEMBERS)).rsplit(b",[[", 1)[0] + b"]"
    assert decode(older) == person()


def test_no_value_of_a_person_stands_in_what_a_log_would_show() -> None:
    shown = repr(person(household="HH-7", members=MEMBERS))
    for value in (ZHOU["name"], ZHOU["number"], "1975", "13912345678", "湘雅", "430102", "安纺", "HH-7", "建国"):
        assert value not in shown, value


def test_members_leave_by_name() -> None:
    told = person(members=MEMBERS)
    assert told.without_members({"周建国"}).members == (Member("周小明", None),)
    assert told.without_members(set()) == told

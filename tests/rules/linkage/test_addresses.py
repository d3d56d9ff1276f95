"""Addresses and the divisions in them. The places are few and the streets invented."""

from dataclasses import asdict

import pytest
from hypothesis import given

from rules.linkage.addresses import read_address
from tests.rules.linkage.messy import HOSTILE, texts
from tests.rules.linkage.places import PLACES


@pytest.mark.parametrize(
    ("text", "code", "division"),
    [
        ("湖南省长沙市芙蓉区", None, "430102"),
        ("湖南长沙芙蓉区", None, "430102"),
        ("长沙芙蓉", None, "430102"),
        ("湖南省长沙市长沙县", None, "430121"),
        ("长沙县", None, "430121"),
        ("长沙市", None, "430100"),
        ("湖南省", None, None),
        ("湖南省枣阳市", None, None),
        ("湖北省枣阳市", None, "420683"),
        ("枣阳市", None, "420683"),
        ("襄樊市枣阳市", None, "420683"),
        ("恩施州恩施市", None, "422801"),
        ("恩施土家族苗族自治州恩施市", None, "422801"),
        ("内蒙古赤峰", None, "150400"),
        ("海南州共和县", None, "632521"),
        ("重庆市万州区", None, "500101"),
        ("重庆酉阳县", None, "500242"),
        ("上海浦东新区", None, "310115"),
        ("北京市北京市海淀区", None, "110108"),
        ("北京市市辖区海淀区", None, "110108"),
        ("吉林省吉林市昌邑区", None, "220202"),
        ("吉林昌邑区", None, "220202"),
        ("南京鼓楼区", None, "320106"),
        ("江苏省徐州市鼓楼区", None, "320302"),
        ("鼓楼区", None, None),
        ("鼓楼区", "320300", "320302"),
        ("江苏省鼓楼区", None, None),
        ("朝阳区建国路", None, "110105"),
        ("沈阳市和平大街8号", None, "210100"),
        ("沈阳和平区", None, "210102"),
        ("長沙縣", None, "430121"),
        ("", "430102", "430102"),
        ("湖南省长沙市长沙县", "430102", "430102"),
        ("湖南省长沙市长沙县", "430100", "430121"),
        ("湖南省长沙市长沙县", "320100", "430121"),
        ("", "430100", "430100"),
        ("", "430000", None),
        ("", "430101", "430100"),
        ("", "430102001", "430102"),
        ("", "430102001002", "430102"),
        ("", "43-01-02", None),
        ("", "000000", None),
        ("", "无", None),
        (None, None, None),
    ],
)
def test_a_given_county_wins_then_the_text_then_a_given_prefecture(
    text: str | None, code: str | None, division: str | None
) -> None:
    assert read_address(text, code, PLACES).division == division


@pytest.mark.parametrize(
    "text",
    [
        "3栋2单元501室",
        "3栋2单元501",
        "3幢2单元501",
        "3号楼2单元501室",
        "3号楼2单元5层501",
        "3-2-501",
        "3－2－501室",
        "3#2-501",
        "3栋2门501",
        "三栋二单元五〇一室",
        "三号楼二单元五零一",
        "03栋02单元501",
        "３栋 ２单元 ５０１室",
    ],
)
def test_building_unit_and_room_in_every_spelling(text: str) -> None:
    read = read_address("湖南省长沙市芙蓉区桂花社区" + text, None, PLACES)
    assert (read.building, read.unit, read.room, read.community) == ("3", "2", "501", "桂花")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("城南街道桂花社区", {"street": "城南", "community": "桂花"}),
        ("城南街道办事处桂花社区居委会", {"street": "城南", "community": "桂花"}),
        ("城南街桂花社区", {"street": "城南", "community": "桂花"}),
        ("城南街12号", {"road": "城南街", "number": "12"}),
        ("城南镇", {"street": "城南"}),
        ("城南", {"street": "城南"}),
        ("民族乡李家村三组12号", {"street": "民族", "community": "李家", "group": "3", "number": "12"}),
        ("城关镇北街村二组", {"street": "城关", "community": "北街", "group": "2"}),
        ("李家村委会", {"community": "李家"}),
        ("人民路街道", {"street": "人民路"}),
        ("镇江路12号", {"road": "镇江路", "number": "12"}),
        ("工农村大道8号", {"road": "工农村大道", "number": "8"}),
        ("工农村街道工农村大道8号", {"street": "工农村", "road": "工农村大道", "number": "8"}),
        ("城南街道环城路特1号", {"street": "城南", "road": "环城路", "number": "特1"}),
        ("环城路16号附3", {"road": "环城路", "number": "16-3"}),
        ("环城路16号之3", {"road": "环城路", "number": "16"}),
        ("环城路十六号", {"road": "环城路", "number": "16"}),
        ("五一路8号", {"road": "五一路", "number": "8"}),
        (
            "环城路8号桂花园3栋501",
            {"road": "环城路", "number": "8", "estate": "桂花园", "building": "3", "room": "501"},
        ),
        ("桂花小区3-2-501", {"community": "桂花", "estate": "桂花", "building": "3", "unit": "2", "room": "501"}),
        ("机床厂宿舍3栋", {"community": "机床厂", "building": "3"}),
        ("幸福新村3栋", {"community": "幸福新村", "building": "3"}),
        ("环城路568号国贸大厦2201室", {"road": "环城路", "number": "568", "room": "2201"}),
        ("环城路88号A座1203", {"number": "88", "building": "A", "room": "1203"}),
        ("环城南路1500弄34号501室", {"road": "环城南路", "number": "1500", "building": "34", "room": "501"}),
        ("环城路27号院5号楼3单元1201", {"number": "27", "building": "5", "unit": "3", "room": "1201"}),
        ("环城路22号2单元", {"road": "环城路", "number": "22", "unit": "2"}),
        ("环城路182号3栋丙单元", {"number": "182", "building": "3", "unit": "丙"}),
        ("科技高新区城南街道", {"street": "城南"}),
        ("家庭住址：城南街道", {"street": "城南"}),
        ("城南街道（原址）桂花社区", {"street": "城南", "community": "桂花"}),
    ],
)
def test_an_address_is_taken_apart(text: str, parts: dict[str, str]) -> None:
    read = asdict(read_address(text, "430102", PLACES))
    assert {name: read[name] for name in parts} == parts


def test_a_road_is_no_street_office() -> None:
    road, office = read_address("城南路", None, None), read_address("城南街道", None, None)
    assert (road.road, road.street, office.road, office.street) == ("城南路", "", "", "城南")


def test_a_home_stays_out_of_logs() -> None:
    shown = repr(read_address("城南街道桂花社区3栋2单元501室", "430102", PLACES))
    assert "城南" not in shown
    assert "501" not in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_raises(text: str) -> None:
    read_address(text, text, PLACES)
    read_address(text, None, None)


@given(texts, texts)
def test_any_text_gives_the_same_address_twice(text: str, code: str) -> None:
    assert read_address(text, code, PLACES) == read_address(text, code, PLACES)

"""Blocking keys: by which two records of one person meet, whatever one of them got wrong."""

from typing import Any

import pytest
from hypothesis import given

from rules.linkage.features import Features
from rules.linkage.keys import blocking_keys
from rules.linkage.membership import member_key
from tests.rules.linkage.people import BARE, features, number, person


def kinds(one: Features, other: Features) -> set[str]:
    return {key.split("|")[0] for key in set(blocking_keys(one)) & set(blocking_keys(other))}


WRONG_DIGIT = number("19750412")[:-1] + ("0" if number("19750412")[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ({}, BARE | {"number": number("19750412"), "name": "李芳"}, {"id", "day-county"}),
        ({}, BARE | {"number": WRONG_DIGIT, "birth": None, "division": None}, {"id-front"}),
        (
            {},
            BARE | {"number": "430102********" + number("19750412")[-4:], "birth": None, "division": None},
            {"id-ends"},
        ),
        ({"number": None}, BARE | {"phones": ["13912345678"], "name": "周兰", "birth": "1975"}, {"phone-surname"}),
        ({"number": None}, BARE | {"phones": ["13912345678"], "name": "李芳", "birth": "1975"}, {"phone-year"}),
        ({"number": None}, BARE | {"phones": ["13700005678"], "birth": None, "division": None}, {"sound-phone-end"}),
        ({"number": None}, BARE | {"birth": "1975", "division": None}, {"name-year"}),
        ({"number": None}, BARE | {"birth": None}, {"name-county"}),
        (
            {"number": None},
            BARE | {"name": "周秀蓝", "birth": "1975-05", "division": "430121"},
            {"sound-year-prefecture"},
        ),
        ({"number": None}, BARE | {"birth": None, "division": "430121", "address": "湘雅路1号"}, {"sound-area"}),
        (
            {"number": None},
            BARE | {"name": "邹秀兰", "birth": None, "division": None, "employer": "安纺织造"},
            {"sound-employer"},
        ),
        ({"number": None}, BARE | {"name": "周秀蓝", "division": None}, {"sound-day"}),
        (
            {"number": None},
            BARE | {"name": "周秀蓝", "birth": "农历1975-03-01", "division": None},
            {"sound-day"},
        ),
        ({"number": None}, BARE | {"name": "周芳", "division": "430121"}, {"surname-day-prefecture"}),
        ({"number": None}, BARE | {"name": "李芳"}, {"day-county"}),
        (
            {"number": None},
            BARE | {"name": "周芳", "birth": None, "address": "湘雅路9号3栋2单元501室"},
            {"room"},
        ),
        (
            {"household": "HH-7"},
            BARE | {"household": "HH-7", "name": "李芳", "birth": None, "division": None},
            {"household"},
        ),
    ],
)
def test_two_records_of_one_person_share_a_key(one: dict[str, Any], other: dict[str, Any], meet: set[str]) -> None:
    assert meet <= kinds(person(**one), person(**other))


STRANGER = {
    "name": "李芳",
    "number": number("19800101", "126", "340826"),
    "birth": "1980-01-01",
    "phones": ["13787654321"],
    "division": "340826",
    "address": "宿松路1号2栋3室",
    "employer": "宿松茶厂",
}


@pytest.mark.parametrize(
    "other",
    [
        STRANGER,
        BARE | {"name": "周芳", "birth": "1976-04-13"},
        BARE | {"name": "周秀兰", "birth": None, "division": None},
        BARE | {"phones": ["13912345678"], "name": "李芳", "birth": "1980", "division": "340826"},
    ],
)
def test_who_shares_next_to_nothing_never_meets(other: dict[str, Any]) -> None:
    assert kinds(person(), person(**other)) == set()


@given(it=features())
def test_keys_are_distinct_and_few_and_none_is_of_one_fact(it: Features) -> None:
    keys = blocking_keys(it)
    assert len(keys) == len(set(keys)) <= 40
    assert all(key.count("|") >= 2 or key.startswith("id|") for key in keys)


def test_a_record_of_whom_everything_is_told_has_about_twenty_keys() -> None:
    assert 12 <= len(blocking_keys(person(household="HH-7"))) <= 24


def test_nobody_told_of_has_no_key() -> None:
    assert blocking_keys(Features()) == ()


def test_members_meet_within_their_household_by_sound() -> None:
    one, other = person(), person(**(BARE | {"name": "邹秀蓝"}))
    assert member_key("case-1", one) == member_key("case-1", other)
    assert member_key("case-1", one) != member_key("case-2", one)

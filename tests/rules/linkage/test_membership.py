"""Within one household a name and a year are enough to tell who is who."""

from typing import Any

import pytest

from rules.linkage.membership import same_member, weak
from tests.rules.linkage.people import BARE, number, person

MEMBER = BARE | {"division": "430102", "birth": "1975"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (MEMBER, True),
        (MEMBER | {"birth": None}, True),
        (MEMBER | {"birth": "1975-04"}, True),
        (MEMBER | {"birth": "1975-04-12"}, False),
        (MEMBER | {"phones": ["13912345678"]}, False),
        (MEMBER | {"number": number("19750412")}, False),
        (MEMBER | {"number": "430102********1229"}, False),
    ],
)
def test_who_is_told_too_little_of_is_not_looked_for_elsewhere(changes: dict[str, Any], expected: bool) -> None:
    assert weak(person(**changes)) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"name": "周秀蓝"}, True),
        ({"name": "邹秀兰"}, True),
        ({"name": "周秀？"}, True),
        ({"name": "周芳（曾用名周秀兰）"}, True),
        ({"birth": None}, True),
        ({"birth": "1975"}, True),
        ({"birth": "1976-04-12"}, True),
        ({"birth": "1975-12-04"}, True),
        ({"birth": "农历1975-03-01"}, True),
        ({"sex": None}, True),
        ({"number": number("19750412")}, True),
        ({"name": "周秀芳"}, False),
        ({"name": "周芳"}, False),
        ({"name": None}, False),
        ({"birth": "1999-04-12"}, False),
        ({"birth": "1975-06-30"}, False),
        ({"sex": "male"}, False),
        ({"number": number("19750412", "124")}, False),
        ({"number": "430102********0000"}, False),
    ],
)
def test_two_descriptions_of_members_mean_one_person(changes: dict[str, Any], expected: bool) -> None:
    known = person() if "number" in changes else person(number=None)
    told = person(**({"number": None} | changes))
    assert same_member(known, told) is expected
    assert same_member(told, known) is expected

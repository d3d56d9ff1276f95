"""When a division may set a clock of its own: stricter than what holds there, never looser."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from actions.matters import check_override
from rules.deadlines import Period
from rules.errors import ValidationFailed
from rules.matters import Matter, parse_matter

LIST = Path(__file__).resolve().parents[2] / "db" / "reference" / "matters.json"
CITY = {"accept": {"amount": 3, "unit": "working_day"}}


@cache
def _matter(code: str) -> Matter:
    rows = json.loads(LIST.read_text(encoding="utf-8"))
    return next(parse_matter(row) for row in rows if row["code"] == code)


def _faults(code: str, above: list[Mapping[str, object]], clocks: Mapping[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as refused:
        check_override(_matter(code), above, clocks)
    return [(error.pointer, error.code) for error in refused.value.errors]


@pytest.mark.parametrize(
    ("clocks", "accept"),
    [
        ({"accept": {"amount": 5, "unit": "working_day"}}, Period(5, "working_day")),
        ({"accept": {"amount": 2, "unit": "working_day"}}, Period(2, "working_day")),
        ({"accept": {"amount": 5, "unit": "calendar_day"}}, Period(5, "calendar_day")),
        ({"accept": {"amount": 0, "unit": "same_day"}}, Period(0, "same_day")),
    ],
)
def test_a_figure_at_least_as_strict_as_the_list_holds(clocks: Mapping[str, object], accept: Period) -> None:
    assert check_override(_matter("LAB-01"), [], clocks).accept == accept


def test_what_an_override_does_not_name_stays_as_it_is_above() -> None:
    clocks = check_override(_matter("LAB-01"), [CITY], {"resolve": {"amount": 45, "unit": "working_day"}})
    assert (clocks.accept, clocks.resolve) == (Period(3, "working_day"), Period(45, "working_day"))


@pytest.mark.parametrize(
    ("clocks", "pointer"),
    [
        ({"accept": {"amount": 6, "unit": "working_day"}}, "/clocks/accept"),
        ({"resolve": {"amount": 61, "unit": "working_day"}}, "/clocks/resolve"),
        ({"resolve": {"amount": 3, "unit": "month"}}, "/clocks/resolve"),
        ({"extension": {"amount": 31, "unit": "working_day"}}, "/clocks/extension"),
    ],
)
def test_a_looser_figure_or_one_nobody_can_compare_is_refused(clocks: Mapping[str, object], pointer: str) -> None:
    assert _faults("LAB-01", [], clocks) == [(pointer, "looser-override")]


def test_a_division_may_not_loosen_what_the_one_above_made_strict() -> None:
    assert _faults("LAB-01", [CITY], {"accept": {"amount": 4, "unit": "working_day"}}) == [
        ("/clocks/accept", "looser-override")
    ]


def test_an_extension_may_not_be_added_where_the_list_allows_none() -> None:
    assert _faults("LAB-05", [], {"extension": {"amount": 1, "unit": "working_day"}}) == [
        ("/clocks/extension", "looser-override")
    ]


@pytest.mark.parametrize(
    ("clocks", "fault"),
    [
        ({}, ("/clocks", "required")),
        ({"accept": {"amount": 0, "unit": "working_day"}}, ("/clocks", "invalid")),
        ({"accept": {"amount": 1, "unit": "fortnight"}}, ("/clocks", "invalid")),
        ({"answer": {"amount": 1, "unit": "hour"}}, ("/clocks", "invalid")),
    ],
)
def test_figures_that_cannot_be_read_are_refused(clocks: Mapping[str, object], fault: tuple[str, str]) -> None:
    assert _faults("LAB-01", [], clocks) == [fault]

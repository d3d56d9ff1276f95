"""What a feed and an endpoint take: by type, kind of case and place, and never by what the agency may not know."""

import pytest

from rules.selections import NOWHERE, Place, Selection, digits_below, knows_place

YINGJIANG = Place("household", "340802")


@pytest.mark.parametrize(
    ("selection", "event_type", "place", "admitted"),
    [
        (Selection(), "case.opened", YINGJIANG, True),
        (Selection(("referral.*",)), "case.opened", YINGJIANG, False),
        (Selection(case_kinds=("employer",)), "case.opened", YINGJIANG, False),
        (Selection(case_kinds=("employer", "household")), "case.opened", YINGJIANG, True),
        (Selection(divisions=("340802",)), "case.opened", YINGJIANG, True),
        (Selection(divisions=("340800",)), "case.opened", YINGJIANG, True),
        (Selection(divisions=("340000",)), "case.opened", YINGJIANG, True),
        (Selection(divisions=("340803",)), "case.opened", YINGJIANG, False),
        (Selection(divisions=("340100", "350000")), "case.opened", YINGJIANG, False),
        (Selection(divisions=("350000",), case_kinds=("employer",)), "case.opened", NOWHERE, True),
        (Selection(("case.opened",), ("employer",), ("340000",)), "case.opened", Place("employer", "340802"), True),
        (Selection(("case.opened",), ("employer",), ("340000",)), "case.closed", Place("employer", "340802"), False),
    ],
)
def test_what_is_asked_for_is_admitted(selection: Selection, event_type: str, place: Place, admitted: bool) -> None:
    assert selection.admits(event_type, place) is admitted


@pytest.mark.parametrize(
    ("code", "digits"),
    [("340000", "34"), ("340800", "3408"), ("340802", "340802"), ("340802001", "340802001"), ("100000", "10")],
)
def test_a_division_covers_what_lies_below_it(code: str, digits: str) -> None:
    assert digits_below(code) == digits


@pytest.mark.parametrize(
    ("roles", "known"),
    [
        (["coordinator"], True),
        (["observer", "reporter"], True),
        (["receiver"], True),
        (["observer"], False),
        ([], False),
    ],
)
def test_an_observer_does_not_know_where_a_case_is(roles: list[str], known: bool) -> None:
    assert knows_place(roles) is known

"""What parts without a link, what the two sides say of each other, and what differs from the assertions."""

from dataclasses import replace

import pytest

from rules.linkage.assertions import Difference, Kept, Said, differences
from rules.linkage.deciding import Band
from rules.linkage.rescoring import Standing, match_sides, sides_of
from tests.rules.linkage.people import MODEL, NOBODY, person

FOUNDED = Standing("l1", "a", "P", None)
SECOND = Standing("l2", "b", "a", 9.0)
THIRD = Standing("l3", "c", "b", 9.0)
ALSO = Standing("l4", "c", "a", 9.0)


@pytest.mark.parametrize(
    ("link", "links", "sides"),
    [
        (SECOND, [FOUNDED, SECOND], ({"b"}, {"a", "P"})),
        (SECOND, [FOUNDED, SECOND, THIRD], ({"b", "c"}, {"a", "P"})),
        (THIRD, [FOUNDED, SECOND, THIRD], ({"c"}, {"b", "a", "P"})),
        (SECOND, [FOUNDED, SECOND, THIRD, ALSO], None),
        (FOUNDED, [FOUNDED, SECOND], ({"a", "b"}, {"P"})),
    ],
)
def test_what_falls_apart_without_a_link(
    link: Standing[str], links: list[Standing[str]], sides: tuple[set[str], set[str]] | None
) -> None:
    assert sides_of(link, links) == sides


def test_a_side_says_the_most_that_any_of_its_records_says() -> None:
    stranger = person(
        name="吴大海", number=None, birth="1950-01-01", phones=["13500000000"], address=None, employer=None
    )
    others = [("x", person())]
    alone = match_sides([stranger], others, model=MODEL, population=NOBODY)
    together = match_sides([stranger, person()], others, model=MODEL, population=NOBODY)
    assert (alone.band, together.band) == (Band.none, Band.auto)
    assert together == match_sides([person(), stranger], others, model=MODEL, population=NOBODY)


def test_a_band_counts_before_bits() -> None:
    """Many bits that a guard forbids say less than few that it does not."""
    asking = replace(MODEL, auto=1_000.0, review=-1_000.0)
    told = person()
    other = person(name="周大海", number="430102197504121230")
    found = match_sides([other, person(number=None)], [("x", told)], model=asking, population=NOBODY)
    assert found.band is Band.review
    assert found.score == match_sides([person(number=None)], [("x", told)], model=asking, population=NOBODY).score


SAID = [
    Said("l1", "a", "P", None, "same"),
    Said("l2", "b", "P", "a", "same"),
    Said("l3", "c", "Q", None, "same"),
]


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ([Kept("a", None, "P", "P"), Kept("b", None, "P", None), Kept("c", None, "Q", "Q")], []),
        ([Kept("b", None, "Q", "Q")], [Difference("b", "Q", "P")]),
        ([Kept("b", None, "P", "Q")], [Difference("b", "Q", "P")]),
        ([Kept("corrected", "c", "Q", None)], []),
        ([Kept("corrected", "c", "P", None)], [Difference("corrected", "P", "Q")]),
        ([Kept("unknown", None, "P", None)], [Difference("unknown", "P", None)]),
    ],
)
def test_records_kept_as_somebody_else_than_the_assertions_say_are_named(
    kept: list[Kept[str]], found: list[Difference[str]]
) -> None:
    assert differences(SAID, kept) == found

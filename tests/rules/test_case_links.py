"""When two numbers are one, what is hashed for them, and from which end a pair is seen."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.case_links import End, LinkKind, near_and_far, normal_number, number_key, own_number_key

ONE, TWO, ME, OTHER = (UUID(int=number) for number in range(1, 5))


@pytest.mark.parametrize(
    "written",
    ["（2026）皖0802民初817号", "〔2026〕皖0802民初817号", "[2026]皖0802民初 817号", "【2026】皖０８０２民初８１７号"],
)
def test_brackets_width_and_spaces_do_not_tell_numbers_apart(written: str) -> None:
    assert normal_number(written) == "(2026)皖0802民初817号"


@pytest.mark.parametrize(
    ("one", "other"), [("LJ-1-23", "LJ-12-3"), ("A/1", "A-1"), ("817", "0817"), ("民初1号", "民终1号")]
)
def test_other_signs_do(one: str, other: str) -> None:
    assert normal_number(one) != normal_number(other)


def test_every_hyphen_is_one() -> None:
    assert {normal_number(f"lj{sign}1") for sign in "-\u2010\u2013\u2014\u2212\uff0d"} == {"LJ-1"}


@given(st.text(max_size=40))
def test_a_normal_number_is_its_own_normal_number(text: str) -> None:
    assert normal_number(normal_number(text)) == normal_number(text)


def test_equal_numbers_of_two_agencies_are_hashed_apart_and_those_elsewhere_by_case() -> None:
    assert number_key(LinkKind.own_number, ME, ONE, "x 1") == number_key(LinkKind.own_number, ME, TWO, "X1")
    assert number_key(LinkKind.own_number, ME, ONE, "1") == own_number_key(ME, "1")
    assert own_number_key(ME, "1") != own_number_key(OTHER, "1")
    assert number_key(LinkKind.elsewhere, ME, ONE, "1") == number_key(LinkKind.elsewhere, OTHER, ONE, "1")
    assert number_key(LinkKind.elsewhere, ME, ONE, "1") != number_key(LinkKind.elsewhere, ME, TWO, "1")


def _end(case_id: UUID, coordinator: UUID, *roles: str, supervised: bool = False) -> End:
    return End(case_id, coordinator, "x", frozenset(roles), supervised)


@pytest.mark.parametrize(
    ("one", "two", "at", "near"),
    [
        (_end(ONE, ME, "coordinator"), _end(TWO, OTHER, "observer"), TWO, TWO),
        (_end(ONE, OTHER, "observer"), _end(TWO, ME, "coordinator"), None, TWO),
        (_end(ONE, OTHER, supervised=True), _end(TWO, OTHER, "receiver"), None, TWO),
        (_end(ONE, OTHER), _end(TWO, OTHER, supervised=True), None, TWO),
    ],
)
def test_a_pair_is_seen_from_the_case_asked_for_or_the_nearest(one: End, two: End, at: UUID | None, near: UUID) -> None:
    for ends in ((one, two), (two, one)):
        found, far = near_and_far(*ends, acting=ME, at=at)
        assert far is not None
        assert (found.case_id, far.case_id) == (near, (ONE if near == TWO else TWO))

"""A case's states, and how exits and classes are named."""

from itertools import product

import pytest

from rules.cases import (
    CASE_STATUSES,
    DIFFICULTY_CLASSES,
    EXIT_REASONS,
    PARTICIPANT_ROLES,
    STEPS,
    Standing,
    is_active,
    next_status,
)
from rules.errors import InvalidTransition

MOVES = {
    "reported": {"assess": "assessing", "activate": "active"},
    "assessing": {"activate": "active"},
    "active": {"propose_closing": "closing"},
    "closing": {"close": "closed", "activate": "active"},
    "closed": {"reopen": "active"},
}


@pytest.mark.parametrize(("status", "step"), list(product(MOVES, STEPS)))
def test_a_case_moves_exactly_as_the_model_says(status: str, step: str) -> None:
    if step in MOVES[status]:
        assert next_status(status, step) == MOVES[status][step]
        return
    with pytest.raises(InvalidTransition) as refused:
        next_status(status, step)
    assert (refused.value.current, set(refused.value.allowed)) == (status, set(MOVES[status]))


def test_the_table_is_whole() -> None:
    assert set(CASE_STATUSES) == set(MOVES)
    assert set(STEPS) == {step for steps in MOVES.values() for step in steps}


def test_only_a_closed_case_makes_room_for_another() -> None:
    assert [status for status in CASE_STATUSES if not is_active(status)] == ["closed"]


def test_every_status_can_be_reached_from_the_first_report() -> None:
    reached, frontier = {"reported"}, ["reported"]
    while frontier:
        for following in MOVES[frontier.pop()].values():
            if following not in reached:
                reached.add(following)
                frontier.append(following)
    assert reached == set(CASE_STATUSES)


@pytest.mark.parametrize(
    ("roles", "strongest"),
    [
        (set(), None),
        ({"observer"}, "observer"),
        ({"observer", "reporter"}, "reporter"),
        ({"reporter", "receiver"}, "reporter"),
        (set(PARTICIPANT_ROLES), "coordinator"),
    ],
)
def test_the_strongest_of_several_roles(roles: set[str], strongest: str | None) -> None:
    assert Standing(frozenset(roles)).strongest == strongest


def test_reasons_and_classes_are_said_once() -> None:
    for words in (EXIT_REASONS, DIFFICULTY_CLASSES):
        assert len(set(words)) == len(words)

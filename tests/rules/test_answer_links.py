"""When an answer link stands, which steps it can take, what is left after one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rules.answer_links import (
    Bound,
    LinkStep,
    Used,
    check_answerable,
    check_clerk,
    possible_steps,
    stands,
    steps_left,
    steps_to_take,
)
from rules.errors import Conflict, ValidationFailed
from rules.referrals import REASONS, STATUSES, Position, allowed_steps
from web.answer_link_texts import LABELS, RETURN_REASONS

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FOR = Bound("office", "requested", 0)
FRESH = Used(NOW + timedelta(days=1), None, None)


@pytest.mark.parametrize(
    ("as_it_is", "used", "good"),
    [
        (FOR, FRESH, True),
        (replace(FOR, addressee="another office"), FRESH, False),
        (replace(FOR, status="accepted"), FRESH, False),
        (replace(FOR, return_count=1), FRESH, False),
        (FOR, replace(FRESH, expires_at=NOW), False),
        (FOR, replace(FRESH, answered_at=NOW), False),
        (FOR, replace(FRESH, revoked_at=NOW), False),
    ],
)
def test_a_link_stands_while_nothing_it_was_made_for_has_moved(as_it_is: Bound, used: Used, good: bool) -> None:
    assert stands(FOR, as_it_is, used, NOW) is good


@pytest.mark.parametrize("status", STATUSES)
def test_a_link_takes_no_step_that_the_state_machine_does_not_allow(status: str) -> None:
    for returned in (0, 1):
        for received in (False, True):
            position = Position(status, statutory_duty=True, return_count=returned, extended=False, received=received)
            allowed = allowed_steps(position, ["receiver"])
            for step in possible_steps(list(LinkStep), status, allowed):
                assert steps_to_take(step, status)[0] in allowed


def test_what_is_left_after_each_answer() -> None:
    every = [step.value for step in LinkStep]
    assert steps_left(every, "receive") == ("accept", "return", "complete")
    assert steps_left(every, "accept") == ("return", "complete")
    assert steps_left(["accept"], "accept") == ()
    assert steps_left(every, "return") == steps_left(every, "complete") == ()


def test_completing_what_was_only_accepted_begins_it_first() -> None:
    assert steps_to_take("complete", "accepted") == ("start", "complete")
    assert steps_to_take("complete", "in_progress") == ("complete",)
    assert steps_to_take("return", "accepted") == ("return",)


@pytest.mark.parametrize("status", ["draft", "returned", "on_hold", "completed", "cancelled", "entered_in_error"])
def test_no_link_is_made_where_nobody_is_asked(status: str) -> None:
    with pytest.raises(Conflict):
        check_answerable(status, ["accept"])


def test_a_link_that_could_do_nothing_is_not_made() -> None:
    check_answerable("requested", ["accept", "complete"])
    with pytest.raises(ValidationFailed):
        check_answerable("requested", ["complete"])
    with pytest.raises(ValidationFailed):
        check_answerable("in_progress", ["accept", "return"])


@pytest.mark.parametrize("name", ["", "  ", "王某 13900000001", "x" * 51])
def test_a_stated_name_is_one(name: str) -> None:
    with pytest.raises(ValidationFailed):
        check_clerk(name)
    check_clerk("王守门（3 号窗口）")


def test_every_reason_and_step_has_words() -> None:
    assert set(RETURN_REASONS) == set(REASONS["return"])
    assert {step.value for step in LinkStep} <= set(LABELS)

"""What may happen to sessions, items and tasks, and by whom; how long before a session is called; what papers hold."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rules.conferences import (
    check_notice,
    item_steps,
    parts_in_conference,
    session_steps,
    task_steps,
)
from rules.errors import ValidationFailed
from tests.rules.calendars import official_calendar

CONVENER, MEMBER = frozenset({"convener", "member"}), frozenset({"member"})


def shanghai(day: str) -> datetime:
    """Nine in the morning there."""
    return datetime.fromisoformat(f"{day}T01:00:00").replace(tzinfo=UTC)


def test_the_convener_is_a_member_and_a_stranger_is_nothing() -> None:
    assert parts_in_conference(1, convener=1, members=[2]) == CONVENER
    assert parts_in_conference(2, convener=1, members=[2]) == MEMBER
    assert parts_in_conference(3, convener=1, members=[2]) == frozenset()


@pytest.mark.parametrize(
    ("status", "steps"),
    [("called", ("open", "cancel")), ("in_session", ("close",)), ("closed", ()), ("cancelled", ())],
)
def test_a_session_is_moved_by_its_convener_alone(status: str, steps: tuple[str, ...]) -> None:
    assert session_steps(status, CONVENER) == steps
    assert session_steps(status, MEMBER) == ()


@pytest.mark.parametrize(
    ("status", "session", "parts", "own", "steps"),
    [
        ("open", "called", CONVENER, False, ("withdraw",)),
        ("open", "in_session", CONVENER, False, ("decide", "defer", "withdraw")),
        ("open", "in_session", MEMBER, True, ("withdraw",)),
        ("open", "in_session", MEMBER, False, ()),
        ("open", "closed", CONVENER, True, ()),
        ("decided", "in_session", CONVENER, True, ()),
        ("deferred", "called", CONVENER, True, ()),
    ],
)
def test_an_item_is_decided_in_session_and_taken_back_by_whose_it_is(
    status: str, session: str, parts: frozenset[str], own: bool, steps: tuple[str, ...]
) -> None:
    assert item_steps(status, session, parts, own=own) == steps


@pytest.mark.parametrize(
    ("status", "effect", "of_owner", "of_convener"),
    [
        ("open", None, ("start", "finish"), ()),
        ("in_progress", None, ("finish",), ()),
        ("overdue", None, ("finish",), ()),
        ("done", None, (), ("confirm",)),
        ("done", "not_seen", (), ("confirm",)),
        ("done", "seen", (), ()),
    ],
)
def test_a_task_is_done_by_its_owner_and_judged_by_the_convener(
    status: str, effect: str | None, of_owner: tuple[str, ...], of_convener: tuple[str, ...]
) -> None:
    assert task_steps(status, effect, owner=True, convener=False) == of_owner
    assert task_steps(status, effect, owner=False, convener=True) == of_convener


def test_the_notice_of_a_regular_session_is_counted_in_working_days_the_session_left_out() -> None:
    """Five working days from Friday 18 September 2026, with a working Sunday and the Mid-Autumn Festival between."""
    asked: dict[str, Any] = {"now": shanghai("2026-09-18"), "notice_working_days": 5, "calendar": official_calendar()}
    check_notice("regular", shanghai("2026-09-25"), **asked)
    with pytest.raises(ValidationFailed):
        check_notice("regular", shanghai("2026-09-24"), **asked)
    check_notice("special", shanghai("2026-09-19"), **asked)
    with pytest.raises(ValidationFailed):
        check_notice("special", shanghai("2026-09-18"), **asked)

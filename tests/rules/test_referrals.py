"""The state machine of a referral, whole: every status × step × party, and what each step must bring."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product

import pytest

from rules.errors import InvalidTransition, ValidationFailed
from rules.referrals import (
    DISCLOSED_STATUSES,
    ENDED_STATUSES,
    HANDED_BACK,
    HOLDS_THAT_STOP_THE_CLOCK,
    OPEN_STATUSES,
    REASONS,
    STATUSES,
    STEPS,
    TRANSITIONS,
    Clocks,
    Position,
    StepWords,
    allowed_steps,
    check_words,
    next_due,
    parent_outcome,
    take_step,
)
from tests.actions import referral_table
from tests.actions.referral_table import MOVES, PARTIES, allowed_to


def at(status: str, **facts: bool | int) -> Position:
    """A referral that was never returned, extended or received, of a matter without statutory duty."""
    given = {"statutory_duty": False, "return_count": 0, "extended": False, "received": False} | facts
    return Position(
        status=status,
        statutory_duty=bool(given["statutory_duty"]),
        return_count=int(given["return_count"]),
        extended=bool(given["extended"]),
        received=bool(given["received"]),
    )


def test_the_table_knows_every_status_and_every_step() -> None:
    assert set(STATUSES) == set(MOVES)
    assert set(STEPS) == set(referral_table.STEPS)
    assert set(STATUSES) == {"draft", *OPEN_STATUSES, *ENDED_STATUSES}


@pytest.mark.parametrize(("status", "step", "party"), list(product(MOVES, referral_table.STEPS, PARTIES)))
def test_a_step_is_allowed_exactly_where_the_model_says(status: str, step: str, party: str) -> None:
    move = MOVES[status].get(step)
    if move is not None and party in move[1]:
        taken = take_step(at(status), step, [party])
        assert taken.to_status == move[0]
        return
    with pytest.raises(InvalidTransition) as refused:
        take_step(at(status), step, [party])
    assert (refused.value.current, set(refused.value.allowed)) == (status, allowed_to(status, party))


@pytest.mark.parametrize(("status", "one", "other"), [(s, *p) for s in MOVES for p in combinations(PARTIES, 2)])
def test_an_office_with_two_parts_may_what_either_may(status: str, one: str, other: str) -> None:
    both = set(allowed_steps(at(status), [one, other]))
    assert both == allowed_to(status, one) | allowed_to(status, other)


@pytest.mark.parametrize("status", MOVES)
def test_nobody_may_do_what_the_clock_does_and_a_stranger_may_nothing(status: str) -> None:
    assert "expire" not in allowed_steps(at(status), PARTIES)
    assert allowed_steps(at(status), []) == ()


def test_the_clock_takes_back_what_nobody_answers() -> None:
    assert {status for status, steps in TRANSITIONS.items() if "expire" in steps} == {
        "requested",
        "returned",
        "on_hold",
    }


def test_ended_means_ended() -> None:
    for status in ENDED_STATUSES:
        assert {t.to_status for t in TRANSITIONS[status].values()} <= {status}


def test_what_comes_back_and_what_may_be_seen_are_named_by_status() -> None:
    assert set(HANDED_BACK) == {"rejected", "failed", "expired", "cancelled"}
    assert set(DISCLOSED_STATUSES) == {"accepted", "in_progress", "on_hold", "completed"}


def test_a_statutory_duty_cannot_be_rejected() -> None:
    with pytest.raises(InvalidTransition) as refused:
        take_step(at("requested", statutory_duty=True), "reject", ["receiver"])
    assert "reject" not in refused.value.allowed


def test_papers_are_returned_once_then_it_is_a_dispute() -> None:
    for status in ("requested", "accepted"):
        with pytest.raises(InvalidTransition) as refused:
            take_step(at(status, return_count=1), "return", ["receiver"])
        assert "return" not in refused.value.allowed
    assert take_step(at("requested", return_count=1), "dispute", ["receiver"]).event == "referral.disputed"
    with pytest.raises(InvalidTransition):
        take_step(at("requested"), "dispute", ["receiver"])


def test_a_referral_is_received_once_and_extended_once() -> None:
    with pytest.raises(InvalidTransition):
        take_step(at("requested", received=True), "receive", ["receiver"])
    for status in ("accepted", "in_progress", "on_hold"):
        with pytest.raises(InvalidTransition):
            take_step(at(status, extended=True), "extend", ["receiver"])


@pytest.mark.parametrize("step", ["return", "reject", "hold", "cancel", "fail", "extend", "dispute", "void"])
def test_a_negative_or_pausing_step_needs_a_known_reason_and_a_text(step: str) -> None:
    approval = "科长" if step == "extend" else None
    assert _faults(step, StepWords(approved_by=approval)) == {("/reason", "required"), ("/text", "required")}
    unknown = StepWords(reason="no_such_reason", text="写明", approved_by=approval)
    assert _faults(step, unknown) == {("/reason", "not-a-known-code")}
    for reason in REASONS[step]:
        assert _faults(step, _complete(step, reason)) == set()
        assert _faults(step, replace(_complete(step, reason), text="")) == {("/text", "required")}


def _complete(step: str, reason: str) -> StepWords:
    """All that a step with this reason must bring, and no more."""
    whose = step in ("return", "reject") and reason in ("not_competent", "outside_division")
    return StepWords(
        reason,
        "写明",
        missing=("户口簿",) if reason == "missing_documents" else (),
        competent_agency_kind="labour" if whose else None,
        legal_basis="第1条" if whose else None,
        approved_by="科长" if step == "extend" else None,
    )


def test_more_time_is_approved_by_somebody_and_nothing_else_is() -> None:
    approved = _complete("extend", "complex_facts")
    assert _faults("extend", replace(approved, approved_by=None)) == {("/approved_by", "required")}
    assert _faults("hold", replace(_complete("hold", "waitlisted"), approved_by="科长")) == {
        ("/approved_by", "not-with-this-step")
    }


def test_words_that_the_step_would_ignore_are_refused() -> None:
    """Silently dropped, they would be lost."""
    for words in (StepWords(outcome="met"), StepWords(missing=("户口簿",)), StepWords(legal_basis="第1条")):
        assert {code for _, code in _faults("accept", words)} == {"not-with-this-step"}


def test_a_reason_of_another_step_is_no_reason() -> None:
    assert ("/reason", "not-a-known-code") in _faults("hold", StepWords(reason="not_competent", text="x"))


def _faults(step: str, words: StepWords) -> set[tuple[str, str]]:
    try:
        check_words(step, words)
    except ValidationFailed as wrong:
        return {(error.pointer, error.code) for error in wrong.errors}
    return set()


@pytest.mark.parametrize("step", ["return", "reject"])
@pytest.mark.parametrize("reason", ["not_competent", "outside_division"])
def test_whoever_says_not_mine_says_whose_it_is_and_by_which_article(step: str, reason: str) -> None:
    bare = StepWords(reason=reason, text="不属于本部门职责")
    assert _faults(step, bare) == {("/competent_agency_kind", "required"), ("/legal_basis", "required")}
    named = StepWords(reason=reason, text="不属于", competent_agency_kind="civil_affairs", legal_basis="条例第3条")
    assert _faults(step, named) == set()


def test_a_return_for_missing_papers_lists_them() -> None:
    words = StepWords(reason="missing_documents", text="缺材料")
    assert _faults("return", words) == {("/missing", "required")}


def test_a_completion_has_an_outcome_of_the_list() -> None:
    assert _faults("complete", StepWords()) == {("/outcome", "required")}
    assert _faults("complete", StepWords(outcome="done")) == {("/outcome", "not-a-known-code")}
    for outcome in ("met", "partly_met", "not_met", "enrolled", "not_enrolled", "waitlisted"):
        assert _faults("complete", StepWords(outcome=outcome)) == set()


@pytest.mark.parametrize("step", ["send", "receive", "accept", "start", "resume", "resubmit"])
def test_a_step_forward_needs_no_words(step: str) -> None:
    assert _faults(step, StepWords()) == set()


NOW = datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
CLOCKS = Clocks(NOW + timedelta(days=1), NOW + timedelta(days=2), NOW + timedelta(days=5))


@pytest.mark.parametrize(
    ("status", "received", "overdue", "fires"),
    [
        ("requested", False, (), "acknowledge"),
        ("requested", True, (), "accept"),
        ("requested", False, ("acknowledge",), "accept"),
        ("requested", False, ("acknowledge", "accept"), "resolve"),
        ("requested", False, ("acknowledge", "accept", "resolve"), None),
        ("accepted", True, (), "resolve"),
        ("in_progress", True, (), "resolve"),
        ("on_hold", True, (), "resolve"),
        ("in_progress", True, ("resolve",), None),
        ("returned", True, (), None),
        ("completed", True, (), None),
        ("draft", False, (), None),
    ],
)
def test_the_clock_that_fires_next_is_the_earliest_that_runs(
    status: str, received: bool, overdue: tuple[str, ...], fires: str | None
) -> None:
    due = next_due(status, received, CLOCKS, overdue)
    assert (due[0] if due else None) == fires


def test_no_date_no_clock() -> None:
    assert next_due("in_progress", True, Clocks(NOW, NOW, None), ()) is None


@pytest.mark.parametrize(
    ("children", "outcome"),
    [
        ([], None),
        ([("completed", "met"), ("in_progress", None)], None),
        ([("completed", "met"), ("draft", None)], None),
        ([("completed", "met")], "met"),
        ([("completed", "met"), ("completed", "enrolled")], "met"),
        ([("completed", "met"), ("completed", "not_met")], "partly_met"),
        ([("completed", "met"), ("failed", None)], "partly_met"),
        ([("completed", "partly_met"), ("rejected", None)], "partly_met"),
        ([("completed", "waitlisted")], "partly_met"),
        ([("completed", "not_met"), ("cancelled", None)], "not_met"),
        ([("completed", "not_enrolled")], "not_met"),
        ([("completed", "met"), ("entered_in_error", None)], "met"),
        ([("entered_in_error", None)], "not_met"),
    ],
)
def test_a_joint_referral_ends_by_rule(children: list[tuple[str, str | None]], outcome: str | None) -> None:
    assert parent_outcome(children) == outcome


def test_a_hold_for_want_of_places_lets_the_clock_run() -> None:
    assert "waitlisted" not in HOLDS_THAT_STOP_THE_CLOCK
    assert set(HOLDS_THAT_STOP_THE_CLOCK) < set(REASONS["hold"])

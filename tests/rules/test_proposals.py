"""Who may do what with a proposal, what it must bring, by when it is replied to."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from rules.calendar import WorkCalendar
from rules.errors import Conflict, InvalidTransition, ValidationFailed
from rules.proposals import (
    FACETS,
    REPLY_DAYS,
    ProposalStep,
    ReplyWords,
    allowed_steps,
    check_drafting,
    check_step,
    parts_in_proposal,
    reply_due,
    shown_count,
)

WHOLE: dict[str, Any] = {
    **dict.fromkeys(FACETS, "写明"),
    "status": "draft",
    "addressee_agency_id": None,
    "addressee_name": "省人大常委会",
}
OWNER, ADDRESSEE = frozenset({"owner"}), frozenset({"addressee"})
NOTHING_SAID = ReplyWords()


@pytest.mark.parametrize(
    ("status", "parts", "outside", "steps"),
    [
        ("draft", OWNER, True, {"send", "withdraw"}),
        ("draft", ADDRESSEE, False, set()),
        ("sent", OWNER, False, {"withdraw"}),
        ("sent", OWNER, True, {"reply", "withdraw"}),
        ("sent", ADDRESSEE, False, {"reply"}),
        ("replied", OWNER, True, set()),
        ("replied", ADDRESSEE, False, set()),
        ("withdrawn", OWNER, True, set()),
    ],
)
def test_each_side_has_its_steps(status: str, parts: frozenset[str], outside: bool, steps: set[str]) -> None:
    assert set(allowed_steps(status, parts, outside=outside)) == steps
    proposal = WHOLE | {"status": status} | ({} if outside else {"addressee_agency_id": "office"})
    for step in set(ProposalStep) - steps:
        with pytest.raises(InvalidTransition):
            check_step(step, proposal, parts, ReplyWords("adopted", None, "同意"))


def test_a_draft_is_its_unions_alone() -> None:
    assert parts_in_proposal("office", owner="union", addressee="office", sent=False) == frozenset()
    assert parts_in_proposal("office", owner="union", addressee="office", sent=True) == ADDRESSEE
    assert parts_in_proposal("union", owner="union", addressee="office", sent=False) == OWNER
    assert parts_in_proposal("other", owner="union", addressee=None, sent=True) == frozenset()


@pytest.mark.parametrize("facet", FACETS)
def test_what_lacks_a_facet_is_not_sent(facet: str) -> None:
    check_step("send", WHOLE, OWNER, NOTHING_SAID)
    assert _refused("send", WHOLE | {facet: None}, NOTHING_SAID) == {(f"/{facet}", "required")}


def test_it_is_sent_to_somebody() -> None:
    assert _refused("send", WHOLE | {"addressee_name": None}, NOTHING_SAID) == {("/addressee_agency", "required")}


@pytest.mark.parametrize(
    ("words", "errors"),
    [
        (ReplyWords("adopted", None, "同意"), set()),
        (ReplyWords("partly", "no_funds", "先行试点"), set()),
        (ReplyWords("partly", None, "先行试点"), {("/reason", "required")}),
        (ReplyWords("not_adopted", None, None), {("/reason", "required"), ("/text", "required")}),
        (ReplyWords("adopted", "no_funds", "同意"), {("/reason", "not-when-adopted")}),
        (NOTHING_SAID, {("/decision", "required"), ("/text", "required")}),
    ],
)
def test_a_reply_says_what_and_why(words: ReplyWords, errors: set[tuple[str, str]]) -> None:
    assert _refused("reply", WHOLE | {"status": "sent"}, words) == errors


@pytest.mark.parametrize("step", ["send", "withdraw"])
def test_words_of_a_reply_belong_to_no_other_step(step: str) -> None:
    assert _refused(step, WHOLE, ReplyWords(text="同意")) == {("/text", "not-with-this-step")}


def _refused(step: str, proposal: dict[str, Any], words: ReplyWords) -> set[tuple[str, str]]:
    try:
        check_step(step, proposal, OWNER, words)
    except ValidationFailed as failed:
        return {(error.pointer, error.code) for error in failed.errors}
    return set()


def test_only_unions_propose() -> None:
    check_drafting("union")
    with pytest.raises(Conflict):
        check_drafting("labour")


def test_the_reply_is_due_after_sixty_working_days_and_provisionally_beyond_the_known_year() -> None:
    sent = datetime(2026, 12, 9, 2, tzinfo=UTC)
    provisional = reply_due(sent, REPLY_DAYS, WorkCalendar({}, frozenset({2026})))
    assert (provisional.last_day, provisional.confirmed) == (date(2027, 3, 3), False)
    holidays = {date(2027, 1, 1): False, date(2027, 2, 8): False}
    known = reply_due(sent, REPLY_DAYS, WorkCalendar(holidays, frozenset({2026, 2027})))
    assert (known.last_day, known.confirmed) == (date(2027, 3, 5), True)


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, None), (4, None), (5, 5), (40, 40)])
def test_a_count_that_could_point_at_a_household_is_not_shown(count: int, shown: int | None) -> None:
    assert shown_count(count) == shown

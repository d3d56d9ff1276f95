"""Requests for data: who may do what when, what each step brings, what an entry of the catalogue holds."""

import pytest

from rules.errors import Conflict, InvalidTransition, ValidationFailed
from rules.share_requests import (
    SharePosition,
    ShareStatus,
    ShareStep,
    ShareWords,
    allowed_steps,
    check_asking,
    check_item,
    check_words,
    next_level,
    parts_in_share,
    take_step,
)

ASKER, PROVIDER = frozenset({"asker"}), frozenset({"provider"})


def at(status: str, **changes: object) -> SharePosition:
    plain = {"share_type": "conditional", "supplemented": False, "extended": False, "dispute": None}
    return SharePosition(status=status, **{**plain, **changes})  # type: ignore[arg-type]


TABLE = {
    "requested": (("withdraw",), ("ask_supplement", "extend", "agree", "refuse")),
    "supplement_asked": (("supplement", "withdraw"), ()),
    "agreed": (("withdraw",), ("deliver",)),
    "refused": (("escalate",), ()),
    "delivered": (("ask_correction", "dispose"), ()),
    "correcting": ((), ("correct",)),
    "disposed": ((), ()),
    "withdrawn": ((), ()),
}


@pytest.mark.parametrize("status", ShareStatus)
def test_each_side_has_its_own_steps_in_each_status(status: ShareStatus) -> None:
    of_asker, of_provider = TABLE[status]
    assert allowed_steps(at(status), ASKER) == of_asker
    assert allowed_steps(at(status), PROVIDER) == of_provider
    assert allowed_steps(at(status), frozenset()) == ()


@pytest.mark.parametrize(
    ("position", "step"),
    [
        (at("requested", supplemented=True), "ask_supplement"),
        (at("requested", extended=True), "extend"),
        (at("requested", share_type="unconditional"), "extend"),
    ],
)
def test_papers_are_asked_for_once_and_time_is_added_once(position: SharePosition, step: str) -> None:
    with pytest.raises(InvalidTransition):
        take_step(position, step, PROVIDER)


def test_a_dispute_climbs_three_levels_and_no_further() -> None:
    levels = [next_level(None)]
    while levels[-1] != "government":
        levels.append(next_level(levels[-1]))
    assert levels == ["talk", "authority", "government"]
    assert allowed_steps(at("refused", dispute="government"), ASKER) == ()


def test_parts() -> None:
    assert parts_in_share(1, asker=1, provider=2) == ASKER
    assert parts_in_share(2, asker=1, provider=2) == PROVIDER
    assert parts_in_share(3, asker=1, provider=2) == frozenset()


@pytest.mark.parametrize("step", ShareStep)
def test_a_bare_step_is_refused_where_the_regulation_asks_for_something(step: ShareStep) -> None:
    if step is ShareStep.agree:
        check_words(step, ShareWords())
        return
    with pytest.raises(ValidationFailed):
        check_words(step, ShareWords())


def test_what_belongs_to_another_step_is_refused() -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_words("agree", ShareWords(certificate="x", sha256="0" * 64))
    assert {error.pointer for error in refused.value.errors} == {"/certificate", "/sha256"}


@pytest.mark.parametrize(
    ("share_type", "conditions", "citation", "fine"),
    [
        ("unconditional", None, None, True),
        ("conditional", "x", None, True),
        ("not_shared", None, "x", True),
        ("unconditional", "x", None, False),
        ("conditional", None, None, False),
        ("not_shared", "x", "x", False),
        ("not_shared", None, None, False),
    ],
)
def test_an_entry_states_conditions_or_law_where_its_type_asks_for_it(
    share_type: str, conditions: str | None, citation: str | None, fine: bool
) -> None:
    if fine:
        check_item(share_type, conditions=conditions, citation=citation)
        return
    with pytest.raises(ValidationFailed):
        check_item(share_type, conditions=conditions, citation=citation)


@pytest.mark.parametrize(
    ("share_type", "provider", "reason"), [("not_shared", 2, "item-not-shared"), ("conditional", 1, "own-item")]
)
def test_nobody_asks_for_what_is_not_shared_or_its_own(share_type: str, provider: int, reason: str) -> None:
    with pytest.raises(Conflict) as refused:
        check_asking(share_type, asker=1, provider=provider)
    assert refused.value.facts["reason"] == reason

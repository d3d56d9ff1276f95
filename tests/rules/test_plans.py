"""For which alert a plan is, what a drill is, and what is missing of the agencies it names."""

import pytest

from rules.alerts import SignalKind
from rules.errors import Conflict, InvalidTransition, ValidationFailed
from rules.matters import AgencyKind
from rules.plans import (
    AlertSeen,
    PlannedAction,
    check_activation,
    check_owner,
    check_still,
    parts_in_task,
    unassigned,
)

GRAVE = AlertSeen("open", 1, ("layoff_plan", "cluster"))


@pytest.mark.parametrize(
    ("status", "level", "signals", "alert", "reason"),
    [
        ("retired", 4, [], GRAVE, "plan-retired"),
        ("active", 4, [], AlertSeen("resolved", 1, ("closure",)), "alert-resolved"),
        ("active", 1, [], AlertSeen("open", 2, ("closure",)), "plan-of-other-alerts"),
        ("active", 4, [SignalKind.closure], GRAVE, "plan-of-other-alerts"),
    ],
)
def test_a_plan_is_not_activated_by_what_it_is_not_for(
    status: str, level: int, signals: list[SignalKind], alert: AlertSeen, reason: str
) -> None:
    with pytest.raises(Conflict) as refused:
        check_activation(status, level, signals, drill=False, alert=alert)
    assert refused.value.facts["reason"] == reason


def test_a_plan_is_for_its_level_and_graver_and_for_any_of_its_signals() -> None:
    check_activation("active", 1, [], drill=False, alert=GRAVE)
    check_activation("active", 3, [SignalKind.closure, SignalKind.cluster], drill=False, alert=GRAVE)
    check_activation("active", 1, [SignalKind.closure], drill=True, alert=None)


def test_a_drill_names_no_alert_and_everything_else_does() -> None:
    for drill, alert in ((True, GRAVE), (False, None)):
        with pytest.raises(ValidationFailed):
            check_activation("active", 4, [], drill=drill, alert=alert)


def test_kinds_without_an_agency_are_named() -> None:
    actions = [PlannedAction("x", kind, None, 1) for kind in (AgencyKind.labour, AgencyKind.court, AgencyKind.court)]
    assert unassigned(actions, {"labour"}) == [AgencyKind.court]
    assert unassigned(actions, {"labour", "court"}) == []
    by_matter = [PlannedAction("x", AgencyKind.labour, "LAB-07", 1)]
    assert unassigned(by_matter, {"labour"}) == ["LAB-07"]
    assert unassigned(by_matter, {"LAB-07"}) == []


def test_whoever_has_a_task_may_own_it_as_well() -> None:
    assert parts_in_task("a", doer="a", owner="a") == {"doer", "owner"}
    assert parts_in_task("b", doer="a", owner="b") == {"owner"}
    assert parts_in_task("c", doer="a", owner="b") == frozenset()


def test_only_unions_plan_and_nothing_ends_twice() -> None:
    check_owner("union")
    with pytest.raises(Conflict):
        check_owner("labour")
    check_still("open", "open")
    with pytest.raises(InvalidTransition):
        check_still("done", "open")

"""What raises an alert, how grave it is, by when it must be told, and who may do what with it."""

from datetime import UTC, datetime, timedelta

import pytest

from db.warnings import shipped_levels
from rules.alerts import (
    STATED,
    Level,
    Outcome,
    SignalKind,
    SubjectKind,
    allowed_steps,
    check_signal,
    check_step,
    common_division,
    in_division,
    level_of,
    parts_in_alert,
    read_thresholds,
    report_by,
)
from rules.errors import InvalidTransition, ValidationFailed

SHIPPED = shipped_levels()
NOW = datetime(2026, 10, 12, 1, tzinfo=UTC)
OWN = {"signal": "layoff_plan", "subject": "employer", "level": 1, "basis": "x", "mark": "L"}


@pytest.mark.parametrize(
    ("signal", "measured", "level"),
    [
        ("layoff_plan", {"persons": 320, "workforce": 900}, Level.I),
        ("layoff_plan", {"persons": 320}, Level.II),
        ("layoff_plan", {"persons": 19, "workforce": 150}, Level.III),
        ("layoff_plan", {"persons": 20}, Level.III),
        ("layoff_plan", {"persons": 19, "workforce": 500}, None),
        ("layoff_plan", {"persons": 70, "workforce": 100}, Level.I),
        ("closure", {"persons": 600}, Level.I),
        ("closure", {}, Level.IV),
        ("wage_arrears", {"months": 2}, Level.III),
        ("wage_arrears", {"months": 1, "persons": 2}, None),
        ("contribution_stop", {"months": 3}, Level.III),
        ("contribution_stop", {"months": 2}, None),
        ("owner_fled", {}, Level.III),
        ("utility_drop", {"percent": 49}, None),
    ],
)
def test_the_gravest_level_that_is_reached_holds(signal: str, measured: dict[str, int], level: Level | None) -> None:
    assert level_of(SignalKind(signal), SubjectKind.employer, measured, SHIPPED.thresholds) == level


def test_every_kind_of_signal_has_a_threshold_with_its_basis() -> None:
    assert {each.signal for each in SHIPPED.thresholds} == set(SignalKind)
    assert all(each.basis and each.mark in "VRLD" for each in SHIPPED.thresholds)


def test_a_division_replaces_what_it_speaks_of_and_nothing_else() -> None:
    city = read_thresholds([OWN | {"at_least": {"persons": 50}}])
    county = read_thresholds([OWN | {"at_least": {"persons": 10}}])
    holding = in_division(SHIPPED.thresholds, [city, county])
    assert level_of(SignalKind.layoff_plan, SubjectKind.employer, {"persons": 10}, holding) == Level.I
    assert level_of(SignalKind.layoff_plan, SubjectKind.employer, {"persons": 9, "workforce": 10}, holding) is None
    assert level_of(SignalKind.layoff_plan, SubjectKind.industry, {"persons": 1500}, holding) == Level.I
    assert level_of(SignalKind.owner_fled, SubjectKind.employer, {}, holding) == Level.III


@pytest.mark.parametrize("at_least", [{"people": 1}, {"persons": 0}, {"persons": "20"}, 3])
def test_a_threshold_that_cannot_be_read_is_refused(at_least: object) -> None:
    with pytest.raises(ValueError, match="threshold"):
        read_thresholds([OWN | {"at_least": at_least}])


def test_levels_one_and_two_are_told_within_two_hours_three_within_twelve() -> None:
    hours = {level: report_by(level, NOW, SHIPPED.report_within_hours) for level in Level}
    assert hours == {
        Level.I: NOW + timedelta(hours=2),
        Level.II: NOW + timedelta(hours=2),
        Level.III: NOW + timedelta(hours=12),
        Level.IV: None,
    }


@pytest.mark.parametrize(
    ("codes", "common"),
    [
        (["340802", "340802001"], "340802"),
        (["340802", "340803"], "340800"),
        (["340802", "341000"], "340000"),
        (["340802", "990101"], "000000"),
    ],
)
def test_an_alert_of_several_places_belongs_to_what_holds_them_all(codes: list[str], common: str) -> None:
    assert common_division(codes) == common


def test_the_union_of_the_place_acts_and_those_above_look_on() -> None:
    assert parts_in_alert("county", ["county", "city"]) == {"owner"}
    assert parts_in_alert("city", ["county", "city"]) == {"above"}
    assert parts_in_alert("other", ["county", "city"]) == frozenset()
    assert allowed_steps("open", {"owner"}) == ("acknowledge", "resolve")
    assert allowed_steps("acknowledged", {"owner"}) == ("resolve",)
    assert allowed_steps("resolved", {"owner"}) == allowed_steps("open", {"above"}) == ()


def test_an_acknowledgement_names_who_was_told_and_a_resolution_how_it_ended() -> None:
    check_step("acknowledge", "open", {"owner"}, reported_to="市总工会", outcome=None)
    check_step("resolve", "open", {"owner"}, reported_to=None, outcome=Outcome.handled)
    for step, told, outcome in (
        ("acknowledge", None, None),
        ("acknowledge", "市总工会", Outcome.handled),
        ("resolve", None, None),
        ("resolve", "市总工会", Outcome.handled),
        ("resolve", None, Outcome.subsided),
    ):
        with pytest.raises(ValidationFailed):
            check_step(step, "open", {"owner"}, reported_to=told, outcome=outcome)
    with pytest.raises(InvalidTransition):
        check_step("acknowledge", "acknowledged", {"owner"}, reported_to="市总工会", outcome=None)


def test_what_is_named_is_what_the_signal_is_about_and_no_cluster_is_stated() -> None:
    check_signal(SignalKind.closure, SubjectKind.employer, employer=True, industry=False)
    check_signal(SignalKind.unemployment, SubjectKind.division, employer=False, industry=False)
    for subject, employer, industry in (
        (SubjectKind.employer, False, False),
        (SubjectKind.employer, True, True),
        (SubjectKind.industry, False, False),
        (SubjectKind.division, True, False),
    ):
        with pytest.raises(ValidationFailed):
            check_signal(SignalKind.closure, subject, employer=employer, industry=industry)
    with pytest.raises(ValidationFailed):
        check_signal(SignalKind.cluster, SubjectKind.division, employer=False, industry=False)
    assert SignalKind.cluster not in STATED

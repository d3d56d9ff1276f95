"""The short form of the warnings bench: sooner than a fixed threshold at no more false alarms, on unseen worlds."""

from copy import deepcopy

from bench import warnings
from bench.warnings_world import made


def test_clusters_are_seen_sooner_than_by_a_threshold_at_no_more_false_alarms() -> None:
    figures = warnings.measure(range(1, 7), range(1001, 1007))
    assert warnings.faults(figures) == []
    assert figures["events"] > 100
    assert all(pair["rule"]["false_per_100"] > 0 for pair in figures["pairs"])
    _the_judge_sees_what_is_worse(figures)


def _the_judge_sees_what_is_worse(figures: dict[str, object]) -> None:
    swapped = deepcopy(figures)
    for pair in swapped["pairs"]:  # type: ignore[attr-defined]  # a list, as faults() reads it
        pair["fixed"], pair["rule"] = pair["rule"], pair["fixed"]
    assert {fault.split(": ")[1] for fault in warnings.faults(swapped)} == {"more false alarms", "later", "sees less"}


def test_a_world_is_the_same_for_the_same_seed_and_no_other() -> None:
    assert made(7, employers=20) == made(7, employers=20) != made(8, employers=20)


def test_an_alarm_is_raised_again_only_after_thirty_days_without_cause() -> None:
    assert warnings.raised([5, 6, 20, 50, 81, 82], 30) == [5, 81]

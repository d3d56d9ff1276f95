"""The scorer, on clusters small enough to count by hand."""

from collections.abc import Sequence
from typing import Any

import pytest

from bench.linkage_score import score


def truth_of(people: str, **errors: Sequence[str]) -> list[dict[str, Any]]:
    """One report for each letter: whose it is."""
    return [
        {"report_id": str(at), "person_id": person, "errors": errors.get(f"r{at}", ()), "traps": ["twin"]}
        for at, person in enumerate(people)
    ]


def clusters_of(clusters: str) -> list[dict[str, Any]]:
    return [{"report_id": str(at), "cluster": cluster} for at, cluster in enumerate(clusters)]


@pytest.mark.parametrize(
    ("people", "clusters", "precision", "recall"),
    [
        ("aab", "xxy", 1.0, 1.0),
        ("aab", "xyz", 1.0, 0.0),
        ("aab", "xxx", 0.3333, 1.0),
        ("aaab", "xxyy", 0.5, 0.3333),
    ],
)
def test_pairs_that_the_clusters_imply_are_counted(people: str, clusters: str, precision: float, recall: float) -> None:
    found = score(truth_of(people), clusters_of(clusters))
    assert (found["precision"], found["recall"]) == (precision, recall)


def test_a_report_without_a_cluster_stands_alone() -> None:
    found = score(truth_of("aa"), clusters_of("x"))
    assert (found["clusters"], found["recall"], found["split_people"]) == (2, 0.0, 1)


def test_a_cluster_of_two_people_is_mixed_and_its_trap_is_named() -> None:
    found = score(truth_of("abc"), clusters_of("xxy"))
    assert found["mixed_clusters"] == 1
    assert found["share_in_mixed_cluster_by_trap"] == {"twin": [0.6667, 3]}


def test_recall_is_told_by_the_errors_of_either_side() -> None:
    found = score(truth_of("aabb", r0=["id_typo"]), clusters_of("xyzz"))
    assert found["recall_by_error"] == {"id_typo": [0.0, 1], "(none)": [1.0, 1]}


def test_a_pair_put_before_people_counts_once_and_only_if_it_was_not_linked() -> None:
    asked = [{"a": "0", "b": "2"}, {"a": "2", "b": "0"}, {"a": "0", "b": "3"}]
    found = score(truth_of("aaab"), clusters_of("xxyz"), asked)
    assert (found["review_pairs"], found["review_per_1000_reports"], found["review_yield"]) == (2, 500.0, 0.5)
    assert found["recall_with_review_pairs"] == pytest.approx(2 / 3, abs=1e-4)

"""Clusters of new cases: what chance brings alarms nobody, what it does not bring does."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.warnings import shipped_rule
from rules.clusters import Counts, chance_of, expected_cases, peers_of, upper_tail

RULE = shipped_rule()
QUIET = [Counts((0, 0, 0, history % 2), history) for history in range(40)]


def test_the_upper_tail_is_that_of_the_negative_binomial() -> None:
    """Shape 1 is geometric: P(X ≥ k) = (m / (m + 1))^k; a large shape is nearly Poisson."""
    assert upper_tail(5, 2.0, 1.0) == pytest.approx((2 / 3) ** 5)
    poisson = 1 - sum(math.exp(-2) * 2**k / math.factorial(k) for k in range(5))
    assert upper_tail(5, 2.0, 1e6) == pytest.approx(poisson, rel=1e-4)
    assert upper_tail(0, 2.0, 1.0) == 1.0


@given(st.integers(1, 60), st.floats(0.01, 50), st.floats(0.05, 40))
def test_more_cases_are_never_less_surprising(count: int, mean: float, shape: float) -> None:
    assert 0 <= upper_tail(count + 1, mean, shape) <= upper_tail(count, mean, shape) * (1 + 1e-9) <= 1 + 1e-9


def test_the_same_number_says_more_of_whom_is_seldom_named() -> None:
    peers = peers_of(QUIET, RULE)
    seldom, often = (chance_of(Counts((0, 2, 5, 8), history), peers, RULE) for history in (0, 80))
    assert seldom <= RULE.chance < often


def test_fewer_cases_than_the_least_are_never_a_cluster() -> None:
    assert chance_of(Counts((2, 2, 2, RULE.least - 1), 0), peers_of(QUIET, RULE), RULE) == 1.0


def test_a_burst_within_three_days_is_seen_where_thirty_would_hide_it() -> None:
    peers = peers_of(QUIET, RULE)
    assert chance_of(Counts((6, 6, 6, 6), 24), peers, RULE) < chance_of(Counts((0, 0, 0, 6), 24), peers, RULE)


def test_what_comes_to_all_at_once_is_a_season_and_no_cluster_of_one() -> None:
    one = Counts((0, 2, 4, 7), 12)
    calm = peers_of([one, *[Counts((0, 0, 0, 1), 12)] * 50], RULE)
    surge = peers_of([one, *[Counts((0, 1, 2, 4), 12)] * 50], RULE)
    assert chance_of(one, calm, RULE) < chance_of(one, surge, RULE)


def test_a_rate_is_drawn_towards_the_peers_and_the_more_so_the_less_they_differ() -> None:
    own = Counts((0, 0, 0, 0), 30)
    alike = peers_of([Counts((0, 0, 0, 0), 3)] * 40, RULE)
    varied = peers_of([Counts((0, 0, 0, 0), history) for history in (0, 0, 0, 12) * 10], RULE)
    plain = 30 * RULE.windows[-1] / RULE.history_days
    assert expected_cases(own, alike, RULE)[-1] < expected_cases(own, varied, RULE)[-1] < plain * 1.01


def test_without_peers_the_rule_still_answers() -> None:
    assert chance_of(Counts((5, 8, 12, 20), 0), peers_of([], RULE), RULE) <= RULE.chance


def test_the_bound_on_false_alarms_is_one_try_a_night() -> None:
    assert replace(RULE, chance=1e-4).false_alarms_at_most == pytest.approx(3.65)


def test_a_rule_that_cannot_be_is_refused() -> None:
    for windows in ((), (30, 7), (7, 7), (0, 30)):
        with pytest.raises(ValueError, match="windows"):
            replace(RULE, windows=windows)
    with pytest.raises(ValueError, match="chance"):
        replace(RULE, chance=1.0)
    with pytest.raises(ValueError, match="together"):
        replace(RULE, together=1.0)

"""The weight of two records: terms that sum to it, held within limits, moved by how rare what they share is."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.linkage.comparisons import COMPARISONS
from rules.linkage.features import Features
from rules.linkage.scoring import Population, Score, rare_values, score
from tests.rules.linkage.people import BARE, MODEL, NOBODY, features, number, person

populations = st.builds(
    Population,
    st.integers(0, 10_000_000),
    st.dictionaries(st.sampled_from(["name|周秀兰", "phone|13912345678", "birth|1975-04-12"]), st.integers(0, 10_000)),
)


def scored(one: Features, other: Features, population: Population = NOBODY) -> Score:
    return score(one, other, MODEL, population)


@given(a=features(), b=features(), population=populations)
def test_the_terms_sum_to_the_weight(a: Features, b: Features, population: Population) -> None:
    found = scored(a, b, population)
    assert abs(sum(term.weight for term in found.terms) - found.weight) < 1e-9


@given(a=features(), b=features(), population=populations)
def test_every_term_but_prior_and_limit_is_its_levels_weight_and_rarity_within_limits(
    a: Features, b: Features, population: Population
) -> None:
    (low, high), (rare_low, rare_high) = MODEL.term_limits, MODEL.rarity_limits
    prior, *terms = scored(a, b, population).terms
    assert (prior.name, prior.weight) == ("prior", MODEL.prior(population.records))
    for term in terms:
        if term.name == "limit":
            continue
        assert low <= term.weight - term.rarity <= high
        assert rare_low <= term.rarity <= rare_high
        assert term.weight - term.rarity == pytest.approx(MODEL.weights[term.name].get(term.level, 0.0))


@given(a=features(), b=features(), population=populations)
def test_it_does_not_matter_who_came_first(a: Features, b: Features, population: Population) -> None:
    assert scored(a, b, population).weight == pytest.approx(scored(b, a, population).weight)


@given(a=features(), b=features())
def test_what_a_side_is_silent_about_is_no_term(a: Features, b: Features) -> None:
    found = scored(a, b)
    compared = {name for name, compare in COMPARISONS.items() if compare(a, b) is not None}
    assert {term.name for term in found.terms} - {"prior", "limit"} == compared
    for name in COMPARISONS:
        assert found.level(name) == COMPARISONS[name](a, b)


@pytest.mark.parametrize(("weight", "probability"), [(0.0, 0.5), (2.0, 0.8), (-2.0, 0.2), (5e4, 1.0), (-5e4, 0.0)])
def test_bits_are_odds(weight: float, probability: float) -> None:
    assert Score(weight, ()).probability == pytest.approx(probability)


def _term(found: Score, name: str) -> tuple[float, float]:
    (term,) = [term for term in found.terms if term.name == name]
    return term.weight, term.rarity


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("phone|+8613912345678", "phone"),
        ("name|周秀兰", "name"),
        ("birth|1975-04-12", "birth"),
        ("household|HH-7", "household"),
    ],
)
def test_a_value_of_many_persons_speaks_less_than_one_of_nobody_else(value: str, name: str) -> None:
    told = person(household="HH-7")
    weights = [_term(scored(told, told, Population(20_000, {value: n})), name) for n in (0, 1, 2, 4, 10_000)]
    assert weights[0] == weights[1], "who is compared has it as well"
    assert weights[1] > weights[2] > weights[3] > weights[4]


def test_rarity_is_held_within_limits() -> None:
    told, (low, _) = person(), MODEL.rarity_limits
    assert _term(scored(told, told, Population(20_000, {"name|周秀兰": 10**6})), "name")[1] == low
    model = replace(MODEL, rarity_limits=(-1.0, 0.25))
    found = score(told, told, model, Population(10**9, {}))
    assert all(-1.0 <= term.rarity <= 0.25 for term in found.terms)
    assert _term(found, "phone")[1] == pytest.approx(math.log2(MODEL.rarities["phone"].u / 5e-6))


def test_only_the_level_that_shares_the_value_is_moved() -> None:
    alike = scored(person(), person(name="周秀蓝"), Population(20_000, {"name|周秀兰": 500, "name|周秀蓝": 500}))
    assert _term(alike, "name") == (MODEL.weights["name"]["same_sound"], 0.0)


def test_of_several_values_in_common_the_commonest_counts() -> None:
    told = person(phones=["13912345678", "13787654321"])
    one = Population(20_000, {"phone|+8613912345678": 2})
    both = Population(20_000, {"phone|+8613912345678": 2, "phone|+8613787654321": 4})
    assert _term(scored(told, told, both), "phone") < _term(scored(told, told, one), "phone")


def test_what_a_household_shares_speaks_no_louder_than_the_limit() -> None:
    told = person(household="HH-7", members=[("周建国", 1973)])
    found = scored(told, told)
    context = [term.weight for term in found.terms if term.name in (*MODEL.context, "limit")]
    assert sum(context) == pytest.approx(MODEL.context_limit)
    assert [term.level for term in found.terms if term.name == "limit"] == ["context"]


def test_within_the_limit_nothing_is_taken_away() -> None:
    bare = person(**BARE)
    assert "limit" not in {term.name for term in scored(bare, bare).terms}


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({}, {"phone|+8613912345678", "name|周秀兰", "given|秀兰", "birth|1975-04-12", "employer|安纺织造"}),
        (BARE | {"birth": "1975", "name": None}, set()),
        (BARE | {"name": "欧阳兰", "birth": None, "household": "HH-7"}, {"name|欧阳兰", "given|兰", "household|HH-7"}),
        (
            BARE | {"name": None, "birth": None, "credit_code": "91340800MA0000007A"},
            {"employer|MA0000007"},
        ),
        (BARE | {"name": None, "birth": None, "number": number("19750412")}, {"birth|1975-04-12"}),
    ],
)
def test_the_values_whose_rarity_counts(changes: dict[str, Any], values: set[str]) -> None:
    assert set(rare_values(person(**changes))) == values

"""The linkage model: what its file must say, and what it makes of it."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from db.linkage_model import COMMITTED
from rules.linkage.comparisons import COMPARISONS
from rules.linkage.model import ModelError, Rarity, read_model
from tests.rules.linkage.people import MODEL

Json = dict[str, Any]


def said() -> Json:
    model: Json = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return model


def test_the_committed_model_weighs_every_comparison_within_its_limits() -> None:
    low, high = MODEL.term_limits
    assert set(MODEL.weights) == set(COMPARISONS)
    for name, levels in MODEL.weights.items():
        for level, weight in levels.items():
            assert low <= weight <= high, (name, level)


def test_in_the_committed_model_agreement_speaks_for_one_person_and_difference_against() -> None:
    for name in ("name", "number", "birth", "phone", "household", "employer"):
        levels = MODEL.weights[name]
        best = levels["code"] if name == "employer" else levels["exact"]
        worst = levels["valid_differ"] if name == "number" else levels["other"]
        assert worst < 0 < best == max(levels.values()), name


def test_the_bands_of_the_committed_model_leave_room_for_people() -> None:
    assert MODEL.review < 0 < MODEL.auto
    assert MODEL.context <= set(COMPARISONS)
    assert set(MODEL.rarities) <= set(COMPARISONS)
    assert all(rarity.level in MODEL.weights[name] for name, rarity in MODEL.rarities.items())


def _without(*path: str) -> Callable[[Json], None]:
    def remove(model: Json) -> None:
        *way, last = path
        for name in way:
            model = model[name]
        del model[last]

    return remove


def _with(value: object, *path: str) -> Callable[[Json], None]:
    def put(model: Json) -> None:
        *way, last = path
        for name in way:
            model = model[name]
        model[last] = value

    return put


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (_with(2, "format"), "format 2"),
        (_without("format"), "format"),
        (_without("version"), "version"),
        (_without("comparisons"), "comparisons"),
        (_without("comparisons", "phone"), "phone"),
        (_with({"levels": {}}, "comparisons", "shoe_size"), "shoe_size"),
        (_without("comparisons", "phone", "levels"), "levels"),
        (_without("comparisons", "phone", "levels", "other", "u"), "u"),
        (_without("comparisons", "phone", "levels", "exact"), "exact"),
        (_with("often", "comparisons", "phone", "levels", "other", "m"), "phone"),
        (_with(0, "comparisons", "phone", "levels", "other", "m"), "phone"),
        (_with(0, "comparisons", "phone", "levels", "other", "u"), "phone"),
        (_with(1.5, "comparisons", "phone", "levels", "other", "m"), "phone"),
        (_with(None, "comparisons", "phone", "levels", "other", "m"), "phone"),
        (_with("same", "comparisons", "phone", "rarity", "level"), "same"),
        (_with(0, "comparisons", "phone", "rarity", "prior_frequency"), "prior_frequency"),
        (_without("comparisons", "phone", "rarity", "prior_frequency"), "prior_frequency"),
        (_without("limits", "term"), "term"),
        (_with([1], "limits", "term"), "term"),
        (_with([20, -9], "limits", "rarity"), "rarity"),
        (_with(["shoe_size"], "context", "comparisons"), "shoe_size"),
        (_without("context", "limit"), "limit"),
        (_without("bands", "auto"), "auto"),
        (_with("six", "bands", "auto"), "six"),
        (_with(-3, "bands", "auto"), "auto"),
        (_with(0, "pairs_per_record"), "pairs_per_record"),
        (_with(0, "smallest_population"), "smallest_population"),
        (_with(1, "smallest_population"), "smallest_population"),
        (_without("people_per_record"), "people_per_record"),
        (_without("caps", "block"), "block"),
        (_without("names_known_from"), "names_known_from"),
        (_without("common_given_name"), "common_given_name"),
    ],
)
def test_a_file_that_is_no_model_is_refused_and_the_fault_named(wrong: Callable[[Json], None], named: str) -> None:
    model = said()
    wrong(model)
    with pytest.raises(ModelError) as refused:
        read_model(json.dumps(model))
    assert named in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '"model"', "{}"])
def test_what_is_no_object_is_no_model(text: str) -> None:
    with pytest.raises(ModelError):
        read_model(text)


def test_a_weight_is_the_logarithm_of_m_over_u_held_within_the_limits() -> None:
    model = said()
    model["comparisons"]["sex"]["levels"] = {
        "same": {"m": 0.5, "u": 0.25},
        "other": {"m": 0.125, "u": 0.5},
        "never": {"m": 1e-9, "u": 1},
        "always": {"m": 1, "u": 1e-9},
    }
    assert read_model(json.dumps(model)).weights["sex"] == {"same": 1, "other": -2, "never": -9, "always": 20}


@pytest.mark.parametrize(("records", "counted"), [(0, 20_000), (20_000, 20_000), (1_000_000, 1_000_000)])
def test_the_more_records_there_are_the_less_likely_two_are_of_one_person(records: int, counted: int) -> None:
    chance = said()["pairs_per_record"] / counted
    assert MODEL.prior(records) == pytest.approx(math.log2(chance / (1 - chance)))
    assert MODEL.people(records) == pytest.approx(counted * said()["people_per_record"])


@pytest.mark.parametrize(
    ("others", "bits"),
    [(0, 1.0), (1_000, 1.0 - math.log2(2)), (3_000, -1.0)],
)
def test_what_many_have_speaks_less(others: int, bits: float) -> None:
    rarity = Rarity("exact", u=0.002, prior_frequency=0.001)
    assert rarity.adjustment(others, 1_000_000) == pytest.approx(bits)

"""Who may learn what of a possible match, and how long a decision holds."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import InvalidTransition, ValidationFailed
from rules.field_classes import ALL_CLASSES
from rules.linkage.comparisons import COMPARISONS
from rules.match_candidates import (
    CLASS_OF_COMPARISON,
    check_decidable,
    decimal_text,
    lapses_at,
    levels_shown,
    parts_in_match,
    quarter_of,
)

NOW = datetime(2026, 3, 31, 16, 30, tzinfo=UTC)
"""Half past midnight on 1 April in Shanghai."""


@pytest.mark.parametrize(
    ("agency", "silent", "parts"),
    [
        ("later", False, {"coordinator"}),
        ("there", False, {"holder"}),
        ("other", False, set()),
        ("later", True, set()),
        ("there", True, {"holder"}),
    ],
)
def test_parts_in_a_match(agency: str, silent: bool, parts: set[str]) -> None:
    assert parts_in_match(agency, coordinator="later", holder="there", silent=silent) == parts


@pytest.mark.parametrize("silent", [False, True])
def test_one_union_with_both_cases_compares_them(silent: bool) -> None:
    assert parts_in_match("one", coordinator="one", holder="one", silent=silent) == {
        *("coordinator", "holder", "comparer")
    }


def test_every_comparison_belongs_to_a_class_and_prior_and_limit_to_none() -> None:
    assert set(CLASS_OF_COMPARISON) == set(COMPARISONS)
    terms = [{"name": name, "level": "x", "weight": 1.0} for name in (*COMPARISONS, "prior", "limit")]
    assert {shown["comparison"] for shown in levels_shown(terms, ALL_CLASSES)} == set(COMPARISONS)
    assert {shown["comparison"] for shown in levels_shown(terms, {"contact"})} == {"phone", "address"}
    assert all(set(shown) == {"comparison", "level"} for shown in levels_shown(terms, ALL_CLASSES))


def test_the_quarter_is_counted_in_shanghai() -> None:
    assert quarter_of(NOW) == "2026-Q2"
    assert quarter_of(datetime(2026, 3, 31, 15, 59, tzinfo=UTC)) == "2026-Q1"


def test_a_decision_lapses_at_the_beginning_of_its_day() -> None:
    assert lapses_at(None, NOW) is None
    assert lapses_at(date(2026, 4, 2), NOW) == datetime(2026, 4, 1, 16, tzinfo=UTC)
    with pytest.raises(ValidationFailed):
        lapses_at(date(2026, 4, 1), NOW)


def test_a_step_starts_from_its_own_state() -> None:
    check_decidable("open", wanted="open")
    with pytest.raises(InvalidTransition) as refused:
        check_decidable("not_duplicate", wanted="open")
    assert refused.value.allowed == ("undo",)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_weight_crosses_the_wire_to_the_last_bit_and_without_an_exponent(value: float) -> None:
    text = decimal_text(value)
    assert float(text) == value
    assert "e" not in text.lower()
    assert Decimal(text) == Decimal(json.dumps(value))

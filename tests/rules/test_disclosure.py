"""Which fields may reach whom, and that what is masked stays masked wherever it stands."""

import json
from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.disclosure import (
    PersonOpened,
    classes_of_file,
    mask_said,
    may_read_result_text,
    project_person,
)
from rules.field_classes import ALL_CLASSES, FieldClass, project_report

PERSON = PersonOpened(
    role="main",
    relation="self",
    name="周桂兰",
    id_type="resident_id",
    id_number="990000197403151227",
    phones=("+8613900000001",),
    address="纺织路1号",
    division_code="340802",
    sex="female",
    birth_date=date(1974, 3, 15),
    employment_status="laid_off",
    employer_name="安纺织造",
    health="chronic",
    monthly_income_fen=120_000,
)
CLASSES = [field_class.value for field_class in FieldClass]


OWN = {
    "legal": {"legal_note"},
    "mood": {"mood_note"},
    "finance_account": {"bank_account"},
    "basic": {"name", "sex", "birth_date", "division_code", "employment_status", "employer_name"},
    "contact": {"phones", "address"},
    "identity": {"id_type", "id_number"},
    "economic": {"monthly_income_fen"},
    "medical": {"health", "medical_note"},
}


@given(st.sets(st.sampled_from(CLASSES)))
def test_a_class_that_is_not_granted_leaves_no_key(classes: set[str]) -> None:
    shown = project_person(PERSON, classes)
    expected = {"id", "role", "relation"}.union(*(OWN.get(field_class, set()) for field_class in classes))
    assert set(shown) == expected


@given(st.sets(st.sampled_from(CLASSES)))
def test_numbers_are_never_shown_whole(classes: set[str]) -> None:
    text = json.dumps(project_person(PERSON, classes), default=str, ensure_ascii=False)
    assert "197403151227" not in text
    assert "13900000001" not in text


def test_somebody_without_number_or_phone_has_none_to_mask() -> None:
    shown = project_person(replace(PERSON, id_number=None, phones=()), ALL_CLASSES)
    assert (shown["id_number"], shown["phones"]) == (None, [])


@pytest.mark.parametrize(
    ("parts", "roles", "purpose", "classes"),
    [
        (["coordinator"], ["integration"], "assistance", ALL_CLASSES - {"mood", "finance_account"}),
        (["coordinator"], ["integration"], "counselling", {"basic", "contact", "mood", "family"}),
        (["coordinator"], ["integration"], "payment", {"basic", "identity", "economic", "finance_account"}),
        (["coordinator"], ["fund_officer"], "payment", {"basic", "identity", "economic", "finance_account"}),
        (["coordinator"], ["fund_officer"], "assistance", {"basic", "identity", "economic"}),
        (["coordinator"], ["integration"], None, set()),
        (["supervisor"], ["union_supervisor"], "supervision", {"basic", "economic", "family"}),
        (["supervisor"], ["union_supervisor"], "person_request", {"basic", "economic", "family"}),
        (["observer", "rescuer"], ["integration"], "emergency", {"basic", "contact", "medical", "family"}),
        (["reporter", "receiver", "observer"], ["integration"], "assistance", set()),
        (["coordinator"], [], "assistance", set()),
    ],
)
def test_a_file_shows_what_part_role_and_purpose_allow_together(
    parts: list[str], roles: list[str], purpose: str | None, classes: set[str]
) -> None:
    assert classes_of_file(parts, roles=roles, purpose=purpose) == classes


@pytest.mark.parametrize(
    ("sensitive", "own", "roles", "readable"),
    [
        (sensitive, own, roles, own or sensitive is None or "coordinator" in roles)
        for sensitive, own, roles in product(
            (None, "medical", "legal", "mood"),
            (True, False),
            ((), ("reporter",), ("receiver", "observer"), ("coordinator",)),
        )
    ],
)
def test_words_of_a_compartment_are_for_their_decider_and_the_coordinator(
    sensitive: str | None, own: bool, roles: tuple[str, ...], readable: bool
) -> None:
    assert may_read_result_text(sensitive, own=own, roles=roles) is readable


_NESTED = st.recursive(
    st.text(max_size=5) | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), _NESTED, max_size=3))
def test_what_holds_no_number_comes_back_as_it_was(said: dict[str, object]) -> None:
    assert mask_said(said) == said


@given(st.lists(st.sampled_from(["person", "household", "as_received", "x"]), max_size=4))
def test_numbers_and_phones_are_masked_however_deep_they_stand(path: list[str]) -> None:
    said: dict[str, object] = {"id_number": "990000197403151227", "phones": ["+8613900000001"], "phone": "13900000001"}
    for name in reversed(path):
        said = {name: [said]}
    text = json.dumps(mask_said(said))
    assert "197403151227" not in text
    assert "13900000001" not in text


@pytest.mark.parametrize("value", ["", "1", "12", "3408**********1227", "没有", "+86"])
def test_a_doubtful_number_is_masked_without_fault(value: str) -> None:
    mask_said({"id_number": value, "phone": value, "phones": [value, 7, None]})


def test_an_encoding_is_withheld_by_the_projection_and_by_the_mask_each_alone() -> None:
    said = {"name": "周桂兰", "id_type": "encoded", "encoded": {"key": "enc-2026-01234567", "id_number": "5e71"}}
    shown = project_report({"person": said, "household": [said]}, ALL_CLASSES)
    bare = {"name": "周桂兰", "id_type": "encoded"}
    assert shown == {"person": bare, "household": [bare]}
    assert mask_said({"person": said, "household": [said]}) == shown

"""Every field that leaves the API has a class, and what says something of a person is not called open."""

from typing import Any

import pytest
from fastapi import FastAPI

from api.spec import build_document
from rules.field_classes import OPEN, PERSON, REPORT, SHOWN, Classes, FieldClass, class_of

CLASSES = {*FieldClass, OPEN, "mixed"}

BESIDE = {"ChallengeAnswer", "Problem", "FieldProblem", "RevocationRequest", "TokenRefusal", "TokenRequest"}
"""Schemas no route declares: what a webhook answers, RFC 9457, RFC 6749. A problem holds no submitted value
(tests/laws/test_no_value_leaks.py)."""

OF_NO_PERSON = {
    *("AgencyName", "AgencyShown", "ClientShown", "ClientOpened", "ConferenceShown", "OfficeShown", "OverrideShown"),
    *("AlertSubject", "InboundSourceShown", "InboundSourceOpened"),
    *("CatalogueItemShown", "EntryShown", "DeviceShown", "DivisionShown", "WindowShown", "WitnessShown"),
}
"""Answers whose `name`, `address` and the like are an office's, a system's or a place's."""


@pytest.fixture(scope="module")
def schemas(app: FastAPI) -> dict[str, Any]:
    made: dict[str, Any] = build_document(app)["components"]["schemas"]
    return made


def test_every_field_of_every_answer_has_a_class(schemas: dict[str, Any]) -> None:
    answers = {name: schema for name, schema in schemas.items() if not name.endswith(("In", "Change"))}
    bare = [
        f"{name}.{field}"
        for name, schema in answers.items()
        for field, inner in schema.get("properties", {}).items()
        if inner.get("x-field-class") not in CLASSES and name not in BESIDE
    ]
    assert bare == []
    assert set(SHOWN) <= set(answers)


def test_what_is_called_as_a_field_of_a_person_is_classed_as_one(schemas: dict[str, Any]) -> None:
    """A new answer that shows `phones` must say whose."""
    personal = {name for name, of in PERSON.items() if of != OPEN}
    loose = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        if not name.endswith(("In", "Change")) and name not in OF_NO_PERSON
        for field in schema.get("properties", {})
        if field in personal and class_of(name, field) == OPEN
    ]
    assert loose == sorted(KNOWN_LOOSE)


KNOWN_LOOSE = {
    "CaseRow.division_code",  # the place of the case, for whoever takes part but observers
    "CaseSummary.division_code",
    "StaffShown.name",  # a clerk of the agency that asks
}


def _leaves(classes: Classes) -> list[str]:
    return [leaf for of in classes.values() for leaf in ([of] if isinstance(of, str) else _leaves(of))]


def test_every_class_is_used_and_none_is_invented() -> None:
    assert {*_leaves(PERSON), *_leaves(REPORT)} <= {*FieldClass, OPEN}
    assert set(_leaves(PERSON)) == {*FieldClass, OPEN} - {FieldClass.family}, "family is a question of who, not of what"

"""On which ground fields leave: by sender, recipient, purpose, scope, assessment, and for children."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from rules.errors import ValidationFailed
from rules.matters import AgencyKind
from rules.purposes import CLASSES, Purpose, classes_for, covers
from rules.sharing import (
    CONSENT_ONLY,
    LONGEST_EMERGENCY,
    NOTHING,
    STATE_ORGANS,
    Basis,
    BasisKind,
    Disclosure,
    check_basis,
    end_of_basis,
    is_ground,
    lacking,
    receiver_disclosure,
)

COORDINATOR, REPORTER, OTHER = (UUID(int=number) for number in (1, 2, 3))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _basis(kind: str = "consent", by: UUID = COORDINATOR, **changes: Any) -> Basis:
    return Basis(kind, by, **({"recorder_kind": "union"} | changes))


def _disclosed(*bases: Basis, **changes: Any) -> Disclosure:
    given: dict[str, Any] = {"recipient_kind": "labour", "coordinator": COORDINATOR, "purpose": None, "assessed": True}
    return receiver_disclosure(["basic", "contact"], bases, **(given | changes))


@pytest.mark.parametrize(("kind", "sender", "recipient"), list(product(BasisKind, AgencyKind, AgencyKind)))
def test_a_duty_is_a_ground_for_state_organs_and_consent_for_everybody(kind: str, sender: str, recipient: str) -> None:
    """个人信息保护法 arts. 13, 23; 政务数据共享条例 arts. 2, 43: a union is no state organ."""
    if recipient in CONSENT_ONLY:
        expected = kind == "consent"
    else:
        expected = kind in ("consent", "emergency") or sender in STATE_ORGANS
    assert is_ground(kind, sender=sender, recipient=recipient) is expected


def test_unions_charities_and_enterprises_are_no_state_organs() -> None:
    assert not {"union", "charity", "enterprise", "leadership", "disabled_federation"} & STATE_ORGANS


@pytest.mark.parametrize(
    ("kind", "sender", "guardian", "fault"),
    [
        ("statutory_duty", "union", False, ("/kind", "no-ground-between-these-agencies")),
        ("emergency", "labour", True, ("/given_by", "only-with-consent")),
    ],
)
def test_a_basis_that_is_none_is_refused_by_name(
    kind: str, sender: str, guardian: bool, fault: tuple[str, str]
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_basis(kind, sender=sender, recipients={"labour"}, guardian=guardian)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [fault]


def test_an_emergency_ends_by_itself() -> None:
    assert end_of_basis("emergency", None, now=NOW) == NOW + LONGEST_EMERGENCY
    assert end_of_basis("emergency", NOW + timedelta(hours=1), now=NOW) == NOW + timedelta(hours=1)
    assert end_of_basis("consent", None, now=NOW) is None
    for kind, until in (("emergency", NOW + timedelta(hours=73)), ("consent", NOW), ("consent", NOW - timedelta(1))):
        with pytest.raises(ValidationFailed):
            end_of_basis(kind, until, now=NOW)


def test_without_a_basis_it_is_the_preview_and_what_is_missing() -> None:
    nothing = _disclosed()
    assert nothing == Disclosure(frozenset(), None, "consent-missing")
    assert lacking(["contact", "basic"], nothing) == {
        "reason": "consent-missing",
        "field_classes": ["basic", "contact"],
    }
    assert NOTHING.classes == frozenset()


@pytest.mark.parametrize(
    ("kinds", "basis"),
    [
        (["emergency"], "emergency"),
        (["emergency", "statutory_duty"], "statutory_duty"),
        (["statutory_duty", "consent"], "consent"),
    ],
)
def test_with_a_basis_it_is_the_minimum_set_and_not_more(kinds: list[str], basis: str) -> None:
    disclosure = _disclosed(*(_basis(kind, recorder_kind="labour") for kind in kinds))
    assert (disclosure.classes, disclosure.basis_kind) == (frozenset({"basic", "contact"}), basis)
    assert (disclosure.missing, disclosure.records_of) == (None, None)


def test_a_unions_statutory_duty_opens_nothing_even_where_it_was_recorded() -> None:
    assert _disclosed(_basis("statutory_duty")).missing == "consent-missing"


def test_a_charity_receives_under_consent_only() -> None:
    assert _disclosed(_basis("emergency"), recipient_kind="charity").missing == "consent-missing"
    assert _disclosed(_basis("consent"), recipient_kind="charity").missing is None


def test_no_assessment_in_force_opens_nothing() -> None:
    assert _disclosed(_basis(), assessed=False).missing == "assessment-missing"


def test_a_basis_of_somebody_else_opens_what_that_agency_said_and_nothing_more() -> None:
    assert _disclosed(_basis(by=REPORTER)).records_of == frozenset({REPORTER})
    assert _disclosed(_basis(by=REPORTER), _basis("emergency", OTHER)).records_of == frozenset({REPORTER, OTHER})
    assert _disclosed(_basis(by=REPORTER), _basis("emergency")).records_of is None


def test_a_consent_reaches_as_far_as_its_scope() -> None:
    assert _disclosed(_basis(field_classes=frozenset({"basic", "medical"}))).classes == {"basic"}
    both = _disclosed(_basis(field_classes=frozenset({"basic"})), _basis(field_classes=frozenset({"contact"})))
    assert both.classes == {"basic", "contact"}


def test_a_consent_for_one_purpose_opens_no_other() -> None:
    narrow = _basis(purpose="eligibility")
    assert _disclosed(narrow, purpose="eligibility").missing is None
    assert _disclosed(narrow, purpose="payment").missing == "purpose-not-covered"
    assert _disclosed(narrow, _basis(), purpose="payment").missing is None


@pytest.mark.parametrize(
    ("basis", "children"),
    [
        (_basis(), False),
        (_basis(guardian=True), True),
        (_basis("emergency"), True),
        (_basis("statutory_duty", recorder_kind="education"), True),
    ],
)
def test_children_are_shown_with_a_guardians_word_or_a_ground_that_needs_none(basis: Basis, children: bool) -> None:
    assert _disclosed(basis).children is children


def test_every_purpose_has_its_classes_and_none_without_one() -> None:
    assert set(CLASSES) == set(Purpose)
    assert classes_for(None) == frozenset()
    assert "mood" not in classes_for("assistance")


def test_helping_covers_its_parts_and_its_parts_do_not_cover_helping() -> None:
    assert covers("assistance", "payment")
    assert covers("assistance", "emergency")
    assert not covers("payment", "assistance")
    assert not covers("assistance", "supervision")
    assert not covers("assistance", "person_request")

"""What facts alone can say of a report: every fault is found at once, named where it stands, and without a value."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from rules.errors import ValidationFailed
from rules.reports import BasisSaid, EmployerSaid, PersonSaid, ReportSaid, check_report
from tests.builders import identity_number

NOW = datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
BIRTH = date(1974, 3, 15)
NUMBER = identity_number(BIRTH)


def person(**changes: Any) -> PersonSaid:
    said = PersonSaid(
        name="周桂兰",
        id_type="resident_id",
        id_number=NUMBER,
        sex="female",
        birth_date=BIRTH,
        phones=("13900000001",),
        address=None,
        employment_status=None,
        employer=None,
        relation="self",
        health=None,
        as_received={},
        details={},
    )
    return replace(said, **changes)


def report(**changes: Any) -> ReportSaid:
    said = ReportSaid(
        id=None,
        source_system="x",
        source_record_id="1",
        aware_at=NOW - timedelta(hours=1),
        aware_by=None,
        channel="visit",
        urgency="normal",
        person=person(),
        household=(),
        employer=None,
        cause_primary="3",
        causes_secondary=("9",),
        needs=("employment",),
        bases=(BasisSaid("consent", "x", (uuid4(),), None),),
    )
    return replace(said, **changes)


def faults(said: ReportSaid, *, allow_demo: bool = True) -> list[tuple[str, str]]:
    try:
        check_report(said, now=NOW, allow_demo=allow_demo)
    except ValidationFailed as wrong:
        text = repr(wrong.errors)
        assert NUMBER not in text
        assert "13900000001" not in text
        return [(error.pointer, error.code) for error in wrong.errors]
    return []


def test_a_good_report_has_no_faults_and_its_people_in_normal_form() -> None:
    (found,) = check_report(report(), now=NOW, allow_demo=True)
    assert (found.id_number, found.sex, found.birth_date) == (NUMBER, "female", BIRTH)
    assert found.phones == ("+8613900000001",)


def test_sex_and_birth_date_are_read_from_a_valid_number() -> None:
    (found,) = check_report(report(person=person(sex=None, birth_date=None)), now=NOW, allow_demo=True)
    assert (found.sex, found.birth_date) == ("female", BIRTH)


def test_every_fault_is_found_at_once() -> None:
    said = report(
        aware_at=NOW + timedelta(seconds=1),
        cause_primary="9",
        person=person(sex="male", birth_date=date(1975, 3, 15), phones=("1",)),
        household=(person(relation="spouse", id_number=None),),
        employer=EmployerSaid("厂", "91340800MA0000007B"),
    )
    pointers = {pointer for pointer, _ in faults(said)}
    assert pointers >= {
        "/aware_at",
        "/causes/secondary",
        "/person/sex",
        "/person/birth_date",
        "/person/phones/0",
        "/household/0/id_number",
        "/employer/uscc",
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"id_number": None}, ("/person/id_number", "required")),
        ({"id_type": "none"}, ("/person/id_number", "not-with-this-id-type")),
        ({"sex": "male"}, ("/person/sex", "contradicts-id-number")),
        ({"birth_date": date(1974, 3, 16)}, ("/person/birth_date", "contradicts-id-number")),
        ({"id_type": "passport", "birth_date": date(2026, 3, 5)}, ("/person/birth_date", "in-the-future")),
    ],
)
def test_a_claim_that_does_not_hold_is_a_fault(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    assert faults(report(person=person(**changes))) == [fault]


def test_somebody_born_today_in_shanghai_is_not_born_in_the_future() -> None:
    """At 00:30 on 5 March in Shanghai it is still the 4th in UTC."""
    midnight = datetime(2026, 3, 4, 16, 30, tzinfo=UTC)
    said = report(household=(person(relation="child", id_type="none", id_number=None, birth_date=date(2026, 3, 5)),))
    check_report(said, now=midnight, allow_demo=True)


def test_nobody_and_no_employer_is_no_report() -> None:
    assert faults(report(person=None)) == [("/person", "person-or-employer-required")]


def test_a_demo_number_is_for_demos() -> None:
    assert faults(report(), allow_demo=False) == [("/person/id_number", "demo-number")]


@pytest.mark.parametrize("id_type", ["unverified", "passport"])
def test_what_claims_no_certainty_is_not_checked(id_type: str) -> None:
    assert faults(report(person=person(id_type=id_type, id_number="3408**********1227"))) == []


def test_doubtful_forms_link_only_where_they_read_cleanly() -> None:
    old = NUMBER[:6] + NUMBER[8:17]
    for text, number in ((NUMBER, NUMBER), (f"{NUMBER[:6]} {NUMBER[6:]}", NUMBER), (old, NUMBER), ("3408****", None)):
        said = report(person=person(id_type="unverified", id_number=None, as_received={"id_number": text}))
        (found,) = check_report(said, now=NOW, allow_demo=True)
        assert found.identifiers.id_number == number, text


def test_an_unverified_number_of_a_passport_never_meets_a_resident_number() -> None:
    (found,) = check_report(report(person=person(id_type="passport")), now=NOW, allow_demo=True)
    assert found.identifiers.id_number is None

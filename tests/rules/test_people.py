"""One view of a person from several records, none of which overwrites another."""

from dataclasses import replace
from datetime import date

from rules.disclosure import PersonOpened
from rules.people import fold

FULL = PersonOpened(
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
    health=None,
    monthly_income_fen=None,
)
BARE = replace(
    FULL,
    name="某",
    id_type="none",
    id_number=None,
    phones=(),
    address=None,
    division_code=None,
    sex="unknown",
    employment_status=None,
    employer_name=None,
)


def test_a_later_report_changes_nothing_that_was_said() -> None:
    assert fold([FULL, BARE]) == FULL


def test_a_later_report_adds_what_nobody_had_said() -> None:
    later = replace(BARE, health="chronic", monthly_income_fen=120_000)
    assert fold([FULL, later]) == replace(FULL, health="chronic", monthly_income_fen=120_000)


def test_a_number_comes_with_its_kind() -> None:
    folded = fold([replace(FULL, id_type="unverified", id_number=None), FULL])
    assert (folded.id_type, folded.id_number) == ("resident_id", FULL.id_number)


def test_gaps_are_filled_in_the_order_of_the_reports() -> None:
    second, third = replace(BARE, address="第二"), replace(BARE, address="第三")
    assert fold([BARE, second, third]).address == "第二"

"""How long what is kept, and when a case may be erased."""

from datetime import UTC, date, datetime, timedelta

import pytest

from actions.retention import closed_before
from rules.person_requests import LegalReason
from rules.retention import (
    RETENTION,
    Basis,
    DataClass,
    ErasureRule,
    Obstacle,
    erasability,
    kept_until,
    latest_close_to_erase,
    years_after,
)

CLOSED = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)


def test_the_table_says_years_and_where_they_come_from() -> None:
    assert {name: kept.years for name, kept in RETENTION.items()} == {
        DataClass.case_and_dossier: 10,
        DataClass.sharing_records: 3,
        DataClass.impact_assessments: 3,
        DataClass.finance_vouchers: 30,
        DataClass.logs: 3,
        DataClass.consents: 3,
    }
    assert RETENTION[DataClass.logs].least_months == 6
    assert RETENTION[DataClass.case_and_dossier].basis is Basis.local
    assert all(kept.source for kept in RETENTION.values())


@pytest.mark.parametrize(
    ("day", "years", "then"),
    [
        (date(2026, 3, 10), 10, date(2036, 3, 10)),
        (date(2028, 2, 29), 10, date(2038, 2, 28)),
        (date(2028, 2, 29), -10, date(2018, 2, 28)),
    ],
)
def test_years_are_counted_by_the_calendar(day: date, years: int, then: date) -> None:
    assert years_after(day, years) == then


def test_a_period_is_over_on_the_day_after_its_last() -> None:
    last = kept_until(CLOSED)
    assert last == date(2036, 3, 10)
    on_the_last = datetime(2036, 3, 10, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    found = erasability(status="closed", closed_at=CLOSED, now=on_the_last, in_error=False)
    assert (found.rule, found.obstacle, found.possible_from, found.partly) == (
        None,
        Obstacle.retention_period,
        date(2036, 3, 11),
        True,
    )
    after = on_the_last + timedelta(minutes=1)
    assert erasability(status="closed", closed_at=CLOSED, now=after, in_error=False).rule is ErasureRule.period_over


@pytest.mark.parametrize("status", ["reported", "assessing", "active", "closing"])
def test_a_case_at_work_is_needed_unless_entered_in_error(status: str) -> None:
    found = erasability(status=status, closed_at=None, now=CLOSED, in_error=False)
    assert (found.rule, found.obstacle, found.partly) == (None, Obstacle.still_needed, False)
    assert erasability(status=status, closed_at=None, now=CLOSED, in_error=True).rule is ErasureRule.entered_in_error


def test_what_the_jobs_find_is_what_the_rule_lets_go() -> None:
    """Minute by minute around the end of the period: nobody is asked about a case that may not go yet."""
    for minutes in range(-1_500, 1_500, 7):
        now = datetime(2036, 3, 10, 16, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        over = erasability(status="closed", closed_at=CLOSED, now=now, in_error=False).rule is not None
        assert (closed_before(now) > CLOSED) is over, now


def test_obstacles_are_legal_reasons() -> None:
    assert set(Obstacle) <= set(LegalReason)
    assert latest_close_to_erase(CLOSED) == date(2016, 3, 10)

"""What a grant may hold, how long it runs, and who may do what with a request."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.access_requests import (
    allowed_steps,
    check_asking,
    check_grant,
    check_step,
    opens_for,
    parts_in_request,
    status_now,
)
from rules.errors import Conflict, InvalidTransition, ValidationFailed

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_grant_ends_at_its_instant() -> None:
    assert status_now("granted", NOW + timedelta(seconds=1), NOW) == "granted"
    assert status_now("granted", NOW, NOW) == "expired"
    assert status_now("refused", None, NOW) == "refused"


@pytest.mark.parametrize(
    ("status", "parts", "steps"),
    [
        ("open", {"holder"}, ("grant", "refuse")),
        ("granted", {"holder"}, ("revoke",)),
        ("expired", {"holder"}, ()),
        ("open", {"asker"}, ()),
        ("granted", {"asker"}, ()),
    ],
)
def test_the_holder_decides(status: str, parts: set[str], steps: tuple[str, ...]) -> None:
    assert allowed_steps(status, parts) == steps


@pytest.mark.parametrize("status", ["granted", "refused", "expired", "revoked"])
def test_nothing_is_granted_twice(status: str) -> None:
    with pytest.raises(InvalidTransition):
        check_step(status, "grant")


@pytest.mark.parametrize(
    ("parts", "status", "silent", "granted", "reason"),
    [
        ({"coordinator", "holder", "comparer"}, "open", False, False, "both-sides-are-your-own"),
        ({"holder"}, "open", True, False, "match-is-silent"),
        ({"holder"}, "confirmed", False, False, "match-is-decided"),
        ({"coordinator"}, "open", False, True, "access-granted-already"),
    ],
)
def test_who_has_nothing_to_ask(parts: set[str], status: str, silent: bool, granted: bool, reason: str) -> None:
    with pytest.raises(Conflict) as refused:
        check_asking(parts, status=status, silent=silent, granted=granted)
    assert refused.value.facts["reason"] == reason


def test_a_grant_holds_classes_of_the_comparison_that_its_purpose_needs() -> None:
    check_grant(["basic", "contact"], NOW + timedelta(days=90), purpose="follow_up", basis_kind="consent", now=NOW)
    for name in ("identity", "medical"):
        with pytest.raises(ValidationFailed):
            check_grant([name], NOW + timedelta(days=1), purpose="follow_up", basis_kind="consent", now=NOW)


@pytest.mark.parametrize(
    ("basis", "after", "code"),
    [
        ("consent", timedelta(0), "in-the-past"),
        ("consent", timedelta(days=90, seconds=1), "longer-than-90-days"),
        ("emergency", timedelta(hours=72, seconds=1), "longer-than-72-hours"),
    ],
)
def test_a_grant_ends_in_time(basis: str, after: timedelta, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_grant(["basic"], NOW + after, purpose="assistance", basis_kind=basis, now=NOW)
    assert [error.code for error in refused.value.errors] == [code]


def test_a_grant_opens_reads_for_its_purpose_only() -> None:
    assert opens_for("assistance", "follow_up")
    assert not opens_for("follow_up", "assistance")
    assert not opens_for("assistance", None)


def test_parts_in_a_request() -> None:
    assert parts_in_request("a", asker="a", holder="h") == {"asker"}
    assert parts_in_request("h", asker="a", holder="h") == {"holder"}
    assert parts_in_request("x", asker="a", holder="h") == frozenset()

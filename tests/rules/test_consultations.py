"""A record of the register contradicts neither itself nor the calendar."""

from datetime import date
from typing import Any

import pytest

from rules.consultations import check_consultation, check_registering
from rules.errors import Conflict, ValidationFailed

TODAY = date(2026, 12, 1)
HEARD: dict[str, Any] = {
    "drafter_agency_id": None,
    "drafter_name": "市人民政府",
    "learned_on": date(2026, 11, 1),
    "asked_on": date(2026, 11, 2),
    "opinion_due": date(2026, 11, 20),
    "opinion": "应提高标准",
    "opinion_on": date(2026, 11, 18),
    "adoption": "partly",
    "adoption_reason": "分两步到位",
}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, set()),
        ({"asked_on": None, "opinion_due": None}, set()),
        ({"drafter_name": None}, {("/drafter_agency", "required")}),
        ({"drafter_agency_id": "office"}, {("/drafter_name", "one-drafter")}),
        ({"learned_on": date(2026, 12, 2)}, {("/learned_on", "in-the-future")}),
        ({"asked_on": None}, {("/opinion_due", "counts-from-the-asking")}),
        ({"opinion_due": date(2026, 11, 1)}, {("/opinion_due", "counts-from-the-asking")}),
        ({"opinion_on": None}, {("/opinion_on", "required")}),
        ({"opinion": None}, {("/opinion", "required"), ("/adoption", "needs-an-opinion")}),
        ({"adoption_reason": None}, {("/adoption_reason", "required")}),
        ({"adoption": "adopted", "adoption_reason": None}, set()),
        ({"adoption": None}, {("/adoption", "required")}),
    ],
)
def test_every_fault_is_named(changes: dict[str, Any], faults: set[tuple[str, str]]) -> None:
    found = set()
    try:
        check_consultation(HEARD | changes, TODAY)
    except ValidationFailed as failed:
        found = {(error.pointer, error.code) for error in failed.errors}
    assert found == faults


def test_it_is_the_unions_register() -> None:
    check_registering("union")
    with pytest.raises(Conflict):
        check_registering("labour")

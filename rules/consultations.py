"""consultation (政策征求意见): a draft that touches workers' vital interests, and whether the union was heard. Pure.

Whoever drafts such a rule, plan or measure asks the union of the same level (工会法 art. 34, recalled). A draft on
which no union was asked is recorded as well: that is what the register is for.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final

from rules.errors import Conflict, FieldError, ValidationFailed
from rules.results import AdoptionDecision


class DraftKind(StrEnum):
    rule = "rule"
    plan = "plan"
    measure = "measure"


_DAYS_THAT_WERE: Final = ("learned_on", "asked_on", "opinion_on")


def check_registering(agency_kind: str) -> None:
    """Raises Conflict for whoever is no union: it is the unions' register."""
    if agency_kind != "union":
        raise Conflict(reason="only-unions-register")


def check_consultation(said: Mapping[str, Any], today: date) -> None:
    """Raises ValidationFailed for a record that contradicts itself or the calendar, every fault by name."""
    errors = list(_faults(said, today))
    if errors:
        raise ValidationFailed(*errors)


def _faults(said: Mapping[str, Any], today: date) -> Iterable[FieldError]:
    agency, name = said["drafter_agency_id"], said["drafter_name"]
    if agency is None and name is None:
        yield FieldError("/drafter_agency", "required")
    if agency is not None and name is not None:
        yield FieldError("/drafter_name", "one-drafter")
    yield from (FieldError(f"/{day}", "in-the-future") for day in _DAYS_THAT_WERE if said[day] and said[day] > today)
    if said["opinion_due"] and (said["asked_on"] is None or said["opinion_due"] < said["asked_on"]):
        yield FieldError("/opinion_due", "counts-from-the-asking")
    if (said["opinion"] is None) != (said["opinion_on"] is None):
        yield FieldError("/opinion_on" if said["opinion"] else "/opinion", "required")
    yield from _faults_of_adoption(said)


def _faults_of_adoption(said: Mapping[str, Any]) -> Iterable[FieldError]:
    if said["adoption"] is None:
        if said["adoption_reason"] is not None:
            yield FieldError("/adoption", "required")
        return
    if said["opinion"] is None:
        yield FieldError("/adoption", "needs-an-opinion")
    if said["adoption"] != AdoptionDecision.adopted and said["adoption_reason"] is None:
        yield FieldError("/adoption_reason", "required")

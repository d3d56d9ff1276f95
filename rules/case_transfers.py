"""case_transfer (主办变更): the coordinator's role moves from one union to another, when the other side accepts. Pure.

An offer is made by the coordinator and decided by the union that is to take the case; a request is made by a union that
takes part in the case and decided by the coordinator. Whoever asked may take it back until then.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from rules.errors import Conflict, FieldError, InvalidTransition, ValidationFailed


class TransferKind(StrEnum):
    offer = "offer"
    request = "request"


class TransferStatus(StrEnum):
    requested = "requested"
    accepted = "accepted"
    rejected = "rejected"
    cancelled = "cancelled"


class TransferStep(StrEnum):
    accept = "accept"
    reject = "reject"
    cancel = "cancel"


class TransferReason(StrEnum):
    """Why another union should coordinate: the household or workplace is elsewhere, or the matter of another level."""

    moved = "moved"
    workplace_elsewhere = "workplace_elsewhere"
    higher_level = "higher_level"
    lower_level = "lower_level"
    office_dissolved = "office_dissolved"
    other = "other"


class TransferRefusal(StrEnum):
    not_of_this_place = "not_of_this_place"
    incomplete_file = "incomplete_file"
    person_objects = "person_objects"
    work_under_way = "work_under_way"
    other = "other"


RESULTS: Final[dict[str, TransferStatus]] = {
    TransferStep.accept: TransferStatus.accepted,
    TransferStep.reject: TransferStatus.rejected,
    TransferStep.cancel: TransferStatus.cancelled,
}


def parts_in_transfer(agency: object, *, giver: object, taker: object, asker: object) -> frozenset[str]:
    """The parts of `agency`: `giver` or `taker`, and `asker` or `decider`."""
    if agency not in (giver, taker):
        return frozenset()
    return frozenset({"giver" if agency == giver else "taker", "asker" if agency == asker else "decider"})


def allowed_steps(status: str, parts: Collection[str]) -> tuple[str, ...]:
    """What an agency with these parts may do now."""
    if status != TransferStatus.requested:
        return ()
    if "decider" in parts:
        return (TransferStep.accept, TransferStep.reject)
    return (TransferStep.cancel,) if "asker" in parts else ()


def check_step(step: str, status: str, parts: Collection[str], *, reason: str | None, text: str | None) -> None:
    """Raises InvalidTransition, ValidationFailed for a rejection without its reason and text, or words that do not
    belong to the step."""
    allowed = allowed_steps(status, parts)
    if step not in allowed:
        raise InvalidTransition(status, allowed)
    if step == TransferStep.reject:
        missing = [
            FieldError(f"/{name}", "required") for name, said in (("reason", reason), ("text", text)) if not said
        ]
        if missing:
            raise ValidationFailed(*missing)
    elif reason is not None:
        raise ValidationFailed(FieldError("/reason", "not-with-this-step"))


def check_asking(*, coordinates: bool, agency_kind: str, case_status: str, to_agency: object | None) -> TransferKind:
    """Which kind it is. Raises Conflict for a closed case and for whoever is no union, ValidationFailed for an offer to
    nobody and for a request that names another."""
    if agency_kind != "union":
        raise Conflict(reason="only-unions-coordinate")
    if case_status == "closed":
        raise Conflict(reason="case-closed")
    if coordinates and to_agency is None:
        raise ValidationFailed(FieldError("/to_agency", "required"))
    if not coordinates and to_agency is not None:
        raise ValidationFailed(FieldError("/to_agency", "request-is-for-oneself"))
    return TransferKind.offer if coordinates else TransferKind.request

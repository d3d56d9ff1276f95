"""proposal (政策建议): what a union asks those to settle who make law or policy, in five facets, and the reply. Pure.

A proposal names object, means, subject, operating mode and funding source before it may be sent: what lacks one of them
cannot be carried out. An addressee on the platform replies itself; of a body outside, the union records the reply.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from rules.calendar import WorkCalendar
from rules.deadlines import Due, Period, due_at
from rules.errors import Conflict, FieldError, InvalidTransition, ValidationFailed
from rules.policy_gaps import GapGround
from rules.results import AdoptionDecision

FACETS: Final = ("object", "means", "subject", "operating_mode", "funding_source")
"""对象、手段、主体、运作模式、经费来源."""
REPLY_DAYS: Final = 60
"""Working days for the reply unless the proposal says otherwise. Our own default."""
LEAST_COUNT: Final = 5
"""Smaller counts could point at a household: they leave as null."""


class ProposalStatus(StrEnum):
    draft = "draft"
    sent = "sent"
    replied = "replied"
    withdrawn = "withdrawn"


class ProposalStep(StrEnum):
    send = "send"
    reply = "reply"
    withdraw = "withdraw"


class ReplyReason(StrEnum):
    """Why a proposal is not, or not wholly, adopted."""

    settled_already = "settled_already"
    not_competent = "not_competent"
    no_funds = "no_funds"
    against_law = "against_law"
    needs_study = "needs_study"
    other = "other"


RESULTS: Final[Mapping[str, ProposalStatus]] = {
    ProposalStep.send: ProposalStatus.sent,
    ProposalStep.reply: ProposalStatus.replied,
    ProposalStep.withdraw: ProposalStatus.withdrawn,
}


@dataclass(frozen=True, slots=True)
class ReplyWords:
    """What a reply says."""

    decision: str | None = None
    reason: str | None = None
    text: str | None = None


def parts_in_proposal(agency: object, *, owner: object, addressee: object | None, sent: bool) -> frozenset[str]:
    """The parts of `agency`: a draft, sent or not taken further, is its union's alone."""
    parts = {"owner"} if agency == owner else set()
    return frozenset(parts | {"addressee"} if sent and agency == addressee else parts)


def allowed_steps(status: str, parts: Collection[str], *, outside: bool) -> tuple[str, ...]:
    """What an agency with these parts may do now. `outside`: the addressee is not on the platform."""
    if status == ProposalStatus.draft and "owner" in parts:
        return (ProposalStep.send, ProposalStep.withdraw)
    if status != ProposalStatus.sent:
        return ()
    if "addressee" in parts:
        return (ProposalStep.reply,)
    return (ProposalStep.reply, ProposalStep.withdraw) if outside else (ProposalStep.withdraw,)


def check_step(step: str, proposal: Mapping[str, Any], parts: Collection[str], words: ReplyWords) -> None:
    """Raises InvalidTransition; ValidationFailed for a facet or an addressee that is missing when it is sent, for a
    reply without its words, and for words that do not belong to the step."""
    allowed = allowed_steps(proposal["status"], parts, outside=proposal["addressee_agency_id"] is None)
    if step not in allowed:
        raise InvalidTransition(proposal["status"], allowed)
    if step == ProposalStep.reply:
        _refuse(_missing_words(words))
        return
    said = ("decision", "reason", "text")
    _refuse(FieldError(f"/{name}", "not-with-this-step") for name in said if getattr(words, name) is not None)
    if step == ProposalStep.send:
        _refuse(_missing_facets(proposal))


def _missing_words(words: ReplyWords) -> Iterable[FieldError]:
    if words.decision is None:
        yield FieldError("/decision", "required")
    if words.text is None:
        yield FieldError("/text", "required")
    if words.decision in (AdoptionDecision.partly, AdoptionDecision.not_adopted) and words.reason is None:
        yield FieldError("/reason", "required")
    if words.decision == AdoptionDecision.adopted and words.reason is not None:
        yield FieldError("/reason", "not-when-adopted")


def _missing_facets(proposal: Mapping[str, Any]) -> Iterable[FieldError]:
    yield from (FieldError(f"/{facet}", "required") for facet in FACETS if proposal[facet] is None)
    if proposal["addressee_agency_id"] is None and proposal["addressee_name"] is None:
        yield FieldError("/addressee_agency", "required")


def _refuse(errors: Iterable[FieldError]) -> None:
    found = list(errors)
    if found:
        raise ValidationFailed(*found)


def check_drafting(agency_kind: str) -> None:
    """Raises Conflict for whoever is no union: others speak for themselves."""
    if agency_kind != "union":
        raise Conflict(reason="only-unions-propose")


def check_addressee(agency: object | None, name: str | None) -> None:
    """Raises ValidationFailed where an agency and the name of a body outside are both given."""
    if agency is not None and name is not None:
        raise ValidationFailed(FieldError("/addressee_name", "one-addressee"))


def reply_due(sent_at: datetime, days: int, calendar: WorkCalendar) -> Due:
    return due_at(sent_at, Period(days, "working_day"), calendar)


def shown_evidence(counted: Mapping[str, Any]) -> dict[str, Any]:
    """What a proposal says of what was counted: open cases, and gaps by each ground."""
    gaps = {ground.value: shown_count(counted["gaps"].get(ground, 0)) for ground in GapGround}
    return {"cases": shown_count(counted["cases"]), "gaps": gaps}


def shown_count(count: int) -> int | None:
    """The count, or None where it is so small that it could point at somebody."""
    return None if 0 < count < LEAST_COUNT else count

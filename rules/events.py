"""event (事件): which agency may know of which fact, and how much of it. Pure; openapi/events.json is generated from
here.

Roles here are relations to the fact: the participants of its case (coordinator, reporter, receiver, observer) and the
parties that the fact itself names (actor, sender, addressee, pool, owner, other).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PARTICIPANTS = ("coordinator", "reporter", "receiver", "observer")
PARTIES = ("actor", "sender", "addressee", "pool", "owner", "other", "superior")


@dataclass(frozen=True, slots=True)
class Rule:
    """`full` roles get the fact whole; `thin` roles learn that it happened: no actor, no changed fields."""

    full: tuple[str, ...]
    thin: tuple[str, ...] = ()


_CASE = Rule(("coordinator", "reporter", "receiver", "observer"))
# Who else reported or works in a case is the coordinator's business: the others learn that something changed.
_CASE_OF_OTHERS = Rule(("coordinator", "actor"), ("reporter", "receiver", "observer"))
# Not the actor as such: by a report the platform may link cases of which the reporter may not know.
_LINK = Rule(("coordinator", "other"))
_REFERRAL = Rule(("coordinator", "sender", "addressee"))
_POOLED = Rule(("coordinator", "sender", "addressee"), ("pool",))
_OWN = Rule(("owner",))
# Each side is told in its own case: that it happened. Who did it would tell who reported on the other side.
_OF_MATCH = Rule((), ("coordinator",))
_OF_TWO = Rule(("actor", "other"))
# Whoever stated the signal does not learn what else points to the same subject.
_OF_LINE = Rule(("other",))
_BETWEEN = Rule(("sender", "addressee"))

ENTITLEMENTS: dict[str, Rule] = {
    "report.received": Rule(("coordinator", "actor")),
    "report.adopted": Rule(("coordinator", "actor", "other")),
    "case.opened": _CASE_OF_OTHERS,
    "case.updated": _CASE_OF_OTHERS,
    "case.linked": _LINK,
    "case.unlinked": _LINK,
    "case.merged": _CASE_OF_OTHERS,
    "case.unmerged": _CASE_OF_OTHERS,
    "case.closed": _CASE,
    "case.reopened": _CASE,
    "case.transferred": Rule((*PARTICIPANTS, "other")),
    "case_transfer.requested": _OF_TWO,
    "case_transfer.accepted": _OF_TWO,
    "case_transfer.rejected": _OF_TWO,
    "case_transfer.cancelled": _OF_TWO,
    "proposal.sent": _BETWEEN,
    "proposal.replied": _BETWEEN,
    "proposal.withdrawn": _BETWEEN,
    "proposal.overdue": _BETWEEN,
    "participant.joined": Rule(("coordinator", "other")),
    "participant.left": Rule(("coordinator", "other")),
    "alert.raised": _OF_LINE,
    "alert.acknowledged": _OF_LINE,
    "alert.overdue": _OF_LINE,
    "alert.cleared": _OF_LINE,
    "plan.activated": _OF_TWO,
    "plan.stood_down": _OF_TWO,
    "plan_task.done": _OF_TWO,
    "plan_task.overdue": _OF_LINE,
    "referral.requested": _POOLED,
    "referral.received": _REFERRAL,
    "referral.accepted": _POOLED,
    "referral.rejected": _REFERRAL,
    "referral.returned": _REFERRAL,
    "referral.resubmitted": _REFERRAL,
    "referral.started": _REFERRAL,
    "referral.held": _REFERRAL,
    "referral.resumed": _REFERRAL,
    "referral.extended": _REFERRAL,
    "referral.disputed": _REFERRAL,
    "referral.completed": _REFERRAL,
    "referral.failed": _REFERRAL,
    "referral.cancelled": _POOLED,
    "referral.voided": _POOLED,
    "referral.expired": _POOLED,
    "referral.overdue": _REFERRAL,
    "referral.escalated": Rule(("coordinator", "sender", "addressee", "superior")),
    "referral.reminded": _POOLED,
    "referral.assigned": _REFERRAL,
    **dict.fromkeys(
        (
            "share_request.requested",
            "share_request.supplement_asked",
            "share_request.supplemented",
            "share_request.extended",
            "share_request.agreed",
            "share_request.refused",
            "share_request.delivered",
            "share_request.correction_asked",
            "share_request.corrected",
            "share_request.disposed",
            "share_request.escalated",
            "share_request.withdrawn",
            "share_request.overdue",
        ),
        _OF_TWO,
    ),
    **dict.fromkeys(
        ("letter.sent", "letter.replied", "letter.refused", "letter.corrected", "letter.not_corrected"), _OF_TWO
    ),
    **dict.fromkeys(("letter.filed", "letter.declined", "letter.withdrawn", "letter.overdue"), _OF_TWO),
    **dict.fromkeys(("conference.founded", "conference.changed"), _OF_TWO),
    **dict.fromkeys(("conference.session_called", "conference.session_opened", "conference.session_closed"), _OF_TWO),
    **dict.fromkeys(("conference.session_cancelled", "conference.item_raised", "conference.item_decided"), _OF_TWO),
    **dict.fromkeys(("conference.item_deferred", "conference.item_withdrawn", "conference.opinion_asked"), _OF_TWO),
    **dict.fromkeys(("conference.opinion_given", "conference.opinion_overdue", "conference.task_assigned"), _OF_TWO),
    **dict.fromkeys(("conference.task_started", "conference.task_done", "conference.task_confirmed"), _OF_TWO),
    "conference.task_overdue": _OF_TWO,
    "answer_link.made": Rule(("coordinator", "sender")),
    "answer_link.revoked": Rule(("coordinator", "sender")),
    "deadline.recalculated": _REFERRAL,
    "assistance.recorded": Rule(("coordinator", "actor")),
    "result.shared": _CASE,
    "result.adopted": Rule(("coordinator", "actor", "other")),
    "result.withdrawn": _CASE,
    "adoption.overdue": Rule(("coordinator", "other")),
    "consent.granted": Rule(("coordinator", "actor", "other")),
    "consent.withdrawn": Rule(("coordinator", "actor", "other")),
    "break_glass.opened": Rule(("coordinator", "actor")),
    "break_glass.reviewed": Rule(("coordinator", "actor", "other")),
    "break_glass.overdue": Rule(("coordinator", "other")),
    "honey.touched": _OWN,
    "probing.suspected": _OWN,
    "link.doubtful": Rule(("coordinator",)),
    "match.found": _OF_MATCH,
    "match.decided": _OF_MATCH,
    "match.confirmed": _OF_MATCH,
    "match.undone": _OF_MATCH,
    "access_request.opened": _OF_TWO,
    "access_request.granted": _OF_TWO,
    "access_request.refused": _OF_TWO,
    "access_request.revoked": _OF_TWO,
    "person.revealed": Rule(("coordinator", "actor")),
    "person_request.received": Rule(("coordinator", "actor", "other")),
    "person_request.decided": Rule(("coordinator", "actor", "other")),
    "person_request.overdue": Rule(("coordinator", "other")),
    "erasure.completed": Rule(("coordinator", "other")),
    "retention.due": Rule(("coordinator",)),
    "endpoint.verification": _OWN,
    "endpoint.tested": _OWN,
    "endpoint.url_proposed": _OWN,
    "endpoint.url_approved": _OWN,
    "endpoint.url_rejected": _OWN,
    "endpoint.failing": _OWN,
    "endpoint.disabled": _OWN,
    "inbound.quarantined": _OWN,
    "audit.checkpoint": _OWN,
}

EVENT_TYPES = tuple(ENTITLEMENTS)


def view_of(event_type: str, roles: Iterable[str]) -> str | None:
    """ "full", "thin" or None (not entitled) for an agency standing in `roles` to the fact."""
    rule = ENTITLEMENTS[event_type]
    mine = set(roles)
    if mine.intersection(rule.full):
        return "full"
    return "thin" if mine.intersection(rule.thin) else None


def standing(parts: Iterable[str]) -> list[str]:
    """The roles in which an agency with these parts in a case reads its timeline: whoever supervises the coordinator
    sees the work as it does."""
    return ["coordinator" if part == "supervisor" else part for part in parts]


def audience(
    event_type: str, participants: Mapping[str, Iterable[str]], parties: Mapping[str, Iterable[str]]
) -> dict[str, str]:
    """Agency → view, from agency → roles of the case's participants and of the fact's own parties."""
    views: dict[str, str] = {}
    for agency in {*participants, *parties}:
        roles = (*participants.get(agency, ()), *parties.get(agency, ()))
        view = view_of(event_type, roles)
        if view is not None:
            views[agency] = view
    return views

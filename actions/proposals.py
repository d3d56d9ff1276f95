"""Drafts a union's proposal, sends it with what is counted on that day, takes the reply, and watches its clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.events import record_event
from actions.system import SystemFact, record_all_for_system, record_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import proposals
from db.queries.calendar import calendar_of
from db.transaction import Tx
from rules.calendar import WorkCalendar
from rules.errors import FieldError, Hidden, InvalidTransition, PreconditionFailed, ValidationFailed
from rules.proposals import (
    RESULTS,
    ProposalStatus,
    ProposalStep,
    ReplyWords,
    allowed_steps,
    check_addressee,
    check_drafting,
    check_step,
    parts_in_proposal,
    reply_due,
    shown_evidence,
)
from rules.rights import Subject


@dataclass(frozen=True, slots=True)
class OpenedProposal:
    """A proposal as its union or its addressee sees it."""

    proposal: asyncpg.Record
    allowed_steps: tuple[str, ...]


async def draft(tx: Tx, words: Mapping[str, object]) -> OpenedProposal:
    """Writes a draft; `words` by column. Three statements. Raises Conflict for whoever is no union, ValidationFailed
    for an addressee that is none."""
    check_drafting(tx.rights.agency_kind)
    await _check_addressee(tx, words.get("addressee_agency_id"), words.get("addressee_name"))
    proposal_id = new_id()
    await proposals.insert_proposal(tx, proposal_id, words)
    _mark(tx, "draft", proposal_id, need=words["need"])
    return await read(tx, proposal_id)


async def change(tx: Tx, proposal_id: UUID, words: Mapping[str, object], *, version: int) -> OpenedProposal:
    """Changes a draft that stands at `version`. Four statements. Raises Hidden, InsufficientRole, PreconditionFailed,
    InvalidTransition once it was sent, ValidationFailed."""
    before = await _locked(tx, proposal_id, version)
    if before["status"] != ProposalStatus.draft:
        raise InvalidTransition(before["status"], opened(tx, before).allowed_steps)
    after = {**before, **words}
    await _check_addressee(tx, after["addressee_agency_id"], after["addressee_name"])
    await proposals.update_proposal(tx, proposal_id, words)
    _mark(tx, "change", proposal_id, changed=sorted(words))
    return await read(tx, proposal_id)


async def _check_addressee(tx: Tx, agency: object, name: object) -> None:
    check_addressee(agency, None if name is None else str(name))
    if isinstance(agency, UUID) and not await proposals.is_another_active_agency(tx, agency):
        raise ValidationFailed(FieldError("/addressee_agency", "not-another-active-agency"))


async def read(tx: Tx, proposal_id: UUID) -> OpenedProposal:
    """One statement. Raises Hidden, InsufficientRole."""
    found = await proposals.find_proposal(tx, proposal_id)
    if found is None:
        raise Hidden
    require_part(tx, Subject.proposal, _parts(tx, found))
    return opened(tx, found)


async def take_proposal_step(
    tx: Tx, proposal_id: UUID, step: str, words: ReplyWords, *, version: int
) -> OpenedProposal:
    """Sends, replies to or withdraws a proposal that stands at `version`. Four statements, one more to send.

    Raises Hidden, InsufficientRole, PreconditionFailed, InvalidTransition, ValidationFailed.
    """
    before = await _locked(tx, proposal_id, version)
    check_step(step, dict(before), _parts(tx, before), words)
    changes: dict[str, object] = {"status": RESULTS[step], "next_due": None}
    if step == ProposalStep.send:
        changes |= await _sending(tx, before)
    elif step == ProposalStep.reply:
        said = {"decision": words.decision, "reply_reason": words.reason, "reply_text": words.text}
        changes |= {**said, "replied_at": tx.now}
    await proposals.update_proposal(tx, proposal_id, changes)
    taken = await read(tx, proposal_id)
    _mark(tx, step, proposal_id, **({"decision": words.decision} if words.decision else {}))
    _tell(tx, before["status"], taken.proposal)
    return taken


async def _sending(tx: Tx, proposal: asyncpg.Record) -> dict[str, object]:
    """What is fixed when a proposal is sent: the counts of that day, and by when a reply is due."""
    counted = await proposals.evidence_for(tx, proposal["need"])
    due = reply_due(tx.now, proposal["reply_days"], await calendar_of(tx))
    return {
        "evidence": json.dumps(shown_evidence(counted)),
        "sent_at": tx.now,
        "due_by": due.at,
        "due_confirmed": due.confirmed,
        "next_due": due.at,
    }


async def _locked(tx: Tx, proposal_id: UUID, version: int) -> asyncpg.Record:
    found = await proposals.lock_proposal(tx, proposal_id)
    if found is None:
        raise Hidden
    require_part(tx, Subject.proposal, _parts(tx, found))
    if found["version"] != version:
        raise PreconditionFailed(f'"v{found["version"]}"')
    return found


def _parts(tx: Tx, proposal: asyncpg.Record) -> frozenset[str]:
    owner, addressee = proposal["agency_id"], proposal["addressee_agency_id"]
    return parts_in_proposal(tx.agency_id, owner=owner, addressee=addressee, sent=proposal["sent_at"] is not None)


def opened(tx: Tx, proposal: asyncpg.Record) -> OpenedProposal:
    """A proposal that was read, with what the caller may do now."""
    outside = proposal["addressee_agency_id"] is None
    return OpenedProposal(proposal, allowed_steps(proposal["status"], _parts(tx, proposal), outside=outside))


def _tell(tx: Tx, before: str, proposal: asyncpg.Record) -> None:
    """The union, and the addressee once it was sent one."""
    record_event(
        tx,
        f"proposal.{proposal['status']}",
        subject_type="proposal",
        subject_id=proposal["id"],
        version=proposal["version"],
        case_id=None,
        parties=_told(proposal),
        moved=(before, proposal["status"]),
        changed=("status",),
    )


def _told(proposal: asyncpg.Record) -> dict[str, list[UUID]]:
    addressee = proposal["addressee_agency_id"] if proposal["sent_at"] is not None else None
    return {"sender": [proposal["agency_id"]], "addressee": [] if addressee is None else [addressee]}


def _mark(tx: Tx, verb: str, proposal_id: UUID, **facts: object) -> None:
    leave_mark(tx, f"proposal.{verb}", subject_type="proposal", subject_id=proposal_id, facts=facts)


async def fire_replies(raw: Raw, now: datetime, limit: int) -> int:
    """Says once of each proposal without a reply that its time has run out; how many. Two statements."""
    late = await proposals.fire_due(raw, now, limit)
    await record_all_for_system(raw, [_late(proposal) for proposal in late], now)
    return len(late)


def _late(proposal: asyncpg.Record) -> SystemFact:
    return _fact(proposal, "proposal.overdue", "proposal.overdue", proposal["version"], changed="overdue")


async def count_reply_again(raw: Raw, proposal_id: UUID, *, now: datetime, calendar: WorkCalendar) -> bool:
    """Counts the time of a reply again under a calendar that has become official. Three statements. False where nothing
    changed, or somebody is just working on it."""
    proposal = await proposals.lock_for_clock(raw, proposal_id)
    if proposal is None:
        return False
    due = reply_due(proposal["sent_at"], proposal["reply_days"], calendar)
    if (due.at, due.confirmed) == (proposal["due_by"], False):
        return False
    version = await proposals.set_due(raw, proposal_id, due.at, confirmed=due.confirmed, now=now)
    fact = _fact(proposal, "deadline.recalculated", "proposal.recalculate", version, changed="due_by")
    await record_for_system(raw, fact, now)
    return True


def _fact(proposal: asyncpg.Record, event: str, action: str, version: int, *, changed: str) -> SystemFact:
    return SystemFact(
        type=event,
        action=action,
        subject_type="proposal",
        subject_id=proposal["id"],
        version=version,
        agency_id=proposal["agency_id"],
        parties=_told(proposal),
        changed=(changed,),
    )

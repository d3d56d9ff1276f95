"""Refers needs to the offices whose duty they are, and takes the steps of a referral."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from actions.access import require_part
from actions.audit import leave_mark
from actions.cases import SHANGHAI, seen_case
from actions.events import record_event
from crypto.ids import new_id
from db.queries import agencies, cases, matters, referrals, results
from db.queries.calendar import calendar_of
from db.transaction import Tx
from rules.ages import age_band
from rules.deadlines import shanghai_day
from rules.errors import Conflict, DuplicateRecord, FieldError, Hidden, ValidationFailed
from rules.escalation import Standing, clock_columns
from rules.matters import Matter
from rules.referral_clocks import dates_at_request
from rules.referrals import parts_in_referral
from rules.results import bars_second_check
from rules.rights import Subject

NOTE_CONTEXT = "referral.note"


@dataclass(frozen=True, slots=True)
class ReferralSaid:
    """What a sender asks for. Without `to_agency` it goes to the open pool of competent offices, unless it is `joint`:
    the coordinator's parent of several referrals (联合救助), which is addressed to nobody."""

    matter: str
    to_agency: UUID | None
    need: str | None
    note: str | None
    part_of: UUID | None
    reopens: UUID | None
    urgency: str
    draft: bool
    joint: bool


@dataclass(frozen=True, slots=True)
class Requested:
    """The new referral, and what the sender should know although it was accepted."""

    referral: asyncpg.Record
    matter: Matter
    warnings: tuple[FieldError, ...]


async def refer(tx: Tx, case_id: UUID, said: ReferralSaid) -> Requested:
    """Refers one matter of a case. About twelve statements.

    The coordinator may, and an office that itself works on the case. Raises Hidden, InsufficientRole, ValidationFailed,
    DuplicateRecord where the sender sees an open referral of the same person and matter, Conflict where what the matter
    checks was recognised and stands.
    """
    await cases.lock_case(tx, case_id)
    case = await seen_case(tx, case_id)
    matter = await matters.find_matter(tx, said.matter)
    if matter is None:
        raise ValidationFailed(FieldError("/matter", "unknown-matter"))
    refuse_closed(case)
    await _check(tx, case, said, matter)
    person_id = await referrals.main_person_of(tx, case_id) if case["kind"] == "household" else None
    if person_id is not None and not said.joint:
        await _refuse_duplicate(tx, person_id, said.matter, part_of=said.part_of, except_id=None)
        await _refuse_second_check(tx, case_id, matter)
    pool = await _pool(tx, case, said)
    row = await _row(tx, case, said, matter, person_id=person_id)
    await referrals.insert_referral(tx, row, [] if said.draft else pool)
    leave_mark(
        tx,
        "referral.request",
        subject_type="referral",
        subject_id=row["id"],
        case_id=case_id,
        facts={"matter": said.matter, "to_agency": str(said.to_agency) if said.to_agency else None},
    )
    referral = await (referrals.find_referral(tx, row["id"]) if said.draft else announce(tx, row["id"], pool))
    assert referral is not None
    return Requested(referral, matter, await _warnings(tx, case, said))


def refuse_closed(case: asyncpg.Record) -> None:
    """A closed case is reopened before anything is asked for in it."""
    if case["status"] == "closed":
        raise Conflict(reason="case-closed")


async def announce(tx: Tx, referral_id: UUID, pool: Sequence[UUID]) -> asyncpg.Record:
    """Makes a requested referral known: to the case, the addressee or pool, a hidden duplicate to the coordinator.

    Returns it as it stands. Three statements.
    """
    duplicate = await referrals.hidden_duplicate_exists(tx, referral_id)
    await referrals.note_on_case(
        tx, referral_id, task_id=new_id(), task_kind="possible_duplicate" if duplicate else None
    )
    referral = await referrals.find_referral(tx, referral_id)
    assert referral is not None
    event = "referral.started" if referral["joint"] else "referral.requested"
    record_referral_event(tx, event, referral, moved=("draft", referral["status"]), pool=pool)
    return referral


def record_referral_event(
    tx: Tx, event_type: str, referral: asyncpg.Record, *, moved: tuple[str, str], pool: Sequence[UUID] = ()
) -> None:
    record_event(
        tx,
        event_type,
        subject_type="referral",
        subject_id=referral["id"],
        version=referral["version"],
        case_id=referral["case_id"],
        parties={"sender": referral["sender_agency_id"], "addressee": referral["to_agency_id"], "pool": pool},
        moved=moved,
        changed=("status",),
    )


async def _check(tx: Tx, case: asyncpg.Record, said: ReferralSaid, matter: Matter) -> None:
    errors = []
    if said.to_agency == tx.agency_id:
        errors.append(FieldError("/to_agency", "referral-to-oneself"))
    elif said.to_agency is not None and not await agencies.active_among(tx, [said.to_agency]):
        errors.append(FieldError("/to_agency", "unknown-agency"))
    if said.joint and said.to_agency is not None:
        errors.append(FieldError("/to_agency", "joint-has-no-addressee"))
    if said.joint and said.draft:
        errors.append(FieldError("/draft", "joint-is-no-draft"))
    if said.joint and "coordinator" not in case["roles"]:
        errors.append(FieldError("/joint", "coordinator-only"))
    if said.need is not None and said.need not in matter.needs:
        errors.append(FieldError("/need", "not-a-need-of-this-matter"))
    errors += await _relation_errors(tx, case["id"], said)
    if errors:
        raise ValidationFailed(*errors)


async def _relation_errors(tx: Tx, case_id: UUID, said: ReferralSaid) -> list[FieldError]:
    """A child belongs to a joint referral under way in the same case; a reopened one ended there with the same
    matter.
    """
    errors = []
    if said.part_of is not None:
        parent = await _party_of(tx, said.part_of)
        if parent is None or parent["case_id"] != case_id or not parent["joint"] or parent["status"] != "in_progress":
            errors.append(FieldError("/part_of", "not-a-joint-referral-under-way"))
    if said.reopens is not None:
        ended = await _party_of(tx, said.reopens)
        if (
            ended is None
            or ended["case_id"] != case_id
            or ended["status"] != "completed"
            or ended["matter_code"] != said.matter
        ):
            errors.append(FieldError("/reopens", "not-a-completed-referral"))
    return errors


async def _party_of(tx: Tx, referral_id: UUID) -> asyncpg.Record | None:
    """The referral where the acting agency has a part in it: what it may not see, it may not refer to either."""
    referral = await referrals.find_referral(tx, referral_id)
    return referral if referral is not None and parts_of(tx, referral) else None


async def _refuse_duplicate(
    tx: Tx, person_id: UUID, matter_code: str, *, part_of: UUID | None, except_id: UUID | None
) -> None:
    existing = await referrals.open_duplicate(
        tx, person_id=person_id, matter_code=matter_code, part_of=part_of, except_id=except_id
    )
    if existing is not None:
        raise DuplicateRecord(f"/v1/referrals/{existing}")


async def _refuse_second_check(tx: Tx, case_id: UUID, matter: Matter) -> None:
    """Recognised once is recognised for all (社会救助法 art. 42), unless the sender said why it does not adopt that."""
    if matter.checks is None:
        return
    day = shanghai_day(tx.now)
    for standing in await results.standing_recognitions(tx, case_id, matter.checks, day):
        if bars_second_check(standing["valid_to"], standing["said"], day=day):
            raise Conflict(reason="recognition-stands")


async def _pool(tx: Tx, case: asyncpg.Record, said: ReferralSaid) -> list[UUID]:
    """Competent offices that may take a referral addressed to nobody. Raises ValidationFailed where there is none."""
    if said.to_agency is not None or said.joint:
        return []
    competent = await matters.competent_agencies(tx, said.matter, case["division_code"])
    pool = [agency for agency in competent if agency != tx.agency_id]
    if not pool:
        raise ValidationFailed(FieldError("/to_agency", "no-competent-agency"))
    return pool


async def _row(
    tx: Tx, case: asyncpg.Record, said: ReferralSaid, matter: Matter, *, person_id: UUID | None
) -> dict[str, Any]:
    referral_id = new_id()
    status = "draft" if said.draft else "in_progress" if said.joint else "requested"
    row: dict[str, Any] = {
        "id": referral_id,
        "case_id": case["id"],
        "person_id": person_id,
        "matter_code": said.matter,
        "need": said.need or matter.needs[0],
        "sender_agency_id": tx.agency_id,
        "coordinator_agency_id": case["coordinator_agency_id"],
        "to_agency_id": said.to_agency,
        "pooled": said.to_agency is None and not said.joint,
        "joint": said.joint,
        "status": status,
        "urgency": said.urgency,
        "place": case["division_code"],
        "age_band": age_band(case["main_birth_date"], tx.now.astimezone(SHANGHAI).date()),
        "note": tx.vault.cipher.seal(said.note, f"{NOTE_CONTEXT}:{referral_id}") if said.note else None,
        "part_of": said.part_of,
        "reopens": said.reopens,
        "started_at": tx.now if said.joint else None,
        "overdue": [],
        "rung": [],
        "return_count": 0,
        "extended": False,
        "due_confirmed": True,
        "created_at": tx.now,
        "updated_at": tx.now,
        "version": 1,
    }
    if status == "requested":
        row |= await request_columns(tx, matter, said.urgency, case["division_code"])
        row["assigned_by"] = await _assignment(tx, case["id"], said.matter, said.to_agency)
    return row


async def _assignment(tx: Tx, case_id: UUID, matter_code: str, to_agency: UUID | None) -> UUID | None:
    """The agenda item by which a conference named this office, where the coordinator refers as it was asked to."""
    return None if to_agency is None else await referrals.take_up_assignment(tx, case_id, matter_code, to_agency)


async def request_columns(tx: Tx, matter: Matter, urgency: str, place: str) -> dict[str, Any]:
    """What a referral gets when it is requested: its dates, counted from now. Two statements."""
    clocks, calendar = await matters.clocks_for(tx, matter, place), await calendar_of(tx)
    dates = dates_at_request(
        clocks, requested_at=tx.now, urgency=urgency, resolve_from=matter.resolve_from, calendar=calendar
    )
    standing = Standing("requested", received=False, urgency=urgency)
    return {"requested_at": tx.now, **clock_columns(dates, standing, now=tx.now, calendar=calendar)}


async def _warnings(tx: Tx, case: asyncpg.Record, said: ReferralSaid) -> tuple[FieldError, ...]:
    """The list may lag behind the world, so an office it does not name is warned about and may itself say 'not
    mine'.
    """
    if said.to_agency is None or await matters.is_competent(tx, said.to_agency, said.matter, case["division_code"]):
        return ()
    return (FieldError("/to_agency", "agency-not-competent"),)


async def send_draft(tx: Tx, referral: asyncpg.Record) -> dict[str, Any]:
    """What sending a draft changes; the duplicate guard stands again, since time has passed. Five statements."""
    refuse_closed(await seen_case(tx, referral["case_id"]))
    if referral["person_id"] is not None:
        await _refuse_duplicate(
            tx, referral["person_id"], referral["matter_code"], part_of=referral["part_of"], except_id=referral["id"]
        )
    matter = await matters.find_matter(tx, referral["matter_code"])
    assert matter is not None
    if referral["person_id"] is not None:
        await _refuse_second_check(tx, referral["case_id"], matter)
    columns = await request_columns(tx, matter, referral["urgency"], referral["place"])
    assigned_by = await _assignment(tx, referral["case_id"], referral["matter_code"], referral["to_agency_id"])
    return columns | {"assigned_by": assigned_by}


async def seen_referral(tx: Tx, referral_id: UUID) -> asyncpg.Record:
    """The referral. Raises Hidden where the acting agency has no part in it. One statement."""
    referral = await referrals.find_referral(tx, referral_id)
    if referral is None:
        raise Hidden
    require_part(tx, Subject.referral, parts_of(tx, referral), erased=referral["erased_at"] is not None)
    return referral


def parts_of(tx: Tx, referral: asyncpg.Record) -> frozenset[str]:
    """The acting agency's parts in a referral."""
    return parts_in_referral(
        tx.agency_id,
        tx.rights.below,
        sender=referral["sender_agency_id"],
        coordinator=referral["coordinator_agency_id"],
        receiver=referral["to_agency_id"],
        status=referral["status"],
        offered=referral["offered"],
    )

"""What the clock does to referrals: says that a date has passed, takes back what nobody answered, counts again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.system import SystemFact, record_all_for_system, record_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import clocks
from rules.calendar import WorkCalendar
from rules.deadlines import shanghai_day
from rules.escalation import STOPPED, Standing, clock_columns
from rules.expiry import expires_at
from rules.matters import parse_matter, tightened
from rules.recalculation import Asked, Taken, recalculated
from rules.referral_clocks import Dates
from rules.referrals import OPEN_STATUSES, Clocks, Position, next_due, parent_outcome, take_step

_DATES = ("acknowledge_by", "accept_by", "resolve_by")


async def fire_clocks(raw: Raw, due: Sequence[UUID], now: datetime) -> int:
    """Says of each of these referrals that its next date has passed; once for each clock. How many. Three statements,
    however many they are.

    Where nothing is due, or somebody is just working on the case, the referral is left for the next round.
    """
    late = await clocks.lock_due_referrals(raw, due, now)
    passed = {referral["id"]: _passed(referral, now) for referral in late}
    versions = await clocks.update_due(
        raw, [(each, fired, following) for each, (fired, following) in passed.items()], now
    )
    facts = []
    for referral in late:
        fired, _ = passed[referral["id"]]
        if fired is not None:
            version = versions[referral["id"]]
            facts.append(fact_of(referral, "referral.overdue", version, changed=("overdue",), facts={"clock": fired}))
    await record_all_for_system(raw, facts, now)
    return len(late)


def _passed(referral: asyncpg.Record, now: datetime) -> tuple[str | None, datetime | None]:
    """The clock that has run out, if one has, and when the next fires."""
    due = _due(referral, referral["overdue"])
    fired = due[0] if due and due[1] <= now else None
    following = _due(referral, [*referral["overdue"], fired] if fired else referral["overdue"])
    return fired, following[1] if following else None


async def expire(raw: Raw, referral_id: UUID, case_id: UUID, *, now: datetime, calendar: WorkCalendar) -> bool:
    """Takes back a referral nobody answered and gives its need to the coordinator as a task. About eight statements.

    False where its time has not come, or somebody is just working on it.
    """
    referral = await clocks.lock_referral(raw, referral_id, case_id)
    if referral is None or referral["status"] != "requested" or referral["accept_by"] is None:
        return False
    if expires_at(referral["accept_by"], calendar) > now:
        return False
    transition = take_step(_position(referral), "expire", ("clock",))
    version = await clocks.update_referral(
        raw, referral_id, {"status": transition.to_status, "ended_at": now, **STOPPED}, now
    )
    await clocks.insert_step(raw, new_id(), referral, "expire", to_status=transition.to_status, deadlines={}, now=now)
    case_version = await clocks.note_on_case(raw, referral_id, task_id=new_id(), task_kind="reroute", now=now)
    pool = await clocks.pool_of(raw, referral_id) if referral["pooled"] else []
    moved = (referral["status"], transition.to_status)
    await record_for_system(
        raw,
        fact_of(
            referral, transition.event, version, action="referral.expire", moved=moved, changed=("status",), pool=pool
        ),
        now,
    )
    await _tell_case(raw, referral, case_version, now)
    if referral["part_of"] is not None:
        await _complete_parent(raw, referral["part_of"], now)
    return True


async def count_again(raw: Raw, referral_id: UUID, case_id: UUID, *, now: datetime, calendar: WorkCalendar) -> bool:
    """Counts the dates of an open referral again under a calendar that has become official; the old ones are kept in a
    step. About eight statements. False where nothing changed, or somebody is just working on it.
    """
    referral = await clocks.lock_referral(raw, referral_id, case_id)
    if referral is None or referral["due_confirmed"] or referral["status"] not in OPEN_STATUSES:
        return False
    dates = recalculated(
        await _asked(raw, referral),
        [Taken(row["step"], row["reason"], row["taken_at"]) for row in await clocks.steps_of(raw, referral_id)],
        calendar,
    )
    moved = _moved(referral, dates)
    if not moved and not dates.confirmed:
        return False
    columns = clock_columns(dates, standing_of(referral), now=now, calendar=calendar)
    if referral["clock_stopped_at"] is not None:
        columns |= STOPPED
    version = await clocks.update_referral(raw, referral_id, columns, now)
    if moved:
        await clocks.insert_step(
            raw, new_id(), referral, "recalculate", to_status=referral["status"], deadlines=moved, now=now
        )
        fact = fact_of(referral, "deadline.recalculated", version, action="referral.recalculate", changed=tuple(moved))
        await record_for_system(raw, fact, now)
    return True


def standing_of(referral: asyncpg.Record, *, rung: Sequence[str] | None = None) -> Standing:
    """Where a referral stands towards its clocks; `rung` in place of what rang so far."""
    received, so_far = referral["received_at"] is not None, referral["rung"] if rung is None else rung
    return Standing(referral["status"], received, referral["urgency"], referral["overdue"], so_far)


def _due(referral: asyncpg.Record, fired: list[str]) -> tuple[str, datetime] | None:
    dates = Clocks(referral["acknowledge_by"], referral["accept_by"], referral["resolve_by"])
    return next_due(referral["status"], referral["received_at"] is not None, dates, fired)


def _position(referral: asyncpg.Record) -> Position:
    return Position(
        status=referral["status"],
        statutory_duty=False,  # bars refusing, which the clock does not do
        return_count=referral["return_count"],
        extended=referral["extended"],
        received=referral["received_at"] is not None,
    )


def fact_of(
    referral: asyncpg.Record,
    event_type: str,
    version: int,
    *,
    action: str | None = None,
    moved: tuple[str, str] | None = None,
    changed: tuple[str, ...],
    pool: list[UUID] | None = None,
    superior: UUID | None = None,
    facts: Mapping[str, object] | None = None,
) -> SystemFact:
    """What the clock did, for the parties of the referral. `action` names the step that the clock took, as a person's
    would be named; none where it took none."""
    return SystemFact(
        type=event_type,
        action=action or event_type,
        subject_type="referral",
        subject_id=referral["id"],
        version=version,
        agency_id=referral["coordinator_agency_id"],
        case_id=referral["case_id"],
        parties={
            "sender": (referral["sender_agency_id"],),
            "addressee": (referral["to_agency_id"],),
            "pool": pool or (),
            "superior": (superior,),
        },
        moved=moved,
        changed=changed,
        facts=facts or {},
    )


async def _tell_case(raw: Raw, referral: asyncpg.Record, version: int, now: datetime) -> None:
    """Participants who may not see the referral learn that the case's needs changed."""
    fact = SystemFact(
        type="case.updated",
        action="case.update_needs",
        subject_type="case",
        subject_id=referral["case_id"],
        version=version,
        agency_id=referral["coordinator_agency_id"],
        case_id=referral["case_id"],
        changed=("needs",),
    )
    await record_for_system(raw, fact, now)


async def _complete_parent(raw: Raw, parent_id: UUID, now: datetime) -> None:
    """A joint referral completes by rule when the last of its children ends; it is of the same case, locked already."""
    outcome = parent_outcome(await clocks.children_of(raw, parent_id))
    parent = await clocks.find_referral(raw, parent_id)
    if outcome is None or parent is None or parent["status"] != "in_progress":
        return
    version = await clocks.update_referral(
        raw, parent_id, {"status": "completed", "outcome": outcome, "ended_at": now, **STOPPED}, now
    )
    await clocks.note_on_case(raw, parent_id, task_id=new_id(), task_kind=None, now=now)
    fact = fact_of(
        parent,
        "referral.completed",
        version,
        moved=("in_progress", "completed"),
        changed=("status",),
        facts={"by": "rule", "outcome": outcome},
    )
    await record_for_system(raw, fact, now)


async def _asked(raw: Raw, referral: asyncpg.Record) -> Asked:
    matter = parse_matter(await clocks.definition_of(raw, referral["matter_code"]))
    day = shanghai_day(referral["requested_at"])
    overrides = await clocks.overrides_for(raw, matter.code, referral["place"], day)
    return Asked(
        tightened(matter, overrides).clocks,
        referral["requested_at"],
        urgency=referral["urgency"],
        resolve_from=matter.resolve_from,
    )


def _moved(referral: asyncpg.Record, dates: Dates) -> dict[str, object]:
    counted = {"acknowledge_by": dates.acknowledge_by, "accept_by": dates.accept_by, "resolve_by": dates.resolve_by}
    return {
        name: {"from": _iso(referral[name]), "to": _iso(counted[name])}
        for name in _DATES
        if counted[name] != referral[name]
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

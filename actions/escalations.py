"""What rings before and after the dates of a referral: the office is reminded, what is late is told upwards (督办)."""

from datetime import datetime
from uuid import UUID

import asyncpg

from actions.clocks import fact_of, standing_of
from actions.system import record_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import clocks, escalations
from rules.calendar import WorkCalendar
from rules.escalation import REMINDER, Alarm, Level, alarm_columns, read_alarm
from rules.referrals import Clocks, running_clocks


async def ring(raw: Raw, referral_id: UUID, case_id: UUID, *, now: datetime, calendar: WorkCalendar) -> bool:
    """Rings the alarm of a referral that is due, once, and sets the next. Three to seven statements.

    False where none is due, or somebody is just working on it. An alarm whose clock was met meanwhile is silent.
    """
    referral = await clocks.lock_referral(raw, referral_id, case_id)
    if referral is None or referral["alarm_at"] is None or referral["alarm_at"] > now:
        return False
    dates = Clocks(referral["acknowledge_by"], referral["accept_by"], referral["resolve_by"])
    standing = standing_of(referral)
    running = dict(running_clocks(standing.status, standing.received, dates))
    alarm = read_alarm(referral["alarm"], referral["alarm_at"], running)
    if alarm is not None and referral["clock_stopped_at"] is None:
        await _tell(raw, referral, alarm, now)
    rung = [*referral["rung"], *([alarm.name] if alarm else [])]
    following = alarm_columns(dates, standing_of(referral, rung=rung), now=now, calendar=calendar)
    await clocks.set_alarm(raw, referral_id, rung=rung, **following)
    return True


async def _tell(raw: Raw, referral: asyncpg.Record, alarm: Alarm, now: datetime) -> None:
    if alarm.kind != REMINDER:
        await _escalate(raw, referral, alarm, now)
    elif alarm.due > now:
        pool = await clocks.pool_of(raw, referral["id"]) if referral["pooled"] else []
        fact = fact_of(
            referral, "referral.reminded", referral["version"], changed=(), pool=pool, facts={"clock": alarm.clock}
        )
        await record_for_system(raw, fact, now)


async def _escalate(raw: Raw, referral: asyncpg.Record, alarm: Alarm, now: datetime) -> None:
    """Tells whoever stands above: the late office's superior, then the coordinator's. Nobody is above an open pool's
    offices."""
    office, coordinator = referral["to_agency_id"], referral["coordinator_agency_id"]
    late = office if alarm.kind == Level.head else coordinator
    if late is None:
        return
    told = await escalations.superior_of(raw, late)
    await escalations.insert(raw, new_id(), referral, alarm, told=told, now=now)
    fact = fact_of(
        referral,
        "referral.escalated",
        referral["version"],
        action="referral.escalate",
        changed=("escalation",),
        superior=told,
        facts={"clock": alarm.clock, "level": alarm.kind},
    )
    await record_for_system(raw, fact, now)

"""What rings before and after the dates of a referral: the office is reminded, what is late is told upwards (督办)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from actions.clocks import fact_of, standing_of
from actions.system import SystemFact, record_all_for_system
from crypto.ids import new_id
from db.engine import Raw
from db.queries import clocks, escalations
from db.queries.clocks import NextAlarm
from rules.calendar import WorkCalendar
from rules.escalation import REMINDER, Alarm, Level, alarm_columns, read_alarm
from rules.referrals import Clocks, running_clocks


async def ring(raw: Raw, due: Sequence[UUID], *, now: datetime, calendar: WorkCalendar) -> int:
    """Rings the alarms of these referrals that are due, each once, and sets the next of each; how many. Four
    statements, two more for each that climbs.

    Where none is due, or somebody is just working on the case, the referral is left for the next round. An alarm whose
    clock was met meanwhile is silent.
    """
    alarmed = await clocks.lock_alarmed_referrals(raw, due, now)
    pools = await clocks.pools_of(raw, [referral["id"] for referral in alarmed if referral["pooled"]])
    facts, following = [], []
    for referral in alarmed:
        alarm = _alarm_of(referral)
        if alarm is not None and referral["clock_stopped_at"] is None:
            fact = await _fact(raw, referral, alarm, pool=pools.get(referral["id"], []), now=now)
            facts += [fact] if fact else []
        following.append(_following(referral, alarm, now, calendar))
    await clocks.set_alarms(raw, following)
    await record_all_for_system(raw, facts, now)
    return len(alarmed)


def _dates(referral: asyncpg.Record) -> Clocks:
    return Clocks(referral["acknowledge_by"], referral["accept_by"], referral["resolve_by"])


def _alarm_of(referral: asyncpg.Record) -> Alarm | None:
    standing = standing_of(referral)
    running = dict(running_clocks(standing.status, standing.received, _dates(referral)))
    return read_alarm(referral["alarm"], referral["alarm_at"], running)


def _following(referral: asyncpg.Record, alarm: Alarm | None, now: datetime, calendar: WorkCalendar) -> NextAlarm:
    rung = [*referral["rung"], *([alarm.name] if alarm else [])]
    columns = alarm_columns(_dates(referral), standing_of(referral, rung=rung), now=now, calendar=calendar)
    return NextAlarm(referral["id"], alarm and alarm.name, columns["alarm_at"], columns["alarm"])


async def _fact(
    raw: Raw, referral: asyncpg.Record, alarm: Alarm, *, pool: list[UUID], now: datetime
) -> SystemFact | None:
    """What there is to tell: of a date that is near, or of one that has passed unmet."""
    if alarm.kind != REMINDER:
        return await _escalated(raw, referral, alarm, now)
    if alarm.due <= now:
        return None
    facts = {"clock": alarm.clock}
    return fact_of(referral, "referral.reminded", referral["version"], changed=(), pool=pool, facts=facts)


async def _escalated(raw: Raw, referral: asyncpg.Record, alarm: Alarm, now: datetime) -> SystemFact | None:
    """Tells whoever stands above: the late office's superior, then the coordinator's. Nobody is above an open pool's
    offices."""
    office, coordinator = referral["to_agency_id"], referral["coordinator_agency_id"]
    late = office if alarm.kind == Level.head else coordinator
    if late is None:
        return None
    told = await escalations.superior_of(raw, late)
    await escalations.insert(raw, new_id(), referral, alarm, told=told, now=now)
    return fact_of(
        referral,
        "referral.escalated",
        referral["version"],
        action="referral.escalate",
        changed=("escalation",),
        superior=told,
        facts={"clock": alarm.clock, "level": alarm.kind},
    )

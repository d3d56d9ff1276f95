"""Referrals whose clocks have run out, as the jobs see them: states and dates, nobody's name."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.queries.divisions import ABOVE

_COLUMNS = """id, case_id, matter_code, sender_agency_id, coordinator_agency_id, to_agency_id, pooled, joint, status,
    urgency, place, part_of, requested_at, received_at, clock_stopped_at, acknowledge_by, accept_by, resolve_by,
    due_confirmed, next_due, overdue, alarm, alarm_at, rung, need, return_count, extended, outcome, version"""
_FIND = f"SELECT {_COLUMNS} FROM referral WHERE id = $1"  # noqa: S608  column names only


async def overdue_referrals(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """(id, case) of referrals with a clock that ran out by `now`, the earliest first."""
    return await raw.fetch(
        "SELECT id, case_id FROM referral WHERE next_due <= $1 ORDER BY next_due LIMIT $2", now, limit
    )


async def unanswered_referrals(raw: Raw, before: datetime, limit: int) -> list[asyncpg.Record]:
    """(id, case) of referrals nobody accepted or refused by their date, that date being before `before`."""
    return await raw.fetch(
        "SELECT id, case_id FROM referral WHERE status = 'requested' AND accept_by < $1 ORDER BY accept_by LIMIT $2",
        before,
        limit,
    )


async def provisional_referrals(raw: Raw, after: UUID, limit: int) -> list[asyncpg.Record]:
    """(id, case) of open referrals with dates beyond the confirmed calendar, by id."""
    return await raw.fetch(
        "SELECT id, case_id FROM referral WHERE NOT due_confirmed AND id > $1 AND requested_at IS NOT NULL "
        "   AND status IN ('requested', 'returned', 'accepted', 'in_progress', 'on_hold') ORDER BY id LIMIT $2",
        after,
        limit,
    )


async def alarmed_referrals(raw: Raw, now: datetime, limit: int) -> list[asyncpg.Record]:
    """(id, case) of referrals with an alarm that rings by `now`, the earliest first."""
    return await raw.fetch(
        "SELECT id, case_id FROM referral WHERE alarm_at <= $1 ORDER BY alarm_at LIMIT $2", now, limit
    )


class NextAlarm(NamedTuple):
    """Which alarm of a referral rang, if one did, and which rings next."""

    referral_id: UUID
    rung: str | None
    alarm_at: datetime | None
    alarm: str | None


async def set_alarms(raw: Raw, following: Sequence[NextAlarm]) -> None:
    """Notes what rang and what rings next. Versions stay: nothing that a party wrote or reads has changed."""
    columns = zip(*following, strict=True) if following else ((), (), (), ())
    await raw.execute(
        "UPDATE referral r SET rung = CASE WHEN n.rung IS NULL THEN r.rung ELSE r.rung || n.rung END,"
        "       alarm_at = n.alarm_at, alarm = n.alarm "
        "  FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[]) AS n (id, rung, alarm_at, alarm)"
        " WHERE r.id = n.id",
        *map(list, columns),
    )


async def lock_referral(raw: Raw, referral_id: UUID, case_id: UUID) -> asyncpg.Record | None:
    """The referral, once its case and its row are locked, in that order as everywhere; None while somebody else has
    either: the next round finds it again."""
    if not await raw.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1::uuid::text, 4))", case_id):
        return None
    return await raw.fetchrow(f"{_FIND} FOR UPDATE SKIP LOCKED", referral_id)


_LOCK_SEVERAL = f"""
WITH wanted AS MATERIALIZED (SELECT id, case_id FROM referral WHERE id = ANY ($1)),
ours AS MATERIALIZED (
    SELECT id FROM wanted WHERE pg_try_advisory_xact_lock(hashtextextended(case_id::text, 4)))
SELECT {_COLUMNS} FROM referral WHERE id IN (SELECT id FROM ours)"""  # noqa: S608  column names only


async def lock_due_referrals(raw: Raw, referral_ids: Sequence[UUID], now: datetime) -> list[asyncpg.Record]:
    """Those of these referrals with a clock that ran out by `now`, once case and row are locked, without waiting for
    either."""
    locked = f"{_LOCK_SEVERAL} AND next_due <= $2 ORDER BY id FOR UPDATE SKIP LOCKED"
    return await raw.fetch(locked, list(referral_ids), now)


async def lock_alarmed_referrals(raw: Raw, referral_ids: Sequence[UUID], now: datetime) -> list[asyncpg.Record]:
    """The same of those with an alarm that rings by `now`."""
    locked = f"{_LOCK_SEVERAL} AND alarm_at <= $2 ORDER BY id FOR UPDATE SKIP LOCKED"
    return await raw.fetch(locked, list(referral_ids), now)


async def update_due(
    raw: Raw, passed: Sequence[tuple[UUID, str | None, datetime | None]], now: datetime
) -> dict[UUID, int]:
    """Notes of locked rows which clock fired and when the next does: (id, clock, next). Their new versions."""
    ids, fired, following = zip(*passed, strict=True) if passed else ((), (), ())
    rows = await raw.fetch(
        "UPDATE referral r SET overdue = CASE WHEN p.fired IS NULL THEN r.overdue ELSE r.overdue || p.fired END,"
        "       next_due = p.following, updated_at = $4, version = r.version + 1 "
        "  FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS p (id, fired, following) WHERE r.id = p.id "
        "RETURNING r.id, r.version",
        ids,
        fired,
        following,
        now,
    )
    return {row["id"]: row["version"] for row in rows}


async def find_referral(raw: Raw, referral_id: UUID) -> asyncpg.Record | None:
    return await raw.fetchrow(_FIND, referral_id)


async def update_referral(raw: Raw, referral_id: UUID, changes: Mapping[str, object], now: datetime) -> int:
    """Applies changed columns to a locked row; returns its new version."""
    sets = ", ".join(f"{name} = ${position}" for position, name in enumerate(changes, start=3))
    return int(
        await raw.fetchval(
            f"UPDATE referral SET {sets}, updated_at = $2, version = version + 1 WHERE id = $1 RETURNING version",  # noqa: S608  columns of ours
            referral_id,
            now,
            *changes.values(),
        )
    )


async def insert_step(
    raw: Raw, step_id: UUID, referral: asyncpg.Record, step: str, *, to_status: str, deadlines: object, now: datetime
) -> None:
    """A step the clock took, in the name of the coordinator."""
    await raw.execute(
        "INSERT INTO referral_step (id, referral_id, agency_id, step, from_status, to_status, deadlines, taken_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8)",
        step_id,
        referral["id"],
        referral["coordinator_agency_id"],
        step,
        referral["status"],
        to_status,
        json.dumps(deadlines),
        now,
    )


async def steps_of(raw: Raw, referral_id: UUID) -> list[asyncpg.Record]:
    """Steps taken, oldest first."""
    return await raw.fetch(
        "SELECT step, reason, taken_at FROM referral_step WHERE referral_id = $1 ORDER BY taken_at", referral_id
    )


async def children_of(raw: Raw, parent_id: UUID) -> list[tuple[str, str | None]]:
    """(status, outcome) of the referrals under a joint one."""
    rows = await raw.fetch("SELECT status, outcome FROM referral WHERE part_of = $1", parent_id)
    return [(row["status"], row["outcome"]) for row in rows]


async def pools_of(raw: Raw, referral_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Offices that these referrals were offered to, by referral."""
    pools: dict[UUID, list[UUID]] = {}
    if referral_ids:
        query = "SELECT referral_id, agency_id FROM referral_pool WHERE referral_id = ANY ($1)"
        for row in await raw.fetch(query, list(referral_ids)):
            pools.setdefault(row["referral_id"], []).append(row["agency_id"])
    return pools


async def pool_of(raw: Raw, referral_id: UUID) -> list[UUID]:
    rows = await raw.fetch("SELECT agency_id FROM referral_pool WHERE referral_id = $1", referral_id)
    return [row["agency_id"] for row in rows]


async def note_on_case(raw: Raw, referral_id: UUID, *, task_id: UUID, task_kind: str | None, now: datetime) -> int:
    """Carries the referral's state into its case; returns the case's new version."""
    return int(
        await raw.fetchval(
            "SELECT case_version FROM note_referral($1, $2, $3, $4)", referral_id, task_id, task_kind, now
        )
    )


async def definition_of(raw: Raw, matter_code: str) -> dict[str, Any]:
    """The matter as the list has it, for rules/matters.py to read."""
    definition: dict[str, Any] = json.loads(
        await raw.fetchval("SELECT definition::text FROM matter WHERE code = $1", matter_code)
    )
    return definition


async def overrides_for(raw: Raw, matter_code: str, place: str, day: date) -> Sequence[Mapping[str, object]]:
    """Stricter clocks of a division and those above it, highest first, as JSON."""
    rows = await raw.fetch(
        f"WITH RECURSIVE {ABOVE} SELECT o.clocks::text FROM above u JOIN matter_override o ON o.division_code = u.code "  # noqa: S608  constants
        " WHERE o.matter_code = $2 AND o.valid_from <= $3 ORDER BY u.distance DESC",
        place,
        matter_code,
        day,
    )
    return [json.loads(row["clocks"]) for row in rows]

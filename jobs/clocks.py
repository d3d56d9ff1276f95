"""Watches the clocks of referrals, adoptions, requests of persons and replies to proposals in business time: what has
passed is said, what nobody answered is taken back, what was decided until a day is open again; every night new cases
are counted. And, in real time, emergency uses that nobody judged, decoys that somebody touched, agencies that try
identities out, and endpoints that only fail."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from actions.alerts import tell_of_late_alerts, watch_clusters
from actions.break_glass import remind_of_reviews
from actions.clocks import count_again, expire, fire_clocks
from actions.conference_tasks import fire_conference_clocks
from actions.deliveries import warn_owners
from actions.escalations import ring
from actions.expected_adoptions import count_expected_again, fire_overdue
from actions.honey import tell_of_touches
from actions.letters import fire_letter_clocks
from actions.match_candidates import lapse, tell_of_probing
from actions.person_clocks import count_request_again, fire_request_clock
from actions.plans import tell_of_late_tasks
from actions.proposals import count_reply_again, fire_replies
from actions.share_requests import count_share_again, fire_share_clocks
from db.clock import real_time
from db.engine import Database, Raw
from db.queries import clocks, expected_adoptions, match_candidates, person_requests, proposals, share_requests
from db.queries.calendar import load_calendar
from db.transaction import open_system_transaction
from rules.calendar import WorkCalendar
from rules.deadlines import shanghai_day
from rules.expiry import GRACE_WORKING_DAYS

Act: TypeAlias = Callable[[Raw, UUID, UUID], Awaitable[bool]]
Find: TypeAlias = Callable[[Raw, UUID, int], Awaitable[list[asyncpg.Record]]]

BATCH: Final = 50
TOGETHER: Final = 200
"""Whose dates have only passed: their cases are locked until all of them are told."""
IDLE_S: Final = 1.0
CALENDAR_S: Final = 60.0
PROBING_WINDOW: Final = timedelta(hours=1)
"""How far back each look goes for what was filed; within it, looks may be missed."""


async def run_clocks(database: Database, stop: asyncio.Event) -> None:
    """Looks every second until told to stop; any number of processes may.

    Dates are counted again whenever a year of the calendar has become official, at the latest a minute after.
    """
    official: frozenset[int] = frozenset()
    looked: date | None = None
    look_again = 0.0
    while not stop.is_set():
        if (moment := asyncio.get_running_loop().time()) >= look_again:
            official = await _recalculate_new_years(database, official)
            looked = await watch_new_cases(database, looked)
            await watch_probing(database)
            await watch_endpoints(database)
            look_again = moment + CALENDAR_S
        if await look_once(database) + await ring_once(database) == 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await stop.wait()


async def watch_new_cases(database: Database, looked: date | None) -> date:
    """Counts new cases once a business day, at the start and every night; the day. Safe to repeat, also at once."""
    now = database.clock()
    if (day := shanghai_day(now)) != looked:
        async with open_system_transaction(database) as raw:
            await watch_clusters(raw, now)
    return day


async def watch_probing(database: Database) -> int:
    """Tells of agencies that filed many identities for one person; how many. Real time."""
    async with open_system_transaction(database) as raw:
        return await tell_of_probing(raw, real_time() - PROBING_WINDOW)


async def watch_endpoints(database: Database) -> int:
    """Tells owners of endpoints that have only failed for a day, and for five; how many. Real time."""
    async with open_system_transaction(database) as raw:
        return await warn_owners(raw, BATCH, now=database.clock())


async def _recalculate_new_years(database: Database, known: frozenset[int]) -> frozenset[int]:
    """Recalculates for each year that was not official when it last looked; the years that are now."""
    async with open_system_transaction(database) as raw:
        official = (await load_calendar(raw.fetch)).confirmed_years
    for year in sorted(official - known):
        await recalculate_deadlines(database, year)
    return official


async def look_once(database: Database) -> int:
    """Fires what is due by business time now; how many. Dates that only passed in one transaction, what else follows in
    one for each."""
    now = database.clock()
    # Five working days are at least five days: only those can have expired, and the calendar decides of them.
    latest = now - timedelta(days=GRACE_WORKING_DAYS)
    async with open_system_transaction(database) as raw:
        due = await clocks.overdue_referrals(raw, now, TOGETHER)
        unheard = await person_requests.overdue_requests(raw, now, BATCH)
        unanswered = await clocks.unanswered_referrals(raw, latest, BATCH)
        calendar = await load_calendar(raw.fetch) if unanswered else WorkCalendar({}, frozenset())
    async with open_system_transaction(database) as raw:
        told = await remind_of_reviews(raw, limit=BATCH) + await tell_of_touches(raw)
        told += await fire_share_clocks(raw, now, TOGETHER)
        told += await fire_conference_clocks(raw, now, BATCH) + await fire_letter_clocks(raw, now, BATCH)
        told += await tell_of_late_alerts(raw, TOGETHER, now=now)
        told += await tell_of_late_tasks(raw, TOGETHER, now=now)
    async with open_system_transaction(database) as raw:
        fired = told + (await fire_clocks(raw, [row["id"] for row in due], now) if due else 0)
    async with open_system_transaction(database) as raw:
        fired += await fire_overdue(raw, now, TOGETHER)
        fired += await fire_replies(raw, now, TOGETHER)
    fired += await _reopen_lapsed(database, now)
    fired += await _each(database, unheard, lambda raw, asked, case: fire_request_clock(raw, asked, case, now))
    return fired + await _each(
        database, unanswered, lambda raw, referral, case: expire(raw, referral, case, now=now, calendar=calendar)
    )


async def ring_once(database: Database) -> int:
    """Rings the alarms that are due by business time now, in one transaction; how many."""
    now = database.clock()
    async with open_system_transaction(database) as raw:
        due = await clocks.alarmed_referrals(raw, now, TOGETHER)
        if not due:
            return 0
        return await ring(raw, [row["id"] for row in due], now=now, calendar=await load_calendar(raw.fetch))


async def _reopen_lapsed(database: Database, now: datetime) -> int:
    """Opens possible matches again whose decision was to hold until now, one transaction for each; how many."""
    async with open_system_transaction(database) as raw:
        lapsed = await match_candidates.lapsed(raw, now, BATCH)
    opened = 0
    for candidate_id in lapsed:
        async with open_system_transaction(database) as raw:
            opened += await lapse(raw, candidate_id, now)
    return opened


async def recalculate_deadlines(database: Database, year: int) -> int:
    """Counts the dates of open referrals again once `year` of the calendar is official; how many were looked at and
    changed. Raises ValueError while the year is not confirmed. Safe to repeat."""
    async with open_system_transaction(database) as raw:
        calendar = await load_calendar(raw.fetch)
    if year not in calendar.confirmed_years:
        raise ValueError(f"the calendar of {year} is not confirmed")
    now = database.clock()
    referrals = await _each_provisional(
        database,
        clocks.provisional_referrals,
        lambda raw, referral, case: count_again(raw, referral, case, now=now, calendar=calendar),
    )
    requests = await _each_provisional(
        database,
        person_requests.provisional_requests,
        lambda raw, asked, case: count_request_again(raw, asked, case, now=now, calendar=calendar),
    )
    replies = await _each_provisional(
        database,
        proposals.provisional_proposals,
        lambda raw, proposal, _: count_reply_again(raw, proposal, now=now, calendar=calendar),
    )
    shares = await _each_provisional(
        database,
        share_requests.provisional_requests,
        lambda raw, request, _: count_share_again(raw, request, now=now, calendar=calendar),
    )
    return (
        referrals
        + requests
        + replies
        + shares
        + await _each_provisional(
            database,
            expected_adoptions.provisional,
            lambda raw, expected, _: count_expected_again(raw, expected, calendar),
        )
    )


async def _each_provisional(database: Database, find: Find, act: Act) -> int:
    changed, after = 0, UUID(int=0)
    while True:
        async with open_system_transaction(database) as raw:
            rows = await find(raw, after, BATCH)
        if not rows:
            return changed
        changed += await _each(database, rows, act)
        after = rows[-1]["id"]


async def _each(database: Database, rows: Sequence[asyncpg.Record], act: Act) -> int:
    done = 0
    for row in rows:
        async with open_system_transaction(database) as raw:
            done += await act(raw, row["id"], row["case_id"])
    return done

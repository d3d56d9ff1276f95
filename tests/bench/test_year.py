"""The short form of the simulated year: two months at forty agencies, judged at every commit and by their history."""

import asyncpg

from bench import year, year_judge
from bench.year_world import Span
from crypto.keys import Keyring

SPAN = Span(cases=48, days=60, seed=7)


async def test_nothing_is_without_coordinator_or_owner_and_every_date_is_told_once(
    fresh_database: str, keyring: Keyring
) -> None:
    figures = await year.measure(fresh_database, keyring, SPAN)
    assert figures["faults"] == dict.fromkeys(figures["faults"], 0)
    assert (figures["cases"], figures["referrals"], figures["agencies"]) == (48, 144, 40)
    assert figures["late"].keys() == {"acknowledge", "accept", "resolve"}
    assert figures["commits_judged"] > figures["steps"] > 200


async def test_the_judge_sees_what_is_wrong(fresh_database: str, keyring: Keyring) -> None:
    await year.measure(fresh_database, keyring, Span(cases=4, days=20, seed=7))
    raw = await asyncpg.connect(fresh_database)
    try:
        await raw.execute(_WRONGED)
        faults = await year_judge.faults(raw)
    finally:
        await raw.close()
    assert all(faults[what] for what in ("coordinator", "owner", "runs_while_paused"))


_WRONGED = """
UPDATE participant SET until = now(), listed = false WHERE role = 'coordinator';
UPDATE case_need SET agency_id = (SELECT id FROM agency WHERE code = 'DEMO-340802-MEDICAL');
UPDATE referral SET clock_stopped_at = now(), next_due = now()"""

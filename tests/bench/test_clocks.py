"""The short form of the clocks bench: every date of the day is told once, whatever else is open."""

from bench import clocks
from bench.events_stage import Place
from crypto.keys import Keyring


async def test_what_is_due_on_a_day_is_told_once_among_many_that_are_not(fresh_database: str, keyring: Keyring) -> None:
    figures = await clocks.measure(Place(fresh_database, keyring), 2_000, late=250)
    assert clocks.faults(figures) == []
    assert (figures["overdue_told"], figures["reminded_told"]) == (250, 250)

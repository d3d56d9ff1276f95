"""The whole history of a simulated year, folded again from its steps: which dates passed while their clock ran, and
whether exactly those were told, once each, and nothing while a clock stood.

Which clock runs when is written down here a second time, after the domain model, and not read from `rules/`.
"""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from bench.year_judge import Raw

_DATES: Final = {"acknowledge": "acknowledge_by", "accept": "accept_by", "resolve": "resolve_by"}
_RUNNING: Final = {
    "requested": ("acknowledge", "accept", "resolve"),
    "accepted": ("resolve",),
    "in_progress": ("resolve",),
    "on_hold": ("resolve",),
}
_STOPPING_HOLDS: Final = ("awaiting_applicant", "awaiting_documents", "awaiting_third_party", "force_majeure")
_TOLD: Final = ("referral.overdue", "referral.reminded", "referral.escalate")
Told: TypeAlias = tuple[UUID, str, datetime]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A referral between two steps: its dates by clock, which of them run, whether the clocks stand."""

    begins: datetime
    ends: datetime
    taken_back: bool
    running: dict[str, datetime]
    paused: bool


async def faults(raw: Raw, looks: Sequence[datetime]) -> dict[str, int]:
    """How many dates were not told, told without need or told twice, how many alarms rang twice or before their date
    had passed, and how much was told while a clock stood."""
    steps: defaultdict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in await raw.fetch("SELECT * FROM referral_step ORDER BY taken_at, id"):
        steps[row["referral_id"]].append(row)
    stretches = {
        row["id"]: list(_stretches(row, steps[row["id"]], looks[-1]))
        for row in await raw.fetch("SELECT * FROM referral")
    }
    leaves = await raw.fetch("SELECT * FROM audit_leaf WHERE action = ANY($1)", list(_TOLD))
    said = Counter(_told(leaf) for leaf in leaves if leaf["action"] == "referral.overdue")
    due = {told for referral, parts in stretches.items() for told in _due(referral, parts, looks)}
    rung = Counter(
        (row["referral_id"], row["clock"], row["level"]) for row in await raw.fetch("SELECT * FROM escalation")
    )
    passed = {(referral, clock) for referral, clock, _ in said}
    return {
        "dates_not_told": len(due - said.keys()),
        "dates_told_without_need": len(said.keys() - due),
        "dates_told_twice": sum(said.values()) - len({(referral, clock) for referral, clock, _ in said}),
        "alarms_rung_twice": sum(count - 1 for count in rung.values()),
        "alarms_before_their_date": len({(referral, clock) for referral, clock, _ in rung} - passed),
        "told_while_paused": sum(_stood(stretches[leaf["subject_id"]], leaf["at"]) for leaf in leaves),
    }


def _told(leaf: asyncpg.Record) -> Told:
    return leaf["subject_id"], json.loads(leaf["facts"])["clock"], leaf["at"]


def _stretches(referral: asyncpg.Record, steps: Sequence[asyncpg.Record], end: datetime) -> Iterator[Stretch]:
    """From the request to the end, or to the end of the simulation."""
    dates = _first_dates(referral, steps)
    status, received, paused, begins = "requested", False, False, referral["requested_at"]
    for step in (*steps, None):
        ends = step["taken_at"] if step else end
        running = {
            clock: date for clock, date in dates.items() if date and clock in _RUNNING.get(status, ()) and not paused
        }
        if received:
            running.pop("acknowledge", None)
        yield Stretch(begins, ends, step is not None and step["step"] == "expire", running, paused)
        if step is not None:
            begins, status = ends, step["to_status"]
            received = received or step["step"] in ("receive", "accept", "return")
            paused = _pauses(step, paused)
            dates |= {clock: moved[1] for clock, moved in _moved(step).items()}


def _pauses(step: asyncpg.Record, paused: bool) -> bool:
    """Whether the clocks stand after a step: a return and a hold for others stop them, more time changes nothing."""
    if step["step"] == "hold":
        return step["reason"] in _STOPPING_HOLDS
    return step["to_status"] == "returned" or (paused and step["step"] == "extend")


def _first_dates(referral: asyncpg.Record, steps: Sequence[asyncpg.Record]) -> dict[str, datetime | None]:
    """As they were at the request: every move taken back, the last first."""
    dates: dict[str, datetime | None] = {clock: referral[column] for clock, column in _DATES.items()}
    for step in reversed(steps):
        dates |= {clock: moved[0] for clock, moved in _moved(step).items()}
    return dates


def _moved(step: asyncpg.Record) -> dict[str, tuple[datetime | None, datetime | None]]:
    """What a step moved: from and to, by clock."""
    moved: dict[str, Any] = json.loads(step["deadlines"])
    return {
        clock: (_instant(moved[column]["from"]), _instant(moved[column]["to"]))
        for clock, column in _DATES.items()
        if column in moved
    }


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _due(referral: UUID, stretches: Sequence[Stretch], looks: Sequence[datetime]) -> Iterator[Told]:
    """The first look at which each clock had run out while it ran. Who takes a referral back looks at dates first."""
    fired: set[str] = set()
    for stretch in stretches:
        for clock, date in stretch.running.items():
            at = bisect_left(looks, max(date, stretch.begins))
            if at == len(looks) or clock in fired:
                continue
            last = stretch.taken_back or stretch.ends == looks[-1]
            if looks[at] < stretch.ends or (last and looks[at] == stretch.ends):
                fired.add(clock)
                yield referral, clock, looks[at]


def _stood(stretches: Sequence[Stretch], moment: datetime) -> bool:
    return any(stretch.paused and stretch.begins < moment < stretch.ends for stretch in stretches)

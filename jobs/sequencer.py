"""Numbers facts after they are committed and hands them to every agency entitled to them: feed entry and deliveries.

A reader that polls `position > last` loses whatever commits late with a lower position (measured). So the sequencer
asks for what has no number yet, one process at a time, and gives each agency its own gap-free numbers in the same
transaction that marks the facts as numbered: killed anywhere, it has done all of a batch or nothing.

Facts of one case are in order, because their writers took turns; facts of different cases are in the order in which
they were found. It polls: a NOTIFY from every business transaction would make their commits queue for one lock.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crypto.ids import new_id
from db.engine import Database, Raw
from db.queries import deliveries, events, webhooks
from db.queries.deliveries import NewDelivery
from db.queries.events import Entry
from db.queries.webhooks import selection_of
from db.transaction import open_system_transaction
from rules.envelopes import NOTICES, TEST, VERIFICATION, Fact, Part, envelope, roles_at, with_challenge
from rules.events import EVENT_TYPES, audience
from rules.selections import NOWHERE, Place, knows_place

BATCH: Final = 500
IDLE_S: Final = 0.1
SOON_S: Final = 0.02
"""After facts were found: where some come, more do, and half of a tenth of a second was most of what they waited."""
BUSY_ELSEWHERE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Audience:
    """One fact, the view that each agency has of it, and its kind of case and place as far as that one may know."""

    fact: Fact
    views: Mapping[str, str]
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Told:
    """One fact as one agency gets it."""

    agency: UUID
    fact: Fact
    sequence: int
    payload: Mapping[str, object]
    place: Place


async def run_sequencer(database: Database, stop: asyncio.Event) -> None:
    """Numbers until told to stop. Any number of processes may run it; one at a time does the work."""
    while not stop.is_set():
        async with open_system_transaction(database) as raw:
            numbered = await number_events(raw) if await events.take_turn(raw) else None
        if numbered == BATCH:
            continue
        idle_s = SOON_S if numbered else IDLE_S
        with suppress(TimeoutError):
            async with asyncio.timeout(BUSY_ELSEWHERE_S if numbered is None else idle_s):
                await stop.wait()


async def number_events(raw: Raw, limit: int = BATCH) -> int:
    """Numbers up to `limit` facts in the open transaction, whose turn it is; how many. One statement where there are
    none, about eight otherwise."""
    rows = await events.unnumbered(raw, EVENT_TYPES, limit)
    if not rows:
        return 0
    audiences = await _audiences(raw, rows)
    told = await _number(raw, audiences)
    if told:
        await events.insert_entries(raw, [_entry(one) for one in told])
        await _prepare_deliveries(raw, told)
    await events.mark_numbered(raw, [row["id"] for row in rows])
    await events.announce(raw, {one.agency for one in told})
    return len(rows)


async def _audiences(raw: Raw, rows: Sequence[asyncpg.Record]) -> list[Audience]:
    """Who is to know of each fact, by who took part in the case at the moment the fact was recorded."""
    case_ids = {row["case_id"] for row in rows if row["case_id"] is not None}
    parts: defaultdict[UUID, list[Part]] = defaultdict(list)
    places: dict[UUID, Place] = {}
    if case_ids:
        for row in await events.participants_of(raw, case_ids):
            parts[row["case_id"]].append(Part(row["agency_id"], row["role"], row["since"], row["until"]))
        places = await events.places_of(raw, case_ids)
    return [_audience(row, parts[row["case_id"]], places.get(row["case_id"], NOWHERE)) for row in rows]


def _audience(row: asyncpg.Record, parts: Iterable[Part], place: Place) -> Audience:
    roles = roles_at(parts, row["recorded_at"])
    views = audience(row["type"], roles, json.loads(row["parties"]))
    known = {name: place if knows_place(roles.get(name, ())) else NOWHERE for name in views}
    return Audience(_fact(row), views, known)


async def _number(raw: Raw, audiences: Sequence[Audience]) -> list[Told]:
    """Gives each agency of each fact its next number, in the facts' order."""
    counts = Counter(UUID(name) for one in audiences for name in one.views)
    heads = await events.advance_heads(raw, counts) if counts else {}
    following = {agency: head - counts[agency] + 1 for agency, head in heads.items()}
    told = []
    for one in audiences:
        for name, view in one.views.items():
            agency = UUID(name)
            if agency in following:
                sequence = following[agency]
                following[agency] += 1
                payload = envelope(one.fact, agency, view, sequence)
                told.append(Told(agency, one.fact, sequence, payload, one.places[name]))
    return told


async def _prepare_deliveries(raw: Raw, told: Sequence[Told]) -> None:
    verifying = {one.fact.subject_id for one in told if one.fact.type == VERIFICATION}
    by_agency: defaultdict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for endpoint in await webhooks.endpoints_to_tell(raw, {one.agency for one in told}, verifying):
        by_agency[endpoint["agency_id"]].append(endpoint)
    rows = [_delivery(one, endpoint) for one in told for endpoint in by_agency[one.agency] if _goes_to(one, endpoint)]
    if rows:
        await deliveries.insert_deliveries(raw, rows)


def _goes_to(one: Told, endpoint: asyncpg.Record) -> bool:
    """A challenge goes to the endpoint it is for, while that is pending, a test as well; a notice of one to the active
    others, asked for or not; everything else to those that asked for it."""
    itself = bool(endpoint["id"] == one.fact.subject_id)
    if one.fact.type == VERIFICATION:
        return itself and bool(endpoint["status"] == "pending")
    if one.fact.type == TEST:
        return itself
    if one.fact.type in NOTICES and endpoint["status"] == "active" and not itself:
        return True
    return endpoint["activated_at"] is not None and selection_of(endpoint).admits(one.fact.type, one.place)


def _delivery(one: Told, endpoint: asyncpg.Record) -> NewDelivery:
    verification = one.fact.type == VERIFICATION
    payload = with_challenge(one.payload, endpoint["challenge"]) if verification else one.payload
    return NewDelivery(
        id=new_id(),
        endpoint_id=endpoint["id"],
        agency_id=one.agency,
        event_id=one.fact.id,
        event_type=one.fact.type,
        subject_id=one.fact.subject_id,
        sequence=one.sequence,
        body=_json(payload),
        due=verification or endpoint["status"] == "active",
    )


def _entry(one: Told) -> Entry:
    fact = one.fact
    return Entry(one.agency, one.sequence, fact.id, fact.type, fact.subject_id, _json(one.payload), *one.place)


def _fact(row: asyncpg.Record) -> Fact:
    return Fact(
        id=row["id"],
        type=row["type"],
        subject_type=row["subject_type"],
        subject_id=row["subject_id"],
        version=row["subject_version"],
        actor=row["actor_agency_id"],
        correlation_id=row["correlation_id"],
        data=json.loads(row["data"]),
        occurred_at=row["occurred_at"],
    )


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

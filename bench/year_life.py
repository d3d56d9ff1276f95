"""What happens to a case in a simulated year: reported, referred, worked on or let lie, moved to another union.

A life yields the instant at which it goes on; what it does there are the actions that the API calls, each in a
transaction of the agency that acts, at that instant of business time.
"""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from actions import case_transfers
from actions.case_transfers import TransferSaid
from actions.referral_steps import StepSaid, take_referral_step
from actions.referrals import ReferralSaid, refer, seen_referral
from actions.reports import file_report
from api.schemas.reports import ReportIn
from bench.linkage_agencies import Agency, Directory
from bench.year_world import COUNTIES, MATTERS, Span, body_of_report
from db.engine import Database
from db.transaction import Tx, open_transaction
from rules.errors import Conflict, InvalidTransition
from rules.referrals import StepWords
from rules.rights import OPERATIONS

Life: TypeAlias = AsyncIterator[datetime]
NOW: ContextVar[datetime] = ContextVar("NOW")
"""Business time of whoever acts in this task."""

REFERRALS: Final = (1, 3, 3, 5)
"""Of one case after the other: three on average."""
_LETS_LIE, _SAYS_RECEIVED, _MOVES = 0.04, 0.5, 0.05

_CHOICES: Final[dict[str, dict[str, float]]] = {
    "requested": {"accept": 74, "return": 13, "reject": 8, "cancel": 5},
    "returned": {"resubmit": 85, "cancel": 15},
    "accepted": {"start": 88, "hold": 4, "return": 3, "fail": 5},
    "in_progress": {"complete": 74, "hold": 12, "extend": 6, "fail": 5, "cancel": 3},
    "on_hold": {"resume": 82, "extend": 9, "cancel": 9},
}
"""What is tried in a state, and how often; what the rules refuse is refused, and something is tried again."""
_DAYS: Final = {"requested": 2.5, "returned": 5, "accepted": 2, "in_progress": 22, "on_hold": 9}
"""How long it is thought about, on average of an office of common pace."""
_BY_SENDER: Final = ("resubmit", "cancel")
_REASONS: Final[dict[str, tuple[str, ...]]] = {
    "return": ("missing_documents", "unclear_request", "not_competent"),
    "reject": ("not_competent", "not_eligible", "applicant_declined"),
    "hold": ("awaiting_applicant", "awaiting_documents", "waitlisted"),
    "cancel": ("need_gone", "applicant_withdrew"),
    "fail": ("applicant_unreachable", "no_capacity"),
    "extend": ("complex_facts",),
}


@dataclass(slots=True)
class Town:
    """The place, the time, and what was refused by kind of step; `known` says which row is which of the lives."""

    database: Database
    directory: Directory
    span: Span
    known: dict[UUID, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    done: int = 0

    @asynccontextmanager
    async def acting(self, agency: Agency, operation: str) -> AsyncIterator[Tx]:
        """A transaction of the agency. Raises what the action raises."""
        async with open_transaction(self.database, agency.caller, operation=OPERATIONS[operation]) as tx:
            yield tx
        self.done += 1


@dataclass(slots=True)
class CaseLife:
    """One case, from the report on. `union` coordinates it; `others` are lives that began in it."""

    town: Town
    number: int
    place: str = ""
    case_id: UUID | None = None
    others: list[Life] = field(default_factory=list)
    waits: int = 0

    @property
    def id(self) -> UUID:
        assert self.case_id is not None
        return self.case_id

    @property
    def union(self) -> Agency:
        return self.town.directory.unions[self.place]

    async def live(self) -> Life:
        """The report, then every referral in its time."""
        span = self.town.span
        chance = span.source("case", self.number)
        self.place = chance.choice(COUNTIES)
        home = self.place
        opened = span.starts + timedelta(days=chance.random() * span.days * 0.85)
        last = min(opened + timedelta(days=75), span.ends)
        count = REFERRALS[self.number % len(REFERRALS)]
        asked = sorted(opened + (last - opened) * chance.uniform(0.01, 0.9) for _ in range(count))
        yield opened
        await self._report(chance, aware_at=opened - timedelta(hours=chance.uniform(1, 40)))
        if chance.random() < _MOVES:
            self.others.append(self._move(span.source("move", self.number), last))
        matters = chance.sample([(kind, code) for kind, codes in MATTERS.items() for code in codes], count)
        for order, (moment, (kind, code)) in enumerate(zip(asked, matters, strict=True)):
            yield moment
            office = self.town.directory.offices[f"{home}/{kind}"]
            urgency = chance.choices(("normal", "urgent", "emergency"), (90, 8, 2))[0]
            self.others.append(await self._refer(order, office, code, urgency))

    async def _report(self, chance: random.Random, *, aware_at: datetime) -> None:
        """Filed by the labour office or by the union of the place."""
        offices = (self.union, self.town.directory.offices[f"{self.place}/labour"])
        body = body_of_report(self.number, chance, place=self.place, aware_at=aware_at)
        said = ReportIn.model_validate(body).said()
        sent = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
        async with self.town.acting(chance.choice(offices), "file_report") as tx:
            receipt = await file_report(tx, said, sent, allow_demo=True)
        self.case_id = receipt.case["id"]
        self.town.known[self.id] = f"{self.number}"

    async def _refer(self, order: int, office: Agency, code: str, urgency: str) -> Life:
        sender = self.union
        said = ReferralSaid(code, office.id, None, None, None, None, urgency, draft=False, joint=False)
        async with self.town.acting(sender, "refer") as tx:
            requested = await refer(tx, self.id, said)
        name = f"{self.number}/{order}"
        self.town.known[requested.referral["id"]] = name
        return ReferralLife(self.town, name, requested.referral["id"], sender, office).live()

    async def _move(self, chance: random.Random, last: datetime) -> Life:
        """The household moves away: another county's union is offered the case, and answers."""
        moment = NOW.get() + (last - NOW.get()) * chance.random()
        yield moment
        giver, taker = self.place, chance.choice([county for county in COUNTIES if county != self.place])
        said = TransferSaid(self.town.directory.unions[taker].id, "moved", "迁居", "consent", "同意书", None)
        async with self.town.acting(self.union, "ask_transfer") as tx:
            asked = await case_transfers.ask(tx, self.id, said)
        yield moment + timedelta(days=chance.expovariate(1 / 3))
        step, reason = chance.choices((("accept", None), ("reject", "work_under_way"), ("cancel", None)), (70, 20, 10))[
            0
        ]
        decider = self.town.directory.unions[giver if step == "cancel" else taker]
        async with self.town.acting(decider, "take_transfer_step") as tx:
            await case_transfers.take_transfer_step(
                tx, asked.transfer["id"], step, reason=reason, text="已核" if reason else None, version=1
            )
        if step == "accept":
            self.place = taker


@dataclass(slots=True)
class ReferralLife:
    """One referral, until it ends or nobody cares."""

    town: Town
    name: str
    referral_id: UUID
    sender: Agency
    office: Agency
    status: str = "requested"

    async def live(self) -> Life:
        """An office has a pace of its own; some referrals it never looks at."""
        chance = self.town.span.source("referral", self.name)
        pace = self.town.span.source("pace", self.office.kind, self.office.division).uniform(0.6, 2.2)
        moment = NOW.get()
        if chance.random() < _LETS_LIE:
            return
        if chance.random() < _SAYS_RECEIVED:
            moment += timedelta(days=chance.expovariate(2 / pace))
            yield moment
            if not await self._step("receive", StepSaid(StepWords())):
                return
        while self.status in _CHOICES:
            moment += timedelta(days=chance.expovariate(1 / (_DAYS[self.status] * pace)))
            yield moment
            step = chance.choices(*zip(*_CHOICES[self.status].items(), strict=True))[0]
            if not await self._step(step, StepSaid(_words(step, chance))):
                return

    async def _step(self, step: str, said: StepSaid) -> bool:
        """Whether the referral still stood where it was left; the clock may have taken it back meanwhile."""
        actor = self.sender if step in _BY_SENDER else self.office
        try:
            async with self.town.acting(actor, "take_referral_step") as tx:
                found = await seen_referral(tx, self.referral_id)
                if found["status"] != self.status:
                    return False
                taken = await take_referral_step(tx, self.referral_id, step, said, version=found["version"])
        except (Conflict, InvalidTransition) as refusal:
            self.town.refused[f"{step}: {type(refusal).__name__}"] += 1
            return True
        self.status = taken.referral["status"]
        return True


def _words(step: str, chance: random.Random) -> StepWords:
    """What must come with the step, and no more."""
    if step == "complete":
        return StepWords(outcome=chance.choices(("met", "partly_met", "not_met"), (75, 15, 10))[0])
    if step not in _REASONS:
        return StepWords()
    said: dict[str, Any] = {"reason": chance.choice(_REASONS[step]), "text": "如附件所述"}
    if said["reason"] == "missing_documents":
        said["missing"] = ("收入证明",)
    if said["reason"] == "not_competent":
        said |= {"competent_agency_kind": "civil_affairs", "legal_basis": "社会救助暂行办法第四条"}
    if step == "extend":
        said["approved_by"] = "分管副局长"
    return StepWords(**said)

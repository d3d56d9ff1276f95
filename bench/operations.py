"""The operations that the API bench drives, each a source of requests with an agency's own token."""

import itertools
import json
import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from bench.fill import DIVISION, Filled
from bench.http_load import Request, request_bytes
from rules.identity_numbers import check_character

DRIVEN = 20
"""Agencies of each kind whose tokens are used."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request before it is written down: who, what, with which headers and body."""

    agency: UUID
    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A named source of calls; None when it has run dry."""

    name: str
    expect: int
    calls: Callable[[], Iterator[Call]]


def operations(filled: Filled, seed: int) -> list[Operation]:
    """What people wait for. Mixed: 60 % reads, 25 % lists, 15 % writes."""
    work = _Workload(filled, seed)
    return [
        Operation("read", 200, lambda: work.reads("")),
        Operation("audited read", 200, lambda: work.reads("/file", **{"tongli-purpose": "assistance"})),
        Operation("list 50", 200, lambda: work.lists(work.unions, "/v1/cases")),
        Operation("inbox", 200, lambda: work.lists(work.offices, "/v1/referrals?box=in")),
        Operation("create report", 201, work.creates),
        Operation("accept referral", 200, work.accepts),
        Operation("mixed", 0, work.mixed),
    ]


class _Workload:
    """Endless calls of each kind; the same order for the same seed."""

    def __init__(self, filled: Filled, seed: int) -> None:
        self._filled, self._seed = filled, seed
        self.unions, self.offices = filled.unions[:DRIVEN], filled.offices[:DRIVEN]

    def _chance(self) -> random.Random:
        return random.Random(self._seed)

    def reads(self, path: str, **headers: str) -> Iterator[Call]:
        pick = self._chance()
        while True:
            union = pick.choice(self.unions)
            yield Call(union, "GET", f"/v1/cases/{pick.choice(self._filled.cases[union])}{path}", headers)

    def lists(self, agencies: list[UUID], path: str) -> Iterator[Call]:
        pick = self._chance()
        while True:
            yield Call(pick.choice(agencies), "GET", path, {})

    def accepts(self) -> Iterator[Call]:
        for office, referral in _round_robin(self._filled, self.offices):
            headers = {"idempotency-key": secrets.token_hex(16), "if-match": '"v1"'}
            yield Call(office, "POST", f"/v1/referrals/{referral}/accept", headers, {})

    def creates(self) -> Iterator[Call]:
        pick = self._chance()
        for number in itertools.count():
            headers = {"idempotency-key": secrets.token_hex(16)}
            yield Call(pick.choice(self.unions), "POST", "/v1/reports", headers, report(number))

    def mixed(self) -> Iterator[Call]:
        pick = self._chance()
        sources = [self.reads(""), self.lists(self.unions, "/v1/cases"), self.creates()]
        while True:
            yield next(sources[pick.choices((0, 1, 2), (60, 25, 15))[0]])


def _round_robin(filled: Filled, offices: list[UUID]) -> Iterator[tuple[UUID, UUID]]:
    """Waiting referrals of the offices in turn, each handed out once."""
    while any(filled.waiting[office] for office in offices):
        for office in offices:
            if filled.waiting[office]:
                yield office, filled.waiting[office].pop()


def report(number: int) -> dict[str, object]:
    """A report about somebody new, with the fields of the contract's example."""
    birth = date(1960, 1, 1) + timedelta(days=secrets.randbelow(14_000))
    first17 = f"990000{birth:%Y%m%d}{number % 500 * 2:03d}"
    return {
        "source": {"system": "bench", "record_id": secrets.token_hex(12)},
        "aware_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "channel": "system",
        "person": {
            "name": "测" + secrets.token_hex(6),
            "id_type": "resident_id",
            "id_number": first17 + check_character(first17),
            "sex": "female",
            "birth_date": birth.isoformat(),
            "phones": [f"+86139{secrets.randbelow(10**8):08d}"],
            "address": {"division_code": DIVISION, "detail": "纺织路1号"},
            "employment_status": "laid_off",
        },
        "causes": {"primary": "3", "secondary": ["9"]},
        "needs": ["employment", "living"],
        "narrative": "车间分流后失业。",
    }


def as_bytes(call: Call, tokens: Mapping[UUID, str]) -> Request:
    """The call as it goes over the wire."""
    headers = [f"{name}: {value}" for name, value in call.headers.items()]
    body = b"" if call.body is None else json.dumps(call.body, ensure_ascii=False).encode()
    return request_bytes(call.method, call.path, tokens[call.agency], body=body, headers=headers)

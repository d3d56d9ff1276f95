"""A province at a date that a story sets: every agency over HTTP, the jobs at the same business time."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from api.main import create_app
from crypto.keys import Keyring
from jobs.clocks import look_once, ring_once
from rules.deadlines import SHANGHAI, last_day
from settings import Settings
from tests.builders import Api, report_body
from tests.jobs.desk import Desk, open_desk

Json = dict[str, Any]


def shanghai(moment: str) -> datetime:
    """`2026-11-24 09:00` in Shanghai; without a time, nine in the morning."""
    day, _, time = moment.partition(" ")
    return datetime.fromisoformat(f"{day}T{time or '09:00'}").replace(tzinfo=SHANGHAI).astimezone(UTC)


@dataclass(slots=True)
class Stage:
    """`now` is the business time of everything: of requests, and of the jobs whenever time passes."""

    desk: Desk
    http: httpx.AsyncClient
    now: datetime

    def api(self, code: str) -> Api:
        return Api(self.http, self.desk.agencies[code])

    async def until(self, moment: str) -> None:
        """Lets the jobs look every six hours until `moment`, as they would every second."""
        end = shanghai(moment)
        while self.now < end:
            self.now = min(end, self.now + timedelta(hours=6))
            while await look_once(self.desk.jobs) + await ring_once(self.desk.jobs):
                pass

    async def report(self, code: str, **said: Any) -> str:
        """The case of a report that an agency makes as soon as it is aware."""
        body = report_body(aware_at=self.now.isoformat(), **said)
        case_id: str = ok(await self.api(code).post("/v1/reports", body), 201)["case"]["id"]
        return case_id

    async def refer(self, code: str, case_id: str, matter: str, to: str, **said: Any) -> Json:
        """The referral of a matter to an office."""
        words = {"matter": matter, "to_agency": str(self.desk.agency(to))} | said
        return ok(await self.api(code).post(f"/v1/cases/{case_id}/referrals", words), 201)

    async def step(self, code: str, path: str, name: str, status: int = 200, **words: object) -> Json:
        """Takes a step as an agency, based on what it reads just before; the answer, which has this status."""
        version = ok(await self.api(code).get(path, purpose="assistance"))["version"]
        return ok(await self.api(code).post(f"{path}/{name}", words, if_match=version), status)

    async def events(self, kind: str, subject: str) -> int:
        """How often such an event was recorded of a subject."""
        return int(
            await self.desk.behind.fetchval(
                "SELECT count(*) FROM event WHERE type = $1 AND subject_id = $2", kind, UUID(subject)
            )
        )

    async def told(self, code: str, kind: str) -> list[Json]:
        """Events of a kind in an agency's feed."""
        while await self.desk.number():
            pass
        found: list[Json] = []
        answer = (await self.api(code).get("/v1/events?limit=200")).json()
        while answer["data"]:
            found += [event for event in answer["data"] if event["type"] == kind]
            answer = (await self.api(code).get(f"/v1/events?limit=200&cursor={answer['page']['next']}")).json()
        return found


@asynccontextmanager
async def open_stage(
    url: str, keyring: Keyring, settings: Settings, *, at: str, codes: Sequence[str]
) -> AsyncIterator[Stage]:
    """A stage on a seeded database of the story's own, with clients of these agencies."""
    stage: list[Stage] = []
    start = shanghai(at)
    async with open_desk(url, keyring, clock=lambda: stage[0].now if stage else start, codes=codes) as desk:
        transport = httpx.ASGITransport(create_app(settings, desk.app))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
            stage.append(Stage(desk, http, start))
            yield stage[0]


def last_day_of(thing: Json, clock: str) -> str:
    """The last day in Shanghai on which a clock's step is in time."""
    return last_day(datetime.fromisoformat(thing[clock])).isoformat()


def ok(answer: httpx.Response, status: int = 200) -> Json:
    """The body of an answer with this status."""
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body

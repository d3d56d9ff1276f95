"""An office without a system, and whoever holds a link to it: arrange for tests of answer links."""

import itertools
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from uuid import UUID

import httpx

from tests.actions import story
from tests.actions.instances import superuser
from tests.builders import Api

Json = dict[str, Any]

_addresses = (f"10.{n // 62_500 % 250}.{n // 250 % 250}.{n % 250}" for n in itertools.count(1))
ANSWER = {"clerk": "王守门"}


@dataclass(slots=True)
class Clerk:
    """Somebody at a browser of an office, at an address of its own, with a link and nothing else."""

    http: httpx.AsyncClient
    link: str
    version: int = 0

    async def post(self, **form: Any) -> httpx.Response:
        return await self.http.post("/answer", data={"link": self.link, **form})

    async def open(self) -> httpx.Response:
        """Looks, and remembers the version that the page was made of."""
        page = await self.post()
        found = re.search(r'name="version" value="(\d+)"', page.text)
        self.version = int(found[1]) if found else 0
        return page

    async def answer(self, step: str, **words: Any) -> httpx.Response:
        return await self.post(**{"step": step, "version": self.version, **ANSWER, **words})


def clerk(app: Any, link: str, *, address: str | None = None) -> Clerk:
    transport = httpx.ASGITransport(app, client=(address or next(_addresses), 1))
    return Clerk(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=30), link)


async def without_system(admin_url: str, office: Api, *, answers: bool = True) -> None:
    """As the operator registers it."""
    async with superuser(admin_url) as raw:
        await raw.execute("UPDATE agency SET answers_by_link = $2 WHERE id = $1", office.id, answers)


async def asked(union: Api, office: Api, **changes: Any) -> Json:
    """A referral of a fresh case to the office."""
    case_id = (await story.report(union))["case"]["id"]
    return await story.refer(union, case_id, office, **changes) | {"case_id": case_id}


async def link_for(union: Api, referral: Json, **said: Any) -> Json:
    answer = await union.post(f"/v1/referrals/{referral['id']}/answer-links", said)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


def next_link(page: httpx.Response) -> str | None:
    """The link that an answer yielded."""
    found = re.search(r"<code>([^<]+)</code>", page.text)
    return unescape(found[1]) if found else None


async def leaves_of(admin_url: str, principal: str) -> list[Json]:
    async with superuser(admin_url) as raw:
        rows = await raw.fetch(
            "SELECT action, agency_id, principal_kind, facts::text AS facts, subject_id FROM audit_leaf"
            " WHERE principal_id = $1 ORDER BY at, id",
            UUID(principal),
        )
    return [dict(row) for row in rows]

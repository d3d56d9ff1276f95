"""A partner's system that writes to an inbound source, and the job that does what it asks for."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from api.inbound_reading import READING
from crypto.webhooks import WebhookKeys, parse_secret_text, sign
from db.engine import Database
from jobs.inbound import Intake
from tests.builders import Api, fresh_key

Json = dict[str, Any]
SOURCES = "/v1/inbound-sources"
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "integrators" / "inbound"
ONLY_REPORTS: Json = {
    "language": 1,
    "rules": [{"name": "report", "target": "report", "make": {"$get": "/report"}}],
}
"""Takes the contract's own report out of `/report`."""


@dataclass(slots=True)
class Partner:
    """One source with its credential, as the other side holds it."""

    http: httpx.AsyncClient
    source: Json
    secret: str = field(repr=False)

    @property
    def path(self) -> str:
        return str(self.source["href"])

    async def send(
        self,
        body: Any,
        *,
        message_id: str | None = None,
        at: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A message, signed or with the token. `body` is JSON, or bytes as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        given = {"content-type": "application/json", **self.proof(raw, message_id or fresh_key(), at)}
        return await self.http.post(self.path, content=raw, headers=given | dict(headers or {}))

    def proof(self, raw: bytes, message_id: str, at: int | None = None) -> dict[str, str]:
        if self.source["kind"] == "bearer":
            return {"authorization": f"Bearer {self.secret}", "idempotency-key": message_id}
        return signed(self.secret, raw, message_id, at)

    async def receipt(self, answer: httpx.Response) -> httpx.Response:
        """What became of a message, asked for with the source's own credential."""
        href = answer.json()["href"]
        return await self.http.get(href, headers=self.proof(answer.json()["id"].encode(), fresh_key()))


def signed(secret: str, raw: bytes, message_id: str, at: int | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    moment = int(time.time()) if at is None else at
    keys = WebhookKeys(parse_secret_text(secret), bytes(32))
    signature = sign(message_id=message_id, timestamp=moment, body=raw, keys=[keys])
    return {"webhook-id": message_id, "webhook-timestamp": str(moment), "webhook-signature": signature}


async def partner_of(api: Api, mapping: Json | None = ONLY_REPORTS, **said: Any) -> Partner:
    """A source of the agency, with a mapping in use."""
    answer = await api.post(SOURCES, {"name": "对方系统", "kind": "standard_webhooks"} | said)
    assert answer.status_code == 201, answer.text
    source: Json = answer.json()
    if mapping is not None:
        added = await api.post(f"{SOURCES}/{source['id']}/mappings", {"document": mapping})
        assert added.status_code == 201, added.text
    return Partner(api.http, source, source["secret"] or "")


async def done(intake: Intake, partner: Partner, body: Any) -> Json:
    """The receipt of a message once the job has looked at it."""
    answer = await partner.send(body)
    assert answer.status_code == 202, answer.text
    await work(intake)
    shown = await partner.receipt(answer)
    assert shown.status_code == 200, shown.text
    receipt: Json = shown.json()
    return receipt


async def work(intake: Intake) -> None:
    """Does everything that waits."""
    while await intake.do_waiting():
        pass


def intake_on(jobs: Database, application: Database) -> Intake:
    return Intake(jobs, application, READING, allow_demo=True)


def example(name: str) -> Json:
    """A worked mapping or body of the guide."""
    read: Json = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return read

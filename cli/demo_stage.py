"""What a story needs: agencies that sign in and call the API, receivers that listen, a clock, and somebody who tells
it.
"""

import contextlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.demo_instance import Instance
from cli.demo_receivers import Receiver
from cli.entrances import CannotRun
from crypto.tokens import sign_client_assertion

SHANGHAI = ZoneInfo("Asia/Shanghai")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PATIENCE_SECONDS = 20.0


class Unexpected(Exception):  # noqa: N818  the story stops here
    """A step was not as it should be."""


@dataclass(slots=True)
class Agency:
    """One agency's system: signs in by private_key_jwt, calls, and checks what comes back."""

    credentials: dict[str, Any]
    http: httpx.Client
    name: str = ""
    receiver: Receiver | None = None
    endpoint: str | None = None
    _token: str = ""
    _token_until: float = 0.0

    @property
    def id(self) -> str:
        return str(self.credentials["agency_id"])

    def get(self, path: str, *, status: int = 200, **headers: str) -> Any:
        return self._call("GET", path, None, status=status, **headers)

    def post(self, path: str, body: dict[str, Any], *, status: int = 201, **headers: str) -> Any:
        return self._call("POST", path, body, status=status, idempotency_key=secrets.token_hex(16), **headers)

    def step(self, referral: dict[str, Any], step: str, **words: Any) -> dict[str, Any]:
        """Takes a step on a referral at the version last seen; returns it as it then stands."""
        path = f"/v1/referrals/{referral['id']}/{step}"
        moved: dict[str, Any] = self.post(path, words, status=200, if_match=f'"v{referral["version"]}"')
        return moved

    def stop_listening(self) -> None:
        """Takes the endpoint back, so that nothing goes on calling a port that may be somebody else's tomorrow."""
        if self.endpoint is not None:
            with contextlib.suppress(httpx.HTTPError, Unexpected):
                version = self.get(self.endpoint)["version"]
                self._call("DELETE", self.endpoint, None, status=204, if_match=f'"v{version}"')
        if self.receiver is not None:
            self.receiver.stop()

    def _call(self, method: str, path: str, body: dict[str, Any] | None, *, status: int, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["authorization"] = f"Bearer {self._bearer()}"
        answer = self.http.request(method, path, json=body, headers=sent)
        if answer.status_code != status:
            raise Unexpected(f"{self.name}: {method} {path} answered {answer.status_code}, not {status}: {answer.text}")
        return answer.json() if answer.content else None

    def _bearer(self) -> str:
        if time.monotonic() > self._token_until:
            given = self.credentials
            assertion = sign_client_assertion(
                given["private_jwk"], client_id=given["client_id"], audience=given["issuer"], now=datetime.now(UTC)
            )
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
            answer = self.http.post("/oauth/token", data=form)
            if answer.status_code != 200:
                raise CannotRun(f"{self.name} cannot sign in: {answer.text}")
            self._token = answer.json()["access_token"]
            self._token_until = time.monotonic() + answer.json()["expires_in"] - 60
        return self._token


@dataclass(slots=True)
class Stage:
    """Everything a story is played with."""

    instance: Instance
    console: Console
    language: str
    http: httpx.Client
    progress: Progress
    agencies: dict[str, Agency] = field(default_factory=dict)
    steps_done: int = 0
    checks: int = 0

    @property
    def dated(self) -> bool:
        """Whether the story's own dates hold: only where its clock may be moved."""
        return self.instance.clock_file is not None

    def agency(self, code: str) -> Agency:
        """The system of the demo agency with this code."""
        if code not in self.agencies:
            found = [given for given in self.instance.credentials if given["agency_code"] == code]
            if not found:
                raise CannotRun(f"the instance has no demo agency {code}")
            agency = Agency(found[0], self.http, found[0]["agency_name"])
            entry = agency.get(f"/v1/agencies/{agency.id}")
            agency.name = entry["name"] if self.language == "zh" else entry["name_en"]
            self.agencies[code] = agency
        return self.agencies[code]

    def listen(self, agency: Agency) -> None:
        """Gives an agency a receiver of its own and activates it by answering the signed challenge."""
        receiver = Receiver(agency.name)
        receiver.start()
        agency.receiver = receiver
        endpoint = agency.post("/v1/webhook-endpoints", {"url": receiver.url, "types": ["*"]})
        receiver.trust(endpoint["secret"], endpoint["public_key"])
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        self.wait_for(
            lambda: agency.get(path)["status"] == "active", f"{agency.name}: its endpoint did not become active"
        )

    def at(self, moment: datetime) -> None:
        """Moves business time to an instant of the story."""
        self.instance.set_clock(moment)

    def tell(self, when: datetime, who: Agency, zh: str, en: str) -> None:
        """One line of the timeline; the progress display goes on."""
        shown = when.astimezone(SHANGHAI) if self.dated else datetime.now(SHANGHAI)
        text = zh if self.language == "zh" else en
        self.progress.console.print(f"[dim]{shown:%Y-%m-%d %H:%M}[/]  [cyan]{who.name}[/]  {text}", soft_wrap=True)
        self.steps_done += 1
        self.progress.advance(self.progress.task_ids[0])

    def check(self, holds: bool, wrong: str) -> None:
        """Counts one thing that has to be so. Raises Unexpected where it is not."""
        self.checks += 1
        if not holds:
            raise Unexpected(wrong)

    def wait_for(self, holds: Any, wrong: str) -> None:
        """Like `check`, for what arrives a moment later."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > ends:
                raise Unexpected(wrong)
            time.sleep(0.05)
        self.checks += 1

    def summary(self) -> str:
        """What was played, in one line."""
        pushed = sum(len(agency.receiver.received) for agency in self.agencies.values() if agency.receiver)
        if self.language == "zh":
            return f"{self.steps_done} 步、{self.checks} 项核对全部符合；{pushed} 条签名回调已验证，与各机构事件流一致"
        verified = f"{pushed} signed webhooks verified, equal to the feeds"
        return f"{self.steps_done} steps, {self.checks} checks as they should be; {verified}"


@contextlib.contextmanager
def open_stage(instance: Instance, console: Console, language: str) -> Iterator[Stage]:
    """A stage with a progress display; receivers stop when it closes."""
    from cli.demo_story import STEPS  # noqa: PLC0415  the story imports this module

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        httpx.Client(base_url=instance.url, timeout=30, trust_env=False) as http,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        progress.add_task("ST01", total=STEPS)
        stage = Stage(instance, console, language, http, progress)
        try:
            yield stage
        finally:
            for agency in stage.agencies.values():
                agency.stop_listening()

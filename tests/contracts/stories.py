"""The examples of openapi/examples, played in order: what the document shows is what happens.

An example holds invented ids; each is learned for the real one where an answer first names it, and stands for it from
then on. Everything else must come out as written, the instants too, since each example says what time it is.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from crypto.tokens import sign_client_assertion
from tests.builders import Agency, Api

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NEW_EACH_TIME = frozenset(
    {
        *("access_token", "body_sha256", "correlation_id", "next", "number", "public_key", "secret", "trace_id"),
        *("created_at", "since"),
    }
)
"""Sealed, random, hashed over something that is, or told by the real clock."""

Example = dict[str, Any]


@dataclass(slots=True)
class Story:
    """One run through the examples against one application."""

    http: httpx.AsyncClient
    agencies: dict[str, Agency]
    paths: dict[str, tuple[str, str]]
    """Method and path template by operation id."""
    known: dict[str, str] = field(default_factory=dict)
    callers: dict[str, Api] = field(default_factory=dict)

    async def play(self, example: Example) -> httpx.Response:
        """Send the request of one example, with real ids for invented ones."""
        method, template = self.paths[example["operation"]]
        request = self._real(example["request"])
        path = template.format(**request.get("path", {}))
        if example["operation"] == "issue_token":
            return await self.http.post(path, data=self._signed_in(example["as"], request["body"]))
        caller = self.callers.setdefault(example["as"], Api(self.http, self.agencies[example["as"]]))
        return await caller.send(
            method, path, json=request.get("body"), params=request.get("query"), headers=request.get("headers")
        )

    def compare(self, example: Example, answer: httpx.Response) -> None:
        """Fails the test where the answer is not the one written; learns the ids it names."""
        written = example["answer"]
        assert answer.status_code == written["status"], answer.text
        for name, value in written.get("headers", {}).items():
            self._same(value, answer.headers.get(name), f"header {name}", name)
        if written.get("body") is None:
            assert answer.content == b""
        else:
            self._same(written["body"], answer.json(), "", "")

    def _signed_in(self, code: str, form: dict[str, str]) -> dict[str, str]:
        agency = self.agencies[code]
        issuer = str(self.http.base_url).rstrip("/")
        real = {"client_id": str(agency.client_id), "client_secret": agency.client_secret}
        if "client_assertion" in form:
            real["client_assertion"] = sign_client_assertion(
                agency.private_jwk, client_id=real["client_id"], audience=issuer, now=datetime.now(UTC)
            )
        return {name: real.get(name, value) for name, value in form.items()}

    def _real(self, value: Any) -> Any:
        if isinstance(value, str):
            return UUID.sub(lambda found: self.known.get(found[0], found[0]), value)
        if isinstance(value, list):
            return [self._real(item) for item in value]
        return {name: self._real(item) for name, item in value.items()} if isinstance(value, dict) else value

    def _same(self, written: Any, real: Any, where: str, name: str) -> None:
        assert type(written) is type(real), f"{where}: {written!r} is {real!r}"
        if isinstance(written, dict):
            assert written.keys() == real.keys(), f"{where}: {sorted(written)} is {sorted(real)}"
            for key, value in written.items():
                self._same(value, real[key], f"{where}/{key}", key)
        elif isinstance(written, list):
            assert len(written) == len(real), f"{where}: {len(written)} items are {len(real)}"
            for position, (one, other) in enumerate(zip(written, real, strict=True)):
                self._same(one, other, f"{where}/{position}", name)
        elif name == "ETag":
            assert _version(written) == _version(real), f"{where}: {written} is {real}"
        elif isinstance(written, str) and name not in NEW_EACH_TIME:
            assert UUID.sub("*", written) == UUID.sub("*", real), f"{where}: {written} is {real}"
            for invented, found in zip(UUID.findall(written), UUID.findall(real), strict=True):
                assert self.known.setdefault(invented, found) == found, f"{where}: another id than before"
        elif name not in NEW_EACH_TIME:
            assert written == real, f"{where}: {written} is {real}"


def _version(tag: str) -> str | None:
    """What can be compared of an entity tag: the rest of it is a hash, or what the caller may see."""
    found = re.fullmatch(r'"(v[0-9]+)(?:-[\w-]+)?"', tag)
    return found and found[1]

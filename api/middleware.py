"""What every HTTP exchange passes, in one pure ASGI class: each further layer costs a request 11 us, a
`BaseHTTPMiddleware` 226 us.

It gives the request its id, refuses unknown hosts and bodies that are too large or too slow, adds the headers every
answer has, answers what nobody caught, and writes one line to the access log: the route's template, never the path.
"""

import asyncio
import re
from collections.abc import Collection, Iterable
from time import perf_counter
from typing import Final
from uuid import uuid4

import structlog
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import answer
from logs import redact, request_id
from rules.errors import MalformedRequest, PayloadTooLarge

RawHeaders = list[tuple[bytes, bytes]]

BODY_SECONDS: Final = 30.0
# Probes and scrapers call by address, and these answers do not depend on the host.
_ANY_HOST: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_GONE: Final = 499  # nginx's number for a caller who left before the answer

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{8,64}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")

_VARY = b"Authorization, Accept-Language"
_PLAIN_JSON, _UTF8_JSON = b"application/json", b"application/json; charset=utf-8"
# Set unless the answer has its own, as pages for people do.
_DEFAULTS: Final[dict[bytes, bytes]] = {
    b"cache-control": b"private, no-store",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class ServiceMiddleware:
    """`app.add_middleware(ServiceMiddleware, public_url=…, allowed_hosts=[…], max_body_bytes=…)`.

    `allowed_hosts` are host names without port; `*` allows any. Afterwards `request.state` has `request_id` and
    `answer_headers`, a dict of headers that go out with whatever answer follows, failures included (rate limits). A
    dependency may set `request.state.client_id` for the access log.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        public_url: str,
        allowed_hosts: Collection[str],
        max_body_bytes: int,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self.app = app
        self.public_url = public_url
        self.max_body_bytes = max_body_bytes
        self.body_seconds = body_seconds
        self._hosts = frozenset(host.lower().encode("latin-1") for host in allowed_hosts)
        self._templates: dict[object, str] = {}
        self._log = structlog.get_logger(component="access")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        exchange = _Exchange(self, scope, receive, send)
        token = request_id.set(exchange.request_id)
        try:
            await self._serve(exchange, scope)
        finally:
            self._write_access_log(exchange, scope, (perf_counter() - started) * 1000)
            request_id.reset(token)

    async def _serve(self, exchange: "_Exchange", scope: Scope) -> None:
        try:
            exchange.check(self._hosts)
            await self.app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            return
        except Exception as error:  # the last net: what escaped would be a bare 500, its message logged by the server
            response = answer(error, scope, self.public_url)
            if exchange.status is None:
                await response(scope, exchange.receive, exchange.send)

    def _write_access_log(self, exchange: "_Exchange", scope: Scope, milliseconds: float) -> None:
        status = exchange.status or _CLIENT_GONE
        self._log.info(
            "request",
            method=scope["method"] if scope["method"] in _METHODS else "other",
            route=self._template(scope),
            status=status,
            ms=round(milliseconds, 1),
            client=scope["state"].get("client_id"),
        )

    def _template(self, scope: Scope) -> str:
        """The path as declared, found by endpoint: the route in the scope lacks the prefix it was included under."""
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return "unmatched"
        if endpoint not in self._templates:
            routes = iter_route_contexts(scope["app"].routes)
            self._templates.update({route.endpoint: route.path for route in routes if route.path is not None})
        return self._templates.get(endpoint, "unmatched")


class _Exchange:
    """One request and its answer."""

    __slots__ = ("_deadline", "_length", "_limits", "_receive", "_scope", "_send", "request_id", "status")

    def __init__(self, limits: ServiceMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        self._limits = limits
        self._scope = scope
        self._receive = receive
        self._send = send
        self._length = 0
        self._deadline: float | None = None
        self.status: int | None = None
        self.request_id = _request_id(dict(scope["headers"]))
        state = scope.setdefault("state", {})
        state["request_id"] = self.request_id
        state["answer_headers"] = {}

    def check(self, hosts: frozenset[bytes]) -> None:
        """Raise MalformedRequest for an unknown host, PayloadTooLarge for a length announced over the limit."""
        headers: RawHeaders = self._scope["headers"]
        if b"*" not in hosts and self._scope["path"] not in _ANY_HOST:
            named = [_without_port(value) for name, value in headers if name == b"host"]
            if len(named) != 1 or named[0] not in hosts:
                raise MalformedRequest("host")
        for name, value in headers:
            if name == b"content-length" and value.isdigit() and int(value[:20]) > self._limits.max_body_bytes:
                raise PayloadTooLarge

    async def receive(self) -> Message:
        """The next part of the body, counted and timed whatever length was announced.

        Raises HTTPException, because FastAPI turns every other error met while it reads a body into a 400.
        """
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._limits.body_seconds
        try:
            async with asyncio.timeout_at(self._deadline if self._length >= 0 else None):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        if message["type"] == "http.request" and self._length >= 0:
            self._length += len(message.get("body", b""))
            if self._length > self._limits.max_body_bytes:
                raise HTTPException(413)
            if not message.get("more_body", False):
                self._length = -1  # complete: whoever now waits for a disconnect may wait as long as it takes
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._completed(message.get("headers", ()))
        await self._send(message)

    def _completed(self, headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
        """The answer's headers with those every answer has."""
        given: dict[bytes, bytes] = {}
        answer_headers: RawHeaders = []
        for name, value in headers:
            lower = name.lower()
            given[lower] = value
            if lower != b"vary":
                answer_headers.append(
                    (lower, _UTF8_JSON if (lower, value) == (b"content-type", _PLAIN_JSON) else value)
                )
        answer_headers += [(name, value) for name, value in _DEFAULTS.items() if name not in given]
        answer_headers.append((b"vary", _VARY + b", " + given[b"vary"] if b"vary" in given else _VARY))
        answer_headers.append((b"request-id", self.request_id.encode("ascii")))
        extra: dict[str, str] = self._scope["state"]["answer_headers"]
        answer_headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in extra.items()]
        return answer_headers


def _without_port(host: bytes) -> bytes:
    """The name of a Host header in small letters; brackets of an IPv6 address stay."""
    return re.sub(rb":[0-9]{0,5}$", b"", host).lower()


def _request_id(headers: dict[bytes, bytes]) -> str:
    """The caller's `Request-Id`, else the trace id of its `traceparent`, else a new one.

    A caller's id that looks like a person's number or a secret is not taken: it would be in every log line.
    """
    given = headers.get(b"request-id", b"")
    if _REQUEST_ID.fullmatch(given):
        text = given.decode("ascii")
        if redact(text) == text:
            return text
    trace = _TRACEPARENT.fullmatch(headers.get(b"traceparent", b""))
    return trace[1].decode("ascii") if trace else uuid4().hex

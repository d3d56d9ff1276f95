"""The guarded client: calls what partners name, and nothing they must not be able to name.

Each request resolves the name anew, checks every answer, and goes to a checked address while the Host header and the
certificate's name stay those of the URL; so a name that resolves differently a moment later (DNS rebinding) leads
nowhere. aiohttp is only ever given addresses, and has no resolver: a connection is kept under its address, port, TLS
context and certificate's name, so one is used again only where its peer is among the addresses just checked and
proved to be of this name (docs/decisions/0035).

No redirects, no proxy or netrc of the environment, no cookies, no decompression. One deadline of our own spans all of
it: a timeout per read let a dripping answer run 6.5 s for a limit of 1 s (measured).
"""

import asyncio
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Final, NoReturn, Self, TypeAlias

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from rules.addresses import Address, ForbiddenTarget, Target, TargetPolicy, check_answers, read_target

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Every address of a name; raises OSError where there is none."""

DEADLINE_S = 15.0
CONNECT_S = 5.0
MAX_BODY_BYTES = 16 * 1024
PER_HOST = 4
WAIT_FOR_HOST_S = 5.0
KEPT_S = 10.0
"""How long a connection nobody uses is kept; most receivers close theirs after 5 to 75 s."""
_MAX_ADDRESSES = 3  # tried one after another within the deadline
_OF_CLIENTS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # habits that aiohttp shall not have


class OutboundFailure(Exception):  # noqa: N818  families of failure below it
    """Nobody answered as HTTP asks. `outcome` is all that the target's owner is told: never an address or a text."""

    outcome = "unreachable"


class Forbidden(OutboundFailure):
    """The target is not to be called. Told apart from Unresolved and Unconnected only in our own log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unresolved(OutboundFailure):
    """The name has no address."""


class Unconnected(OutboundFailure):
    """No connection came about."""


class Insecure(OutboundFailure):
    """TLS failed: certificate, name or protocol."""

    outcome = "insecure"


class Late(OutboundFailure):
    """The deadline passed."""

    outcome = "timeout"


class Garbled(OutboundFailure):
    """What came was cut off or not HTTP."""

    outcome = "protocol-error"


class Busy(Exception):  # noqa: N818  not a failure of the target
    """All connections to this host were in use for too long: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: header names in small letters, at most 16 KiB of the body. `public`: it came from the open internet,
    not from a network of the operator's list."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    public: bool = False


async def resolve_host(host: str, port: int) -> Sequence[Address]:
    """The system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(entry[4][0]) for entry in found]


def trusted_authorities() -> ssl.SSLContext:
    """Certificates of the system, where a closed network keeps its own authorities, and of certifi."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


class GuardedClient:
    """Posts to targets that `policy` allows, with at most four connections to one host and port at a time.

    Belongs to one event loop. Whoever has used it ends with `close`, or uses it as a context.
    """

    def __init__(
        self,
        policy: TargetPolicy,
        *,
        resolve: Resolver = resolve_host,
        tls: ssl.SSLContext | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._lines = _Lines(tls or trusted_authorities())
        self._deadline_s = deadline_s
        self._hosts: defaultdict[tuple[str, int], asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_HOST))
        self._waiting: defaultdict[tuple[str, int], int] = defaultdict(int)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hangs up what is kept; a later request begins anew."""
        await self._lines.close()

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer. Raises OutboundFailure, and Busy where nothing was sent."""
        try:
            target = read_target(url, self._policy)
        except ForbiddenTarget as forbidden:
            raise Forbidden(forbidden.code) from None
        async with self._place(target):
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await self._exchange(target, headers, body)
            except TimeoutError:
                raise Late from None

    @asynccontextmanager
    async def _place(self, target: Target) -> AsyncIterator[None]:
        """One of the host's connections; a host nobody waits for is forgotten, or their number would only grow."""
        key = (target.host, target.port)
        places = self._hosts[key]
        self._waiting[key] += 1
        try:
            try:
                async with asyncio.timeout(WAIT_FOR_HOST_S):
                    await places.acquire()
            except TimeoutError:
                raise Busy from None
            try:
                yield
            finally:
                places.release()
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._hosts[key]

    async def _exchange(self, target: Target, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer of the first address that can be connected to."""
        given = {"host": target.authority, **headers, "accept-encoding": "identity"}
        failure: OutboundFailure = Unconnected()
        for address in (await self._checked_addresses(target))[:_MAX_ADDRESSES]:
            try:
                reply = await self._lines.post(target, address, headers=given, body=body)
                return replace(reply, public=self._policy.is_public(address))
            except Unconnected as unconnected:
                failure = unconnected
        raise failure

    async def _checked_addresses(self, target: Target) -> Sequence[Address]:
        try:
            answers = [target.literal] if target.literal else await self._resolve(target.host, target.port)
        except OSError:
            raise Unresolved from None
        try:
            return check_answers(target, answers, self._policy)
        except ForbiddenTarget as forbidden:
            raise Forbidden(forbidden.code) from None


class _Lines:
    """Connections to addresses: kept ones, and new ones for what a kept one swallowed."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._kept: aiohttp.ClientSession | None = None
        self._new: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        sessions, self._kept, self._new = (self._kept, self._new), None, None
        for session in sessions:
            if session is not None:
                await session.close()

    async def post(self, target: Target, address: Address, *, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer of one address. Raises Unconnected, Insecure, Garbled.

        A receiver may close a kept connection in the moment in which it is used, and nobody can tell whether it had
        read what was sent: sent once more, by a new connection. Receivers know what they had by `webhook-id`.
        """
        use = _Use()
        self._kept = self._kept or _session(_connector(self._tls, keep=True))
        try:
            return await _post(self._kept, _Call(target, address, headers, body), use)
        except _HungUp:
            if not use.again:
                raise
        self._new = self._new or _session(_connector(self._tls, keep=False))
        return await _post(self._new, _Call(target, address, headers, body), use)


@dataclass(frozen=True, slots=True)
class _Call:
    """One request to one checked address."""

    target: Target
    address: Address
    headers: Mapping[str, str]
    body: bytes

    @property
    def url(self) -> URL:
        """The address in the place of the name, and the target's own path, byte for byte."""
        path, _, query = self.target.path.partition("?")
        return URL.build(
            scheme=self.target.scheme,
            host=str(self.address),
            port=self.target.port,
            path=path,
            query_string=query,
            encoded=True,
        )

    @property
    def server_hostname(self) -> str | None:
        """Whom the certificate must name, and SNI asks for; aiohttp takes the address itself for None."""
        return self.target.host if self.target.scheme == "https" and self.target.literal is None else None


@dataclass(slots=True)
class _Use:
    """How far a request came: on a connection that was used before, and to the head of an answer."""

    again: bool = False
    answered: bool = False


async def _post(session: aiohttp.ClientSession, call: _Call, use: _Use) -> Reply:
    try:
        async with session.post(
            call.url,
            headers=call.headers,
            data=call.body,
            allow_redirects=False,
            server_hostname=call.server_hostname,
            trace_request_ctx=use,
        ) as answer:
            use.answered = True
            return Reply(answer.status, _names(answer.raw_headers), await _beginning(answer))
    except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: of what is no HTTP
        _say(error, use)


def _say(error: Exception, use: _Use) -> NoReturn:
    """The family of what went wrong. A timeout of aiohttp's own is that of connecting: no other is set."""
    if isinstance(error, aiohttp.ClientSSLError) or _is_tls(error):
        raise Insecure from None
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        raise Unconnected from None
    if isinstance(error, TimeoutError):
        raise error  # of the deadline around all
    hung_up = isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError | aiohttp.ClientOSError)
    raise (_HungUp if hung_up and not use.answered else Garbled) from None


class _HungUp(Garbled):
    """The connection ended before an answer began."""


class _Nobody(AbstractResolver):
    """Resolves nothing: aiohttp is given addresses alone, and where it ever asked for a name it would get none."""

    async def resolve(
        self,
        host: str,  # noqa: ARG002  the signature is aiohttp's
        port: int = 0,  # noqa: ARG002
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        raise OSError("names are resolved and checked before")

    async def close(self) -> None:
        """Holds nothing."""


async def _note_reuse(_session: aiohttp.ClientSession, context: SimpleNamespace, _given: object) -> None:
    context.trace_request_ctx.again = True


def _connector(tls: ssl.SSLContext, *, keep: bool) -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(
        ssl=tls,
        resolver=_Nobody(),
        use_dns_cache=False,
        limit=0,  # the places of hosts and the courier's slots are the limit
        force_close=not keep,
        keepalive_timeout=KEPT_S if keep else None,
    )


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(_note_reuse)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_OF_CLIENTS,
        auto_decompress=False,
        trust_env=False,
        read_bufsize=MAX_BODY_BYTES,
        trace_configs=[tracing],
    )


def _names(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """The first 16 KiB; the connection is closed on the rest."""
    body = b""
    while part := await answer.content.read(MAX_BODY_BYTES - len(body)):
        body += part
        if len(body) == MAX_BODY_BYTES:
            answer.close()
            break
    return body


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False

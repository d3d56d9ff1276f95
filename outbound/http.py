"""The guarded client: calls what partners name, and nothing they must not be able to name.

Each request resolves the name anew, checks every answer, and connects to a checked address while the Host header and
the certificate's name stay those of the URL; so a name that resolves differently a moment later (DNS rebinding) leads
nowhere. No redirects, no proxy or netrc of the environment, no decompression, no kept connection. One deadline of our
own spans all of it: a timeout per read let a dripping answer run 6.5 s for a limit of 1 s (measured).
"""

import asyncio
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeAlias

import certifi
import httpcore

from rules.addresses import Address, ForbiddenTarget, Target, TargetPolicy, check_answers, read_target

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Every address of a name; raises OSError where there is none."""

DEADLINE_S = 15.0
CONNECT_S = 5.0
MAX_BODY_BYTES = 16 * 1024
PER_HOST = 4
WAIT_FOR_HOST_S = 5.0
_MAX_ADDRESSES = 3  # tried one after another within the deadline


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
    """An answer: header names in small letters, at most 16 KiB of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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
    """Posts to targets that `policy` allows, with at most four connections to one host and port at a time."""

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
        self._tls = tls or trusted_authorities()
        self._deadline_s = deadline_s
        self._hosts: defaultdict[tuple[str, int], asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_HOST))
        self._waiting: defaultdict[tuple[str, int], int] = defaultdict(int)

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
        addresses = await self._checked_addresses(target)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=_Pinned(addresses),
        )
        try:
            async with pool, pool.stream("POST", _url(target), headers=_lines(target, headers), content=body) as answer:
                return Reply(answer.status, _names(answer.headers), await _beginning(answer))
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise (Insecure if _is_tls(error) else Unconnected) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
            raise Garbled from None

    async def _checked_addresses(self, target: Target) -> Sequence[Address]:
        try:
            answers = [target.literal] if target.literal else await self._resolve(target.host, target.port)
        except OSError:
            raise Unresolved from None
        try:
            return check_answers(target, answers, self._policy)
        except ForbiddenTarget as forbidden:
            raise Forbidden(forbidden.code) from None


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, whatever name it is asked for."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses[:_MAX_ADDRESSES]
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(  # noqa: PLR0917  the signature is httpcore's
        self,
        host: str,  # noqa: ARG002  the point of this class
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  ours is shorter, and the deadline stands around all
        local_address: str | None = None,
        socket_options: Any = None,  # httpcore does not export its own type
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError()
        for address in self._addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, CONNECT_S, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _url(target: Target) -> httpcore.URL:
    """Our own parts, so that no second parser has a say."""
    return httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.path.encode(),
    )


def _lines(target: Target, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    given = {"host": target.authority, **headers, "accept-encoding": "identity", "connection": "close"}
    return [(name.encode(), value.encode()) for name, value in given.items()]


def _names(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


async def _beginning(answer: httpcore.Response) -> bytes:
    """The first 16 KiB; the connection is closed on the rest."""
    body = b""
    async for part in answer.aiter_stream():
        body += part
        if len(body) >= MAX_BODY_BYTES:
            break
    return body[:MAX_BODY_BYTES]


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False

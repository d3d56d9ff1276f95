"""A receiver on loopback that answers as told and keeps what it was sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from rules.addresses import TargetPolicy

LOOPBACK = "127.0.0.1"
ON_LOOPBACK = TargetPolicy.of("127.0.0.0/8", allow_http=True, production=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


Answering: TypeAlias = Callable[["Receiver", Sent, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Receiver:
    """`requests` in the order of arrival; `connections` counts also those that sent nothing. `keeps`: answers more than
    one request of a connection, until `answering` closes it."""

    answering: Answering
    keeps: bool = False
    port: int = 0
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    requests: list[Sent] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                sent = await _read(reader)
                self.requests.append(sent)
                await self.answering(self, sent, writer)
                await writer.drain()
                if not self.keeps or writer.is_closing():
                    break
        self.open_now -= 1
        writer.close()


def answer(status: int, body: bytes = b"", *, headers: str = "", after_s: float = 0) -> Answering:
    """A plain answer, perhaps after a while."""

    async def answering(_receiver: Receiver, _sent: Sent, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after_s)
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body)

    return answering


def in_turn(*answers: Answering) -> Answering:
    """The first request gets the first answer, and so on; the last is repeated."""

    async def answering(receiver: Receiver, sent: Sent, writer: asyncio.StreamWriter) -> None:
        await answers[min(len(receiver.requests), len(answers)) - 1](receiver, sent, writer)

    return answering


def raw(content: bytes) -> Answering:
    """Exactly these bytes."""

    async def answering(_receiver: Receiver, _sent: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(content)

    return answering


@asynccontextmanager
async def receiving(
    answering: Answering, *, tls: ssl.SSLContext | None = None, keeps: bool = False, at: tuple[str, int] = (LOOPBACK, 0)
) -> AsyncIterator[Receiver]:
    receiver = Receiver(answering, keeps)
    server = await asyncio.start_server(receiver.serve, *at, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader) -> Sent:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Sent(head[0], headers, body)

"""Bodies that lie about their length, over a real socket and the real server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from tests.api.mechanisms.desk import MAX_BODY, build_desk

HEAD = b"POST /v1/notes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
CHUNK = b"a" * 60_000


@asynccontextmanager
async def serving(*, body_seconds: float = 30) -> AsyncIterator[int]:
    """The desk on a free port of the loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = build_desk(body_seconds=body_seconds)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag, no event
        await asyncio.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def _talk(port: int, *parts: bytes, close: bool = False) -> bytes:
    """Send the parts and read until the server has answered or hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if close:
            writer.write_eof()
        async with asyncio.timeout(5):
            return await reader.readuntil(b"}") if not close else await reader.read()
    finally:
        writer.close()


def _chunked(chunk: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(chunk), chunk)


async def test_a_chunked_body_without_length_is_read() -> None:
    async with serving() as port:
        answer = await _talk(
            port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", _chunked(b'{"text": "x"}'), b"0\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 201")


async def test_a_chunked_body_is_cut_off_at_the_limit() -> None:
    async with serving() as port:
        parts = [_chunked(CHUNK) for _ in range(MAX_BODY // len(CHUNK) + 2)]
        answer = await _talk(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *parts)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"payload-too-large" in answer


async def test_a_length_over_the_limit_is_refused_before_the_body_comes() -> None:
    async with serving() as port:
        answer = await _talk(port, HEAD + b"Content-Length: 50000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


async def test_the_connection_survives_a_body_that_was_refused() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"Content-Length: 600000\r\n\r\n" + CHUNK * 10)
        first = await reader.readuntil(b"}")
        writer.write(HEAD + b'Content-Length: 13\r\n\r\n{"text": "x"}')
        second = await reader.readuntil(b"HTTP/1.1 201")
        writer.close()
    assert first.startswith(b"HTTP/1.1 413")
    assert second


async def test_what_follows_the_announced_length_is_never_taken_for_a_request_of_its_own() -> None:
    async with serving() as port:
        answer = await _talk(port, HEAD + b'Content-Length: 13\r\n\r\n{"text": "x"}GARBAGE\r\n\r\n', close=True)
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_caller_who_leaves_in_the_middle_of_a_body_gets_nothing_and_breaks_nothing() -> None:
    async with serving() as port:
        assert b"201" not in await _talk(port, HEAD + b'Content-Length: 500\r\n\r\n{"text": "x"}', close=True)
        assert b"201" in await _talk(port, HEAD + b'Content-Length: 13\r\n\r\n{"text": "x"}')


async def test_a_body_that_never_ends_is_given_up() -> None:
    async with serving(body_seconds=0.2) as port:
        answer = await _talk(port, HEAD + b'Content-Length: 500\r\n\r\n{"text"')
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("length", [b"-1", b"+13", b"1_3", b"13, 13", b"0x0d"])
async def test_a_length_that_is_no_number_is_refused(length: bytes) -> None:
    async with serving() as port:
        answer = await _talk(port, HEAD + b"Content-Length: " + length + b'\r\n\r\n{"text": "x"}', close=True)
    assert answer.startswith(b"HTTP/1.1 400")


async def test_length_and_chunks_together_are_refused_or_read_as_chunks_only() -> None:
    """RFC 9112 section 6.3: the two together are how requests are smuggled past a proxy."""
    async with serving() as port:
        both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await _talk(port, HEAD + both + _chunked(b'{"text": "x"}') + b"0\r\n\r\n", close=True)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 201"))
    assert answer.count(b"HTTP/1.1") == 1

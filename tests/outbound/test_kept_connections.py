"""Connections that are kept: used again for the same name at an address just checked, and for nothing else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest

from outbound.http import Forbidden, Garbled, GuardedClient, Insecure
from rules.addresses import Address
from tests.outbound.certificates import contexts_for
from tests.outbound.receivers import LOOPBACK, ON_LOOPBACK, Receiver, Sent, answer, in_turn, raw, receiving

ELSEWHERE = "127.0.0.2"


@dataclass(slots=True)
class Names:
    """A resolver whose answer can be changed between requests."""

    answers: list[str] = field(default_factory=lambda: [LOOPBACK])

    async def resolve(self, _host: str, _port: int) -> Sequence[Address]:
        return [ip_address(text) for text in self.answers]


async def post(client: GuardedClient, url: str) -> int:
    return (await client.post(url, headers={}, body=b"{}")).status


async def hang_up(_receiver: Receiver, _sent: Sent, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_ten_requests_one_after_the_other_take_one_connection() -> None:
    async with receiving(answer(200, b"taken"), keeps=True) as receiver, GuardedClient(ON_LOOPBACK) as client:
        for _ in range(10):
            assert await post(client, receiver.url) == 200
        assert receiver.connections == 1
    assert len(receiver.requests) == 10


async def test_a_name_that_moved_is_called_where_it_is_now() -> None:
    names = Names()
    async with receiving(answer(200), keeps=True) as old, GuardedClient(ON_LOOPBACK, resolve=names.resolve) as client:
        url = f"http://moving.example:{old.port}/"
        assert await post(client, url) == 200
        names.answers = [ELSEWHERE]
        async with receiving(answer(202), keeps=True, at=(ELSEWHERE, old.port)) as new:
            assert await post(client, url) == 202
            assert len(new.requests) == 1
        assert len(old.requests) == 1


async def test_a_kept_connection_does_not_outlive_the_permission() -> None:
    names = Names()
    async with receiving(answer(200), keeps=True) as receiver:
        async with GuardedClient(ON_LOOPBACK, resolve=names.resolve) as client:
            url = f"http://turning.example:{receiver.port}/"
            assert await post(client, url) == 200
            names.answers = [LOOPBACK, "169.254.169.254"]
            with pytest.raises(Forbidden):
                await post(client, url)
        assert len(receiver.requests) == 1


async def test_a_connection_kept_for_one_name_proves_nothing_of_another_at_the_same_address(tmp_path: Path) -> None:
    server, trusting = contexts_for("receiver.example", tmp_path)
    async with receiving(answer(200), tls=server, keeps=True) as receiver:
        async with GuardedClient(ON_LOOPBACK, resolve=Names().resolve, tls=trusting) as client:
            for _ in range(2):
                assert await post(client, f"https://receiver.example:{receiver.port}/") == 200
            assert receiver.connections == 1
            with pytest.raises(Insecure):
                await post(client, f"https://other.example:{receiver.port}/")
        assert len(receiver.requests) == 2


async def test_what_a_closing_connection_swallowed_is_sent_once_more_by_a_new_one() -> None:
    async with receiving(in_turn(answer(200), hang_up, answer(201)), keeps=True) as receiver:
        async with GuardedClient(ON_LOOPBACK) as client:
            assert await post(client, receiver.url) == 200
            assert await post(client, receiver.url) == 201
        assert receiver.connections == 2


async def test_a_receiver_that_only_hangs_up_is_called_twice_at_most() -> None:
    async with receiving(in_turn(answer(200), hang_up), keeps=True) as receiver:
        async with GuardedClient(ON_LOOPBACK) as client:
            assert await post(client, receiver.url) == 200
            with pytest.raises(Garbled):
                await post(client, receiver.url)
            assert len(receiver.requests) == 3
            with pytest.raises(Garbled):
                await post(client, receiver.url)
        assert len(receiver.requests) == 4


@pytest.mark.parametrize(
    "content", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nhalf"]
)
async def test_an_answer_that_began_is_not_asked_for_again(content: bytes) -> None:
    async def begin(receiver: Receiver, sent: Sent, writer: asyncio.StreamWriter) -> None:
        await raw(content)(receiver, sent, writer)
        writer.close()

    async with receiving(in_turn(answer(200), begin), keeps=True) as receiver:
        async with GuardedClient(ON_LOOPBACK, deadline_s=5) as client:
            assert await post(client, receiver.url) == 200
            with pytest.raises(Garbled):
                await post(client, receiver.url)
        assert len(receiver.requests) == 2


async def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_kept() -> None:
    async with receiving(answer(200, b"x" * 40_000), keeps=True) as receiver, GuardedClient(ON_LOOPBACK) as client:
        for _ in range(2):
            assert len((await client.post(receiver.url, headers={}, body=b"")).body) == 16 * 1024
        assert receiver.connections == 2


async def test_receivers_set_no_cookies() -> None:
    setting = answer(200, headers="set-cookie: a=1; path=/\r\n")
    async with receiving(setting, keeps=True) as receiver, GuardedClient(ON_LOOPBACK) as client:
        for _ in range(2):
            await post(client, receiver.url)
    assert all("cookie" not in sent.headers for sent in receiver.requests)


@pytest.mark.parametrize("path", ["/a/../b;c=%7e?x=+&y=%41%20%2B", "//twice/%2E%2e/", "/%e5%8a%a9?=&&", "/?q=/../'"])
async def test_the_path_goes_out_byte_for_byte_as_it_was_stored(path: str) -> None:
    async with receiving(answer(200)) as receiver, GuardedClient(ON_LOOPBACK) as client:
        await post(client, f"http://{LOOPBACK}:{receiver.port}{path}")
    assert receiver.requests[0].line == f"POST {path} HTTP/1.1"

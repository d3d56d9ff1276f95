"""The guarded client: only checked addresses, one deadline, little read, nothing followed."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from outbound.http import (
    Forbidden,
    Garbled,
    GuardedClient,
    Insecure,
    Late,
    OutboundFailure,
    Resolver,
    Unconnected,
    Unresolved,
)
from rules.addresses import Address, TargetPolicy
from tests.outbound.certificates import contexts_for
from tests.outbound.receivers import ON_LOOPBACK, Receiver, Sent, answer, raw, receiving

PUBLIC = "93.184.216.34"


def resolving_to(*addresses: str) -> Resolver:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address(address) for address in addresses]

    return resolve


async def post(client: GuardedClient, url: str) -> int:
    async with client:
        return (await client.post(url, headers={"x-own": "1"}, body=b"{}")).status


async def test_a_request_arrives_with_host_and_without_the_habits_of_clients() -> None:
    async with receiving(answer(204)) as receiver:
        client = GuardedClient(ON_LOOPBACK)
        assert await post(client, f"{receiver.url}?a=1") == 204
    sent = receiver.requests[0]
    assert sent.line == "POST /hook?a=1 HTTP/1.1"
    assert sent.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "x-own": "1",
        "accept-encoding": "identity",
        "content-length": "2",
    }


async def test_the_checked_address_is_called_whatever_the_name_says_a_moment_later() -> None:
    """DNS rebinding: the name is resolved once per request, by us, and never by what connects."""
    async with receiving(answer(200)) as receiver:
        client = GuardedClient(ON_LOOPBACK, resolve=resolving_to("127.0.0.1"))
        assert await post(client, f"http://never.resolved.example:{receiver.port}/") == 200
    assert receiver.requests[0].headers["host"] == f"never.resolved.example:{receiver.port}"


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "10.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:7f00:1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1"],
        [],
    ],
)
async def test_one_forbidden_answer_is_enough_to_call_nobody(answers: list[str]) -> None:
    async with receiving(answer(200)) as receiver:
        client = GuardedClient(TargetPolicy(allow_http=True), resolve=resolving_to(*answers))
        with pytest.raises(Forbidden):
            await post(client, "http://mixed.example:8080/")
        assert receiver.connections == 0


async def test_a_port_beyond_the_standard_ones_is_for_listed_addresses_only() -> None:
    client = GuardedClient(ON_LOOPBACK, resolve=resolving_to(PUBLIC))
    with pytest.raises(Forbidden) as refused:
        await post(client, "https://public.example:6379/")
    assert refused.value.code == "url-port"


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with receiving(answer(200)) as inside:
        location = f"location: {inside.url}\r\n"
        async with receiving(answer(302, headers=location)) as receiver:
            assert await post(GuardedClient(ON_LOOPBACK), receiver.url) == 302
        assert inside.connections == 0


async def test_a_dripping_answer_ends_at_the_deadline() -> None:
    async def drip(_receiver: Receiver, _sent: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(600):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    async with receiving(drip) as receiver:
        async with asyncio.timeout(20):
            with pytest.raises(Late):
                await post(GuardedClient(ON_LOOPBACK, deadline_s=0.5), receiver.url)


async def test_a_dripping_head_ends_at_the_deadline_too() -> None:
    async def drip(_receiver: Receiver, _sent: Sent, writer: asyncio.StreamWriter) -> None:
        for letter in b"HTTP/1.1 200 OK":
            writer.write(bytes([letter]))
            await writer.drain()
            await asyncio.sleep(0.1)

    async with receiving(drip) as receiver:
        with pytest.raises(Late):
            await post(GuardedClient(ON_LOOPBACK, deadline_s=0.4), receiver.url)


async def test_a_slow_resolver_is_within_the_deadline() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        await asyncio.sleep(5)
        return []

    with pytest.raises(Late):
        await post(GuardedClient(ON_LOOPBACK, resolve=resolve, deadline_s=0.2), "https://slow.example/")


async def test_of_a_big_answer_only_the_beginning_is_read() -> None:
    written = 0

    async def pour(_receiver: Receiver, _sent: Sent, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 300000000\r\n\r\n")
        for _ in range(4_000):
            writer.write(b"x" * 65_536)
            await writer.drain()
            written += 65_536

    async with receiving(pour) as receiver, GuardedClient(ON_LOOPBACK) as client:
        reply = await client.post(receiver.url, headers={}, body=b"")
        assert reply.status == 200
        assert len(reply.body) == 16 * 1024
        await asyncio.sleep(0.1)
    assert written < 20_000_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_a_whole_http_answer_is_garbled(content: bytes) -> None:
    async with receiving(raw(content)) as receiver:
        with pytest.raises(Garbled) as failure:
            await post(GuardedClient(ON_LOOPBACK, deadline_s=2), receiver.url)
    assert failure.value.outcome == "protocol-error"


async def test_a_closed_port_a_missing_name_and_a_forbidden_target_look_alike_to_the_owner() -> None:
    async def missing(_host: str, _port: int) -> Sequence[Address]:
        raise socket.gaierror

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        failures: list[OutboundFailure] = []
        for client, url, family in (
            (GuardedClient(ON_LOOPBACK), f"http://127.0.0.1:{port}/", Unconnected),
            (GuardedClient(ON_LOOPBACK, resolve=missing), "https://missing.example/", Unresolved),
            (GuardedClient(ON_LOOPBACK), "http://169.254.169.254/", Forbidden),
        ):
            with pytest.raises(family) as failure:
                await post(client, url)
            failures.append(failure.value)
    assert {failure.outcome for failure in failures} == {"unreachable"}


async def test_the_certificate_must_be_of_the_name_in_the_url_although_an_address_is_called(tmp_path: Path) -> None:
    server, trusting = contexts_for("receiver.example", tmp_path)
    asked_for: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with receiving(answer(200), tls=server) as receiver:
        client = GuardedClient(ON_LOOPBACK, resolve=resolving_to("127.0.0.1"), tls=trusting)
        assert await post(client, f"https://receiver.example:{receiver.port}/") == 200
        assert asked_for == ["receiver.example"]
        distrusting = GuardedClient(ON_LOOPBACK, resolve=resolving_to("127.0.0.1"))
        for deceived, name in ((client, "other.example"), (distrusting, "receiver.example")):
            with pytest.raises(Insecure) as failure:
                await post(deceived, f"https://{name}:{receiver.port}/")
            assert failure.value.outcome == "insecure"
        assert len(receiver.requests) == 1


async def test_at_most_four_connections_go_to_one_host_at_a_time() -> None:
    async with receiving(answer(200, after_s=0.1)) as receiver, GuardedClient(ON_LOOPBACK) as client:
        replies = await asyncio.gather(*(client.post(receiver.url, headers={}, body=b"{}") for _ in range(10)))
        assert {reply.status for reply in replies} == {200}
    assert receiver.most_open == 4


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(answer(500)) as proxy, receiving(answer(200)) as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert await post(GuardedClient(ON_LOOPBACK), receiver.url) == 200
        assert proxy.connections == 0

"""250 hostile targets against listeners on loopback: nothing is connected to, and what comes of it looks all alike."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from outbound.http import GuardedClient, OutboundFailure, trusted_authorities
from rules.addresses import Address, TargetPolicy

TARGETS: Final = 250
SPREAD_MS: Final = 50.0
PUBLIC: Final = "93.184.216.34"
_TLS: Final = trusted_authorities()  # once: reading certificates takes longer than all else

_HOSTS: Final = (
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001"),
    *("127.0.0.01", "127.000.000.001", "0", "0.0.0.0", "127.0.0.1.", "127.255.255.254", "[::1]", "[::]"),
    *("[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::7f00:1]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::ffff:0:7f00:1]"),
    *("[fe80::1%25lo]", "[::1%25lo]", "[fec0::1]", "[ff02::1]", "localhost", "LOCALHOST", "localhost.", "a.localhost"),
    *("127。0。0。1", "１２７.0.0.1", "⑫⑦.0.0.1", "%31%32%37.0.0.1", "127.0.0.1%2f", "127%2e0%2e0%2e1"),
    *("a@127.0.0.1", "example.com@127.0.0.1", "example.com\\@127.0.0.1", "127.0.0.1\\@example.com", "ip6-localhost"),
    *("169.254.169.254", "100.100.100.200", "metadata.google.internal", "[fd00:ec2::254]", "10.0.0.1", "192.168.0.1"),
    *("printer.local", "intranet", "broadcasthost", "127.0.0.1 ", "127.0.0.1\t", "127.0.0.1\r\nx"),
)
_ANSWERS: Final = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::7f00:1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "::ffff:0:7f00:1", "fe80::1", "fec0::1", "ff02::1"),
    *("169.254.169.254", "100.100.100.200", "fd00:ec2::254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
    *("198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "5f00::1", "3fff::1", "fc00::1"),
)


@dataclass(slots=True)
class _Listeners:
    """What stands on loopback and must not be met."""

    port: int = 0
    connections: int = 0

    async def meet(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def _listening() -> AsyncIterator[_Listeners]:
    """On a port of the standard ones where one is free, so that the port is not what is refused."""
    listeners = _Listeners()
    servers = []
    for port in (8080, 80, 0):
        try:
            servers.append(await asyncio.start_server(listeners.meet, "127.0.0.1", port))
        except OSError:
            continue
        listeners.port = servers[0].sockets[0].getsockname()[1]
        break
    with contextlib.suppress(OSError):  # a machine without IPv6 has nothing to be met there
        servers.append(await asyncio.start_server(listeners.meet, "::1", listeners.port))
    try:
        yield listeners
    finally:
        for server in servers:
            server.close()


def targets(port: int) -> list[tuple[str, tuple[str, ...]]]:
    """URL and what its name is said to resolve to: literals and spellings, then names with one bad answer, alone,
    before and behind a good one."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for host in _HOSTS:
        found += [(f"http://{host}:{port}/", ("127.0.0.1",)), (f"http://{host}:{port}/?@example.com", ("127.0.0.1",))]
        found.append((f"https://{host}/", ("127.0.0.1",)))
    for number, answer in enumerate(_ANSWERS):
        for answers in ((answer,), (PUBLIC, answer), (answer, PUBLIC)):
            found.append((f"http://name-{number}.example:{port}/", answers))
    return found[-TARGETS:]


async def measure() -> dict[str, Any]:
    """Connections met, outward outcomes, milliseconds from the quickest to the slowest refusal, and the control: the
    same listener is met where the policy allows it."""
    async with _listening() as listeners:
        took, outcomes = [], set()
        for url, answers in targets(listeners.port):
            before = time.perf_counter()
            outcomes.add(await _outcome(TargetPolicy(allow_http=True), url, answers))
            took.append(1_000 * (time.perf_counter() - before))
        met = listeners.connections
        allowing = TargetPolicy.of("127.0.0.0/8", allow_http=True, production=False)
        control = await _outcome(allowing, f"http://allowed.example:{listeners.port}/", ("127.0.0.1",))
        return {
            "targets": len(took),
            "connections": met,
            "outcomes": sorted(outcomes),
            "control": control,
            "control_connections": listeners.connections - met,
            "spread_ms": max(took) - min(took),
            "spread_bar_ms": SPREAD_MS,
        }


async def _outcome(policy: TargetPolicy, url: str, answers: Sequence[str]) -> str:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address(text) for text in answers]

    async with GuardedClient(policy, resolve=resolve, tls=_TLS, deadline_s=2) as client:
        try:
            return f"answered {(await client.post(url, headers={}, body=b'')).status}"
        except OutboundFailure as failure:
            return failure.outcome


def faults(figures: Mapping[str, Any]) -> list[str]:
    """Which promises are broken."""
    found = []
    if figures["connections"]:
        found.append(f"{figures['connections']} connections to what is forbidden")
    if figures["outcomes"] != ["unreachable"]:
        found.append(f"the owner can tell them apart: {figures['outcomes']}")
    if figures["control"] != "answered 200" or figures["control_connections"] != 1:
        found.append("the listener is not there: nothing was shown")
    return found

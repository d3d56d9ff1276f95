"""A closed loop of keep-alive connections over plain sockets: the generator must cost less than what it measures."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Request = bytes
NextRequest = Callable[[], Request | None]


@dataclass(slots=True)
class Measured:
    """Latencies in seconds, and answers that were not as expected, by status."""

    latencies: list[float] = field(default_factory=list)
    wrong: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return len(self.latencies)

    def percentile(self, share: float) -> float:
        """Latency in milliseconds below which `share` of the requests lie."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request_bytes(method: str, path: str, token: str, *, body: bytes = b"", headers: Sequence[str] = ()) -> Request:
    """One HTTP/1.1 request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {token}", *headers]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def drive(
    port: int, next_request: NextRequest, *, seconds: float, connections: int = 16, expect: int = 200
) -> Measured:
    """Sends requests from `next_request` over `connections` for `seconds`, or until it gives None."""
    measured = Measured()
    started = time.perf_counter()
    ends = started + seconds
    await asyncio.gather(*(_worker(port, next_request, measured, ends=ends, expect=expect) for _ in range(connections)))
    measured.seconds = time.perf_counter() - started
    return measured


async def _worker(port: int, next_request: NextRequest, measured: Measured, *, ends: float, expect: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.perf_counter() < ends:
            request = next_request()
            if request is None:
                return
            before = time.perf_counter()
            writer.write(request)
            status = await _read_answer(reader)
            measured.latencies.append(time.perf_counter() - before)
            if status != expect:
                measured.wrong[status] = measured.wrong.get(status, 0) + 1
    finally:
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> int:
    """Reads one answer whole and returns its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        length = int(lower[at + 15 : lower.index(b"\r\n", at)])
        if length:
            await reader.readexactly(length)
    return status

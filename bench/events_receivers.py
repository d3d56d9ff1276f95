"""Receivers of the events bench: many ports in one process of its own, each with a habit, all noted in one file.

`python -m bench.events_receivers --log FILE HABIT:COUNT …` listens on loopback, prints the ports of each habit as one
line of JSON, and notes every request as a line `habit port id sequence attempt replay status at subject`, `at` in
seconds of the wall clock. Each receiver answers the challenge of its activation, whatever its habit.
"""

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias, cast

import uvloop

ROOT = Path(__file__).resolve().parent.parent
GZIP_BYTES: Final = 300_000_000
_CHUNK: Final = b"\x1f\x8b" + bytes(65_534)


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, as HTTP/1.1 has it."""

    def __init__(self, habit: "Habit", note: "Note") -> None:
        self._habit, self._note = habit, note
        self._buffer = b""
        self._pouring: asyncio.Task[None] | None = None
        self._may_write = asyncio.Event()
        self.attempt = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        self.port = transport.get_extra_info("sockname")[1]
        self._may_write.set()
        self._note.connections += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            headers = _headers(self._buffer[:end])
            whole = end + 4 + int(headers.get(b"content-length", b"0"))
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._answer(headers, body)

    def _answer(self, headers: Mapping[bytes, bytes], body: bytes) -> None:
        challenge = _challenge(headers, body)
        self.attempt = headers.get(b"tongli-attempt", b"")
        habit = _answer_challenge(challenge) if challenge else self._habit
        status = habit(self)
        if challenge is None:
            self._note.write(self.port, headers, body, status)

    def plain(self, status: int, body: bytes = b"") -> int:
        self.transport.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body)
        return status

    def pour(self, head: bytes, part: bytes, times: int, pause_s: float) -> None:
        """Writes `part` again and again for as long as the other side takes it."""
        self._pouring = asyncio.ensure_future(self._pour(head, part, times, pause_s))

    async def _pour(self, head: bytes, part: bytes, times: int, pause_s: float) -> None:
        self.transport.write(head)
        for _ in range(times):
            await self._may_write.wait()
            if self.transport.is_closing():
                return
            self.transport.write(part)
            await asyncio.sleep(pause_s)

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        if self._pouring is not None:
            self._pouring.cancel()


Habit: TypeAlias = Callable[[_Connection], int]
"""Answers one request, or does not; the status it will have been told, 0 for none."""


def _answer_challenge(challenge: str) -> Habit:
    return lambda connection: connection.plain(200, json.dumps({"challenge": challenge}).encode())


def fast(connection: _Connection) -> int:
    return connection.plain(204)


def failing(share: float, chance: random.Random) -> Habit:
    """Refuses a share of the requests at random, some of them by hanging up."""

    def answer(connection: _Connection) -> int:
        drawn = chance.random()
        if drawn >= share:
            return connection.plain(204)
        if drawn >= share / 4:
            return connection.plain(chance.choice((500, 502, 404)))
        connection.transport.close()
        return 0

    return answer


def stumbling() -> Habit:
    """Refuses every other first attempt: so many in a row that a breaker opens never come."""
    firsts = count()

    def answer(connection: _Connection) -> int:
        refused = connection.attempt == b"1" and next(firsts) % 2 == 0
        return connection.plain(500 if refused else 204)

    return answer


def hanging(_connection: _Connection) -> int:
    return 0


def dripping(connection: _Connection) -> int:
    """A byte a second, and the head says that a thousand follow."""
    connection.pour(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n", b"x", 1_000, 1.0)
    return 0


def flooding(connection: _Connection) -> int:
    """300 MB that claim to be gzip."""
    head = b"HTTP/1.1 500 X\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % GZIP_BYTES
    connection.pour(head, _CHUNK, GZIP_BYTES // len(_CHUNK), 0)
    return 0


@dataclass(slots=True)
class Note:
    """Where requests are written down."""

    file: TextIO
    connections: int = 0
    names: dict[int, str] = field(default_factory=dict)

    def write(self, port: int, headers: Mapping[bytes, bytes], body: bytes, status: int) -> None:
        told = [headers.get(name, b"-").decode() for name in _NOTED]
        self.file.write(f"{self.names[port]} {port} {' '.join(told)} {status} {time.time():.4f} {_subject(body)}\n")


_NOTED: Final = (b"webhook-id", b"tongli-sequence", b"tongli-attempt", b"tongli-replay")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request as it was noted."""

    habit: str
    port: int
    event_id: str
    sequence: int
    attempt: int
    replay: bool
    status: int
    at: float
    subject: str


@dataclass(slots=True)
class Receivers:
    """The running process: ports by habit, and what arrived so far."""

    ports: dict[str, list[int]]
    log: Path
    pid: int

    def arrived(self) -> list[Arrived]:
        """Everything noted so far, in the order of arrival."""
        lines = self.log.read_text(encoding="ascii").splitlines(keepends=True)
        return [_read(line) for line in lines if line.endswith("\n")]

    def count(self) -> int:
        return self.log.read_bytes().count(b"\n")


@contextlib.contextmanager
def receivers(log: Path, *, seed: int = 1, **habits: int) -> Iterator[Receivers]:
    """So many receivers of each habit, in a process of their own until the block ends."""
    asked = [f"{habit}:{count}" for habit, count in habits.items()]
    command = [sys.executable, "-P", "-m", "bench.events_receivers", "--log", str(log), "--seed", str(seed), *asked]
    with subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield Receivers(json.loads(child.stdout.readline()), log, child.pid)
        finally:
            child.terminate()


async def _serve(habits: Sequence[str], log: Path, seed: int) -> None:
    loop, chance = asyncio.get_running_loop(), random.Random(seed)
    known: dict[str, Callable[[], Habit]] = {
        "fast": lambda: fast,
        "failing": lambda: failing(0.3, chance),
        "stumbling": stumbling,
        "hanging": lambda: hanging,
        "dripping": lambda: dripping,
        "flooding": lambda: flooding,
    }
    ports: dict[str, list[int]] = {}
    with log.open("a", encoding="ascii", buffering=1) as file:
        note = Note(file)
        for asked in habits:
            name, _, wanted = asked.partition(":")
            for _ in range(int(wanted)):
                server = await loop.create_server(partial(_Connection, known[name](), note), "127.0.0.1", 0)
                port = server.sockets[0].getsockname()[1]
                note.names[port] = name
                ports.setdefault(name, []).append(port)
        print(json.dumps(ports), flush=True)
        await asyncio.Event().wait()


def _headers(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[1:])
    return {name.lower(): value for name, _, value in lines}


def _challenge(headers: Mapping[bytes, bytes], body: bytes) -> str | None:
    if headers.get(b"tongli-event-type") != b"endpoint.verification":
        return None
    return str(json.loads(body)["data"]["challenge"])


def _subject(body: bytes) -> str:
    try:
        envelope: Any = json.loads(body)
        return str(envelope["subject"]["id"])
    except (ValueError, KeyError, TypeError):
        return "-"


def _read(line: str) -> Arrived:
    habit, port, event_id, sequence, attempt, replay, status, at, subject = line.split()
    numbers = (0 if sequence == "-" else int(sequence), 0 if attempt == "-" else int(attempt))
    return Arrived(habit, int(port), event_id, *numbers, replay == "true", int(status), float(at), subject)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("habits", nargs="+", metavar="HABIT:COUNT")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(given.habits, given.log, given.seed))

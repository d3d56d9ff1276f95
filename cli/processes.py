"""The processes of `./tongli serve`: started together, watched, stopped in order, and never left behind.

The family keeps three promises. SIGTERM and SIGINT stop the children in the order given (the API first, so that it
drains while jobs and database still answer), then the caller stops the database. A child that dies is started again,
more slowly each time; one that cannot live ends the family with exit code 1. When the family itself is killed with -9,
the children go too: each is told its parent in TONGLI_PARENT_PID and calls `follow_parent`.
"""

import ctypes
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol, Self
from urllib.parse import urlsplit

PARENT = "TONGLI_PARENT_PID"
PR_SET_PDEATHSIG = 1
DRAIN_SECONDS = 20.0
QUICK_DEATH_SECONDS = 10.0
QUICK_DEATHS_ALLOWED = 5
FIRST_WAIT_SECONDS = 0.5  # before the second start; doubles with every quick death
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Child:
    """One program: what people call it, its command line, and what its environment has beyond the family's."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


class Database(Protocol):
    """What the family needs of an embedded database: to see that it died, and to bring it back."""

    @property
    def alive(self) -> bool: ...

    def start(self) -> None: ...


class Family:
    """Runs children until told to stop. To be used in the main thread, which is the one that receives signals."""

    def __init__(
        self, children: Sequence[Child], *, database: Database | None = None, say: Callable[[str], None] = print
    ) -> None:
        self._members = [_Member(child, say) for child in children]
        self._database = database
        self._say = say
        self._signals = 0
        self._before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self.stop()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._signals > 0

    def start(self) -> None:
        """Take over SIGTERM and SIGINT and start every child."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._on_signal)
        for member in self._members:
            member.start()

    def watch(self) -> int:
        """Keep everything running until a signal (0) or until a child cannot be kept alive (1). Stops nothing."""
        while not self.stopping:
            if not self.look_after():
                return 1
            time.sleep(LOOK_EVERY_SECONDS)
        return 0

    def look_after(self) -> bool:
        """Bring back whatever has died; False when a child is given up. Cheap; call it often."""
        if self._database is not None and not self._database.alive:
            self._say("the database stopped unexpectedly; starting it again")
            self._database.start()
        fates = [member.look_after() for member in self._members]
        return all(fates)

    def stop(self) -> None:
        """Stop the children one after the other; each has 20 s to finish its work, or none after a second signal."""
        for member in self._members:
            member.stop(hurried=lambda: self._signals > 1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1


class _Member:
    """A child through all its lives."""

    def __init__(self, child: Child, say: Callable[[str], None]) -> None:
        self._child = child
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._start_at: float | None = None
        self._quick_deaths = 0

    def start(self) -> None:
        self._start_at = None
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            list(self._child.argv),
            env={**os.environ, **self._child.env, PARENT: str(os.getpid())},
            start_new_session=True,  # Ctrl-C reaches the family alone, which stops the children in order
        )

    def look_after(self) -> bool:
        now = time.monotonic()
        if self._start_at is not None:
            if now >= self._start_at:
                self.start()
            return True
        if self._process is None or self._process.poll() is None:
            return True
        return self._plan_restart(now)

    def _plan_restart(self, now: float) -> bool:
        assert self._process is not None
        self._quick_deaths = self._quick_deaths + 1 if now - self._started < QUICK_DEATH_SECONDS else 1
        ending = _ending(self._process.returncode)
        self._process = None
        if self._quick_deaths >= QUICK_DEATHS_ALLOWED:
            self._say(f"{self._child.name} {ending}, {self._quick_deaths} times in a row; giving up")
            return False
        wait = FIRST_WAIT_SECONDS * 2 ** (self._quick_deaths - 1)
        self._say(f"{self._child.name} {ending}; starting it again in {wait:g} s")
        self._start_at = now + wait
        return True

    def stop(self, hurried: Callable[[], bool]) -> None:
        self._start_at = None
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        deadline = time.monotonic() + DRAIN_SECONDS
        while process.poll() is None:
            if hurried() or time.monotonic() > deadline:
                self._say(f"{self._child.name} has not finished; killing it")
                process.kill()
                process.wait()
                return
            time.sleep(LOOK_EVERY_SECONDS / 2)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended unexpectedly (exit code {code})"
    return f"was killed (signal {-code})"


def follow_parent() -> None:
    """End this process when the one named in TONGLI_PARENT_PID ends: by SIGTERM first, so that work can be finished.

    Linux sends the signal itself. A thread looks as well, for other systems, and to end a process that hangs while it
    finishes. Grandchildren do not inherit the variable.
    """
    parent = int(os.environ.pop(PARENT))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    threading.Thread(target=_end_after, args=(parent,), name="follow-parent", daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN_SECONDS)
    os._exit(1)


def wait_until_ready(url: str, timeout: float, meanwhile: Callable[[], bool] = lambda: True) -> bool:
    """Ask an http URL until it answers 200, for at most `timeout` seconds or until `meanwhile()` is false.

    True when it answered. Ignores proxies of the environment: the service is on this machine.
    """
    target = urlsplit(url)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and meanwhile():
        connection = http.client.HTTPConnection(target.hostname or "127.0.0.1", target.port or 80, timeout=5)
        try:
            connection.request("GET", target.path or "/")
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(LOOK_EVERY_SECONDS / 2)
    return False

"""The process between Tongli and its PostgreSQL: it starts the server and takes it along when Tongli dies.

Run as a script (`python -I -S embedded_keeper.py UID GID postgres -D …`), standard library only. Its standard input is
a pipe held by Tongli: end of file, however it comes about (close, exit, kill -9), means a fast shutdown. Should the
keeper itself be killed, Linux sends the server SIGINT (fast shutdown) through the parent-death signal; other systems
have no such signal, and there the next start of Tongli stops the orphan.

A process of its own, because a parent-death signal follows the *thread* that forked: a server forked from a worker
thread of Tongli would stop when that thread ends. It costs about 10 MB.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
from types import FrameType

FAST_SHUTDOWN = signal.SIGINT
IMMEDIATE_SHUTDOWN = signal.SIGQUIT
FAST_SHUTDOWN_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
LOOK_EVERY_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Keep one server until it ends or Tongli does. Writes the server's process id to standard output."""
    uid, gid, *command = arguments
    owner = os.getppid()
    wake = _wake_on_signals()
    server = _start(command, (int(uid), int(gid)))
    os.write(1, b"%d\n" % server)
    os.close(1)
    return _keep(server, owner, wake)


def _keep(server: int, owner: int, wake: int) -> int:
    """Wait for either side to end. A forked child of Tongli may hold the pipe open, so the parent is looked at too."""
    seconds_left: float | None = None
    while (code := _ended(server)) is None:
        watched = [wake] if seconds_left is not None else [wake, 0]
        ready, _, _ = select.select(watched, [], [], LOOK_EVERY_SECONDS)
        asked = wake in ready and _asked_to_stop(wake)
        if seconds_left is not None:
            seconds_left -= 0 if ready else LOOK_EVERY_SECONDS
            if seconds_left <= 0:
                _signal(server, IMMEDIATE_SHUTDOWN)
        elif asked or 0 in ready or os.getppid() != owner:
            _signal(server, FAST_SHUTDOWN)
            seconds_left = FAST_SHUTDOWN_SECONDS
    return code


def _start(command: list[str], account: tuple[int, int]) -> int:
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    keeper = os.getpid()
    server = os.fork()
    if server:
        return server
    try:
        _become(*account)
        # After the change of user: changing it clears the signal. Exec keeps it.
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(FAST_SHUTDOWN), 0, 0, 0)
        if os.getppid() == keeper:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as fault:
        os.write(2, f"could not start {command[0]}: {fault}\n".encode())
    os._exit(127)


def _become(uid: int, gid: int) -> None:
    if os.geteuid() == uid:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _ended(server: int) -> int | None:
    done, status = os.waitpid(server, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def _signal(server: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(server, number)


def _wake_on_signals() -> int:
    """A descriptor that becomes readable when the server ends or somebody asks the keeper to stop."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _noted)
    return readable


def _noted(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor carries the signal; a handler must exist for Python to write to it."""


def _asked_to_stop(wake: int) -> bool:
    return bool({signal.SIGTERM, signal.SIGINT} & set(os.read(wake, 4096)))


if __name__ == "__main__":
    sys.exit(min(abs(main(sys.argv[1:])), 255))

"""What an earlier run of the embedded PostgreSQL may have left behind, judged by its `postmaster.pid`."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from db.embedded_place import EmbeddedError

STATUS_LINE = 7  # eighth line of postmaster.pid: starting, ready, stopping
PATIENCE = ((10.0, signal.SIGINT), (20.0, signal.SIGQUIT), (10.0, None))


def settle(cluster: Path, say: Callable[[str], None]) -> None:
    """Make sure no server runs on this cluster. The caller holds the data directory's lock, so any server is an orphan.

    A server whose keeper is stopping it is waited for; one without a keeper is stopped. A file left by a server that is
    gone is removed, because its process id may belong to a stranger by now (in a container it regularly does), and
    PostgreSQL would then refuse to start. Raises EmbeddedError if the orphan cannot be stopped.
    """
    lines = _lines(cluster)
    if not lines:
        return
    pid = int(lines[0]) if lines[0].isdigit() else 0
    if pid and _is_server_of(cluster, pid):
        say(f"a PostgreSQL of an interrupted run (process {pid}) is still there; waiting for it to stop")
        _stop(cluster, pid)
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def status_of(cluster: Path, pid: int | None) -> str | None:
    """What the server with this process id says of itself: "starting", "ready", "stopping"; None: nothing yet."""
    lines = _lines(cluster)
    if len(lines) <= STATUS_LINE or lines[0] != str(pid):
        return None
    return lines[STATUS_LINE].strip()


def _lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _stop(cluster: Path, pid: int) -> None:
    for seconds, then in PATIENCE:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _is_server_of(cluster, pid):
                return
            time.sleep(0.05)
        if then is not None:
            os.kill(pid, then)
    raise EmbeddedError(f"a PostgreSQL of an interrupted run (process {pid}) on {cluster} does not stop")


def _is_server_of(cluster: Path, pid: int) -> bool:
    """By its command line, which also tells a zombie (none) from a server."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        listed = subprocess.run(  # noqa: S603 - fixed program, a number
            ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
        )
        return f"-D {cluster} " in listed.stdout
    return str(cluster) in words and Path(words[0]).name == "postgres"

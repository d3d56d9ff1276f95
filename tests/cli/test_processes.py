"""The family of processes behind `./tongli serve`, with real processes and real signals."""

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import processes
from cli.processes import Child, Family, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]

POLITE = """
import os, signal, sys, time
from pathlib import Path
from cli.processes import follow_parent
follow_parent()
log = Path(sys.argv[1])
def note(text):
    with log.open("a") as file:
        file.write(text + "\\n")
def leave(*_):
    time.sleep(float(sys.argv[3]))
    note(sys.argv[2] + " left")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
note(f"{sys.argv[2]} {os.getpid()}")
while True:
    time.sleep(0.05)
"""

FAMILY = """
import sys
from cli.processes import Child, Family
child = [sys.executable, "-c", sys.argv[1], sys.argv[2]]
with Family([Child("api", [*child, "api", "0.3"]), Child("jobs", [*child, "jobs", "0"])]) as family:
    code = family.watch()
print("database stopped", flush=True)
sys.exit(code)
"""


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def _lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _polite(log: Path, name: str) -> Child:
    return Child(name, [sys.executable, "-c", POLITE, str(log), name, "0"], {"PYTHONPATH": str(ROOT)})


def _family(log: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", FAMILY, POLITE, str(log)]
    family = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert _within(10, lambda: len(_lines(log)) == 2)
    return family


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_api_then_the_jobs_then_the_database(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    family = _family(log)
    family.send_signal(number)
    shown, _ = family.communicate(timeout=10)
    assert family.returncode == 0
    assert _lines(log)[2:] == ["api left", "jobs left"]
    assert shown == "database stopped\n"


def test_kill_9_of_the_family_leaves_no_child(tmp_path: Path) -> None:
    log = tmp_path / "log"
    family = _family(log)
    children = [int(line.split()[1]) for line in _lines(log)]
    family.kill()
    family.communicate()
    assert _within(5, lambda: not any(_alive(child) for child in children))
    assert {"api left", "jobs left"} <= set(_lines(log))  # by SIGTERM, so with time to finish


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    log, said = tmp_path / "log", list[str]()
    with Family([_polite(log, "jobs")], say=said.append) as family:
        assert _within(10, lambda: len(_lines(log)) == 1)
        os.kill(int(_lines(log)[0].split()[1]), signal.SIGKILL)
        assert _within(10, lambda: family.look_after() and len(_lines(log)) == 2)
    assert said == ["jobs was killed (signal 9); starting it again in 0.5 s"]


def test_a_child_that_cannot_live_ends_the_family_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "FIRST_WAIT_SECONDS", 0.01)
    said: list[str] = []
    with Family([Child("api", [sys.executable, "-S", "-c", "raise SystemExit(3)"])], say=said.append) as family:
        assert family.watch() == 1
    assert len(said) == 5
    assert said[-1] == "api ended unexpectedly (exit code 3), 5 times in a row; giving up"


def test_a_child_that_does_not_drain_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "DRAIN_SECONDS", 0.3)
    stubborn = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w'); time.sleep(60)"
    said: list[str] = []
    started = tmp_path / "started"
    with Family([Child("api", [sys.executable, "-c", stubborn, str(started)])], say=said.append):
        assert _within(10, started.exists)
    assert said == ["api has not finished; killing it"]


class _Fragile:
    """A database that died once."""

    def __init__(self) -> None:
        self.starts = 0

    @property
    def alive(self) -> bool:
        return self.starts > 0

    def start(self) -> None:
        self.starts += 1


def test_a_dead_database_is_brought_back() -> None:
    database, said = _Fragile(), list[str]()
    with Family([], database=database, say=said.append) as family:
        assert family.look_after()
        assert family.look_after()
    assert database.starts == 1
    assert len(said) == 1


def test_waiting_ends_with_the_first_good_answer_and_gives_up_in_time() -> None:
    class Slow(http.server.BaseHTTPRequestHandler):
        answers = iter([503, 503, 200])

        def do_GET(self) -> None:
            self.send_response(next(self.answers))
            self.end_headers()

        def log_message(self, *_arguments: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/readyz"
        assert wait_until_ready(url, 5)
        server.shutdown()
    assert not wait_until_ready(url, 0.2)
    assert not wait_until_ready(url, 60, meanwhile=lambda: False)
